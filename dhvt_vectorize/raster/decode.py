"""image file or PIL image → pixels: format by content, header checks, first frame, orientation.

In: a seekable binary file, or a PIL image. Out: uint8 RGBA pixels, the name and notes. The format is told from the
first bytes and its Pillow plugin is called directly, so that neither the file's extension nor Pillow's other forty
formats play a part, and the size is checked from the header against our own limit before anything is decoded.

Whatever Pillow raises becomes an InputError. A file whose pixels are not all there is refused, a PNG also when a
checksum fails or its end is missing; a GIF without its final byte is read, since nothing of the image is lost.
"""

from __future__ import annotations

import io
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, TypeGuard

import numpy as np
from jaxtyping import UInt8
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from ..errors import DhvtError, InputError
from .array import check_size
from .colour import colour_key, srgb_pixels
from .libtiff import libtiff_quiet

Decoded = tuple[UInt8[np.ndarray, "H W 4"], str, tuple[str, ...]]

_PLUGINS: dict[str, Callable[[IO[bytes]], ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
}
_SUPPORTED = "PNG, JPEG, WebP, GIF, BMP or TIFF"
# format: (offset, bytes) of its beginnings; the formats after TIFF are known in order to be refused by name
_SIGNATURES: dict[str, tuple[tuple[int, bytes], ...]] = {
    "PNG": ((0, b"\x89PNG\r\n\x1a\n"),),
    "JPEG": ((0, b"\xff\xd8\xff"),),
    "WebP": ((8, b"WEBP"),),
    "GIF": ((0, b"GIF87a"), (0, b"GIF89a")),
    "BMP": ((0, b"BM"),),
    "TIFF": ((0, b"II*\0"), (0, b"MM\0*"), (0, b"II+\0"), (0, b"MM\0+")),
    "SVG or XML": ((0, b"<svg"), (0, b"<?xml"), (0, b"\xef\xbb\xbf<")),
    "PDF": ((0, b"%PDF"),),
    "PostScript": ((0, b"%!PS"),),
    "ZIP": ((0, b"PK\x03\x04"),),
    "Photoshop": ((0, b"8BPS"),),
    "AVIF or HEIF": ((4, b"ftypavif"), (4, b"ftypheic"), (4, b"ftypmif1")),
    "icon": ((0, b"\0\0\1\0"),),
}
_SUFFIXES = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "WebP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
}
_ORIENTATION = 0x0112
# TIFF tags of where strips and tiles begin, and how long they are
_TIFF_PIECES = ((273, 279), (324, 325))

# what Pillow says on stderr of an odd file reaches the user as a note or an InputError, once and with the file's name
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())


def is_pil_image(source: object) -> TypeGuard[Image.Image]:
    """Whether `source` is a PIL image."""
    return isinstance(source, Image.Image)


def decode_file(file: IO[bytes], name: str, max_pixels: int) -> Decoded:
    """Pixels, name and notes of an image file.

    Args:
        file: seekable, at its beginning.
        name: the file's name, for errors and to compare its extension.
        max_pixels: images with more pixels are refused before they are decoded.

    Raises:
        InputError: empty, damaged, unsupported or too large.
    """
    with _pillow_errors(name, max_pixels), _PILLOW_LIMIT.lifted_to(max_pixels):
        format_name = _format_of(file, name)
        plugin = _PLUGINS[format_name]
        image = plugin(file)
        check_size(*image.size, name, max_pixels)
        if format_name == "PNG":
            # Pillow's decoder looks at no checksum of the pixels, and needs a file opened anew after it has checked
            image.verify()
            file.seek(0)
            image = plugin(file)
        elif isinstance(image, TiffImagePlugin.TiffImageFile):
            _check_tiff_ends(image, file, name)
        pixels, notes = _pixels_and_notes(image, name, max_pixels)
        return pixels, name, (*_mislabelled(format_name, name), *_first_frame(image, format_name), *notes)


def decode_image(image: Image.Image, name: str, max_pixels: int) -> Decoded:
    """Pixels, name and notes of a PIL image, as it is now: its current frame, loaded or not.

    Raises:
        InputError: its file is damaged, it has no pixels or too many.
    """
    with _pillow_errors(name, max_pixels), _PILLOW_LIMIT.lifted_to(max_pixels):
        check_size(*image.size, name, max_pixels)
        pixels, notes = _pixels_and_notes(image, name, max_pixels)
        return pixels, name, notes


def _pixels_and_notes(
    image: Image.Image, name: str, max_pixels: int
) -> tuple[UInt8[np.ndarray, "H W 4"], tuple[str, ...]]:
    key = colour_key(image)
    with libtiff_quiet() if isinstance(image, TiffImagePlugin.TiffImageFile) else nullcontext():
        image.load()
    # a TIFF's tiles and a GIF's first frame may show their true size only now
    check_size(*image.size, name, max_pixels)
    image, orientation_notes = _upright(image)
    pixels, colour_notes = srgb_pixels(image, key, name)
    return pixels, orientation_notes + colour_notes


