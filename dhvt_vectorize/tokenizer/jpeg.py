"""pixels that were a JPEG → the plainest picture that JPEG would have turned into these pixels.

JPEG rounds the cosine coefficients of blocks of 8 × 8 pixels to multiples of steps, up to 30 levels wide at usual
quality, which rings around every edge, and keeps chroma at half the resolution. Whoever knows the grid and the steps
(`jpeg_grid`) knows each coefficient but for half a step. A drawing is a picture of few edges: within these bounds one
of little total variation is sought, of luma and chroma together, so that their edges lie in one place (after Rudin,
Osher & Fatemi, 1992, and, for JPEG, Bredies & Holler, 2012), by Chambolle & Pock's algorithm (2011). Half-way, what is
an edge by then is spared from being flattened, which would take thin lines' contrast and round corners off (the
reweighting of Candès, Wakin & Boyd, 2008), and coefficients are drawn to the middle of their bounds. Variation does not
say which colour a mixture has: chroma is drawn to what follows luma, and in the end follows it (`chroma`).

Where the decoder went beyond white or black its pixels were cut. What was there is found by turns: coefficients rounded
to multiples say what was cut, and that says more of the coefficients.

Limits: those of `jpeg_grid`; blocks that the picture's sides cut keep to what they are, within half a step.

On the tuning lists, as JPEG of quality 75, against the picture before, with chroma alone in brackets: emoji at 64 px
36.0 dB (31.7), at 256 px 45.4 dB (38.5), icons at 64 px 36.7 dB (31.6).
"""

from __future__ import annotations

from functools import partial

import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8
from scipy.ndimage import maximum_filter, minimum_filter

from . import _jpeg_kernels, _variation_kernels
from ._jpeg_kernels import BLOCK, TILE
from .chroma import sharpened_chroma, straightened_chroma
from .config import TokenizerConfig
from .half_resolution import Plane, interpolated, means, samples_of
from .jpeg_grid import Compression, compression, split
from .parts import in_parts

ROUNDS_OF_CUT = 4  # turns until what was cut is known; twice as many change nothing
WITHIN = 0.85  # of half a step around the multiple, since what was rounded lies nearer to it more often than not
UNSURE = 0.2  # of the steps' mean, that edges are off: 4 to 8 levels at quality 75, the smaller a picture the more
ANYTHING = 1e5  # beyond all coefficients
WEIGHTS = np.array([1.0, 0.7, 0.7], np.float32)  # of the planes' variation
# A squared distance in steps from the middle of the bounds, and in levels from chroma that follows luma, beside a level
# of variation.
TIE, PULL = 8.0, np.float32(0.02)
ROUNDS = 25  # without and with edges spared; as many again win 0.1 dB
SURE = np.float32(10.0)  # levels; a step of so many half-way is half an edge
STEP = np.float32(2.0)
_DUAL_STEP = np.float32(1.0) / (8 * STEP)
_RUNS_A_THREAD = 2
_BLOCK_ROWS_A_THREAD, _ROWS_A_THREAD = 4, 32

Planes = Float32[np.ndarray, "3 rows columns"]


def before_jpeg(
    pixels: UInt8[np.ndarray, "H W 4"], config: TokenizerConfig
) -> tuple[UInt8[np.ndarray, "H W 4"], float]:
    """A drawing before it was a JPEG, as far as can be told; itself if it was none, or alpha varies.

    Args:
        pixels: sRGB with straight alpha.
        config: whether chroma becomes sharp, and whether the rest of it is undone.

    Returns:
        The drawing, and by how many levels pixels at its edges are off, though flat ground beside them is not.
    """
    sharp = sharpened_chroma(pixels) if config.sharpen_chroma else pixels
    how = compression(pixels) if config.undo_jpeg else None
    if how is None:
        return sharp, 0.0
    return straightened_chroma(plainest(pixels, sharp, how)), UNSURE * float(how.luma.mean())


def plainest(
    pixels: UInt8[np.ndarray, "H W 4"], sharp: UInt8[np.ndarray, "H W 4"], how: Compression
) -> UInt8[np.ndarray, "H W 4"]:
    """The picture of little variation within the bounds of its coefficients, its chroma drawn to `sharp`'s."""
    height, width = pixels.shape[:2]
    top, left = -how.row % TILE, -how.column % TILE
    ends = ((top, -(height + top) % TILE), (left, -(width + left) % TILE))
    padded, wanted = (np.pad(each, (*ends, (0, 0)), mode="edge") for each in (pixels, sharp))
    luma, chroma = _coefficients(padded, np.pad(np.ones((height, width), bool), ends), how)
    runs = _runs(_has_edges(luma, chroma, how))
    planes = np.concatenate([split(padded)[:1], split(wanted)[1:]])
    steps_of_chroma = how.chroma if how.factors else None
    bounds = _bounds(luma[0], how.luma), _bounds(chroma, steps_of_chroma)
    _lessen_variation(planes, runs, bounds, np.stack([_ties(how.luma), _ties(steps_of_chroma)]))
    in_parts(len(runs), partial(_variation_kernels.join, runs=runs, planes=planes, rgb=wanted), _RUNS_A_THREAD)
    return np.ascontiguousarray(wanted[top : top + height, left : left + width])


