"""Integer features → the same, flat up to where a border is seen, for tokens of photographs.

What is inside an object does not part it: its texture goes, however strong, and a faint outline stays, since across it
nothing is smoothed. Borders are those of `border_net`. The filter is the domain transform of Gastal & Oliveira (2011),
with learned edges as Chen et al. (2016, arXiv 1511.03328) have it: one number per pixel side says how far apart its two
pixels are, and a recursive filter goes over all rows and columns, there and back, three times, each time half as far.
It reaches any distance at the same price.

Shares are whole 2¹⁶ths, so that every machine gives the same values; a flat image stays as it is.

Limits: where there is nothing but a slow change, as in a sky, what is left of it has corners along rows and columns,
and so have its tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int32, UInt8

from . import _flatten_kernels
from .border_net import STRENGTHS
from .parts import in_parts

ROUNDS = 3
_LEAST_REACH = 0.05  # px; nothing less reaches a neighbour
_BITS = 16
_LINES_A_THREAD = 64


def flattened(
    values: Int32[np.ndarray, "H W C"], borders: UInt8[np.ndarray, "2 H W"], reach: float, steepness: float
) -> Int32[np.ndarray, "H W C"]:
    """The values, rounded, each the mean of those around it that no border parts from it.

    Args:
        values: features.
        borders: strengths of the borders to the left of each pixel and above it, 0…`STRENGTHS`.
        reach: σ of the filter, in px, where there are no borders; 0 leaves the values as they are.
        steepness: a border of the greatest strength is as far to cross as e^steepness px.
    """
    if reach < _LEAST_REACH:
        return values
    height, width = values.shape[:2]
    flat = values.astype(np.float64)
    left, above = np.ascontiguousarray(borders)
    for shares in _shares(reach, steepness):
        _go_over(_flatten_kernels.along_rows, height, flat, shares, left)
        _go_over(_flatten_kernels.along_columns, width, flat, shares, above)
    return np.rint(flat).astype(np.int32)


def _go_over(kernel: Callable[..., None], lines: int, *work: np.ndarray) -> None:
    in_parts(lines, lambda first, last: kernel(first, last, *work), _LINES_A_THREAD)


def _shares(reach: float, steepness: float) -> Float[np.ndarray, "R S"]:
    """How far a pixel goes towards the one before it, for each strength of the border between, round by round."""
    distances = np.exp(steepness * np.arange(STRENGTHS + 1) / STRENGTHS)
    # so that the variances of the rounds, each half as far as the one before, add up to reach²
    reaches = reach * math.sqrt(3 / (4**ROUNDS - 1)) * 2.0 ** np.arange(ROUNDS)[::-1]
    shares: Float[np.ndarray, "R S"] = np.exp(-math.sqrt(2) * distances / reaches[:, None])
    return (shares * (1 << _BITS)).round() / (1 << _BITS)
