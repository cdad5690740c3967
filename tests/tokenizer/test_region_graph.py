"""The adjacency graph of a label map is that of a plain count, and stays so however regions are joined."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dhvt_vectorize.tokenizer import parts
from dhvt_vectorize.tokenizer.region_graph import Graph, Groups, contracted, region_graph

label_maps = arrays.arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 7)).map(
    lambda labels: np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)
)


def _edges(graph: Graph) -> dict[tuple[int, int], int]:
    return {
        (u, int(graph.neighbours[place])): int(graph.lengths[place])
        for u, (start, degree) in enumerate(zip(graph.starts, graph.degrees, strict=True))
        for place in range(start, start + degree)
    }


def _counted(labels: np.ndarray) -> dict[tuple[int, int], int]:
    sides = [*zip(labels[1:].flat, labels[:-1].flat, strict=True)]
    sides += [*zip(labels[:, 1:].flat, labels[:, :-1].flat, strict=True)]
    counted = Counter(pair for a, b in sides if a != b for pair in ((int(a), int(b)), (int(b), int(a))))
    return dict(counted)


@settings(deadline=None)
@given(label_maps)
def test_the_graph_is_a_count_of_pixel_sides(labels: np.ndarray) -> None:
    graph, spare = region_graph(labels, int(labels.max()) + 1)
    assert _edges(graph) == _counted(labels)
    assert all(len(array) >= graph.degrees.sum() for array in spare)


@pytest.mark.parametrize("threads", [1, 3])
def test_joining_regions_gives_the_graph_of_the_joined_map(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "SMALLEST_PART", 2)
    monkeypatch.setenv("NUMBA_NUM_THREADS", str(threads))
    random = np.random.default_rng(0)
    labels = np.arange(400, dtype=np.int32).reshape(20, 20)
    graph, spare = region_graph(labels, 400)
    while len(graph.degrees) > 1:
        count = len(graph.degrees)
        of_region = np.unique(random.integers(0, max(1, count // 2), count), return_inverse=True)[1].astype(np.int32)
        first_member = np.full(of_region.max() + 1, -1, np.int32)
        next_member = np.empty(count, np.int32)
        for region, group in enumerate(of_region):
            next_member[region], first_member[group] = first_member[group], region
        groups = Groups(first_member, next_member, of_region)
        graph, spare = contracted(graph, groups, spare), (graph.neighbours, graph.lengths)
        labels = of_region[labels]
        assert _edges(graph) == _counted(labels)
