"""Samples made ahead ↔ shards: tar files of PNGs, so that a machine without a rasteriser can train on drawings.

In: a source, how many samples of which size, a seed. Out: prefix-00000.tar … in a folder, each at most about 15 MB. A
sample is 000123.png and a label map for each annotator, 000123-0.png …, 16 bits, 65535 for no label: the layout of a
folder of images with label maps. The same source, seed and numbers give the same bytes, for any number of processes.

`ShardSource` reads them back: the tar headers once, when it is opened, then single members at their places.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from ..errors import InputError, OutputError, UsageError
from ..output import make_folder, write_atomically
from .image_sources import NO_LABEL, grouped, labelled_sample, read_label_map
from .samples import IGNORED, Sample, random_square, randomly_turned, unlabelled
from .sources import Source

PREFIX = "samples"
SHARD_BYTES = 15_000_000
_BLOCK = 512
_CHUNK = 16


def pack(source: Source, out_folder: Path, samples: int, size: int, seed: int, jobs: int = 1) -> list[Path]:
    """Draw samples from a source and write them as shards.

    Every item is drawn once, in random order, before any is drawn again.

    Args:
        source: where samples come from; checked (see `check_source`), since one that fails ends it all.
        out_folder: made if it is not there; must not hold shards yet.
        samples: how many, at least 1.
        size: side of each in pixels.
        seed: what all randomness follows from.
        jobs: how many processes draw.

    Returns:
        The files written, in order.

    Raises:
        UsageError: a number is below 1.
        OutputError: the folder cannot be written to, or holds shards already.
        InputError: an item cannot be read.
    """
    for option, value in (("samples", samples), ("size", size), ("jobs", jobs)):
        if value < 1:
            raise UsageError(option, f"{value} is too few", "give at least 1")
    make_folder(out_folder)
    if any(out_folder.glob("*.tar")):
        raise OutputError(out_folder, "holds shards already", "give another folder, or empty this one")
    files: list[Path] = []
    for content in _shards(_packed(source, samples, size, seed, jobs)):
        files.append(out_folder / f"{PREFIX}-{len(files):05d}.tar")
        write_atomically(files[-1], content)
    return files


def _packed(source: Source, samples: int, size: int, seed: int, jobs: int) -> Iterator[bytes]:
    """The samples, each as a piece of a tar file, in order."""
    draw = partial(_drawn, source, size, seed)
    if jobs == 1:
        yield from map(draw, range(samples))
        return
    # spawned: a fork would copy threads' locks in whatever state they are
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as processes:
        yield from processes.map(draw, range(samples), chunksize=_CHUNK)


def _drawn(source: Source, size: int, seed: int, number: int) -> bytes:
    epoch, place = divmod(number, len(source))
    index = int(np.random.default_rng((seed, epoch)).permutation(len(source))[place])
    sample = source.sample(index, np.random.default_rng((seed, epoch, index)), size)
    name = f"{number:06d}"
    members = [(f"{name}.png", _png(_smallest(sample.image)))]
    for annotator, labels in enumerate(sample.labels):
        if labels.max() >= NO_LABEL:
            raise InputError(sample.name, "has more regions than a label map can hold", "leave it out")
        numbers = np.where(labels == IGNORED, NO_LABEL, labels).astype(np.uint16)
        members.append((f"{name}-{annotator}.png", _png(Image.fromarray(numbers))))
    return b"".join(_member(*member) for member in members)


def _smallest(image: np.ndarray) -> Image.Image:
    """The image without an alpha channel that says nothing."""
    return Image.fromarray(np.ascontiguousarray(image[..., :3]) if (image[..., 3] == 255).all() else image)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _member(name: str, content: bytes) -> bytes:
    """A tar header without date and owner, and the content, filled up to whole blocks."""
    header = tarfile.TarInfo(name)
    header.size = len(content)
    return header.tobuf(tarfile.USTAR_FORMAT) + content + b"\0" * (-len(content) % _BLOCK)


def _shards(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces in order, as tar files that stay below the limit where one piece alone does."""
    held: list[bytes] = []
    for piece in pieces:
        if held and sum(map(len, held)) + len(piece) + 2 * _BLOCK > SHARD_BYTES:
            yield b"".join(held) + b"\0" * 2 * _BLOCK
            held = []
        held.append(piece)
    yield b"".join(held) + b"\0" * 2 * _BLOCK


@dataclass(frozen=True)
class _Member:
    """Where a file lies in a shard."""

    shard: Path
    name: str
    offset: int
    size: int

    @property
    def full_name(self) -> str:
        return f"{self.shard}:{self.name}"

    @contextmanager
    def content(self) -> Iterator[io.BytesIO]:
        try:
            with open(self.shard, "rb") as file:
                file.seek(self.offset)
                yield io.BytesIO(file.read(self.size))
        except OSError as error:
            raise InputError(self.full_name, f"cannot be read ({error})", "check the file") from error


@dataclass
class ShardSource(Source):
    """Samples from shards.

    Attributes:
        items: (image, label maps) of each sample.
    """

    items: list[tuple[_Member, tuple[_Member, ...]]]
    kind: str = field(default="packed samples", init=False)

    @classmethod
    def of(cls, shards: list[Path], *, labelled: bool = True) -> ShardSource:
        """The samples in shard files, in order.

        Args:
            shards: the files.
            labelled: whether every image must have a label map.

        Raises:
            InputError: a file is missing, damaged or truncated, or lacks label maps.
        """
        return cls([item for shard in shards for item in _items(shard, labelled=labelled)])

    def name(self, index: int) -> str:
        """The shard and the member in it."""
        return self.items[index][0].full_name

    def sample(self, index: int, random: np.random.Generator, size: int | None) -> Sample:
        """See `Source.sample`: what was packed, cut to the size and turned; nothing else is done to it."""
        image_member, map_members = self.items[index]
        maps = []
        for member in map_members:
            with member.content() as content:
                maps.append((member.full_name, read_label_map(content, member.full_name)))
        pixels, name = _pixels(image_member), image_member.full_name
        sample = labelled_sample(pixels, name, maps) if maps else unlabelled(pixels, name)
        if size is not None:
            sample = randomly_turned(random_square(sample, size, random), random)
        return sample.numbered()


def _pixels(member: _Member) -> np.ndarray:
    with member.content() as content:
        try:
            with PngImageFile(content) as image:
                return np.array(image.convert("RGBA"))
        except Exception as error:  # Pillow meets damage with OSError, SyntaxError, ValueError, struct.error and more
            raise InputError(member.full_name, f"is damaged ({error})", "pack the samples anew") from error


def _items(shard: Path, *, labelled: bool) -> list[tuple[_Member, tuple[_Member, ...]]]:
    try:
        size = shard.stat().st_size
        with tarfile.open(shard, "r:") as tar:
            found = [_Member(shard, m.name, m.offset_data, m.size) for m in tar if m.isfile()]
    except (OSError, tarfile.TarError) as error:
        raise InputError(shard, f"is no shard that can be read ({error})", "pack the samples anew") from error
    if any(member.offset + member.size > size for member in found):
        raise InputError(shard, "is truncated", "copy or pack it anew")
    members = {member.name: member for member in found}
    items = [(members[image], tuple(members[m] for m in maps)) for image, maps in grouped(members)]
    bare = [image.name for image, maps in items if labelled and not maps]
    if bare or not items:
        cause = f"holds no label map for {bare[0]}" if bare else "holds no samples"
        raise InputError(shard, cause, "pack the samples anew")
    return items
