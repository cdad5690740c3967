"""sRGB → CIE Lab under D65: the fixed part of the features, the same to the last bit on every device.

In: sRGB values in 0..1, or the linear light looked up for bytes. Out: L in 0..100, a and b in about -108..108.

Method: IEC 61966-2-1 for the transfer curve and the RGB → XYZ matrix, CIE 15 for Lab. The matrix's rows are divided by
their sums, which is the white point they imply, so that a grey has a = b = 0. Both curves are read from tables of
4,096 straight pieces: a multiplication, an addition and a look-up round alike on every device and at every place of an
array, which a vectorised power does not, and equal colours must give equal features. The pieces stay within 0.003 of
the curves in Lab.

Limits: values outside 0..1 continue the last piece straight; NaN stays NaN.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

_PIECES = 4096
_XYZ_OF_RGB = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_RGB_WEIGHTS = tuple(tuple(weight / sum(row) for weight in row) for row in _XYZ_OF_RGB)


class _Curve(NamedTuple):
    """A function on 0..1 as straight pieces: the value where each begins and the rise over it."""

    starts: Tensor
    rises: Tensor


def _curve(samples: np.ndarray) -> _Curve:
    return _Curve(*(torch.from_numpy(part.astype(np.float32)) for part in (samples[:-1], np.diff(samples))))


_KNOTS = np.arange(_PIECES + 1) / _PIECES
_LINEAR_OF_SRGB = _curve(np.where(_KNOTS > 0.04045, ((_KNOTS + 0.055) / 1.055) ** 2.4, _KNOTS / 12.92))
_LIGHTNESS_OF_LINEAR = _curve(np.where(_KNOTS > 0.008856, np.cbrt(_KNOTS), 7.787 * _KNOTS + 16 / 116))


def _read(curve: _Curve, values: Tensor) -> Tensor:
    position = values * _PIECES
    piece = position.int().clamp_(0, _PIECES - 1)
    starts, rises = (part.to(values.device).index_select(0, piece.view(-1)).view(values.shape) for part in curve)
    return starts + rises * (position - piece)


def srgb_to_linear(srgb: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Linear light of sRGB values, float32, both in 0..1."""
    return _read(_LINEAR_OF_SRGB, srgb.float().contiguous())


def linear_to_lab(linear: Float[Tensor, "*B 3 H W"]) -> Float[Tensor, "*B 3 H W"]:
    """CIE Lab (D65, 2°) of linear RGB in 0..1, float32."""
    red, green, blue = linear.unbind(-3)
    # written out: a matrix product would be run in TF32 or half precision where those are switched on
    xyz = torch.stack([red * r + green * g + blue * b for r, g, b in _RGB_WEIGHTS], dim=-3)
    x, y, z = _read(_LIGHTNESS_OF_LINEAR, xyz).unbind(-3)
    return torch.stack([y * 116 - 16, (x - y) * 500, (y - z) * 200], dim=-3)


UNIT_OF_BYTE = torch.arange(256) / 255
"""float32 (256,): the value in 0..1 of each byte."""

LINEAR_OF_BYTE = srgb_to_linear(UNIT_OF_BYTE)
"""float32 (256,): the linear light of each sRGB byte; the same numbers as `srgb_to_linear` gives for byte / 255."""

TABLES = (
    LINEAR_OF_BYTE.numpy(),
    UNIT_OF_BYTE.numpy(),
    np.array(_RGB_WEIGHTS, np.float32),
    *(part.numpy() for part in _LIGHTNESS_OF_LINEAR),
)
"""The same for kernels: linear light and unit value of bytes, the rows of XYZ's weights, the curve of lightness."""
