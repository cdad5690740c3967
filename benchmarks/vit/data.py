"""A `DataConfig` → pictures with what is true of them: a class, or a class of every pixel."""

from __future__ import annotations

import io
import json
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Int32, UInt8
from PIL import Image

from dhvt_vectorize.errors import InputError
from dhvt_vectorize.training.sources import IMAGE_SUFFIXES

from ..data import ICON_SETS, artworks, digit_of, icon_package, shared_folder
from ..packages import folder_of
from ..pictures import rasterize, spread
from .config import DataConfig

Picture = UInt8[np.ndarray, "size size 3"]
Truth = int | Int32[np.ndarray, "size size"]

# Groups of which every set has its own drawings; people are mostly one drawing in several skin tones, flags are flags.
EMOJI_GROUPS = (
    "Activities",
    "Animals Nature",
    "Food Drink",
    "Objects",
    "Smileys Emotion",
    "Symbols",
    "Travel Places",
)
IGNORED = -1
# Settings are chosen by names of the train split whose SHA-1 begins with these.
CHOSEN_BY = "de"


class Pictures(ABC):
    """A list of pictures, each of `size` pixels a side.

    Attributes:
        classes: their names, or their numbers.
    """

    classes: Sequence[str]

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abstractmethod
    def picture(self, index: int) -> Picture:
        """One of them."""

    @abstractmethod
    def truth(self, index: int) -> Truth:
        """Its class, or that of its pixels, −1 where none is judged."""


def pictures_of(config: DataConfig) -> tuple[Pictures, Pictures]:
    """The pictures to learn from, and those to be judged on.

    Raises:
        InputError: they are not there.
    """
    if config.kind == "emoji":
        # the tuning sample is judged on too: no tokenizer's settings are chosen by groups, and few are left out
        items = emoji_to_choose_by() if config.choosing else (emoji_of("train"), emoji_of("test", "tune"))
        limits = (config.train_limit, config.test_limit)
        train, test = (EmojiGroups(config.size, spread(*each)) for each in zip(items, limits, strict=True))
        return train, test
    if config.kind == "classes":
        learned = ClassFiles.of(_place(config.train), config.size, config.train_limit)
        return learned, ClassFiles.of(_place(config.test), config.size, config.test_limit, learned.classes)
    if config.kind == "scenes":
        from .scenes import Scenes

        limits = (config.train_limit or 1000, config.test_limit or 1000)
        return Scenes(config.size, limits[0], "train"), Scenes(config.size, limits[1], "test")
    parts = ((config.train, config.train_maps, config.train_limit), (config.test, config.test_maps, config.test_limit))
    one, two = (MappedImages.of(_place(images), _place(maps), config, limit) for images, maps, limit in parts)
    one.classes = two.classes = max(one.classes, two.classes, key=len)
    return one, two


@dataclass
class ClassFiles(Pictures):
    """A folder a class, on disk or in a zip file."""

    place: Path
    size: int
    items: list[tuple[str, int]]
    classes: Sequence[str]

    @classmethod
    def of(cls, place: Path, size: int, limit: int | None, classes: Sequence[str] | None = None) -> ClassFiles:
        """The pictures of a place; `classes` are those known already, else they are its folders, sorted."""
        if place.suffix == ".zip" and place.is_file():
            with zipfile.ZipFile(place) as archive:
                names = archive.namelist()
        elif place.is_dir():
            names = [path.relative_to(place).as_posix() for path in place.rglob("*")]
        else:
            raise InputError(place, "is not there", "see the configuration's [data]")
        images = sorted(name for name in names if Path(name).suffix.lower() in IMAGE_SUFFIXES and "/" in name)
        if classes is None:
            classes = sorted({name.split("/")[0] for name in images})
        number = {name: index for index, name in enumerate(classes)}
        items = [(name, number[name.split("/")[0]]) for name in images if name.split("/")[0] in number]
        if len(classes) < 2 or not items:
            raise InputError(place, f"holds {len(classes)} classes, {len(items)} images", "give a folder a class")
        return cls(place, size, spread(items, limit), classes)

    def __len__(self) -> int:
        """See `Pictures`."""
        return len(self.items)

    def picture(self, index: int) -> Picture:
        """See `Pictures.picture`."""
        name = self.items[index][0]
        content = self._archive.read(name) if self._archive else (self.place / name).read_bytes()
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(squared(image.convert("RGB"), self.size, Image.Resampling.BICUBIC))

    def truth(self, index: int) -> Truth:
        """See `Pictures.truth`."""
        return self.items[index][1]

    @cached_property
    def _archive(self) -> zipfile.ZipFile | None:
        return zipfile.ZipFile(self.place) if self.place.suffix == ".zip" else None


