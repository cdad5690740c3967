"""numba kernels of the smoothing: sums of integers along rows, then along columns."""

from __future__ import annotations

from ..kernel_cache import njit


@njit(cache=True, nogil=True)
def along_rows(values, weights, bits, out, first, last):
    """Write rows first…last − 1 of `out`: int32 (H, W, C), each pixel's weighted sum along its row, rounded."""
    _, width, channels = values.shape
    half = 1 << (bits - 1)
    for y in range(first, last):
        for x in range(width):
            for c in range(channels):
                total = weights[0] * values[y, x, c] + half
                for step in range(1, len(weights)):
                    before, after = max(x - step, 0), min(x + step, width - 1)
                    total += weights[step] * (values[y, before, c] + values[y, after, c])
                out[y, x, c] = total >> bits


@njit(cache=True, nogil=True)
def along_columns(values, weights, bits, out, first, last):
    """The same along columns."""
    height, width, channels = values.shape
    half = 1 << (bits - 1)
    for y in range(first, last):
        for x in range(width):
            for c in range(channels):
                total = weights[0] * values[y, x, c] + half
                for step in range(1, len(weights)):
                    before, after = max(y - step, 0), min(y + step, height - 1)
                    total += weights[step] * (values[before, x, c] + values[after, x, c])
                out[y, x, c] = total >> bits
