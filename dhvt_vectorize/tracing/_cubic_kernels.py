"""numba kernels of one piece: a cubic by least squares, and how far points lie from a line."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

STEPS = 4  # at most, that refine a fit
SETTLED = 0.98  # of the sum of squares: a step that leaves more is the last
DAMPING = 1e-4  # of the equations' trace
SHORTEST = 1e-3  # handle, of a piece's length, along a given direction
HOPELESS = 4.0  # times the tolerance beyond which a fit is given up after its second step


@njit(cache=True, nogil=True, inline="always")
def bezier(b, t):
    s = 1.0 - t
    b0, b1, b2, b3 = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
    return (
        b0 * b[0, 0] + b1 * b[1, 0] + b2 * b[2, 0] + b3 * b[3, 0],
        b0 * b[0, 1] + b1 * b[1, 1] + b2 * b[2, 1] + b3 * b[3, 1],
    )


@njit(cache=True, nogil=True)
def chord_parameters(points, first, last, stride, t):
    """t[first], t[first + stride] … t[last]: distance along the chords, 0…1. Returns their length."""
    t[first] = 0.0
    before = first
    for i in range(first + stride, last, stride):
        t[i] = t[before] + np.hypot(points[i, 0] - points[before, 0], points[i, 1] - points[before, 1])
        before = i
    total = t[before] + np.hypot(points[last, 0] - points[before, 0], points[last, 1] - points[before, 1])
    if total > 0:
        for i in range(first, last, stride):
            t[i] /= total
    return total


@njit(cache=True, nogil=True)
def solve_free(points, first, last, stride, t, b):
    """Least squares for both inner control points; False if the system is near singular."""
    c11 = c12 = c22 = x1 = x2 = y1 = y2 = 0.0
    for i in range(first + stride, last, stride):
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
def _solve_tangents(points, first, last, stride, t, b, t1x, t1y, t2x, t2y, length):
    """Least squares for the two handles' lengths along given unit tangents (Schneider 1990)."""
    c11 = c12 = c22 = x1 = x2 = 0.0
    dot = t1x * t2x + t1y * t2y
    for i in range(first + stride, last, stride):
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
def _reparametrise(points, first, last, stride, t, b):
    """One Newton step for every point towards its nearest parameter; returns the greatest distance, where, and the sum
    of squares."""
    worst, where, total = 0.0, first + 1, 0.0
    for i in range(first + stride, last, stride):
        u = t[i]
        x, y = bezier(b, u)
        dx, dy = x - points[i, 0], y - points[i, 1]
        s = 1.0 - u
        q1x = 3 * (s * s * (b[1, 0] - b[0, 0]) + 2 * s * u * (b[2, 0] - b[1, 0]) + u * u * (b[3, 0] - b[2, 0]))
        q1y = 3 * (s * s * (b[1, 1] - b[0, 1]) + 2 * s * u * (b[2, 1] - b[1, 1]) + u * u * (b[3, 1] - b[2, 1]))
        q2x = 6 * (s * (b[2, 0] - 2 * b[1, 0] + b[0, 0]) + u * (b[3, 0] - 2 * b[2, 0] + b[1, 0]))
        q2y = 6 * (s * (b[2, 1] - 2 * b[1, 1] + b[0, 1]) + u * (b[3, 1] - 2 * b[2, 1] + b[1, 1]))
        slope = q1x * q1x + q1y * q1y + dx * q2x + dy * q2y
        if slope > 1e-12:
            u = min(1.0, max(0.0, u - (dx * q1x + dy * q1y) / slope))
            x, y = bezier(b, u)
            d = (x - points[i, 0]) ** 2 + (y - points[i, 1]) ** 2
            if d < dx * dx + dy * dy:
                t[i] = u
            else:
                d = dx * dx + dy * dy
        else:
            d = dx * dx + dy * dy
        total += d
        if d > worst:
            worst, where = d, i
    return np.sqrt(worst), where, total


@njit(cache=True, nogil=True)
def fit_cubic(points, first, last, tangents, has_tangent, tolerance, stride, t, b, thorough):
    """Fit one cubic to points[first..last], written to `b` (4, 2); returns (greatest distance, where, sum of squares).

    Of the points between the ends every `stride`-th counts, and the sum is made up for the others. Where an end has no
    given tangent, the direction is the fit's own. `thorough` goes on when all points are within tolerance.
    """
    b[0, 0], b[0, 1] = points[first, 0], points[first, 1]
    b[3, 0], b[3, 1] = points[last, 0], points[last, 1]
    length = chord_parameters(points, first, last, stride, t)
    is_free = np.array([not has_tangent[first], not has_tangent[last]])
    ways = np.empty((2, 2))
    is_free &= _begin(points, first, last, stride, t, b, tangents, is_free, ways, length)
    worst, where, total = _reparametrise(points, first, last, stride, t, b)
    for step in range(STEPS):
        if worst > (HOPELESS if step > 0 else 4 * HOPELESS) * tolerance or (worst <= tolerance and not thorough):
            break
        before = b[1, 0], b[1, 1], b[2, 0], b[2, 1]
        better = np.inf
        if _step(points, first, last, stride, t, b, ways, is_free, length):
            far, there, better = _reparametrise(points, first, last, stride, t, b)
        if better >= total:
            b[1, 0], b[1, 1], b[2, 0], b[2, 1] = before
            break
        is_settled = better > SETTLED * total
        worst, where, total = far, there, better
        if is_settled:
            break
    return worst, where, total * stride


