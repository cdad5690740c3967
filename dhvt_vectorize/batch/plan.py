"""A folder → the images in it, each with the name of its drawing.

In: a folder and what to take of it. Out: jobs, folder by folder in the order of names, always the same for the same
files. Method: a name's extension becomes the format's (`.svg`); where two images of a folder would then have the same
name (`a.png`, `a.jpg`, or `A.png` on a disk that ignores case), each of them keeps its whole name (`a.png.svg`,
`a.jpg.svg`). All images of the folder count for that, also those that a pattern leaves out, so that runs with different
patterns never write over each other's results. Hidden files and folders are skipped. A folder is visited once, by
whichever path comes first, so that loops of symbolic links end.

Limits: a folder's names are in memory at once; its subfolders' are not.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple

IMAGE_SUFFIXES = (".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


class Job(NamedTuple):
    """One image to convert.

    Attributes:
        source: the image's path below the input folder, with forward slashes.
        output: the drawing's path below the output folder, likewise.
        problem: why it cannot be converted (a subfolder that cannot be listed), or empty.
    """

    source: str
    output: str
    problem: str = ""


@dataclass(frozen=True)
class Selection:
    """Which images of a folder are taken.

    Attributes:
        patterns: shell patterns, any of which must match: those with a slash the path below the folder (where `*`
            also crosses slashes), others the name; none at all takes the known image extensions.
        recursive: whether subfolders are visited.
        limit: at most this many images, the first ones; None is all.
    """

    patterns: tuple[str, ...] = ()
    recursive: bool = True
    limit: int | None = None

    def takes(self, path: str) -> bool:
        """Whether the image at `path` (below the folder) is taken."""
        name = path.rpartition("/")[2]
        if not self.patterns:
            return name.lower().endswith(IMAGE_SUFFIXES)
        return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in self.patterns)


def plan(folder: Path, selection: Selection, skipped: Collection[Path] = (), extension: str = ".svg") -> Iterator[Job]:
    """The jobs of a folder, whose outputs get `extension`; those of the folders in `skipped` are left out.

    Raises:
        OSError: `folder` itself cannot be listed; a subfolder that cannot be is a job with a `problem`.
    """
    seen = {_identity(path) for path in skipped if path.is_dir()}
    return islice(_visit(folder, selection, seen, extension), selection.limit)


def output_names(names: Iterable[str], extension: str = ".svg") -> dict[str, str]:
    """The drawing's name for each of a folder's images: no two alike, also where case is ignored."""
    outputs = {name: PurePosixPath(name).stem + extension for name in names}
    while True:
        uses = Counter(output.casefold() for output in outputs.values())
        shared = (name for name, output in outputs.items() if uses[output.casefold()] > 1)
        clashing = [name for name in shared if outputs[name] != name + extension]
        if not clashing:
            return outputs
        # a whole name may in turn be what another image's name shortens to, so look again
        outputs.update((name, name + extension) for name in clashing)


def _visit(folder: Path, selection: Selection, seen: set[tuple[int, int]], extension: str) -> Iterator[Job]:
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            identity = _identity(folder / below)
            if identity in seen:
                continue
            seen.add(identity)
            with os.scandir(folder / below) as entries:
                shown = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda e: e.name)
        except OSError as error:
            if not below:
                raise
            yield Job(below, "", f"the folder cannot be listed ({error.strerror})")
            continue
        prefix = below and below + "/"
        yield from _images(prefix, [entry.name for entry in shown if _is_file(entry)], selection, extension)
        if selection.recursive:
            waiting += [prefix + entry.name for entry in reversed(shown) if _is_folder(entry)]


def _images(prefix: str, names: list[str], selection: Selection, extension: str) -> Iterator[Job]:
    known = Selection()
    taken = (name for name in names if known.takes(name) or selection.takes(prefix + name))
    outputs = output_names(taken, extension)
    for name, output in outputs.items():
        if selection.takes(prefix + name):
            yield Job(prefix + name, prefix + output)


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file, or a link to nothing or to itself: that is reported when it cannot be read."""
    if not entry.is_symlink():
        return entry.is_file()
    return os.path.isfile(entry.path) or not os.path.exists(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # an entry's own method raises for a link to itself
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
