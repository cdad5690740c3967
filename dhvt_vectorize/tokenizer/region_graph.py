"""Label map → region adjacency graph, and what is left of it when regions join.

A `Graph` holds rows: the neighbours of region u are `neighbours[starts[u]:starts[u] + degrees[u]]`, and every edge
stands in both rows. Between rows there may be gaps: each thread writes its rows into a share of the arrays that is
certain to suffice. A contraction writes into the arrays of the graph before the last, so that a tree's rounds touch
memory for the first time only once: at four megapixels fresh pages cost more than the work on them. What these arrays
have too much of goes back round by round.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, Int64

from . import _kernels
from .parts import in_parts

# neighbours and lengths of a graph that is no longer needed
Spare = tuple[np.ndarray, np.ndarray]


class Graph(NamedTuple):
    """Who neighbours whom.

    Attributes:
        starts: int64 (K,), where each region's row begins.
        degrees: int32 (K,), how long it is.
        neighbours: int32, the regions.
        lengths: int32, pixel sides shared with them.
    """

    starts: Int64[np.ndarray, "K"]
    degrees: Int32[np.ndarray, "K"]
    neighbours: Int32[np.ndarray, "E"]
    lengths: Int32[np.ndarray, "E"]


class Groups(NamedTuple):
    """Regions that have become one.

    Attributes:
        first_member: int32 (G,), a region of each group.
        next_member: int32 (K,), another region of the same group, one after the other from the first on; −1 at the end.
        of_region: int32 (K,), the group of every region.
    """

    first_member: Int32[np.ndarray, "G"]
    next_member: Int32[np.ndarray, "K"]
    of_region: Int32[np.ndarray, "K"]


def region_graph(labels: Int32[np.ndarray, "H W"], count: int) -> tuple[Graph, Spare]:
    """The adjacency graph of the regions 0…count − 1 of a label map, and arrays for the first contraction."""
    degrees = _kernels.sides_of_regions(labels, count)
    starts = np.cumsum(degrees, dtype=np.int64) - degrees
    neighbours, lengths, *spare = (np.empty(int(degrees.sum(dtype=np.int64)), np.int32) for _ in range(4))
    _kernels.neighbours_at_sides(labels, starts.copy(), neighbours)
    graph = Graph(starts, degrees, neighbours, lengths)
    in_parts(count, lambda first, last: _kernels.join_parallel_edges(first, last, *graph))
    return graph, (spare[0], spare[1])


def contracted(graph: Graph, groups: Groups, spare: Spare) -> Graph:
    """The graph between groups of regions; parallel edges become one, their lengths add up.

    Args:
        graph: between regions.
        groups: of them.
        spare: where the new rows are written; at least as long as the graph has edges, counted from both ends, and
            shortened to that.
    """
    count = len(groups.first_member)
    starts, degrees = np.empty(count, np.int64), np.empty(count, np.int32)
    edges = int(graph.degrees.sum(dtype=np.int64))
    for array in spare:
        shorten(array, edges)
    in_parts(
        count,
        lambda first, last: _kernels.contract_rows(first, last, *groups, *graph, starts, degrees, *spare),
    )
    return Graph(starts, degrees, *spare)


def shorten(array: np.ndarray, count: int) -> None:
    """Leave an array its first rows only, where it is: the memory of the others goes back at once.

    Nobody else may hold a view of it.
    """
    array.resize((count, *array.shape[1:]), refcheck=False)
