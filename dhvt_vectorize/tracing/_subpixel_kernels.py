"""numba kernels of sub-pixel placement: a point for every pixel side, then the junctions."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ._corner_kernels import line_beside
from ._ramp_kernels import ramp_at

DEPTH = 3  # pixels looked at on either side
LEAST_CONTRAST = 12.0  # levels between the sides below which coverage says nothing
AGREEMENT = 24.0  # levels within which a local side colour is taken to be the region's own
EVEN, SPIKE = 0.12, (0.2, 0.8)  # pixels by which points scatter along a line, and by which a spike sticks out of it
MIXED = 2  # points next to a junction that are unsure: three colours mix there
STRETCH = 6  # points past these that tell which line an arc begins as, where they scatter no more than EVEN
STEEP = 0.4  # sine of the angle at which two lines cross, at least
MISSED = 0.35  # pixels by which the place where all cross may lie off one
OBLIQUE = 0.6  # a side is kept if the border runs along it at least this much of how far it runs across


@njit(cache=True, nogil=True)
def edge_points(labels, points, offsets, left, right, start, pixels, colours, ramp_of, ramps):
    """The polyline of every arc: its two ends, and between them one point for each pixel side that is kept.

    Args:
        ramp_of: int32 (K,), each face's place in `ramps`, −1 where its colour is one.
        ramps: float64 (G, NUMBERS), see `_ramp_kernels`.
    """
    arcs = offsets.size - 1
    out = np.empty((points.shape[0] + 2 * arcs, 2), np.float64)
    middle = np.empty((points.shape[0] + 2 * arcs, 2), np.float64)
    out_offsets = np.zeros(arcs + 1, np.int64)
    filled = 0
    for a in range(arcs):
        begin, end = offsets[a], offsets[a + 1] - 1
        first = filled
        if start[a] >= 0:
            out[filled, 0], out[filled, 1] = points[begin, 0], points[begin, 1]
            filled += 1
        if left[a] < 0 or right[a] < 0:
            filled = _frame_corners(points, begin, end, start[a] < 0, out, filled)
        else:
            for i in range(begin, end):
                if not _runs_along(points, i, begin, end, start[a] < 0):
                    continue
                shift = _shift(labels, pixels, colours, ramp_of, ramps, points, i, left[a], right[a])
                dx = points[i + 1, 0] - points[i, 0]
                dy = points[i + 1, 1] - points[i, 1]
                # the right-hand normal of (dx, dy) in a y-down image is (−dy, dx)
                middle[filled, 0] = 0.5 * (points[i, 0] + points[i + 1, 0])
                middle[filled, 1] = 0.5 * (points[i, 1] + points[i + 1, 1])
                out[filled, 0], out[filled, 1] = middle[filled, 0] - dy * shift, middle[filled, 1] + dx * shift
                filled += 1
            _settle_spikes(out[first + (start[a] >= 0) : filled], middle[first + (start[a] >= 0) : filled])
        if start[a] >= 0:
            out[filled, 0], out[filled, 1] = points[end, 0], points[end, 1]
        else:
            out[filled, 0], out[filled, 1] = out[first, 0], out[first, 1]
        filled += 1
        out_offsets[a + 1] = filled
    return out[:filled].copy(), out_offsets


@njit(cache=True, nogil=True)
def _settle_spikes(line, middle):
    """Move a point or two that stick out of a straight stretch onto it: there a thin region or a speck misled them."""
    before = line.copy()
    for i in range(3, line.shape[0] - 3):
        ax, ay = before[i - 3, 0] + before[i - 2, 0], before[i - 3, 1] + before[i - 2, 1]
        bx, by = before[i + 3, 0] + before[i + 2, 0], before[i + 3, 1] + before[i + 2, 1]
        dx, dy = 0.5 * (bx - ax), 0.5 * (by - ay)
        length = np.hypot(dx, dy)
        if length < 2.0:
            continue
        nx, ny = -dy / length, dx / length
        cx, cy = 0.25 * (ax + bx), 0.25 * (ay + by)
        scatter = 0.0
        for k in (-3, -2, 2, 3):
            scatter = max(scatter, abs((before[i + k, 0] - cx) * nx + (before[i + k, 1] - cy) * ny))
        off = (before[i, 0] - cx) * nx + (before[i, 1] - cy) * ny
        # on a bend both neighbours lie off the line as well
        beside = min(
            abs((before[i - 1, 0] - cx) * nx + (before[i - 1, 1] - cy) * ny),
            abs((before[i + 1, 0] - cx) * nx + (before[i + 1, 1] - cy) * ny),
        )
        if max(scatter, beside) > EVEN or not SPIKE[0] <= abs(off) <= SPIKE[1]:
            continue
        x, y = before[i, 0] - off * nx, before[i, 1] - off * ny
        if max(abs(x - middle[i, 0]), abs(y - middle[i, 1])) <= 1.0:
            line[i, 0], line[i, 1] = x, y


@njit(cache=True, nogil=True)
def _frame_corners(points, begin, end, closed, out, filled):
    """On the frame only the image's corners are points."""
    for i in range(begin if closed else begin + 1, end):
        j = end - 1 if i == begin else i - 1
        turn = (points[i, 0] - points[j, 0]) * (points[i + 1, 1] - points[i, 1])
        turn -= (points[i, 1] - points[j, 1]) * (points[i + 1, 0] - points[i, 0])
        if turn != 0:
            out[filled, 0], out[filled, 1] = points[i, 0], points[i, 1]
            filled += 1
    return filled


