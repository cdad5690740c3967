"""numba kernel of the refinement: pixels on borders move to the neighbouring region that suits them best."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

# the eight pixels around one, clockwise; the even ones share a side with it
_RING_Y = np.array([-1, -1, 0, 1, 1, 1, 0, -1], np.int64)
_RING_X = np.array([0, 1, 1, 1, 0, -1, -1, -1], np.int64)
# pairs across a corner count less, so that slanted borders cost about what straight ones do
_DIAGONAL = np.sqrt(0.5)


@njit(cache=True, nogil=True)
def refine(labels, count, values, tension, sweeps):
    """Move pixels between regions, in place; returns how many moves there were in each sweep, int64 (sweeps,)."""
    height, width, channels = values.shape
    pixels = np.zeros(count, np.int64)
    sums = np.zeros((count, channels), np.int64)
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            pixels[k] += 1
            for c in range(channels):
                sums[k, c] += values[y, x, c]
    means = np.empty((count, channels), np.float64)
    for k in range(count):
        _set_mean(means, sums, pixels, k)
    moves = np.zeros(sweeps, np.int64)
    for sweep in range(sweeps):
        for y in range(height):
            for x in range(width):
                own = labels[y, x]
                if pixels[own] == 1 or not _on_border(labels, y, x, own):
                    continue
                to = _best_region(labels, y, x, own, values, means, pixels, tension)
                if to != own and _stays_connected(labels, y, x, own):
                    for c in range(channels):
                        sums[own, c] -= values[y, x, c]
                        sums[to, c] += values[y, x, c]
                    pixels[own] -= 1
                    pixels[to] += 1
                    _set_mean(means, sums, pixels, own)
                    _set_mean(means, sums, pixels, to)
                    labels[y, x] = to
                    moves[sweep] += 1
        if moves[sweep] == 0:
            break
    return moves


@njit(cache=True, nogil=True)
def number_in_raster_order(labels, count):
    """Number the regions, in place, by their first pixels; returns each one's number before, int32 (count,)."""
    number = np.full(count, -1, np.int32)
    before = np.empty(count, np.int32)
    found = 0
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            k = labels[y, x]
            if number[k] < 0:
                number[k] = found
                before[found] = k
                found += 1
            labels[y, x] = number[k]
    return before


@njit(cache=True, nogil=True, inline="always")
def _set_mean(means, sums, pixels, k):
    for c in range(sums.shape[1]):
        means[k, c] = sums[k, c] / pixels[k]


@njit(cache=True, nogil=True, inline="always")
def _on_border(labels, y, x, own):
    height, width = labels.shape
    return (
        (y > 0 and labels[y - 1, x] != own)
        or (x > 0 and labels[y, x - 1] != own)
        or (x + 1 < width and labels[y, x + 1] != own)
        or (y + 1 < height and labels[y + 1, x] != own)
    )


@njit(cache=True, nogil=True)
def _best_region(labels, y, x, own, values, means, pixels, tension):
    """The region, its own or one it shares a side with, where the pixel costs least; its own if none is cheaper."""
    height, width = labels.shape
    best, least = own, np.inf
    for place in range(-2, 8, 2):
        region = own
        if place >= 0:
            v, u = y + _RING_Y[place], x + _RING_X[place]
            if v < 0 or u < 0 or v >= height or u >= width or labels[v, u] == own:
                continue
            region = labels[v, u]
        cost = 0.0
        for c in range(values.shape[2]):
            difference = values[y, x, c] - means[region, c]
            cost += difference * difference
        # what leaving takes away from the variance, what joining adds to it: the mean moves along
        n = np.float64(pixels[region])
        cost *= n / (n - 1.0) if region == own else n / (n + 1.0)
        for k in range(8):
            v, u = y + _RING_Y[k], x + _RING_X[k]
            if v >= 0 and u >= 0 and v < height and u < width and labels[v, u] != region:
                cost += tension if k % 2 == 0 else tension * _DIAGONAL
        if cost < least:
            best, least = region, cost
    return best


@njit(cache=True, nogil=True)
def _stays_connected(labels, y, x, own):
    """Whether the region's pixels around (y, x) that share a side with it hang together without it."""
    height, width = labels.shape
    inside = np.zeros(8, np.bool_)
    sides = 0
    for k in range(8):
        v, u = y + _RING_Y[k], x + _RING_X[k]
        inside[k] = v >= 0 and u >= 0 and v < height and u < width and labels[v, u] == own
        sides += inside[k] and k % 2 == 0
    # a side joins the next one clockwise where the corner between them is the region's, too
    joints = 0
    for k in range(0, 8, 2):
        joints += inside[k] and inside[k + 1] and inside[(k + 2) % 8]
    return sides > 0 and sides - joints <= 1
