"""The planar map against what is counted plainly from the labels: sides, areas, Euler's formula, the labels again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_maps import (
    CROSSWISE,
    ZOO,
    connected_label_maps,
    inside_even_odd,
    label_maps,
    parts,
    parts_of_regions,
    ring_points,
)
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from dhvt_vectorize.tracing.planar_map import PlanarMap, trace_planar_map

any_map = st.one_of(label_maps(), connected_label_maps(), st.sampled_from([*ZOO.values(), *CROSSWISE.values()]))
connected_map = st.one_of(connected_label_maps(), st.sampled_from(list(ZOO.values())))


def rings_of_faces(planar_map: PlanarMap) -> list[list[np.ndarray]]:
    """Every face's rings of half-arcs."""
    order, offsets, groups = planar_map.rings(*planar_map.half_arcs_by_face())
    rings: list[list[np.ndarray]] = [[] for _ in range(planar_map.faces)]
    for r, face in enumerate(groups):
        rings[face].append(order[offsets[r] : offsets[r + 1]])
    return rings


def face_beside(labels: np.ndarray, x: int, y: int) -> int:
    height, width = labels.shape
    return int(labels[y, x]) if 0 <= x < width and 0 <= y < height else -1


def assert_chained(planar_map: PlanarMap, ring: np.ndarray) -> None:
    """Each half-arc begins where the one before ends, the first where the last ends."""
    pieces = ring_points(planar_map, ring)
    for before, after in zip(pieces, pieces[1:] + pieces[:1], strict=True):
        assert before[-1].tolist() == after[0].tolist()


@given(any_map)
def test_every_border_side_is_in_exactly_one_arc_with_its_two_faces(labels: np.ndarray) -> None:
    planar_map = trace_planar_map(labels)
    framed = np.pad(labels, 1, constant_values=-1)
    sides = [(x, y, "v") for y, x in np.argwhere(framed[1:-1, 1:] != framed[1:-1, :-1])]
    sides += [(x, y, "h") for y, x in np.argwhere(framed[1:, 1:-1] != framed[:-1, 1:-1])]
    walked = []
    for a in range(planar_map.arcs):
        for (x, y), (to_x, to_y) in zip(planar_map.arc(a)[:-1], planar_map.arc(a)[1:], strict=True):
            assert abs(to_x - x) + abs(to_y - y) == 1
            x0, y0 = min(x, to_x), min(y, to_y)
            walked.append((x0, y0, "v" if x == to_x else "h"))
            # walking east, left is above; walking south, left is east
            first, second = ((x0, y0 - 1), (x0, y0)) if y == to_y else ((x0, y0), (x0 - 1, y0))
            left, right = (first, second) if (to_x > x or to_y > y) else (second, first)
            assert face_beside(labels, *left) == planar_map.left[a]
            assert face_beside(labels, *right) == planar_map.right[a]
    assert sorted(walked) == sorted(sides)


@given(any_map)
def test_the_rings_of_a_face_enclose_as_many_pixels_as_it_has(labels: np.ndarray) -> None:
    planar_map = trace_planar_map(labels)
    twice = planar_map.signed_areas()
    areas = [sum(int(twice[ring].sum()) for ring in rings) / 2 for rings in rings_of_faces(planar_map)]
    assert areas == np.bincount(labels.ravel()).tolist()
    assert sum(areas) == labels.size


@given(any_map)
def test_the_rings_of_a_face_filled_give_its_pixels(labels: np.ndarray) -> None:
    planar_map = trace_planar_map(labels)
    for face, rings in enumerate(rings_of_faces(planar_map)):
        points = [np.concatenate(ring_points(planar_map, ring)) for ring in rings]
        assert np.array_equal(inside_even_odd(points, *labels.shape), labels == face)