@njit(cache=True, nogil=True, inline="always")
def _runs_along(points, i, begin, end, closed):
    """Does the border, over two sides each way, run mostly along side i?"""
    before, after = i - 2, i + 3
    if closed:
        n = end - begin
        before = begin + (before - begin) % n
        after = begin + (after - begin) % n
    else:
        before, after = max(before, begin), min(after, end)
    tx = abs(points[after, 0] - points[before, 0])
    ty = abs(points[after, 1] - points[before, 1])
    if points[i + 1, 0] != points[i, 0]:
        return tx >= OBLIQUE * ty
    return ty >= OBLIQUE * tx


@njit(cache=True, nogil=True)
def _shift(labels, pixels, colours, ramp_of, ramps, points, i, left, right):
    """How far the edge lies to the right of pixel side i, in pixels, −1…1."""
    x, y = points[i, 0], points[i, 1]
    dx, dy = points[i + 1, 0] - x, points[i + 1, 1] - y
    # pixel on the right of the side, and the step away from it on that hand
    if dx > 0:
        rx, ry = x, y
    elif dx < 0:
        rx, ry = x - 1, y - 1
    elif dy > 0:
        rx, ry = x - 1, y
    else:
        rx, ry = x, y - 1
    nx, ny = -dy, dx
    lx, ly = rx - nx, ry - ny
    left_run = _run(labels, lx, ly, -nx, -ny, left)
    right_run = _run(labels, rx, ry, nx, ny, right)
    side_l = np.empty(4)
    side_r = np.empty(4)
    _own_colour(colours, ramp_of, ramps, lx, ly, left, side_l)
    _side_colour(pixels, lx, ly, -nx, -ny, left_run, side_l)
    _own_colour(colours, ramp_of, ramps, rx, ry, right, side_r)
    _side_colour(pixels, rx, ry, nx, ny, right_run, side_r)
    contrast = 0.0
    for c in range(4):
        contrast += (side_l[c] - side_r[c]) ** 2
    if contrast < LEAST_CONTRAST * LEAST_CONTRAST:
        return 0.0
    shift = 0.0
    for k in range(min(left_run, DEPTH - 1)):
        shift -= 1.0 - _coverage(pixels, ly - k * ny, lx - k * nx, side_l, side_r, contrast)
    for k in range(min(right_run, DEPTH - 1)):
        shift += _coverage(pixels, ry + k * ny, rx + k * nx, side_l, side_r, contrast)
    return min(1.0, max(-1.0, shift))


