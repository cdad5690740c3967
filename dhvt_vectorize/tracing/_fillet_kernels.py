"""numba kernels of fillets: small round corners between two straight sides, found before anything is fitted.

A radius of one to a few pixels leaves a handful of points, which a sharp corner or a chamfer explains within any useful
tolerance. What tells are the sides: the lines through them leave one number open, the radius, and by that the points in
between are fitted. Where the round corner explains them so much better than the sharp one, it takes their place.
"""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ._corner_kernels import BENT, begun_at, bend_beside, line_beside, turned_tangent
from ._cubic_kernels import deviation_from_line

RUN = 6  # points of a side, at least
LONG = 1.5  # radii that a side is long, at least
STUB = 12  # points that are too few beside a run of twice as many
EVEN = 0.12  # pixels by which they lie off its line
UNSURE = 2  # points of a long side next to the corner that its line is not told by
MOST_TOLD = 12  # points that it is told by
MOST_BETWEEN = 16  # points in between
LEAST_TURN, MOST_TURN = np.radians(35.0), np.radians(165.0)
SMALLEST, LARGEST, STEPS = 1.0, 8.0, 23  # radii in pixels that are tried, a tenth apart
WORTH = 0.06  # square pixels by which the sum of squares must fall
OTHERS = 0.015  # square pixels that the points but one must have: a single one says little
LOST = 0.3  # square pixels that the sharp corner has more than the round one, at least
LEFT = 0.3  # of that sum that may be left
FITTING = 0.13  # root mean square in pixels that may be left
INSIDE = 0.06  # square pixels, over a radius, that points lie inside a bend: each is a mean over a pixel
SPACING = 0.5  # pixels between the points that take the place of those in between


@njit(cache=True, nogil=True)
def _runs(arc, closed, first, last):
    """First and last points of the straight runs of a polyline, int64 (R, 2), in order."""
    around = arc.shape[0] - 1
    lowest, highest = (0, around - 1) if closed else (1, around - 1)
    count = 0
    i = lowest
    line = np.empty(4)
    while i + RUN - 1 <= highest:
        line_beside(arc, i, 1, -1, RUN, False, line)
        if deviation_from_line(arc, i, i + RUN - 1, 1, line[0], line[1], line[2], line[3]) > EVEN:
            i += 1
            continue
        end = i + RUN - 1
        while end < highest:
            begin = max(i, end - MOST_TOLD + 1)
            line_beside(arc, begin, 1, -1, end + 1 - begin, False, line)
            if deviation_from_line(arc, end + 1, end + 1, 1, line[0], line[1], line[2], line[3]) > EVEN:
                break
            end += 1
        first[count], last[count] = i, end
        count += 1
        i = end
    return _without_stubs(first, last, count)


@njit(cache=True, nogil=True)
def _without_stubs(first, last, count):
    """Drop, in place, the short runs right beside far longer ones: these are the beginning of a bend."""
    kept = 0
    length = np.zeros(count + 2, np.int64)
    for k in range(count):
        length[k + 1] = last[k] + 1 - first[k]
    for k in range(count):
        after = length[k + 2] if k + 1 < count and first[k + 1] - last[k] <= 1 else 0
        before = length[k] if k > 0 and first[k] - last[k - 1] <= 1 else 0
        if length[k + 1] < STUB and max(before, after) >= 2 * length[k + 1]:
            continue
        first[kept], last[kept] = first[k], last[k]
        kept += 1
    return kept


@njit(cache=True, nogil=True)
def _side(arc, closed, first, last, at_end, line):
    """The line that a run is at its end or its start, directed from first to last; of a bent side the tangent there."""
    corner, step, end = (last + 1, -1, last) if at_end else (first - 1, 1, first)
    beyond = corner + step * (UNSURE + BENT)
    bend = 0.0
    if closed or 0 < beyond < arc.shape[0] - 1:
        bend = bend_beside(arc, corner, step, UNSURE, BENT, closed, line)
    if bend != 0.0:
        turned_tangent(line, bend, arc[end, 0], arc[end, 1], line)
    else:
        skip = UNSURE if last - first >= RUN + UNSURE - 1 else 0
        line_beside(arc, corner, step, skip, min(last - first + 1 - skip, MOST_TOLD), closed, line)
    if line[2] * (arc[last, 0] - arc[first, 0]) + line[3] * (arc[last, 1] - arc[first, 1]) < 0:
        line[2], line[3] = -line[2], -line[3]


