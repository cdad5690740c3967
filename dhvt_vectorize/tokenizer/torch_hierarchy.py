"""FeatureMap → MergeTree on a torch device: the tree of `hierarchy.build_merge_tree`, bit for bit.

In: integer features as a tensor. Out: the same `MergeTree`, in numpy; one copy of it leaves the device.

Method: that of `hierarchy`, each round as a fixed number of operations on whole arrays (`_torch_rounds`). The processor
waits for the device twice a round, for the number of merges and for that of edges. Flat zones are found by label
propagation with pointer jumping (FastSV: Zhang, Azad & Hu 2020) between the runs of equal pixels of the rows.

Limits: those of `hierarchy` and of `_torch_rounds`. On a CPU the kernels of `hierarchy` are several times faster.
Memory on the device is about 700 bytes a pixel where every pixel is a leaf.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64, Int32, Int64
from torch import Tensor

from ._torch_rounds import (
    BORDER,
    PIXELS,
    SUMS,
    Graph,
    LengthPowers,
    cheapest_neighbours,
    choose_joins,
    contracted,
    groups_of_round,
    joining_order,
    merge_costs,
    merged,
    shared_sides,
)
from .hierarchy import EARLY_SHARE, LATE_FROM, LATE_SHARE, THRESHOLD_GROWTH, MergeTree


@torch.no_grad()
def build_merge_tree_torch(
    values: Int32[Tensor, "H W C"],
    leaf_of_pixel: Int32[Tensor, "H W"] | None = None,
    border_exponent: float = 0.0,
    steps_a_pixel: float = 0.0,
) -> MergeTree:
    """The merge tree of integer features, built where they are; arguments as in `hierarchy.build_merge_tree`."""
    leaf_of_pixel = flat_zones_torch(values) if leaf_of_pixel is None else leaf_of_pixel
    leaves = int(leaf_of_pixel.max()) + 1
    channels = values.shape[2]
    graph = _region_graph(leaf_of_pixel.long(), leaves)
    planes = torch.cat([_features(values), _places(values, steps_a_pixel), values.long().square().permute(2, 0, 1)])
    statistics = _leaf_statistics(planes, leaf_of_pixel.long().flatten(), leaves, graph)
    summed = len(planes) - channels
    del planes
    powers = LengthPowers(border_exponent, values.device)
    children = _merge_all(statistics, summed, leaves, graph, powers)
    del graph
    costs = _costs(statistics, summed, children, leaves, powers)
    statistics[SUMS : SUMS + channels] += statistics[PIXELS] * values[0, 0].long()[:, None]
    return _on_the_host(leaf_of_pixel, children, costs, statistics, channels)


def _features(values: Int32[Tensor, "H W C"]) -> Int64[Tensor, "C H W"]:
    """What is summed: features from the first pixel's on, for means that round alike whatever constant they hold."""
    return (values.long() - values[0, 0].long()).permute(2, 0, 1)


def _places(values: Int32[Tensor, "H W C"], steps_a_pixel: float) -> Int64[Tensor, "P H W"]:
    """Row and column of every pixel in feature steps, rounded as numpy does; none where places do not count."""
    height, width = values.shape[:2]
    if steps_a_pixel <= 0:
        return torch.empty((0, height, width), dtype=torch.int64, device=values.device)
    rows, columns = (
        torch.from_numpy(np.rint(np.arange(side) * steps_a_pixel).astype(np.int64)).to(values.device)
        for side in (height, width)
    )
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"))


def flat_zones_torch(values: Int32[Tensor, "H W C"]) -> Int32[Tensor, "H W"]:
    """The 4-connected zones of equal values, 0…L−1 in raster order."""
    starts_run = torch.ones(values.shape[:2], dtype=torch.bool, device=values.device)
    starts_run[:, 1:] = (values[:, 1:] != values[:, :-1]).any(2)
    run = starts_run.flatten().cumsum(0).view(starts_run.shape) - 1
    # once for two runs that touch: where one of them begins
    touches = (values[1:] == values[:-1]).all(2) & (starts_run[1:] | starts_run[:-1])
    root = _components(int(run[-1, -1]) + 1, torch.stack([run[:-1][touches], run[1:][touches]]))
    is_root = root == torch.arange(len(root), device=root.device)
    return (is_root.cumsum(0) - 1)[root][run].int()


def _components(count: int, edges: Int64[Tensor, "2 E"]) -> Int64[Tensor, "n"]:
    """The lowest node of every node's connected component."""
    root = torch.arange(count, device=edges.device)
    nodes = edges.flatten()
    while True:
        beyond = root[root]
        lowest = beyond[edges].amin(0).repeat(2)
        lower = beyond.scatter_reduce(0, nodes, lowest, "amin").scatter_reduce_(0, root[nodes], lowest, "amin")
        if torch.equal(lower, root):
            return root
        root = lower


