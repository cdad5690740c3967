"""FeatureMaps → MergeTrees on a torch device: for each image the tree of `hierarchy.build_merge_tree`, bit for bit.

In: integer features of images of one size as a tensor. Out: the same `MergeTree`s, in numpy; one copy of them leaves
the device.

Method: that of `hierarchy`, each round as a fixed number of operations on whole arrays (`_torch_rounds`). Images of a
batch are one graph whose parts do not touch, and take their rounds together: a round of many small images takes the
device hardly longer than one of one. Each image has its own threshold, and its nodes their own numbers, so that no tree
depends on the others. The processor waits for the device twice a round, for the number of merges and for that of edges.
Flat zones are found by label propagation with pointer jumping (FastSV: Zhang, Azad & Hu 2020) between the runs of equal
pixels of the rows.

Limits: those of `hierarchy` and of `_torch_rounds`. On a CPU the kernels of `hierarchy` are several times faster.
Memory on the device is about 700 bytes a pixel where every pixel is a leaf.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int32, Int64
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
    sorted_within,
)
from .hierarchy import EARLY_SHARE, LATE_FROM, LATE_SHARE, THRESHOLD_GROWTH, MergeTree


class _Forest(NamedTuple):
    """Where the trees of a batch lie in the columns of their statistics: one after the other, each leaves first.

    Attributes:
        leaves: int64 (B,), of each image.
        first: int64 (B,), each image's first column.
        image: int64 (M,), the image of each column.
    """

    leaves: Int64[Tensor, "B"]
    first: Int64[Tensor, "B"]
    image: Int64[Tensor, "M"]

    @classmethod
    def of(cls, leaves: Int64[Tensor, "B"]) -> _Forest:
        nodes = 2 * leaves - 1
        image = torch.arange(len(leaves), device=leaves.device).repeat_interleave(nodes)
        return cls(leaves, nodes.cumsum(0) - nodes, image)

    def is_leaf(self) -> Bool[Tensor, "M"]:
        """Which columns are leaves'."""
        columns = torch.arange(len(self.image), device=self.image.device)
        return columns < (self.first + self.leaves)[self.image]


@torch.no_grad()
def build_merge_trees_torch(
    values: Int32[Tensor, "B H W C"],
    leaf_of_pixel: Int32[Tensor, "B H W"] | None = None,
    border_exponent: float = 0.0,
    steps_a_pixel: float = 0.0,
) -> list[MergeTree]:
    """The merge trees of integer features, built where they are; arguments as in `hierarchy.build_merge_tree`."""
    leaf_of_pixel = flat_zones_torch(values) if leaf_of_pixel is None else leaf_of_pixel
    channels = values.shape[3]
    leaves = leaf_of_pixel.flatten(1).amax(1).long() + 1
    forest = _Forest.of(leaves)
    # regions of the whole batch by number, as the nodes of a round are
    regions = leaf_of_pixel.long() + (leaves.cumsum(0) - leaves)[:, None, None]
    ids = forest.is_leaf().nonzero()[:, 0]
    graph = _region_graph(regions, len(ids))
    origin = values[:, 0, 0].long()
    planes = torch.cat([_features(values, origin), _places(values, steps_a_pixel), _squares(values)], 1)
    statistics = _leaf_statistics(planes, regions.flatten(), ids, len(forest.image), graph)
    summed = planes.shape[1] - channels
    del planes, regions
    powers = LengthPowers(border_exponent, values.device)
    children = _merge_all(statistics, summed, ids, forest, graph, powers)
    del graph
    costs = _costs(statistics, summed, children, powers)
    statistics[SUMS : SUMS + channels] += statistics[PIXELS] * origin.T[:, forest.image]
    return _on_the_host(leaf_of_pixel, children, costs, statistics, channels, forest)


def build_merge_tree_torch(
    values: Int32[Tensor, "H W C"],
    leaf_of_pixel: Int32[Tensor, "H W"] | None = None,
    border_exponent: float = 0.0,
    steps_a_pixel: float = 0.0,
) -> MergeTree:
    """As `build_merge_trees_torch`, of one image."""
    regions = None if leaf_of_pixel is None else leaf_of_pixel[None]
    return build_merge_trees_torch(values[None], regions, border_exponent, steps_a_pixel)[0]