@given(any_map)
def test_rings_chain_end_to_end_and_use_every_half_arc_once(labels: np.ndarray) -> None:
    planar_map = trace_planar_map(labels)
    used = []
    for face, rings in enumerate(rings_of_faces(planar_map)):
        for ring in rings:
            assert_chained(planar_map, ring)
            used += ring.tolist()
            for h in ring:
                assert (planar_map.left, planar_map.right)[h % 2][h // 2] == face
    outside = np.concatenate([2 * np.flatnonzero(planar_map.left < 0), 2 * np.flatnonzero(planar_map.right < 0) + 1])
    assert sorted([*used, *outside.tolist()]) == list(range(2 * planar_map.arcs))


@given(connected_map)
def test_a_connected_face_has_exactly_one_outer_ring(labels: np.ndarray) -> None:
    planar_map = trace_planar_map(labels)
    twice = planar_map.signed_areas()
    for rings in rings_of_faces(planar_map):
        assert sum(twice[ring].sum() > 0 for ring in rings) == 1
        assert all(twice[ring].sum() != 0 for ring in rings)


@given(any_map)
def test_vertices_edges_and_faces_obey_eulers_formula(labels: np.ndarray) -> None:
    """V − E + F = 1 + C for a plane graph of C parts. A closed arc is a loop at a vertex of its own; where borders only
    touch there is no vertex, and the regions that pass between them are one face; the outside is a face too."""
    planar_map = trace_planar_map(labels)
    closed = planar_map.start < 0
    junctions = len(planar_map.junctions)
    vertices = junctions + int(closed.sum())
    faces = int(parts_of_regions(labels).max()) + 2
    start, end = planar_map.start[~closed], planar_map.end[~closed]
    graph = coo_matrix((np.ones(len(start)), (start, end)), (junctions, junctions))
    pieces = (connected_components(graph, directed=False)[0] if junctions else 0) + int(closed.sum())
    assert vertices - planar_map.arcs + faces == 1 + pieces


@given(any_map)
def test_a_junction_is_where_three_regions_meet_or_four_of_which_no_opposite_two_are_one(labels: np.ndarray) -> None:
    planar_map = trace_planar_map(labels)
    framed = np.pad(labels, 1, constant_values=-1)
    expected = []
    for y in range(labels.shape[0] + 1):
        for x in range(labels.shape[1] + 1):
            (nw, ne), (sw, se) = framed[y : y + 2, x : x + 2]
            borders = int(nw != ne) + int(sw != se) + int(nw != sw) + int(ne != se)
            if borders == 3 or (borders == 4 and nw != se and ne != sw):
                expected.append([x, y])
    assert sorted(planar_map.junctions.tolist()) == sorted(expected)


@given(any_map)
def test_arcs_begin_and_end_at_their_junctions_and_leave_in_their_headings(labels: np.ndarray) -> None:
    planar_map = trace_planar_map(labels)
    step = {(1, 0): 0, (0, 1): 1, (-1, 0): 2, (0, -1): 3}
    leaving = np.full((len(planar_map.junctions), 4), -1)
    for a in range(planar_map.arcs):
        arc = planar_map.arc(a)
        assert planar_map.heading[a].tolist() == [step[tuple(arc[1] - arc[0])], step[tuple(arc[-2] - arc[-1])]]
        if planar_map.start[a] < 0:
            assert planar_map.end[a] < 0
            assert arc[0].tolist() == arc[-1].tolist()
            continue
        for h, junction, corner in ((2 * a, planar_map.start[a], arc[0]), (2 * a + 1, planar_map.end[a], arc[-1])):
            assert planar_map.junctions[junction].tolist() == corner.tolist()
            leaving[junction, planar_map.heading[a, h % 2]] = h
    assert np.array_equal(leaving, planar_map.leaving)


@given(any_map, st.integers(0, 2**32 - 1))
def test_the_rings_of_any_union_of_faces_filled_give_its_pixels(labels: np.ndarray, seed: int) -> None:
    planar_map = trace_planar_map(labels)
    groups = np.random.default_rng(seed).random((3, planar_map.faces)) < 0.5
    half_arcs, offsets = [], [0]
    for chosen in groups:
        beside = np.append(chosen, False)  # index −1 is the outside
        on_left, on_right = beside[planar_map.left], beside[planar_map.right]
        half_arcs += [*(2 * np.flatnonzero(on_left & ~on_right)), *(2 * np.flatnonzero(on_right & ~on_left) + 1)]
        offsets.append(len(half_arcs))
    order, ring_offsets, group_of_ring = planar_map.rings(np.array(half_arcs, np.int32), np.array(offsets))
    twice = planar_map.signed_areas()
    rings = [order[ring_offsets[r] : ring_offsets[r + 1]] for r in range(len(group_of_ring))]
    for ring in rings:
        assert_chained(planar_map, ring)
    for g, chosen in enumerate(groups):
        own = [ring for ring, group in zip(rings, group_of_ring, strict=True) if group == g]
        mask = chosen[labels]
        points = [np.concatenate(ring_points(planar_map, ring)) for ring in own]
        assert np.array_equal(inside_even_odd(points, *labels.shape), mask)
        assert sum(twice[ring].sum() > 0 for ring in own) == parts_of_union(labels, mask)


def parts_of_union(labels: np.ndarray, mask: np.ndarray) -> int:
    """How many parts a union of faces has. Crosswise, opposite pixels of it are joined unless another region passes."""
    height, width = mask.shape
    crosswise = []
    for y in range(1, height):
        for x in range(1, width):
            nw, ne, sw, se = labels[y - 1, x - 1], labels[y - 1, x], labels[y, x - 1], labels[y, x]
            here = y * width + x
            if mask[y - 1, x - 1] and mask[y, x] and not mask[y - 1, x] and not mask[y, x - 1]:
                crosswise += [(here - width - 1, here)] * bool(ne != sw or (nw == se and nw > ne))
            if mask[y - 1, x] and mask[y, x - 1] and not mask[y - 1, x - 1] and not mask[y, x]:
                crosswise += [(here - width, here - 1)] * bool(nw != se or (ne == sw and ne > nw))
    both_right = mask[:, 1:] & mask[:, :-1]
    both_below = mask[1:] & mask[:-1]
    return len(np.unique(parts(both_right, both_below, crosswise)[mask]))


@pytest.mark.parametrize("name", [*ZOO, *CROSSWISE])
def test_labels_of_another_type_or_layout_give_the_same_map(name: str) -> None:
    labels = {**ZOO, **CROSSWISE}[name]
    first, second = trace_planar_map(labels), trace_planar_map(np.asfortranarray(labels, np.int64))
    for field in ("points", "offsets", "left", "right", "start", "end", "heading", "junctions", "leaving"):
        assert np.array_equal(getattr(first, field), getattr(second, field)), field


def test_a_disc_in_a_square_is_one_closed_arc_in_another() -> None:
    planar_map = trace_planar_map(ZOO["nested rings"])
    assert (planar_map.start < 0).all()
    assert planar_map.arcs == planar_map.faces
