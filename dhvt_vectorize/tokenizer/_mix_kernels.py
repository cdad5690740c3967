"""numba kernels of what FeatureNet does with its weights and corrections: torch's twenty passes in one."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit


@njit(cache=True, nogil=True)
def mix(first, last, given, given_top, height, logits, logits_top, logits_left, at, spacing, least, mixed, mixed_top):
    """Write rows first…last − 1 of a round: each pixel's weighted mean of nine, and how much of it is still its own.

    Rows are those of an image; arrays may hold a part of them.

    Args:
        given, mixed: float32 (5, H2, W), colours and the share that is a pixel's own, from rows `given_top` and
            `mixed_top` on.
        height: of the image.
        logits: float32 (H3, W3, C), from row `logits_top` on; the image's first column is `logits_left`. The round's
            nine channels begin at `at`, the pixel itself is the fifth.
        spacing: pixels between the nine.
        least: weights below it are none.
    """
    width = given.shape[2]
    weights = np.empty((9, width), np.float32)
    around = np.empty((3, width + 2 * spacing), np.float32)
    for y in range(first, last):
        _write_weights(logits[y - logits_top, logits_left : logits_left + width, at : at + 9], least, weights)
        for x in range(width):
            mixed[4, y - mixed_top, x] = given[4, y - given_top, x] * weights[4, x]
        for c in range(4):
            for k in range(3):
                beside = min(max(y + (k - 1) * spacing, 0), height - 1)
                _widen(given[c, beside - given_top], spacing, around[k])
            _write_means(around, spacing, weights, mixed[c, y - mixed_top])


@njit(cache=True, nogil=True)
def _write_weights(logits, least, weights):
    """Write the weights of a row's pixels, float32 (9, W), in sum 1, from their logits (W, 9)."""
    places, width = weights.shape
    greatest = np.empty(width, np.float32)
    total, kept = np.zeros(width, np.float32), np.zeros(width, np.float32)
    powers = np.empty(width, np.float32)
    bits = powers.view(np.int32)
    for x in range(width):
        greatest[x] = logits[x, 0]
        for place in range(places):
            weights[place, x] = logits[x, place]
            greatest[x] = max(greatest[x], logits[x, place])
    # place by place, over the whole row: that is what processors do for many numbers at once
    for place in range(places):
        row = weights[place]
        for x in range(width):
            row[x], whole = _exponential(row[x] - greatest[x])
            # a float32 whose exponent is that number, and whose fraction is 0
            bits[x] = (whole + np.int32(127)) << np.int32(23)
        for x in range(width):
            row[x] *= powers[x]
            total[x] += row[x]
    for x in range(width):
        total[x] *= least
    for place in range(places):
        row = weights[place]
        for x in range(width):
            row[x] = np.float32(0.0) if row[x] < total[x] else row[x]
            kept[x] += row[x]
    for place in range(places):
        row = weights[place]
        for x in range(width):
            row[x] /= kept[x]


@njit(cache=True, nogil=True)
def _widen(row, more, out):
    """Write a row with so many more pixels on either side, each as its nearest."""
    for x in range(more):
        out[x] = row[0]
        out[out.size - 1 - x] = row[row.size - 1]
    inner = out[more : more + row.size]
    for x in range(row.size):
        inner[x] = row[x]


@njit(cache=True, nogil=True)
def _write_means(around, spacing, weights, mixed):
    """Write a row's weighted means from the colours in and around it: float32 (3, W + 2 · spacing), see `mix`."""
    width = mixed.size
    above, here, below = around
    middle, right = slice(spacing, spacing + width), slice(2 * spacing, 2 * spacing + width)
    above_0, above_1, above_2 = above[:width], above[middle], above[right]
    here_0, here_1, here_2 = here[:width], here[middle], here[right]
    below_0, below_1, below_2 = below[:width], below[middle], below[right]
    for x in range(width):
        # differences, so that equal colours stay what they are to the last bit
        own = here_1[x]
        mean = own + weights[0, x] * (above_0[x] - own)
        mean += weights[1, x] * (above_1[x] - own)
        mean += weights[2, x] * (above_2[x] - own)
        mean += weights[3, x] * (here_0[x] - own)
        mean += weights[5, x] * (here_2[x] - own)
        mean += weights[6, x] * (below_0[x] - own)
        mean += weights[7, x] * (below_1[x] - own)
        mean += weights[8, x] * (below_2[x] - own)
        mixed[x] = mean


@njit(cache=True, nogil=True)
def write_values(
    first, last, mixed, mixed_top, correction, correction_top, correction_left, unit, gain, scale, largest, window, out
):
    """Write the features of rows first…last − 1 of a tile: mixed colours, corrected, as integers.

    Args:
        mixed: float32 (5, H2, W), as in `mix`, from the tile's row `mixed_top` on.
        correction: float32 (H3, W3, 3 (C − 1)), from row `correction_top` on; the tile's first column is
            `correction_left`. What a pixel adds to the corrections of all but alpha of the row below, its own, and the
            row above.
        unit: Lab units that count as one there.
        gain: of all but alpha.
        scale, largest: of the integers.
        window: the columns of the tile that are wanted, first and last + 1, and what the tile's first row and column
            are in the whole image.
        out: its values int32 (H, W, C) and rims bool (H, W): pixels of which less than a half is their own.
    """
    begin, end, top, left = window
    values, is_rim = out
    corrected = correction.shape[2] // 3
    for y in range(first, last):
        row, other = y - mixed_top, y - correction_top
        for x in range(begin, end):
            pixel = values[top + y, left + x]
            at = correction_left + x
            above, here, below = correction[other - 1, at], correction[other, at], correction[other + 1, at]
            for c in range(corrected):
                more = (above[c] + here[corrected + c] + below[2 * corrected + c]) * unit
                if c < 3:
                    pixel[c] = _integer((mixed[c, row, x] + more) * gain * scale, largest)
                else:
                    pixel[c + 1] = _integer(more * gain * scale, largest)
            pixel[3] = _integer(mixed[3, row, x] * scale, largest)
            is_rim[top + y, left + x] = mixed[4, row, x] < np.float32(0.5)


@njit(cache=True, nogil=True, inline="always")
def _integer(feature, largest):
    return np.int32(min(max(np.rint(feature), -largest), largest))


@njit(cache=True, nogil=True, inline="always")
def _exponential(x):
    """e^x of x ≤ 0, at least e^−16, as a number in 1…2 and the power of 2 that it is to be multiplied by.

    2^f on 0…1 is a polynomial of least greatest error (2e-7).
    """
    scaled = max(x, np.float32(-16.0)) * np.float32(1.4426950408889634)
    whole = np.floor(scaled)
    f = scaled - whole
    power = np.float32(1.8775767e-3)
    power = power * f + np.float32(8.9893397e-3)
    power = power * f + np.float32(5.5826318e-2)
    power = power * f + np.float32(2.4015361e-1)
    power = power * f + np.float32(6.9315308e-1)
    power = power * f + np.float32(9.9999994e-1)
    return power, np.int32(whole)
