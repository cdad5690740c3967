"""numba kernels of a round of merging: who joins whom, what they become, what is left of the nodes.

Arrays in, arrays out. `rounds` says what they are; the graph between nodes is a `region_graph.Graph`.
"""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ._kernels import find_root

# A node this many times smaller than its best neighbour joins it without being asked back: it hardly moves the mean,
# so greedy merging would join the two at the same cost, only one pair after the other.
ABSORPTION = 8
# how a node joins its choice in a round: not at all, as the later of two that choose each other, without being asked
_STAYS, _PAIRS, _ABSORBED = 0, 1, 2


@njit(cache=True, nogil=True)
def write_means(first, last, pixels, sums, places, means):
    """Write the rows first…last − 1 of `means`: those of sums and places, then the pixels."""
    channels = sums.shape[1]
    for u in range(first, last):
        for c in range(channels):
            means[u, c] = sums[u, c] / pixels[u]
        for c in range(places.shape[1]):
            means[u, channels + c] = places[u, c] / pixels[u]
        means[u, means.shape[1] - 1] = pixels[u]


@njit(cache=True, nogil=True, inline="always")
def _edge_hash(a, b):
    """A fixed scramble of an unordered pair: equal costs must not chain along the labels, or a round merges little."""
    low, high = (a, b) if a < b else (b, a)
    h = np.uint64(low) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(high) * np.uint64(0xC2B2AE3D27D4EB4F)
    h ^= h >> np.uint64(29)
    h *= np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(32)
    return h


@njit(cache=True, nogil=True)
def _comes_first(i, j, other):
    """Which of two edges of node i that cost the same counts as the cheaper: is it the one to j?"""
    hash_j, hash_other = _edge_hash(i, j), _edge_hash(i, other)
    return hash_j < hash_other or (hash_j == hash_other and j < other)


@njit(cache=True, nogil=True)
def best_neighbours(
    first,
    last,
    ids,
    first_new,
    means,
    starts,
    degrees,
    neighbours,
    lengths,
    border_exponent,
    powers,
    group_of_node,
    best,
    cost,
):
    """Each node's cheapest neighbour by Ward's cost / border^exponent, ties by a hash of the two ids, then by id.

    `powers` are those of the shortest lengths, see `length_powers`: a power costs as much as all else of an edge.
    Written to `best` (−1 where there is none) and `cost` for the nodes first…last − 1. The order is one order of all
    edges, the same seen from both ends: so the cheapest edge of all is chosen by both, and every round merges.

    Nodes with ids below `first_new` are what they were a round ago. Where a node and its choice are, `best` and `cost`
    still hold that choice, in the numbers of the round before, which `group_of_node` turns into those of this round:
    only new neighbours can be cheaper.
    """
    channels = means.shape[1] - 1
    for u in range(first, last):
        choice, least = np.int32(-1), np.inf
        is_known = False
        if ids[u] < first_new:
            kept = group_of_node[best[u]]
            if ids[kept] < first_new:
                choice, least = kept, cost[u]
                is_known = True
        size_u = means[u, channels]
        row = np.uint64(starts[u])
        for e in range(row, row + np.uint64(degrees[u])):
            # unsigned, since an index that may be negative costs numba more than what is computed
            v = np.uint32(neighbours[e])
            if is_known and ids[v] < first_new:
                continue
            distance = 0.0
            for c in range(channels):
                d = means[u, c] - means[v, c]
                distance += d * d
            size_v = means[v, channels]
            w = distance * (size_u * size_v / (size_u + size_v))
            if border_exponent != 0.0:
                length = np.uint32(lengths[e])
                w /= powers[length] if length < powers.size else np.float64(length) ** border_exponent
            if w < least or (w == least and _comes_first(ids[u], ids[v], ids[choice])):
                choice, least = np.int32(v), w
        best[u], cost[u] = choice, least


@njit(cache=True, nogil=True)
def length_powers(count, border_exponent):
    """float64 (count,): length^exponent of the lengths below `count`, as `best_neighbours` has it; 1 for none."""
    powers = np.ones(count, np.float64)
    for length in range(1, count):
        powers[length] = np.float64(length) ** border_exponent
    return powers


@njit(cache=True, nogil=True)
def choose_joins(first, last, best, cost, means, degrees, threshold, how):
    """Write to `how` in which way the nodes first…last − 1 would join their best neighbour, if at all.

    Of two that choose each other the later joins the earlier; a leaf of the graph, and a node far smaller than its
    choice, joins without being chosen back.
    """
    pixels = means.shape[1] - 1
    for u in range(first, last):
        v = best[u]
        how[u] = _STAYS
        if v < 0 or cost[u] > threshold:
            continue
        if best[v] == u:
            if v < u:
                how[u] = _PAIRS
        elif degrees[u] == 1 or means[v, pixels] >= ABSORPTION * means[u, pixels]:
            how[u] = _ABSORBED


@njit(cache=True, nogil=True)
def find_roots(first, last, best, how, root, next_member, joiners):
    """Write the node that each of first…last − 1 is to be one with: itself where it stays. Who joins is in `joiners`.

    Nobody is absorbed by a node that is absorbed itself, so groups stay shallow: two steps lead to every root. Joining
    nodes are written from `first` on; returns `first` and where they end. `next_member` is emptied, for `grouped` to
    fill.
    """
    end = first
    for u in range(first, last):
        root[u] = u
        next_member[u] = -1
        if how[u] == _STAYS:
            continue
        v = best[u]
        if how[v] == _ABSORBED:
            continue
        root[u] = best[v] if how[v] == _PAIRS else v
        joiners[end] = u
        end += 1
    return first, end