@njit(cache=True, nogil=True)
def _begin(points, first, last, stride, t, b, tangents, is_free, ways, length):
    """The handles to begin with, and in `ways` (2, 2) the directions in which they leave the ends.

    Returns whether there are points enough for free ends to turn.
    """
    enough = last - first >= 4 * stride
    if is_free[0] or is_free[1]:
        enough = enough and solve_free(points, first, last, stride, t, b)
    for end in range(2):
        here, there, sign = (first, last, 1.0) if end == 0 else (last, first, -1.0)
        if not is_free[end]:
            ways[end, 0], ways[end, 1] = sign * tangents[here, 0], sign * tangents[here, 1]
            continue
        near = min(first + 2, last) if end == 0 else max(last - 2, first)
        gx, gy = (b[1 + end, 0], b[1 + end, 1]) if enough else (points[near, 0], points[near, 1])
        x, y = points[here, 0], points[here, 1]
        ways[end, 0], ways[end, 1] = unit(gx - x, gy - y, points[there, 0] - x, points[there, 1] - y)
    if not (enough and is_free[0] and is_free[1] and _tame(b, length)):
        _solve_tangents(
            points, first, last, stride, t, b, ways[0, 0], ways[0, 1], ways[1, 0], ways[1, 1], length
        )  # fmt: skip
    return enough


@njit(cache=True, nogil=True)
def _step(points, first, last, stride, t, b, ways, is_free, length):
    """A Gauss-Newton step on the distances from the curve; False where there is none, or it leads to a loop.

    Distances are those from the tangent at each point's nearest (Wang, Pottmann & Liu, "Fitting B-spline curves to
    point clouds by curvature-based squared distance minimization", TOG 2006): what slides along the curve is free, so
    that a few steps do what alternating needs many for. A handle that is not free moves along its way.
    """
    second = 2 if is_free[0] else 1  # the place of the second handle's first unknown
    unknowns = second + (2 if is_free[1] else 1)
    a = np.zeros((4, 4))
    g = np.zeros(4)
    row = np.empty(4)
    for i in range(first + stride, last, stride):
        u = t[i]
        s = 1.0 - u
        x, y = bezier(b, u)
        qx = s * s * (b[1, 0] - b[0, 0]) + 2 * s * u * (b[2, 0] - b[1, 0]) + u * u * (b[3, 0] - b[2, 0])
        qy = s * s * (b[1, 1] - b[0, 1]) + 2 * s * u * (b[2, 1] - b[1, 1]) + u * u * (b[3, 1] - b[2, 1])
        norm = np.sqrt(qx * qx + qy * qy)
        if norm < 1e-9:
            continue
        nx, ny = -qy / norm, qx / norm
        off = (points[i, 0] - x) * nx + (points[i, 1] - y) * ny
        for end in range(2):
            weight = 3 * s * u * (s if end == 0 else u)
            at = end * second
            if is_free[end]:
                row[at], row[at + 1] = weight * nx, weight * ny
            else:
                row[at] = weight * (ways[end, 0] * nx + ways[end, 1] * ny)
        for p in range(unknowns):
            g[p] += row[p] * off
            for q in range(p + 1):
                a[p, q] += row[p] * row[q]
    trace = 0.0
    for p in range(unknowns):
        trace += a[p, p]
    if not trace > 0:
        return False
    for p in range(unknowns):
        a[p, p] += DAMPING * trace
    if not solve(a, g, unknowns):
        return False
    for end in range(2):
        at = end * second
        if is_free[end]:
            b[1 + end, 0] += g[at]
            b[1 + end, 1] += g[at + 1]
        else:
            x, y = b[3 * end, 0], b[3 * end, 1]
            handle = (b[1 + end, 0] - x) * ways[end, 0] + (b[1 + end, 1] - y) * ways[end, 1] + g[at]
            handle = min(length, max(handle, SHORTEST * length))
            b[1 + end, 0], b[1 + end, 1] = x + handle * ways[end, 0], y + handle * ways[end, 1]
    return _tame(b, length)


@njit(cache=True, nogil=True)
def solve(a, g, k):
    """Solve the k equations a x = g by Cholesky's decomposition of the lower half; x replaces g. False if singular."""
    for p in range(k):
        for q in range(p):
            for r in range(q):
                a[p, q] -= a[p, r] * a[q, r]
            a[p, q] /= a[q, q]
            a[p, p] -= a[p, q] * a[p, q]
        if a[p, p] <= 0:
            return False
        a[p, p] = np.sqrt(a[p, p])
    for p in range(k):
        for q in range(p):
            g[p] -= a[p, q] * g[q]
        g[p] /= a[p, p]
    for p in range(k - 1, -1, -1):
        for q in range(p + 1, k):
            g[p] -= a[q, p] * g[q]
        g[p] /= a[p, p]
    return True


@njit(cache=True, nogil=True, inline="always")
def _tame(b, length):
    """Both handles short enough not to loop, and pointing along the piece."""
    h1 = np.sqrt((b[1, 0] - b[0, 0]) ** 2 + (b[1, 1] - b[0, 1]) ** 2)
    h2 = np.sqrt((b[2, 0] - b[3, 0]) ** 2 + (b[2, 1] - b[3, 1]) ** 2)
    return h1 <= length and h2 <= length


@njit(cache=True, nogil=True, inline="always")
def unit(x, y, fallback_x, fallback_y):
    norm = np.sqrt(x * x + y * y)
    if norm < 1e-9:
        x, y = fallback_x, fallback_y
        norm = np.sqrt(x * x + y * y)
        if norm < 1e-9:
            return 1.0, 0.0
    return x / norm, y / norm


@njit(cache=True, nogil=True)
def deviation_from_line(points, first, last, stride, x, y, dx, dy):
    """The greatest distance from a line of every `stride`-th point from first to last."""
    worst = 0.0
    for i in range(first, last + 1, stride):
        worst = max(worst, abs((points[i, 0] - x) * dy - (points[i, 1] - y) * dx))
    return worst
