"""numba kernels of cutting: where a polyline falls into lines and cubics, and which are which."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ._corner_kernels import begun_at
from ._cubic_kernels import deviation_from_line, fit_cubic, unit
from ._stray_kernels import cubic_is_near

LOOKED_AT = 48  # points of a stretch, about, that the search for cuts looks at
LEAST_STRAIGHT = 32  # points of a piece whose end may be straight
CLOSE = 0.85  # of the tolerance that pieces may take while their ends are free; holding them costs some
STRAIGHT = 0.7  # of the tolerance that a line may take
LINE_PRICE = 0.012  # square pixels, times ln n, by which a line's sum of squares may exceed a cubic's
PIECE_PRICE = 5.0  # squared tolerances by which a piece must lower the sum of squares to be worth its numbers
LONG = 8  # points looked at of a stretch, at least, for strays among them to be told from bends
FAILED = 1e6  # added to the cost of a piece that does not stay within tolerance


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


@njit(cache=True, nogil=True, inline="always")
def _stride(first, last):
    return 1 + (last - first) // LOOKED_AT


@njit(cache=True, nogil=True)
def _cost(points, sums, first, last, tangents, has_tangent, tolerance, t, b, thorough):
    """(cost, is a line) of one piece for points[first..last]: its sum of squares, a cubic's with its price; at least
    FAILED if none stays within tolerance."""
    if last - first == 1:
        return 0.0, True
    x, y, dx, dy, squares = _line(points, sums, first, last)
    # the points next to the ends are less sure
    skip = 2 if last - first >= 8 else 1
    far = deviation_from_line(points, first + skip, last - skip, _stride(first, last), x, y, dx, dy)
    straight = far <= STRAIGHT * tolerance
    price = LINE_PRICE * np.log(last - first + 1.0)
    if straight and squares <= price:
        return squares, True
    worst, _, total = fit_cubic(
        points, first, last, tangents, has_tangent, CLOSE * tolerance, _stride(first, last), t, b, thorough
    )
    if not cubic_is_near(points, first, last, _stride(first, last), worst, CLOSE * tolerance, t, b, LONG):
        return (squares, True) if straight else (FAILED + total, False)
    if straight and squares <= total + price:
        return squares, True
    return total + price, False


@njit(cache=True, nogil=True)
def _cut(points, sums, first, last, tangents, has_tangent, tolerance, t, b, ends, count):
    """Cut points[first..last] into pieces, each as long as it can be; their ends follow ends[count − 1] = first."""
    begin = first
    while begin < last:
        if _cost(points, sums, begin, last, tangents, has_tangent, tolerance, t, b, False)[0] < FAILED:
            end = last
        else:
            # double while it fits, then halve the doubt
            good, step = begin + 1, 4
            bad = last
            while begin + step < last:
                if _cost(points, sums, begin, begin + step, tangents, has_tangent, tolerance, t, b, False)[0] >= FAILED:
                    bad = begin + step
                    break
                good = begin + step
                step *= 2
            while bad - good > max(1, (good - begin) // 16):
                middle = (good + bad) // 2
                if _cost(points, sums, begin, middle, tangents, has_tangent, tolerance, t, b, False)[0] >= FAILED:
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
    cost, is_line = _cost(points, sums, first, at, tangents, has_tangent, tolerance, t, b, True)
    if is_line:
        _, _, tangents[at, 0], tangents[at, 1], _ = _line(points, sums, first, at)
        has_tangent[at] = True
    other, is_line_too = _cost(points, sums, at, last, tangents, has_tangent, tolerance, t, b, True)
    if is_line_too and not is_line:
        _, _, tangents[at, 0], tangents[at, 1], _ = _line(points, sums, at, last)
        has_tangent[at] = True
        cost, _ = _cost(points, sums, first, at, tangents, has_tangent, tolerance, t, b, True)
    return cost + other


@njit(cache=True, nogil=True)
def _settled(points, sums, first, at, last, step, tangents, has_tangent, tolerance, t, b):
    """Where two pieces from first to last meet at least cost, from `at` on by ever smaller steps, and that cost."""
    best = _pair(points, sums, first, at, last, tangents, has_tangent, tolerance, t, b)
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
    return at, best


@njit(cache=True, nogil=True)
def _settle(points, sums, ends, k, tangents, has_tangent, tolerance, t, b):
    """Move the cut between pieces k − 1 and k to where both together cost least.

    A line that runs on into a bend is a cubic soon, so that cuts within the line are not met on the way from beyond it:
    where either end of the two pieces is straight, the search also begins where it ceases to be, by smaller steps.
    """
    first, at, last = ends[k - 1], ends[k], ends[k + 1]
    has_tangent[at] = False
    step = max(1, (last - first) // 8)
    best, least = _settled(points, sums, first, at, last, step, tangents, has_tangent, tolerance, t, b)
    for begin, way in ((first, 1), (last, -1)):
        place = _straight(points, sums, begin, at, way, tolerance)
        if place < 0:
            continue
        has_tangent[best] = False
        near = max(1, abs(at - begin) // 32)
        found, cost = _settled(points, sums, first, place, last, near, tangents, has_tangent, tolerance, t, b)
        has_tangent[place] = False
        if cost < least - 1e-9:
            best, least = found, cost
    ends[k] = best
    has_tangent[at] = has_tangent[best] = False
    _pair(points, sums, first, best, last, tangents, has_tangent, tolerance, t, b)


@njit(cache=True, nogil=True)
def _straight(points, sums, begin, at, way, tolerance):
    """Where the line ends, about, that begins at `begin` and goes to `at`, the one way or the other, if it goes half of
    the way; −1 if it does not."""
    length = abs(at - begin)
    if length < LEAST_STRAIGHT:
        return -1
    good, bad = 0, length + 1
    step = length // 2
    while bad - good > max(1, length // 32):
        tried = good + step if bad > length else (good + bad) // 2
        tried = min(tried, length)
        first, last = min(begin, begin + way * tried), max(begin, begin + way * tried)
        x, y, dx, dy, squares = _line(points, sums, first, last)
        far = deviation_from_line(points, first + 2, last - 2, _stride(first, last), x, y, dx, dy)
        if far <= STRAIGHT * tolerance and squares <= LINE_PRICE * np.log(tried + 1.0):
            good = tried
        else:
            bad = tried
        if good == 0 and bad <= length // 2:
            return -1
    return begin + way * good


@njit(cache=True, nogil=True)
def _settle_all(points, sums, ends, count, corner, tangents, has_tangent, tolerance, t, b):
    """Settle every cut that is no corner, one after the other."""
    for k in range(1, count - 1):
        if not corner[ends[k]]:
            _settle(points, sums, ends, k, tangents, has_tangent, tolerance, t, b)


@njit(cache=True, nogil=True)
def _divide(points, sums, ends, count, tangents, has_tangent, tolerance, t, b):
    """Cut once more every piece that two describe better by more than a piece's price."""
    price = PIECE_PRICE * tolerance * tolerance
    k = 0
    while k + 1 < count and count < ends.size:
        first, last = ends[k], ends[k + 1]
        whole = 0.0
        if last - first >= 8:
            whole, _ = _cost(points, sums, first, last, tangents, has_tangent, tolerance, t, b, True)
        if price < whole < FAILED:
            middle = (first + last) // 2
            step = max(1, (last - first) // 8)
            at, best = _settled(points, sums, first, middle, last, step, tangents, has_tangent, tolerance, t, b)
            has_tangent[middle] = False
            if whole - best > price:
                _pair(points, sums, first, at, last, tangents, has_tangent, tolerance, t, b)
                for later in range(count, k + 1, -1):
                    ends[later] = ends[later - 1]
                ends[k + 1] = at
                count += 1
                continue
        k += 1
    return count


@njit(cache=True, nogil=True)
def _sides(points, sums, first, last, is_line, tangents, has_tangent, tolerance, t, b, side):
    """What a piece is near its two ends: a point and a direction along the piece, and its scatter, to `side` (2, 5)."""
    if is_line:
        x, y, dx, dy, squares = _line(points, sums, first, last)
        for end in range(2):
            side[end, 0], side[end, 1], side[end, 2], side[end, 3] = x, y, dx, dy
            side[end, 4] = np.sqrt(squares) / (last - first + 1)
        return
    fit_cubic(points, first, last, tangents, has_tangent, CLOSE * tolerance, _stride(first, last), t, b, True)
    side[0, 0], side[0, 1] = points[first, 0], points[first, 1]
    side[1, 0], side[1, 1] = points[last, 0], points[last, 1]
    side[0, 2], side[0, 3] = unit(b[1, 0] - b[0, 0], b[1, 1] - b[0, 1], b[3, 0] - b[0, 0], b[3, 1] - b[0, 1])
    side[1, 2], side[1, 3] = unit(b[3, 0] - b[2, 0], b[3, 1] - b[2, 1], b[3, 0] - b[0, 0], b[3, 1] - b[0, 1])


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
            for i in range(n):
                out[begin + i, 0], out[begin + i, 1] = arc[i, 0], arc[i, 1]
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
                arc = begun_at(arc, ends[1])
    sums = _sums(arc)
    count = 1
    for i in range(1, n):
        if corner[i] or i == n - 1:
            count = _cut(arc, sums, ends[count - 1], i, tangents, has_tangent, tolerance, t, b, ends, count)
    _settle_all(arc, sums, ends, count, corner, tangents, has_tangent, tolerance, t, b)
    divided = _divide(arc, sums, ends, count, tangents, has_tangent, tolerance, t, b)
    if divided > count:
        count = divided
        _settle_all(arc, sums, ends, count, corner, tangents, has_tangent, tolerance, t, b)
    for k in range(count - 1):
        first, last, place = ends[k], ends[k + 1], filled + k
        is_line[place] = _cost(arc, sums, first, last, tangents, has_tangent, tolerance, t, b, True)[1]
        _sides(arc, sums, first, last, is_line[place], tangents, has_tangent, tolerance, t, b, side[place])
    return arc, ends[: count - 1]
