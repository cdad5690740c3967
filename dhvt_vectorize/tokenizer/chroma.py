"""pixels → pixels whose colours step where their lightness does, if JPEG blurred them.

JPEG commonly keeps chroma at half the resolution (4:2:0). Enlarged again it spreads over four pixels and more at every
edge, while luma stays sharp: around a shape lies a halo of its colour. What was interpolated from a grid of half the
resolution fits that grid but for rounding and JPEG's losses, while luma does not, unless all of the picture was
enlarged: that tells such pictures from others, whatever file they come in. Where the grid is lost, because the picture
was resized since, how sharp chroma's edges are beside luma's tells it: there is never more than half a step between two
pixels of half the resolution, while an edge of a drawing usually makes most of its step within one pixel, as its luma
does. A blurred or enlarged picture has neither.

Chroma then follows luma: each pixel takes what a linear fit of chroma on luma over the pixels near it says of its own
luma (the local linear model of He, Sun & Tang's guided filter, 2010), where those count most that lie close, are alike
in luma and whose chroma has settled, away from edges. Between two colours the line joins both, so that an anti-aliased
pixel becomes their mixture again. Averages keep to the line: where the grid is known, the fit is on luma that went the
same way as the chroma, to half the resolution and back, and needs no pixel that has settled. Where no line fits (three
colours, or two of one luma) the pixel stays nearly what it is.

On the tuning lists, as JPEG of quality 75, against the picture before: emoji at 256 px 35.6 → 38.3 dB, icons at 128 px
31.9 → 34.9 dB, emoji at 64 px 29.7 → 31.3 dB.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, UInt8

from . import _chroma_kernels
from ._chroma_kernels import REACH
from .half_resolution import interpolated, means
from .parts import in_parts

# A picture is one of blurred chroma if it has so many edges, fewer than this share of them are sharp in chroma, and by
# so much more are in luma. On the tuning lists half and more of clean and noisy pictures' edges are sharp in chroma.
LEAST_EDGES, MOST_SHARP, LEAST_BEHIND = 8, 0.5, 0.1
LINES_LOOKED_AT = 128  # rows, and columns, of a large picture
# Chroma comes from a grid of half the resolution if it misfits that by at most so much of what it changes by and such a
# part of what luma does, and if luma misfits it. On the tuning lists as JPEG chroma does by 0.03 to 0.5, mostly below
# 0.3, and luma by 1.1 to 15 times that, mostly 2 and more; on clean and noisy ones chroma by 0.34 and more and luma by
# 0.3 to 1.8 times that; on enlarged ones both by at most 0.04.
MOST_MISFIT, MOST_OF_LUMA, LEAST_OF_LUMA = 0.33, 0.5, 0.1
VARIES = 12.0  # levels between neighbours' chroma where an edge may be
# levels of variation at which chroma counts less, by e^-½
SETTLED, SETTLED_ON_THE_GRID, SETTLED_IF_SHARP = 8.0, 20.0, 40.0
LEAST_WEIGHT = 1e-4  # of a pixel on an edge: where nothing has settled, neighbours say what they can
SPREAD = 2.0  # pixels, of the weight by place
ALIKE = 40.0  # levels of luma
RIDGE, MISFIT, MISFIT_IF_SHARP = 5.0, 1000.0, 200.0  # squared levels
UNSEEN = -1
_ROWS_A_THREAD = 32


def sharpened_chroma(pixels: UInt8[np.ndarray, "H W 4"]) -> UInt8[np.ndarray, "H W 4"]:
    """The picture with its chroma at luma's edges, or itself if its chroma is as sharp as its luma, or alpha varies.

    Args:
        pixels: sRGB with straight alpha.
    """
    if not (pixels[..., 3] == 255).all():
        return pixels
    luma, chroma = _luma_and_chroma(pixels)
    cells = _cells(luma, chroma)
    if cells is None and not _is_blurred(luma, chroma):
        return pixels
    if cells is None:
        return _followed(pixels, luma, luma, chroma, SETTLED, MISFIT)
    return _followed(pixels, luma, _halved_and_back(luma, *cells), chroma, SETTLED_ON_THE_GRID, MISFIT)


def straightened_chroma(pixels: UInt8[np.ndarray, "H W 4"]) -> UInt8[np.ndarray, "H W 4"]:
    """The picture with chroma on the lines that luma draws between the colours around, if it is nearly there already.

    Args:
        pixels: opaque, luma and chroma of one sharpness.
    """
    luma, chroma = _luma_and_chroma(pixels)
    return _followed(pixels, luma, luma, chroma, SETTLED_IF_SHARP, MISFIT_IF_SHARP)


def _followed(
    pixels: UInt8[np.ndarray, "H W 4"],
    luma: Float32[np.ndarray, "H W"],
    spread_luma: Float32[np.ndarray, "H W"],
    chroma: Float32[np.ndarray, "H W 2"],
    settling: float,
    misfit: float,
) -> UInt8[np.ndarray, "H W 4"]:
    """The picture with chroma by its fit on luma, which is as far spread as the chroma is."""
    height = len(luma)
    varies = np.empty_like(luma)
    in_parts(height, lambda first, last: _chroma_kernels.variation(first, last, chroma, varies), _ROWS_A_THREAD)
    busy = varies > VARIES
    settled = np.exp(-0.5 * (varies / np.float32(settling)) ** 2) + np.float32(LEAST_WEIGHT)
    place = np.arange(-REACH, REACH + 1) ** 2
    near = np.exp(-(place[:, None] + place) / (2 * SPREAD**2)).astype(np.float32)
    alike = np.exp(-0.5 * (np.arange(256) / ALIKE) ** 2).astype(np.float32)
    followed = pixels.copy()
    in_parts(
        height,
        lambda first, last: _chroma_kernels.sharpen(
            first, last, luma, spread_luma, chroma, settled, busy, near, alike, RIDGE, misfit, followed
        ),
        _ROWS_A_THREAD,
    )
    return followed


def _luma_and_chroma(
    pixels: UInt8[np.ndarray, "H W 4"],
) -> tuple[Float32[np.ndarray, "H W"], Float32[np.ndarray, "H W 2"]]:
    luma = np.empty(pixels.shape[:2], np.float32)
    chroma = np.empty((*luma.shape, 2), np.float32)
    in_parts(
        len(luma),
        lambda first, last: _chroma_kernels.luma_and_chroma(first, last, pixels, luma, chroma),
        _ROWS_A_THREAD,
    )
    return luma, chroma


def _cells(luma: Float32[np.ndarray, "H W"], chroma: Float32[np.ndarray, "H W 2"]) -> tuple[int, int] | None:
    """The row and the column, 0 or 1, where the first whole cell of 2 × 2 pixels that share their chroma begins; None
    if no such grid shows.

    Along lines that never change colour nothing tells where cells begin; they are taken to begin with the picture.
    """
    starts = []
    for light, colour in ((luma.T, chroma.swapaxes(0, 1)), (luma, chroma)):
        start = _cell_start(light[..., None], colour)
        if start is None:
            return None
        starts.append(start)
    return None if starts == [UNSEEN, UNSEEN] else (max(starts[0], 0), max(starts[1], 0))


def _cell_start(luma: Float32[np.ndarray, "H W 1"], chroma: Float32[np.ndarray, "H W 2"]) -> int | None:
    """Where cells begin along a row: 0, 1, UNSEEN, or None where there are none."""
    step = max(1, math.ceil(len(chroma) / LINES_LOOKED_AT))
    # samples lie in the middle of cells, so that the two pixels between two samples are of two cells
    found = [_chroma_kernels.grid_misfit(chroma, step, 1 - start) for start in (0, 1)]
    if min(looked_at for looked_at, _, _ in found) < LEAST_EDGES:
        return UNSEEN
    misfits = [off / changed for _, off, changed in found]
    start = int(np.argmin(misfits))
    looked_at, off, changed = _chroma_kernels.grid_misfit(luma, step, 1 - start)
    of_luma = off / changed if looked_at else 0.0
    fits = misfits[start] <= min(MOST_MISFIT, MOST_OF_LUMA * of_luma)
    return start if fits and of_luma >= LEAST_OF_LUMA else None


def _halved_and_back(values: Float32[np.ndarray, "H W"], row: int, column: int) -> Float32[np.ndarray, "H W"]:
    """The mean of every cell of 2 × 2, interpolated to the pixels again, as JPEG's decoders do with chroma."""
    height, width = values.shape
    ends = ((row, (height + row) % 2), (column, (width + column) % 2))
    spread = interpolated(means(np.pad(values, ends, mode="edge"), (2, 2)), (2, 2))
    return np.ascontiguousarray(spread[row : row + height, column : column + width])


def _is_blurred(luma: Float32[np.ndarray, "H W"], chroma: Float32[np.ndarray, "H W 2"]) -> bool:
    step = max(1, math.ceil(min(luma.shape) / LINES_LOOKED_AT))
    edges, in_chroma, in_luma = _chroma_kernels.sharp_edges(luma, chroma, step).tolist()
    if edges < LEAST_EDGES:
        return False
    return bool(in_chroma < MOST_SHARP * edges and in_luma > in_chroma + LEAST_BEHIND * edges)
