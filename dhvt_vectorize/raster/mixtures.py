"""few colours → whether some are only mixtures of others: what tells a small anti-aliased drawing from pixel art.

Anti-aliasing leaves, between two colours, many others in a few pixels each, on the straight line from the one to the
other. An artist's shades are fewer, cover areas of their own, and seldom lie on one line.
Limits: a shape whose anti-aliased edges all show the same few mixtures, as those of upright bars do, is pixel art.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int32, UInt8

# A colour is a mixture of two others if it lies within so many levels of the line between them,
OFF_LINE = 4.0
# covers at most this part of what either covers, and touches both.
RARE = 0.25
# An anti-aliased picture has at least so many mixtures, and at least this share of its colours are.
LEAST_MIXTURES, LEAST_SHARE = 3, 0.5


def is_antialiased(pixels: UInt8[np.ndarray, "H W 4"]) -> bool:
    """Whether half of the colours or more are mixtures of two others beside them.

    Colours are mixed as renderers do: premultiplied, in sRGB. Time grows with the cube of their number.
    """
    packed = np.ascontiguousarray(pixels).view(np.uint32)[..., 0]
    colours, which, counts = np.unique(packed, return_inverse=True, return_counts=True)
    touching = _touching(which.reshape(packed.shape).astype(np.int32), len(colours))
    points = colours.view(np.uint8).reshape(-1, 4).astype(np.float64)
    points[:, :3] *= points[:, 3:] / 255
    mixtures = 0
    for i, colour in enumerate(points):
        mixtures += _between_two(colour, points[touching[i] & (counts * RARE >= counts[i])])
    return mixtures >= max(LEAST_MIXTURES, LEAST_SHARE * len(colours))


def _between_two(colour: np.ndarray, sides: np.ndarray) -> bool:
    """Does a colour lie strictly between two of `sides` (n, 4), on the line between them?"""
    line = sides[None, :] - sides[:, None]
    length2 = (line**2).sum(2)
    along = ((colour - sides[:, None]) * line).sum(2)
    inside = (along > 0) & (along < length2)
    off = colour - sides[:, None] - (along / np.maximum(length2, 1))[..., None] * line
    return bool((inside & (np.abs(off).max(2) <= OFF_LINE)).any())


def _touching(which: Int32[np.ndarray, "H W"], colours: int) -> np.ndarray:
    """bool (colours, colours): which of them meet, at a side or a corner of pixels."""
    pairs = (
        (which[1:], which[:-1]),
        (which[:, 1:], which[:, :-1]),
        (which[1:, 1:], which[:-1, :-1]),
        (which[1:, :-1], which[:-1, 1:]),
    )
    met = np.zeros((colours, colours), np.bool_)
    for first, second in pairs:
        met[first, second] = True
    return met | met.T
