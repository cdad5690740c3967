"""pixels → the smaller picture that they are an enlargement of, if they are one.

Enlarging makes every pixel a weighted mean of a few smaller ones, along each axis by itself. There are more equations
than unknowns, so least squares give the smaller picture back but for rounding, and a picture is an enlargement if
enlarging that gives it again. Bicubic and Lanczos' filters overshoot beside edges, and what went beyond black or white
was cut: what is then missing in the picture that comes again is sought by turns.

In: premultiplied pixels. Limits: a whole factor, the filters of Pillow and its kin, and nothing else done to the
picture since. An edge as sharp as clean drawings have is in no enlargement; a picture of nothing but ramps may be one
or not, and is taken for none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, UInt8

FACTORS = (2, 3, 4)
# Pixels are rounded once along each axis, and where alpha varies twice more, as colours were times alpha: by so many
# levels at most. Blurred drawings are off by 1.7 and more, clean ones by 59.
ROUNDED, ROUNDED_WITH_ALPHA = 1.5, 2.2
# Before what was cut is sought, of the greatest step between neighbours: 0.18 on the tuning lists, 0.23 and more where
# nothing was enlarged.
MOST_OFF = 0.2
# By so many turns half of what was missing is found, if anything is: on the tuning lists two thirds.
PATIENCE = 4
HASTE = np.float32(1.9)  # from turn to turn; below 2, beyond which what is sought runs away
ROWS_LOOKED_AT = 16
LEAST_STEP = 32  # levels between two neighbours of the smaller picture, somewhere
LEAST_SIDE = 4  # of the smaller picture; with less there is nothing to tell by

Levels = Float32[np.ndarray, "H W C"]
Distances = Float64[np.ndarray, "N taps"]


@dataclass(frozen=True)
class Filter:
    """How a library enlarges.

    Attributes:
        weight: of a smaller pixel, by its distance.
        reach: from which on it is 0.
        turns: until what was cut is known; 1 where nothing overshoots.
        unsure: levels by which it may then still be off.
    """

    weight: Callable[[Distances], Distances]
    reach: int
    turns: int
    unsure: float = 0.0


def _bilinear(distance: Distances) -> Distances:
    return np.maximum(0.0, 1.0 - distance)


def _bicubic(distance: Distances) -> Distances:
    """Keys' (1981), with a slope of −1/2."""
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))


def _lanczos(distance: Distances) -> Distances:
    """Lanczos' window of three lobes."""
    return np.where(distance < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0)


FILTERS = (Filter(_bilinear, 1, 1), Filter(_bicubic, 2, 12), Filter(_lanczos, 3, 20, 1.0))


@dataclass(frozen=True, eq=False)
class _Axis:
    """Enlarging along one axis: a sparse matrix, and the banded factor of its least squares."""

    matrix: Any
    factor: np.ndarray

    @classmethod
    def of(cls, length: int, factor: int, how: Filter) -> _Axis:
        """Of the smaller picture's length."""
        from scipy.linalg import cholesky_banded
        from scipy.sparse import csr_array

        places = (np.arange(length * factor) + 0.5) / factor - 0.5
        taken = np.floor(places).astype(np.int64)[:, None] + np.arange(-how.reach, how.reach + 1)
        weights = how.weight(np.abs(taken - places[:, None])) * ((taken >= 0) & (taken < length))
        weights /= weights.sum(1, keepdims=True)
        rows, columns = np.nonzero(weights)
        matrix = csr_array((weights[rows, columns], (rows, taken[rows, columns])), (length * factor, length))
        normal = (matrix.T @ matrix).tocsr()
        bands = np.zeros((min(2 * how.reach, length - 1) + 1, length))
        for band in range(len(bands)):
            bands[band, : length - band] = normal.diagonal(-band)
        return cls(matrix.astype(np.float32), cholesky_banded(bands, lower=True).astype(np.float32))

    def enlarged(self, values: Levels) -> Levels:
        """The values along the first axis, enlarged."""
        found: Levels = (self.matrix @ values.reshape(len(values), -1)).reshape(-1, *values.shape[1:])
        return found

    def reduced(self, values: Levels) -> Levels:
        """What is enlarged to these values along the first axis, or as nearly as can be."""
        from scipy.linalg import cho_solve_banded

        sums = self.matrix.T @ values.reshape(len(values), -1)
        found = cho_solve_banded((self.factor, True), sums, overwrite_b=True, check_finite=False)
        return np.asarray(found).reshape(-1, *values.shape[1:])


def before_enlarging(premultiplied: UInt8[np.ndarray, "H W 4"]) -> UInt8[np.ndarray, "h w 4"] | None:
    """The smaller picture; None where no factor and filter give one."""
    opaque = bool((premultiplied[..., 3] == 255).all())
    given = premultiplied[..., :3] if opaque else premultiplied
    for factor, how in _likely(given):
        height, width = (side // factor for side in given.shape[:2])
        across, down = _Axis.of(width, factor, how), _Axis.of(height, factor, how)
        most_off = how.unsure + (ROUNDED if opaque else ROUNDED_WITH_ALPHA)
        small = _recovered(given, across, down, how.turns, most_off)
        if small is not None and max(np.abs(np.diff(small, axis=axis)).max() for axis in (0, 1)) >= LEAST_STEP:
            levels = np.rint(np.clip(small, 0, 255)).astype(np.uint8)
            return np.concatenate([levels, np.full_like(levels[..., :1], 255)], 2) if opaque else levels
    return None


def _likely(given: UInt8[np.ndarray, "H W C"]) -> list[tuple[int, Filter]]:
    """Factors and filters that might have made some of the rows, the likeliest first: most pictures have none."""
    height, width = given.shape[:2]
    step = max(1, height // ROWS_LOOKED_AT)
    rows = _turned(given[step // 2 :: step]).astype(np.float32)
    steepest = float(np.abs(np.diff(rows, axis=0)).max(initial=0.0))
    found = []
    for factor in FACTORS:
        if height % factor or width % factor or min(height, width) < LEAST_SIDE * factor:
            continue
        for how in FILTERS:
            axis = _Axis.of(width // factor, factor, how)
            off = axis.enlarged(axis.reduced(rows)) - rows
            if np.abs(off).max() <= ROUNDED_WITH_ALPHA + (MOST_OFF * steepest if how.turns > 1 else 0.0):
                # bicubic filters fit what was bilinear nearly as well, and not the other way round
                found.append((how.turns > 1, float(np.square(off).mean()), factor, how))
    return [each[2:] for each in sorted(found, key=lambda each: each[:2])]


def _recovered(
    given: UInt8[np.ndarray, "H W C"], across: _Axis, down: _Axis, turns: int, most_off: float
) -> Levels | None:
    """What is enlarged to the given picture, rows before columns, both cut to the range of levels; None if nothing."""
    missing: Levels = given.astype(np.float32)
    small: Levels = np.zeros(0, np.float32)
    off: list[float] = []
    for turn in range(turns):
        found = _turned(across.reduced(_turned(down.reduced(missing))))
        small = small + HASTE * found if turn else found
        rows = np.clip(_turned(across.enlarged(_turned(small))), 0, 255)
        missing = given - np.clip(down.enlarged(rows), 0, 255)
        off.append(float(np.abs(missing).max()))
        if off[-1] <= most_off:
            return small
        if turn == PATIENCE and off[-1] > off[0] / 2:
            return None
    return None


def _turned(values: np.ndarray) -> np.ndarray:
    """Rows and columns exchanged."""
    return values.swapaxes(0, 1)
