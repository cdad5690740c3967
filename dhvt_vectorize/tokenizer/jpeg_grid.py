"""pixels → how they were compressed, if they were a JPEG: the grid of its blocks and the steps of its coefficients.

Told from the pixels, since pictures come as arrays, screenshots and PNGs too. Blocks on the right grid hardly change
when they are quantised by the right steps once more, while the same pixels half a block aside do. Steps are looked for
among the IJG's, which most encoders write, of quality 30 to 94. White paper hides much: pixels that the decoder had
beyond white or black were cut there, and may be anything beyond it.

Limits: an opaque picture that has kept its size since; steps of other encoders (Photoshop's, mozjpeg's) are not known.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Float32, Shaped, UInt8
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from . import _chroma_kernels, _jpeg_kernels
from ._jpeg_kernels import BLOCK, BUSY, TILE
from .half_resolution import Plane, means, samples_of
from .parts import in_parts

QUALITIES = range(30, 95)
# JPEG leaves few equal neighbours beside an edge: at most 0.26 of them on the tuning lists, where half the clean
# drawings have 0.5 and more.
MOST_EQUAL = 0.3
# Blocks on the right grid are so much nearer to what they would be decoded to than blocks half a block aside: on the
# tuning lists 0.2 to 0.6 times as far at quality 60 and 75; clean, noisy, blurred and enlarged pictures 0.8 to 1.1.
MOST_MISFIT = 0.65
# Of chroma, whose samples lie on as many grids as there are ways to keep it: 0.1 to 0.5 on the right one, 0.3 to 1 on
# finer ones and above 1 on others.
MOST_MISFIT_OF_CHROMA, SURELY = 0.5, 0.25
BUSY_BLOCKS, BLOCKS_LOOKED_AT = 32, 256
BUSY_IN_CHROMA = 8.0
_ROWS_A_THREAD = 32
FEW_BLOCKS = 12  # choose among all qualities
FACTORS = ((2, 2), (1, 1), (1, 2))  # 4:2:0, 4:4:4, 4:2:2
LEAST_SEEN = 64  # pixels that are not cut
LINES_LOOKED_AT = 128
MIDST = 16  # tiles of a picture's midst tell how its chroma was compressed
_HALF_BLOCK = BLOCK // 2

Cut = Bool[np.ndarray, "rows columns"]
Tables = Float32[np.ndarray, "Q 8 8"]


@dataclass(frozen=True, eq=False)
class Compression:
    """How a picture was compressed.

    Attributes:
        row, column: 0…15, where the first whole tile of 16 × 16 pixels begins, by which all blocks lie.
        factors: pixels to a sample of chroma, down and across; None if that could not be told.
        luma, chroma: float32 (8, 8), the steps.
    """

    row: int
    column: int
    factors: tuple[int, int] | None
    luma: Plane
    chroma: Plane


@dataclass(frozen=True, eq=False)
class _Seen:
    """A plane, and what of it was cut.

    Attributes:
        values: of luma or of chroma's samples.
        darkest, lightest: where luma may have been less than it is, or more; chroma may have been anything in both.
        busy: how far the values of a block range that tells something.
    """

    values: Plane
    darkest: Cut
    lightest: Cut
    busy: float


def compression(pixels: UInt8[np.ndarray, "H W 4"]) -> Compression | None:
    """How the picture was compressed; None if it does not look as if it was."""
    height, width = pixels.shape[:2]
    if min(height, width) < TILE or not (pixels[..., 3] == 255).all():
        return None
    near, equal = _jpeg_kernels.equal_neighbours(pixels, max(1, height // LINES_LOOKED_AT))
    if near == 0 or equal > MOST_EQUAL * near:
        return None
    light, *colours = split(pixels)
    darkest, lightest = ((pixels[..., :3] == level).any(-1) for level in (0, 255))
    luma = _Seen(light, darkest, lightest, BUSY)
    row, column = 0, 0
    found = _steps(luma, row, column)
    if found is None:
        row, column = _block_grid(light)
        found = _steps(luma, row, column)
    if found is None:
        return None
    steps, steps_of_chroma = found
    row, column, factors = _chroma_grid(colours, darkest | lightest, steps_of_chroma, row, column)
    return Compression(row, column, factors, steps, steps_of_chroma)


@cache
def _tables() -> tuple[Tables, Tables]:
    """Luma's and chroma's steps at each of QUALITIES, as an encoder of them writes."""
    found = []
    for quality in QUALITIES:
        buffer = io.BytesIO()
        Image.new("RGB", (BLOCK, BLOCK)).save(buffer, "JPEG", quality=quality)
        buffer.seek(0)
        with JpegImageFile(buffer) as image:
            found.append([np.array(image.quantization[kind], np.float32).reshape(BLOCK, BLOCK) for kind in (0, 1)])
    luma, chroma = (np.stack(tables) for tables in zip(*found, strict=True))
    return luma, chroma


def _steps(luma: _Seen, row: int, column: int) -> tuple[Plane, Plane] | None:
    """The steps whose multiples the luma's coefficients are on this grid, and chroma's of the same quality, if any."""
    tables, of_chroma = _tables()
    # what any picture's blocks would change by
    usual = np.sqrt((tables**2).mean((1, 2)) / 12)
    few, _ = _misfit(luma, tables, row, column, FEW_BLOCKS)
    first = max(int((few / usual).argmin()) - 2, 0)
    near = slice(first, first + 5)
    off, _ = _misfit(luma, tables[near], row, column, BUSY_BLOCKS)
    best = first + int((off / usual[near]).argmin())
    fits = _stands_out(luma, tables[best], row, column) <= MOST_MISFIT
    return (tables[best], of_chroma[best]) if fits else None


def _block_grid(luma: Plane) -> tuple[int, int]:
    """The row and the column of 0…7 where blocks begin in which most coefficients are nothing."""
    found = [
        _jpeg_kernels.nothing(luma, row, column, _stride(luma), BUSY_BLOCKS)
        for row in range(BLOCK)
        for column in range(BLOCK)
    ]
    return divmod(int(np.argmax(found)), BLOCK)


def _chroma_grid(
    chroma: Sequence[Plane], cut: Cut, steps: Plane, row: int, column: int
) -> tuple[int, int, tuple[int, int] | None]:
    """Where tiles begin, and chroma's factors if they can be told; `row`, `column` is where luma's blocks begin."""
    best = MOST_MISFIT_OF_CHROMA
    choice: tuple[int, int, tuple[int, int] | None] = (row, column, None)
    for down, across in FACTORS:
        for top in range(row, row + BLOCK * down, BLOCK):
            for left in range(column, column + BLOCK * across, BLOCK):
                found = _chroma_misfit(chroma, cut, steps, top, left, (down, across))
                if found < best:
                    best, choice = found, (top, left, (down, across))
                if best < SURELY:
                    return choice
    return choice


def _chroma_misfit(
    chroma: Sequence[Plane], cut: Cut, steps: Plane, top: int, left: int, factors: tuple[int, int]
) -> float:
    """As `_stands_out`, of chroma's samples in the picture's midst; infinite if there are too few."""
    height, width = ((side - start) // TILE for side, start in zip(cut.shape, (top, left), strict=True))
    rows, columns = min(height, MIDST), min(width, MIDST)
    if rows == 0 or columns == 0:
        return math.inf
    top, left = top + (height - rows) // 2 * TILE, left + (width - columns) // 2 * TILE
    part = np.s_[top : top + rows * TILE, left : left + columns * TILE]
    lost = means(cut[part], factors) > 0
    samples = [_Seen(samples_of(plane[part], factors), lost, lost, BUSY_IN_CHROMA) for plane in chroma]
    return min(_stands_out(plane, steps, 0, 0) for plane in samples)


def _stands_out(plane: _Seen, steps: Plane, row: int, column: int) -> float:
    """How far blocks are from what they would be decoded to, beside blocks half a block down, across or both."""

    def off(down: int, across: int) -> tuple[float, int]:
        found, seen = _misfit(plane, steps[None], (row + down) % BLOCK, (column + across) % BLOCK, BUSY_BLOCKS)
        return float(found[0]), seen

    found, seen = off(0, 0)
    usual = min(off(*aside)[0] for aside in ((0, _HALF_BLOCK), (_HALF_BLOCK, 0), (_HALF_BLOCK, _HALF_BLOCK)))
    return found / usual if seen >= LEAST_SEEN and usual > 0 else math.inf


def _misfit(plane: _Seen, tables: Tables, row: int, column: int, most: int) -> tuple[Float32[np.ndarray, "Q"], int]:
    """`_jpeg_kernels.misfit` of at most so many blocks."""
    stride = _stride(plane.values)
    off, seen = _jpeg_kernels.misfit(
        plane.values, plane.darkest, plane.lightest, tables, row, column, stride, plane.busy, most
    )
    return off, int(seen)


def _stride(plane: Plane) -> int:
    return max(1, plane.size // BLOCK**2 // BLOCKS_LOOKED_AT)


def split(pixels: Shaped[np.ndarray, "H W C"]) -> Float32[np.ndarray, "3 H W"]:
    """JFIF's Y less 128, Cb and Cr, of levels of red, green and blue."""
    planes = np.empty((3, *pixels.shape[:2]), np.float32)
    luma, chroma = planes[0], np.moveaxis(planes[1:], 0, 2)
    in_parts(
        len(luma),
        lambda first, last: _chroma_kernels.luma_and_chroma(first, last, pixels, luma, chroma),
        _ROWS_A_THREAD,
    )
    luma -= 128
    return planes
