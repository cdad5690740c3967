"""numba kernel of gradients: the colour of one at a place.

A ramp is a row of NUMBERS: whether it is radial; x and y of its start and of its end; how many stops; their offsets;
and their colours, premultiplied, four numbers each.
"""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

ROOM = 8  # for stops; gradients have six at most
OFFSETS, COLOURS = 6, 6 + ROOM
NUMBERS = COLOURS + 4 * ROOM


@njit(cache=True, nogil=True)
def ramp_at(ramp, x, y, out):
    """Write the ramp's colour at (x, y), premultiplied, 0…255; beyond its ends the end's colour goes on."""
    dx, dy = x - ramp[1], y - ramp[2]
    ax, ay = ramp[3] - ramp[1], ramp[4] - ramp[2]
    square = max(ax * ax + ay * ay, 1e-9)
    t = np.sqrt((dx * dx + dy * dy) / square) if ramp[0] > 0 else (dx * ax + dy * ay) / square
    last = int(ramp[5]) - 1
    k = 0
    while k < last and ramp[OFFSETS + k + 1] < t:
        k += 1
    f = 0.0
    if k < last:
        step = max(ramp[OFFSETS + k + 1] - ramp[OFFSETS + k], 1e-9)
        f = min(1.0, max(0.0, (t - ramp[OFFSETS + k]) / step))
    else:
        k = max(last - 1, 0)
        f = 1.0 if last > 0 else 0.0
    for c in range(4):
        a, b = ramp[COLOURS + 4 * k + c], ramp[COLOURS + 4 * min(k + 1, last) + c]
        out[c] = a + f * (b - a)
