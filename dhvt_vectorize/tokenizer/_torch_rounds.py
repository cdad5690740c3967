"""Rounds of merging as torch operations on whole arrays: who joins whom, what they become, the graph that is left.

In and out: tensors on one device. A node's statistics are a column of int64: PIXELS, BORDER, then the sums that count
in a merge's cost, then the sums of squares. An edge of the graph stands once, between `ends[0] < ends[1]`.

Method: each function gives what the numba kernels named in its docstring give, to the bit. Their sums are of integers,
which torch may add in any order. Their floats are few, and every product, sum and quotient of them is an operation of
its own here, in the same order: torch, unlike a compiler, never fuses two of them into one with a single rounding.

Limits: that holds for torch as it comes, not under `torch.compile`, which may fuse; the device must have float64 and
divide as IEEE 754 says, which CUDA does; costs must be finite, as they are for any border exponent of use.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from . import _round_kernels

PIXELS, BORDER, SUMS = 0, 1, 2  # rows of the statistics; SUMS is the first of several
LAST = 2**63 - 1  # no number is after it
_LOW_HALF = 2**32 - 1


class Graph(NamedTuple):
    """Who neighbours whom.

    Attributes:
        ends: int64 (2, E), the two regions of each edge, the lower first; no two edges have the same.
        lengths: int64 (E,), pixel sides they share.
        longest: the largest length, 0 where there are no edges.
    """

    ends: Int64[Tensor, "2 E"]
    lengths: Int64[Tensor, "E"]
    longest: int


class Joining(NamedTuple):
    """What a round merges. A group is a root, those that join it, and those that join one of these: its branch.

    Attributes:
        order: int64 (m,), the joining nodes in the order of their merges.
        position: int64 (n,), their places in it; −1 for those who do not join.
        root: int64 (n,), the root of each node's group.
        is_early: bool (n,), nodes that join a branch before that joins the root; whoever comes later joins the root.
        item: int64 (n,), the branch of an early node; every other node itself.
        chain: int64 (n,), the branch or root that each node joins; a root itself.
    """

    order: Int64[Tensor, "m"]
    position: Int64[Tensor, "n"]
    root: Int64[Tensor, "n"]
    is_early: Bool[Tensor, "n"]
    item: Int64[Tensor, "n"]
    chain: Int64[Tensor, "n"]


class LengthPowers:
    """length^exponent from a table that numba has computed: torch's own power can differ in the last bit."""

    def __init__(self, exponent: float, device: torch.device) -> None:
        self._exponent = exponent
        self._table = np.empty(0)
        self._table_there = torch.empty(0, dtype=torch.float64, device=device)

    def of(self, lengths: Int64[Tensor, "E"], longest: int) -> Float64[Tensor, "E"] | None:
        """None where the exponent is 0 and nothing is to be divided by. `longest`: no length is larger.

        Raises:
            ZeroDivisionError: a power is 0 or no number; the kernels divide by no 0 either.
        """
        if self._exponent == 0.0:
            return None
        if longest >= len(self._table):
            # twice as many as are needed: lengths grow from round to round
            self._table = np.asarray(_round_kernels.length_powers(2 * longest + 1, self._exponent))
            self._table_there = torch.from_numpy(self._table).to(self._table_there.device)
        if not self._table[longest] > 0:
            raise ZeroDivisionError(f"{longest} to the power of {self._exponent} is no number to divide by")
        return self._table_there.index_select(0, lengths)


def merge_costs(
    statistics: Int64[Tensor, "F n"],
    summed: int,
    ends: Int64[Tensor, "2 E"],
    powers: Float64[Tensor, "E"] | None,
) -> Float64[Tensor, "E"]:
    """What it costs to merge ends[0] with ends[1], as `best_neighbours` and `merge_pairs` compute it.

    Args:
        statistics: of the nodes.
        summed: how many of the sums count.
        ends: columns of the statistics.
        powers: what the costs are divided by.
    """
    pixels = statistics[PIXELS].double()
    distance = pixels.new_zeros(())
    for means in statistics[SUMS : SUMS + summed].double() / pixels:
        one, other = means[ends].unbind()
        difference = one - other
        square = difference * difference
        distance = distance + square
    one, other = pixels[ends].unbind()
    product, both = one * other, one + other
    cost = distance * (product / both)
    return cost if powers is None else cost / powers


