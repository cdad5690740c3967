"""numba kernel of the local contrast: means of squares by running sums, and how far pixels stay from them."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit


@njit(cache=True, nogil=True)
def compress(first, last, values, weights, reach, limit, most, out):
    """Write rows first…last − 1 of `out`: int32 (H, W, C), see `contrast.compressed`; none is beyond ±most."""
    height, width, channels = values.shape
    side = 2 * reach + 1
    columns = np.zeros((width, channels), np.int64)
    for y in range(first - reach, first + reach + 1):
        _add_row(columns, values, min(max(y, 0), height - 1), 1)
    box = np.empty(channels, np.int64)
    away = np.empty(channels, np.float64)
    for y in range(first, last):
        box[:] = 0
        for x in range(-reach, reach + 1):
            box += columns[min(max(x, 0), width - 1)]
        for x in range(width):
            squared = 0.0
            for c in range(channels):
                away[c] = weights[c] * (values[y, x, c] - box[c] / (side * side))
                squared += away[c] * away[c]
            distance = np.sqrt(squared)
            kept = limit * np.log1p(distance / limit) / distance if distance > 0.0 else 1.0
            for c in range(channels):
                value = np.rint(weights[c] * values[y, x, c] - away[c] * (1.0 - kept))
                out[y, x, c] = min(max(value, -most), most)
            before, after = max(x - reach, 0), min(x + reach + 1, width - 1)
            for c in range(channels):
                box[c] += columns[after, c] - columns[before, c]
        _add_row(columns, values, max(y - reach, 0), -1)
        _add_row(columns, values, min(y + reach + 1, height - 1), 1)


@njit(cache=True, nogil=True)
def _add_row(columns, values, y, sign):
    for x in range(values.shape[1]):
        for c in range(values.shape[2]):
            columns[x, c] += sign * values[y, x, c]
