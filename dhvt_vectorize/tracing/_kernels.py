"""numba kernels of the planar map: who borders whom, arcs from junction to junction, rings of half-arcs.

Directions are 0 east, 1 south, 2 west, 3 north. A border side leaves a pixel corner (x, y) in one of them; `_left` and
`_right` name the pixel on either hand. Outside the image the label is −1.
"""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

_DX = np.array([1, 0, -1, 0], np.int64)
_DY = np.array([0, 1, 0, -1], np.int64)


@njit(cache=True, nogil=True, inline="always")
def _label(labels, y, x):
    height, width = labels.shape
    if y < 0 or x < 0 or y >= height or x >= width:
        return -1
    return labels[y, x]


@njit(cache=True, nogil=True)
def _sides(labels, x, y):
    """The labels left and right of the side leaving corner (x, y) in each direction: two tuples of four."""
    nw, ne = _label(labels, y - 1, x - 1), _label(labels, y - 1, x)
    sw, se = _label(labels, y, x - 1), _label(labels, y, x)
    return (ne, se, sw, nw), (se, sw, nw, ne)


@njit(cache=True, nogil=True)
def _is_junction(left, right):
    """Three borders meet, or four of which no two opposite pixels are of one region."""
    degree = 0
    for d in range(4):
        degree += left[d] != right[d]
    # left is (ne, se, sw, nw): opposite pixels are two apart
    return degree == 3 or (degree == 4 and left[0] != left[2] and left[1] != left[3])


@njit(cache=True, nogil=True)
def _onward(left, right, came):
    """The direction in which a border goes on at a corner that is no junction, having arrived heading `came`."""
    back = (came + 2) % 4
    degree = 0
    for d in range(4):
        degree += left[d] != right[d]
    if degree == 2:
        for d in range(4):
            if d != back and left[d] != right[d]:
                return d
    # Four pixels meet crosswise. One pair of opposite pixels passes and is joined; of two such pairs the later label.
    # A border then bends round a pixel of the other pair.
    ne, se, sw, nw = left
    falling_passes = nw == se and (ne != sw or nw > ne)
    if falling_passes:  # bends round ne (north-east) or sw (south-west)
        return 3 - back
    return back + 1 if back % 2 == 0 else back - 1  # bends round se (east-south) or nw (west-north)


@njit(cache=True, nogil=True)
def trace_arcs(labels):
    """All borders of a label map, each once, cut at junctions.

    Returns points int32 (P, 2) as x, y; offsets int64 (A+1,); left, right int32 (A,); start, end int32 (A,) junction
    ids, −1 for a closed arc, whose last point repeats its first; heading int8 (A, 2), the directions in which the arc
    leaves its start and, walked backward, its end; junctions int32 (J, 2). Arcs come in raster order of their starts,
    those between junctions first.
    """
    height, width = labels.shape
    total = 0
    junction_of = np.full((height + 1, width + 1), -1, np.int32)
    count = 0
    for y in range(height + 1):
        for x in range(width + 1):
            left, right = _sides(labels, x, y)
            total += (left[0] != right[0]) + (left[1] != right[1])
            if _is_junction(left, right):
                junction_of[y, x] = count
                count += 1
    junctions = np.empty((count, 2), np.int32)
    points = np.empty((2 * total, 2), np.int32)
    offsets = np.zeros(total + 1, np.int64)
    out = np.empty((total, 6), np.int32)
    seen = np.zeros((height + 1, width + 1, 2), np.bool_)  # the side leaving a corner east, south
    arcs = filled = 0
    for closed in range(2):
        for y in range(height + 1):
            for x in range(width + 1):
                if closed == 0:
                    if junction_of[y, x] < 0:
                        continue
                    junctions[junction_of[y, x], 0] = x
                    junctions[junction_of[y, x], 1] = y
                left, right = _sides(labels, x, y)
                for d in range(4 if closed == 0 else 1):
                    if left[d] == right[d] or _seen(seen, x, y, d):
                        continue
                    filled, end_x, end_y, came = _follow(labels, junction_of, seen, points, filled, x, y, d)
                    out[arcs, 0], out[arcs, 1] = left[d], right[d]
                    out[arcs, 2] = junction_of[y, x] if closed == 0 else -1
                    out[arcs, 3] = junction_of[end_y, end_x] if closed == 0 else -1
                    out[arcs, 4], out[arcs, 5] = d, (came + 2) % 4
                    arcs += 1
                    offsets[arcs] = filled
    return points[:filled].copy(), offsets[: arcs + 1].copy(), out[:arcs].copy(), junctions


