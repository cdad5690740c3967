"""Images that hurt a tracer: each a function of width, height and nothing else → uint8 (H, W, 3).

Some have no regions (flat, ramp), some as many as pixels (checkerboard, dithering), some one neighbour for thousands
(halftone, specks), some only thin ones (line art). Random numbers come from a fixed seed, so each image is the same on
every run.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

RgbArray = UInt8[np.ndarray, "height width 3"]

SEED = 7
# Bayer's 4 × 4 matrix of thresholds
_BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])


def flat(width: int, height: int) -> RgbArray:
    """One colour."""
    return np.full((height, width, 3), (70, 130, 180), np.uint8)


def ramp(width: int, height: int) -> RgbArray:
    """Red rises to the right, green downwards, blue falls to the right: hardly a pixel equals its neighbour."""
    x = np.linspace(0, 255, width)[None, :].repeat(height, axis=0)
    y = np.linspace(0, 255, height)[:, None].repeat(width, axis=1)
    return np.stack([x, y, 255 - x], axis=2).round().astype(np.uint8)


def checkerboard(width: int, height: int) -> RgbArray:
    """Black and white pixels in turn."""
    return _grey(np.indices((height, width)).sum(axis=0) % 2 * 255)


def halftone(width: int, height: int) -> RgbArray:
    """Black dots 6 px apart on one white ground, growing to the right: a hub with thousands of neighbours."""
    y, x = np.indices((height, width)) % 6 - 2.5
    radius = 0.8 + 1.6 * np.arange(width)[None, :] / width
    return _grey(np.where(np.hypot(x, y) < radius, 0, 255))


def specks(width: int, height: int) -> RgbArray:
    """One grey, and 10 % of its pixels in random colours."""
    random = np.random.default_rng(SEED)
    image = np.full((height, width, 3), 128, np.uint8)
    hit = random.random((height, width)) < 0.1
    image[hit] = random.integers(0, 256, (int(hit.sum()), 3), dtype=np.uint8)
    return image


def dithering(width: int, height: int) -> RgbArray:
    """A ramp in black and white by ordered dithering (Bayer 4 × 4)."""
    level = np.linspace(0, 16, width)[None, :]
    threshold = np.tile(_BAYER, (height // 4 + 1, width // 4 + 1))[:height, :width]
    return _grey(np.where(level > threshold + 0.5, 255, 0))


def line_art(width: int, height: int) -> RgbArray:
    """Anti-aliased black strokes, one for every 2,000 pixels, each up to 100 px long and 1 to 3 px wide, on white."""
    random = np.random.default_rng(SEED)
    enlarged = 2
    page = Image.new("L", (width * enlarged, height * enlarged), 255)
    pen = ImageDraw.Draw(page)
    for _ in range(width * height // 2000):
        start = random.random(2) * (width, height)
        end = start + random.uniform(-70, 70, 2)
        ends = [(x * enlarged, y * enlarged) for x, y in (start.tolist(), end.tolist())]
        pen.line(ends, fill=0, width=int(random.integers(2, 7)))
    return _grey(np.asarray(page.resize((width, height), Image.Resampling.BOX)))


MAKERS: dict[str, Callable[[int, int], RgbArray]] = {
    "flat": flat,
    "ramp": ramp,
    "checkerboard": checkerboard,
    "halftone": halftone,
    "specks": specks,
    "dithering": dithering,
    "line art": line_art,
}


def _grey(levels: np.ndarray) -> RgbArray:
    return np.ascontiguousarray(np.repeat(levels.astype(np.uint8)[:, :, None], 3, axis=2))
