"""numba kernels of curve fitting: corners of a polyline, least-squares cubics, chains within tolerance."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

NEAR, FAR = 2, 4  # points either side over which a corner's turn is measured
CORNER_COS = np.cos(np.radians(32.0))
TANGENT_SPAN = 3  # points either side that give a tangent at a smooth join
ITERATIONS = 4


@njit(cache=True, nogil=True)
def _turn_cos(points, i, k, n, closed):
    a, b = i - k, i + k
    if closed:
        a, b = a % (n - 1), b % (n - 1)
    else:
        a, b = max(0, a), min(n - 1, b)
    ux, uy = points[i, 0] - points[a, 0], points[i, 1] - points[a, 1]
    vx, vy = points[b, 0] - points[i, 0], points[b, 1] - points[i, 1]
    norm = np.sqrt((ux * ux + uy * uy) * (vx * vx + vy * vy))
    return 1.0 if norm == 0 else max(-1.0, min(1.0, (ux * vx + uy * vy) / norm))


@njit(cache=True, nogil=True)
def corners(points, closed):
    """Indices of the corners of a polyline, its ends not counted: turns that are sharp and stay as sharp closer up."""
    n = points.shape[0]
    last = n - 1
    sharpness = np.ones(n)
    for i in range(0 if closed else 1, last):
        far = _turn_cos(points, i, FAR, n, closed)
        if far > CORNER_COS:
            continue
        near = _turn_cos(points, i, NEAR, n, closed)
        # on a smooth bend the turn over half the distance is half as large; at a corner it is all there
        if np.arccos(near) >= 0.7 * np.arccos(far):
            sharpness[i] = near
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
def sharpen_corner(points, i, before, after, closed):
    """Where the lines through the points just before and just after corner i meet, if near; else the point itself."""
    n = points.shape[0]
    last = n - 1
    line = np.empty((2, 4))
    for side in range(2):
        step = -1 if side == 0 else 1
        room = before if side == 0 else after
        m = min(4, room - 1)
        if m < 2:
            return points[i, 0], points[i, 1]
        sx = sy = sxx = sxy = syy = 0.0
        for k in range(1, m + 1):
            j = i + step * k
            if closed:
                j %= last
            sx += points[j, 0]
            sy += points[j, 1]
        sx, sy = sx / m, sy / m
        for k in range(1, m + 1):
            j = i + step * k
            if closed:
                j %= last
            dx, dy = points[j, 0] - sx, points[j, 1] - sy
            sxx += dx * dx
            sxy += dx * dy
            syy += dy * dy
        angle = 0.5 * np.arctan2(2 * sxy, sxx - syy)
        line[side, 0], line[side, 1] = sx, sy
        line[side, 2], line[side, 3] = np.cos(angle), np.sin(angle)
    cross = line[0, 2] * line[1, 3] - line[0, 3] * line[1, 2]
    if abs(cross) < 0.3:
        return points[i, 0], points[i, 1]
    dx, dy = line[1, 0] - line[0, 0], line[1, 1] - line[0, 1]
    t = (dx * line[1, 3] - dy * line[1, 2]) / cross
    x, y = line[0, 0] + t * line[0, 2], line[0, 1] + t * line[0, 3]
    if (x - points[i, 0]) ** 2 + (y - points[i, 1]) ** 2 > 1.5 * 1.5:
        return points[i, 0], points[i, 1]
    return x, y


@njit(cache=True, nogil=True, inline="always")
def _bezier(b, t):
    s = 1.0 - t
    b0, b1, b2, b3 = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
    return (
        b0 * b[0, 0] + b1 * b[1, 0] + b2 * b[2, 0] + b3 * b[3, 0],
        b0 * b[0, 1] + b1 * b[1, 1] + b2 * b[2, 1] + b3 * b[3, 1],
    )


@njit(cache=True, nogil=True)
def _chord_parameters(points, first, last, t):
    t[first] = 0.0
    for i in range(first + 1, last + 1):
        t[i] = t[i - 1] + np.sqrt((points[i, 0] - points[i - 1, 0]) ** 2 + (points[i, 1] - points[i - 1, 1]) ** 2)
    total = t[last]
    if total > 0:
        for i in range(first, last + 1):
            t[i] /= total
    return total


@njit(cache=True, nogil=True)
def _solve_free(points, first, last, t, b):
    """Least squares for both inner control points; False if the system is near singular."""
    c11 = c12 = c22 = x1 = x2 = y1 = y2 = 0.0
    for i in range(first + 1, last):
        u = t[i]
        s = 1.0 - u
        a1, a2 = 3 * s * s * u, 3 * s * u * u
        e0, e3 = s * s * s, u * u * u
        rx = points[i, 0] - e0 * b[0, 0] - e3 * b[3, 0]
        ry = points[i, 1] - e0 * b[0, 1] - e3 * b[3, 1]
        c11 += a1 * a1
        c12 += a1 * a2
        c22 += a2 * a2
        x1 += a1 * rx
        x2 += a2 * rx
        y1 += a1 * ry
        y2 += a2 * ry
    det = c11 * c22 - c12 * c12
    if det <= 1e-6 * c11 * c22 or det <= 0:
        return False
    b[1, 0], b[1, 1] = (x1 * c22 - x2 * c12) / det, (y1 * c22 - y2 * c12) / det
    b[2, 0], b[2, 1] = (x2 * c11 - x1 * c12) / det, (y2 * c11 - y1 * c12) / det
    return True


@njit(cache=True, nogil=True)
def _solve_tangents(points, first, last, t, b, t1x, t1y, t2x, t2y, length):
    """Least squares for the two handles' lengths along given unit tangents (Schneider 1990)."""
    c11 = c12 = c22 = x1 = x2 = 0.0
    dot = t1x * t2x + t1y * t2y
    for i in range(first + 1, last):
        u = t[i]
        s = 1.0 - u
        a1, a2 = 3 * s * s * u, 3 * s * u * u
        e0, e3 = s * s * s + a1, u * u * u + a2
        rx = points[i, 0] - e0 * b[0, 0] - e3 * b[3, 0]
        ry = points[i, 1] - e0 * b[0, 1] - e3 * b[3, 1]
        c11 += a1 * a1
        c12 += a1 * a2 * dot
        c22 += a2 * a2
        x1 += a1 * (rx * t1x + ry * t1y)
        x2 += a2 * (rx * t2x + ry * t2y)
    det = c11 * c22 - c12 * c12
    chord = np.sqrt((b[3, 0] - b[0, 0]) ** 2 + (b[3, 1] - b[0, 1]) ** 2)
    h1 = h2 = chord / 3.0
    if det > 1e-9 * c11 * c22 and det > 0:
        h1, h2 = (x1 * c22 - x2 * c12) / det, (x2 * c11 - x1 * c12) / det
        # a handle must point forward and not run past the whole piece
        if h1 < 1e-3 * length or h2 < 1e-3 * length or h1 > length or h2 > length:
            h1 = min(length, max(h1, 0.05 * length)) if h1 == h1 else chord / 3.0
            h2 = min(length, max(h2, 0.05 * length)) if h2 == h2 else chord / 3.0
    b[1, 0], b[1, 1] = b[0, 0] + h1 * t1x, b[0, 1] + h1 * t1y
    b[2, 0], b[2, 1] = b[3, 0] + h2 * t2x, b[3, 1] + h2 * t2y


