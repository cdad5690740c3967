"""numba kernels of strokes' ends: which way a stretch of a stroke leaves, and where its cap is."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ._stroke_kernels import apart

DIRECTION = 1.5  # widths over which the direction at a stretch's end is taken
BIT = 0.5  # widths that are enough for one
BENT = 0.5  # pixels that a straight stretch's middle is off at most
CAP = 0.8  # of half a width from the middle: what is looked at of an end
NECK_BESIDE = 1.0  # pixels from the middle: an end has traced points that are nearer
CIRCLE_STEPS, OFF_CIRCLE = 4, 0.15  # towards a cap's circle, and radii that its points may lie off it


@njit(cache=True, nogil=True)
def ray(middle, width):
    """A point at the end of a stretch, and the direction out of it: float64 (4,); `middle`, float64 (N, 2), ends there.

    Of a bend the last bit is looked at.
    """
    last = middle.shape[0] - 1
    reach = DIRECTION * width
    while True:
        first = last
        while first > 0 and apart(middle[first], middle[last]) <= reach:
            first -= 1
        count = last + 1 - first
        x, y = middle[first:, 0].sum() / count, middle[first:, 1].sum() / count
        xx = xy = yy = 0.0
        for i in range(first, last + 1):
            dx, dy = middle[i, 0] - x, middle[i, 1] - y
            xx, xy, yy = xx + dx * dx, xy + dx * dy, yy + dy * dy
        angle = 0.5 * np.arctan2(2 * xy, xx - yy)
        ux, uy = np.cos(angle), np.sin(angle)
        off = 0.0
        for i in range(first, last + 1):
            off = max(off, abs((middle[i, 1] - y) * ux - (middle[i, 0] - x) * uy))
        if off <= BENT or reach < BIT * width:
            break
        reach /= 2
    if (middle[last, 0] - middle[first, 0]) * ux + (middle[last, 1] - middle[first, 1]) * uy < 0:
        ux, uy = -ux, -uy
    t = (middle[last, 0] - x) * ux + (middle[last, 1] - y) * uy
    return np.array([x + t * ux, y + t * uy, ux, uy])


@njit(cache=True, nogil=True)
def end_of(traced, leaving, width):
    """How a stroke ends where a ray leaves it, float64 (5,).

    Args:
        traced: float64 (N, 2), the region's outline.
        leaving: see `ray`.
        width: of the stroke.

    Returns:
        where a straight end would be, where a half circle's centre, and by how much a straight line is a worse end than
        a half circle, in square pixels; all NaN where no end is seen.
    """
    ax, ay, ux, uy = leaving
    radius = width / 2
    out = np.full(5, np.nan)
    near = np.empty((traced.shape[0], 2))
    count = 0
    slim, at_slim = np.inf, np.inf
    for i in range(traced.shape[0]):
        dx, dy = traced[i, 0] - ax, traced[i, 1] - ay
        along, beside = dx * ux + dy * uy, abs(dy * ux - dx * uy)
        if 0 < along <= 2 * width and beside <= 2 * radius:
            near[count, 0], near[count, 1] = along, beside
            count += 1
            if along <= width and beside <= radius and beside < slim:
                slim, at_slim = beside, along
    near = near[:count]
    # at a neck, what lies beyond is the next stroke
    limit = at_slim if NECK_BESIDE < slim < np.inf else np.inf
    first = np.inf
    for along, beside in near:
        if along <= limit and beside <= CAP * radius:
            first = min(first, along)
    if first == np.inf:
        return out
    # what lies farther than the end's own depth is another part of the outline
    deepest = min(limit, first + radius)
    square, centre, offset = np.empty(count), np.empty(count), np.empty(count)
    number = 0
    for along, beside in near:
        if along <= deepest and beside <= CAP * radius:
            square[number], offset[number] = along, beside
            centre[number] = along - np.sqrt(radius * radius - beside * beside)
            number += 1
    square, centre, offset = square[:number], centre[:number], offset[:number]
    # near the middle a corner that anti-aliasing rounds does not count
    reach = square[offset <= max(radius / 2, offset.min())].mean()
    start = np.median(centre)
    x, y = _circle_centre(traced, leaving, min(limit, width), radius, ax + start * ux, ay + start * uy)
    out[:] = ax + reach * ux, ay + reach * uy, x, y, square.var() - centre.var()
    return out


@njit(cache=True, nogil=True)
def _circle_centre(traced, leaving, limit, radius, x, y):
    """The centre of a half circle through traced points, near a first guess: Gauss-Newton steps.

    Points count that lie along the ray up to `limit`, and close to the half circle that opens against it.
    """
    ax, ay, ux, uy = leaving
    close = max(1.0, OFF_CIRCLE * radius)
    for _ in range(CIRCLE_STEPS):
        xx = xy = yy = gx = gy = 0.0
        number = 0
        for i in range(traced.shape[0]):
            along = (traced[i, 0] - ax) * ux + (traced[i, 1] - ay) * uy
            dx, dy = traced[i, 0] - x, traced[i, 1] - y
            if not 0 < along <= limit or dx * ux + dy * uy <= 0:
                continue
            distance = np.hypot(dx, dy)
            if abs(distance - radius) > close:
                continue
            tx, ty, off = dx / distance, dy / distance, distance - radius
            xx, xy, yy = xx + tx * tx, xy + tx * ty, yy + ty * ty
            gx, gy = gx + tx * off, gy + ty * off
            number += 1
        determinant = xx * yy - xy * xy
        if number < 3 or determinant < 1e-9:
            break
        sx, sy = (yy * gx - xy * gy) / determinant, (xx * gy - xy * gx) / determinant
        if np.hypot(sx, sy) > radius / 2:
            break
        x, y = x + sx, y + sy
    return x, y
