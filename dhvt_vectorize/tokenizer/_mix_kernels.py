"""numba kernel of FeatureNet's mixing: what torch does in twenty passes over the image, in one."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

# 2^f on 0…1 by a polynomial of least greatest error (2e-7); the powers below it are looked up
_POWERS = np.exp2(-np.arange(25)).astype(np.float32)


@njit(cache=True, nogil=True)
def mix(colour, logits, spacing, least, mixed, own, first, last):
    """Write rows first…last − 1 of a round: each pixel's weighted mean of nine, and `own` times its own weight.

    colour, mixed: float32 (4, H, W). logits: float32 (H, W, 9), the pixel itself fifth. Weights below `least` are none.
    """
    _, height, width = colour.shape
    weights = np.empty(9, np.float32)
    for y in range(first, last):
        for x in range(width):
            greatest = logits[y, x, 0]
            for place in range(1, 9):
                greatest = max(greatest, logits[y, x, place])
            total = np.float32(0.0)
            for place in range(9):
                weights[place] = _exponential(logits[y, x, place] - greatest)
                total += weights[place]
            kept = np.float32(0.0)
            for place in range(9):
                if weights[place] < least * total:
                    weights[place] = 0.0
                kept += weights[place]
            own[y, x] *= weights[4] / kept
            for c in range(4):
                mixed[c, y, x] = colour[c, y, x]
            for place in range(9):
                if weights[place] == 0.0 or place == 4:
                    continue
                v = min(max(y + (place // 3 - 1) * spacing, 0), height - 1)
                u = min(max(x + (place % 3 - 1) * spacing, 0), width - 1)
                weight = weights[place] / kept
                # differences, so that equal colours stay what they are to the last bit
                for c in range(4):
                    mixed[c, y, x] += weight * (colour[c, v, u] - colour[c, y, x])


@njit(cache=True, nogil=True, inline="always")
def _exponential(x):
    """e^x of x ≤ 0, at least e^−16."""
    scaled = max(x, np.float32(-16.0)) * np.float32(1.4426950408889634)
    whole = np.int32(scaled)
    if scaled < whole:
        whole -= 1
    f = scaled - np.float32(whole)
    power = np.float32(1.8775767e-3)
    power = power * f + np.float32(8.9893397e-3)
    power = power * f + np.float32(5.5826318e-2)
    power = power * f + np.float32(2.4015361e-1)
    power = power * f + np.float32(6.9315308e-1)
    power = power * f + np.float32(9.9999994e-1)
    return power * _POWERS[-whole]
