"""numba kernel of the smoothing: sums of integers along one direction."""

from __future__ import annotations

from ..kernel_cache import njit


@njit(cache=True, nogil=True)
def along(values, weights, bits, down, right, out, first, last):
    """Write rows first…last − 1 of `out`: int32 (H, W, C), each pixel's weighted sum along (down, right), rounded."""
    height, width, channels = values.shape
    half = 1 << (bits - 1)
    for y in range(first, last):
        for x in range(width):
            for c in range(channels):
                total = weights[0] * values[y, x, c] + half
                for step in range(1, len(weights)):
                    above, below = max(y - step * down, 0), min(y + step * down, height - 1)
                    before, after = max(x - step * right, 0), min(x + step * right, width - 1)
                    total += weights[step] * (values[above, before, c] + values[below, after, c])
                out[y, x, c] = total >> bits