@njit(cache=True, nogil=True, inline="always")
def _seen(seen, x, y, d):
    if d == 0:
        return seen[y, x, 0]
    if d == 1:
        return seen[y, x, 1]
    if d == 2:
        return seen[y, x - 1, 0]
    return seen[y - 1, x, 1]


@njit(cache=True, nogil=True)
def _follow(labels, junction_of, seen, points, filled, x, y, d):
    """Walk from (x, y) heading d to the next junction, or round to the first side; append the corners passed."""
    start_x, start_y, start_d = x, y, d
    points[filled, 0], points[filled, 1] = x, y
    filled += 1
    while True:
        if d == 0:
            seen[y, x, 0] = True
        elif d == 1:
            seen[y, x, 1] = True
        elif d == 2:
            seen[y, x - 1, 0] = True
        else:
            seen[y - 1, x, 1] = True
        x += _DX[d]
        y += _DY[d]
        points[filled, 0], points[filled, 1] = x, y
        filled += 1
        if junction_of[y, x] >= 0:
            return filled, x, y, d
        left, right = _sides(labels, x, y)
        onward = _onward(left, right, d)
        if x == start_x and y == start_y and onward == start_d:
            return filled, x, y, d
        d = onward


@njit(cache=True, nogil=True)
def leaving_half_arcs(start, end, heading, junction_count):
    """int32 (J, 4): the half-arc that leaves a junction in each direction, −1 where none. Half-arc 2a is arc a forward,
    2a + 1 backward."""
    leaving = np.full((junction_count, 4), -1, np.int32)
    for a in range(start.size):
        if start[a] >= 0:
            leaving[start[a], heading[a, 0]] = 2 * a
            leaving[end[a], heading[a, 1]] = 2 * a + 1
    return leaving


@njit(cache=True, nogil=True)
def chain_rings(half_arcs, group_offsets, start, end, heading, leaving):
    """Chain half-arcs into rings, group by group; a group bounds one set of faces on its left.

    Where a set's own pixels meet crosswise at a junction, the ring turns right: the set is joined there. Returns
    (half-arcs in ring order, ring offsets int64 (R+1,), the group of each ring int32 (R,)).
    """
    chosen = np.zeros(2 * start.size, np.bool_)
    order = np.empty(half_arcs.size, np.int32)
    offsets = np.zeros(half_arcs.size + 1, np.int64)
    group_of_ring = np.empty(half_arcs.size, np.int32)
    rings = filled = 0
    for group in range(group_offsets.size - 1):
        members = half_arcs[group_offsets[group] : group_offsets[group + 1]]
        for h in members:
            chosen[h] = True
        for first in members:
            if not chosen[first]:
                continue
            h = first
            while chosen[h]:
                chosen[h] = False
                order[filled] = h
                filled += 1
                arc = h // 2
                if start[arc] < 0:
                    break
                junction, back = (end[arc], heading[arc, 1]) if h % 2 == 0 else (start[arc], heading[arc, 0])
                for turn in range(3, 0, -1):  # from the rightmost: back − 1 is a right turn in a y-down image
                    onward = leaving[junction, (back + turn) % 4]
                    if onward >= 0 and (chosen[onward] or onward == first):
                        h = onward
                        break
            group_of_ring[rings] = group
            rings += 1
            offsets[rings] = filled
    return order, offsets[: rings + 1].copy(), group_of_ring[:rings].copy()


@njit(cache=True, nogil=True)
def arc_areas(points, offsets):
    """Twice the signed area each arc contributes to a ring that walks it forward (face on its left: positive)."""
    areas = np.zeros(offsets.size - 1, np.int64)
    for a in range(offsets.size - 1):
        for i in range(offsets[a], offsets[a + 1] - 1):
            areas[a] += np.int64(points[i + 1, 0]) * points[i, 1] - np.int64(points[i, 0]) * points[i + 1, 1]
    return areas


@njit(cache=True, nogil=True)
def half_arcs_by_face(left, right, faces):
    """Half-arcs grouped by the face on their left: (half_arcs int32, offsets int64 (K+1,))."""
    offsets = np.zeros(faces + 1, np.int64)
    for a in range(left.size):
        if left[a] >= 0:
            offsets[left[a] + 1] += 1
        if right[a] >= 0:
            offsets[right[a] + 1] += 1
    offsets = np.cumsum(offsets)
    cursor = offsets[:-1].copy()
    half_arcs = np.empty(offsets[faces], np.int32)
    for a in range(left.size):
        for half_arc, face in ((2 * a, left[a]), (2 * a + 1, right[a])):
            if face >= 0:
                half_arcs[cursor[face]] = half_arc
                cursor[face] += 1
    return half_arcs, offsets
