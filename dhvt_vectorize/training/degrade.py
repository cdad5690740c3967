"""Clean image → what files do to images: resampling, blur, fewer colours, noise, JPEG.

In: uint8 (H, W, 4), sRGB with straight alpha. Out: the same kind of array; only `resampled` changes the size. Colour is
premultiplied wherever pixels are mixed, so that what is transparent lends no colour. All randomness comes from the
generator that is passed. Limits: JPEG and palettes know no alpha and are for opaque images.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from scipy.ndimage import gaussian_filter

from ..errors import InputError

Resampling = Image.Resampling
_TO_LINEAR = np.where(
    np.arange(256) <= 0.04045 * 255, np.arange(256) / (255 * 12.92), ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4
).astype(np.float32)

ENLARGING = (Resampling.BILINEAR, Resampling.BICUBIC, Resampling.LANCZOS)
REDUCING = (Resampling.BOX, Resampling.BILINEAR, Resampling.BICUBIC, Resampling.LANCZOS)
# 4:4:4, 4:2:2 and 4:2:0 as Pillow counts them
_SUBSAMPLINGS = (0, 1, 2)


@dataclass(frozen=True)
class Degradation:
    """One way in which an image went through programs and files; the defaults leave it as it is.

    Attributes:
        scale: size at which the image was made, relative to the one it has now: below 1 it was enlarged since.
        resampling: the filter that did it.
        linear_light: whether that filter mixed light (linear) rather than sRGB values.
        blur: sigma of a Gaussian, in pixels.
        palette: number of colours left, 0 for all.
        noise: sigma of white noise in levels of 255, independent in each colour channel.
        jpeg: quality (1…95), 0 for none.
        subsampling: of JPEG's chroma, 0 none, 1 horizontal, 2 both ways.
    """

    scale: float = 1.0
    resampling: Resampling = Resampling.BICUBIC
    linear_light: bool = False
    blur: float = 0.0
    palette: int = 0
    noise: float = 0.0
    jpeg: int = 0
    subsampling: int = 0

    @property
    def needs_opaque(self) -> bool:
        """Whether it is one that images with alpha cannot have gone through."""
        return bool(self.palette or self.jpeg)

    def applied(self, image: UInt8[np.ndarray, "H W 4"], random: np.random.Generator) -> UInt8[np.ndarray, "H W 4"]:
        """The image after all but the resampling, which is for whoever makes the image at `scale`."""
        if self.blur:
            image = blurred(image, self.blur)
        if self.palette:
            image = with_palette(image, self.palette)
        if self.noise:
            image = noisy(image, self.noise, random)
        return through_jpeg(image, self.jpeg, self.subsampling) if self.jpeg else image


def random_degradation(random: np.random.Generator) -> Degradation:
    """A degradation with at least one effect, most often one: of a drawing's export, another size, compression."""
    geometry, blurs, limits, shakes, compresses = random.random(5) < (0.4, 0.1, 0.1, 0.2, 0.5)
    enlarges = bool(random.integers(2))
    filters = ENLARGING if enlarges else REDUCING
    # twice as large, for screens of twice the resolution, is what most enlarging is for
    scale = 1 / random.choice([2.0, random.uniform(1.5, 3.0)]) if enlarges else random.uniform(1.3, 2.5)
    degradation = Degradation(
        scale=float(scale) if geometry else 1.0,
        resampling=filters[random.integers(len(filters))],
        linear_light=bool(random.integers(2)),
        blur=float(random.uniform(0.3, 1.0)) if blurs else 0.0,
        palette=int(random.integers(16, 257)) if limits else 0,
        noise=float(np.exp(random.uniform(0, np.log(8)))) if shakes else 0.0,
        jpeg=int(random.integers(50, 96)) if compresses else 0,
        subsampling=_SUBSAMPLINGS[random.integers(len(_SUBSAMPLINGS))],
    )
    if geometry or blurs or limits or shakes or compresses:
        return degradation
    return random_degradation(random)


