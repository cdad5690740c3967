"""numba kernels of JPEG: its cosine transform, its chroma's grid, and what its decoder makes of them.

Planes are float32 (H, W) with sides that are multiples of 8: Y about 128 below its levels, Cb and Cr about zero.
"""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ._chroma_kernels import red_green_blue

BLOCK, TILE = 8, 16  # pixels: the sides of a block, and of one at half the resolution
BUSY = 24.0  # levels between neighbours at an edge, between a block's darkest and lightest pixel if it tells something
ZERO = 0.9  # what was quantised to nothing comes back below this: rounding pixels shakes coefficients by about 0.35
MOST_OFF = 8.0  # levels; a pixel that is further off counts as this
CLIPS = 40.0  # levels by which a colour may have been beyond black or white

# ½ cos(m π / 16)
_C1, _C2, _C3, _C4, _C5, _C6, _C7 = (np.float32(np.cos(m * np.pi / 16) / 2) for m in range(1, 8))


@njit(cache=True, nogil=True, inline="always")
def _coefficients(a, b, c, d, e, f, g, h):
    """Of eight values in a line: sums and differences of opposite ones first, which halves the products."""
    p, q, r, s = a + h, b + g, c + f, d + e
    t, u, v, w = a - h, b - g, c - f, d - e
    i, j, k, m = p + s, q + r, p - s, q - r
    return (
        _C4 * (i + j),
        _C1 * t + _C3 * u + _C5 * v + _C7 * w,
        _C2 * k + _C6 * m,
        _C3 * t - _C7 * u - _C1 * v - _C5 * w,
        _C4 * (i - j),
        _C5 * t - _C1 * u + _C7 * v + _C3 * w,
        _C6 * k - _C2 * m,
        _C7 * t - _C5 * u + _C3 * v - _C1 * w,
    )


@njit(cache=True, nogil=True, inline="always")
def _values(a, b, c, d, e, f, g, h):
    """What eight coefficients of a line stand for."""
    i, j = _C4 * (a + e), _C4 * (a - e)
    k, m = _C2 * c + _C6 * g, _C6 * c - _C2 * g
    p, q, r, s = i + k, j + m, j - m, i - k
    t = _C1 * b + _C3 * d + _C5 * f + _C7 * h
    u = _C3 * b - _C7 * d - _C1 * f - _C5 * h
    v = _C5 * b - _C1 * d + _C7 * f + _C3 * h
    w = _C7 * b - _C5 * d + _C3 * f - _C1 * h
    return p + t, q + u, r + v, s + w, s - w, r - v, q - u, p - t


@njit(cache=True, nogil=True)
def forward(block):
    """The 8 × 8 coefficients of 8 × 8 values (float32), orthonormal, in their place."""
    for y in range(8):
        a, b, c, d, e, f, g, h = _coefficients(
            block[y, 0], block[y, 1], block[y, 2], block[y, 3], block[y, 4], block[y, 5], block[y, 6], block[y, 7]
        )
        block[y, 0], block[y, 1], block[y, 2], block[y, 3] = a, b, c, d
        block[y, 4], block[y, 5], block[y, 6], block[y, 7] = e, f, g, h
    for x in range(8):
        a, b, c, d, e, f, g, h = _coefficients(
            block[0, x], block[1, x], block[2, x], block[3, x], block[4, x], block[5, x], block[6, x], block[7, x]
        )
        block[0, x], block[1, x], block[2, x], block[3, x] = a, b, c, d
        block[4, x], block[5, x], block[6, x], block[7, x] = e, f, g, h


@njit(cache=True, nogil=True)
def backward(block):
    """The 8 × 8 values of 8 × 8 coefficients, in their place."""
    for y in range(8):
        a, b, c, d, e, f, g, h = _values(
            block[y, 0], block[y, 1], block[y, 2], block[y, 3], block[y, 4], block[y, 5], block[y, 6], block[y, 7]
        )
        block[y, 0], block[y, 1], block[y, 2], block[y, 3] = a, b, c, d
        block[y, 4], block[y, 5], block[y, 6], block[y, 7] = e, f, g, h
    for x in range(8):
        a, b, c, d, e, f, g, h = _values(
            block[0, x], block[1, x], block[2, x], block[3, x], block[4, x], block[5, x], block[6, x], block[7, x]
        )
        block[0, x], block[1, x], block[2, x], block[3, x] = a, b, c, d
        block[4, x], block[5, x], block[6, x], block[7, x] = e, f, g, h


