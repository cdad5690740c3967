"""Folders of images → samples: with label maps beside them, one folder a class, or alone.

In: the folder. Out: squares of the images from random places, turned or mirrored. Label maps are PNG files named after
their image, NAME-0.png, NAME-1.png … beside NAME.jpg, one an annotator: grey or palette, 8 or 16 bits, every value a
label; 65535 is no label, and where the values are classes (`segment`) so is 255. `raster` reads the images.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
from jaxtyping import Int32, UInt8
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from ..errors import InputError
from ..raster import load_raster
from .samples import IGNORED, Sample, random_square, randomly_mirrored, randomly_turned, unlabelled
from .sources import IMAGE_SUFFIXES, MismatchedLabelsError, Source

NO_LABEL = 65535
NO_CLASS = 255
_LABEL_MAP = re.compile(r"(.+)-(\d+)\.png", re.IGNORECASE)
_MAP_MODES = ("1", "L", "P", "I", "I;16", "I;16B")


def grouped(names: Iterable[str]) -> list[tuple[str, tuple[str, ...]]]:
    """(image, its label maps in the order of their numbers) of file names, in the order of the images' names."""
    ordered = sorted(names)
    stems = {str(PurePosixPath(name).with_suffix("")) for name in ordered}
    maps: dict[str, list[tuple[int, str]]] = {}
    images = []
    for name in ordered:
        match = _LABEL_MAP.fullmatch(name)
        if match and match[1] in stems:
            maps.setdefault(match[1], []).append((int(match[2]), name))
        else:
            images.append(name)
    return [
        (name, tuple(m for _, m in sorted(maps.get(str(PurePosixPath(name).with_suffix("")), [])))) for name in images
    ]


def read_label_map(file: Path | IO[bytes], name: str) -> Int32[np.ndarray, "H W"]:
    """The labels in a PNG file, −1 where there is none.

    Raises:
        InputError: it cannot be read, or has colours instead of labels.
    """
    try:
        with PngImageFile(file) as image:
            image.load()
    except Exception as error:  # Pillow meets damage with OSError, SyntaxError, ValueError, struct.error and more
        raise InputError(name, f"is no label map that can be read ({error})", "save it anew as a PNG") from error
    if image.mode not in _MAP_MODES:
        raise InputError(name, f"is no label map but an image of mode {image.mode}", "save labels as grey values")
    labels = np.array(image).astype(np.int32)
    labels[labels == NO_LABEL] = IGNORED
    return labels


def labelled_sample(
    image: UInt8[np.ndarray, "H W 4"], name: str, maps: list[tuple[str, Int32[np.ndarray, "H W"]]]
) -> Sample:
    """A sample of an image and its named label maps.

    Raises:
        MismatchedLabelsError: a map has another shape than the image.
    """
    for map_name, labels in maps:
        if labels.shape != image.shape[:2]:
            sizes = " and ".join(f"{width} × {height}" for height, width in (labels.shape, image.shape[:2]))
            raise MismatchedLabelsError(
                map_name, f"has not the size of its image {name} ({sizes} pixels)", "make it from this very image"
            )
    return Sample(name, image, np.stack([labels for _, labels in maps]))