def cheapest_neighbours(
    ids: Int64[Tensor, "n"], ends: Int64[Tensor, "2 E"], edge_cost: Float64[Tensor, "E"]
) -> tuple[Int64[Tensor, "n"], Float64[Tensor, "n"]]:
    """Every node's cheapest neighbour and what it costs, ties by a hash of ids, then by id, as in `best_neighbours`."""
    count = len(ids)
    nodes, others = ends.flatten(), ends.flip(0).flatten()
    costs = edge_cost.repeat(2)
    cost = costs.new_full((count,), math.inf).scatter_reduce_(0, nodes, costs, "amin")
    ties = costs == cost[nodes]
    hashes = torch.where(ties, _edge_hashes(ids[ends]).repeat(2), LAST)
    lowest = ids.new_full((count,), LAST).scatter_reduce_(0, nodes, hashes, "amin")
    ties &= hashes == lowest[nodes]
    # the upper half of a number decides, by id; the lower half says which node it was
    numbers = torch.where(ties, ids[others] << 32 | others, LAST)
    return ids.new_full((count,), LAST).scatter_reduce_(0, nodes, numbers, "amin") & _LOW_HALF, cost


def _edge_hashes(ids: Int64[Tensor, "2 E"]) -> Int64[Tensor, "E"]:
    """`_edge_hash` of each column, as signed numbers in the order of its unsigned ones."""
    low, high = torch.minimum(ids[0], ids[1]), torch.maximum(ids[0], ids[1])
    hashes = low * _signed(0x9E3779B97F4A7C15) + high * _signed(0xC2B2AE3D27D4EB4F)
    hashes ^= hashes >> 29 & 2**35 - 1
    hashes *= _signed(0xBF58476D1CE4E5B9)
    hashes ^= hashes >> 32 & _LOW_HALF
    return hashes ^ -(2**63)


def _signed(number: int) -> int:
    """The int64 with the bits of this uint64: torch multiplies only signed numbers, and overflows alike."""
    return number - 2**64


def choose_joins(
    best: Int64[Tensor, "n"],
    cost: Float64[Tensor, "n"],
    pixels: Int64[Tensor, "n"],
    graph: Graph,
    threshold: Float64[Tensor, ""],
) -> Bool[Tensor, "n"]:
    """Who joins its best neighbour in this round, see `_round_kernels.choose_joins`."""
    nodes = torch.arange(len(best), device=best.device)
    ends = graph.ends.flatten()
    degrees = torch.zeros_like(best).index_add_(0, ends, torch.ones_like(ends))
    is_cheap, is_mutual = cost <= threshold, best[best] == nodes
    is_small = (degrees == 1) | (pixels[best] >= _round_kernels.ABSORPTION * pixels)
    absorbed = is_cheap & ~is_mutual & is_small
    return is_cheap & is_mutual & (best < nodes) | absorbed & ~absorbed[best]


def joining_order(joins: Bool[Tensor, "n"], best: Int64[Tensor, "n"], cost: Float64[Tensor, "n"]) -> Joining:
    """The order of merges, see `rounds.Front.merge`, and the shape that it gives the groups.

    Nodes that join without being chosen back choose one that does not join so. Groups therefore have one branch at
    most, the later of two that choose each other, and two steps lead from every node to its root.
    """
    nodes = torch.arange(len(best), device=best.device)
    target = torch.where(joins, best, nodes)
    root = target[target]
    joiners = torch.zeros_like(best).index_add_(0, root, joins.long())
    joining = joins.nonzero()[:, 0]
    # pairs come before all others, by label; costs are not negative
    rank = torch.where(joiners[root[joining]] == 1, -1.0, cost[joining])
    order = joining[rank.sort(stable=True).indices]
    position = torch.full_like(best, -1)
    position[order] = nodes[: len(order)]
    is_early = joins[target] & (position < position[target])
    item, chain = torch.where(is_early, target, nodes), torch.where(is_early, target, root)
    return Joining(order, position, root, is_early, item, chain)


