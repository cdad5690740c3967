"""numba kernels of the rim rule: interior pixels, and the owner of every other pixel."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

_RAY_X = np.array([1, 1, 0, -1, -1, -1, 0, 1], np.int64)
_RAY_Y = np.array([0, 1, 1, 1, 0, -1, -1, -1], np.int64)
# pairs of rays that point to opposite sides: straight across, or bent by 45°
_PAIRS = np.array([[i, (i + 4) % 8] for i in range(4)] + [[i, (i + 3) % 8] for i in range(8)], np.int64)
# Steps from a stroke to the ground beside it.
REACH = 2
# Pixels around, in each direction, among which a stroke's pixel looks for one that shows more of the stroke's colour.
STROKE_REACH = 3
# Rays that must meet flat ground for a pixel to be taken for a stroke's: on texture fewer do.
LEAST_GROUND = 2
# Share of the stroke's colour from which a pixel is the stroke's: below a half, so that slanted strokes stay connected.
STROKE_SHARE = 0.42
# Cores that lead to purer cores are followed this far.
MOST_STEPS = 16
# A mixture shows the one side's colour if it differs from the other's by more than so many margins.
LEAST_CONTRAST = 3.0
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
def add_blocks(first, last, pixels, margin, interior):
    """Mark, in rows first…last − 1 of bool (H, W), the pixels of 2×2 blocks whose neighbours are nearly equal.

    So must be those across a corner.
    """
    height, width, _ = pixels.shape
    for y in range(max(first - 1, 0), min(last, height - 1)):
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
                interior[max(y, first) : min(v + 1, last), x : u + 1] = True


@njit(cache=True, nogil=True)
def add_frame(pixels, margin, strokes, interior):
    """Mark the pixels on the image's frame that are one of two nearly equal ones in a row.

    That is enough there, for what they belong to goes on outside; unless, where strokes are resolved afterwards, they
    are mixtures that change slowly along it.
    """
    height, width, _ = pixels.shape
    for y in (0, height - 1):
        for x in range(width - 1):
            if _are_one_colour(pixels, y, x, y, x + 1, margin, strokes):
                interior[y, x : x + 2] = True
    for x in (0, width - 1):
        for y in range(height - 1):
            if _are_one_colour(pixels, y, x, y + 1, x, margin, strokes):
                interior[y : y + 2, x] = True


@njit(cache=True, nogil=True)
def _are_one_colour(pixels, y, x, v, u, margin, strokes):
    """Are two neighbours on the frame nearly equal and, where that matters, no mixtures that change slowly?"""
    if not _near(pixels, y, x, v, u, margin):
        return False
    return not strokes or not (_is_slow_mixture(pixels, y, x, margin) or _is_slow_mixture(pixels, v, u, margin))


@njit(cache=True, nogil=True)
def _is_slow_mixture(pixels, y, x, margin):
    """Is a pixel on the frame a mixture that belongs to a colour which the frame shows more purely farther on?

    So it is where a shape comes within a pixel of the frame: the ground left there is a stroke as thin as that.
    """
    height, width, _ = pixels.shape
    inward_y, inward_x = _inward(y, x, height, width)
    distance = _distance(pixels, y, x, inward_y, inward_x)
    if distance <= LEAST_CONTRAST * margin:
        return False
    _, _, share = _stroke_core(pixels, y, x, inward_y, inward_x, distance, margin)
    return share >= STROKE_SHARE and distance / share > distance + margin


@njit(cache=True, nogil=True)
def _inward(y, x, height, width):
    """The pixel inward of one on the frame; of any other, that pixel itself."""
    if y == 0 or y == height - 1:
        return min(max(y, 1), max(height - 2, 0)), x
    return y, min(max(x, 1), max(width - 2, 0))


@njit(cache=True, nogil=True)
def _distance(pixels, y, x, v, u):
    """How far apart the colours of two pixels are."""
    squared = 0.0
    for c in range(4):
        squared += (np.float64(pixels[y, x, c]) - np.float64(pixels[v, u, c])) ** 2
    return np.sqrt(squared)


@njit(cache=True, nogil=True)
def sides(first, last, pixels, interior, margin, reach, near, far):
    """Write rows first…last − 1 of `near` and `far`: int32 (H, W), −1 where a pixel's colour is no mixture.

    They are the flat indices of the two interior pixels whose colours mix to it, the nearer in colour first. Interior
    pixels have none.
    """
    width = pixels.shape[1]
    found_y = np.empty(8, np.int64)
    found_x = np.empty(8, np.int64)
    for y in range(first, last):
        for x in range(width):
            near[y, x] = far[y, x] = -1
            if interior[y, x] or _look_around(interior, y, x, reach, found_y, found_x) < 2:
                continue
            nearer, other = _sides_of(pixels, y, x, found_y, found_x, margin)
            if nearer >= 0:
                near[y, x] = found_y[nearer] * width + found_x[nearer]
                far[y, x] = found_y[other] * width + found_x[other]


@njit(cache=True, nogil=True)
def _look_around(interior, y, x, reach, found_y, found_x):
    """Find the first interior pixel on each ray from (y, x), found_y −1 where there is none; returns how many."""
    height, width = interior.shape
    sides = 0
    for ray in range(8):
        found_y[ray] = -1
        for step in range(1, reach + 1):
            v, u = y + step * _RAY_Y[ray], x + step * _RAY_X[ray]
            if v < 0 or u < 0 or v >= height or u >= width:
                break
            if interior[v, u]:
                found_y[ray], found_x[ray] = v, u
                sides += 1
                break
    return sides


@njit(cache=True, nogil=True)
def _sides_of(pixels, y, x, found_y, found_x, margin):
    """The rays to the pair whose mixtures come nearest, the nearer colour's first; (−1, −1) if no pair's are near."""
    best = np.inf
    nearer = other = -1
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
            nearer, other = (a, b) if share < 0.5 else (b, a)
    if best > MIXTURE_RESIDUAL * MIXTURE_RESIDUAL:
        return -1, -1
    return nearer, other


@njit(cache=True, nogil=True)
def stroke_sides(pixels, interior, owner, margin):
    """The same for thin strokes: of the pixels that are their own owners though flat ground lies beside them.

    Such a pixel is a mixture of the ground and of a stroke too thin to have an interior. The stroke's colour is taken
    from the pixel near by that lies farthest from the ground in the same direction, which may be the pixel itself.
    First comes the core where the pixel shows enough of it, else the ground.
    """
    height, width, _ = pixels.shape
    near = np.full((height, width), -1, np.int32)
    far = np.full((height, width), -1, np.int32)
    found_y = np.empty(8, np.int64)
    found_x = np.empty(8, np.int64)
    for y in range(height):
        for x in range(width):
            if interior[y, x] or owner[y, x] != y * width + x:
                continue
            if _look_around(interior, y, x, REACH, found_y, found_x) < LEAST_GROUND:
                continue
            ground_y, ground_x, distance = _nearest(pixels, y, x, found_y, found_x)
            if distance <= LEAST_CONTRAST * margin:
                continue
            v, u, share = _stroke_core(pixels, y, x, ground_y, ground_x, distance, margin)
            core, ground = v * width + u, ground_y * width + ground_x
            near[y, x], far[y, x] = (core, ground) if share >= STROKE_SHARE else (ground, core)
    return near, far


@njit(cache=True, nogil=True)
def follow(owner):
    """Turn owners, in place, into their owners' owners and so on; two that name each other end in the first."""
    height, width = owner.shape
    for y in range(height):
        for x in range(width):
            i = y * width + x
            for _ in range(MOST_STEPS):
                j = owner[i // width, i % width]
                if j == i:
                    break
                i = j
            owner[y, x] = i


@njit(cache=True, nogil=True)
def _nearest(pixels, y, x, found_y, found_x):
    """The one of the pixels found whose colour is nearest to (y, x)'s, and its distance."""
    best, best_y, best_x = np.inf, -1, -1
    for ray in range(8):
        v, u = found_y[ray], found_x[ray]
        if v < 0:
            continue
        distance = _distance(pixels, y, x, v, u)
        if distance < best:
            best, best_y, best_x = distance, v, u
    return best_y, best_x, best


@njit(cache=True, nogil=True)
def _stroke_core(pixels, y, x, ground_y, ground_x, distance, margin):
    """The pixel that shows most of (y, x)'s stroke, `distance` from the ground, and the share (y, x) has of its colour.

    A stroke on the frame with the ground inward of it may thin slowly: its core is looked for along the frame, and as
    far as it grows purer.
    """
    height, width, _ = pixels.shape
    inward_y, inward_x = _inward(y, x, height, width)
    if not _near(pixels, inward_y, inward_x, ground_y, ground_x, margin):
        return _purest(pixels, y, x, ground_y, ground_x, distance, STROKE_REACH, STROKE_REACH)
    reach_y, reach_x = (0, STROKE_REACH) if inward_x == x else (STROKE_REACH, 0)
    core_y, core_x, farthest = y, x, distance
    for _ in range(MOST_STEPS):
        v, u, share = _purest(pixels, core_y, core_x, ground_y, ground_x, farthest, reach_y, reach_x)
        if v == core_y and u == core_x:
            break
        core_y, core_x, farthest = v, u, farthest / share
    return core_y, core_x, distance / farthest


@njit(cache=True, nogil=True)
def _purest(pixels, y, x, ground_y, ground_x, distance, reach_y, reach_x):
    """The pixel in reach that lies farthest from the ground in (y, x)'s direction, and (y, x)'s share of how far."""
    height, width, _ = pixels.shape
    farthest, core_y, core_x = distance, y, x
    for v in range(max(0, y - reach_y), min(height, y + reach_y + 1)):
        for u in range(max(0, x - reach_x), min(width, x + reach_x + 1)):
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