@njit(cache=True, nogil=True)
def _reparametrise(points, first, last, t, b):
    """One Newton step for every point towards its nearest parameter; returns the greatest distance and its index."""
    worst, where = 0.0, first + 1
    for i in range(first + 1, last):
        u = t[i]
        x, y = _bezier(b, u)
        dx, dy = x - points[i, 0], y - points[i, 1]
        s = 1.0 - u
        q1x = 3 * (s * s * (b[1, 0] - b[0, 0]) + 2 * s * u * (b[2, 0] - b[1, 0]) + u * u * (b[3, 0] - b[2, 0]))
        q1y = 3 * (s * s * (b[1, 1] - b[0, 1]) + 2 * s * u * (b[2, 1] - b[1, 1]) + u * u * (b[3, 1] - b[2, 1]))
        q2x = 6 * (s * (b[2, 0] - 2 * b[1, 0] + b[0, 0]) + u * (b[3, 0] - 2 * b[2, 0] + b[1, 0]))
        q2y = 6 * (s * (b[2, 1] - 2 * b[1, 1] + b[0, 1]) + u * (b[3, 1] - 2 * b[2, 1] + b[1, 1]))
        slope = q1x * q1x + q1y * q1y + dx * q2x + dy * q2y
        if slope > 1e-12:
            u = min(1.0, max(0.0, u - (dx * q1x + dy * q1y) / slope))
            x, y = _bezier(b, u)
            d = (x - points[i, 0]) ** 2 + (y - points[i, 1]) ** 2
            if d < dx * dx + dy * dy:
                t[i] = u
            else:
                d = dx * dx + dy * dy
        else:
            d = dx * dx + dy * dy
        if d > worst:
            worst, where = d, i
    return np.sqrt(worst), where


