"""Integer features → the same with their channels weighed and local contrast compressed, for tokens of photographs.

What parts two things is often a change of hue, and what parts nothing often a strong change of light: a shadow, a
highlight, foliage. So colour counts for more than lightness, and a pixel that lies far from the mean of what is around
it comes nearer, as the eye's response to contrast falls off (logarithmically: Fechner 1860):

    f ↦ m + (f − m) · c·ln(1 + |f − m|/c) / |f − m|,   m the mean of a square around the pixel, c the limit

Limits: for regions that are to be tokens. What is drawn must keep its colours' distances, for these are its errors.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int32

from . import _contrast_kernels
from .parts import in_parts

_ROWS_A_THREAD = 64


def compressed(
    values: Int32[np.ndarray, "H W C"], weights: Float[np.ndarray, "C"], limit: float, reach: int, largest: int
) -> Int32[np.ndarray, "H W C"]:
    """The values with compressed contrast, rounded.

    Args:
        values: features; what lies beyond the image is as its nearest pixel.
        weights: what each channel counts for.
        limit: c, in feature steps; distances well below it are kept.
        reach: the square reaches so many pixels to each side.
        largest: no |value| of the result is larger.
    """
    values, out = np.ascontiguousarray(values), np.empty_like(values)
    work = (values, np.asarray(weights, np.float64), reach, float(limit), largest, out)
    in_parts(len(values), lambda first, last: _contrast_kernels.compress(first, last, *work), _ROWS_A_THREAD)
    return out
