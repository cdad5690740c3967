"""numba kernels of label maps: flat zones, statistics of regions, the region adjacency graph.

Arrays in, arrays out. Graphs and groups are those of `region_graph`.
"""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit


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
                a, b = find_root(root, i), find_root(root, i - width)
                # the smaller index stays root, so that roots are met first in raster order
                if a < b:
                    root[b] = a
                else:
                    root[a] = b
    labels = np.empty((height, width), np.int32)
    zone_of_root = np.empty(height * width, np.int32)
    count = 0
    for i in range(height * width):
        r = find_root(root, i)
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
def find_root(root, i):
    """The one that stands for the set of i; the way there is halved."""
    while root[i] != i:
        root[i] = root[root[i]]
        i = root[i]
    return i


@njit(cache=True, nogil=True)
def add_statistics(labels, values, origin, pixels, sums, border):
    """Add each region's pixels, sums of values − origin and outer border to its rows."""
    height, width, channels = values.shape
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            pixels[k] += 1
            for c in range(channels):
                sums[k, c] += values[y, x, c] - origin[c]
            if x > 0 and labels[y, x - 1] != k:
                border[k] += 1
                border[labels[y, x - 1]] += 1
            if y > 0 and labels[y - 1, x] != k:
                border[k] += 1
                border[labels[y - 1, x]] += 1


@njit(cache=True, nogil=True)
def add_squares(labels, values, squares):
    """Add the squares of each region's values to its row."""
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            for c in range(values.shape[2]):
                v = np.int64(values[y, x, c])
                squares[labels[y, x], c] += v * v


@njit(cache=True, nogil=True)
def add_places(labels, rows, columns, places):
    """Add the places of each region's pixels, given those of rows and columns, to its row: int64 (K, 2)."""
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            places[labels[y, x], 0] += rows[y]
            places[labels[y, x], 1] += columns[x]


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
def join_parallel_edges(first, last, starts, degrees, neighbours, lengths):
    """Leave each neighbour once in the rows first…last − 1, in place, with as many sides as it was there times."""
    place = np.full(starts.size, -1, np.int64)
    for u in range(first, last):
        begin = end = starts[u]
        for e in range(begin, begin + degrees[u]):
            v = neighbours[e]
            if place[v] >= begin:
                lengths[place[v]] += 1
            else:
                place[v] = end
                neighbours[end], lengths[end] = v, 1
                end += 1
        degrees[u] = end - begin


@njit(cache=True, nogil=True)
def contract_rows(
    first,
    last,
    first_member,
    next_member,
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
    """Write the rows first…last − 1 of the graph between groups of nodes, from where the rows before them must end.

    What comes from arrays is taken as unsigned: an index that may be negative costs numba half as much again.
    """
    end = np.uint64(_edges_of_groups(first, first_member, next_member, degrees))
    # for every group one more than the place of its last edge written
    after = np.zeros(first_member.size, np.uint64)
    one = np.uint64(1)
    for g in range(first, last):
        begin = end
        u = first_member[g]
        while u >= 0:
            row = np.uint64(starts[u])
            for e in range(row, row + np.uint64(degrees[u])):
                h = np.uint32(group_of_node[np.uint32(neighbours[e])])
                if h == np.uint32(g):
                    continue
                if after[h] > begin:
                    out_lengths[after[h] - one] += lengths[e]
                else:
                    out_neighbours[end], out_lengths[end] = h, lengths[e]
                    end += one
                    after[h] = end
            u = next_member[u]
        out_starts[g] = begin
        out_degrees[g] = end - begin


@njit(cache=True, nogil=True)
def _edges_of_groups(count, first_member, next_member, degrees):
    """How many edges the members of the first `count` groups have."""
    edges = 0
    for g in range(count):
        u = first_member[g]
        while u >= 0:
            edges += degrees[u]
            u = next_member[u]
    return edges


@njit(cache=True, nogil=True)
def join(target):
    """The representative of every node when node u is joined with target[u]: int32 (n,)."""
    root = np.arange(target.size).astype(np.int32)
    for u in range(target.size):
        a, b = find_root(root, u), find_root(root, target[u])
        root[max(a, b)] = min(a, b)
    for u in range(target.size):
        root[u] = find_root(root, u)
    return root
