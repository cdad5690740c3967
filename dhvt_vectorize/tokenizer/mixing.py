"""FeatureNet's mixing at inference, on the CPU: every pixel's colour becomes the weighted mean of nine, twice.

In and out: colours with the share of them that is a pixel's own, float32 (5, H, W), and the weights' logits, float32
(H, W, 18), of rows of an image. The kernels do what `FeatureNet._mixed` does, to float rounding: their exponential is a
polynomial.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from . import _mix_kernels
from .parts import in_parts

SPACINGS = (1, 2)  # pixels between the neighbours that a pixel is mixed from, round by round
LEAST_WEIGHT = 0.02
ROWS_A_THREAD = 32


@dataclass(frozen=True, eq=False)
class Rows:
    """Numbers of some rows of an image, and maybe of pixels around it.

    Attributes:
        array: they.
        top: the row of the image that the first of them is of.
        left: the column of `array` that the image's first is.
    """

    array: Float[np.ndarray, "..."]
    top: int = 0
    left: int = 0


def mixed(
    given: Float[np.ndarray, "5 H W"], logits: Rows, first: int = 0, last: int | None = None
) -> Float[np.ndarray, "5 H2 W"]:
    """Rows first…last − 1 of an image after both rounds.

    Args:
        given: the whole image.
        logits: of these rows, and of two more on either side.
    """
    height = given.shape[1]
    last = height if last is None else last
    before = Rows(given)
    for place, spacing in enumerate(SPACINGS):
        # what the rounds to come look at
        more = sum(SPACINGS[place + 1 :])
        top, end = max(first - more, 0), min(last + more, height)
        after = Rows(np.empty((5, end - top, given.shape[2]), np.float32), top)
        _mix(before, height, logits, 9 * place, spacing, after)
        before = after
    return before.array


def _mix(before: Rows, height: int, logits: Rows, at: int, spacing: int, after: Rows) -> None:
    read = (before.array, before.top, height, logits.array, logits.top, logits.left, at, spacing)
    work = (*read, np.float32(LEAST_WEIGHT), after.array, after.top)
    top, count = after.top, after.array.shape[1]
    in_parts(count, lambda first, last: _mix_kernels.mix(top + first, top + last, *work), ROWS_A_THREAD)