def _features(values: Int32[Tensor, "B H W C"], origin: Int64[Tensor, "B C"]) -> Int64[Tensor, "B C H W"]:
    """What is summed: features from the first pixel's on, for means that round alike whatever constant they hold."""
    return (values.long() - origin[:, None, None]).permute(0, 3, 1, 2)


def _squares(values: Int32[Tensor, "B H W C"]) -> Int64[Tensor, "B C H W"]:
    return values.long().square().permute(0, 3, 1, 2)


def _places(values: Int32[Tensor, "B H W C"], steps_a_pixel: float) -> Int64[Tensor, "B P H W"]:
    """Row and column of every pixel in feature steps, rounded as numpy does; none where places do not count."""
    batch, height, width = values.shape[:3]
    if steps_a_pixel <= 0:
        return torch.empty((batch, 0, height, width), dtype=torch.int64, device=values.device)
    rows, columns = (
        torch.from_numpy(np.rint(np.arange(side) * steps_a_pixel).astype(np.int64)).to(values.device)
        for side in (height, width)
    )
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij")).expand(batch, -1, -1, -1)


def flat_zones_torch(values: Int32[Tensor, "B H W C"]) -> Int32[Tensor, "B H W"]:
    """The 4-connected zones of equal values, in each image 0…L−1 in raster order."""
    starts_run = torch.ones(values.shape[:3], dtype=torch.bool, device=values.device)
    starts_run[:, :, 1:] = (values[:, :, 1:] != values[:, :, :-1]).any(3)
    run = starts_run.flatten().cumsum(0).view(starts_run.shape) - 1
    # once for two runs that touch: where one of them begins
    touches = (values[:, 1:] == values[:, :-1]).all(3) & (starts_run[:, 1:] | starts_run[:, :-1])
    root = _components(int(run[-1, -1, -1]) + 1, torch.stack([run[:, :-1][touches], run[:, 1:][touches]]))
    is_root = root == torch.arange(len(root), device=root.device)
    zones = (is_root.cumsum(0) - 1)[root][run]
    return (zones - zones[:, :1, :1]).int()


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


def _region_graph(labels: Int64[Tensor, "B H W"], count: int) -> Graph:
    """The adjacency graph of the regions 0…count − 1 of label maps."""
    beside = torch.stack([labels[:, :, 1:].flatten(), labels[:, :, :-1].flatten()])
    below = torch.stack([labels[:, 1:].flatten(), labels[:, :-1].flatten()])
    sides = torch.cat([beside, below], 1)
    sides = sides[:, sides[0] != sides[1]]
    return contracted(sides, torch.ones_like(sides[0]), torch.arange(count, device=labels.device), count)


def _leaf_statistics(
    planes: Int64[Tensor, "B F2 H W"],
    regions: Int64[Tensor, "N"],
    ids: Int64[Tensor, "L"],
    nodes: int,
    graph: Graph,
) -> Int64[Tensor, "F M"]:
    """Statistics of all nodes, those of merges still 0. `planes`: what is summed over each leaf's pixels."""
    own = regions.new_zeros((SUMS + planes.shape[1], len(ids)))
    own[PIXELS].index_add_(0, regions, torch.ones_like(regions))
    own[BORDER].index_add_(0, graph.ends.flatten(), graph.lengths.repeat(2))
    own[SUMS:].index_add_(1, regions, planes.transpose(0, 1).flatten(1))
    statistics = own.new_zeros((len(own), nodes))
    statistics[:, ids] = own
    return statistics


