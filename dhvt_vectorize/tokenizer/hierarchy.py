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

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Int, Int32, Int64

from . import _kernels
from .parts import in_parts
from .region_graph import Graph, Groups, Spare, contracted, region_graph

# A round's threshold is raised until the best edges of this share of the nodes lie below it. A small share is close to
# greedy merging but takes many rounds; while nodes are a few pixels each, a large one loses nothing (measured on Kodak:
# 0.5 until a twentieth of the leaves is left costs 0.00 dB and saves 40 % of the time).
EARLY_SHARE, LATE_SHARE = 0.5, 0.12
LATE_FROM = 0.05
# borders shorter than this have their powers in a table
SHORT_LENGTHS = 1024
THRESHOLD_GROWTH = 1.3


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
    graph, spare = region_graph(leaf_of_pixel, leaves)
    # means are rounded: taken from the first pixel's value, they round alike whatever constant the features hold
    origin = values[0, 0].astype(np.int64)
    height, width, channels = values.shape
    rows, columns = (np.rint(np.arange(side) * steps_a_pixel).astype(np.int64) for side in (height, width))
    tree = _empty_tree(2 * leaves - 1, channels, channels + (2 if steps_a_pixel > 0 else 0))
    left, right, cost, pixels, sums, squares, border = tree
    _kernels.add_statistics(leaf_of_pixel, values, origin, rows, columns, pixels, sums, squares, border)
    _merge_all(tree, leaves, graph, spare, border_exponent)
    del graph, spare
    _kernels.move_origin(pixels, sums, origin)
    parent = np.full(len(left), -1, np.int32)
    merges = np.arange(leaves, len(left), dtype=np.int32)
    parent[left[leaves:]] = merges
    parent[right[leaves:]] = merges
    sums = np.ascontiguousarray(sums[:, :channels])
    return MergeTree(leaf_of_pixel, left, right, parent, cost, pixels, sums, squares, border)


def flat_zones(values: Int[np.ndarray, "H W C"]) -> Int32[np.ndarray, "H W"]:
    """The 4-connected zones of equal values, 0…L−1 in raster order."""
    zones: Int32[np.ndarray, "H W"] = _kernels.flat_zones(np.ascontiguousarray(values, np.int32))[0]
    return zones


def _empty_tree(nodes: int, channels: int, summed: int) -> tuple[np.ndarray, ...]:
    """left, right, cost, pixels, sums, squares, border of nodes without children or pixels.

    Args:
        nodes: of leaves and merges.
        channels: of a feature map.
        summed: channels, and what else counts in a merge's cost.
    """
    return (
        np.full(nodes, -1, np.int32),
        np.full(nodes, -1, np.int32),
        np.zeros(nodes, np.float64),
        np.zeros(nodes, np.int64),
        np.zeros((nodes, summed), np.int64),
        np.zeros((nodes, channels), np.int64),
        np.zeros(nodes, np.int64),
    )


def _merge_all(tree: tuple[np.ndarray, ...], leaves: int, graph: Graph, spare: Spare, border_exponent: float) -> None:
    """Write the rows of all merges, given those of the leaves."""
    pixels, sums = tree[3], tree[4]
    ids = np.arange(leaves, dtype=np.int32)
    next_id, threshold = leaves, 0.0
    while next_id < len(pixels):
        node_pixels = pixels[ids]
        best, cost = cheapest_neighbours(ids, node_pixels, pixels, sums, graph, border_exponent)
        share = EARLY_SHARE if len(ids) > leaves * LATE_FROM else LATE_SHARE
        threshold = max(threshold * THRESHOLD_GROWTH, _quantile(cost, share))
        joins = _kernels.choose_joins(best, cost, node_pixels, graph.degrees, threshold)
        order, pairs = _kernels.joining_order(joins, best, cost)
        group = np.arange(len(ids), dtype=np.int32)
        work = (best, group, ids)
        in_parts(pairs, partial(_kernels.merge_pairs, order, *work, next_id, *graph, border_exponent, tree))
        _kernels.merge_groups(order[pairs:], *work, next_id + pairs, *graph, border_exponent, tree)
        next_id += len(order)
        ids, groups = _grouped(group, ids)
        graph, spare = contracted(graph, groups, spare), (graph.neighbours, graph.lengths)


def cheapest_neighbours(
    ids: Int32[np.ndarray, "n"],
    node_pixels: Int64[np.ndarray, "n"],
    pixels: Int64[np.ndarray, "M"],
    sums: Int64[np.ndarray, "M C"],
    graph: Graph,
    border_exponent: float = 0.0,
) -> tuple[Int32[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    """Every node's cheapest neighbour, −1 where it has none, and the cost of merging with it.

    Args:
        ids: the nodes' rows in `pixels` and `sums`.
        node_pixels: pixels[ids].
        pixels, sums: areas and sums of features.
        graph: who neighbours whom.
        border_exponent: μ.
    """
    means = _kernels.node_means(ids, pixels, sums)
    powers = _kernels.length_powers(SHORT_LENGTHS, border_exponent)
    best = np.empty(len(ids), np.int32)
    cost = np.empty(len(ids), np.float64)
    in_parts(
        len(ids),
        lambda first, last: _kernels.best_neighbours(
            first, last, ids, node_pixels, means, *graph, border_exponent, powers, best, cost
        ),
    )
    return best, cost


def _grouped(group: Int32[np.ndarray, "n"], ids: Int32[np.ndarray, "n"]) -> tuple[Int32[np.ndarray, "g"], Groups]:
    """The groups that a round has left, and the tree's nodes that they are."""
    group_ids, *groups = _kernels.groups_of_round(group, ids)
    return group_ids, Groups(*groups)


def _quantile(cost: Float[np.ndarray, "n"], share: float) -> float:
    """The cost below which `share` of the nodes' best edges lie; at least the smallest, so every round merges."""
    place = min(len(cost) - 1, int(len(cost) * share) + 1)
    return float(np.partition(cost, place)[place])