@njit(cache=True, nogil=True)
def quantised(first, last, plane, steps, whole, centres, values):
    """Of rows first…last − 1 of a plane's blocks: the nearest multiples of the steps, and the values these stand for.

    Args:
        steps: float32 (8, 8).
        whole: bool (H / 8, W / 8); other blocks stay as they are.
        centres: the multiples, each at its block's place; values: likewise.
    """
    block = np.empty((8, 8), np.float32)
    for top in range(8 * first, 8 * last, 8):
        for left in range(0, plane.shape[1], 8):
            block[:] = plane[top : top + 8, left : left + 8]
            forward(block)
            for y in range(8):
                for x in range(8):
                    if whole[top // 8, left // 8]:
                        block[y, x] = np.rint(block[y, x] / steps[y, x]) * steps[y, x]
                    centres[top + y, left + x] = block[y, x]
            backward(block)
            values[top : top + 8, left : left + 8] = block


@njit(cache=True, nogil=True)
def beyond_range(first, last, decoded, seen, rgb):
    """Where a colour was cut at black or white, what the decoder had before: rows first…last − 1 of `rgb`, in place.

    Args:
        decoded: float32 (3, H, W), planes of what is believed to have been decoded.
        seen: uint8 (H, W, ≥3).
        rgb: float32 (H, W, 3).
    """
    for y in range(first, last):
        for x in range(seen.shape[1]):
            whole = red_green_blue(decoded[0, y, x] + np.float32(128.0), decoded[1, y, x], decoded[2, y, x])
            for c in range(3):
                if seen[y, x, c] == 0:
                    rgb[y, x, c] = min(max(whole[c], np.float32(-CLIPS)), np.float32(0.0))
                elif seen[y, x, c] == 255:
                    rgb[y, x, c] = max(min(whole[c], np.float32(255.0 + CLIPS)), np.float32(255.0))


@njit(cache=True, nogil=True)
def misfit(luma, low, high, steps, row, column, stride, busy_range, most):
    """How far busy blocks of a grid are from what they would be decoded to, had they been quantised by these steps.

    Args:
        luma: float32 (H, W), less 128.
        low, high: bool (H, W), where a colour is cut at black or at white, so that luma is that or less, or more.
        row, column: where the first block begins.
        stride: every which block is looked at; most: at most so many whose values range over `busy_range` or more.

    Returns:
        float32 (Q,): the mean for each of `steps` (Q, 8, 8), of pixels that are not cut, levels; how many these are.
    """
    height, width = luma.shape
    columns = (width - column) // 8
    off, seen = np.zeros(len(steps), np.float32), 0
    block, shown = np.empty((8, 8), np.float32), np.empty((8, 8), np.float32)
    busy = 0
    for index in range(0, (height - row) // 8 * columns, stride):
        top, left = row + index // columns * 8, column + index % columns * 8
        block[:] = luma[top : top + 8, left : left + 8]
        if block.max() - block.min() < busy_range:
            continue
        whole = 0
        for y in range(8):
            for x in range(8):
                whole += not (low[top + y, left + x] or high[top + y, left + x])
        if whole < 8:
            continue
        for q in range(len(steps)):
            shown[:] = block
            for turn in range(3):
                forward(shown)
                for y in range(8):
                    for x in range(8):
                        shown[y, x] = np.rint(shown[y, x] / steps[q, y, x]) * steps[q, y, x]
                backward(shown)
                if turn == 2:
                    break
                for y in range(8):
                    for x in range(8):
                        darker, lighter = low[top + y, left + x], high[top + y, left + x]
                        if not darker and not lighter:
                            shown[y, x] = block[y, x]
                        elif darker and not lighter:
                            shown[y, x] = min(shown[y, x], block[y, x])
                        elif lighter and not darker:
                            shown[y, x] = max(shown[y, x], block[y, x])
            for y in range(8):
                for x in range(8):
                    if not low[top + y, left + x] and not high[top + y, left + x]:
                        off[q] += min(abs(shown[y, x] - block[y, x]), np.float32(MOST_OFF))
        seen += whole
        busy += 1
        if busy == most:
            break
    return off / max(seen, 1), seen


@njit(cache=True, nogil=True)
def nothing(luma, row, column, stride, most):
    """The share of coefficients of at most `most` busy blocks of a grid, taken as in `misfit`, that are below ZERO."""
    height, width = luma.shape
    columns = (width - column) // 8
    block = np.empty((8, 8), np.float32)
    busy = zeros = 0
    for index in range(0, (height - row) // 8 * columns, stride):
        top, left = row + index // columns * 8, column + index % columns * 8
        block[:] = luma[top : top + 8, left : left + 8]
        if block.max() - block.min() < BUSY:
            continue
        forward(block)
        for y in range(8):
            for x in range(8):
                zeros += abs(block[y, x]) < ZERO
        busy += 1
        if busy == most:
            break
    return zeros / max(64 * busy, 1)


@njit(cache=True, nogil=True)
def equal_neighbours(rgb, step):
    """Of pixels beside an edge, along every `step`th row: how many there are, and how many equal the next one away
    from it. White, black and other cut colours, which JPEG leaves equal, are not counted."""
    near = equal = 0
    for y in range(0, rgb.shape[0], step):
        for x in range(2, rgb.shape[1] - 3):
            change = 0
            for c in range(3):
                change = max(change, abs(int(rgb[y, x, c]) - int(rgb[y, x + 1, c])))
            if change < BUSY:
                continue
            for u in (x - 1, x + 2):
                v = u - 1 if u < x else u + 1
                cut = same = True
                for c in range(3):
                    same &= rgb[y, u, c] == rgb[y, v, c]
                    cut &= rgb[y, u, c] == 0 or rgb[y, u, c] == 255
                if not cut:
                    near += 1
                    equal += same
    return near, equal