@dataclass
class LabelMapFolder(Source):
    """Images with label maps beside them.

    Attributes:
        folder: where they lie.
        items: (image, label maps), paths in it.
        holds_classes: whether the maps' values are classes, the same in all images, rather than regions.
    """

    folder: Path
    items: list[tuple[str, tuple[str, ...]]]
    holds_classes: bool = False
    kind: str = field(default="images with label maps", init=False)

    @classmethod
    def of(cls, folder: Path, images: list[str], holds_classes: bool) -> LabelMapFolder:
        """The source of a folder's images.

        Raises:
            InputError: there is not a single label map.
        """
        items = grouped(images)
        if not any(maps for _, maps in items):
            raise InputError(folder, "holds images but no label maps", "put NAME-0.png beside NAME.jpg")
        return cls(folder, items, holds_classes)

    def name(self, index: int) -> str:
        """The image's path in the folder."""
        return self.items[index][0]

    def sample(self, index: int, random: np.random.Generator, size: int | None) -> Sample:
        """See `Source.sample`; regions are numbered anew, classes are not, nor are their images turned."""
        image_name, map_names = self.items[index]
        if not map_names:
            raise InputError(image_name, "has no label map", "put NAME-0.png beside it")
        image = load_raster(self.folder / image_name).pixels
        sample = labelled_sample(image, image_name, [(name, self._labels(name)) for name in map_names])
        if size is not None:
            change = randomly_mirrored if self.holds_classes else randomly_turned
            sample = change(random_square(sample, size, random), random)
        return sample if self.holds_classes else sample.numbered()

    def _labels(self, name: str) -> Int32[np.ndarray, "H W"]:
        labels = read_label_map(self.folder / name, name)
        return np.where(labels == NO_CLASS, IGNORED, labels) if self.holds_classes else labels


@dataclass
class ImageFolder(Source):
    """Images alone; label maps among them are no images.

    Attributes:
        folder: where they lie.
        items: their paths in it.
    """

    folder: Path
    items: list[str]
    kind: str = field(default="images", init=False)

    @classmethod
    def of(cls, folder: Path, images: list[str]) -> ImageFolder:
        """The source of a folder's images."""
        return cls(folder, [name for name, _ in grouped(images)])

    def name(self, index: int) -> str:
        """The image's path in the folder."""
        return self.items[index]

    def sample(self, index: int, random: np.random.Generator, size: int | None) -> Sample:
        """See `Source.sample`."""
        sample = unlabelled(load_raster(self.folder / self.items[index]).pixels, self.items[index])
        return sample if size is None else randomly_turned(random_square(sample, size, random), random)


@dataclass
class ClassFolder(Source):
    """A folder of images for each class.

    Attributes:
        folder: where the classes' folders lie.
        items: (path of an image in it, its class's number).
        classes: the folders' names, sorted.
    """

    folder: Path
    items: list[tuple[str, int]]
    classes: tuple[str, ...]
    kind: str = field(default="images in a folder a class", init=False)

    @classmethod
    def of(cls, folder: Path) -> ClassFolder:
        """The source of a folder of folders.

        Raises:
            InputError: no folder there, or fewer than two with images in them.
        """
        if not folder.is_dir():
            raise InputError(folder, "there is no such folder", "give a folder that holds one folder a class")
        files = {
            inner.name: [path for path in sorted(inner.rglob("*")) if path.suffix.lower() in IMAGE_SUFFIXES]
            for inner in sorted(folder.iterdir())
            if inner.is_dir()
        }
        classes = tuple(name for name, paths in files.items() if paths)
        if len(classes) < 2:
            raise InputError(
                folder, f"holds {len(classes)} folders with images", "give one folder a class, two or more"
            )
        items = [(p.relative_to(folder).as_posix(), number) for number, c in enumerate(classes) for p in files[c]]
        return cls(folder, items, classes)

    def name(self, index: int) -> str:
        """The image's path in the folder."""
        return self.items[index][0]

    def sample(self, index: int, random: np.random.Generator, size: int | None) -> Sample:
        """See `Source.sample`; images are reduced until their shorter side is `size`, and mirrored, not turned."""
        path, category = self.items[index]
        sample = unlabelled(load_raster(self.folder / path).pixels, path, category)
        if size is None:
            return sample
        return randomly_mirrored(random_square(_reduced(sample, size), size, random), random)


def _reduced(sample: Sample, size: int) -> Sample:
    """The sample, its shorter side at most `size` pixels long."""
    height, width = sample.image.shape[:2]
    scale = size / min(height, width)
    if scale >= 1:
        return sample
    target = (max(size, round(width * scale)), max(size, round(height * scale)))
    image = np.array(Image.fromarray(sample.image).resize(target, Image.Resampling.BICUBIC))
    return unlabelled(image, sample.name, sample.category)
