"""Integer features → the same under a Gaussian, for regions that are tokens.

Texture finer than a pixel or two parts nothing that a token should be parted by. On Lab at 200 regions, σ = 0.7 px
shortens borders by 5 % and raises the achievable accuracy (BSDS500 val); drawings are made without, and flat art, where
nothing is to be smoothed, would only get rims.

Weights and sums are integers, so every machine gives the same values; a flat image stays as it is.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int32, Int64

from . import _smooth_kernels
from .parts import in_parts

_BITS = 16
_REACH = 3.0  # of the Gaussian, in σ
_ROWS_A_THREAD = 32


def smooth(values: Int32[np.ndarray, "H W C"], sigma: float) -> Int32[np.ndarray, "H W C"]:
    """The values under a Gaussian of `sigma` px, rounded; what lies beyond the image is as its nearest pixel."""
    weights = gaussian_weights(sigma)
    if len(weights) == 1:
        return values
    values = np.ascontiguousarray(values)
    out = np.empty_like(values)
    work = (values, weights, _BITS, out)
    in_parts(len(values), lambda first, last: _smooth_kernels.smooth(first, last, *work), _ROWS_A_THREAD)
    return out


def gaussian_weights(sigma: float) -> Int64[np.ndarray, "R"]:
    """The weight of a pixel itself and of those 1, 2, … px away, of which there are two each: in sum 2¹⁶."""
    reach = int(np.ceil(_REACH * sigma - 0.5))
    if reach < 1:
        return np.array([1 << _BITS], np.int64)
    shares = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    weights: Int64[np.ndarray, "R"] = np.rint(shares / (2 * shares.sum() - shares[0]) * (1 << _BITS)).astype(np.int64)
    weights[0] = (1 << _BITS) - 2 * weights[1:].sum()
    return weights
