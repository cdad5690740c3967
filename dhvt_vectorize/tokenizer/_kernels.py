"""numba kernels of the merge tree: flat zones, the region adjacency graph, rounds of merging.

Arrays in, arrays out. Graphs and groups are those of `region_graph`.
"""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

# A node this many times smaller than its best neighbour joins it without being asked back: it hardly moves the mean,
# so greedy merging would join the two at the same cost, only one pair after the other.
ABSORPTION = 8


@njit(cache=True, nogil=True)
def flat_zones(values):
    """Label the 4-connected zones of equal value: (H, W, C) → int32 (H, W), number of zones. Raster order."""
    height, width, channels = values.shape
    root = np.empty(height * width, np.int32)
    for y in range(height):
        for x in range(width):
            i = y * width + x
            root[i] = i
            if x > 0 and _equal(values, y, x, y, x - 1, channels):
                root[i] = root[i - 1]
            if y > 0 and _equal(values, y, x, y - 1, x, channels):
                a, b = _find(root, i), _find(root, i - width)
                # the smaller index stays root, so that roots are met first in raster order
                if a < b:
                    root[b] = a
                else:
                    root[a] = b
    labels = np.empty((height, width), np.int32)
    zone_of_root = np.empty(height * width, np.int32)
    count = 0
    for i in range(height * width):
        r = _find(root, i)
        if r == i:
            zone_of_root[i] = count
            count += 1
        labels[i // width, i % width] = zone_of_root[r]
    return labels, count


@njit(cache=True, nogil=True, inline="always")
def _equal(values, y, x, v, u, channels):
    for c in range(channels):
        if values[y, x, c] != values[v, u, c]:
            return False
    return True


@njit(cache=True, nogil=True)
def _find(root, i):
    while root[i] != i:
        root[i] = root[root[i]]
        i = root[i]
    return i


@njit(cache=True, nogil=True)
def add_statistics(labels, values, origin, places_y, places_x, pixels, sums, squares, border):
    """Add each region's pixels, sums of values − origin, sums of squares of values and outer border to its rows.

    Where `sums` have two columns more than there are values, these add up the places of rows and columns.
    """
    height, width, channels = values.shape
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            pixels[k] += 1
            for c in range(channels):
                v = np.int64(values[y, x, c])
                sums[k, c] += v - origin[c]
                squares[k, c] += v * v
            if sums.shape[1] > channels:
                sums[k, channels] += places_y[y]
                sums[k, channels + 1] += places_x[x]
            if x > 0 and labels[y, x - 1] != k:
                border[k] += 1
                border[labels[y, x - 1]] += 1
            if y > 0 and labels[y - 1, x] != k:
                border[k] += 1
                border[labels[y - 1, x]] += 1


@njit(cache=True, nogil=True)
def move_origin(pixels, sums, origin):
    """Turn sums of values − origin into sums of values."""
    for k in range(pixels.size):
        for c in range(origin.size):
            sums[k, c] += pixels[k] * origin[c]


@njit(cache=True, nogil=True)
def sides_of_regions(labels, count):
    """int32 (K,): the pixel sides at which each region meets others."""
    height, width = labels.shape
    sides = np.zeros(count, np.int32)
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            if x > 0 and labels[y, x - 1] != k:
                sides[k] += 1
                sides[labels[y, x - 1]] += 1
            if y > 0 and labels[y - 1, x] != k:
                sides[k] += 1
                sides[labels[y - 1, x]] += 1
    return sides


@njit(cache=True, nogil=True)
def neighbours_at_sides(labels, cursor, neighbours):
    """Write, from `cursor[k]` on, the region beyond each pixel side of every region k."""
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            for step in range(2):
                v, u = (y, x - 1) if step == 0 else (y - 1, x)
                if v < 0 or u < 0:
                    continue
                other = labels[v, u]
                if other != k:
                    neighbours[cursor[k]] = other
                    cursor[k] += 1
                    neighbours[cursor[other]] = k
                    cursor[other] += 1


@njit(cache=True, nogil=True)
def contract_rows(
    first,
    last,
    members,
    bounds,
    group_of_node,
    starts,
    degrees,
    neighbours,
    lengths,
    out_starts,
    out_degrees,
    out_neighbours,
    out_lengths,
):
    """Write the rows first…last − 1 of the graph between groups of nodes, from where the rows before them must end."""
    end = 0
    for m in range(bounds[first]):
        end += degrees[members[m]]
    place = np.full(bounds.size - 1, -1, np.int64)
    for g in range(first, last):
        begin = end
        for m in range(bounds[g], bounds[g + 1]):
            u = members[m]
            for e in range(starts[u], starts[u] + degrees[u]):
                h = group_of_node[neighbours[e]]
                if h == g:
                    continue
                if place[h] >= begin:
                    out_lengths[place[h]] += lengths[e]
                else:
                    place[h] = end
                    out_neighbours[end] = h
                    out_lengths[end] = lengths[e]
                    end += 1
        out_starts[g] = begin
        out_degrees[g] = end - begin


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
def node_means(ids, pixels, sums):
    """float64 (n, C): the mean features of the nodes `ids`."""
    means = np.empty((ids.size, sums.shape[1]), np.float64)
    for u in range(ids.size):
        for c in range(sums.shape[1]):
            means[u, c] = sums[ids[u], c] / pixels[ids[u]]
    return means


@njit(cache=True, nogil=True)
def best_neighbours(
    first, last, ids, pixels, means, starts, degrees, neighbours, lengths, border_exponent, powers, best, cost
):
    """Each node's cheapest neighbour by Ward's cost / border^exponent, ties by a hash of the two ids, then by id.

    `powers` are those of the shortest lengths, see `length_powers`: a power costs as much as all else of an edge.
    Written to `best` (−1 where there is none) and `cost` for the nodes first…last − 1. The order is one order of all
    edges, the same seen from both ends: so the cheapest edge of all is chosen by both, and every round merges.
    """
    channels = means.shape[1]
    for u in range(first, last):
        best[u] = -1
        cost[u] = np.inf
        best_hash = np.uint64(0)
        size_u = np.float64(pixels[u])
        for e in range(starts[u], starts[u] + degrees[u]):
            v = neighbours[e]
            distance = 0.0
            for c in range(channels):
                d = means[u, c] - means[v, c]
                distance += d * d
            size_v = np.float64(pixels[v])
            w = distance * (size_u * size_v / (size_u + size_v))
            if border_exponent != 0.0:
                length = lengths[e]
                w /= powers[length] if length < powers.size else np.float64(length) ** border_exponent
            if w < cost[u]:
                cost[u] = w
                best[u] = v
                best_hash = _edge_hash(ids[u], ids[v])
            elif w == cost[u]:
                h = _edge_hash(ids[u], ids[v])
                if h < best_hash or (h == best_hash and ids[v] < ids[best[u]]):
                    best[u] = v
                    best_hash = h


@njit(cache=True, nogil=True)
def length_powers(count, border_exponent):
    """float64 (count,): length^exponent of the lengths below `count`, as `best_neighbours` has it; 1 for none."""
    powers = np.ones(count, np.float64)
    for length in range(1, count):
        powers[length] = np.float64(length) ** border_exponent
    return powers


@njit(cache=True, nogil=True)
def choose_joins(best, cost, pixels, degrees, threshold):
    """Who joins its best neighbour in this round: bool (n,).

    Of two that choose each other the later joins the earlier; a leaf, and a node far smaller than its choice, joins
    without being chosen back, unless its choice itself joins another that way: so groups stay shallow.
    """
    count = best.size
    joins = np.zeros(count, np.bool_)
    absorbed = np.zeros(count, np.bool_)
    for u in range(count):
        v = best[u]
        if v < 0 or cost[u] > threshold:
            continue
        if best[v] == u:
            joins[u] = v < u
        else:
            absorbed[u] = degrees[u] == 1 or pixels[v] >= ABSORPTION * pixels[u]
    for u in range(count):
        if absorbed[u] and not absorbed[best[u]]:
            joins[u] = True
    return joins


@njit(cache=True, nogil=True)
def joining_order(joins, best, cost):
    """The joining nodes in the order they merge, and how many of them are pairs.

    First those who merge with one other and no more, by label, then those in larger groups, by cost.
    """
    count = best.size
    group = np.arange(count).astype(np.int32)
    size = np.zeros(count, np.int32)
    for u in range(count):
        if joins[u]:
            a, b = _find(group, u), _find(group, best[u])
            if a != b:
                group[max(a, b)] = min(a, b)
    joiners = 0
    for u in range(count):
        if joins[u]:
            size[_find(group, u)] += 1
            joiners += 1
    order = np.empty(joiners, np.int32)
    several = np.empty(joiners, np.int32)
    simple = crowded = 0
    for u in range(count):
        if joins[u]:
            if size[_find(group, u)] == 1:
                order[simple] = u
                simple += 1
            else:
                several[crowded] = u
                crowded += 1
    several = several[:crowded]
    order[simple:] = several[np.argsort(cost[several], kind="mergesort")]
    return order, simple


@njit(cache=True, nogil=True)
def merge_pairs(
    order, best, group, ids, next_id, starts, degrees, neighbours, lengths, border_exponent, tree, first, last
):
    """Merge the pairs first…last − 1 of `order`, of which the k-th becomes the tree's node next_id + k.

    `tree` is (left, right, cost, pixels, sums, squares, border) over all node ids; the rows of the new nodes are
    written. `ids` and `group` are updated: a group's root holds the id of the whole group.
    """
    for k in range(first, last):
        b = order[k]
        a = best[b]
        shared = 0
        for e in range(starts[b], starts[b] + degrees[b]):
            if neighbours[e] == a:
                shared = lengths[e]
                break
        _write_merge(ids[a], ids[b], np.int64(shared), next_id + k, border_exponent, tree)
        group[b] = a
        ids[a] = next_id + k


@njit(cache=True, nogil=True)
def merge_groups(order, best, group, ids, next_id, starts, degrees, neighbours, lengths, border_exponent, tree):
    """Merge the nodes of `order` with their best neighbours, one after the other, as `merge_pairs` does with pairs."""
    count = best.size
    next_member = np.full(count, -1, np.int32)
    last_member = np.arange(count).astype(np.int32)
    for u in order:
        b, a = _find(group, u), _find(group, best[u])
        shared = 0
        member = b
        while member >= 0:
            for e in range(starts[member], starts[member] + degrees[member]):
                if _find(group, neighbours[e]) == a:
                    shared += lengths[e]
            member = next_member[member]
        _write_merge(ids[a], ids[b], np.int64(shared), next_id, border_exponent, tree)
        next_member[last_member[a]] = b
        last_member[a] = last_member[b]
        group[b] = a
        ids[a] = next_id
        next_id += 1


@njit(cache=True, nogil=True, inline="always")
def _write_merge(i, j, shared, node, border_exponent, tree):
    """Write the row of the node that i and j become, which share so many pixel sides."""
    left, right, node_cost, pixels, sums, squares, border = tree
    left[node], right[node] = i, j
    distance = 0.0
    for c in range(sums.shape[1]):
        d = sums[i, c] / pixels[i] - sums[j, c] / pixels[j]
        distance += d * d
        sums[node, c] = sums[i, c] + sums[j, c]
    for c in range(squares.shape[1]):
        squares[node, c] = squares[i, c] + squares[j, c]
    w = distance * (np.float64(pixels[i]) * np.float64(pixels[j]) / np.float64(pixels[i] + pixels[j]))
    if border_exponent != 0.0:
        w /= np.float64(shared) ** border_exponent
    node_cost[node] = w
    pixels[node] = pixels[i] + pixels[j]
    border[node] = border[i] + border[j] - 2 * shared


@njit(cache=True, nogil=True)
def groups_of_round(group, ids):
    """The groups of a round in the order of their roots, ready to contract the graph.

    Returns (ids of the groups' tree nodes, members grouped, member offsets, group of every node).
    """
    count = group.size
    index = np.empty(count, np.int32)
    groups = 0
    for u in range(count):
        if group[u] == u:
            index[u] = groups
            groups += 1
    group_of_node = np.empty(count, np.int32)
    member_offsets = np.zeros(groups + 1, np.int64)
    out_ids = np.empty(groups, np.int32)
    for u in range(count):
        root = _find(group, u)
        group_of_node[u] = index[root]
        member_offsets[index[root] + 1] += 1
        if root == u:
            out_ids[index[u]] = ids[u]
    member_offsets = np.cumsum(member_offsets)
    cursor = member_offsets[:-1].copy()
    members = np.empty(count, np.int32)
    for u in range(count):
        members[cursor[group_of_node[u]]] = u
        cursor[group_of_node[u]] += 1
    return out_ids, members, member_offsets, group_of_node


@njit(cache=True, nogil=True)
def join(target):
    """The representative of every node when node u is joined with target[u]: int32 (n,)."""
    root = np.arange(target.size).astype(np.int32)
    for u in range(target.size):
        a, b = _find(root, u), _find(root, target[u])
        root[max(a, b)] = min(a, b)
    for u in range(target.size):
        root[u] = _find(root, u)
    return root