@njit(cache=True, nogil=True)
def _line_deviation(points, first, last):
    ax, ay = points[first, 0], points[first, 1]
    dx, dy = points[last, 0] - ax, points[last, 1] - ay
    length2 = dx * dx + dy * dy
    worst = 0.0
    for i in range(first + 1, last):
        px, py = points[i, 0] - ax, points[i, 1] - ay
        if length2 > 0:
            f = min(1.0, max(0.0, (px * dx + py * dy) / length2))
            px, py = px - f * dx, py - f * dy
        worst = max(worst, px * px + py * py)
    return np.sqrt(worst)


@njit(cache=True, nogil=True)
def fit_cubic(points, first, last, tangents, has_tangent, tolerance, t, b):
    """Fit one cubic to points[first..last]; returns (greatest distance, its index). `b` (4, 2) receives the curve.

    Where an end has no given tangent, the tangent is that of an unconstrained fit.
    """
    b[0] = points[first]
    b[3] = points[last]
    length = _chord_parameters(points, first, last, t)
    t1x, t1y = tangents[first, 0], tangents[first, 1]
    t2x, t2y = -tangents[last, 0], -tangents[last, 1]
    free1, free2 = not has_tangent[first], not has_tangent[last]
    if free1 or free2:
        enough = last - first >= 4 and _solve_free(points, first, last, t, b)
        near_1 = min(first + 2, last)
        near_2 = max(last - 2, first)
        if free1:
            gx, gy = (b[1, 0], b[1, 1]) if enough else (points[near_1, 0], points[near_1, 1])
            t1x, t1y = _unit(gx - b[0, 0], gy - b[0, 1], points[last, 0] - b[0, 0], points[last, 1] - b[0, 1])
        if free2:
            gx, gy = (b[2, 0], b[2, 1]) if enough else (points[near_2, 0], points[near_2, 1])
            t2x, t2y = _unit(gx - b[3, 0], gy - b[3, 1], points[first, 0] - b[3, 0], points[first, 1] - b[3, 1])
    worst, where = np.inf, (first + last) // 2
    for step in range(ITERATIONS):
        if free1 and free2 and last - first >= 4 and _solve_free(points, first, last, t, b) and _tame(b, length):
            pass
        else:
            _solve_tangents(points, first, last, t, b, t1x, t1y, t2x, t2y, length)
        worst, where = _reparametrise(points, first, last, t, b)
        if worst <= tolerance or (step > 0 and worst > 4.0 * tolerance):
            break
    return worst, where


@njit(cache=True, nogil=True, inline="always")
def _tame(b, length):
    """Both handles short enough not to loop, and pointing along the piece."""
    h1 = np.sqrt((b[1, 0] - b[0, 0]) ** 2 + (b[1, 1] - b[0, 1]) ** 2)
    h2 = np.sqrt((b[2, 0] - b[3, 0]) ** 2 + (b[2, 1] - b[3, 1]) ** 2)
    return h1 <= length and h2 <= length


@njit(cache=True, nogil=True, inline="always")
def _unit(x, y, fallback_x, fallback_y):
    norm = np.sqrt(x * x + y * y)
    if norm < 1e-9:
        x, y = fallback_x, fallback_y
        norm = np.sqrt(x * x + y * y)
        if norm < 1e-9:
            return 1.0, 0.0
    return x / norm, y / norm


@njit(cache=True, nogil=True)
def _smooth_tangents(points, closed, tangents):
    """Unit tangents by central differences, for joins inside a smooth stretch."""
    n = points.shape[0]
    for i in range(n):
        a, b = i - TANGENT_SPAN, i + TANGENT_SPAN
        if closed:
            a, b = a % (n - 1), b % (n - 1)
        else:
            a, b = max(0, a), min(n - 1, b)
        tangents[i, 0], tangents[i, 1] = _unit(points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], 1.0, 0.0)


