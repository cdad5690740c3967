"""faces + image → Paints: a flat colour a face, or a gradient where it pays for its parameters.

A face's colour is the mean over its inside: the pixels whose four neighbours are of the same face and that are no
anti-aliased rim; rims would pull the colour towards the neighbours'. A face with no such pixel takes all its own.

A linear gradient of two stops is the least-squares fit of colour against position along the one direction that explains
most variance (the leading generalised eigenvector of colour-position covariance against position covariance), in closed
form for all faces at once. It is accepted where the fall of the residual, as a Gaussian log-likelihood, exceeds the
price of its parameters by BIC. In drawings the faces that vary most are then looked at again, for radial gradients,
more stops and opacity that varies (`gradients`), by the same measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64, UInt8

from . import _paint_kernels
from .alike import one_colour_each
from .gradients import EFFECTIVE_SAMPLE, NOISE_VARIANCE, Gradient, description, fit_gradient

GRADIENT_PARAMETERS = 5  # a direction, an extent, three more channels
LEAST_STEP = 4.0  # levels between a gradient's ends below which it is flat
TRANSPARENT = 6  # mean alpha (0…255) up to which a face is not painted
OPAQUE = 249  # mean alpha from which it is opaque
MOST_LOOKED_AT = 16  # faces that are fitted one by one
MOST_LEFT = 0.7  # of a flat colour's residual: a gradient that leaves more follows what is drawn on the face
LEAST_PIXELS = 48  # inside a face that is


@dataclass(frozen=True)
class Paints:
    """How every face is filled.

    Attributes:
        colours: uint8 (K, 3), flat colours, sRGB.
        opacity: float32 (K,), 0 where a face is not painted, 1 where it hides what is below.
        gradients: of the faces that have one; where its stops' alpha differs, it holds all of the opacity.
    """

    colours: UInt8[np.ndarray, "K 3"]
    opacity: Float32[np.ndarray, "K"]
    gradients: Mapping[int, Gradient] = field(default_factory=dict)

    @property
    def premultiplied(self) -> Float32[np.ndarray, "K 4"]:
        """Flat colours × opacity and the opacity, 0…255."""
        alpha = self.opacity[:, None]
        return np.concatenate([self.colours * alpha, 255 * alpha], 1).astype(np.float32)

    def repainted(self, premultiplied: Mapping[int, Float64[np.ndarray, "4"]]) -> Paints:
        """The paints in which these faces have these flat colours, premultiplied, 0…255."""
        colours, opacity = self.colours.copy(), self.opacity.copy()
        for face, colour in premultiplied.items():
            colours[face] = _to_bytes(colour[:3] * (255.0 / max(float(colour[3]), 1.0)))
            opacity[face] = _opacities(colour[3])
        return replace(self, colours=colours, opacity=opacity)


@dataclass(frozen=True)
class _Fits:
    """Means over the faces' insides, and linear gradients in closed form.

    Attributes:
        pixels: float64 (K,), inside.
        mean: float64 (K, 6), x, y, red, green, blue, alpha; premultiplied.
        axis: float64 (K, 2, 2), x and y of a gradient's two ends.
        stops: uint8 (K, 2, 3), straight.
        pays: bool (K,), accepted.
        residuals: float64 (K,), what the better paint leaves a pixel, a sum of squares over four channels.
    """

    pixels: Float64[np.ndarray, "K"]
    mean: Float64[np.ndarray, "K 6"]
    axis: Float64[np.ndarray, "K 2 2"]
    stops: UInt8[np.ndarray, "K 2 3"]
    pays: Bool[np.ndarray, "K"]
    residuals: Float64[np.ndarray, "K"]


def fit_paints(
    labels: Int32[np.ndarray, "H W"],
    premultiplied: UInt8[np.ndarray, "H W 4"],
    is_rim: Bool[np.ndarray, "H W"],
    fill: str,
    closely: bool = False,
) -> Paints:
    """The paints of all faces.

    Args:
        labels: faces 0…K−1.
        premultiplied: the image's colours.
        is_rim: pixels that show a mixture of two faces.
        fill: flat, gradient (wherever a face has a slope at all) or auto (where it pays).
        closely: whether colours are the art's own palette, and faces also fitted one by one, which takes milliseconds
            for each that varies.
    """
    fits = _closed_form(labels, premultiplied, is_rim, fill)
    alpha = fits.mean[:, 5]
    opacity = _opacities(alpha)
    means = fits.mean[:, 2:5]
    if closely:
        means = means[_own_palette(fits, labels.size)]
    colours = _to_bytes(means * (255.0 / np.maximum(alpha, 1.0))[:, None])
    gradients = {
        face: _two_stops(fits.axis[face], fits.stops[face])
        for face in np.flatnonzero(fits.pays & (opacity > 0)).tolist()
    }
    if closely and fill != "flat":
        gradients |= _fitted_closely(labels, premultiplied, is_rim, fits)
        for face, gradient in gradients.items():
            if gradient.fades:
                opacity[face] = min(max(opacity[face], 0.01), 0.99)
    return Paints(colours, opacity.astype(np.float32), gradients)


def joined_faces(
    labels: Int32[np.ndarray, "H W"],
    premultiplied: UInt8[np.ndarray, "H W 4"],
    is_rim: Bool[np.ndarray, "H W"],
    gradients: bool,
) -> Int32[np.ndarray, "H W"]:
    """Labels 0…K'−1 in which neighbours of one colour are one face, see `alike`, and, where `gradients` are drawn, the
    bands of one gradient, see `bands`."""
    from ..tokenizer._kernels import flat_zones
    from .bands import join_bands

    fits = _closed_form(labels, premultiplied, is_rim, "auto" if gradients else "flat")
    own = _own_palette(fits, labels.size)
    if len(np.unique(own)) < len(own):
        labels = np.asarray(flat_zones(own.astype(np.int32)[labels][..., None])[0])
        fits = _closed_form(labels, premultiplied, is_rim, "auto" if gradients else "flat")
    if not gradients:
        return labels
    numbers = np.where(fits.pays, 3.0 + GRADIENT_PARAMETERS, 3.0)
    return join_bands(labels, premultiplied, fits.residuals, numbers)


def _own_palette(fits: _Fits, image_pixels: int) -> Int64[np.ndarray, "K"]:
    """For every face the one whose colour it has."""
    is_flat = ~fits.pays & (fits.mean[:, 5] >= OPAQUE)
    return one_colour_each(fits.mean[:, 2:5], fits.pixels, fits.residuals, is_flat, image_pixels)


def _fitted_closely(
    labels: Int32[np.ndarray, "H W"],
    premultiplied: UInt8[np.ndarray, "H W 4"],
    is_rim: Bool[np.ndarray, "H W"],
    fits: _Fits,
) -> dict[int, Gradient]:
    """Gradients of the faces whose own paint leaves most, where they describe these in less."""
    from .bands import boxes_of, inside_of

    pixels = np.bincount(labels.ravel(), minlength=len(fits.pixels))
    gain = pixels * np.log1p(fits.residuals / (4 * NOISE_VARIANCE))
    varies = (fits.pixels >= LEAST_PIXELS) & (fits.mean[:, 5] > TRANSPARENT) & (fits.pays | (fits.residuals > 1.0))
    boxes = boxes_of(labels) if varies.any() else []
    found = {}
    order = np.argsort(np.where(varies, -gain, 0.0), kind="stable")
    for face in order[: min(MOST_LOOKED_AT, int(varies.sum()))].tolist():
        points, colours = inside_of(labels, premultiplied, np.array([face]), boxes, is_rim)
        if len(points) < LEAST_PIXELS:
            continue
        area, sloped = int(pixels[face]), bool(fits.pays[face])
        own = GRADIENT_PARAMETERS if sloped else 0
        before = _left(points, colours, sloped)
        most = before if sloped else MOST_LEFT * before
        fitted = fit_gradient(points, colours, labels.size, area, most)
        if fitted is None:
            continue
        gradient, left, numbers = fitted
        lengths = (description(area * a, area, 4, b, labels.size) for a, b in ((left, numbers), (before, own)))
        steep = np.ptp(np.array(gradient.colours), axis=0).max() >= LEAST_STEP
        if left <= most and steep and next(lengths) < next(lengths):
            found[face] = gradient
    return found


def _left(points: Float64[np.ndarray, "N 2"], colours: Float64[np.ndarray, "N 4"], sloped: bool) -> float:
    """What the mean, or a linear fit, leaves a pixel, a sum of squares over channels."""
    if not sloped:
        return float(colours.var(0).sum())
    plane = np.column_stack([np.ones(len(points)), points - points.mean(0)])
    off = colours[:, :3] - plane @ np.linalg.lstsq(plane, colours[:, :3], rcond=None)[0]
    # such a gradient has one opacity
    return float((off * off).mean(0).sum() + colours[:, 3].var())


def _two_stops(axis: Float64[np.ndarray, "2 2"], stops: UInt8[np.ndarray, "2 3"]) -> Gradient:
    (x1, y1), (x2, y2) = axis.tolist()
    first, last = ((*map(int, stop), 255) for stop in stops.tolist())
    return Gradient("linear", (x1, y1), (x2, y2), (0.0, 1.0), (first, last))  # type: ignore[arg-type]


def _closed_form(
    labels: Int32[np.ndarray, "H W"],
    premultiplied: UInt8[np.ndarray, "H W 4"],
    is_rim: Bool[np.ndarray, "H W"],
    fill: str,
) -> _Fits:
    faces = int(labels.max()) + 1
    moments = _paint_kernels.inside_moments(labels, faces, premultiplied, is_rim)
    n = np.maximum(moments[:, 0], 1.0)
    mean = moments[:, 1:7] / n[:, None]
    mx, my = mean[:, 0], mean[:, 1]
    cxx = moments[:, 7] / n - mx * mx + 1e-9
    cxy = moments[:, 8] / n - mx * my
    cyy = moments[:, 9] / n - my * my + 1e-9
    by_x = moments[:, 10:14] / n[:, None] - mx[:, None] * mean[:, 2:6]
    by_y = moments[:, 14:18] / n[:, None] - my[:, None] * mean[:, 2:6]
    # the direction is the colours', since a gradient of this kind has one opacity
    bx, by = by_x[:, :3], by_y[:, :3]
    u = _leading_direction(cxx, cxy, cyy, (bx * bx).sum(1), (bx * by).sum(1), (by * by).sum(1))
    spread = np.maximum(u[:, 0] ** 2 * cxx + 2 * u[:, 0] * u[:, 1] * cxy + u[:, 1] ** 2 * cyy, 1e-9)
    along = u[:, :1] * bx + u[:, 1:] * by
    explained = (along**2).sum(1) / spread
    variance = np.maximum(moments[:, 18] / n - (mean[:, 2:5] ** 2).sum(1), 0.0)
    alpha_variance = np.maximum(moments[:, 19] / n - mean[:, 5] ** 2, 0.0)
    reach = 2.0 * np.sqrt(spread)  # two deviations: a little beyond an evenly filled face's ends
    step = along / spread[:, None] * reach[:, None]
    ends = np.stack([mean[:, 2:5] - step, mean[:, 2:5] + step], 1)
    stops = _to_bytes(ends * (255.0 / np.maximum(mean[:, 5], 1.0))[:, None, None])
    place = np.stack([mx, my], 1)
    axis = np.stack([place - u * reach[:, None], place + u * reach[:, None]], 1)
    left = np.maximum(variance - explained, 0.0)
    pays = _pays(n, variance, left, stops, fill)
    return _Fits(n, mean, axis, stops, pays, np.where(pays, left, variance) + alpha_variance)


def _pays(
    n: Float64[np.ndarray, "K"],
    variance: Float64[np.ndarray, "K"],
    left: Float64[np.ndarray, "K"],
    stops: UInt8[np.ndarray, "K 2 3"],
    fill: str,
) -> Bool[np.ndarray, "K"]:
    """Which faces take a linear gradient of two stops."""
    steep = np.abs(stops[:, 1].astype(float) - stops[:, 0]).max(1) >= LEAST_STEP
    if fill == "flat":
        return np.zeros(len(n), bool)
    if fill == "gradient":
        return np.asarray(steep)
    gain = 3 * EFFECTIVE_SAMPLE * n * np.log((variance / 3 + NOISE_VARIANCE) / (left / 3 + NOISE_VARIANCE))
    return np.asarray(steep & (gain > GRADIENT_PARAMETERS * np.log(np.maximum(n.sum(), 2.0))))


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


def _opacities(alpha: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
    return np.where(alpha <= TRANSPARENT, 0.0, np.where(alpha >= OPAQUE, 1.0, np.round(alpha / 255.0, 2)))


def _to_bytes(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
