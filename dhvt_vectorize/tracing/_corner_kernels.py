"""numba kernels of corners: where a polyline turns sharply, and where the lines through its sides meet."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ._cubic_kernels import solve

NEAR, FAR = 2, 4  # points either side over which a corner's turn is measured
ROUNDED, FLAT = 2, 0.06  # points beside a corner that are rounded; pixels by which points of a straight side scatter
REACH = 1.5  # pixels that a corner moves at most
BENT, BENT_LEFT = 16, 0.5  # points over which a side's bend is told, and what that leaves of a line's scatter at most
MOST_BENT = 0.9  # radians that a side turns over these: a parabola is no arc of more
MEETINGS = 3  # times that bent sides are extended to where they meet
AS_SHARP, AS_SHARP_BETWEEN = 0.7, 0.76  # of a corner's turn, that is there closer up; between points closer is farther
CORNER_COS = np.cos(np.radians(32.0))


@njit(cache=True, nogil=True)
def _turn_cos(points, i, wide, k, n, closed):
    """The cosine of the turn at point i, or, if `wide` is 1, between it and the next, over k points on either side."""
    a, b, next_one = i - k, i + wide + k, i + wide
    if closed:
        a, b, next_one = a % (n - 1), b % (n - 1), next_one % (n - 1)
    else:
        a, b, next_one = max(0, a), min(n - 1, b), min(n - 1, next_one)
    x, y = 0.5 * (points[i, 0] + points[next_one, 0]), 0.5 * (points[i, 1] + points[next_one, 1])
    ux, uy = x - points[a, 0], y - points[a, 1]
    vx, vy = points[b, 0] - x, points[b, 1] - y
    norm = np.sqrt((ux * ux + uy * uy) * (vx * vx + vy * vy))
    return 1.0 if norm == 0 else max(-1.0, min(1.0, (ux * vx + uy * vy) / norm))


@njit(cache=True, nogil=True)
def _sharpness(points, i, wide, n, closed):
    """The cosine of a turn that is as sharp closer up, else 1; at point i, or between it and the next."""
    far = _turn_cos(points, i, wide, FAR, n, closed)
    if far > CORNER_COS:
        return 1.0
    near = _turn_cos(points, i, wide, NEAR, n, closed)
    # on a smooth bend the turn over half the distance is half as large; at a corner it is all there
    return near if np.arccos(near) >= (AS_SHARP_BETWEEN if wide else AS_SHARP) * np.arccos(far) else 1.0


@njit(cache=True, nogil=True)
def corners(points, closed):
    """Indices of the corners of a polyline, its ends not counted: turns that are sharp and stay as sharp closer up."""
    n = points.shape[0]
    last = n - 1
    sharpness = np.ones(n)
    for i in range(0 if closed else 1, last):
        sharpness[i] = _sharpness(points, i, 0, n, closed)
    at_points = sharpness.copy()
    for i in range(0 if closed else 1, last):
        # a tip may lie between two points, if it is at none
        alone = True
        for k in range(-NEAR, NEAR + 2):
            j = (i + k) % last if closed else min(max(i + k, 0), last)
            alone = alone and at_points[j] == 1.0
        if alone:
            sharpness[i] = _sharpness(points, i, 1, n, closed)
    found = np.empty(n, np.int64)
    count = 0
    for i in range(0 if closed else 1, last):
        if sharpness[i] >= 1.0:
            continue
        is_peak = True
        for k in range(-NEAR, NEAR + 1):
            j = (i + k) % last if closed else i + k
            if k == 0 or j < 0 or j > last:
                continue
            if sharpness[j] < sharpness[i] or (sharpness[j] == sharpness[i] and k < 0):
                is_peak = False
                break
        if is_peak:
            found[count] = i
            count += 1
    return found[:count].copy()


@njit(cache=True, nogil=True)
def line_beside(points, i, step, skip, count, closed, line):
    """The line through the `count` points after the first `skip` on one side of point i, as a point and a direction,
    written to `line`; returns the points' root mean square distance from it."""
    last = points.shape[0] - 1
    sx = sy = sxx = sxy = syy = 0.0
    for k in range(1 + skip, 1 + skip + count):
        j = (i + step * k) % last if closed else i + step * k
        sx += points[j, 0] / count
        sy += points[j, 1] / count
    for k in range(1 + skip, 1 + skip + count):
        j = (i + step * k) % last if closed else i + step * k
        dx, dy = points[j, 0] - sx, points[j, 1] - sy
        sxx += dx * dx
        sxy += dx * dy
        syy += dy * dy
    angle = 0.5 * np.arctan2(2 * sxy, sxx - syy)
    dx, dy = np.cos(angle), np.sin(angle)
    line[0], line[1], line[2], line[3] = sx, sy, dx, dy
    return np.sqrt(max(0.0, sxx * dy * dy - 2 * sxy * dx * dy + syy * dx * dx) / count)


