"""pixels → by how much they were enlarged: pixel art is often shown with each pixel as a square of many.

Such a picture changes colour at multiples of the factor only, and its sides are multiples of it.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import UInt8

# With fewer places where colour changes, in either direction, a common divisor is chance.
LEAST_PLACES = 4
# Most pictures are told by their first rows to be none.
ROWS_FIRST = 16


def enlargement(pixels: UInt8[np.ndarray, "H W 4"]) -> int:
    """The side in pixels of the squares that the picture is made of; 1 where it is not."""
    packed = np.ascontiguousarray(pixels).view(np.uint32)[..., 0]
    for rows in (packed[:ROWS_FIRST], packed):
        across = np.flatnonzero((rows[:, 1:] != rows[:, :-1]).any(0)) + 1
        common = math.gcd(packed.shape[1], *across.tolist())
        if common == 1:
            return 1
    down = np.flatnonzero((packed[1:] != packed[:-1]).any(1)) + 1
    if min(len(across), len(down)) < LEAST_PLACES:
        return 1
    return math.gcd(common, packed.shape[0], *down.tolist())
