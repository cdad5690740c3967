"""numba kernels of the chroma: whether it comes from a grid of half the resolution, how sharp its edges are beside the
luma's, and chroma that follows the luma."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

REACH = 3  # pixels to each side that tell what colour belongs to what luma
STRONG = 24.0  # levels of luma and of chroma from which on an edge is looked at
SHARP = 0.6  # of a whole step within one pixel: chroma at half the resolution never has more than a half
OVERSHOOT = 1.15  # of an edge's step that its differences may sum to
MOST_OUTSIDE = 0.34  # of its step that the first and the last of four differences may have
LEAST_CHANGE = 8.0  # levels between neighbours, from which on a misfit tells something


@njit(cache=True, nogil=True)
def luma_and_chroma(first, last, rgb, luma, chroma):
    """JFIF's Y, and Cb and Cr about zero, of rows first…last − 1 of levels (H, W, ≥3): float32 (H, W) and (H, W, 2)."""
    for y in range(first, last):
        for x in range(rgb.shape[1]):
            r, g, b = np.float32(rgb[y, x, 0]), np.float32(rgb[y, x, 1]), np.float32(rgb[y, x, 2])
            light = np.float32(0.299) * r + np.float32(0.587) * g + np.float32(0.114) * b
            luma[y, x] = light
            chroma[y, x, 0] = (b - light) * np.float32(1 / 1.772)
            chroma[y, x, 1] = (r - light) * np.float32(1 / 1.402)


@njit(cache=True, nogil=True, inline="always")
def red_green_blue(light, blue, red):
    """The levels of a luma and a chroma, not rounded."""
    green = light - np.float32(0.344136) * blue - np.float32(0.714136) * red
    return light + np.float32(1.402) * red, green, light + np.float32(1.772) * blue


@njit(cache=True, nogil=True, inline="always")
def write_levels(rgb, y, x, light, blue, red):
    """Into uint8 (H, W, ≥3)."""
    levels = red_green_blue(light, blue, red)
    for c in range(3):
        rgb[y, x, c] = np.uint8(min(max(np.rint(levels[c]), 0.0), 255.0))


@njit(cache=True, nogil=True)
def grid_misfit(values, step, phase):
    """How far values along every `step`th row are from ones interpolated from a grid of half the resolution.

    Between two samples a, b of such a grid lie 3/4 a + 1/4 b and 1/4 a + 3/4 b. Each pair gives both back, and the next
    pair gives b again.

    Args:
        values: float32 (H, W, C).
        phase: which pixel of a row is the first of a pair, 0 or 1.

    Returns:
        How many two pairs were looked at, those that change; float64: the sums of what the two b differ by, and of what
        pairs change by, levels.
    """
    height, width, channels = values.shape
    looked_at, off, changed = 0, 0.0, 0.0
    for y in range(0, height, step):
        for x in range(phase, width - 3, 2):
            for c in range(channels):
                p, q, r, s = values[y, x, c], values[y, x + 1, c], values[y, x + 2, c], values[y, x + 3, c]
                change = abs(p - q) + abs(r - s)
                if change > LEAST_CHANGE:
                    looked_at += 1
                    off += abs(1.5 * q - 0.5 * p - 1.5 * r + 0.5 * s)
                    changed += change
    return looked_at, off, changed


@njit(cache=True, nogil=True)
def sharp_edges(luma, chroma, step):
    """Edges along every `step`th row and column: how many, how many sharp in chroma, how many sharp in luma."""
    height, width = luma.shape
    found = np.zeros(3, np.int64)
    for y in range(0, height, step):
        for x in range(width - 4):
            _look(luma[y, x : x + 5], chroma[y, x : x + 5], found)
    for x in range(0, width, step):
        for y in range(height - 4):
            _look(luma[y : y + 5, x], chroma[y : y + 5, x], found)
    return found


