"""Where training's samples come from: what a source is, which one a path is, and the check before the first step.

In: a folder or shard file, and the task. Out: a `Source`; from `check_source` a `DataReport`. A folder is told by what
lies in it: shards (.tar), SVG files, images with label maps beside them, a folder a class, or images alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, UsageError
from .samples import Sample, unlabelled

TASKS = ("reconstruct", "classify", "segment", "regions", "rims", "borders", "doubling")
WITHOUT_LABELS = ("reconstruct", "doubling")
"""Tasks that images alone are enough for."""
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


class MismatchedLabelsError(InputError):
    """A label map has another shape than its image: the data set is put together wrongly."""


class Source(ABC):
    """Samples by number; which item, which seed and which epoch fix a sample.

    Attributes:
        items: what there is to draw samples from.
        kind: what the items are, for messages.
        classes: the names of the classes, if items have one.
        holds_classes: whether the values of label maps are classes; `check_source` then finds how many there are.
    """

    items: list[Any]
    kind: str
    classes: tuple[str, ...] = ()
    holds_classes: bool = False

    def __len__(self) -> int:
        """The number of items."""
        return len(self.items)

    @abstractmethod
    def name(self, index: int) -> str:
        """What messages call an item."""

    @abstractmethod
    def sample(self, index: int, random: np.random.Generator, size: int | None) -> Sample:
        """A sample of an item.

        Args:
            index: 0…len−1.
            random: where everything random comes from.
            size: side in pixels of the square wanted, from a random place, with whatever variation the source knows;
                None: the whole item as it is, without using `random`.

        Raises:
            InputError: the item cannot be read.
        """

    def glance(self, index: int) -> Sample:
        """The whole item at the least cost, for the check.

        Raises:
            InputError: the item cannot be read.
        """
        return self.sample(index, np.random.default_rng(0), None)


@dataclass(frozen=True)
class DataReport:
    """What the check of a source found.

    Attributes:
        kind: what the items are.
        items: how many can be used.
        sides: the shortest and the longest side of an image, in pixels.
        photographs: the share of them (0…1) that are no drawings, see `kind`.
        label_maps: how many there are.
        regions: the least, median and greatest number of labels in a map; None without maps.
        classes: the names of the classes.
        left_out: (name, reason) of the items that cannot be used.
    """

    kind: str
    items: int
    sides: tuple[int, int]
    photographs: float
    label_maps: int
    regions: tuple[int, float, int] | None
    classes: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def check_source(source: Source) -> DataReport:
    """Look at every item once; those that cannot be used are taken out of the source and named in the report.

    Raises:
        InputError: nothing is left.
        MismatchedLabelsError: a label map has another shape than its image.
    """
    from ..tokenizer.kind import is_photograph
    from ..tokenizer.rims import premultiply

    usable, left_out = [], []
    sides: list[int] = []
    regions: list[int] = []
    greatest, photographs = -1, 0
    for index, item in enumerate(source.items):
        try:
            sample = source.glance(index)
        except MismatchedLabelsError:
            raise
        except InputError as error:
            left_out.append((source.name(index), error.cause))
            continue
        usable.append(item)
        photographs += is_photograph(premultiply(sample.image))
        sides += sample.image.shape[:2]
        regions += [int(np.count_nonzero(np.bincount(labels[labels >= 0]))) for labels in sample.labels]
        greatest = max(greatest, int(sample.labels.max(initial=-1)))
    if not usable:
        first = f", the first because it {left_out[0][1]}" if left_out else ""
        raise InputError(source.kind, f"none can be used{first}", "give another folder")
    source.items = usable
    if source.holds_classes:
        source.classes = tuple(str(number) for number in range(greatest + 1))
    counts = (int(min(regions)), float(np.median(regions)), int(max(regions))) if regions else None
    extremes = (int(min(sides)), int(max(sides)))
    share = photographs / len(usable)
    return DataReport(source.kind, len(usable), extremes, share, len(regions), counts, source.classes, tuple(left_out))


def open_source(
    path: Path, task: str, *, degraded: float | None = None, texture: float = 0.0, photographs: Path | None = None
) -> Source:
    """The source that a path is.

    Args:
        path: a folder or a shard file.
        task: one of `TASKS`.
        degraded: of SVG files, the share (0…1) of samples that are degraded as files are; None is half, and none for
            `doubling`, which learns how drawings look that are not.
        texture: of SVG files, the share (0…1) of samples whose zones are textured.
        photographs: of SVG files, a folder of photographs whose parts are among the textures.

    Raises:
        UsageError: unknown task, or a share out of its range.
        InputError: there is nothing there, or nothing for this task.
    """
    if task not in TASKS:
        raise UsageError("--task", f"no such task {task!r}", f"choose one of {', '.join(TASKS)}")
    if degraded is None:
        degraded = 0.0 if task == "doubling" else 0.5
    for option, share in (("--degraded", degraded), ("--texture", texture)):
        if not 0 <= share <= 1:
            raise UsageError(option, f"{share} is no share", "give a number from 0 to 1")
    if task == "classify":
        from .image_sources import ClassFolder

        return ClassFolder.of(path)
    shards, drawings, images = (_files(path, suffixes) for suffixes in ((".tar",), (".svg",), IMAGE_SUFFIXES))
    if task not in ("classify", "segment") and (shards or drawings):
        bare = task in WITHOUT_LABELS
        source = _packed(path, shards, bare) if shards else _drawn(path, drawings, degraded, texture, photographs)
        return WithoutLabels(source) if bare else source
    if not images:
        raise InputError(path, f"holds nothing to {task} with", "see the documentation of `train` for what it may hold")
    from .image_sources import ImageFolder, LabelMapFolder

    if task in WITHOUT_LABELS:
        return ImageFolder.of(path, images)
    return LabelMapFolder.of(path, images, holds_classes=task == "segment")


def _packed(path: Path, shards: list[str], bare: bool) -> Source:
    from .shards import ShardSource

    return ShardSource.of([path / name for name in shards] if path.is_dir() else [path], labelled=not bare)


def _drawn(path: Path, drawings: list[str], degraded: float, texture: float, photographs: Path | None) -> Source:
    from .svg_source import SvgFolder

    found = tuple(photographs / name for name in _files(photographs, IMAGE_SUFFIXES)) if photographs else ()
    if photographs and not found:
        raise InputError(photographs, "holds no photographs", f"give a folder of {', '.join(IMAGE_SUFFIXES)} files")
    return SvgFolder(path, drawings, degraded=degraded, texture=texture, photographs=found)


def _files(path: Path, suffixes: tuple[str, ...]) -> list[str]:
    """The paths, relative to a folder and sorted, of the files in it with one of these suffixes; of a file itself "".

    Raises:
        InputError: there is nothing at this path.
    """
    if not path.exists():
        raise InputError(path, "there is no such file or folder", "check the name")
    if path.is_file():
        return [""] if path.suffix.lower() in suffixes else []
    found = (file for file in path.rglob("*") if file.suffix.lower() in suffixes and file.is_file())
    return sorted(file.relative_to(path).as_posix() for file in found)


class WithoutLabels(Source):
    """Another source's images alone."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.items = source.items
        self.kind = source.kind

    def name(self, index: int) -> str:
        """See `Source.name`."""
        return self._aligned().name(index)

    def sample(self, index: int, random: np.random.Generator, size: int | None) -> Sample:
        """See `Source.sample`."""
        sample = self._aligned().sample(index, random, size)
        return unlabelled(sample.image, sample.name)

    def glance(self, index: int) -> Sample:
        """See `Source.glance`."""
        sample = self._aligned().glance(index)
        return unlabelled(sample.image, sample.name)

    def _aligned(self) -> Source:
        """The source, with the items that a check has left to this one."""
        self._source.items = self.items
        return self._source
