"""Small pictures for tests of the whole pipeline, anti-aliased by supersampling, and one vectorizer for all."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image

from dhvt_vectorize.options import VectorizeOptions
from dhvt_vectorize.pipeline import Vectorizer

FINE = 8
CLEAR = (0, 0, 0, 0)


@cache
def vectorizer() -> Vectorizer:
    """The one of the package's own weights, on the processor, loaded once."""
    return Vectorizer(device="cpu")


def drawn(colour_at: Callable[[np.ndarray, np.ndarray], np.ndarray], height: int, width: int) -> np.ndarray:
    """uint8 (H, W, 4), straight alpha: what `colour_at` (x, y) → RGBA shows on average over each pixel."""
    y, x = np.mgrid[: height * FINE, : width * FINE] + 0.5
    rgba = np.asarray(colour_at(x / FINE, y / FINE), float)
    rgba[..., :3] *= rgba[..., 3:] / 255
    mean = rgba.reshape(height, FINE, width, FINE, 4).mean((1, 3))
    straight = mean[..., :3] * 255 / np.maximum(mean[..., 3:], 1e-9)
    return np.rint(np.concatenate([straight, mean[..., 3:]], 2)).astype(np.uint8) * (mean[..., 3:] >= 0.5)


def pick(*layers: tuple[np.ndarray | bool, tuple[int, ...]]) -> np.ndarray:
    """RGBA where the last layer that covers a place shows."""
    shape = next(np.shape(mask) for mask, _ in layers if np.ndim(mask))
    colours = np.zeros((*shape, 4))
    for mask, colour in layers:
        colours[np.broadcast_to(mask, shape)] = colour if len(colour) == 4 else (*colour, 255)
    return colours


def target() -> np.ndarray:
    """Rings and a disc on a flat ground."""

    def colour_at(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        r = np.hypot(x - 24.3, y - 23.6)
        return pick((True, (245, 240, 230)), (r < 19, (200, 40, 50)), (r < 13, (250, 220, 90)), (r < 6, (30, 60, 140)))

    return drawn(colour_at, 48, 48)


def badge() -> np.ndarray:
    """A sharp diamond and a translucent disc with nothing around them."""

    def colour_at(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        diamond = np.abs(x - 22) + np.abs(y - 26) < 18
        hole = np.hypot(x - 22, y - 26) < 6
        disc = np.hypot(x - 46, y - 20) < 13
        return pick((True, CLEAR), (disc, (20, 120, 220, 128)), (diamond, (230, 90, 20)), (hole, CLEAR))

    return drawn(colour_at, 50, 64)


def sky() -> np.ndarray:
    """A ramp from top to bottom behind a flat hill and a sun."""

    def colour_at(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        ground = np.stack([60 + 2.5 * y, 110 + 1.7 * y, 230 - 0.5 * y, np.full_like(x, 255)], 2)
        ground[np.hypot(x - 52, y - 16) < 8] = (255, 220, 60, 255)
        ground[y > 44 + 7 * np.sin(x / 10)] = (40, 120, 50, 255)
        return ground

    return drawn(colour_at, 64, 72)


def heart() -> np.ndarray:
    """Pixel art: three colours and nothing around."""
    rows = ["..aa.aa..", ".abbabba.", "abcbbbbba", "abbbbbbba", ".abbbbba.", "..abbba..", "...aba...", "....a...."]
    colours = {".": CLEAR, "a": (60, 10, 20, 255), "b": (220, 40, 60, 255), "c": (255, 230, 230, 255)}
    return np.array([[colours[c] for c in row] for row in rows], np.uint8)


def signature() -> np.ndarray:
    """Black on white: a thick wave and a square."""

    def colour_at(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        wave = (np.abs(y - 20 - 8 * np.sin(x / 7)) < 3) & (x > 5) & (x < 58)
        square = (np.abs(x - 50) < 6) & (np.abs(y - 38) < 6)
        return pick((True, (255, 255, 255)), (wave | square, (0, 0, 0)))

    return drawn(colour_at, 50, 64)


def photograph(size: tuple[int, int] = (96, 64)) -> np.ndarray:
    """Something like a photograph: soft lights, texture and grain. Width and height."""
    width, height = size
    random = np.random.default_rng(11)
    layers = [
        np.asarray(
            Image.fromarray(random.integers(0, 256, (n, n * width // height + 1, 3), dtype=np.uint8)).resize(
                size, Image.Resampling.BICUBIC
            ),
            float,
        )
        for n in (3, 7, 19)
    ]
    mixed = 0.55 * layers[0] + 0.3 * layers[1] + 0.15 * layers[2] + random.normal(0, 3, (height, width, 3))
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


PICTURES: dict[str, tuple[Callable[[], np.ndarray], VectorizeOptions]] = {
    "target": (target, VectorizeOptions()),
    "badge": (badge, VectorizeOptions(preset="illustration")),
    "sky": (sky, VectorizeOptions(preset="illustration")),
    "heart": (heart, VectorizeOptions()),
    "signature": (signature, VectorizeOptions(preset="bw")),
    "target-polygons": (target, VectorizeOptions(preset="logo", mode="polygon", layering="cutout")),
}
