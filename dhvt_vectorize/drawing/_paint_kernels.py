"""numba kernel of the paints: moments of position and colour over each face's inside."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

# Fewer inside pixels than this, and than this share of the face, say less than all of its pixels.
ENOUGH, ENOUGH_SHARE = 4, 0.25


@njit(cache=True, nogil=True)
def inside_moments(labels, faces, colours, is_rim):
    """float64 (K, 20): n; Σx Σy Σr Σg Σb Σa; Σxx Σxy Σyy; Σxr Σxg Σxb Σxa; Σyr Σyg Σyb Σya; Σ(rr + gg + bb); Σaa.

    Positions are pixel centres. Faces without enough inside pixels are summed over all pixels that are no rim, or
    over all.
    """
    height, width = labels.shape
    counts = np.zeros((faces, 3), np.int64)
    grade = np.empty((height, width), np.uint8)  # 0 any, 1 no rim, 2 inside
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            g = 0
            if not is_rim[y, x]:
                g = 2
                if (
                    (x > 0 and labels[y, x - 1] != k)
                    or (x + 1 < width and labels[y, x + 1] != k)
                    or (y > 0 and labels[y - 1, x] != k)
                    or (y + 1 < height and labels[y + 1, x] != k)
                ):
                    g = 1
            grade[y, x] = g
            for level in range(g + 1):
                counts[k, level] += 1
    least = np.zeros(faces, np.uint8)
    for k in range(faces):
        if counts[k, 2] >= ENOUGH or counts[k, 2] >= ENOUGH_SHARE * counts[k, 0]:
            least[k] = 2
        elif counts[k, 1] >= 1:
            least[k] = 1
    out = np.zeros((faces, 20))
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            if grade[y, x] < least[k]:
                continue
            px, py = x + 0.5, y + 0.5
            m = out[k]
            m[0] += 1.0
            m[1] += px
            m[2] += py
            m[7] += px * px
            m[8] += px * py
            m[9] += py * py
            for c in range(4):
                v = np.float64(colours[y, x, c])
                m[3 + c] += v
                m[10 + c] += px * v
                m[14 + c] += py * v
                m[18 if c < 3 else 19] += v * v
    return out
