"""numba kernels of junctions at the tip of a wedge: where a region ends between two others at an acute angle.

There the wedge is narrower than a pixel for several pixels, which the labels give to its neighbours: the junction lies
that much too early, and the points before it show three colours and lie between the edges. What tells is where the
wedge is wide: the lines along its two sides there meet at its tip, and that lies on the third arc, for this runs along
where the wedge should be.
"""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ._corner_kernels import line_beside

CLEAR = 1.7  # pixels apart at which two edges no longer share a pixel
LEAST_NARROW, MOST_NARROW = 2, 30  # points of an arc before that
STRETCH, EVEN = 14, 0.1  # points that tell a side's line, and pixels by which they scatter about it
LEAST_SINE, MOST_SINE = 0.12, 0.6  # of the angle of a wedge
NEAREST, FARTHEST = 1.2, 12.0  # pixels from the junction to the tip
LEAST_LEFT = 4  # points of the third arc
BESIDE = 1.1  # pixels from the third arc to the tip


@njit(cache=True, nogil=True)
def sharpen_wedges(points, offsets, left, right, leaving):
    """Move junctions to the tips of wedges, and the points of their arcs with them, in place; which points stay."""
    kept = np.ones(points.shape[0], np.bool_)
    half_arcs = np.empty(4, np.int64)
    sides = np.empty((2, 4))
    for j in range(leaving.shape[0]):
        n = 0
        for d in range(4):
            h = leaving[j, d]
            if h >= 0:
                half_arcs[n] = h if left[h // 2] >= 0 and right[h // 2] >= 0 else -1
                n += 1
        if n != 3 or half_arcs[:3].min() < 0:
            continue
        for k in range(3):
            a, b, third = half_arcs[k], half_arcs[(k + 1) % 3], half_arcs[(k + 2) % 3]
            is_three = a // 2 != b // 2 and a // 2 != third // 2 and b // 2 != third // 2
            if is_three and _sharpen(points, offsets, kept, a, b, third, sides):
                break
    return kept


@njit(cache=True, nogil=True)
def _sharpen(points, offsets, kept, a, b, third, sides):
    narrow_a, narrow_b = _narrow(points, offsets, a, b), _narrow(points, offsets, b, a)
    if min(narrow_a, narrow_b) < LEAST_NARROW:
        return False
    narrow_a, narrow_b = narrow_a + 1, narrow_b + 1
    if not (_side(points, offsets, a, narrow_a, sides[0]) and _side(points, offsets, b, narrow_b, sides[1])):
        return False
    sine = sides[0, 2] * sides[1, 3] - sides[0, 3] * sides[1, 2]
    if not LEAST_SINE <= abs(sine) <= MOST_SINE:
        return False
    dx, dy = sides[1, 0] - sides[0, 0], sides[1, 1] - sides[0, 1]
    along = (dx * sides[1, 3] - dy * sides[1, 2]) / sine
    x, y = sides[0, 0] + along * sides[0, 2], sides[0, 1] + along * sides[0, 3]
    # the tip is on the other side of the junction than the wedge
    start, step, _ = _walk(offsets, a)
    px, py = points[start, 0], points[start, 1]
    clear = start + step * narrow_a
    if not NEAREST <= np.hypot(x - px, y - py) <= FARTHEST:
        return False
    if (x - px) * (points[clear, 0] - px) + (y - py) * (points[clear, 1] - py) > 0.0:
        return False
    begin, onward, length = _walk(offsets, third)
    nearest, least = 0, np.inf
    for k in range(length - LEAST_LEFT):
        i = begin + onward * k
        if not kept[i]:
            return False
        away = np.hypot(points[i, 0] - x, points[i, 1] - y)
        if away < least:
            nearest, least = k, away
    if least > BESIDE:
        return False
    for k in range(1, nearest + 1):
        kept[begin + onward * k] = False
    points[begin, 0], points[begin, 1] = x, y
    _lead(points, offsets, a, narrow_a, x, y)
    _lead(points, offsets, b, narrow_b, x, y)
    return True


@njit(cache=True, nogil=True, inline="always")
def _walk(offsets, half_arc):
    """The first point of a half-arc, the step to the next, and how many there are."""
    begin, end = offsets[half_arc // 2], offsets[half_arc // 2 + 1]
    return (begin, 1, end - begin) if half_arc % 2 == 0 else (end - 1, -1, end - begin)


@njit(cache=True, nogil=True)
def _narrow(points, offsets, a, b):
    """How many points half-arc a has until it is clear of b, −1 where it never is."""
    start, step, count = _walk(offsets, a)
    other, onward, others = _walk(offsets, b)
    for k in range(1, min(MOST_NARROW, count)):
        i = start + step * k
        least = np.inf
        for m in range(min(2 * MOST_NARROW, others)):
            n = other + onward * m
            least = min(least, np.hypot(points[n, 0] - points[i, 0], points[n, 1] - points[i, 1]))
        if least > CLEAR:
            return k
    return -1


@njit(cache=True, nogil=True)
def _side(points, offsets, half_arc, narrow, line):
    """Whether a half-arc is straight where the wedge is wide; the line there, as a point and a direction."""
    start, step, count = _walk(offsets, half_arc)
    if count < narrow + STRETCH + 2:
        return False
    line_beside(points, start, step, narrow, STRETCH, False, line)
    for k in range(narrow + 1, narrow + STRETCH + 1):
        u, v = points[start + step * k, 0] - line[0], points[start + step * k, 1] - line[1]
        if abs(u * line[3] - v * line[2]) > EVEN:
            return False
    return True


@njit(cache=True, nogil=True)
def _lead(points, offsets, half_arc, narrow, x, y):
    """Lay the points of a half-arc along the straight way from the tip to where the wedge is wide."""
    start, step, _ = _walk(offsets, half_arc)
    last = start + step * (narrow + 1)
    u, v = points[last, 0] - x, points[last, 1] - y
    for k in range(narrow + 1):
        share = k / (narrow + 1)
        points[start + step * k, 0], points[start + step * k, 1] = x + share * u, y + share * v