def resampled(
    image: UInt8[np.ndarray, "H W 4"], size: tuple[int, int], resampling: Resampling, linear_light: bool = False
) -> UInt8[np.ndarray, "height width 4"]:
    """The image at another size.

    Args:
        image: straight alpha.
        size: (width, height) in pixels.
        resampling: Pillow's filter.
        linear_light: mix linear light rather than sRGB values.
    """
    if not linear_light:
        # Pillow premultiplies RGBA for this by itself
        mixed: UInt8[np.ndarray, "height width 4"] = np.array(Image.fromarray(image).resize(size, resampling))
        return mixed
    alpha = image[..., 3:].astype(np.float32) / 255
    channels = np.concatenate([_TO_LINEAR[image[..., :3]] * alpha, alpha], 2)
    resized = [np.asarray(Image.fromarray(channels[..., c]).resize(size, resampling)) for c in range(4)]
    return _straight(np.stack(resized, 2), _srgb)


def blurred(image: UInt8[np.ndarray, "H W 4"], sigma: float) -> UInt8[np.ndarray, "H W 4"]:
    """The image under a Gaussian of `sigma` pixels."""
    alpha = image[..., 3:].astype(np.float32) / 255
    channels = np.concatenate([image[..., :3] * (alpha / 255), alpha], 2)
    return _straight(gaussian_filter(channels, (sigma, sigma, 0), truncate=3.0), lambda colour: colour)


def noisy(image: UInt8[np.ndarray, "H W 4"], sigma: float, random: np.random.Generator) -> UInt8[np.ndarray, "H W 4"]:
    """The image with white Gaussian noise of `sigma` levels on each colour channel; alpha stays."""
    shaken = image[..., :3] + sigma * random.standard_normal((*image.shape[:2], 3), np.float32)
    colour = np.clip(np.rint(shaken), 0, 255).astype(np.uint8) * (image[..., 3:] > 0)
    return np.concatenate([colour, image[..., 3:]], 2)


def with_palette(image: UInt8[np.ndarray, "H W 4"], colours: int) -> UInt8[np.ndarray, "H W 4"]:
    """The opaque image in `colours` (2…256) colours chosen for it, dithered, as a GIF holds it."""
    full = _opaque(image)
    palette = full.quantize(colours, method=Image.Quantize.FASTOCTREE)
    return np.array(full.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).convert("RGBA"))


def through_jpeg(image: UInt8[np.ndarray, "H W 4"], quality: int, subsampling: int) -> UInt8[np.ndarray, "H W 4"]:
    """The opaque image after JPEG of a quality (1…95) and a chroma subsampling (0, 1, 2)."""
    buffer = io.BytesIO()
    _opaque(image).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    buffer.seek(0)
    with JpegImageFile(buffer) as decoded:
        return np.array(decoded.convert("RGBA"))


def over(image: UInt8[np.ndarray, "H W 4"], background: UInt8[np.ndarray, " 3"]) -> UInt8[np.ndarray, "H W 4"]:
    """The image over one opaque colour."""
    alpha = image[..., 3:].astype(np.uint32)
    colour = (image[..., :3] * alpha + background * (255 - alpha) + 127) // 255
    return np.concatenate([colour.astype(np.uint8), np.full_like(image[..., 3:], 255)], 2)


def _opaque(image: UInt8[np.ndarray, "H W 4"]) -> Image.Image:
    if (image[..., 3] != 255).any():
        raise InputError("<array>", "is not opaque", "put it over a background first")
    return Image.fromarray(np.ascontiguousarray(image[..., :3]))


def _straight(
    premultiplied: Float32[np.ndarray, "H W 4"],
    encode: Callable[[Float32[np.ndarray, "H W 3"]], Float32[np.ndarray, "H W 3"]],
) -> UInt8[np.ndarray, "H W 4"]:
    """Premultiplied floats of 0…1 as straight uint8, colours passed through `encode`."""
    alpha = np.clip(premultiplied[..., 3:], 0, 1)
    colour = np.clip(premultiplied[..., :3] / np.maximum(alpha, 1 / 1024), 0, 1)
    channels = 255 * np.concatenate([encode(colour), alpha], 2)
    image: UInt8[np.ndarray, "H W 4"] = np.rint(channels).astype(np.uint8)
    image[image[..., 3] == 0] = 0
    return image


def _srgb(linear: Float32[np.ndarray, "H W 3"]) -> Float32[np.ndarray, "H W 3"]:
    curve = 1.055 * linear ** np.float32(1 / 2.4) - 0.055
    encoded: Float32[np.ndarray, "H W 3"] = np.where(linear <= 0.0031308, 12.92 * linear, curve)
    return encoded
