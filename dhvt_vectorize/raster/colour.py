"""PIL image of any mode → 8-bit sRGB with straight alpha.

In: a loaded PIL image. Out: uint8 (H, W, 4) and a note if the colour profile could not be used. The image is split
into a colour part (grey, RGB, CMYK or L*a*b*) and alpha; the colour part goes through the embedded ICC profile to
sRGB with LittleCMS, perceptual intent, or through Pillow's plain conversion where there is no profile.

Limits: CMYK without a profile is (1 − C)(1 − K), so its colours are nominal.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageCms

from ..errors import InputError
from .array import eight_bit

# TIFF tags
_BITS_PER_SAMPLE = 258
_PHOTOMETRIC = 262
_MIN_IS_WHITE = 0

# an ICC profile's colour space: the PIL mode it describes
_MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "LAB": "LAB"}
# Pillow's raw modes of PNGs whose colour key is still in the file's bits: what brings it to the pixels' bits
_KEY_SCALE = {"L;2": 85.0, "L;4": 17.0, "RGB;16B": 1 / 256}


def colour_key(image: Image.Image) -> Any:
    """The one colour that a grey or RGB image calls transparent, in units of its pixels, or None.

    To be asked before the image is loaded: then its file's raw mode is still known.
    """
    key = image.info.get("transparency")
    tiles = getattr(image, "tile", None)
    if key is None or not tiles:
        return key
    scale = _KEY_SCALE.get(tiles[0][3]) if isinstance(tiles[0][3], str) else None
    if scale is None:
        return key
    return tuple(int(part * scale) for part in key) if isinstance(key, tuple) else int(key * scale)


def srgb_pixels(image: Image.Image, key: Any, name: str) -> tuple[UInt8[np.ndarray, "H W 4"], tuple[str, ...]]:
    """Pixels of a loaded image in sRGB, and notes about its colour profile.

    Args:
        image: loaded, of any mode Pillow has.
        key: its transparent colour, from `colour_key`.
        name: what errors call it.

    Raises:
        InputError: float or 32-bit samples outside their range.
    """
    colour, alpha = _colour_and_alpha(image, key, name)
    rgb, notes = _to_srgb(colour, image.info.get("icc_profile"))
    pixels = np.empty((image.height, image.width, 4), np.uint8)
    pixels[..., :3] = np.asarray(rgb)
    pixels[..., 3] = 255 if alpha is None else alpha
    return pixels, notes


def _colour_and_alpha(image: Image.Image, key: Any, name: str) -> tuple[Image.Image, np.ndarray | None]:
    """A colour image of mode L, RGB, CMYK or LAB, and alpha as uint8 (H, W) where there is any."""
    mode = image.mode
    if mode in ("CMYK", "LAB"):
        return image, None
    if mode in ("I", "F") or mode.startswith("I;16"):
        return Image.fromarray(_deep_grey(image, name)), _alpha_of_key(image, key)
    if mode in ("1", "L", "RGB"):
        return image.convert("L") if mode == "1" else image, _alpha_of_key(image, key)
    if mode in ("LA", "La"):
        # Pillow un-premultiplies towards the straight mode only
        straight = image.convert("LA")
        return straight.getchannel("L"), np.asarray(straight.getchannel("A"))
    if image.has_transparency_data:
        straight = image.convert("RGBA")
        return straight.convert("RGB"), np.asarray(straight.getchannel("A"))
    return image.convert("RGB"), None


def _alpha_of_key(image: Image.Image, key: Any) -> np.ndarray | None:
    """Alpha 0 where the pixel is the transparent colour, 255 elsewhere."""
    if key is None:
        return None
    samples = np.asarray(image)
    if image.mode == "1":
        samples = samples * 255
    transparent = samples == np.asarray(key)
    if samples.ndim == 3:
        transparent = transparent.all(axis=2)
    return np.where(transparent, 0, 255).astype(np.uint8)


def _deep_grey(image: Image.Image, name: str) -> UInt8[np.ndarray, "H W"]:
    """Grey of more than 8 bits (mode I;16…, I, F) as 8 bits."""
    samples = np.asarray(image)
    if image.mode == "I":
        # Pillow's mode for 16-bit grey of older versions, and for signed and 32-bit samples
        if samples.min() < 0 or samples.max() > 65535:
            cause = f"holds whole numbers from {samples.min()} to {samples.max()}, outside 16 bits"
            raise InputError(name, cause, "save it with 8 or 16 bits a sample")
        samples = samples.astype(np.uint16)
    tags = getattr(image, "tag_v2", {})
    if tags.get(_BITS_PER_SAMPLE) == (12,):
        samples = (samples.astype(np.uint32) * 65535 // 4095).astype(np.uint16)
    grey = eight_bit(samples, name)
    # Pillow inverts such files itself up to 8 bits only
    return 255 - grey if tags.get(_PHOTOMETRIC) == _MIN_IS_WHITE else grey


def _to_srgb(colour: Image.Image, profile: bytes | None) -> tuple[Image.Image, tuple[str, ...]]:
    """An RGB image in sRGB, and a note if there is a profile that cannot be used."""
    if profile:
        # LittleCMS and Pillow meet broken profiles with many exceptions; each means the same: carry on without
        try:
            return _through_profile(colour, ImageCms.ImageCmsProfile(io.BytesIO(profile))), ()
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            return _without_profile(colour), (f"colour profile ignored, it cannot be used ({reason})",)
    return _without_profile(colour), ()


def _without_profile(colour: Image.Image) -> Image.Image:
    if colour.mode == "LAB":
        return _through_profile(colour, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    return colour.convert("RGB")


def _through_profile(colour: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """`colour` converted from `profile` to sRGB."""
    space = profile.profile.xcolor_space.strip().upper()
    mode = _MODE_OF_SPACE.get(space)
    if mode == "RGB" and colour.mode == "L":
        colour = colour.convert("RGB")
    if mode != colour.mode:
        raise ValueError(f"a {space} profile in a {colour.mode} image")
    # LittleCMS speeds a grey curve up by interpolating a few samples of it, up to ten levels off where it is steep
    flags = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
    transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB", flags=flags)
    if mode in ("RGB", "L") and _is_identity(transform, mode):
        return colour.convert("RGB")
    converted = ImageCms.applyTransform(colour, transform)
    assert converted is not None  # None only when converting in place
    return converted


def _is_identity(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a transform moves no colour by more than one level.

    So the many profiles that are sRGB under another name leave the pixels exactly as they are in the file.
    """
    levels = np.append(np.arange(0, 255, 16), 255).astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
    image = Image.fromarray(cube if mode == "RGB" else levels[np.newaxis])
    moved = ImageCms.applyTransform(image, transform)
    difference = np.asarray(moved).astype(np.int16) - np.asarray(image.convert("RGB"))
    return bool(np.abs(difference).max() <= 1)
