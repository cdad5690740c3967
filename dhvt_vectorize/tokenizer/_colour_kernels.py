"""numba kernels of the colour transform: bytes → what the feature net is shown, or features themselves.

The same operations on the same tables as `colour` has, each rounded to a float32: the same numbers to the last bit.
`tables` are `colour.TABLES`.
"""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit


@njit(cache=True, nogil=True, inline="always")
def _read(x, starts, rises):
    """A curve at x ≥ 0, see `colour`."""
    position = x * np.float32(starts.size)
    # unsigned: an index that may be negative costs numba more
    piece = np.uint32(min(np.int32(position), np.int32(starts.size - 1)))
    return starts[piece] + rises[piece] * (position - np.float32(piece))


@njit(cache=True, nogil=True, inline="always")
def _colour(pixels, y, x, tables, alpha_weight):
    """L, a, b and the weight of alpha, times alpha: four float32."""
    linear_of_byte, unit_of_byte, weights, starts, rises = tables
    red, green, blue = linear_of_byte[pixels[y, x, 0]], linear_of_byte[pixels[y, x, 1]], linear_of_byte[pixels[y, x, 2]]
    alpha = unit_of_byte[pixels[y, x, 3]]
    u = _read(red * weights[0, 0] + green * weights[0, 1] + blue * weights[0, 2], starts, rises)
    v = _read(red * weights[1, 0] + green * weights[1, 1] + blue * weights[1, 2], starts, rises)
    w = _read(red * weights[2, 0] + green * weights[2, 1] + blue * weights[2, 2], starts, rises)
    lightness = v * np.float32(116.0) - np.float32(16.0)
    a, b = (u - v) * np.float32(500.0), (v - w) * np.float32(200.0)
    return lightness * alpha, a * alpha, b * alpha, alpha_weight * alpha


@njit(cache=True, nogil=True)
def write_values(first, last, pixels, tables, alpha_weight, scale, largest, values):
    """Write rows first…last − 1 of the features int32 (H, W, C) of pixels in their own colours; further ones are 0."""
    for y in range(first, last):
        for x in range(pixels.shape[1]):
            colour = _colour(pixels, y, x, tables, alpha_weight)
            for c in range(4):
                values[y, x, c] = np.int32(min(max(np.rint(colour[c] * scale), -largest), largest))
            for c in range(4, values.shape[2]):
                values[y, x, c] = 0


@njit(cache=True, nogil=True)
def write_input(first, last, pixels, resolved, margin, tables, alpha_weight, unit, shown, given):
    """Write rows first…last − 1 of what the net is shown, and those of `resolved` in colours that lie among them.

    Args:
        pixels, resolved: uint8 (H, W, 4).
        margin: pixels that are shown above and to the left of the image; what lies beyond it is as its nearest pixel.
        unit: Lab units that count as one there.
        shown: float32 (H2, W2, 8), colours of both in these units.
        given: float32 (5, H, W), the colours of `resolved` as they are, and 1: the share of them that is a pixel's own.
    """
    height, width, _ = pixels.shape
    for row in range(first, last):
        y = min(max(row - margin, 0), height - 1)
        for column in range(shown.shape[1]):
            x = min(max(column - margin, 0), width - 1)
            colour = _colour(resolved, y, x, tables, alpha_weight)
            for c in range(4):
                shown[row, column, 4 + c] = colour[c] / unit
            if y == row - margin and x == column - margin:
                for c in range(4):
                    given[c, y, x] = colour[c]
                given[4, y, x] = 1.0
            if not _are_equal(pixels, resolved, y, x):
                colour = _colour(pixels, y, x, tables, alpha_weight)
            for c in range(4):
                shown[row, column, c] = colour[c] / unit


@njit(cache=True, nogil=True, inline="always")
def _are_equal(pixels, others, y, x):
    for c in range(4):
        if pixels[y, x, c] != others[y, x, c]:
            return False
    return True
