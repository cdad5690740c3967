"""numba kernels of curve fitting: where to cut a polyline into lines and cubics, where their ends lie, and the fits."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

ITERATIONS = 4
HOPELESS = 4.0  # times the tolerance beyond which a fit is given up after its second step
LOOKED_AT = 32  # points of a stretch, about, that the search for cuts looks at
TURN_COS = np.cos(np.radians(15.0))  # the direction of a smooth join may turn by so much where that saves a piece,
KINK_COS = np.cos(np.radians(3.0))  # and by so much if the piece before does not turn along
CLOSE = 0.85  # of the tolerance that pieces may take while their ends are free; holding them costs some
STRAIGHT = 0.7  # of the tolerance that a line may take
LINE_PRICE = 0.012  # square pixels, times ln n, by which a line's sum of squares may exceed a cubic's
FAILED = 1e6  # added to the cost of a piece that does not stay within tolerance


@njit(cache=True, nogil=True, inline="always")
def _bezier(b, t):
    s = 1.0 - t
    b0, b1, b2, b3 = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
    return (
        b0 * b[0, 0] + b1 * b[1, 0] + b2 * b[2, 0] + b3 * b[3, 0],
        b0 * b[0, 1] + b1 * b[1, 1] + b2 * b[2, 1] + b3 * b[3, 1],
    )


@njit(cache=True, nogil=True)
def _chord_parameters(points, first, last, stride, t):
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
def _solve_free(points, first, last, stride, t, b):
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
        total += d
        if d > worst:
            worst, where = d, i
    return np.sqrt(worst), where, total


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
def fit_cubic(points, first, last, tangents, has_tangent, tolerance, stride, t, b):
    """Fit one cubic to points[first..last], written to `b` (4, 2); returns (greatest distance, where, sum of squares).

    Of the points between the ends every `stride`-th counts, and the sum is made up for the others. Where an end has no
    given tangent, the tangent is that of an unconstrained fit.
    """
    b[0] = points[first]
    b[3] = points[last]
    length = _chord_parameters(points, first, last, stride, t)
    t1x, t1y = tangents[first, 0], tangents[first, 1]
    t2x, t2y = -tangents[last, 0], -tangents[last, 1]
    free1, free2 = not has_tangent[first], not has_tangent[last]
    loose = free1 and free2 and last - first >= 4 * stride
    if free1 or free2:
        enough = last - first >= 4 * stride and _solve_free(points, first, last, stride, t, b)
        loose = loose and enough
        if free1:
            near = min(first + 2, last)
            gx, gy = (b[1, 0], b[1, 1]) if enough else (points[near, 0], points[near, 1])
            t1x, t1y = _unit(gx - b[0, 0], gy - b[0, 1], points[last, 0] - b[0, 0], points[last, 1] - b[0, 1])
        if free2:
            near = max(last - 2, first)
            gx, gy = (b[2, 0], b[2, 1]) if enough else (points[near, 0], points[near, 1])
            t2x, t2y = _unit(gx - b[3, 0], gy - b[3, 1], points[first, 0] - b[3, 0], points[first, 1] - b[3, 1])
    worst, where, total = np.inf, (first + last) // 2, np.inf
    for step in range(ITERATIONS):
        # at the first step the free solution is there already
        if not (loose and (step == 0 or _solve_free(points, first, last, stride, t, b)) and _tame(b, length)):
            _solve_tangents(points, first, last, stride, t, b, t1x, t1y, t2x, t2y, length)
        worst, where, total = _reparametrise(points, first, last, stride, t, b)
        if worst <= tolerance or worst > (HOPELESS if step > 0 else 4 * HOPELESS) * tolerance:
            break
    return worst, where, total * stride


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
def _sums(points):
    """Running sums of x, y, x², xy, y², about the first point, for lines through any stretch at once: (n + 1, 5)."""
    n = points.shape[0]
    sums = np.zeros((n + 1, 5))
    for i in range(n):
        x, y = points[i, 0] - points[0, 0], points[i, 1] - points[0, 1]
        sums[i + 1, 0] = sums[i, 0] + x
        sums[i + 1, 1] = sums[i, 1] + y
        sums[i + 1, 2] = sums[i, 2] + x * x
        sums[i + 1, 3] = sums[i, 3] + x * y
        sums[i + 1, 4] = sums[i, 4] + y * y
    return sums


@njit(cache=True, nogil=True)
def _line(points, sums, first, last):
    """The line nearest to points[first..last], their ends, which are less sure, left out where there are enough.

    Returns a point on it, its unit direction from first to last, and the sum of squares.
    """
    a, b = (first + 1, last) if last - first >= 4 else (first, last + 1)
    n = b - a
    mx, my = (sums[b, 0] - sums[a, 0]) / n, (sums[b, 1] - sums[a, 1]) / n
    sxx = sums[b, 2] - sums[a, 2] - n * mx * mx
    sxy = sums[b, 3] - sums[a, 3] - n * mx * my
    syy = sums[b, 4] - sums[a, 4] - n * my * my
    angle = 0.5 * np.arctan2(2 * sxy, sxx - syy)
    dx, dy = np.cos(angle), np.sin(angle)
    if dx * (points[last, 0] - points[first, 0]) + dy * (points[last, 1] - points[first, 1]) < 0:
        dx, dy = -dx, -dy
    residual = max(0.0, sxx * dy * dy - 2 * sxy * dx * dy + syy * dx * dx)
    return points[0, 0] + mx, points[0, 1] + my, dx, dy, residual


@njit(cache=True, nogil=True)
def _deviation(points, first, last, stride, x, y, dx, dy):
    """The greatest distance from a line of every `stride`-th point from first to last."""
    worst = 0.0
    for i in range(first, last + 1, stride):
        worst = max(worst, abs((points[i, 0] - x) * dy - (points[i, 1] - y) * dx))
    return worst


@njit(cache=True, nogil=True, inline="always")
def _stride(first, last):
    return 1 + (last - first) // LOOKED_AT


@njit(cache=True, nogil=True)
def _cost(points, sums, first, last, tangents, has_tangent, tolerance, t, b):
    """(cost, is a line) of one piece for points[first..last]: its sum of squares, a cubic's with its price; at least
    FAILED if none stays within tolerance."""
    if last - first == 1:
        return 0.0, True
    x, y, dx, dy, squares = _line(points, sums, first, last)
    # the points next to the ends are less sure
    skip = 2 if last - first >= 8 else 1
    far = _deviation(points, first + skip, last - skip, _stride(first, last), x, y, dx, dy)
    straight = far <= STRAIGHT * tolerance
    price = LINE_PRICE * np.log(last - first + 1.0)
    if straight and squares <= price:
        return squares, True
    worst, _, total = fit_cubic(
        points, first, last, tangents, has_tangent, CLOSE * tolerance, _stride(first, last), t, b
    )
    if worst > CLOSE * tolerance:
        return (squares, True) if straight else (FAILED + total, False)
    if straight and squares <= total + price:
        return squares, True
    return total + price, False


@njit(cache=True, nogil=True)
def _cut(points, sums, first, last, tangents, has_tangent, tolerance, t, b, ends, count):
    """Cut points[first..last] into pieces, each as long as it can be; their ends follow ends[count − 1] = first."""
    begin = first
    while begin < last:
        if _cost(points, sums, begin, last, tangents, has_tangent, tolerance, t, b)[0] < FAILED:
            end = last
        else:
            # double while it fits, then halve the doubt
            good, step = begin + 1, 4
            bad = last
            while begin + step < last:
                if _cost(points, sums, begin, begin + step, tangents, has_tangent, tolerance, t, b)[0] >= FAILED:
                    bad = begin + step
                    break
                good = begin + step
                step *= 2
            while bad - good > max(1, (good - begin) // 16):
                middle = (good + bad) // 2
                if _cost(points, sums, begin, middle, tangents, has_tangent, tolerance, t, b)[0] >= FAILED:
                    bad = middle
                else:
                    good = middle
            end = good
        ends[count] = end
        count += 1
        begin = end
    return count


@njit(cache=True, nogil=True)
def _pair(points, sums, first, at, last, tangents, has_tangent, tolerance, t, b):
    """The cost of two pieces that meet at `at`; a cubic goes on from a line in its direction."""
    has_tangent[at] = False
    cost, is_line = _cost(points, sums, first, at, tangents, has_tangent, tolerance, t, b)
    if is_line:
        _, _, tangents[at, 0], tangents[at, 1], _ = _line(points, sums, first, at)
        has_tangent[at] = True
    other, is_line_too = _cost(points, sums, at, last, tangents, has_tangent, tolerance, t, b)
    if is_line_too and not is_line:
        _, _, tangents[at, 0], tangents[at, 1], _ = _line(points, sums, at, last)
        has_tangent[at] = True
        cost, _ = _cost(points, sums, first, at, tangents, has_tangent, tolerance, t, b)
    return cost + other


@njit(cache=True, nogil=True)
def _settle(points, sums, ends, k, tangents, has_tangent, tolerance, t, b):
    """Move the cut between pieces k − 1 and k to where both together cost least, by ever smaller steps."""
    first, at, last = ends[k - 1], ends[k], ends[k + 1]
    best = _pair(points, sums, first, at, last, tangents, has_tangent, tolerance, t, b)
    step = max(1, (last - first) // 8)
    while step >= 1:
        moved = False
        for place in (at - step, at + step):
            if place <= first + 1 or place >= last - 1:
                continue
            cost = _pair(points, sums, first, place, last, tangents, has_tangent, tolerance, t, b)
            has_tangent[place] = False
            if cost < best - 1e-9:
                best, at, moved = cost, place, True
                break
        if not moved:
            step //= 2
    has_tangent[ends[k]] = False
    ends[k] = at
    _pair(points, sums, first, at, last, tangents, has_tangent, tolerance, t, b)


@njit(cache=True, nogil=True)
def _sides(points, sums, first, last, is_line, tangents, has_tangent, tolerance, t, b, side):
    """What a piece is near its two ends: a point and a direction along the piece, and its scatter, to `side` (2, 5)."""
    if is_line:
        x, y, dx, dy, squares = _line(points, sums, first, last)
        for end in range(2):
            side[end, 0], side[end, 1], side[end, 2], side[end, 3] = x, y, dx, dy
            side[end, 4] = np.sqrt(squares) / (last - first + 1)
        return
    fit_cubic(points, first, last, tangents, has_tangent, CLOSE * tolerance, _stride(first, last), t, b)
    side[0, :2] = points[first]
    side[1, :2] = points[last]
    side[0, 2], side[0, 3] = _unit(b[1, 0] - b[0, 0], b[1, 1] - b[0, 1], b[3, 0] - b[0, 0], b[3, 1] - b[0, 1])
    side[1, 2], side[1, 3] = _unit(b[3, 0] - b[2, 0], b[3, 1] - b[2, 1], b[3, 0] - b[0, 0], b[3, 1] - b[0, 1])


@njit(cache=True, nogil=True)
def cut_arcs(points, offsets, start, is_frame, is_corner, tolerance):
    """Where to cut every polyline into pieces, and which are lines.

    Returns points (P, 2), in which smooth closed arcs begin where a piece does; the pieces' first points, ascending,
    int64 (S,); line flags (S,); sides (S, 2, 5): of either end a point, the direction along the piece, and how far a
    line's ends scatter; and the arcs' offsets among pieces (A+1,).
    """
    arcs = offsets.size - 1
    out = points.copy()
    firsts = np.empty(points.shape[0], np.int64)
    is_line = np.ones(points.shape[0], np.bool_)
    side = np.zeros((points.shape[0], 2, 5))
    out_offsets = np.zeros(arcs + 1, np.int64)
    filled = 0
    for a in range(arcs):
        begin, end = offsets[a], offsets[a + 1]
        n = end - begin
        if is_frame[a] or n < 3:
            for i in range(n - 1):
                firsts[filled] = begin + i
                filled += 1
        else:
            corner = is_corner[begin:end]
            arc, ends = _cut_arc(out[begin:end].copy(), start[a] < 0, corner, tolerance, is_line, side, filled)
            out[begin:end] = arc
            for i in ends:
                firsts[filled] = begin + i
                filled += 1
        out_offsets[a + 1] = filled
    return out, firsts[:filled].copy(), is_line[:filled].copy(), side[:filled].copy(), out_offsets


@njit(cache=True, nogil=True)
def _cut_arc(arc, closed, corner, tolerance, is_line, side, filled):
    """One arc's points, and its pieces' first points; kinds and sides are written from place `filled` on."""
    n = arc.shape[0]
    t = np.empty(n)
    b = np.empty((4, 2))
    tangents = np.zeros((n, 2))
    has_tangent = np.zeros(n, np.bool_)
    ends = np.empty(n + 2, np.int64)
    ends[0] = 0
    if closed and not corner[0]:
        # begin a smooth closed arc where a piece ends, and where it does once that has settled
        for _ in range(2):
            sums = _sums(arc)
            count = _cut(arc, sums, 0, n - 1, tangents, has_tangent, tolerance, t, b, ends, 1)
            if count > 2:
                _settle(arc, sums, ends, 1, tangents, has_tangent, tolerance, t, b)
                has_tangent[ends[1]] = False
                arc = np.concatenate((arc[ends[1] : n - 1], arc[: ends[1] + 1]))
    sums = _sums(arc)
    count = 1
    for i in range(1, n):
        if corner[i] or i == n - 1:
            count = _cut(arc, sums, ends[count - 1], i, tangents, has_tangent, tolerance, t, b, ends, count)
    for k in range(1, count - 1):
        if not corner[ends[k]]:
            _settle(arc, sums, ends, k, tangents, has_tangent, tolerance, t, b)
    for k in range(count - 1):
        first, last, place = ends[k], ends[k + 1], filled + k
        is_line[place] = _cost(arc, sums, first, last, tangents, has_tangent, tolerance, t, b)[1]
        _sides(arc, sums, first, last, is_line[place], tangents, has_tangent, tolerance, t, b, side[place])
    return arc, ends[: count - 1]


@njit(cache=True, nogil=True)
def fit_pieces(points, offsets, firsts, is_line, piece_offsets, tangents, has_tangent, is_frame, tolerance):
    """Lines and cubics for all pieces between their placed ends; `tangents` and `has_tangent` are worked in.

    Returns control points (S, 4, 2), line flags (S,), offsets (A+1,).
    """
    arcs = offsets.size - 1
    out = np.empty((points.shape[0] + arcs, 4, 2))
    out_lines = np.zeros(points.shape[0] + arcs, np.bool_)
    out_offsets = np.zeros(arcs + 1, np.int64)
    t = np.empty(points.shape[0])
    b = np.empty((4, 2))
    filled = 0
    for a in range(arcs):
        for k in range(piece_offsets[a], piece_offsets[a + 1]):
            end = firsts[k + 1] if k + 1 < piece_offsets[a + 1] else offsets[a + 1] - 1
            filled = _emit(
                points,
                firsts[k],
                end,
                offsets[a + 1] - 1,
                tangents,
                has_tangent,
                is_line[k],
                tolerance,
                t,
                b,
                out,
                out_lines,
                filled,
            )
        out_offsets[a + 1] = filled
    return out[:filled].copy(), out_lines[:filled].copy(), out_offsets


@njit(cache=True, nogil=True)
def _fits_loosely(points, first, last, tangents, has_tangent, is_arc_end, tolerance, t, b):
    """Fit a cubic whose direction at its end, then at both ends, is its own; does it stay within tolerance, and turn
    little from the smooth joins' directions? What comes next goes on in its direction, so that only a start can kink.
    """
    smooth = has_tangent[first], has_tangent[last]
    for loosened in range(2):
        if (loosened == 0 and (is_arc_end or not smooth[1])) or not (smooth[0] or smooth[1]):
            continue
        has_tangent[last] = False
        has_tangent[first] = smooth[0] and loosened == 0
        worst, _, _ = fit_cubic(points, first, last, tangents, has_tangent, tolerance, 1, t, b)
        has_tangent[first], has_tangent[last] = smooth
        if worst > tolerance:
            continue
        ax, ay = _unit(b[1, 0] - b[0, 0], b[1, 1] - b[0, 1], tangents[first, 0], tangents[first, 1])
        ex, ey = _unit(b[3, 0] - b[2, 0], b[3, 1] - b[2, 1], tangents[last, 0], tangents[last, 1])
        if smooth[0] and ax * tangents[first, 0] + ay * tangents[first, 1] < KINK_COS:
            continue
        if smooth[1] and ex * tangents[last, 0] + ey * tangents[last, 1] < (KINK_COS if is_arc_end else TURN_COS):
            continue
        if not is_arc_end:
            tangents[last, 0], tangents[last, 1] = ex, ey
        return True
    return False


@njit(cache=True, nogil=True)
def _emit(points, first, last, arc_end, tangents, has_tangent, is_line, tolerance, t, b, out, out_lines, filled):
    """One piece between its settled ends; where it does not stay within tolerance, it is split at the worst point."""
    ends = [last]
    begin = first
    while len(ends) > 0:
        end = ends[-1]
        dx, dy = points[end, 0] - points[begin, 0], points[end, 1] - points[begin, 1]
        length = np.sqrt(dx * dx + dy * dy)
        if end - begin == 1 or (
            is_line
            and length > 0
            and _deviation(points, begin, end, 1, points[begin, 0], points[begin, 1], dx / length, dy / length)
            <= tolerance
        ):
            out[filled, 0] = out[filled, 1] = points[begin]
            out[filled, 2] = out[filled, 3] = points[end]
            out_lines[filled] = True
            filled += 1
            begin = end
            ends.pop()
            continue
        worst, where, _ = fit_cubic(points, begin, end, tangents, has_tangent, tolerance, 1, t, b)
        if worst <= tolerance or _fits_loosely(
            points, begin, end, tangents, has_tangent, end == arc_end, tolerance, t, b
        ):
            out[filled] = b
            out_lines[filled] = False
            filled += 1
            begin = end
            ends.pop()
            continue
        # an end piece of one side fits anything, so a split keeps away from the ends where it can
        where = min(max(where, begin + min(2, (end - begin) // 2)), end - min(2, (end - begin) // 2))
        low, high = max(begin, where - 3), min(end, where + 3)
        tangents[where, 0], tangents[where, 1] = _unit(
            points[high, 0] - points[low, 0], points[high, 1] - points[low, 1], dx, dy
        )
        has_tangent[where] = True
        ends.append(where)
    return filled
