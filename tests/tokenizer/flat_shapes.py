"""Flat shapes rendered as a renderer does: coverage by 16 × 16 samples a pixel, colours mixed in sRGB."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SAMPLES = 16
Shape = Callable[[np.ndarray, np.ndarray], np.ndarray]


def disc(x: float, y: float, radius: float) -> Shape:
    return lambda u, v: (u - x) ** 2 + (v - y) ** 2 < radius**2


def convex_polygon(points: np.ndarray) -> Shape:
    """Inside all edges; points (N, 2) in turn, either way round."""
    after = np.roll(points, -1, axis=0)
    turn = np.sign(np.sum(points[:, 0] * after[:, 1] - points[:, 1] * after[:, 0]))

    def inside(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        held = np.ones(u.shape, bool)
        for (x, y), (x2, y2) in zip(points, after, strict=True):
            held &= turn * ((x2 - x) * (v - y) - (y2 - y) * (u - x)) > 0
        return held

    return inside


def regular_polygon(x: float, y: float, radius: float, corners: int, turned: float) -> Shape:
    angles = turned + 2 * np.pi * np.arange(corners) / corners
    return convex_polygon(np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1))


def coverage(shape: Shape, height: int, width: int) -> np.ndarray:
    """float (H, W) in 0…1: how much of each pixel lies in the shape; pixel (0, 0) spans [0, 1]×[0, 1]."""
    v, u = (np.indices((height * SAMPLES, width * SAMPLES)) + 0.5) / SAMPLES
    return shape(u, v).reshape(height, SAMPLES, width, SAMPLES).mean((1, 3))


def opaque(rgb: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 4) of (H, W, 3)."""
    return np.dstack([rgb, np.full(rgb.shape[:2], 255)]).astype(np.uint8)


def painted(cover: np.ndarray, colour: tuple[int, ...], ground: tuple[int, ...] | None) -> np.ndarray:
    """uint8 (H, W, 4): the shape on a flat ground, or on none (transparent, straight alpha)."""
    if ground is None:
        pixels = np.dstack([np.broadcast_to(colour, (*cover.shape, 3)), cover * 255]).round().astype(np.uint8)
        pixels[pixels[..., 3] == 0] = 0
        return pixels
    share = cover[..., None]
    return opaque((share * colour + (1 - share) * ground).round())
