"""file or array → RasterImage.

In: a path, "-" (standard input), bytes, a PIL image, a NumPy array or a RasterImage. Out: uint8 sRGB with straight
alpha, whatever the source was. This file finds out what the source is and reads it; `decode` decodes files
with Pillow, `colour` brings any mode and colour profile to sRGB, `array` brings any array to 8 bits.

Pillow is imported when a file or a PIL image comes in, not before. Limits: of a 16-bit RGB file Pillow keeps the
high byte of a sample (16-bit grey is rounded exactly); of an animation the first frame is taken.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from ..errors import InputError
from ..options import VectorizeOptions
from .array import pixels_of_array

if TYPE_CHECKING:
    from PIL import Image


# compared by identity: arrays have no single truth value
@dataclass(frozen=True, eq=False)
class RasterImage:
    """An image as the rest of the program sees it.

    Attributes:
        pixels: uint8 (H, W, 4), sRGB with straight alpha; where alpha is 0 the colour is 0.
        name: what messages call it: the file's path, "<stdin>", "<array>" or "<image>".
        notes: what the user should know of the decoding ("first of 12 frames taken"), one line each.
    """

    pixels: UInt8[np.ndarray, "H W 4"]
    name: str
    notes: tuple[str, ...] = ()


def load_raster(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | np.ndarray | Image.Image | RasterImage,
    max_pixels: int = VectorizeOptions.max_pixels,
) -> RasterImage:
    """Decode `source`.

    Args:
        source: a path, "-" (standard input), the bytes of a file, a PIL image (its current frame), an array (H, W) or
            (H, W, 1 | 2 | 3 | 4) of uint8, uint16, bool or float in 0…1 whose channels are grey, grey + alpha, RGB or
            RGBA, or a RasterImage, which is returned as it is.
        max_pixels: images with more pixels are refused, files before they are decoded.

    Raises:
        InputError: nothing there to read, not an image of a supported format, damaged, too large, or an array of the
            wrong shape, type or range.
    """
    if isinstance(source, RasterImage):
        return source
    if isinstance(source, np.ndarray):
        return _finished(pixels_of_array(source, "<array>", max_pixels), "<array>", ())
    from . import decode

    if isinstance(source, (bytes, bytearray, memoryview)):
        return _finished(*decode.decode_file(io.BytesIO(source), "<image>", max_pixels))
    if isinstance(source, (str, os.PathLike)):
        with _opened(source) as (file, name):
            return _finished(*decode.decode_file(file, name, max_pixels))
    if decode.is_pil_image(source):
        return _finished(*decode.decode_image(source, "<image>", max_pixels))
    raise InputError(
        f"<{type(source).__name__}>", "is not an image", "give a path, bytes, a PIL image or a NumPy array"
    )


def _finished(pixels: UInt8[np.ndarray, "H W 4"], name: str, notes: tuple[str, ...]) -> RasterImage:
    """The RasterImage of `pixels`, the colour of what is not there cleared."""
    invisible = pixels[..., 3] == 0
    if invisible.any():
        pixels[invisible] = 0
    return RasterImage(pixels, name, notes)


@contextmanager
def _opened(source: str | os.PathLike[str]) -> Iterator[tuple[IO[bytes], str]]:
    """A seekable file to read `source` from, and what to call it."""
    if source == "-":
        if sys.stdin is None:
            raise InputError("<stdin>", "is closed", "give a file name, or send the image to standard input")
        yield io.BytesIO(sys.stdin.buffer.read()), "<stdin>"
        return
    name = os.fspath(source)
    try:
        if Path(name).is_dir():
            raise InputError(name, "is a folder", "give an image file here")
        file = open(name, "rb")  # noqa: SIM115 (closed below; errors of the caller's own block are not caught here)
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error
    with file:
        # a pipe cannot be rewound, and decoders need to
        yield (file if file.seekable() else io.BytesIO(file.read())), name


def _unreadable(name: str, error: Exception) -> InputError:
    """The error for a file that cannot even be opened."""
    if isinstance(error, FileNotFoundError):
        return InputError(name, "there is no such file", "check the name and the folder")
    if isinstance(error, PermissionError):
        return InputError(name, "may not be read", "give yourself read permission for it")
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(name, f"cannot be opened ({reason})", "check the name and the folder")