@njit(cache=True, nogil=True)
def _squares(arc, first, count, x, y, bx, by, half, radius):
    """The sum of squared distances of `count` points, from `first` around, from a round corner, and the greatest
    distance. The corner is two lines that leave (x, y) at the angle `half` on either side of the direction (bx, by),
    and the arc that touches both."""
    around = arc.shape[0] - 1
    sine, cosine = np.sin(half), np.cos(half)
    total = worst = 0.0
    for k in range(count):
        i = (first + k) % around
        dx, dy = arc[i, 0] - x, arc[i, 1] - y
        along, beside = dx * bx + dy * by, abs(dy * bx - dx * by)
        if along * cosine + beside * sine < radius * cosine / sine:
            off = np.hypot(along - radius / sine, beside) - radius + INSIDE / max(radius, 1.0)
        else:
            off = beside * cosine - along * sine
        total, worst = total + off * off, max(worst, abs(off))
    return total, worst


@njit(cache=True, nogil=True)
def _radius(arc, first, count, x, y, bx, by, half, most, tolerance):
    """The radius of least squares, at most `most`, or 0 where a sharp corner is about as good."""
    sharp, farthest = _squares(arc, first, count, x, y, bx, by, half, 0.0)
    if sharp < WORTH or sharp - farthest * farthest < OTHERS:
        return 0.0
    best, least, ratio = 0.0, sharp, (LARGEST / SMALLEST) ** (1.0 / (STEPS - 1))
    radius = SMALLEST
    while radius <= min(most, LARGEST):
        squares, worst = _squares(arc, first, count, x, y, bx, by, half, radius)
        if squares < least and worst <= tolerance:
            best, least = radius, squares
        radius *= ratio
    step = best * (ratio - 1.0) / 2.0
    for _ in range(4 if best > 0.0 else 0):
        for tried in (best - step, best + step):
            if SMALLEST <= tried <= most:
                squares, worst = _squares(arc, first, count, x, y, bx, by, half, tried)
                if squares < least and worst <= tolerance:
                    best, least = tried, squares
                    break
        step /= 2.0
    lost = best * best * (1.0 / np.tan(half) - 0.5 * np.pi + half)
    if lost < LOST or sharp - least < WORTH or least > LEFT * sharp or least > FITTING * FITTING * count:
        return 0.0
    return best


@njit(cache=True, nogil=True)
def _fillet(arc, closed, first, last, other_first, other_last, used, tolerance, out):
    """The fillet between two runs, float64 (7,): where their lines meet, the direction inside, half the angle, the
    radius, and how much of either side it takes; is there one? `used` is what one before took of the first run."""
    around = arc.shape[0] - 1
    between = (other_first - last) % around - 1
    if not 0 <= between <= MOST_BETWEEN:
        return False
    one, other = np.empty(4), np.empty(4)
    _side(arc, closed, first, last, True, one)
    _side(arc, closed, other_first, other_last, False, other)
    cross, dot = one[2] * other[3] - one[3] * other[2], one[2] * other[2] + one[3] * other[3]
    turn = np.arctan2(abs(cross), dot)
    if not LEAST_TURN <= turn <= MOST_TURN:
        return False
    t = ((other[0] - one[0]) * other[3] - (other[1] - one[1]) * other[2]) / cross
    x, y = one[0] + t * one[2], one[1] + t * one[3]
    # the lines meet past the sides
    before = (x - arc[last, 0]) * one[2] + (y - arc[last, 1]) * one[3]
    after = (arc[other_first, 0] - x) * other[2] + (arc[other_first, 1] - y) * other[3]
    if min(before, after) < -1.0:
        return False
    room = (x - arc[first, 0]) * one[2] + (y - arc[first, 1]) * one[3] - used
    other_room = (arc[other_last, 0] - x) * other[2] + (arc[other_last, 1] - y) * other[3]
    half = 0.5 * (np.pi - turn)
    bx, by = other[2] - one[2], other[3] - one[3]
    length = np.hypot(bx, by)
    bx, by = bx / length, by / length
    # on a wide bend stretches are straight as well, but short
    sides = min(_length(arc, first, last), _length(arc, other_first, other_last))
    most = min(np.tan(half) * (min(room, other_room) - 1.0), sides / LONG)
    beside = UNSURE + 1
    radius = _radius(arc, last + 1 - beside, between + 2 * beside, x, y, bx, by, half, most, tolerance)
    if radius == 0.0:
        return False
    out[0], out[1], out[2], out[3], out[4], out[5] = x, y, bx, by, half, radius
    out[6] = radius / np.tan(half)
    return True


