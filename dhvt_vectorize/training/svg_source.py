"""A folder of SVG files → samples with the exact owner of every pixel.

In: the folder. Out: for training, a square window of a drawing at a random size, turned, over a random background, half
of the time degraded (see `degrade`), or with its zones in textures (see `textures`); for validation the whole drawing,
clean, at a size that only its place in the folder decides. The labels are those of the final size, whatever the image
went through, less the borders at which nothing can be seen.

Limits: drawings are parsed once and kept as text in a cache of bounded length, which every process has for itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Int32, UInt8

from ..errors import InputError
from .degrade import Degradation, over, random_degradation, resampled
from .owners import View, Zones, merge_unseen, render, whole_view, zones_of
from .samples import Sample, randomly_turned
from .sources import Source
from .textures import textured
from .twins import Artwork, read_artwork

_GOLDEN = 0.6180339887498949
_TRIES = 4
_GLANCE_SIDE = 48

Labelled = tuple[UInt8[np.ndarray, "H W 4"], Int32[np.ndarray, "H W"]]


@dataclass
class SvgFolder(Source):
    """Drawings, rasterised on the fly.

    Attributes:
        folder: where they lie.
        items: their paths in it.
        sides: shortest and longest side in pixels that the longer side of a drawing gets.
        supersampling: S; S² points a pixel decide on its owner.
        degraded: share (0…1) of samples that are degraded.
        texture: share (0…1) of samples whose zones are textured.
        photographs: files that textures may be cut from.
        least_contrast: borders below it, in levels of 255, are none (see `merge_unseen`).
    """

    folder: Path
    items: list[str]
    sides: tuple[int, int] = (48, 320)
    supersampling: int = 8
    degraded: float = 0.5
    texture: float = 0.0
    photographs: tuple[Path, ...] = ()
    least_contrast: float = 4.0
    kind: str = field(default="SVG files", init=False)

    def name(self, index: int) -> str:
        """The file's path in the folder."""
        return self.items[index]

    def sample(self, index: int, random: np.random.Generator, size: int | None) -> Sample:
        """See `Source.sample`."""
        artwork = self._artwork(index)
        if size is None:
            shortest, longest = self.sides
            return self._whole(index, artwork, shortest * (longest / shortest) ** ((index + 0.5) * _GOLDEN % 1))
        window = self._window(artwork, random, size)
        if random.random() < self.texture:
            image, labels = self._textured(artwork, window, random)
        else:
            image, labels = self._painted(artwork, window, random)
        return randomly_turned(Sample(self.name(index), image, labels[None]), random)

    def glance(self, index: int) -> Sample:
        """The whole drawing, small."""
        return self._whole(index, self._artwork(index), _GLANCE_SIDE)

    def _artwork(self, index: int) -> Artwork:
        return _artwork(self.folder / self.items[index])

    def _whole(self, index: int, artwork: Artwork, side: float) -> Sample:
        view = whole_view(artwork, side)
        image = render(artwork, view)
        zones = zones_of(artwork, view, self.supersampling)
        labels = zones.judged(merge_unseen(zones.regions(), image, self.least_contrast))
        return Sample(self.name(index), image, labels[None])

    def _window(self, artwork: Artwork, random: np.random.Generator, size: int) -> _Window:
        """A place at a random size; another one if there is but one zone to be seen, a few times."""
        for _ in range(_TRIES):
            whole = whole_view(artwork, np.exp(random.uniform(*np.log(self.sides))))
            width, height = min(size, whole.width), min(size, whole.height)
            left, top = _random_place(random, (whole.width, whole.height), (width, height))
            view = View(whole.drawing, left, top, width, height)
            zones = zones_of(artwork, view, self.supersampling)
            left, top = _random_place(random, (size, size), (width, height))
            window = _Window(view, zones.placed(size, top, left), size, top, left)
            if len(zones.colours) > 1:
                break
        return window

    def _textured(self, artwork: Artwork, window: _Window, random: np.random.Generator) -> Labelled:
        image = over(window.square(render(artwork, window.view)), _random_colour(random))
        image = textured(window.zones, image, random, self.photographs)
        if random.random() < self.degraded:
            image = random_degradation(random).applied(image, random)
        return image, window.zones.judged(window.zones.regions())

    def _painted(self, artwork: Artwork, window: _Window, random: np.random.Generator) -> Labelled:
        degradation = random_degradation(random) if random.random() < self.degraded else Degradation()
        image = window.square(_made_at(degradation, artwork, window.view))
        if degradation.needs_opaque or random.integers(3):
            white = np.full(3, 255, np.uint8)
            image = over(image, white if random.integers(2) else _random_colour(random))
        labels = window.zones.judged(merge_unseen(window.zones.regions(), image, self.least_contrast))
        return degradation.applied(image, random), labels


@dataclass(frozen=True, eq=False)
class _Window:
    """What is seen of a drawing, and where in the square: its zones there."""

    view: View
    zones: Zones
    size: int
    top: int
    left: int

    def square(self, image: UInt8[np.ndarray, "H W 4"]) -> UInt8[np.ndarray, "size size 4"]:
        """The window's image in its place, transparent around."""
        square = np.zeros((self.size, self.size, 4), np.uint8)
        square[self.top : self.top + self.view.height, self.left : self.left + self.view.width] = image
        return square


def _made_at(degradation: Degradation, artwork: Artwork, view: View) -> UInt8[np.ndarray, "H W 4"]:
    """The view's image, made at the degradation's scale and brought to the view's size."""
    if degradation.scale == 1:
        return render(artwork, view)
    made = (max(1, round(view.width * degradation.scale)), max(1, round(view.height * degradation.scale)))
    image = render(artwork, view, made)
    return resampled(image, (view.width, view.height), degradation.resampling, degradation.linear_light)


def _random_place(random: np.random.Generator, room: tuple[int, int], length: tuple[int, int]) -> tuple[int, int]:
    """(left, top) of what fits into a room of that (width, height)."""
    left, top = (int(random.integers(whole - part + 1)) for whole, part in zip(room, length, strict=True))
    return left, top


def _random_colour(random: np.random.Generator) -> UInt8[np.ndarray, " 3"]:
    return random.integers(0, 256, 3, np.uint8)


@lru_cache(maxsize=4096)
def _artwork(path: Path) -> Artwork:
    try:
        return read_artwork(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "check the file and its permissions") from error
