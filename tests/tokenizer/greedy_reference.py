"""Exact greedy merging in plain Python: the oracle the fast merge tree is measured against.

Always the cheapest edge of the region adjacency graph by Ward's cost, from a heap whose stale entries are skipped.
Slow and short on purpose; ties fall to the smaller node ids.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np


class Merges(NamedTuple):
    """A merging sequence: merge i joins the nodes `children[i]` into node L + i at `costs[i]`."""

    children: np.ndarray
    costs: np.ndarray


def adjacent_pairs(labels: np.ndarray) -> np.ndarray:
    """(E, 2): the pairs of labels that share a pixel side, the smaller first, each once."""
    pairs = np.concatenate(
        [
            np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()], 1),
            np.stack([labels[:-1].ravel(), labels[1:].ravel()], 1),
        ]
    )
    return np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)


def greedy_merges(values: np.ndarray, labels: np.ndarray) -> Merges:
    """Merge the regions 0…L−1 of `labels` (H, W), with features `values` (H, W, C), down to one."""
    leaves = int(labels.max()) + 1
    pixels = list(np.bincount(labels.ravel(), minlength=leaves).astype(float))
    sums = [values[labels == leaf].sum(0, dtype=float) for leaf in range(leaves)]
    neighbours: list[set[int]] = [set() for _ in range(leaves)]
    for a, b in adjacent_pairs(labels).tolist():
        neighbours[a].add(b)
        neighbours[b].add(a)

    def edge(a: int, b: int) -> tuple[float, int, int]:
        difference = sums[a] / pixels[a] - sums[b] / pixels[b]
        return pixels[a] * pixels[b] / (pixels[a] + pixels[b]) * float(difference @ difference), a, b

    heap = [edge(a, b) for a in range(leaves) for b in neighbours[a] if a < b]
    heapq.heapify(heap)
    children, costs, alive = [], [], set(range(leaves))
    while len(alive) > 1:
        cost, a, b = heapq.heappop(heap)
        if a not in alive or b not in alive:
            continue
        merged = len(pixels)
        alive -= {a, b}
        pixels.append(pixels[a] + pixels[b])
        sums.append(sums[a] + sums[b])
        neighbours.append((neighbours[a] | neighbours[b]) & alive)
        for n in neighbours[merged]:
            neighbours[n].add(merged)
            heapq.heappush(heap, edge(n, merged))
        alive.add(merged)
        children.append((a, b))
        costs.append(cost)
    return Merges(np.array(children, int).reshape(-1, 2), np.array(costs))


def labels_after(children: np.ndarray, leaves: int, merges: int) -> np.ndarray:
    """(L,): the group of every leaf after the first `merges` of a sequence, named by its smallest leaf."""
    members = {leaf: [leaf] for leaf in range(leaves)}
    for i, (a, b) in enumerate(children[:merges].tolist()):
        members[leaves + i] = members.pop(a) + members.pop(b)
    group = np.empty(leaves, int)
    for leaf_ids in members.values():
        group[leaf_ids] = min(leaf_ids)
    return group
