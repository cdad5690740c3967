"""What training is fed with: `Sample`, and the cuts and turns that make many of one.

In: images with label maps of the same size. Out: the same, cut to a square, turned or mirrored, labels numbered anew.
All randomness comes from the generator that is passed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int, Int32, Shaped, UInt8

IGNORED = -1


# compared by identity: arrays have no single truth value
@dataclass(frozen=True, eq=False)
class Sample:
    """An image and who owns its pixels, according to each annotator.

    Attributes:
        name: what messages call it.
        image: uint8 (H, W, 4), sRGB with straight alpha.
        labels: int32 (A, H, W), one map an annotator, 0…K−1 in each, −1 where no one is to be judged; A is 0 without
            label maps.
        category: the image's class, where a whole image has one.
    """

    name: str
    image: UInt8[np.ndarray, "H W 4"]
    labels: Int32[np.ndarray, "A H W"]
    category: int | None = None

    def numbered(self) -> Sample:
        """The same sample, each map's labels replaced by 0…K−1 in their order; −1 stays."""
        maps = [numbered(labels) for labels in self.labels]
        return replace(self, labels=np.stack(maps) if maps else self.labels)


def unlabelled(image: UInt8[np.ndarray, "H W 4"], name: str, category: int | None = None) -> Sample:
    """A sample without label maps."""
    return Sample(name, image, np.empty((0, *image.shape[:2]), np.int32), category)


def numbered(labels: Int[np.ndarray, "H W"]) -> Int32[np.ndarray, "H W"]:
    """Labels 0…K−1 in the order of the given ones; negative ones become −1."""
    shifted = np.maximum(labels, IGNORED) + 1
    present = np.bincount(shifted.ravel()) > 0
    present[0] = True
    # counting rather than sorting: labels are of 16 bits at most
    number = np.cumsum(present, dtype=np.int32) - 2
    renumbered: Int32[np.ndarray, "H W"] = number[shifted]
    return renumbered


def random_square(sample: Sample, size: int, random: np.random.Generator) -> Sample:
    """A square of `size` pixels a side from a random place; smaller images are continued by reflection."""
    height, width = sample.image.shape[:2]
    grown = _mapped(sample, lambda array: _reflected(array, max(0, size - height), max(0, size - width)))
    top, left = (int(random.integers(0, max(0, side - size) + 1)) for side in (height, width))
    return _mapped(grown, lambda array: array[top : top + size, left : left + size])


def randomly_turned(sample: Sample, random: np.random.Generator) -> Sample:
    """One of the eight turns and mirrorings, each as likely."""
    quarter_turns, mirrored = divmod(int(random.integers(8)), 2)

    def turn(array: Shaped[np.ndarray, "H W *C"]) -> Shaped[np.ndarray, "H2 W2 *C"]:
        turned = np.rot90(array, quarter_turns)
        return np.flipud(turned) if mirrored else turned

    return _mapped(sample, turn)


def randomly_mirrored(sample: Sample, random: np.random.Generator) -> Sample:
    """The sample, or as likely its mirror image, left for right."""
    return _mapped(sample, np.fliplr) if random.integers(2) else sample


def _mapped(sample: Sample, change: Callable[[np.ndarray], np.ndarray]) -> Sample:
    """The sample with `change` applied to its image and each of its label maps."""
    image = np.ascontiguousarray(change(sample.image))
    maps = np.empty((len(sample.labels), *image.shape[:2]), np.int32)
    for changed, labels in zip(maps, sample.labels, strict=True):
        changed[:] = change(labels)
    return replace(sample, image=image, labels=maps)


def _reflected(array: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The array continued downwards and to the right, its edge pixels repeated as in a mirror."""
    return np.pad(array, ((0, rows), (0, columns), *((0, 0),) * (array.ndim - 2)), mode="symmetric")
