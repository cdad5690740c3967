"""numba kernels of bars: the pixels about one, and how much of each a bar covers, exactly, with its slopes."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

NUMBERS = 6  # centre x and y, angle, half length, half width, contrast


@njit(cache=True, nogil=True)
def pixels_about(labels, bar, reach, inside, outside, end, every):
    """int64 (N, 2), x and y of the pixels at most `reach` from a bar with no third face beside them, and how many have
    one.

    Farther than `end` from both ends only the pixels of one unit of length in `every` are taken.
    """
    height, width = labels.shape
    cx, cy, angle, half_length, half_width = bar[0], bar[1], bar[2], bar[3], bar[4]
    c, s = np.cos(angle), np.sin(angle)
    long, wide = half_length + reach, half_width + reach
    top = max(0, int(np.floor(cy - abs(s) * long - abs(c) * wide)))
    bottom = min(height, int(np.ceil(cy + abs(s) * long + abs(c) * wide)) + 1)
    found = []
    others = 0
    for y in range(top, bottom):
        dy = y + 0.5 - cy
        low, high = -1e9, 1e9
        # |c dx + s dy| at most long, |c dy - s dx| at most wide
        for factor, offset, bound in ((c, s * dy, long), (-s, c * dy, wide)):
            if abs(factor) < 1e-9:
                if abs(offset) > bound:
                    high = -2e9
                continue
            a, b = (-bound - offset) / factor, (bound - offset) / factor
            low, high = max(low, min(a, b)), min(high, max(a, b))
        for x in range(max(0, int(np.ceil(low + cx - 0.5))), min(width, int(np.floor(high + cx - 0.5)) + 1)):
            u = c * (x + 0.5 - cx) + s * dy
            if half_length - abs(u) > end and int(np.floor(u)) % every != 0:
                continue
            pure = True
            for ny in range(max(0, y - 1), min(height, y + 2)):
                for nx in range(max(0, x - 1), min(width, x + 2)):
                    if labels[ny, nx] != inside and labels[ny, nx] != outside:
                        pure = False
            if pure:
                found.append((x, y))
            else:
                others += 1
    out = np.empty((len(found), 2), np.int64)
    for i in range(len(found)):
        out[i, 0], out[i, 1] = found[i]
    return out, others


@njit(cache=True, nogil=True)
def normal_equations(pixels, values, bar, template, slack):
    """(JᵀJ, Jᵀr, r) of the residuals r = value − contrast × coverage of these pixels, by the bar's six numbers.

    The template (V, 3) holds each corner's factors: its place along is first × half length + second × half width, its
    place across third × half width, in the order in which the inside lies on the right as seen. A side is felt `slack`
    beyond a pixel: else one on the border of two pixels would never enter the second.
    """
    corners = template.shape[0]
    c, s = np.cos(bar[2]), np.sin(bar[2])
    local = np.empty((corners, 2))
    for i in range(corners):
        local[i, 0] = template[i, 0] * bar[3] + template[i, 1] * bar[4]
        local[i, 1] = template[i, 2] * bar[4]
    place = np.empty((corners, 2))
    residuals = np.empty(pixels.shape[0])
    slope = np.empty(NUMBERS)
    square, product = np.zeros((NUMBERS, NUMBERS)), np.zeros(NUMBERS)
    one, other = np.empty((corners + 8, 2)), np.empty((corners + 8, 2))
    for k in range(pixels.shape[0]):
        dx, dy = pixels[k, 0] + 0.5 - bar[0], pixels[k, 1] + 0.5 - bar[1]
        u, v = abs(c * dx + s * dy), abs(c * dy - s * dx)
        slope[:] = 0.0
        if u > bar[3] + 0.75 or v > bar[4] + 0.75:
            covered = 0.0
        elif v < bar[4] - 0.75 and u < bar[3] - bar[4]:
            covered = 1.0
        else:
            for i in range(corners):
                place[i, 0] = 0.5 - dx + c * local[i, 0] - s * local[i, 1]
                place[i, 1] = 0.5 - dy + s * local[i, 0] + c * local[i, 1]
            covered = _area_within(place, one, other)
            for i in range(corners):
                _add_side(place, local, template, i, c, s, slack, slope)
        residuals[k] = values[k] - bar[5] * covered
        for a in range(NUMBERS - 1):
            slope[a] *= bar[5]
        slope[5] = covered
        for a in range(NUMBERS):
            product[a] += slope[a] * residuals[k]
            for b in range(NUMBERS):
                square[a, b] += slope[a] * slope[b]
    return square, product, residuals


@njit(cache=True, nogil=True, inline="always")
def _add_side(place, local, template, i, c, s, slack, slope):
    """What side i adds to the slopes of the area within the unit square: its outward speed, along its part in there."""
    j = (i + 1) % place.shape[0]
    ax, ay = place[i, 0], place[i, 1]
    ex, ey = place[j, 0] - ax, place[j, 1] - ay
    first, last = 0.0, 1.0
    for along, start in ((ex, ax), (ey, ay)):
        if abs(along) < 1e-12:
            if start < -slack or start > 1.0 + slack:
                return
            continue
        p, q = (-slack - start) / along, (1.0 + slack - start) / along
        first, last = max(first, min(p, q)), min(last, max(p, q))
    if last <= first:
        return
    t = 0.5 * (first + last)
    share = last - first
    # outward normal times the length of the side
    nx, ny = ey * share, -ex * share
    lx = (1 - t) * local[i, 0] + t * local[j, 0]
    ly = (1 - t) * local[i, 1] + t * local[j, 1]
    slope[0] += nx
    slope[1] += ny
    slope[2] += nx * (-s * lx - c * ly) + ny * (c * lx - s * ly)
    by_length = (1 - t) * template[i, 0] + t * template[j, 0]
    slope[3] += (nx * c + ny * s) * by_length
    along = (1 - t) * template[i, 1] + t * template[j, 1]
    across = (1 - t) * template[i, 2] + t * template[j, 2]
    slope[4] += nx * (c * along - s * across) + ny * (s * along + c * across)


@njit(cache=True, nogil=True)
def _area_within(polygon, one, other):
    """The area of a polygon within the unit square (Sutherland and Hodgman's clipping)."""
    n = polygon.shape[0]
    for i in range(n):
        one[i, 0], one[i, 1] = polygon[i, 0], polygon[i, 1]
    for axis in range(2):
        for sign in (1.0, -1.0):
            m = 0
            for i in range(n):
                j = i + 1 if i + 1 < n else 0
                # inside where at least 0, or at most 1
                p = one[i, axis] if sign > 0 else 1.0 - one[i, axis]
                q = one[j, axis] if sign > 0 else 1.0 - one[j, axis]
                if p >= 0:
                    other[m, 0], other[m, 1] = one[i, 0], one[i, 1]
                    m += 1
                if (p >= 0) != (q >= 0):
                    t = p / (p - q)
                    other[m, 0] = one[i, 0] + t * (one[j, 0] - one[i, 0])
                    other[m, 1] = one[i, 1] + t * (one[j, 1] - one[i, 1])
                    m += 1
            n = m
            for i in range(n):
                one[i, 0], one[i, 1] = other[i, 0], other[i, 1]
    area = 0.0
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        area += one[i, 0] * one[j, 1] - one[j, 0] * one[i, 1]
    return abs(area) / 2