@njit(cache=True, nogil=True)
def bend_beside(points, i, step, skip, count, closed, line):
    """Half the bend of the parabola through `count` points beside point i, over the line through them, if it leaves far
    less than that line does, and little; else 0, and `line` as it was."""
    last = points.shape[0] - 1
    chord = np.empty(4)
    straight = line_beside(points, i, step, skip, count, closed, chord)
    square, product, left = np.zeros((3, 3)), np.zeros(3), 0.0
    for k in range(1 + skip, 1 + skip + count):
        j = (i + step * k) % last if closed else i + step * k
        dx, dy = points[j, 0] - chord[0], points[j, 1] - chord[1]
        u, v = dx * chord[2] + dy * chord[3], dy * chord[2] - dx * chord[3]
        powers = (1.0, u, u * u)
        left += v * v
        for a in range(3):
            product[a] += powers[a] * v
            for b in range(3):
                square[a, b] += powers[a] * powers[b]
    for a in range(3):
        square[a, a] += 1e-9
    numbers = product.copy()
    if not solve(square, numbers, 3):
        return 0.0
    for a in range(3):
        left -= numbers[a] * product[a]
    left = np.sqrt(max(0.0, left) / count)
    if left > FLAT or left > BENT_LEFT * straight:
        return 0.0
    # the parabola over its tangent at the middle
    length = np.hypot(1.0, numbers[1])
    if abs(2.0 * numbers[2]) * count > MOST_BENT * length**3:
        return 0.0
    line[0], line[1] = chord[0] - numbers[0] * chord[3], chord[1] + numbers[0] * chord[2]
    line[2], line[3] = (chord[2] - numbers[1] * chord[3]) / length, (chord[3] + numbers[1] * chord[2]) / length
    return numbers[2] / length**3


@njit(cache=True, nogil=True, inline="always")
def turned_tangent(line, bend, x, y, tangent):
    """The tangent of a parabola of this bend over its tangent `line`, beside (x, y)."""
    u = (x - line[0]) * line[2] + (y - line[1]) * line[3]
    length = np.hypot(1.0, 2.0 * bend * u)
    dx, dy = line[2], line[3]
    tangent[0] = line[0] + u * dx - bend * u * u * dy
    tangent[1] = line[1] + u * dy + bend * u * u * dx
    tangent[2] = (dx - 2.0 * bend * u * dy) / length
    tangent[3] = (dy + 2.0 * bend * u * dx) / length