@njit(cache=True, nogil=True)
def _fit_stretch(points, first, last, tangents, has_tangent, tolerance, t, ends, curves, lines):
    """Cut points[first..last] into lines and cubics within tolerance; joins are smooth. Returns how many pieces.

    Splits at the worst point until all fit (Schneider 1990), then joins neighbours that one piece fits after all.
    """
    ends[0] = first
    ends[1] = last
    pieces = 1
    done = 0
    b = np.empty((4, 2))
    while done < pieces:
        i, j = ends[done], ends[done + 1]
        if _fit_piece(points, i, j, tangents, has_tangent, tolerance, t, b, curves[done], lines, done):
            done += 1
            continue
        _, where = fit_cubic(points, i, j, tangents, has_tangent, tolerance, t, b)
        # an end piece of one side fits anything, so a split keeps away from the ends where it can
        where = min(max(where, i + min(2, (j - i) // 2)), j - min(2, (j - i) // 2))
        has_tangent[where] = True
        for k in range(pieces, done, -1):
            ends[k + 1] = ends[k]
        ends[done + 1] = where
        pieces += 1
    k = 0
    while k + 1 < pieces:
        if _fit_piece(points, ends[k], ends[k + 2], tangents, has_tangent, tolerance, t, b, curves[k], lines, k):
            for m in range(k + 1, pieces - 1):
                ends[m] = ends[m + 1]
                curves[m] = curves[m + 1]
                lines[m] = lines[m + 1]
            ends[pieces - 1] = ends[pieces]
            pieces -= 1
        else:
            k += 1
    return pieces


@njit(cache=True, nogil=True)
def _fit_piece(points, i, j, tangents, has_tangent, tolerance, t, b, curve, lines, place):
    """One line or cubic for points[i..j] if it stays within tolerance, written to `curve` and `lines[place]`."""
    if j - i == 1 or _line_deviation(points, i, j) <= 0.7 * tolerance:
        curve[0] = points[i]
        curve[1] = points[i]
        curve[2] = points[j]
        curve[3] = points[j]
        lines[place] = True
        return True
    worst, _ = fit_cubic(points, i, j, tangents, has_tangent, tolerance, t, b)
    if worst > tolerance:
        return False
    curve[:] = b
    lines[place] = False
    return True


@njit(cache=True, nogil=True)
def fit_arcs(points, offsets, start, is_frame, tolerance):
    """Lines and cubics for every polyline. Returns control points (S, 4, 2), line flags (S,), offsets (A+1,)."""
    arcs = offsets.size - 1
    out = np.empty((points.shape[0] + arcs, 4, 2))
    out_lines = np.zeros(points.shape[0] + arcs, np.bool_)
    out_offsets = np.zeros(arcs + 1, np.int64)
    filled = 0
    for a in range(arcs):
        arc = points[offsets[a] : offsets[a + 1]].copy()
        n = arc.shape[0]
        if is_frame[a] or n < 3:
            for i in range(n - 1):
                out[filled, 0] = arc[i]
                out[filled, 1] = arc[i]
                out[filled, 2] = arc[i + 1]
                out[filled, 3] = arc[i + 1]
                out_lines[filled] = True
                filled += 1
        else:
            filled = _fit_arc(arc, start[a] < 0, tolerance, out, out_lines, filled)
        out_offsets[a + 1] = filled
    return out[:filled].copy(), out_lines[:filled].copy(), out_offsets


@njit(cache=True, nogil=True)
def _fit_arc(arc, closed, tolerance, out, out_lines, filled):
    n = arc.shape[0]
    found = corners(arc, closed)
    if closed and found.size > 0:
        # begin a closed arc at its first corner
        arc = np.concatenate((arc[found[0] : n - 1], arc[: found[0] + 1]))
        found = found - found[0]
    sharp = arc.copy()
    for k in range(found.size):
        i = found[k]
        before = i - (found[k - 1] if k > 0 else (found[-1] - (n - 1) if closed else 0))
        after = (found[k + 1] if k + 1 < found.size else n - 1) - i
        sharp[i, 0], sharp[i, 1] = sharpen_corner(arc, i, before, after, closed)
    if closed:
        sharp[n - 1] = sharp[0]
    tangents = np.empty((n, 2))
    smooth_closed = closed and found.size == 0
    _smooth_tangents(sharp, smooth_closed, tangents)
    has_tangent = np.zeros(n, np.bool_)
    breaks = np.empty(found.size + 3, np.int64)
    if smooth_closed:
        has_tangent[0] = has_tangent[n - 1] = has_tangent[n // 2] = True
        breaks[0], breaks[1], breaks[2] = 0, n // 2, n - 1
        count = 3
    else:
        inner = found[1:] if closed else found
        breaks[0] = 0
        for k in range(inner.size):
            breaks[k + 1] = inner[k]
        breaks[inner.size + 1] = n - 1
        count = inner.size + 2
    t = np.empty(n)
    ends = np.empty(n + 1, np.int64)
    curves = np.empty((n, 4, 2))
    lines = np.zeros(n, np.bool_)
    for k in range(count - 1):
        pieces = _fit_stretch(sharp, breaks[k], breaks[k + 1], tangents, has_tangent, tolerance, t, ends, curves, lines)
        for m in range(pieces):
            out[filled] = curves[m]
            out_lines[filled] = lines[m]
            filled += 1
    return filled