@njit(cache=True, nogil=True, inline="always")
def _length(arc, first, last):
    return np.hypot(arc[last, 0] - arc[first, 0], arc[last, 1] - arc[first, 1])


@njit(cache=True, nogil=True)
def _drawn(fillet, turns_left, out, is_end, filled):
    """Points along a fillet, its ends marked."""
    x, y, bx, by, half, radius = fillet[:6]
    cx, cy = x + bx * radius / np.sin(half), y + by * radius / np.sin(half)
    sweep = np.pi - 2.0 * half
    steps = max(4, int(np.ceil(sweep * radius / SPACING)))
    middle = np.arctan2(-by, -bx)
    for k in range(steps + 1):
        angle = middle + (k / steps - 0.5) * (-sweep if turns_left else sweep)
        out[filled, 0], out[filled, 1] = cx + radius * np.cos(angle), cy + radius * np.sin(angle)
        is_end[filled] = k == 0 or k == steps
        filled += 1
    return filled


@njit(cache=True, nogil=True)
def _rounded(arc, closed, tolerance, out, is_end, filled):
    """One arc with its fillets, from place `filled` on; the place after it."""
    n = arc.shape[0]
    # one run may begin where another ends
    most = n // (RUN - 1) + 2
    first, last = np.empty(most, np.int64), np.empty(most, np.int64)
    runs = _runs(arc, closed, first, last)
    if closed and runs > 1:
        # no run is cut in two if the arc begins inside one
        arc = begun_at(arc, (first[0] + last[0]) // 2)
        runs = _runs(arc, closed, first, last)
    fillets, at = np.empty((runs + 1, 7)), np.empty(runs + 1, np.int64)
    count, used = 0, 0.0
    for k in range(runs - 1 if runs else 0):
        if _fillet(arc, closed, first[k], last[k], first[k + 1], last[k + 1], used, tolerance, fillets[count]):
            at[count], used = k, fillets[count, 6]
            count += 1
        else:
            used = 0.0
    i = 0
    for f in range(count):
        x, y, bx, by = fillets[f, :4]
        sx, sy = arc[last[at[f]]] - arc[first[at[f]]]
        turns_left = sx * by - sy * bx < 0
        reach = fillets[f, 6] + 0.3
        while i <= first[at[f]] or _to_go(arc, i, x, y, sx, sy) > reach:
            out[filled, 0], out[filled, 1] = arc[i, 0], arc[i, 1]
            filled, i = filled + 1, i + 1
        filled = _drawn(fillets[f], turns_left, out, is_end, filled)
        i = first[at[f] + 1]
        sx, sy = arc[last[at[f] + 1]] - arc[i]
        while _to_go(arc, i, x, y, -sx, -sy) < reach:
            i += 1
    while i < n:
        out[filled, 0], out[filled, 1] = arc[i, 0], arc[i, 1]
        filled, i = filled + 1, i + 1
    return filled


@njit(cache=True, nogil=True, inline="always")
def _to_go(arc, i, x, y, dx, dy):
    """How far (x, y) is ahead of a point in the direction (dx, dy)."""
    return ((x - arc[i, 0]) * dx + (y - arc[i, 1]) * dy) / np.hypot(dx, dy)


@njit(cache=True, nogil=True)
def rounded_arcs(points, offsets, start, is_frame, tolerance):
    """The polylines with points along each fillet in place of those that lie within tolerance of it.

    Returns points (P', 2), offsets (A+1,), and which points are fillets' ends, bool (P',).
    """
    out = np.empty((3 * points.shape[0] + 16, 2))
    is_end = np.zeros(out.shape[0], np.bool_)
    out_offsets = np.zeros_like(offsets)
    filled = 0
    for a in range(offsets.size - 1):
        arc = points[offsets[a] : offsets[a + 1]]
        if is_frame[a] or arc.shape[0] < 2 * RUN + 2:
            for i in range(arc.shape[0]):
                out[filled, 0], out[filled, 1] = arc[i, 0], arc[i, 1]
                filled += 1
        else:
            filled = _rounded(arc, start[a] < 0, tolerance, out, is_end, filled)
        out_offsets[a + 1] = filled
    return out[:filled].copy(), out_offsets, is_end[:filled].copy()
