"""MergeTree → Partition: the cut of least cost, a cut into exactly K regions, a limit on depth.

A cut picks nodes of the tree so that every leaf has exactly one picked ancestor-or-self. The cut of least total cost is
found exactly in one pass up (is a node cheaper than the best cuts of its children together?) and one pass down
(Guigues, Cocquerez & Le Men 2006; Breiman et al. 1984 for trees). On equal cost the node wins: fewer regions.

A cut into K regions undoes the K − 1 dearest merges. A merge counts at least as dear as any below it, so undoing one
has undone those above it. Cuts into K and K + 1 regions are nested.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int32

from . import _tree_kernels
from .hierarchy import MergeTree


@dataclass(frozen=True)
class Partition:
    """An image divided into connected regions.

    Attributes:
        labels: int32 (H, W), 0…K−1 in raster order of first pixels; every region is 4-connected.
        node_ids: int32 (K,), the tree node each region is.
        tree: the merge tree the regions were cut from.
    """

    labels: Int32[np.ndarray, "H W"]
    node_ids: Int32[np.ndarray, "K"]
    tree: MergeTree

    @property
    def regions(self) -> int:
        """Number of regions K."""
        return len(self.node_ids)


def cut_of_least_cost(
    tree: MergeTree, costs: Float[np.ndarray, "M"], allowed: Bool[np.ndarray, "M"] | None = None
) -> Partition:
    """The partition whose nodes' costs sum to the least; only `allowed` nodes may be picked (leaves always may)."""
    if allowed is not None:
        costs = np.where(allowed | (np.arange(len(costs)) < tree.leaves), costs, np.inf)
    return _partition(tree, _tree_kernels.least_cut(tree.left, tree.right, costs))


def cut_into(tree: MergeTree, regions: int) -> Partition:
    """The partition into exactly `regions` regions, or into all leaves if there are fewer."""
    regions = min(regions, tree.leaves)
    order = merge_order(tree)
    # the first L − K merges happen, so the nodes left at the top are the regions
    alive = np.ones(len(tree.left), bool)
    alive[order[tree.leaves - regions :]] = False
    picked = alive & ~np.where(tree.parent >= 0, alive[tree.parent], False)
    return _partition(tree, picked)


def merge_order(tree: MergeTree) -> Int32[np.ndarray, "L1"]:
    """The merges' node ids from the cheapest to the dearest, children before parents: a consistent merging sequence."""
    saliency = _tree_kernels.monotone(tree.left, tree.right, tree.cost)
    merges = saliency[tree.leaves :]
    return (np.argsort(merges, kind="stable") + tree.leaves).astype(np.int32)


def levels_above(tree: MergeTree, base: Partition) -> Int32[np.ndarray, "M"]:
    """Each node's level: 0 in and below the base partition; level l is reached by merging the base down to about a
    quarter of the regions of level l − 1."""
    order = merge_order(tree)
    level = np.zeros(len(tree.left), np.int32)
    # after the merge at place i of the order, leaves − 1 − i regions are left
    regions_after = tree.leaves - 1 - np.arange(len(order))
    level[order] = np.ceil(np.log(np.maximum(base.regions / np.maximum(regions_after, 1), 1)) / np.log(4)).astype(
        np.int32
    )
    below = _tree_kernels.below(tree.parent, base.node_ids)
    level[below] = 0
    above = ~below
    level[above] = np.maximum(level[above], 1)
    return level


def _partition(tree: MergeTree, picked: Bool[np.ndarray, "M"]) -> Partition:
    region_of_leaf, node_ids = _tree_kernels.regions_of_leaves(tree.parent, picked, tree.leaves)
    return Partition(region_of_leaf[tree.leaf_of_pixel], node_ids, tree)
