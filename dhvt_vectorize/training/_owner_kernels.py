"""numba kernel of the points of mixed pixels: which zone covers most of them."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit


@njit(cache=True, nogil=True)
def majorities(points):
    """The commonest number of each row, the lowest of several, and whether there are several.

    points: uint32 (M, P), each row in rising order. Returns uint32 (M,) and bool (M,).
    """
    count, width = points.shape
    owner, tied = np.empty(count, points.dtype), np.zeros(count, np.bool_)
    for i in range(count):
        most, begin = 0, 0
        for j in range(1, width + 1):
            if j < width and points[i, j] == points[i, begin]:
                continue
            if j - begin > most:
                most, owner[i], tied[i] = j - begin, points[i, begin], False
            elif j - begin == most:
                tied[i] = True
            begin = j
    return owner, tied
