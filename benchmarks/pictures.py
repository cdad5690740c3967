"""Names of image sets → the pictures that every tracer is given: an opaque raster and, for artwork, the true SVG.

kodak       photographs 01–12 of the shared `data/kodak`, 768 × 512
emoji-SIZE  the emoji list, drawn over white so that the long side has SIZE pixels; icons-SIZE and clipart-SIZE likewise
bw-SIZE     the icons in black and white, thresholded after Otsu (1979), for tracers of bitmaps; no true SVG

A degraded set has the same pictures after what happens to pictures on their way: `jpeg` (quality 75), `x2` (twice the
size by bilinear interpolation), `noise` (Gaussian, sigma 4, seeded by the picture's name).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from skimage.filters import threshold_otsu

from dhvt_vectorize.drawing.preview import over, render_png
from dhvt_vectorize.errors import InputError, UsageError

from .data import listed, shared_folder

RgbArray = UInt8[np.ndarray, "height width 3"]
Item = TypeVar("Item")

SIZES = {"emoji": (64, 128, 256, 512), "icons": (64, 128, 256), "clipart": (512,), "bw": (256,)}
KINDS = ("kodak", *SIZES)


@dataclass(frozen=True)
class Picture:
    """What a tracer is given: its set, its name in it, uint8 (H, W, 3), and the SVG it was drawn from, if any."""

    set_name: str
    name: str
    raster: RgbArray
    truth: str | None = None


def set_names(kinds: Sequence[str], sizes: Sequence[int] = ()) -> list[str]:
    """The sets of these kinds at those of their sizes that are asked for, or at all of them.

    Raises:
        UsageError: unknown kind, or a size that no set has.
    """
    known = sorted({size for offered in SIZES.values() for size in offered})
    check_names("--sets", kinds, KINDS)
    check_names("--sizes", sizes, known)
    names = []
    for kind in kinds:
        names += (
            ["kodak"] if kind == "kodak" else [f"{kind}-{size}" for size in SIZES[kind] if size in (sizes or known)]
        )
    return names


def pictures(set_name: str, limit: int | None = None, split: str = "test") -> list[Picture]:
    """The pictures of a set, or `limit` of them spread over it; of artwork those of the split's list.

    Raises:
        InputError: the images, lists or cached drawings are not there.
    """
    kind, _, size = set_name.partition("-")
    if kind == "kodak":
        return [Picture(set_name, path.stem, read_rgb(path)) for path in spread(kodak_paths(), limit)]
    artworks = spread(listed("icons" if kind == "bw" else kind, split), limit)
    drawn = [Picture(set_name, art.name, rasterize(art.svg, int(size)), art.svg) for art in artworks]
    if kind == "bw":
        return [replace(picture, raster=black_and_white(picture.raster), truth=None) for picture in drawn]
    return drawn


def degraded(picture: Picture, how: str) -> Picture:
    """The picture after one of DEGRADATIONS, in a set of its own."""
    raster = DEGRADATIONS[how](picture.raster, int(hashlib.sha1(picture.name.encode()).hexdigest()[:8], 16))
    return replace(picture, set_name=f"{picture.set_name} {how}", raster=raster)


def kodak_paths() -> list[Path]:
    """The photographs' files, in order.

    Raises:
        InputError: they are not in the shared folder.
    """
    folder = shared_folder() / "data" / "kodak"
    paths = sorted(folder.glob("*.png"))
    if not paths:
        raise InputError(folder, "holds no photographs", "set DHVT_SHARED to the folder that holds data/kodak")
    return paths


def photograph(width: int, height: int) -> RgbArray:
    """One large photograph: the Kodak images as the tiles of a wall, cut to size at its upper left corner.

    Tiles keep a photograph's detail a pixel, which enlarging would smooth away. Upright images are turned; 12 images
    fill 2,048 × 2,048 pixels, more begins with the first again.
    """
    photos = [read_rgb(path) for path in kodak_paths()]
    tiles = [photo if photo.shape[0] <= photo.shape[1] else np.rot90(photo) for photo in photos]
    tile_height, tile_width = tiles[0].shape[:2]
    columns, rows = -(-width // tile_width), -(-height // tile_height)
    wall = [
        np.hstack([tiles[(row * columns + column) % len(tiles)] for column in range(columns)]) for row in range(rows)
    ]
    return np.ascontiguousarray(np.vstack(wall)[:height, :width])


def rasterize(svg: str, long_side: int) -> RgbArray:
    """A drawing over white, its aspect ratio kept, as uint8 (H, W, 3) with a long side of that many pixels."""
    with Image.open(io.BytesIO(render_png(svg, long_side, long_side))) as image:
        return np.asarray(over(image.convert("RGBA"), (255, 255, 255)))


def black_and_white(raster: RgbArray) -> RgbArray:
    """The raster in 0 and 255, split at Otsu's threshold of its grey levels; one colour becomes white."""
    grey = np.asarray(Image.fromarray(raster).convert("L"))
    # scikit-image is typed here and there; as a plain callable it passes either way
    threshold: Callable[..., Any] = threshold_otsu
    white = grey > threshold(grey) if grey.min() < grey.max() else np.ones_like(grey, bool)
    return np.repeat(np.where(white, 255, 0).astype(np.uint8)[:, :, None], 3, axis=2)


def read_rgb(path: Path) -> RgbArray:
    """An image file without alpha as uint8 (H, W, 3)."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _jpeg(raster: RgbArray, _: int) -> RgbArray:
    buffer = io.BytesIO()
    Image.fromarray(raster).save(buffer, "JPEG", quality=75)
    with Image.open(buffer) as image:
        return np.asarray(image.convert("RGB"))


def _enlarged(raster: RgbArray, _: int) -> RgbArray:
    height, width = raster.shape[:2]
    return np.asarray(Image.fromarray(raster).resize((2 * width, 2 * height), Image.Resampling.BILINEAR))


def _noisy(raster: RgbArray, seed: int) -> RgbArray:
    noise = np.random.default_rng(seed).normal(0, 4, raster.shape)
    return np.clip(np.rint(raster + noise), 0, 255).astype(np.uint8)


DEGRADATIONS: dict[str, Callable[[RgbArray, int], RgbArray]] = {"jpeg": _jpeg, "x2": _enlarged, "noise": _noisy}


def check_names(option: str, values: Sequence[object], known: Collection[object]) -> None:
    """Raises UsageError for the first of an option's values that is not known, with those that are."""
    for value in values:
        if value not in known:
            raise UsageError(option, f"no such value {value!r}", f"choose from {', '.join(map(str, known))}")


def spread(items: list[Item], limit: int | None) -> list[Item]:
    """`limit` items evenly spread over the list, the first among them."""
    if limit is None or limit >= len(items):
        return items
    return [items[index * len(items) // limit] for index in range(limit)]