def _region_graph(labels: Int64[Tensor, "H W"], count: int) -> Graph:
    """The adjacency graph of the regions 0…count − 1 of a label map."""
    beside = torch.stack([labels[:, 1:].flatten(), labels[:, :-1].flatten()])
    below = torch.stack([labels[1:].flatten(), labels[:-1].flatten()])
    sides = torch.cat([beside, below], 1)
    sides = sides[:, sides[0] != sides[1]]
    return contracted(sides, torch.ones_like(sides[0]), torch.arange(count, device=labels.device), count)


def _leaf_statistics(
    planes: Int64[Tensor, "F2 H W"], leaf_of_pixel: Int64[Tensor, "N"], leaves: int, graph: Graph
) -> Int64[Tensor, "F M"]:
    """Statistics of all nodes, those of merges still 0. `planes`: what is summed over each leaf's pixels."""
    statistics = leaf_of_pixel.new_zeros((SUMS + len(planes), 2 * leaves - 1))
    statistics[PIXELS].index_add_(0, leaf_of_pixel, torch.ones_like(leaf_of_pixel))
    statistics[BORDER].index_add_(0, graph.ends.flatten(), graph.lengths.repeat(2))
    statistics[SUMS:].index_add_(1, leaf_of_pixel, planes.flatten(1))
    return statistics


def _merge_all(
    statistics: Int64[Tensor, "F M"], summed: int, leaves: int, graph: Graph, powers: LengthPowers
) -> Int64[Tensor, "2 M"]:
    """The children of all nodes, −1 for leaves; the merges' columns of the statistics are written."""
    children = torch.full_like(statistics[:2], -1)
    ids = torch.arange(leaves, device=statistics.device)
    threshold = torch.zeros((), dtype=torch.float64, device=statistics.device)
    next_id = leaves
    while next_id < statistics.shape[1]:
        own = statistics[:, ids]
        edge_cost = merge_costs(own, summed, graph.ends, powers.of(graph.lengths, graph.longest))
        best, cost = cheapest_neighbours(ids, graph.ends, edge_cost)
        share = EARLY_SHARE if len(ids) > leaves * LATE_FROM else LATE_SHARE
        threshold = torch.maximum(threshold * THRESHOLD_GROWTH, _quantile(cost, share))
        joining = joining_order(choose_joins(best, cost, own[PIXELS], graph, threshold), best, cost)
        shared = shared_sides(joining, graph)
        last_id = next_id + len(joining.order)
        made = np.s_[:, next_id:last_id]
        children[made], statistics[made], now = merged(joining, ids, own, shared, next_id)
        next_id = last_id
        ids, group = groups_of_round(joining, now)
        graph = contracted(graph.ends, graph.lengths, group, len(ids))
    return children


def _quantile(cost: Float64[Tensor, "n"], share: float) -> Float64[Tensor, ""]:
    """As `hierarchy._quantile`; sorted, since CUDA selects one of many numbers in a single block of threads."""
    place = min(len(cost) - 1, int(len(cost) * share) + 1)
    return cost.sort().values[place]


def _costs(
    statistics: Int64[Tensor, "F M"], summed: int, children: Int64[Tensor, "2 M"], leaves: int, powers: LengthPowers
) -> Float64[Tensor, "M"]:
    """The costs of all nodes; in the rounds only those of edges count."""
    costs = torch.zeros(children.shape[1], dtype=torch.float64, device=children.device)
    if leaves > 1:
        merges = children[:, leaves:]
        border = statistics[BORDER]
        shared = (border[merges].sum(0) - border[leaves:]) // 2
        costs[leaves:] = merge_costs(statistics, summed, merges, powers.of(shared, int(shared.max())))
    return costs


def _on_the_host(
    leaf_of_pixel: Int32[Tensor, "H W"],
    children: Int64[Tensor, "2 M"],
    costs: Float64[Tensor, "M"],
    statistics: Int64[Tensor, "F M"],
    channels: int,
) -> MergeTree:
    """The tree in numpy arrays, each contiguous as the kernels' are."""
    nodes = children.shape[1]
    merges = torch.arange((nodes + 1) // 2, nodes, device=children.device)
    parent = torch.full_like(children[0], -1)
    parent[children[:, len(merges) + 1 :]] = merges
    left, right = children
    sums, squares = statistics[SUMS : SUMS + channels].T, statistics[-channels:].T
    return MergeTree(
        leaf_of_pixel=_array(leaf_of_pixel.int()),
        left=_array(left.int()),
        right=_array(right.int()),
        parent=_array(parent.int()),
        cost=_array(costs),
        pixels=_array(statistics[PIXELS]),
        sums=_array(sums),
        squares=_array(squares),
        border=_array(statistics[BORDER]),
    )


def _array(values: Tensor) -> np.ndarray:
    array: np.ndarray = values.contiguous().cpu().numpy()
    return array
