"""numba kernels of flattening: each pixel moves towards the one before it, along rows, then along columns."""

from __future__ import annotations

from ..kernel_cache import njit


@njit(cache=True, nogil=True)
def along_rows(first, last, values, shares, left):
    """Flatten rows first…last − 1 of float64 (H, W, C), from left to right and back, in place.

    `shares` says how far a pixel goes for each strength of the border between, `left` is that border: uint8 (H, W).
    """
    width = values.shape[1]
    for y in range(first, last):
        for x in range(1, width):
            _move(values, y, x, y, x - 1, shares[left[y, x]])
        for x in range(width - 2, -1, -1):
            _move(values, y, x, y, x + 1, shares[left[y, x + 1]])


@njit(cache=True, nogil=True)
def along_columns(first, last, values, shares, above):
    """The same of columns first…last − 1, downwards and back up; `above` is the border above each pixel."""
    height = values.shape[0]
    for y in range(1, height):
        for x in range(first, last):
            _move(values, y, x, y - 1, x, shares[above[y, x]])
    for y in range(height - 2, -1, -1):
        for x in range(first, last):
            _move(values, y, x, y + 1, x, shares[above[y + 1, x]])


@njit(cache=True, nogil=True, inline="always")
def _move(values, y, x, v, u, share):
    """Move pixel (y, x) so far towards (v, u)."""
    for c in range(values.shape[2]):
        values[y, x, c] += share * (values[v, u, c] - values[y, x, c])
