"""A label map, the photograph it divides and its human segmentations → the figures of a superpixel benchmark.

regions      number of labels
density      share of pixels whose left or upper neighbour has another label: border length, which buys recall
recall       share of the people's border pixels (same rule) within 2 px of one of ours, mean over the annotators
asa          achievable segmentation accuracy (Liu et al. 2011): each region takes its commonest true segment
ue           undersegmentation error (Neubert & Protzel 2012): Σ over true segments of min(inside, outside) of the
             regions they meet, / pixels
ev           explained variation of the RGB values (Moore et al. 2008): variance of the regions' means / variance
psnr         of the picture with every region in its mean colour, in dB
compactness  isoperimetric quotient (Schick, Fischer & Stiefelhagen 2012): Σ over regions of A/N · 4πA/L², A its pixels,
             N all pixels, L its pixel sides towards other regions and the frame; a square has π/4, nothing has more

Up to `ev` these are the figures of the shared `arena/superpixels.py`; `tests/test_superpixels.py` holds both against
each other. Limit: a map of one region has no border and recalls nothing, where the shared definition is undefined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from .pictures import RgbArray

TOLERANCE = 2

Labels = Int[np.ndarray, "height width"]
# pixels whose centres lie within TOLERANCE of a pixel's own
_NEAR = [
    (dy, dx)
    for dy in range(-TOLERANCE, TOLERANCE + 1)
    for dx in range(-TOLERANCE, TOLERANCE + 1)
    if dy * dy + dx * dx <= TOLERANCE**2
]


@dataclass(frozen=True)
class PartitionFigures:
    """The figures of one label map; the module's docstring defines them."""

    regions: int
    density: float
    recall: float
    asa: float
    ue: float
    ev: float
    psnr: float
    compactness: float


class Judge:
    """Scores label maps of one photograph; what depends on the photograph alone is computed once.

    Args:
        image: uint8 (H, W, 3).
        truths: one label map (H, W) an annotator, labels from 0 on; at least one.
    """

    def __init__(self, image: RgbArray, truths: Sequence[UInt8[np.ndarray, "height width"]]) -> None:
        self._channels = [image[..., channel].astype(np.float64).ravel() for channel in range(image.shape[2])]
        self._truths = [truth.astype(np.int64).ravel() for truth in truths]
        self._borders = [np.flatnonzero(borders(truth)) for truth in truths]

    def figures(self, labels: Labels) -> PartitionFigures:
        """All figures of a label map (H, W) of integers, whatever their values."""
        labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
        sizes = np.bincount(labels.ravel())
        border = borders(labels)
        near = within_tolerance(border).ravel()
        recall = [near[edge].mean() if edge.size else 1.0 for edge in self._borders]
        tables = [_contingency(labels, truth) for truth in self._truths]
        explained, left = self._variation(labels, sizes)
        return PartitionFigures(
            regions=sizes.size,
            density=float(border.mean()),
            recall=float(np.mean(recall)),
            asa=float(np.mean([table.max(axis=1).sum() / labels.size for table in tables])),
            ue=float(np.mean([np.minimum(table, sizes[:, None] - table).sum() / labels.size for table in tables])),
            ev=explained / max(1e-9, explained + left),
            psnr=float(10 * np.log10(255**2 / max(1e-9, left / (labels.size * len(self._channels))))),
            compactness=compactness(labels, sizes),
        )

    def _variation(self, labels: Labels, sizes: Int[np.ndarray, "K"]) -> tuple[float, float]:
        """Squared differences summed over pixels and channels: region means to the image's mean, pixels to theirs."""
        explained = total = 0.0
        for values in self._channels:
            means: Float[np.ndarray, "K"] = np.bincount(labels.ravel(), values) / sizes
            centre = values.mean()
            explained += float((sizes * (means - centre) ** 2).sum())
            total += float(((values - centre) ** 2).sum())
        return explained, total - explained


def borders(labels: Labels) -> Bool[np.ndarray, "height width"]:
    """The pixels whose left or upper neighbour has another label."""
    border = np.zeros(labels.shape, bool)
    border[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    border[1:] |= labels[1:] != labels[:-1]
    return border


def within_tolerance(mask: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """The pixels no farther than TOLERANCE from one of the mask's, centre to centre."""
    height, width = mask.shape
    padded = np.pad(mask, TOLERANCE)
    near = np.zeros_like(mask)
    for dy, dx in _NEAR:
        near |= padded[TOLERANCE + dy : TOLERANCE + dy + height, TOLERANCE + dx : TOLERANCE + dx + width]
    return near


def compactness(labels: Labels, sizes: Int[np.ndarray, "K"]) -> float:
    """Mean isoperimetric quotient of the regions 0…K−1, weighted by their pixels `sizes`."""
    framed = np.pad(labels, 1, constant_values=sizes.size)
    sides = np.zeros(sizes.size + 1, np.int64)
    for one, other in ((framed[:, 1:], framed[:, :-1]), (framed[1:], framed[:-1])):
        differs = one != other
        sides += np.bincount(one[differs], minlength=sides.size) + np.bincount(other[differs], minlength=sides.size)
    quotients = 4 * np.pi * sizes / sides[:-1].astype(np.float64) ** 2
    return float((sizes * quotients).sum() / sizes.sum())


def _contingency(labels: Labels, truth: Int[np.ndarray, "N"]) -> Int[np.ndarray, "K T"]:
    """How many pixels each region shares with each true segment."""
    segments, regions = int(truth.max()) + 1, int(labels.max()) + 1
    counts: Int[np.ndarray, "cells"] = np.bincount(labels.ravel() * segments + truth, minlength=regions * segments)
    return counts.reshape(regions, segments)