@njit(cache=True, nogil=True)
def grouped(joiners, root, next_member, company):
    """The joining nodes: those who merge with one other and no more, and those in larger groups, each by label.

    Groups become chains from their roots on in `next_member`, −1 at the end; `company` is room for a number a node.
    """
    for u in joiners:
        company[root[u]] = 0
    for u in joiners:
        company[root[u]] += 1
        next_member[u] = next_member[root[u]]
        next_member[root[u]] = u
    pairs = np.empty(joiners.size, np.int32)
    several = np.empty(joiners.size, np.int32)
    simple = crowded = 0
    for u in joiners:
        if company[root[u]] == 1:
            pairs[simple] = u
            simple += 1
        else:
            several[crowded] = u
            crowded += 1
    return pairs[:simple], several[:crowded]


@njit(cache=True, nogil=True)
def merge_pairs(first, last, pairs, best, cost, nodes, starts, degrees, neighbours, lengths, next_id, tree):
    """Merge the pairs first…last − 1, of which the k-th becomes the tree's node next_id + k.

    `nodes` is (ids, means, places), `tree` is (left, right, cost, pixels, sums, border) over all node ids. A
    pair's rows of the tree are written, and its earlier node becomes the pair.
    """
    for k in range(first, last):
        b = pairs[k]
        a = best[b]
        shared = np.int64(0)
        for e in range(starts[b], starts[b] + degrees[b]):
            if neighbours[e] == a:
                shared = np.int64(lengths[e])
                break
        _write_merge(a, b, shared, cost[b], nodes, next_id + k, tree)


@njit(cache=True, nogil=True)
def merge_groups(order, best, root, nodes, starts, degrees, neighbours, lengths, border_exponent, next_id, tree):
    """Merge the nodes of `order` with their best neighbours, one after the other, as `merge_pairs` does with pairs."""
    # of nodes in these groups, and only of them: where each has gone, and the chain of those who have come to it
    gone_to = np.empty(best.size, np.int32)
    next_member = np.empty(best.size, np.int32)
    last_member = np.empty(best.size, np.int32)
    for member in order:
        for u in (member, root[member]):
            gone_to[u], next_member[u], last_member[u] = u, -1, u
    for u in order:
        b, a = find_root(gone_to, u), find_root(gone_to, best[u])
        shared = np.int64(0)
        member = b
        while member >= 0:
            for e in range(starts[member], starts[member] + degrees[member]):
                v = neighbours[e]
                if root[v] == root[u] and find_root(gone_to, v) == a:
                    shared += lengths[e]
            member = next_member[member]
        _write_merge(a, b, shared, _merge_cost(nodes[1], a, b, shared, border_exponent), nodes, next_id, tree)
        next_member[last_member[a]] = b
        last_member[a] = last_member[b]
        gone_to[b] = a
        next_id += 1


@njit(cache=True, nogil=True)
def _merge_cost(means, a, b, shared, border_exponent):
    """What it costs to merge nodes a and b, as `best_neighbours` computes it."""
    channels = means.shape[1] - 1
    distance = 0.0
    for c in range(channels):
        d = means[a, c] - means[b, c]
        distance += d * d
    size_a, size_b = means[a, channels], means[b, channels]
    w = distance * (size_a * size_b / (size_a + size_b))
    return w if border_exponent == 0.0 else w / np.float64(shared) ** border_exponent


@njit(cache=True, nogil=True, inline="always")
def _write_merge(a, b, shared, merge_cost, nodes, node, tree):
    """Write the row of the tree's node that a and b become, which share so many pixel sides, and make a that node."""
    ids, means, places = nodes
    left, right, node_cost, pixels, sums, border = tree
    i, j = ids[a], ids[b]
    left[node], right[node] = i, j
    node_cost[node] = merge_cost
    pixels[node] = pixels[i] + pixels[j]
    border[node] = border[i] + border[j] - 2 * shared
    channels = sums.shape[1]
    for c in range(channels):
        sums[node, c] = sums[i, c] + sums[j, c]
        means[a, c] = sums[node, c] / pixels[node]
    for c in range(places.shape[1]):
        places[a, c] += places[b, c]
        means[a, channels + c] = places[a, c] / pixels[node]
    means[a, means.shape[1] - 1] = pixels[node]
    ids[a] = node


@njit(cache=True, nogil=True)
def move_roots_up(root, ids, means, places, best, cost, group_of_node, first_member):
    """Number the groups in the order of their roots, and move the roots' rows to these numbers; how many there are.

    Written in place, and further rows then mean nothing. `group_of_node` is written for roots, `first_member` is each
    group's root by its number before.
    """
    groups = 0
    for u in range(root.size):
        if root[u] != u:
            continue
        group_of_node[u] = groups
        first_member[groups] = u
        if groups != u:
            ids[groups] = ids[u]
            best[groups], cost[groups] = best[u], cost[u]
            for c in range(means.shape[1]):
                means[groups, c] = means[u, c]
            for c in range(places.shape[1]):
                places[groups, c] = places[u, c]
        groups += 1
    return groups


@njit(cache=True, nogil=True)
def follow_roots(joiners, root, group_of_node):
    """Write the group of every joining node, given those of the roots."""
    for u in joiners:
        group_of_node[u] = group_of_node[root[u]]
