"""numba kernels of the rim rule: interior pixels, and the owner of every other pixel."""

from __future__ import annotations

import numpy as np
from numba import njit

_RAY_X = np.array([1, 1, 0, -1, -1, -1, 0, 1], np.int64)
_RAY_Y = np.array([0, 1, 1, 1, 0, -1, -1, -1], np.int64)
# pairs of rays that point to opposite sides: straight across, or bent by 45°
_PAIRS = np.array([[i, (i + 4) % 8] for i in range(4)] + [[i, (i + 3) % 8] for i in range(8)], np.int64)
REACH = 2
# Pixels around, in each direction, among which a stroke's pixel looks for one that shows more of the stroke's colour.
STROKE_REACH = 3
# Rays that must meet flat ground for a pixel to be taken for a stroke's: on texture fewer do.
LEAST_GROUND = 2
# Share of the stroke's colour from which a pixel is the stroke's: below a half, so that slanted strokes stay connected.
STROKE_SHARE = 0.42
# Cores that lead to purer cores are followed this far.
MOST_STEPS = 16
# How far off the line from ground to stroke colour a pixel may lie, relative to its distance from the ground.
STROKE_RESIDUAL = 0.15
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


@njit(cache=True, nogil=True)
def stroke_owners(pixels, interior, owner, margin):
    """Owners again, with thin strokes resolved: pixels that keep their own feature though flat ground lies beside them.

    Such a pixel is a mixture of the ground and of a stroke too thin to have an interior. The stroke's colour is taken
    from the pixel near by that lies farthest from the ground in the same direction.
    """
    height, width, _ = pixels.shape
    out = owner.copy()
    for y in range(height):
        for x in range(width):
            if interior[y, x] or owner[y, x] != y * width + x:
                continue
            ground_y, ground_x, distance = _nearest_ground(pixels, interior, y, x)
            if ground_y < 0 or distance <= 3.0 * margin:
                continue
            v, u, share = _stroke_core(pixels, y, x, ground_y, ground_x, distance)
            if share >= STROKE_SHARE:
                out[y, x] = v * width + u
            else:
                out[y, x] = ground_y * width + ground_x
    # a core may itself have found a purer one: follow to the last (two that name each other end in the first)
    for y in range(height):
        for x in range(width):
            i = y * width + x
            for _ in range(MOST_STEPS):
                j = out[i // width, i % width]
                if j == i:
                    break
                i = j
            out[y, x] = i
    return out


@njit(cache=True, nogil=True)
def _nearest_ground(pixels, interior, y, x):
    """The interior pixel on a ray whose colour is nearest, and its distance; (−1, −1, 0) if too few rays meet one."""
    height, width, _ = pixels.shape
    best, best_y, best_x, sides = np.inf, -1, -1, 0
    for ray in range(8):
        for step in range(1, REACH + 1):
            v, u = y + step * _RAY_Y[ray], x + step * _RAY_X[ray]
            if v < 0 or u < 0 or v >= height or u >= width:
                break
            if interior[v, u]:
                sides += 1
                distance = 0.0
                for c in range(4):
                    distance += (np.float64(pixels[y, x, c]) - np.float64(pixels[v, u, c])) ** 2
                if distance < best:
                    best, best_y, best_x = distance, v, u
                break
    if sides < LEAST_GROUND:
        return -1, -1, 0.0
    return best_y, best_x, np.sqrt(best)


@njit(cache=True, nogil=True)
def _stroke_core(pixels, y, x, ground_y, ground_x, distance):
    """The pixel near by that lies farthest from the ground in (y, x)'s direction, and the share (y, x) has of that."""
    height, width, _ = pixels.shape
    farthest, core_y, core_x = distance, y, x
    for v in range(max(0, y - STROKE_REACH), min(height, y + STROKE_REACH + 1)):
        for u in range(max(0, x - STROKE_REACH), min(width, x + STROKE_REACH + 1)):
            along = length = 0.0
            for c in range(4):
                own = np.float64(pixels[y, x, c]) - np.float64(pixels[ground_y, ground_x, c])
                other = np.float64(pixels[v, u, c]) - np.float64(pixels[ground_y, ground_x, c])
                along += own * other
                length += other * other
            along /= distance
            if along > farthest + 1.0 and length - along * along <= STROKE_RESIDUAL * STROKE_RESIDUAL * length:
                farthest, core_y, core_x = along, v, u
    return core_y, core_x, distance / farthest
