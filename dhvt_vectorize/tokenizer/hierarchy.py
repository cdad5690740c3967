"""FeatureMap → MergeTree: bottom-up merging of neighbouring regions, from flat zones to the whole image.

Leaves are the 4-connected zones of equal features. Neighbours merge in rounds under a rising cost threshold: in each
round pairs that choose each other, leaves of the adjacency graph and nodes far smaller than their choice. The cost of a
merge is Ward's, n₁n₂/(n₁+n₂)·|mean₁ − mean₂|², divided by (shared border)^μ where a border exponent μ is given.
The tree approximates greedy merging (Ward 1963 on a region adjacency graph, as in Salembier & Garrido's binary
partition tree, 2000); `tests/tokenizer/test_hierarchy.py` measures by how much.

All sums are integers, ties are broken by a fixed hash of the node ids, so the tree depends on the features alone.
Limits: 4-neighbourhood; at most 2³⁰ pixels; |feature| ≤ 2¹⁵.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Int32, Int64

from . import _kernels, _tree_kernels
from .rank import number_at
from .region_graph import Graph, Spare, region_graph
from .rounds import Front
from .spare_memory import WORTHWHILE_PIXELS, give_back

# A round's threshold is raised until the best edges of this share of the nodes lie below it. A small share is close to
# greedy merging but takes many rounds; while nodes are a few pixels each, a large one loses nothing (measured on Kodak:
# 0.5 until a twentieth of the leaves is left costs 0.00 dB and saves 40 % of the time).
EARLY_SHARE, LATE_SHARE = 0.5, 0.12
LATE_FROM = 0.05
THRESHOLD_GROWTH = 1.3

GraphOf = Callable[[Int32[np.ndarray, "H W"], int, Int64[np.ndarray, "L"]], tuple[Graph, Spare]]


@dataclass(frozen=True)
class MergeTree:
    """A binary tree of regions. Ids 0…L−1 are leaves, L…2L−2 merges, children before parents, the root last.

    Attributes:
        leaf_of_pixel: int32 (H, W), leaf id of every pixel; leaves are 4-connected, numbered in raster order.
        left, right: int32 (M,), children of a merge, −1 for leaves.
        parent: int32 (M,), −1 for the root.
        cost: float64 (M,), the merge's cost, 0 for leaves, in squared feature units × pixels.
        pixels: int64 (M,), area.
        sums, squares: int64 (M, C), sums of the features and of their squares.
        border: int64 (M,), pixel sides shared with other regions (the image's frame is not counted).
    """

    leaf_of_pixel: Int32[np.ndarray, "H W"]
    left: Int32[np.ndarray, "M"]
    right: Int32[np.ndarray, "M"]
    parent: Int32[np.ndarray, "M"]
    cost: Float[np.ndarray, "M"]
    pixels: Int64[np.ndarray, "M"]
    sums: Int64[np.ndarray, "M C"]
    squares: Int64[np.ndarray, "M C"]
    border: Int64[np.ndarray, "M"]

    @property
    def leaves(self) -> int:
        """Number of leaves L."""
        return (len(self.left) + 1) // 2


def build_merge_tree(
    values: Int[np.ndarray, "H W C"],
    leaf_of_pixel: Int32[np.ndarray, "H W"] | None = None,
    border_exponent: float = 0.0,
    steps_a_pixel: float = 0.0,
) -> MergeTree:
    """The merge tree of integer features.

    Args:
        values: |value| ≤ 2¹⁵.
        leaf_of_pixel: 4-connected regions 0…L−1 to begin with; None begins with flat zones.
        border_exponent: μ.
        steps_a_pixel: how many feature steps a pixel of distance between centroids counts for in a merge's cost; above
            0 regions become compact, as superpixels with positions among their features do (SLIC, Achanta et al. 2012).
    """
    values = np.ascontiguousarray(values, np.int32)
    if leaf_of_pixel is None:
        leaf_of_pixel, leaves = _kernels.flat_zones(values)
    else:
        leaves = int(leaf_of_pixel.max()) + 1
    rows, columns = (np.arange(side) for side in leaf_of_pixel.shape)
    return tree_over(values, leaf_of_pixel, leaves, _in_the_image, (rows, columns), border_exponent, steps_a_pixel)


def tree_over(
    values: Int[np.ndarray, "H W C"],
    leaf_of_pixel: Int32[np.ndarray, "H W"],
    leaves: int,
    graph_of: GraphOf,
    places: tuple[Int[np.ndarray, "H"], Int[np.ndarray, "W"]],
    border_exponent: float,
    steps_a_pixel: float,
) -> MergeTree:
    """The merge tree over regions of whatever neighbourhood.

    Args:
        values, border_exponent, steps_a_pixel: as in `build_merge_tree`.
        leaf_of_pixel: the regions to begin with.
        leaves: how many they are.
        graph_of: regions, their number, and their borders in the image, which may be corrected → who neighbours whom.
        places: y of each row of pixels and x of each column, in px.
    """
    is_large = leaf_of_pixel.size >= WORTHWHILE_PIXELS
    if is_large:
        give_back()
    # means are rounded: taken from the first pixel's value, they round alike whatever constant the features hold
    origin = values[0, 0].astype(np.int64)
    tree = _empty_tree(leaves, values.shape[2])
    left, right, cost, pixels, sums, border = tree
    _kernels.add_statistics(leaf_of_pixel, values, origin, pixels, sums, border)
    sums_of_places = _sums_of_places(leaf_of_pixel, leaves, places, steps_a_pixel)
    graph, spare = graph_of(leaf_of_pixel, leaves, border[:leaves])
    front = Front(pixels[:leaves], sums[:leaves], sums_of_places, graph, spare, border_exponent)
    del sums_of_places, graph, spare  # as the front shrinks, memory goes back
    _merge_all(front, tree)
    del front
    if is_large:
        give_back()
    _kernels.move_origin(pixels, sums, origin)
    # what no merge asks for takes no memory while the front does
    left[:leaves], right[:leaves], cost[:leaves] = -1, -1, 0.0
    parent = np.full(len(left), -1, np.int32)
    parent[left[leaves:]] = parent[right[leaves:]] = np.arange(leaves, len(left), dtype=np.int32)
    squares = np.empty_like(sums)
    squares[:leaves] = 0
    _kernels.add_squares(leaf_of_pixel, values, squares)
    _tree_kernels.sum_up(left, right, squares)
    return MergeTree(leaf_of_pixel, left, right, parent, cost, pixels, sums, squares, border)


def flat_zones(values: Int[np.ndarray, "H W C"]) -> Int32[np.ndarray, "H W"]:
    """The 4-connected zones of equal values, 0…L−1 in raster order."""
    zones: Int32[np.ndarray, "H W"] = _kernels.flat_zones(np.ascontiguousarray(values, np.int32))[0]
    return zones


def _in_the_image(
    leaf_of_pixel: Int32[np.ndarray, "H W"], leaves: int, border: Int64[np.ndarray, "L"]
) -> tuple[Graph, Spare]:
    return region_graph(leaf_of_pixel, leaves)


def _empty_tree(leaves: int, channels: int) -> tuple[np.ndarray, ...]:
    """left, right, cost, pixels, sums, border of all nodes: 0 in the last three of leaves, all else to be written."""
    nodes = 2 * leaves - 1
    left, right = np.empty(nodes, np.int32), np.empty(nodes, np.int32)
    pixels, sums, border = np.empty(nodes, np.int64), np.empty((nodes, channels), np.int64), np.empty(nodes, np.int64)
    for array in (pixels, sums, border):
        array[:leaves] = 0
    return left, right, np.empty(nodes, np.float64), pixels, sums, border


def _sums_of_places(
    leaf_of_pixel: Int32[np.ndarray, "H W"],
    leaves: int,
    places_of: tuple[Int[np.ndarray, "H"], Int[np.ndarray, "W"]],
    steps_a_pixel: float,
) -> Int64[np.ndarray, "L P"]:
    """Each leaf's sums of rows and of columns in feature steps; no columns where places do not count."""
    places = np.zeros((leaves, 2 if steps_a_pixel > 0 else 0), np.int64)
    if steps_a_pixel > 0:
        rows, columns = (np.rint(places * steps_a_pixel).astype(np.int64) for places in places_of)
        _kernels.add_places(leaf_of_pixel, rows, columns, places)
    return places


def _merge_all(front: Front, tree: tuple[np.ndarray, ...]) -> None:
    """Write the rows of all merges, given those of the leaves."""
    leaves = next_id = len(front)
    threshold = 0.0
    while len(front) > 1:
        front.find_cheapest()
        share = EARLY_SHARE if len(front) > leaves * LATE_FROM else LATE_SHARE
        # at least the smallest cost, so every round merges
        place = min(len(front) - 1, int(len(front) * share) + 1)
        threshold = max(threshold * THRESHOLD_GROWTH, number_at(place, front.cost))
        next_id = front.merge(threshold, next_id, tree)