def shared_sides(joining: Joining, graph: Graph) -> Int64[Tensor, "m"]:
    """The pixel sides that vanish in each merge, in the order of merges.

    An edge within a group vanishes when the later of its ends comes to where the other one is: within a branch, or else
    at the root, where an early node comes with its branch.
    """
    items = joining.item[graph.ends]
    at_branch = torch.where(joining.is_early, joining.position, -1)[graph.ends].amax(0)
    at_root = joining.position[items].amax(0)
    when = torch.where(items[0] == items[1], at_branch, at_root)
    roots = joining.root[graph.ends]
    lengths = graph.lengths.masked_fill(roots[0] != roots[1], 0)
    # between groups whose roots alone have an edge, −1: nothing is added there
    return torch.zeros_like(joining.order).index_add_(0, when.clamp_(min=0), lengths)


def merged(
    joining: Joining,
    ids: Int64[Tensor, "n"],
    own: Int64[Tensor, "F n"],
    shared: Int64[Tensor, "m"],
    next_id: int,
) -> tuple[Int64[Tensor, "2 m"], Int64[Tensor, "F m"], Int64[Tensor, "n"]]:
    """The merges of `merge_pairs` and `merge_groups`: children, statistics, and the node that each node's is now.

    A root takes in one item after the other: a merge's statistics are the root's and the sum of the items until then.
    A branch has done the same with its early nodes before, and is an item with all of them.

    Args:
        joining: who joins.
        ids: the tree's nodes.
        own: their statistics.
        shared: pixel sides that each merge takes from the border.
        next_id: the first merge's node.
    """
    gains = own[:, joining.order]
    gains[BORDER] -= 2 * shared
    chain = joining.chain[joining.order]
    into_branches = torch.zeros_like(own)
    into_branches.index_add_(1, chain, gains * joining.is_early[joining.order])
    gains += into_branches[:, joining.order]
    chain, places = chain.sort(stable=True)
    gains = gains[:, places]
    is_first = _differs_from_before(chain)
    first = torch.where(is_first, torch.arange(len(chain), device=chain.device), 0).cummax(0).values
    running = gains.cumsum(1)
    sums = own[:, chain] + running - (running - gains)[:, first]
    node = next_id + places
    now = ids.scatter_reduce(0, chain, node, "amax")
    left, right = torch.where(is_first, ids[chain], node.roll(1)), now[joining.order[places]]
    children, statistics = torch.empty_like(gains[:2]), torch.empty_like(gains)
    children[:, places] = torch.stack([left, right])
    statistics[:, places] = sums
    return children, statistics, now


def groups_of_round(joining: Joining, now: Int64[Tensor, "n"]) -> tuple[Int64[Tensor, "g"], Int64[Tensor, "n"]]:
    """The groups' nodes in the order of their roots, and the group of every node, as `move_roots_up` has them."""
    group = ((joining.position < 0).cumsum(0) - 1)[joining.root]
    # of a group's nodes the root's is the last
    ids = now.new_zeros(len(now) - len(joining.order)).scatter_reduce_(0, group, now, "amax")
    return ids, group


def contracted(ends: Int64[Tensor, "2 E"], lengths: Int64[Tensor, "E"], group: Int64[Tensor, "n"], count: int) -> Graph:
    """The graph between `count` groups of regions; parallel edges become one, their lengths add up."""
    if count == 1 or not len(lengths):
        return Graph(ends[:, :0], lengths[:0], 0)
    one, other = group[ends].unbind()
    inside = one == other
    pairs = torch.minimum(one, other) * count + torch.maximum(one, other)
    # edges within a group go last, and nothing is added for them
    pairs, order = pairs.masked_fill_(inside, count * count).sort()
    is_first = _differs_from_before(pairs)
    edge = is_first.cumsum(0) - 1
    sums = torch.zeros_like(lengths).index_add_(0, edge, lengths.masked_fill(inside, 0)[order])
    edges, longest = torch.stack([(is_first & (pairs < count * count)).sum(), sums.max()]).tolist()
    pairs = torch.empty_like(pairs).scatter_(0, edge, pairs)[:edges]
    return Graph(torch.stack([pairs // count, pairs % count]), sums[:edges], longest)


def _differs_from_before(values: Int64[Tensor, "n"]) -> Bool[Tensor, "n"]:
    differs = torch.ones_like(values, dtype=torch.bool)
    differs[1:] = values[1:] != values[:-1]
    return differs
