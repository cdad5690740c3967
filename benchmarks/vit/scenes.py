"""Scenes: emoji over photographs, with the exact class of every pixel.

A scene is made from its number alone: a square of a photograph of BSDS500 (shared `data/bsds500`), a few emoji of a
split at random sizes and places, later ones above. A pixel belongs to an emoji that covers at least half of it; classes
are the background and the emoji's Unicode groups. Photographs and emoji to be judged on are not those to learn from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Int32
from PIL import Image

from dhvt_vectorize.drawing.preview import render
from dhvt_vectorize.errors import InputError

from ..data import shared_folder
from .data import EMOJI_GROUPS, Picture, Pictures, Truth, emoji_of, squared

BACKGROUND = "background"
_FEWEST, _MOST = 2, 5
_SMALLEST, _LARGEST = 0.2, 0.5
_COVERED = 128


@dataclass
class Scenes(Pictures):
    """So many scenes.

    Attributes:
        size: of a scene, in px a side.
        count: how many there are.
        split: train or test, of emoji and photographs.
    """

    size: int
    count: int
    split: str
    classes: tuple[str, ...] = (BACKGROUND, *EMOJI_GROUPS)
    made: dict[int, tuple[Picture, Int32[np.ndarray, "size size"]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        folder = shared_folder() / "data" / "bsds500" / self.split
        self.photographs: list[Path] = sorted(folder.glob("*.jpg"))
        if not self.photographs:
            raise InputError(folder, "holds no photographs", "set DHVT_SHARED to the folder that holds data/bsds500")
        self.emoji = emoji_of(self.split)

    def __len__(self) -> int:
        """See `Pictures`."""
        return self.count

    def picture(self, index: int) -> Picture:
        """See `Pictures.picture`."""
        return self._scene(index)[0]

    def truth(self, index: int) -> Truth:
        """See `Pictures.truth`."""
        return self._scene(index)[1]

    def _scene(self, index: int) -> tuple[Picture, Int32[np.ndarray, "size size"]]:
        if index not in self.made:
            self.made[index] = self._composed(np.random.default_rng([index, self.split == "test"]))
        return self.made[index]

    def _composed(self, random: np.random.Generator) -> tuple[Picture, Int32[np.ndarray, "size size"]]:
        with Image.open(self.photographs[random.integers(len(self.photographs))]) as image:
            scene = squared(image.convert("RGBA"), self.size, Image.Resampling.BICUBIC)
        classes = np.zeros((self.size, self.size), np.int32)
        for _ in range(random.integers(_FEWEST, _MOST + 1)):
            svg, group = self.emoji[random.integers(len(self.emoji))]
            side = round(self.size * random.uniform(_SMALLEST, _LARGEST))
            left, top = (int(place) for place in random.integers(0, self.size - side + 1, 2))
            drawn = render(svg, side, side)
            scene.alpha_composite(Image.fromarray(drawn), (left, top))
            classes[top : top + side, left : left + side][drawn[..., 3] >= _COVERED] = 1 + group
        return np.asarray(scene.convert("RGB")), classes