def _merge_all(
    statistics: Int64[Tensor, "F M"],
    summed: int,
    ids: Int64[Tensor, "L"],
    forest: _Forest,
    graph: Graph,
    powers: LengthPowers,
) -> Int64[Tensor, "2 M"]:
    """The children of all nodes, −1 for leaves; the merges' columns of the statistics are written."""
    children = torch.full_like(statistics[:2], -1)
    threshold = torch.zeros(len(forest.leaves), dtype=torch.float64, device=statistics.device)
    next_id = forest.first + forest.leaves
    while len(ids) > len(forest.leaves):
        own, image = statistics[:, ids], forest.image[ids]
        edge_cost = merge_costs(own, summed, graph.ends, powers.of(graph.lengths, graph.longest))
        best, cost = cheapest_neighbours(ids - forest.first[image], graph.ends, edge_cost)
        threshold = torch.maximum(threshold * THRESHOLD_GROWTH, _quantiles(cost, image, forest.leaves))
        joining = joining_order(choose_joins(best, cost, own[PIXELS], graph, threshold[image]), best, cost, image)
        made, next_id = _columns_of_merges(image[joining.order], next_id)
        children[:, made], statistics[:, made], now = merged(joining, ids, own, shared_sides(joining, graph), made)
        ids, group = groups_of_round(joining, now)
        graph = contracted(graph.ends, graph.lengths, group, len(ids))
    return children


def _columns_of_merges(
    image: Int64[Tensor, "m"], next_id: Int64[Tensor, "B"]
) -> tuple[Int64[Tensor, "m"], Int64[Tensor, "B"]]:
    """Columns of merges that are in the order of their images, and the images' columns after them."""
    counts = image.new_zeros(len(next_id)).index_add_(0, image, torch.ones_like(image))
    before = counts.cumsum(0) - counts
    return torch.arange(len(image), device=image.device) + (next_id - before)[image], next_id + counts


def _quantiles(
    cost: Float64[Tensor, "n"], image: Int64[Tensor, "n"], leaves: Int64[Tensor, "B"]
) -> Float64[Tensor, "B"]:
    """Each image's threshold, as `hierarchy._merge_all` takes it; sorted, since CUDA selects one of many numbers in a
    single block of threads. `image`: ascending."""
    count = torch.zeros_like(leaves).index_add_(0, image, torch.ones_like(image))
    share = torch.full_like(count, LATE_SHARE, dtype=torch.float64)
    share.masked_fill_(count > leaves.double() * LATE_FROM, EARLY_SHARE)
    place = torch.minimum(count - 1, (count * share).long() + 1)
    return cost[sorted_within(cost, image)][count.cumsum(0) - count + place]


def _costs(
    statistics: Int64[Tensor, "F M"], summed: int, children: Int64[Tensor, "2 M"], powers: LengthPowers
) -> Float64[Tensor, "M"]:
    """The costs of all nodes; in the rounds only those of edges count."""
    costs = torch.zeros(children.shape[1], dtype=torch.float64, device=children.device)
    merges = (children[0] >= 0).nonzero()[:, 0]
    if len(merges):
        of = children[:, merges]
        border = statistics[BORDER]
        shared = (border[of].sum(0) - border[merges]) // 2
        costs[merges] = merge_costs(statistics, summed, of, powers.of(shared, int(shared.max())))
    return costs


def _on_the_host(
    leaf_of_pixel: Int32[Tensor, "B H W"],
    children: Int64[Tensor, "2 M"],
    costs: Float64[Tensor, "M"],
    statistics: Int64[Tensor, "F M"],
    channels: int,
    forest: _Forest,
) -> list[MergeTree]:
    """The trees in numpy arrays, each contiguous as the kernels' are."""
    merges = (children[0] >= 0).nonzero()[:, 0]
    first = forest.first[forest.image]  # ids are counted from here
    parent = torch.full_like(children[0], -1)
    parent[children[:, merges]] = merges - first[merges]
    left, right = torch.where(children < 0, children, children - first)
    sums, squares = statistics[SUMS : SUMS + channels].T, statistics[-channels:].T
    of_nodes = (left.int(), right.int(), parent.int(), costs, statistics[PIXELS], sums, squares, statistics[BORDER])
    there = [_array(of) for of in of_nodes]
    ends = (forest.first + 2 * forest.leaves - 1).tolist()
    spans = zip(_array(leaf_of_pixel.int()), [0, *ends[:-1]], ends, strict=True)
    return [MergeTree(zones, *(of[first:end] for of in there)) for zones, first, end in spans]


def _array(values: Tensor) -> np.ndarray:
    array: np.ndarray = values.contiguous().cpu().numpy()
    return array