def _format_of(file: IO[bytes], name: str) -> str:
    """The supported format `file` begins like; its position is unchanged."""
    head = file.read(16)
    file.seek(0)
    if not head:
        raise InputError(name, "is empty", "give an image file")
    for format_name, signatures in _SIGNATURES.items():
        if any(head.startswith(signature, offset) for offset, signature in signatures):
            if format_name in _PLUGINS:
                return format_name
            raise InputError(name, f"is a file of type {format_name}, not a raster image", f"give a {_SUPPORTED} file")
    raise InputError(name, "is not an image of a supported format", f"give a {_SUPPORTED} file")


def _check_tiff_ends(image: TiffImagePlugin.TiffImageFile, file: IO[bytes], name: str) -> None:
    """Raise InputError if compressed pixels lie behind the end of the file.

    libtiff would find that out too, but all that Pillow makes of it is a number.
    """
    if image.info.get("compression") == "raw":
        return
    position = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(position)
    for offsets, lengths in _TIFF_PIECES:
        pieces = zip(image.tag_v2.get(offsets, ()), image.tag_v2.get(lengths, ()), strict=False)
        if any(offset + length > size for offset, length in pieces):
            raise InputError(name, "is truncated", "get a complete copy of it")


def _mislabelled(format_name: str, name: str) -> tuple[str, ...]:
    suffix = Path(name).suffix.lower()
    others = (suffixes for other, suffixes in _SUFFIXES.items() if other != format_name)
    if any(suffix in suffixes for suffixes in others):
        return (f"a {format_name} file in spite of its name",)
    return ()


def _first_frame(image: ImageFile.ImageFile, format_name: str) -> tuple[str, ...]:
    """A note if there are more frames than the one taken."""
    try:
        count = getattr(image, "n_frames", 1)
    except Exception:
        # the first frame is sound and taken; damage further on costs the user nothing but the number
        return ("first frame taken, those after it are damaged",)
    if count <= 1:
        return ()
    return (f"first of {count} {'pages' if format_name == 'TIFF' else 'frames'} taken",)


def _upright(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """The image turned as its EXIF orientation asks."""
    try:
        if image.getexif().get(_ORIENTATION, 1) == 1:
            return image, ()
        return ImageOps.exif_transpose(image), ()
    except Exception:
        # EXIF is written by many programs; what Pillow cannot parse must not cost the user the picture
        return image, ("EXIF data cannot be read, orientation ignored",)


@contextmanager
def _pillow_errors(name: str, max_pixels: int) -> Iterator[None]:
    """Turn whatever Pillow raises into an InputError about `name`.

    Its decoders meet damaged bytes with OSError, SyntaxError, ValueError, KeyError, struct.error, zlib.error and more,
    a set that changes with its version; so everything is caught, and only Pillow is called inside.
    """
    try:
        yield
    except DhvtError:
        raise
    except Image.DecompressionBombError as error:
        cause = f"has more than the {max_pixels:,} pixels allowed"
        raise InputError(name, cause, "make it smaller or raise --max-pixels") from error
    except MemoryError as error:
        raise InputError(name, "needs more memory than there is", "make it smaller") from error
    except Exception as error:
        if "not identified by this driver" in str(error):
            # Pillow's words for a header that its plugin reads, but with a side of zero or no pixel format
            raise InputError(name, "has no pixels", "give an image of at least 1×1 pixel") from error
        if "truncated" in str(error).lower():
            raise InputError(name, "is truncated", "get a complete copy of it") from error
        cause = f"is damaged or of a kind that cannot be read ({error})"
        raise InputError(name, cause, "save it anew, best as an 8-bit PNG") from error


class _PillowLimit:
    """Pillow's pixel limit, a global that some plugins look at, lifted while a decode is allowed more than it.

    Counted under a lock, so that concurrent decodes neither lose the limit nor restore it too early.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decodes = 0
        self._limit: int | None = None

    @contextmanager
    def lifted_to(self, max_pixels: int) -> Iterator[None]:
        with self._lock:
            limit = self._limit if self._decodes else Image.MAX_IMAGE_PIXELS
            lift = limit is not None and max_pixels > limit
            if lift:
                self._limit, Image.MAX_IMAGE_PIXELS = limit, None
                self._decodes += 1
        try:
            yield
        finally:
            with self._lock:
                if lift:
                    self._decodes -= 1
                    if self._decodes == 0:
                        Image.MAX_IMAGE_PIXELS = self._limit


_PILLOW_LIMIT = _PillowLimit()
