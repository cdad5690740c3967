"""an image → tiles, each with as much around it as a net sees, and those of one colour told from the others.

A net's answer is the same all over a part of which nothing but one colour is seen. Drawings of several thousand pixels
a side are such parts for the most, which so cost nothing. A tile is cut in four, and these again, as long as what is
then to be looked at, margins included, is less.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

LEAST_SIDE = 64  # pixels; smaller tiles would be margin for the most
CALL = 2**14  # pixels that might be looked at in the time that beginning a tile takes


class Window(NamedTuple):
    """A part of a length, and what is seen of it: that part with a margin where there is one."""

    start: int
    stop: int
    seen: slice


class Tile(NamedTuple):
    """A part of an image; plain if all that is seen of it has one colour."""

    rows: Window
    columns: Window
    is_plain: bool

    @property
    def place(self) -> tuple[slice, slice]:
        """Where it lies, without what is seen around it."""
        return np.s_[self.rows.start : self.rows.stop, self.columns.start : self.columns.stop]

    @property
    def seen(self) -> tuple[slice, slice]:
        """What is seen of the image."""
        return self.rows.seen, self.columns.seen

    @property
    def first_pixel(self) -> Tile:
        """The tile of its first pixel, which sees nothing else."""
        rows, columns = (
            Window(part.start, part.start + 1, slice(part.start, part.start + 1)) for part in (self.rows, self.columns)
        )
        return Tile(rows, columns, self.is_plain)

    @property
    def cost(self) -> int:
        """Pixels that are looked at, or could be meanwhile."""
        return 0 if self.is_plain else CALL + _length(self.rows.seen) * _length(self.columns.seen)


def tiles(
    pixels: UInt8[np.ndarray, "H W 4"],
    resolved: UInt8[np.ndarray, "H W 4"],
    tile_pixels: int,
    margin: int,
    stride: int,
) -> Iterator[Tile]:
    """Tiles that cover an image.

    Args:
        pixels, resolved: the two images that the net sees; a plain tile is so in both.
        tile_pixels: of what a tile has at most, about.
        margin: pixels to each side that are seen.
        stride: borders between tiles are multiples of it.
    """
    height, width = pixels.shape[:2]
    images = [np.ascontiguousarray(image).view(np.uint32)[..., 0] for image in (pixels, resolved)]
    side = math.isqrt(tile_pixels)
    for rows in windows(0, height, max(side, tile_pixels // width), margin, stride, height):
        for columns in windows(0, width, max(side, tile_pixels // height), margin, stride, width):
            yield from _divided(images, rows, columns, margin, stride)


def _divided(images: list[np.ndarray], rows: Window, columns: Window, margin: int, stride: int) -> list[Tile]:
    """The tile, or its quarters where these cost less."""
    whole = Tile(rows, columns, all(_is_one_colour(image[rows.seen, columns.seen]) for image in images))
    half = max(rows.stop - rows.start, columns.stop - columns.start) // 2
    if whole.is_plain or half < LEAST_SIDE:
        return [whole]
    height, width = images[0].shape
    quarters = [
        tile
        for part in windows(rows.start, rows.stop, half, margin, stride, height)
        for other in windows(columns.start, columns.stop, half, margin, stride, width)
        for tile in _divided(images, part, other, margin, stride)
    ]
    return quarters if sum(tile.cost for tile in quarters) < whole.cost else [whole]


def _is_one_colour(packed: np.ndarray) -> bool:
    # most others are told by their first rows
    return all(bool((rows == packed[0, 0]).all()) for rows in (packed[:8], packed))


def windows(first: int, last: int, longest: int, margin: int, stride: int, length: int) -> Iterator[Window]:
    """Cuts first..last, of 0..length, into even parts on multiples of `stride`, none much longer than `longest`."""
    count = -(-(last - first) // longest)
    step = -(-(last - first) // (count * stride)) * stride
    for start in range(first, last, step):
        stop = min(start + step, last)
        yield Window(start, stop, slice(max(start - margin, 0), min(stop + margin, length)))


def _length(part: slice) -> int:
    return int(part.stop - part.start)
