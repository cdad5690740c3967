"""pixels → what kind of picture they are: a drawing or a photograph, and how noisy.

Where half of all neighbours are equal, a picture is a drawing. JPEG, noise and small sizes take that from drawings; but
their colours stay few, and lie close around those that were painted: a few cells of a coarse cube of colours hold most
of their pixels. A photograph's spread. The larger a drawing, the smaller the part of it that edges pass through.

Chosen on the tuning lists and BSDS500 val. Limits: once it is noisy, a drawing of little but ramps is taken for a
photograph.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Int16, UInt8

# Of a drawing of these sides at least this share of the pixels lies in so many cells of 8 levels a side; grey ones have
# fewer. At 24 px, where few are photographs, half of BSDS500 val have more than 0.3 as JPEG, and one in ten of the
# drawings has less.
SIDES, LEAST_SHARES = (24, 64, 256), (0.33, 0.45, 0.72)
CELLS, CELLS_GREY = 16, 4
_CELL_BITS = 3
# No colours are counted in more pixels than about this: a larger picture is looked at in places.
_PIXELS_LOOKED_AT = 2**17


def is_photograph(premultiplied: UInt8[np.ndarray, "H W 4"], noise: float | None = None) -> bool:
    """Whether a picture is a photograph, or at least no drawing.

    Args:
        premultiplied: what is transparent has one colour.
        noise: its `noise_level`, for whoever knows it already.
    """
    noise = noise_level(premultiplied) if noise is None else noise
    if noise == 0:
        return False
    pixels = premultiplied.shape[0] * premultiplied.shape[1]
    least = np.interp(math.log(pixels) / 2, np.log(SIDES), LEAST_SHARES)
    return _share_of_common_colours(premultiplied) < float(least)


def noise_level(pixels: UInt8[np.ndarray, "H W 4"]) -> float:
    """Median difference of horizontal neighbours, in levels: 0 on clean flat art, a few on photographs."""
    green = pixels[..., 1].astype(np.int16)
    differences = np.abs(np.diff(green, axis=1)).ravel()
    if differences.size == 0:
        return 0.0
    counts = np.bincount(differences, minlength=256)
    return float(np.searchsorted(np.cumsum(counts), differences.size / 2))


def _share_of_common_colours(pixels: UInt8[np.ndarray, "H W 4"]) -> float:
    step = max(1, math.isqrt(pixels.shape[0] * pixels.shape[1] // _PIXELS_LOOKED_AT))
    cells: Int16[np.ndarray, "h w"] = (pixels[::step, ::step, :3] >> _CELL_BITS).astype(np.int16)
    red, green, blue = cells[..., 0], cells[..., 1], cells[..., 2]
    grey = bool(((red == green) & (green == blue)).all())
    side = 256 >> _CELL_BITS
    counts = np.sort(np.bincount(((red * side + green) * side + blue).ravel().astype(np.int64), minlength=CELLS))
    return float(counts[-(CELLS_GREY if grey else CELLS) :].sum() / red.size)