def _coefficients(
    pixels: UInt8[np.ndarray, "H W 4"], inside: Bool[np.ndarray, "H W"], how: Compression
) -> tuple[Float32[np.ndarray, "1 H W"], Float32[np.ndarray, "2 h w"]]:
    """Luma's and chroma's coefficients, each at its block's place: multiples of the steps where blocks are whole."""
    # where nothing is known of chroma, rounding it bridges what was cut all the same
    factors = how.factors or (1, 1)
    rgb = pixels[..., :3].astype(np.float32)
    for turn in range(ROUNDS_OF_CUT):
        light, *colours = split(rgb)
        luma, decoded_light = _quantised(light[None], how.luma, inside)
        samples = np.stack([samples_of(colour, factors) for colour in colours])
        chroma, decoded = _quantised(samples, how.chroma, means(inside, factors) == 1)
        if turn < ROUNDS_OF_CUT - 1:
            shown = np.stack([decoded_light[0], *(interpolated(each, factors) for each in decoded)])
            in_parts(len(rgb), partial(_jpeg_kernels.beyond_range, decoded=shown, seen=pixels, rgb=rgb), _ROWS_A_THREAD)
    return luma, chroma


def _quantised(
    planes: Float32[np.ndarray, "P h w"], steps: Plane, inside: Bool[np.ndarray, "h w"]
) -> tuple[Float32[np.ndarray, "P h w"], Float32[np.ndarray, "P h w"]]:
    """The planes' coefficients and what these stand for; blocks not wholly inside are not rounded."""
    whole = means(inside, (BLOCK, BLOCK)) == 1
    centres, values = np.empty_like(planes), np.empty_like(planes)
    for plane, centre, value in zip(planes, centres, values, strict=True):
        work = partial(_jpeg_kernels.quantised, plane=plane, steps=steps, whole=whole, centres=centre, values=value)
        in_parts(len(whole), work, _BLOCK_ROWS_A_THREAD)
    return centres, values


def _bounds(centres: Float32[np.ndarray, "*P h w"], steps: Plane | None) -> Float32[np.ndarray, "2 *P h w"]:
    """The least and the greatest that coefficients may be; without steps they may be anything."""
    if steps is None:
        return np.stack([np.full_like(centres, -ANYTHING), np.full_like(centres, ANYTHING)])
    half = np.tile(np.float32(WITHIN / 2) * steps, [side // BLOCK for side in centres.shape[-2:]])
    return np.stack([centres - half, centres + half])


def _ties(steps: Plane | None) -> Plane:
    """How far a step of the algorithm draws coefficients to the middle of their bounds, 0…1."""
    if steps is None:
        return np.zeros((BLOCK, BLOCK), np.float32)
    pull = STEP * np.float32(TIE) / steps**2
    return np.asarray(pull / (1 + pull))


def _has_edges(
    luma: Float32[np.ndarray, "1 H W"], chroma: Float32[np.ndarray, "2 h w"], how: Compression
) -> Bool[np.ndarray, "rows columns"]:
    """The tiles that are not of one flat colour with all tiles around them."""
    grid = (luma.shape[1] // TILE, luma.shape[2] // TILE)
    edges = _varies(luma[0], how.luma, grid)
    for plane in chroma:
        edges |= _varies(plane, how.chroma, grid)
    return edges


def _runs(tiles: Bool[np.ndarray, "rows columns"]) -> Int32[np.ndarray, "N 3"]:
    """Tiles beside one another: in pixels, their first row, their first column, and the column behind them."""
    steps = np.diff(np.pad(tiles, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, firsts = np.nonzero(steps == 1)
    behind = np.nonzero(steps == -1)[1]
    return (TILE * np.stack([rows, firsts, behind], 1)).astype(np.int32)


def _varies(
    centres: Float32[np.ndarray, "h w"], steps: Plane, grid: tuple[int, int]
) -> Bool[np.ndarray, "rows columns"]:
    """Where a tile or one beside it has coefficients, or another mean."""
    rows, columns = grid
    blocks = centres.reshape(rows, -1, BLOCK, columns, centres.shape[1] // columns // BLOCK, BLOCK)
    something = np.abs(blocks).max((1, 4)) > steps[:, None] / 2
    something[:, 0, :, 0] = False
    levels = blocks[:, :, 0, :, :, 0]
    change = maximum_filter(levels.max((1, 3)), 3) - minimum_filter(levels.min((1, 3)), 3) > steps[0, 0] / 2
    found: Bool[np.ndarray, "rows columns"] = change | maximum_filter(something.any((1, 3)), 3)
    return found


def _lessen_variation(
    planes: Planes,
    runs: Int32[np.ndarray, "N 3"],
    bounds: tuple[Float32[np.ndarray, "2 H W"], Float32[np.ndarray, "2 2 h w"]],
    ties: Float32[np.ndarray, "2 8 8"],
) -> None:
    """Planes, in place, to little variation within bounds, their chroma drawn to what it is now."""
    wanted, heading = planes[1:].copy(), planes.copy()
    across, down = np.zeros_like(planes), np.zeros_like(planes)
    longest = np.ones(planes.shape[1:], np.float32)

    def pull(first: int, last: int) -> None:
        _variation_kernels.pull_edges(first, last, runs, heading, WEIGHTS, _DUAL_STEP, longest, across, down)

    def settle(first: int, last: int) -> None:
        _variation_kernels.settle(
            first, last, runs, planes, heading, (across, down), WEIGHTS, STEP, bounds, ties, wanted, PULL
        )

    def spare(first: int, last: int) -> None:
        _variation_kernels.spare_edges(first, last, runs, planes, WEIGHTS, SURE, longest)

    for turn in range(2 * ROUNDS):
        if turn == ROUNDS:
            in_parts(len(runs), spare, _RUNS_A_THREAD)
        in_parts(len(runs), pull, _RUNS_A_THREAD)
        in_parts(len(runs), settle, _RUNS_A_THREAD)