@njit(cache=True, nogil=True, inline="always")
def _run(labels, x, y, nx, ny, face):
    """How many pixels from (x, y) on belong to the face, at most DEPTH."""
    height, width = labels.shape
    n = 0
    while n < DEPTH and 0 <= x < width and 0 <= y < height and labels[y, x] == face:
        n += 1
        x += nx
        y += ny
    return n


@njit(cache=True, nogil=True)
def _own_colour(colours, ramp_of, ramps, x, y, face, out):
    """The colour that the face's paint has at pixel (x, y)."""
    if ramp_of[face] >= 0:
        ramp_at(ramps[ramp_of[face]], x + 0.5, y + 0.5, out)
        return
    for c in range(4):
        out[c] = colours[face, c]


@njit(cache=True, nogil=True, inline="always")
def _side_colour(pixels, x, y, nx, ny, run, out):
    """The face's own colour as it is in `out`, or the deepest pixel's if that is another."""
    deep_y, deep_x = y + (run - 1) * ny, x + (run - 1) * nx
    difference = 0.0
    for c in range(4):
        difference = max(difference, abs(np.float64(pixels[deep_y, deep_x, c]) - out[c]))
    if run == DEPTH and difference > AGREEMENT:
        for c in range(4):
            out[c] = pixels[deep_y, deep_x, c]


@njit(cache=True, nogil=True, inline="always")
def _coverage(pixels, y, x, side_l, side_r, contrast):
    t = 0.0
    for c in range(4):
        t += (np.float64(pixels[y, x, c]) - side_r[c]) * (side_l[c] - side_r[c])
    return min(1.0, max(0.0, t / contrast))


