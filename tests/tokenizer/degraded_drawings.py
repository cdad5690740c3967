"""Small drawings, what happens to them on their way, and how far two pictures are apart."""

from __future__ import annotations

import io

import numpy as np
from flat_shapes import coverage, disc, painted, regular_polygon
from PIL import Image, ImageFilter

SIDE = 96
SEEDS = range(4)


def drawing(seed: int) -> np.ndarray:
    """A disc and a polygon of random, well told apart colours on a light ground."""
    random = np.random.default_rng(seed)
    ground, first, second = ((245, 240, 230), *random.permuted([[200, 30, 60], [20, 90, 170], [30, 130, 40]])[:2])
    picture = painted(coverage(disc(34.3, 40.1, 22.6), SIDE, SIDE), tuple(first), ground)
    share = coverage(regular_polygon(62.7, 60.2, 24.4, 5, random.uniform(0, 1)), SIDE, SIDE)[..., None]
    picture[..., :3] = np.rint(share * second + (1 - share) * picture[..., :3])
    return picture


def as_jpeg(pixels: np.ndarray, quality: int = 75, subsampling: str = "4:2:0") -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return np.array(Image.open(buffer).convert("RGBA"))


def decibels(pixels: np.ndarray, truth: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((pixels / 255.0 - truth / 255.0) ** 2)))


def blurred(pixels: np.ndarray) -> np.ndarray:
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(1.0)))


def enlarged(pixels: np.ndarray) -> np.ndarray:
    return np.array(Image.fromarray(pixels).resize((2 * SIDE, 2 * SIDE), Image.Resampling.BILINEAR))


def noisy(pixels: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 4, pixels.shape) * (1, 1, 1, 0)
    return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)