@njit(cache=True, nogil=True, inline="always")
def _look(light, colour, found):
    """Count five pixels if luma and chroma step between them, monotonously and in their midst."""
    luma_step = abs(light[4] - light[0])
    if luma_step <= STRONG:
        return
    c = 0 if abs(colour[4, 0] - colour[0, 0]) >= abs(colour[4, 1] - colour[0, 1]) else 1
    chroma_step = abs(colour[4, c] - colour[0, c])
    if chroma_step <= STRONG:
        return
    luma_sum = chroma_sum = luma_most = chroma_most = outside = np.float32(0.0)
    for i in range(4):
        a, b = abs(light[i + 1] - light[i]), abs(colour[i + 1, c] - colour[i, c])
        luma_sum += a
        chroma_sum += b
        if i == 0 or i == 3:
            outside = max(outside, b)
        else:
            luma_most, chroma_most = max(luma_most, a), max(chroma_most, b)
    steady = luma_sum < OVERSHOOT * luma_step and chroma_sum < OVERSHOOT * chroma_step
    if steady and outside < MOST_OUTSIDE * chroma_step:
        found[0] += 1
        found[1] += chroma_most > SHARP * chroma_step
        found[2] += luma_most > SHARP * luma_step


@njit(cache=True, nogil=True)
def variation(first, last, chroma, out):
    """The most that chroma differs from the eight pixels' around, in rows first…last − 1; into float32 (H, W)."""
    height, width = out.shape
    for y in range(first, last):
        for x in range(width):
            most = np.float32(0.0)
            for v in range(max(y - 1, 0), min(y + 2, height)):
                for u in range(max(x - 1, 0), min(x + 2, width)):
                    off = abs(chroma[v, u, 0] - chroma[y, x, 0]) + abs(chroma[v, u, 1] - chroma[y, x, 1])
                    most = max(most, off)
            out[y, x] = most


@njit(cache=True, nogil=True)
def sharpen(first, last, luma, spread_luma, chroma, settled, busy, near, alike, ridge, misfit, rgb):
    """Chroma by a weighted linear fit on luma, in rows first…last − 1, into uint8 `rgb` (H, W, ≥3).

    Args:
        spread_luma: float32 (H, W), the luma that chroma is fitted on: as far spread as the chroma is.
        settled: float32 (H, W), the weight of a pixel for its chroma's own sake.
        busy: bool (H, W), where chroma varies; pixels with none of these within reach stay as they are.
        near: float32 (7, 7), the weight by place.
        alike: float32 (256,), the weight by difference in luma.
        ridge: added to the luma's variance.
        misfit: squared levels left by the fit at which it counts for 1/e.
    """
    height, width = luma.shape
    for y in range(first, last):
        for x in range(width):
            top, bottom = max(y - REACH, 0), min(y + REACH + 1, height)
            left, right = max(x - REACH, 0), min(x + REACH + 1, width)
            if not busy[top:bottom, left:right].any():
                continue
            s = sy = syy = s0 = s1 = sy0 = sy1 = s00 = s11 = np.float32(0.0)
            for v in range(top, bottom):
                for u in range(left, right):
                    off = spread_luma[v, u] - luma[y, x]
                    w = settled[v, u] * near[v - y + REACH, u - x + REACH] * alike[min(int(abs(off)), 255)]
                    c0, c1 = chroma[v, u, 0], chroma[v, u, 1]
                    s += w
                    sy += w * off
                    syy += w * off * off
                    s0 += w * c0
                    s1 += w * c1
                    sy0 += w * off * c0
                    sy1 += w * off * c1
                    s00 += w * c0 * c0
                    s11 += w * c1 * c1
            my, m0, m1 = sy / s, s0 / s, s1 / s
            spread = syy / s - my * my + ridge
            cov0, cov1 = sy0 / s - my * m0, sy1 / s - my * m1
            # what a straight line leaves of the chroma
            rest = s00 / s - m0 * m0 - cov0 * cov0 / spread + s11 / s - m1 * m1 - cov1 * cov1 / spread
            trust = np.exp(-max(rest, 0.0) / misfit) * s / (s + 0.05)
            c0 = chroma[y, x, 0] + trust * (m0 - cov0 / spread * my - chroma[y, x, 0])
            c1 = chroma[y, x, 1] + trust * (m1 - cov1 / spread * my - chroma[y, x, 1])
            write_levels(rgb, y, x, luma[y, x], c0, c1)
