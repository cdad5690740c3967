"""Image files made for tests, some by hand, since Pillow reads more than it writes."""

import math
import struct
import zlib
from io import BytesIO

import numpy as np
import tifffile
from PIL import Image

RAMP = (np.arange(24 * 20 * 3).reshape(24, 20, 3) * 7 % 256).astype(np.uint8)


def encoded(image, format_name, **options):
    """The bytes of a PIL image or array in a file format."""
    buffer = BytesIO()
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def png(samples, bits, colour_type, chunks=()):
    """A PNG of any bit depth: samples (H, W) or (H, W, C) of `bits` each, further chunks before the pixels."""
    height, width = samples.shape[:2]
    rows = samples.reshape(height, math.prod(samples.shape[1:]))
    if bits == 16:
        packed = [row.astype(">u2").tobytes() for row in rows]
    else:
        unpacked = (rows[..., np.newaxis] >> np.arange(bits)[::-1]) & 1
        packed = [np.packbits(row.astype(np.uint8)).tobytes() for row in unpacked]
    header = struct.pack(">2I5B", width, height, bits, colour_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in packed))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts)


def png_chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def tiff(array, **options):
    buffer = BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def animation(format_name, frames=3):
    images = [Image.new("RGB", (8, 6), (100 * index, 0, 50)) for index in range(frames)]
    options = {"lossless": True} if format_name == "WebP" else {}
    return encoded(images[0], format_name, save_all=True, append_images=images[1:], **options)
