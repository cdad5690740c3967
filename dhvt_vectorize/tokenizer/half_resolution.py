"""Planes at half the resolution, as JPEG keeps chroma, and back.

Decoders interpolate linearly: between two samples a, b lie the pixels ¾ a + ¼ b and ¼ a + ¾ b; the first and the last
pixel of a line are the samples themselves.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Shaped

Plane = Float32[np.ndarray, "rows columns"]


def means(values: Shaped[np.ndarray, "rows columns"], factors: tuple[int, int]) -> Plane:
    """The mean of every cell, 1 or 2 pixels down and across, of a plane whose sides these divide."""
    down, across = factors
    found: Plane = values.reshape(values.shape[0] // down, down, values.shape[1] // across, across).mean((1, 3))
    return found


def interpolated(samples: Plane, factors: tuple[int, int]) -> Plane:
    """The pixels that a decoder makes of samples, 1 or 2 to a sample down and across."""
    down, across = factors
    wide = _doubled(samples) if across == 2 else samples
    return np.ascontiguousarray(_doubled(wide.T).T) if down == 2 else wide


def samples_of(pixels: Plane, factors: tuple[int, int]) -> Plane:
    """The samples that were interpolated to these pixels; each is told twice, from either side of it."""
    down, across = factors
    narrow = _undoubled(pixels) if across == 2 else pixels
    return np.ascontiguousarray(_undoubled(narrow.T).T) if down == 2 else narrow


def _doubled(samples: Plane) -> Plane:
    padded = np.pad(samples, ((0, 0), (1, 1)), mode="edge")
    pixels = np.empty((len(samples), 2 * samples.shape[1]), np.float32)
    pixels[:, 0::2] = 0.75 * samples + 0.25 * padded[:, :-2]
    pixels[:, 1::2] = 0.75 * samples + 0.25 * padded[:, 2:]
    return pixels


def _undoubled(pixels: Plane) -> Plane:
    first, second = pixels[:, 0::2], pixels[:, 1::2]
    samples = np.empty(first.shape, np.float32)
    samples[:, :-1] = 1.5 * second[:, :-1] - 0.5 * first[:, 1:]
    samples[:, -1] = second[:, -1]
    samples[:, 1:] += 1.5 * first[:, 1:] - 0.5 * second[:, :-1]
    samples[:, 0] += first[:, 0]
    return samples / 2
