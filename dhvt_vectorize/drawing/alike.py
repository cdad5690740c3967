"""faces' mean colours → which of them are one colour of the art's own palette.

JPEG and noise give faces of one paint means that differ a little. Two means are one colour where a second would not
pay for its three numbers by BIC: their distance, squared, over its variance. That variance is what the noise leaves of
two means, and a part that does not average out: JPEG errs by blocks, not by pixels. Faces are taken by size; each joins
the first, larger colour that is its own, or begins one (leader clustering), so there are no chains of small steps.

On a clean picture the noise is none, and only what rounds to neighbouring levels is one colour.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64, Int64

from .gradients import EFFECTIVE_SAMPLE

LEAST_VARIANCE = 0.05  # squared levels: means are rounded
LASTING_SHARE = 0.08  # of the noise's variance, that does not average out over a face
NUMBERS = 3


def one_colour_each(
    means: Float64[np.ndarray, "K 3"],
    pixels: Float64[np.ndarray, "K"],
    residuals: Float64[np.ndarray, "K"],
    is_flat: Bool[np.ndarray, "K"],
    image_pixels: int,
) -> Int64[np.ndarray, "K"]:
    """For every face the largest face of its colour, itself where it is alone or not flat.

    Args:
        means: colours, not rounded.
        pixels: that the means are of.
        residuals: what each mean leaves a pixel, a sum of squares over channels.
        is_flat: the faces that have a flat colour and hide what is below.
        image_pixels: of the whole image, which the price of a number depends on.
    """
    colour_of_face = np.arange(len(means))
    flat = np.flatnonzero(is_flat)
    if len(flat) < 2:
        return colour_of_face
    noise = _weighted_median(residuals[flat] / 3, pixels[flat])
    price = NUMBERS * np.log(max(image_pixels, 2))
    leaders = np.zeros(0, np.int64)
    for face in flat[np.argsort(-pixels[flat], kind="stable")]:
        scatter = noise / EFFECTIVE_SAMPLE * (1 / pixels[face] + 1 / pixels[leaders])
        distance = ((means[leaders] - means[face]) ** 2).sum(1)
        same = np.flatnonzero(distance <= price * (scatter + LASTING_SHARE * noise + LEAST_VARIANCE))
        if len(same):
            colour_of_face[face] = leaders[same[distance[same].argmin()]]
        else:
            leaders = np.append(leaders, face)
    return colour_of_face


def _weighted_median(values: Float64[np.ndarray, "N"], weights: Float64[np.ndarray, "N"]) -> float:
    order = np.argsort(values, kind="stable")
    half = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(values[order[min(int(half), len(order) - 1)]])