@njit(cache=True, nogil=True)
def sharpen_corner(points, i, before, after, closed, out):
    """Move out[i] to where the lines through the points on either side of corner i meet, if near.

    Where a side is straight or evenly bent, the two points next to the corner, where anti-aliasing rounds it, are left
    out and moved onto the side's line or parabola. `before` and `after` points away are other ends.
    """
    last = points.shape[0] - 1
    line, tangent = np.empty((2, 4)), np.empty((2, 4))
    bend, skipped = np.zeros(2), np.zeros(2, np.int64)
    for side in range(2):
        step, room = (-1, before) if side == 0 else (1, after)
        if room >= 2 * ROUNDED + BENT:
            bend[side] = bend_beside(points, i, step, ROUNDED, BENT, closed, line[side])
        long = room >= 2 * ROUNDED + 4
        if bend[side] != 0.0 or (long and line_beside(points, i, step, ROUNDED, 5, closed, line[side]) <= FLAT):
            skipped[side] = ROUNDED
            continue
        count = min(4, room - 1)
        if count < 2:
            return
        line_beside(points, i, step, 0, count, closed, line[side])
    x, y = points[i, 0], points[i, 1]
    for _ in range(MEETINGS if bend[0] != 0.0 or bend[1] != 0.0 else 1):
        for side in range(2):
            turned_tangent(line[side], bend[side], x, y, tangent[side])
        cross = tangent[0, 2] * tangent[1, 3] - tangent[0, 3] * tangent[1, 2]
        if abs(cross) < 0.3:
            return
        dx, dy = tangent[1, 0] - tangent[0, 0], tangent[1, 1] - tangent[0, 1]
        t = (dx * tangent[1, 3] - dy * tangent[1, 2]) / cross
        x, y = tangent[0, 0] + t * tangent[0, 2], tangent[0, 1] + t * tangent[0, 3]
    if (x - points[i, 0]) ** 2 + (y - points[i, 1]) ** 2 > REACH * REACH:
        return
    out[i, 0], out[i, 1] = x, y
    for side in range(2):
        for k in range(1, skipped[side] + 1):
            j = i + (k if side else -k)
            if closed:
                j %= last
            turned_tangent(line[side], bend[side], points[j, 0], points[j, 1], tangent[side])
            out[j, 0], out[j, 1] = tangent[side, 0], tangent[side, 1]


@njit(cache=True, nogil=True)
def begun_at(arc, first):
    """A closed arc's points from another on, which then is the last as well."""
    around = arc.shape[0] - 1
    out = np.empty((around + 1, 2))
    for i in range(around + 1):
        j = (first + i) % around
        out[i, 0], out[i, 1] = arc[j, 0], arc[j, 1]
    return out


@njit(cache=True, nogil=True)
def _held(found, is_end):
    """The corners that are no part of a fillet, and the fillets' ends, ascending."""
    out = np.empty(found.size + is_end.size, np.int64)
    count = k = 0
    is_within = False
    for i in range(is_end.size):
        while k < found.size and found[k] < i:
            k += 1
        is_corner = k < found.size and found[k] == i
        near = is_within
        for j in range(max(0, i - NEAR), min(is_end.size, i + NEAR + 1)):
            near = near or is_end[j]
        if is_end[i]:
            is_within = not is_within
        if is_end[i] or (is_corner and not near):
            out[count] = i
            count += 1
    return out[:count].copy()


@njit(cache=True, nogil=True)
def sharpened_arcs(points, offsets, start, is_frame, is_end):
    """The polylines with every corner moved to where its sides meet, and which points are corners and which are places
    to cut at: corners and fillets' ends; bool (P,).

    A closed arc that has any of these begins at one.
    """
    out = points.copy()
    is_corner, is_cut = np.zeros(points.shape[0], np.bool_), np.zeros(points.shape[0], np.bool_)
    for a in range(offsets.size - 1):
        first, end = offsets[a], offsets[a + 1]
        n = end - first
        closed = start[a] < 0
        if is_frame[a] or n < 3:
            continue
        arc, fillet = points[first:end], is_end[first:end]
        found = _held(corners(arc, closed), fillet)
        if closed and found.size > 0:
            arc = begun_at(arc, found[0])
            fillet = fillet[(np.arange(n) + found[0]) % (n - 1)]
            found = found - found[0]
        sharp = out[first:end]
        for i in range(n):
            sharp[i, 0], sharp[i, 1] = arc[i, 0], arc[i, 1]
        for k in range(found.size):
            i = found[k]
            is_cut[first + i] = True
            if fillet[i]:
                continue
            before = i - (found[k - 1] if k > 0 else (found[-1] - (n - 1) if closed else 0))
            after = (found[k + 1] if k + 1 < found.size else n - 1) - i
            sharpen_corner(arc, i, before, after, closed, sharp)
            is_corner[first + i] = True
        if closed:
            sharp[n - 1, 0], sharp[n - 1, 1] = sharp[0, 0], sharp[0, 1]
            is_corner[end - 1], is_cut[end - 1] = is_corner[first], is_cut[first]
    return out, is_corner, is_cut
