"""array → 8-bit RGBA pixels.

In: samples of any supported type, and arrays of any supported shape. Out: uint8, (H, W, 4) for arrays. A sample's
full scale maps to 255 and values are rounded, not cut: 16-bit values are divided by 257, floats multiplied by 255.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import UInt8

from ..errors import InputError

# which channel of the array becomes red, green, blue; the last is alpha where there are two or four
_COLOUR_CHANNELS = {1: (0, 0, 0), 2: (0, 0, 0), 3: (0, 1, 2), 4: (0, 1, 2)}


def pixels_of_array(array: np.ndarray, name: str, max_pixels: int) -> UInt8[np.ndarray, "H W 4"]:
    """RGBA pixels of an (H, W) or (H, W, 1 | 2 | 3 | 4) array; never a view of it.

    Raises:
        InputError: the shape, type or range is none of the supported, it is empty or has more than `max_pixels` pixels.
    """
    samples = np.asarray(array)
    if samples.ndim == 2:
        samples = samples[..., np.newaxis]
    if samples.ndim != 3 or samples.shape[2] not in _COLOUR_CHANNELS:
        remedy = "give (H, W) or (H, W, C) with 1, 2, 3 or 4 channels last"
        raise InputError(name, f"has the shape {array.shape}", remedy)
    height, width, channels = samples.shape
    check_size(width, height, name, max_pixels)
    samples = eight_bit(samples, name)
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., :3] = samples[..., _COLOUR_CHANNELS[channels]]
    if channels in (2, 4):
        pixels[..., 3] = samples[..., -1]
    return pixels


def check_size(width: int, height: int, name: str, max_pixels: int) -> None:
    """Raise InputError unless there is at least one pixel and at most `max_pixels` are there."""
    if width < 1 or height < 1:
        raise InputError(name, f"has no pixels ({width}×{height})", "give an image of at least 1×1 pixel")
    if width * height > max_pixels:
        cause = f"has {width}×{height} = {width * height:,} pixels, more than the {max_pixels:,} allowed"
        raise InputError(name, cause, "make it smaller or raise --max-pixels")


def eight_bit(samples: np.ndarray[Any, Any], name: str) -> UInt8[np.ndarray, ...]:
    """Samples of type uint8, uint16 (either byte order), bool or float in 0…1 as uint8.

    Raises:
        InputError: another type; a float that is NaN, infinite or outside 0…1.
    """
    if samples.dtype == np.uint8:
        return samples
    if samples.dtype == np.bool_:
        return samples.astype(np.uint8) * np.uint8(255)
    if samples.dtype.newbyteorder("=") == np.uint16:
        return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if samples.dtype.kind == "f":
        return _eight_bit_of_float(samples, name)
    remedy = "convert it to uint8, uint16, bool or float in 0…1"
    raise InputError(name, f"has samples of type {samples.dtype}", remedy)


def _eight_bit_of_float(samples: np.ndarray[Any, Any], name: str) -> UInt8[np.ndarray, ...]:
    lowest, highest = float(samples.min()), float(samples.max())
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise InputError(name, "holds NaN or infinite values", "replace them, for instance with numpy.nan_to_num")
    if lowest < 0 or highest > 1:
        cause = f"holds floats from {lowest:g} to {highest:g}, outside 0…1"
        raise InputError(name, cause, "scale them to 0…1, or convert them to uint8")
    # float16 would lose whole levels in the product
    wide = samples.astype(np.result_type(samples.dtype, np.float32))
    levels: np.ndarray = np.rint(wide * 255).astype(np.uint8)
    return levels
