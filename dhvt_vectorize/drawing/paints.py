"""faces + image → Paints: a flat colour a face, or a linear gradient where it pays for its parameters.

A face's colour is the mean over its inside: the pixels whose four neighbours are of the same face and that are no
anti-aliased rim; rims would pull the colour towards the neighbours'. A face with no such pixel takes all its own.

A linear gradient is the least-squares fit of colour against position along the one direction that explains most
variance (the leading generalised eigenvector of colour-position covariance against position covariance). It is accepted
where the fall of the residual, as a Gaussian log-likelihood, exceeds the price of its parameters by BIC.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, UInt8

from . import _paint_kernels

# Likelihood of colours: noise floor in squared levels, and how many independent samples a pixel counts as.
NOISE_VARIANCE = 2.0
EFFECTIVE_SAMPLE = 0.25
GRADIENT_PARAMETERS = 5  # a direction, an extent, three more channels
LEAST_STEP = 4.0  # levels between a gradient's ends below which it is flat
TRANSPARENT = 6  # mean alpha (0…255) up to which a face is not painted
OPAQUE = 249  # mean alpha from which it is opaque


@dataclass(frozen=True)
class Paints:
    """How every face is filled.

    Attributes:
        colours: uint8 (K, 3), flat colours, sRGB.
        opacity: float32 (K,), 0 where a face is not painted, 1 where it hides what is below.
        is_gradient: bool (K,).
        axis: float64 (K, 2, 2), x and y of a gradient's two ends, in pixels.
        stops: uint8 (K, 2, 3), the colours there.
    """

    colours: UInt8[np.ndarray, "K 3"]
    opacity: Float32[np.ndarray, "K"]
    is_gradient: Bool[np.ndarray, "K"]
    axis: Float64[np.ndarray, "K 2 2"]
    stops: UInt8[np.ndarray, "K 2 3"]

    @property
    def premultiplied(self) -> Float32[np.ndarray, "K 4"]:
        """Flat colours × opacity and the opacity, 0…255."""
        alpha = self.opacity[:, None]
        return np.concatenate([self.colours * alpha, 255 * alpha], 1).astype(np.float32)


def fit_paints(
    labels: Int32[np.ndarray, "H W"],
    premultiplied: UInt8[np.ndarray, "H W 4"],
    is_rim: Bool[np.ndarray, "H W"],
    fill: str,
) -> Paints:
    """The paints of all faces.

    Args:
        labels: faces 0…K−1.
        premultiplied: the image's colours.
        is_rim: pixels that show a mixture of two faces.
        fill: flat, gradient (wherever a face has a slope at all) or auto (where it pays).
    """
    moments = _paint_kernels.inside_moments(labels, int(labels.max()) + 1, premultiplied, is_rim)
    n = np.maximum(moments[:, 0], 1.0)
    mean = moments[:, 1:7] / n[:, None]  # x, y, r, g, b, a
    alpha = mean[:, 5]
    scale = 255.0 / np.maximum(alpha, 1.0)
    opacity = np.where(alpha <= TRANSPARENT, 0.0, np.where(alpha >= OPAQUE, 1.0, np.round(alpha / 255.0, 2)))
    colours = _to_bytes(mean[:, 2:5] * scale[:, None])
    axis, stops, is_gradient = _gradients(moments, n, mean, scale, fill)
    is_gradient &= opacity > 0
    return Paints(colours, opacity.astype(np.float32), is_gradient, axis, stops)


def _gradients(
    moments: Float64[np.ndarray, "K 17"],
    n: Float64[np.ndarray, "K"],
    mean: Float64[np.ndarray, "K 6"],
    scale: Float64[np.ndarray, "K"],
    fill: str,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    faces = len(n)
    mx, my = mean[:, 0], mean[:, 1]
    cxx = moments[:, 7] / n - mx * mx + 1e-9
    cxy = moments[:, 8] / n - mx * my
    cyy = moments[:, 9] / n - my * my + 1e-9
    bx = moments[:, 10:13] / n[:, None] - mx[:, None] * mean[:, 2:5]
    by = moments[:, 13:16] / n[:, None] - my[:, None] * mean[:, 2:5]
    u = _leading_direction(cxx, cxy, cyy, (bx * bx).sum(1), (bx * by).sum(1), (by * by).sum(1))
    spread = u[:, 0] ** 2 * cxx + 2 * u[:, 0] * u[:, 1] * cxy + u[:, 1] ** 2 * cyy
    along = u[:, :1] * bx + u[:, 1:] * by
    explained = (along**2).sum(1) / np.maximum(spread, 1e-9)
    variance = np.maximum(moments[:, 16] / n - (mean[:, 2:5] ** 2).sum(1), 0.0)
    reach = 2.0 * np.sqrt(np.maximum(spread, 0.0))  # two deviations: a little beyond an evenly filled face's ends
    step = along / np.maximum(spread, 1e-9)[:, None] * reach[:, None]
    ends = np.stack([mean[:, 2:5] - step, mean[:, 2:5] + step], 1) * scale[:, None, None]
    stops = _to_bytes(ends)
    place = np.stack([mx, my], 1)
    axis = np.stack([place - u * reach[:, None], place + u * reach[:, None]], 1)
    steep = np.abs(stops[:, 1].astype(float) - stops[:, 0]).max(1) >= LEAST_STEP
    if fill == "flat":
        return axis, stops, np.zeros(faces, bool)
    if fill == "gradient":
        return axis, stops, steep
    left = np.maximum(variance - explained, 0.0)
    gain = 3 * EFFECTIVE_SAMPLE * n * np.log((variance / 3 + NOISE_VARIANCE) / (left / 3 + NOISE_VARIANCE))
    return axis, stops, steep & (gain > GRADIENT_PARAMETERS * np.log(np.maximum(n.sum(), 2.0)))


def _leading_direction(
    cxx: np.ndarray, cxy: np.ndarray, cyy: np.ndarray, bxx: np.ndarray, bxy: np.ndarray, byy: np.ndarray
) -> Float64[np.ndarray, "K 2"]:
    """Unit u with the greatest uᵀBu / uᵀCu, for 2×2 symmetric matrices: eigenvector of C⁻¹B in closed form."""
    det = np.maximum(cxx * cyy - cxy * cxy, 1e-9)
    a = (cyy * bxx - cxy * bxy) / det
    b = (cyy * bxy - cxy * byy) / det
    c = (cxx * bxy - cxy * bxx) / det
    d = (cxx * byy - cxy * bxy) / det
    half = (a + d) / 2
    eigenvalue = half + np.sqrt(np.maximum(half * half - (a * d - b * c), 0.0))
    # either row of C⁻¹B − λ gives the vector; take the one that is not near zero
    first = np.stack([b, eigenvalue - a], 1)
    second = np.stack([eigenvalue - d, c], 1)
    u = np.where((np.abs(first).sum(1) >= np.abs(second).sum(1))[:, None], first, second)
    norm = np.linalg.norm(u, axis=1, keepdims=True)
    unit = np.where(norm > 1e-12, u / np.maximum(norm, 1e-12), np.array([1.0, 0.0]))
    return np.asarray(unit, np.float64)


def _to_bytes(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
