"""labels + Paints → fewer colours: faces take the nearest colour of a palette, and neighbours of one colour become one.

The palette is given, or found by k-means over the faces' colours in CIE Lab, weighted by area, started from the largest
face and then the colour that is farthest, by area, from those chosen: no randomness.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int32, UInt8
from skimage.color import rgb2lab

from ..tokenizer._kernels import flat_zones
from .paints import Paints

ROUNDS = 20


def reduce_colours(
    labels: Int32[np.ndarray, "H W"], paints: Paints, colours: int | None, palette: tuple[str, ...] | None
) -> tuple[Int32[np.ndarray, "H W"], UInt8[np.ndarray, "K 3"]]:
    """New labels, and each new face's colour.

    Args:
        labels: faces 0…K−1.
        paints: their colours and opacity; faces of different opacity never become one.
        colours: size of the palette to find, or None if one is given.
        palette: "#rrggbb" colours, or None.
    """
    areas = np.bincount(labels.ravel(), minlength=len(paints.colours)).astype(float)
    areas[paints.opacity == 0] = 0
    lab = rgb2lab(paints.colours[None] / 255.0)[0]
    if palette is not None:
        entries = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in palette], np.uint8)
        entry_of_face = _nearest(lab, rgb2lab(entries[None] / 255.0)[0])
    else:
        entry_of_face = _cluster(lab, areas, int(colours or 1))
        entries = _mean_colours(paints.colours, areas, entry_of_face)
    opacity = np.round(paints.opacity * 100).astype(np.int32)
    key = np.stack([np.where(opacity == 0, -1, entry_of_face), opacity], 1).astype(np.int32)
    new_labels, count = flat_zones(key[labels])
    entry = np.zeros(count, np.int64)
    entry[new_labels.ravel()] = entry_of_face[labels.ravel()]
    return new_labels, entries[entry]


def _nearest(lab: Float[np.ndarray, "K 3"], entries: Float[np.ndarray, "P 3"]) -> Int32[np.ndarray, "K"]:
    distance = ((lab[:, None] - entries[None]) ** 2).sum(2)
    nearest: Int32[np.ndarray, "K"] = distance.argmin(1).astype(np.int32)
    return nearest


def _cluster(lab: Float[np.ndarray, "K 3"], areas: Float[np.ndarray, "K"], colours: int) -> Int32[np.ndarray, "K"]:
    centres = lab[[int(areas.argmax())]]
    while len(centres) < colours:
        far = ((lab[:, None] - centres[None]) ** 2).sum(2).min(1) * areas
        if far.max() <= 0:
            break
        centres = np.concatenate([centres, lab[[int(far.argmax())]]])
    for _ in range(ROUNDS):
        nearest = _nearest(lab, centres)
        weight = np.bincount(nearest, areas, minlength=len(centres))
        sums = np.stack([np.bincount(nearest, areas * lab[:, c], minlength=len(centres)) for c in range(3)], 1)
        moved = np.where(weight[:, None] > 0, sums / np.maximum(weight, 1e-9)[:, None], centres)
        if np.allclose(moved, centres):
            break
        centres = moved
    return _nearest(lab, centres)


def _mean_colours(
    colours: UInt8[np.ndarray, "K 3"], areas: Float[np.ndarray, "K"], entry: Int32[np.ndarray, "K"]
) -> UInt8[np.ndarray, "P 3"]:
    weight = np.maximum(areas, 1e-9)
    total = np.bincount(entry, weight)
    sums = np.stack([np.bincount(entry, weight * colours[:, c]) for c in range(3)], 1)
    return np.rint(sums / np.maximum(total, 1e-9)[:, None]).astype(np.uint8)
