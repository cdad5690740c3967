"""Rounds of merging: the nodes of a merge tree that have no parent yet, and what one round makes of them.

A round finds every node's cheapest neighbour, merges those that join below a threshold, writes their rows of the tree
and contracts the graph. It costs what changes: a node and a choice that are what they were a round ago are compared
with new neighbours only, and a mean is computed once. Nodes stay in the order of their first leaves, so that neighbours
lie close in memory.

Work is done in parts, each of which writes what is its own: any number of threads gives the same tree.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int8, Int32, Int64

from . import _round_kernels
from .parts import in_parts
from .region_graph import Graph, Groups, Spare, contracted, shorten

# borders shorter than this have their powers in a table
SHORT_LENGTHS = 1024


class Nodes(NamedTuple):
    """Nodes of a tree in the order of their first leaves.

    Attributes:
        ids: int32 (n,), which they are.
        means: float64 (n, C + P + 1), their mean features and places; the last column is their pixels.
        places: int64 (n, P), sums of what else than features counts in a merge's cost.
    """

    ids: Int32[np.ndarray, "n"]
    means: Float[np.ndarray, "n S"]
    places: Int64[np.ndarray, "n P"]


class Front:
    """The nodes that have no parent yet, and each one's cheapest neighbour.

    Args:
        pixels: int64 (n,), areas of the nodes 0…n − 1.
        sums: int64 (n, C), of their features.
        places: as in `Nodes`; taken over, and shortened as nodes merge.
        graph: who neighbours whom.
        spare: arrays for its contraction, taken over as well.
        border_exponent: μ.

    Attributes:
        graph: who neighbours whom.
        best: int32 (n,), the cheapest neighbours, −1 for who has none.
        cost: float64 (n,), what merging with them costs.
    """

    def __init__(
        self,
        pixels: Int64[np.ndarray, "n"],
        sums: Int64[np.ndarray, "n C"],
        places: Int64[np.ndarray, "n P"],
        graph: Graph,
        spare: Spare,
        border_exponent: float = 0.0,
    ) -> None:
        count = len(pixels)
        self._nodes = Nodes(np.arange(count, dtype=np.int32), _means(pixels, sums, places), places)
        self.graph, self._spare = graph, spare
        self._border_exponent = border_exponent
        self._powers = _round_kernels.length_powers(SHORT_LENGTHS, border_exponent)
        self._room = _Room.of(count)
        self._first_new = 0
        self.best, self.cost = np.empty(count, np.int32), np.empty(count, np.float64)

    def __len__(self) -> int:
        return len(self._nodes.ids)

    def find_cheapest(self) -> None:
        """Find every node's cheapest neighbour."""
        graph, exponent = self.graph, self._border_exponent
        ids, means, _ = self._nodes
        kept = (self._room.group_of_node, self.best, self.cost)
        work = (ids, self._first_new, means, *graph, exponent, self._powers, *kept)
        in_parts(len(self), lambda first, last: _round_kernels.best_neighbours(first, last, *work))

    def forget(self) -> None:
        """Let `find_cheapest` look at all neighbours, as it does in the first round."""
        self._first_new = 0

    def merge(self, threshold: float, next_id: int, tree: tuple[np.ndarray, ...]) -> int:
        """Merge the nodes that join their cheapest neighbours at no more than `threshold`; the nodes are those left.

        Args:
            threshold: of a merge's cost.
            next_id: of the first merge.
            tree: left, right, cost, pixels, sums, border of all its nodes; the merges' rows are written.

        Returns:
            The id after the last merge's.
        """
        joiners = self._joiners(threshold)
        room, graph, best = self._room, self.graph, self.best
        pairs, several = _round_kernels.grouped(joiners, room.root, room.next_member, room.first_member)
        work = (pairs, best, self.cost, self._nodes, *graph, next_id, tree)
        in_parts(len(pairs), lambda first, last: _round_kernels.merge_pairs(first, last, *work))
        by_cost = several[np.argsort(self.cost[several], kind="stable")]
        _round_kernels.merge_groups(
            by_cost, best, room.root, self._nodes, *graph, self._border_exponent, next_id + len(pairs), tree
        )
        self._leave_the_roots(joiners)
        self._first_new = next_id
        return next_id + len(joiners)

    def _joiners(self, threshold: float) -> Int32[np.ndarray, "m"]:
        """The nodes that join others, and in `_room` the root that each node is to be one with."""
        count, room = len(self), self._room
        for array in room:
            # all but the groups of the round before, which are no longer needed either
            shorten(array, count)
        work = (self.best, self.cost, self._nodes.means, self.graph.degrees, threshold, room.how)
        in_parts(count, lambda first, last: _round_kernels.choose_joins(first, last, *work))
        written = (self.best, room.how, room.root, room.next_member, room.joiners)
        parts = in_parts(count, lambda first, last: _round_kernels.find_roots(first, last, *written))
        return np.concatenate([room.joiners[first:end] for first, end in parts])

    def _leave_the_roots(self, joiners: Int32[np.ndarray, "m"]) -> None:
        """Go on with one node a group."""
        room = self._room
        kept = (*self._nodes, self.best, self.cost)
        count = _round_kernels.move_roots_up(room.root, *kept, room.group_of_node, room.first_member)
        _round_kernels.follow_roots(joiners, room.root, room.group_of_node)
        for array in kept:
            shorten(array, count)
        groups = Groups(room.first_member[:count], room.next_member, room.group_of_node)
        graph = self.graph
        self.graph, self._spare = contracted(graph, groups, self._spare), (graph.neighbours, graph.lengths)


class _Room(NamedTuple):
    """What a round writes down of each node, in arrays that all rounds share.

    Attributes:
        how: in which way it joins its choice.
        root: the node that it is to be one with.
        next_member: the next one of its group.
        joiners: nodes that join.
        first_member: of a group, its root; before there are groups, of a root, how many join it.
        group_of_node: the group that it is in.
    """

    how: Int8[np.ndarray, "n"]
    root: Int32[np.ndarray, "n"]
    next_member: Int32[np.ndarray, "n"]
    joiners: Int32[np.ndarray, "n"]
    first_member: Int32[np.ndarray, "n"]
    group_of_node: Int32[np.ndarray, "n"]

    @classmethod
    def of(cls, count: int) -> _Room:
        return cls(np.empty(count, np.int8), *(np.empty(count, np.int32) for _ in range(5)))


def _means(
    pixels: Int64[np.ndarray, "n"], sums: Int64[np.ndarray, "n C"], places: Int64[np.ndarray, "n P"]
) -> Float[np.ndarray, "n S"]:
    means = np.empty((len(pixels), sums.shape[1] + places.shape[1] + 1), np.float64)
    in_parts(len(pixels), lambda first, last: _round_kernels.write_means(first, last, pixels, sums, places, means))
    return means