@dataclass
class MappedImages(Pictures):
    """Images, and beside them class maps of the same names."""

    images: list[Path]
    maps: list[Path]
    size: int
    first_class: int
    classes: Sequence[str]

    @classmethod
    def of(cls, images: Path, maps: Path, config: DataConfig, limit: int | None) -> MappedImages:
        """The pictures of two folders."""
        found = [path for path in sorted(images.rglob("*")) if path.suffix.lower() in IMAGE_SUFFIXES]
        found = spread(found, limit)
        beside = [maps / path.relative_to(images).with_suffix(".png") for path in found]
        absent = [path for path in beside if not path.exists()]
        if not found or absent:
            raise InputError(absent[0] if absent else images, "is not there", "see the configuration's [data]")
        made = cls(found, beside, config.size, config.first_class, [])
        highest = max(int(np.max(made.truth(index))) for index in range(len(made)))
        made.classes = [str(number) for number in range(highest + 1)]
        return made

    def __len__(self) -> int:
        """See `Pictures`."""
        return len(self.images)

    def picture(self, index: int) -> Picture:
        """See `Pictures.picture`."""
        with Image.open(self.images[index]) as image:
            return np.asarray(squared(image.convert("RGB"), self.size, Image.Resampling.BICUBIC))

    def truth(self, index: int) -> Truth:
        """See `Pictures.truth`."""
        with Image.open(self.maps[index]) as image:
            values = np.asarray(squared(image, self.size, Image.Resampling.NEAREST)).astype(np.int32)
        values[(values < self.first_class) | (values == 255)] = self.first_class + IGNORED
        return values - self.first_class


@dataclass
class EmojiGroups(Pictures):
    """Emoji over white; those of one name are in one split, whoever drew them."""

    size: int
    items: list[tuple[str, int]]
    classes: Sequence[str] = EMOJI_GROUPS

    def __len__(self) -> int:
        """See `Pictures`."""
        return len(self.items)

    def picture(self, index: int) -> Picture:
        """See `Pictures.picture`."""
        image = Image.fromarray(rasterize(self.items[index][0], self.size))
        return np.asarray(squared(image, self.size, Image.Resampling.BICUBIC))

    def truth(self, index: int) -> Truth:
        """See `Pictures.truth`."""
        return self.items[index][1]


def squared(image: Image.Image, size: int, how: Image.Resampling) -> Image.Image:
    """The image with its shorter side `size` px long, its middle cut to a square."""
    scale = size / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    resized = image if image.size == (width, height) else image.resize((width, height), how)
    return resized.crop((left, top, left + size, top + size))


def emoji_to_choose_by() -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Those of the train split, parted by name: 11 of its 13 parts to learn from, 2 to be judged on."""
    learned = emoji_of("train", wanted=lambda name: digit_of(name) not in CHOSEN_BY)
    return learned, emoji_of("train", wanted=lambda name: digit_of(name) in CHOSEN_BY)


def emoji_of(*splits: str, wanted: Callable[[str], bool] = lambda _: True) -> list[tuple[str, int]]:
    """SVG text and group of the emoji in splits, of names that are wanted; one drawing a set where several skin tones
    are the same name."""
    groups: dict[str, int] = {}
    for name in ICON_SETS["emoji"]:
        path = folder_of(icon_package("emoji", name)) / "package" / "metadata.json"
        for group, keys in json.loads(path.read_text("utf-8"))["categories"].items():
            plain = group.replace("& ", "")
            if plain in EMOJI_GROUPS:
                groups.update({f"{name}:{key}": EMOJI_GROUPS.index(plain) for key in keys})
    arts = (art for split in splits for art in artworks("emoji", split))
    return [(art.svg, groups[art.name]) for art in arts if art.name in groups and wanted(art.name)]


def _place(path: str) -> Path:
    given = Path(path).expanduser()
    return given if given.is_absolute() else shared_folder() / given
