"""numba kernel of the smoothing: sums of integers along rows, then of such rows."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit


@njit(cache=True, nogil=True)
def smooth(first, last, values, weights, bits, out):
    """Write rows first…last − 1 of `out`: int32 (H, W, C), weighted sums along rows, then columns, both rounded."""
    height, width, channels = values.shape
    reach = len(weights) - 1
    line = np.empty((width + 2 * reach) * channels, np.int32)
    total = np.empty(width * channels, np.int64)
    # the rows that a pixel's column needs, smoothed along themselves, and again the first where the last is done with
    rows = np.empty((2 * reach + 1, width * channels), np.int32)
    for y in range(first - reach, last + reach):
        _widen(values[min(max(y, 0), height - 1)], reach, line)
        middle = reach * channels
        _begin(total, weights[0], line[middle : middle + total.size], bits)
        for step in range(1, reach + 1):
            before, after = middle - step * channels, middle + step * channels
            _add(total, weights[step], line[before : before + total.size], line[after : after + total.size])
        _end(total, bits, rows[y % len(rows)])
        if y >= first + reach:
            done = y - reach
            _begin(total, weights[0], rows[done % len(rows)], bits)
            for step in range(1, reach + 1):
                _add(total, weights[step], rows[(done - step) % len(rows)], rows[(done + step) % len(rows)])
            _end(total, bits, out[done].reshape(-1))


@njit(cache=True, nogil=True)
def _widen(row, more, line):
    """Write the pixels of a row one after the other, with so many more on either side, each as its nearest."""
    width, channels = row.shape
    for x in range(-more, width + more):
        nearest = min(max(x, 0), width - 1)
        for c in range(channels):
            line[(x + more) * channels + c] = row[nearest, c]


@njit(cache=True, nogil=True)
def _begin(total, weight, numbers, bits):
    for i in range(total.size):
        total[i] = weight * numbers[i] + (1 << (bits - 1))


@njit(cache=True, nogil=True)
def _add(total, weight, before, after):
    for i in range(total.size):
        total[i] += weight * (np.int64(before[i]) + after[i])


@njit(cache=True, nogil=True)
def _end(total, bits, out):
    for i in range(total.size):
        out[i] = total[i] >> bits
