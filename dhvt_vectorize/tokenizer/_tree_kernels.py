"""numba kernels that walk a merge tree. Children have smaller ids than their parents, so loops over ids are passes."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit


@njit(cache=True, nogil=True)
def least_cut(left, right, costs):
    """bool (M,): the nodes of the cut whose costs sum to the least; ties go to the node above."""
    nodes = left.size
    best = costs.copy()
    for i in range(nodes):
        if left[i] >= 0:
            split = best[left[i]] + best[right[i]]
            if split < best[i]:
                best[i] = split
    picked = np.zeros(nodes, np.bool_)
    open_ = np.zeros(nodes, np.bool_)
    open_[nodes - 1] = True
    for i in range(nodes - 1, -1, -1):
        if not open_[i]:
            continue
        if left[i] < 0 or costs[i] <= best[i]:
            picked[i] = True
        else:
            open_[left[i]] = True
            open_[right[i]] = True
    return picked


@njit(cache=True, nogil=True)
def monotone(left, right, costs):
    """float64 (M,): each node's cost or the greatest cost below it, whichever is greater."""
    out = costs.copy()
    for i in range(left.size):
        if left[i] >= 0:
            out[i] = max(out[i], out[left[i]], out[right[i]])
    return out


@njit(cache=True, nogil=True)
def below(parent, nodes):
    """bool (M,): the given nodes and all their descendants."""
    inside = np.zeros(parent.size, np.bool_)
    for i in nodes:
        inside[i] = True
    for i in range(parent.size - 1, -1, -1):
        if parent[i] >= 0 and inside[parent[i]]:
            inside[i] = True
    return inside


@njit(cache=True, nogil=True)
def regions_of_leaves(parent, picked, leaves):
    """Number the picked nodes by their first leaf: region of each leaf int32 (L,), node of each region int32 (K,)."""
    owner = np.full(parent.size, -1, np.int32)
    for i in range(parent.size - 1, -1, -1):
        if picked[i]:
            owner[i] = i
        elif parent[i] >= 0:
            owner[i] = owner[parent[i]]
    region_of_node = np.full(parent.size, -1, np.int32)
    region_of_leaf = np.empty(leaves, np.int32)
    node_ids = np.empty(leaves, np.int32)
    regions = 0
    for leaf in range(leaves):
        node = owner[leaf]
        if region_of_node[node] < 0:
            region_of_node[node] = regions
            node_ids[regions] = node
            regions += 1
        region_of_leaf[leaf] = region_of_node[node]
    return region_of_leaf, node_ids[:regions].copy()


@njit(cache=True, nogil=True)
def sum_up(left, right, sums):
    """Write each merge's row of `sums`, that of its children together; the leaves' are given."""
    for i in range((left.size + 1) // 2, left.size):
        for c in range(sums.shape[1]):
            sums[i, c] = sums[left[i], c] + sums[right[i], c]
