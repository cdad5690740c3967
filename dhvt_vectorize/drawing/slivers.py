"""labels → labels without the thin faces that are nothing but a mixture of their two neighbours.

JPEG, enlarging and noise blur an edge over more pixels than the rim rule looks at (`tokenizer.rims`), and what is left
there becomes a thin face with a colour of its own: a pale seam along an outline, a halo of bled colour. A pixel on an
edge shows a mixture a + t·(b − a) of its sides' colours, each its own t. A face is a sliver, then, where it is thin,
two others lie within `NEAR` pixels of most of it, and their mixtures explain its pixels: within `MOST_ERROR`, and in no
longer description (BIC) than its own colour and border do, where they may be as far off as the sides' colours are
uneven. A face more than a pixel wide has to vary as mixtures do,
too: a band of one colour is a band. Along the picture's frame less of a face need be near, for there one side may lie
outside. Each pixel of a sliver goes to the side that it shows more of, from where the edge
is traced by coverage.

Faces are looked at by size, smallest first, so that what two of them share is looked at once. Limits: where three
regions mix, a sliver stays.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int32, UInt8

from ..tokenizer._kernels import flat_zones
from . import _sliver_kernels
from .gradients import EFFECTIVE_SAMPLE, NOISE_VARIANCE

MOST_SIDE = 4  # pixels: the largest square inside a sliver
MOST_ERROR = 9.0  # levels, root mean square a channel
LEAST_EXPLAINED = 0.75  # of a wider face's variance
NEAR_SHARE = 0.6  # of a face's pixels that each of the two sides is near
NUMBERS = 9  # what a face adds to a description: a colour and a cubic of border


def without_slivers(
    labels: Int32[np.ndarray, "H W"], premultiplied: UInt8[np.ndarray, "H W 4"]
) -> Int32[np.ndarray, "H W"]:
    """Labels 0…K'−1 in raster order, every face 4-connected.

    Args:
        labels: 4-connected faces 0…K−1.
        premultiplied: the image's colours.
    """
    faces = int(labels.max()) + 1
    largest, pixels, one = _sliver_kernels.largest_squares(labels, faces)
    thin = np.flatnonzero(largest <= MOST_SIDE)
    if faces < 3 or not len(thin):
        return labels
    order = thin[np.argsort(pixels[thin], kind="stable")]
    given = labels.copy()
    price = NUMBERS * np.log(labels.size) / (EFFECTIVE_SAMPLE * premultiplied.shape[2])
    gone = _sliver_kernels.dissolve(
        given, premultiplied, order, largest, pixels, one,
        MOST_ERROR**2, LEAST_EXPLAINED, price, NOISE_VARIANCE, NEAR_SHARE,
    )  # fmt: skip
    return np.asarray(flat_zones(given[..., None])[0]) if gone else labels
