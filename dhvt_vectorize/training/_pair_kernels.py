"""numba kernel of the region losses: which regions touch, and along how many pixel sides."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit


@njit(cache=True, nogil=True)
def touching_pixels(labels):
    """int64 (E, 2): the two labels, the lower first, of every pair of 4-neighbours whose labels differ."""
    height, width = labels.shape
    pairs = np.empty((2 * height * width, 2), np.int64)
    count = 0
    for y in range(height):
        for x in range(width):
            for v, u in ((y, x - 1), (y - 1, x)):
                if v >= 0 and u >= 0 and labels[v, u] != labels[y, x]:
                    pairs[count, 0] = min(labels[v, u], labels[y, x])
                    pairs[count, 1] = max(labels[v, u], labels[y, x])
                    count += 1
    return pairs[:count].copy()
