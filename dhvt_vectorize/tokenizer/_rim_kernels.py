"""numba kernels of the rim rule: interior pixels, and the owner of every other pixel."""

from __future__ import annotations

import numpy as np
from numba import njit

_RAY_X = np.array([1, 1, 0, -1, -1, -1, 0, 1], np.int64)
_RAY_Y = np.array([0, 1, 1, 1, 0, -1, -1, -1], np.int64)
# pairs of rays that point to opposite sides: straight across, or bent by 45°
_PAIRS = np.array([[i, (i + 4) % 8] for i in range(4)] + [[i, (i + 3) % 8] for i in range(8)], np.int64)
REACH = 2
# How far, relative to the two colours' distance, a pixel may lie from their mixtures; resampling overshoots a little.
MIXTURE_RESIDUAL = 0.15


@njit(cache=True, nogil=True)
def premultiply(pixels):
    """uint8 (H, W, 4) straight → premultiplied alpha."""
    out = np.empty_like(pixels)
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            alpha = np.int64(pixels[y, x, 3])
            for c in range(3):
                out[y, x, c] = (np.int64(pixels[y, x, c]) * alpha + 127) // 255
            out[y, x, 3] = alpha
    return out


@njit(cache=True, nogil=True, inline="always")
def _near(pixels, y, x, v, u, margin):
    for c in range(4):
        if abs(np.int64(pixels[y, x, c]) - np.int64(pixels[v, u, c])) > margin:
            return False
    return True


@njit(cache=True, nogil=True)
def interior_pixels(pixels, margin):
    """bool (H, W): the pixels of all 2×2 blocks whose neighbours and diagonals are nearly equal.

    On the image's frame two nearly equal pixels in a row are enough: what they belong to goes on outside.
    """
    height, width, _ = pixels.shape
    interior = np.zeros((height, width), np.bool_)
    for y in range(height - 1):
        for x in range(width - 1):
            v, u = y + 1, x + 1
            if (
                _near(pixels, y, x, y, u, margin)
                and _near(pixels, y, x, v, x, margin)
                and _near(pixels, y, x, v, u, margin)
                and _near(pixels, v, x, y, u, margin)
                and _near(pixels, v, x, v, u, margin)
                and _near(pixels, y, u, v, u, margin)
            ):
                interior[y : v + 1, x : u + 1] = True
    for y in (0, height - 1):
        for x in range(width - 1):
            if _near(pixels, y, x, y, x + 1, margin):
                interior[y, x : x + 2] = True
    for x in (0, width - 1):
        for y in range(height - 1):
            if _near(pixels, y, x, y + 1, x, margin):
                interior[y : y + 2, x] = True
    return interior


@njit(cache=True, nogil=True)
def owners(pixels, interior, margin):
    """int32 (H, W): flat index of the pixel whose feature each pixel takes."""
    height, width, _ = pixels.shape
    owner = np.empty((height, width), np.int32)
    found_y = np.empty(8, np.int64)
    found_x = np.empty(8, np.int64)
    for y in range(height):
        for x in range(width):
            owner[y, x] = y * width + x
            if interior[y, x]:
                continue
            sides = 0
            for ray in range(8):
                found_y[ray] = -1
                for step in range(1, REACH + 1):
                    v, u = y + step * _RAY_Y[ray], x + step * _RAY_X[ray]
                    if v < 0 or u < 0 or v >= height or u >= width:
                        break
                    if interior[v, u]:
                        found_y[ray], found_x[ray] = v, u
                        sides += 1
                        break
            if sides < 2:
                continue
            v, u = _owner(pixels, y, x, found_y, found_x, margin)
            if v >= 0:
                owner[y, x] = v * width + u
    return owner


@njit(cache=True, nogil=True)
def _owner(pixels, y, x, found_y, found_x, margin):
    """The interior pixel, of the pair whose mixtures come nearest, on the side that covers more; (−1, −1) if none."""
    best = np.inf
    best_y = best_x = -1
    for pair in range(_PAIRS.shape[0]):
        a, b = _PAIRS[pair, 0], _PAIRS[pair, 1]
        if found_y[a] < 0 or found_y[b] < 0:
            continue
        ya, xa, yb, xb = found_y[a], found_x[a], found_y[b], found_x[b]
        across = along = own = 0.0
        for c in range(4):
            d = np.float64(pixels[yb, xb, c]) - np.float64(pixels[ya, xa, c])
            p = np.float64(pixels[y, x, c]) - np.float64(pixels[ya, xa, c])
            across += d * d
            along += d * p
            own += p * p
        if across <= 4.0 * margin * margin:
            continue
        share = along / across
        if share < -0.1 or share > 1.1:
            continue
        residual = max(0.0, own - share * along) / across
        if residual < best:
            best = residual
            if share < 0.5:
                best_y, best_x = ya, xa
            else:
                best_y, best_x = yb, xb
    if best > MIXTURE_RESIDUAL * MIXTURE_RESIDUAL:
        return -1, -1
    return best_y, best_x