@njit(cache=True, nogil=True)
def place_junctions(points, offsets, start, end, left, right, junctions, leaving, height, width):
    """Move the ends of all arcs to where their junctions belong, in place."""
    near = np.empty((4, 2))
    far = np.empty((4, 2))
    lines = np.empty((4, 5))
    for j in range(junctions.shape[0]):
        x, y = float(junctions[j, 0]), float(junctions[j, 1])
        n = 0
        for d in range(4):
            h = leaving[j, d]
            if h < 0 or left[h // 2] < 0 or right[h // 2] < 0:
                continue
            _ends(points, offsets, h, near[n], far[n])
            _line(points, offsets, h, lines[n])
            n += 1
        px, py = _meeting(near, far, lines, n)
        if x == 0 or x == width:
            py = _extended(near[0, 0], near[0, 1], far[0, 0], far[0, 1], x)
        if y == 0 or y == height:
            px = _extended(near[0, 1], near[0, 0], far[0, 1], far[0, 0], y)
        # a sane place lies within a pixel of the corner, and on the frame if the corner does
        px, py = min(x + 1.0, max(x - 1.0, px)), min(y + 1.0, max(y - 1.0, py))
        if x == 0 or x == width:
            px = x
        if y == 0 or y == height:
            py = y
        for d in range(4):
            h = leaving[j, d]
            if h >= 0:
                i = offsets[h // 2] if h % 2 == 0 else offsets[h // 2 + 1] - 1
                points[i, 0], points[i, 1] = px, py
                if left[h // 2] >= 0 and right[h // 2] >= 0:
                    _straighten_start(points, offsets, h)


@njit(cache=True, nogil=True, inline="always")
def _extended(near_along, near_across, far_along, far_across, frame):
    """Where the one arc that ends on the frame crosses it, gone on as it comes."""
    along = near_along - far_along
    if along == 0.0:
        return near_across
    return near_across + (frame - near_along) * (near_across - far_across) / along


@njit(cache=True, nogil=True)
def _ends(points, offsets, half_arc, near, far):
    """The points next to, and a few steps from, the start of a half-arc."""
    begin, end = offsets[half_arc // 2], offsets[half_arc // 2 + 1] - 1
    steps = min(4, end - begin)
    if half_arc % 2 == 0:
        i, k = begin + 1, begin + steps
    else:
        i, k = end - 1, end - steps
    near[0], near[1] = points[i, 0], points[i, 1]
    far[0], far[1] = points[k, 0], points[k, 1]


@njit(cache=True, nogil=True)
def _line(points, offsets, half_arc, out):
    """Centre and direction of the straight stretch that a half-arc begins with, past what is unsure; 1 if it is one."""
    begin, end = offsets[half_arc // 2], offsets[half_arc // 2 + 1] - 1
    out[4] = 0.0
    if end - begin < 2 * MIXED + STRETCH:
        return
    step, start = (1, begin) if half_arc % 2 == 0 else (-1, end)
    line_beside(points, start, step, MIXED, STRETCH, False, out)
    first, last = start + step * (MIXED + 1), start + step * (MIXED + STRETCH)
    for k in range(STRETCH):
        u, v = points[first + step * k, 0] - out[0], points[first + step * k, 1] - out[1]
        if abs(u * out[3] - v * out[2]) > EVEN:
            return
    out[4] = 1.0 if (points[first] != points[last]).any() else 0.0


@njit(cache=True, nogil=True)
def _crossing(lines, n, x, y):
    """The point of least squared distance from n lines; (x, y) if it is far from one, or they are nearly parallel."""
    xx = xy = yy = bx = by = 0.0
    for k in range(n):
        if lines[k, 4] == 0.0:
            return x, y
        # the projection onto the line's normal
        u, v = -lines[k, 3], lines[k, 2]
        off = u * lines[k, 0] + v * lines[k, 1]
        xx += u * u
        xy += u * v
        yy += v * v
        bx += off * u
        by += off * v
    # the smaller of both eigenvalues
    if 0.5 * (xx + yy - np.hypot(xx - yy, 2.0 * xy)) < STEEP * STEEP:
        return x, y
    det = xx * yy - xy * xy
    px, py = (yy * bx - xy * by) / det, (xx * by - xy * bx) / det
    for k in range(n):
        if abs((px - lines[k, 0]) * lines[k, 3] - (py - lines[k, 1]) * lines[k, 2]) > MISSED:
            return x, y
    return px, py


@njit(cache=True, nogil=True)
def _meeting(near, far, lines, n):
    """Where n arcs meet: where the lines do that they begin as; else midway between two that run straight into each
    other; else the mean of their first points."""
    best, bi, bj = -0.85, -1, -1
    mx = my = 0.0
    for i in range(n):
        mx += near[i, 0] / n
        my += near[i, 1] / n
    for i in range(n):
        for j in range(i):
            ax, ay = far[i, 0] - mx, far[i, 1] - my
            bx, by = far[j, 0] - mx, far[j, 1] - my
            norm = np.sqrt((ax * ax + ay * ay) * (bx * bx + by * by))
            if norm > 0 and (ax * bx + ay * by) / norm < best:
                best, bi, bj = (ax * bx + ay * by) / norm, i, j
    if bi >= 0:
        mx, my = 0.5 * (near[bi, 0] + near[bj, 0]), 0.5 * (near[bi, 1] + near[bj, 1])
    return _crossing(lines, n, mx, my)


@njit(cache=True, nogil=True)
def _straighten_start(points, offsets, half_arc):
    """Move the points next to a junction onto the straight way from it to those beyond, if they are near that."""
    begin, end = offsets[half_arc // 2], offsets[half_arc // 2 + 1] - 1
    if end - begin < 2 * MIXED + 4:
        return
    step = 1 if half_arc % 2 == 0 else -1
    start = begin if half_arc % 2 == 0 else end
    x, y = points[start, 0], points[start, 1]
    tx = 0.5 * (points[start + step * (MIXED + 1), 0] + points[start + step * (MIXED + 2), 0])
    ty = 0.5 * (points[start + step * (MIXED + 1), 1] + points[start + step * (MIXED + 2), 1])
    length = np.hypot(tx - x, ty - y)
    if length == 0:
        return
    dx, dy = (tx - x) / length, (ty - y) / length
    for k in range(1, MIXED + 1):
        i = start + step * k
        along = min(length, max(0.0, (points[i, 0] - x) * dx + (points[i, 1] - y) * dy))
        mx, my = x + along * dx, y + along * dy
        if np.hypot(points[i, 0] - mx, points[i, 1] - my) <= 0.7:
            points[i, 0], points[i, 1] = mx, my
