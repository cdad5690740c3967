"""few colours → whether some are only mixtures of others: what tells a small anti-aliased drawing from pixel art.

Anti-aliasing leaves, between two colours, many others in a few pixels each, on the straight line from the one to the
other. An artist's shades are fewer, cover areas of their own, and seldom lie on one line. The edges of upright bars
show one mixture, or few; but then each of its pixels has one of the two colours on one side and the other opposite.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int32, UInt8

# A colour is a mixture of two others if it lies within so many levels of the line between them,
OFF_LINE = 4.0
# touches both, and covers at most this part of what either covers.
RARE = 0.25
# An anti-aliased picture has at least so many mixtures, and at least this share of its colours are.
LEAST_MIXTURES, LEAST_SHARE = 3, 0.5
# or this share are mixtures of which every pixel lies between the two.
LEAST_SHARE_BETWEEN = 1 / 3


def is_antialiased(pixels: UInt8[np.ndarray, "H W 4"]) -> bool:
    """Whether half of the colours or more are mixtures of two others beside them, or a third and nowhere else.

    Colours are mixed as renderers do: premultiplied, in sRGB. Time grows with the cube of their number.
    """
    packed = np.ascontiguousarray(pixels).view(np.uint32)[..., 0]
    colours, which, counts = np.unique(packed, return_inverse=True, return_counts=True)
    labels = which.reshape(packed.shape).astype(np.int32)
    touching = _touching(labels, len(colours))
    points = colours.view(np.uint8).reshape(-1, 4).astype(np.float64)
    points[:, :3] *= points[:, 3:] / 255
    mixtures, between = 0, 0
    for i, colour in enumerate(points):
        sides = np.flatnonzero(touching[i])
        pairs = sides[_mixed_pairs(colour, points[sides])]
        mixtures += bool((counts[pairs] * RARE >= counts[i]).all(1).any())
        between += any(_lies_between(labels, i, first, second) for first, second in pairs)
    return mixtures >= max(LEAST_MIXTURES, LEAST_SHARE * len(colours)) or between >= LEAST_SHARE_BETWEEN * len(colours)


def _mixed_pairs(colour: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Which two of `sides` (n, 4) a colour lies strictly between, on the line between them: (pairs, 2)."""
    line = sides[None, :] - sides[:, None]
    length2 = (line**2).sum(2)
    along = ((colour - sides[:, None]) * line).sum(2)
    inside = (along > 0) & (along < length2)
    off = colour - sides[:, None] - (along / np.maximum(length2, 1))[..., None] * line
    return np.argwhere(np.triu(inside & (np.abs(off).max(2) <= OFF_LINE)))


def _lies_between(labels: Int32[np.ndarray, "H W"], colour: int, first: int, second: int) -> bool:
    """Has every pixel of a colour `first` on one side and `second` opposite, straight or across a corner?"""
    around = np.pad(labels, 1, constant_values=-1)
    y, x = np.nonzero(labels == colour)
    straddles = np.zeros(y.size, np.bool_)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        before, after = around[y + 1 - dy, x + 1 - dx], around[y + 1 + dy, x + 1 + dx]
        straddles |= ((before == first) & (after == second)) | ((before == second) & (after == first))
    return bool(straddles.all())


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
