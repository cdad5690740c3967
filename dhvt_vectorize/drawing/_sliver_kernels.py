"""numba kernels of the slivers: how thick faces are, and faces given away to the two that mix to their colours."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

MOST_SIDES = 8  # faces near a face that are looked at
# of a face along the frame: the edge that it is on may leave the picture slowly, and one side with it
NEAR_ON_THE_FRAME, NEAR_SHARE_ON_THE_FRAME = 12, 0.25
MOST_UNEVEN = 9.0  # squared levels a channel
NEAR, REACH = 2, 3  # a side lies within so many pixels of a face's; its colour is that of pixels so far away at most


@njit(cache=True, nogil=True)
def largest_squares(labels, faces):
    """For each face the side of the largest square of pixels inside it, its number of pixels, and one of these by flat
    index; int32 (K,) each."""
    height, width = labels.shape
    largest, pixels, one = np.zeros(faces, np.int32), np.zeros(faces, np.int32), np.zeros(faces, np.int32)
    above, here = np.zeros(width, np.int32), np.zeros(width, np.int32)  # of the square whose last pixel this is
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            side = 1
            if y > 0 and x > 0 and labels[y - 1, x] == k and labels[y, x - 1] == k and labels[y - 1, x - 1] == k:
                side += min(above[x], here[x - 1], above[x - 1])
            here[x] = side
            pixels[k] += 1
            one[k] = y * width + x
            if side > largest[k]:
                largest[k] = side
        above, here = here, above
    return largest, pixels, one


@njit(cache=True, nogil=True)
def dissolve(labels, colours, order, largest, pixels, one, most_error, least_explained, price, noise, share):
    """Give faces away, in place, in the given order; returns how many. `slivers` says which and to whom."""
    stamp = np.full(labels.shape, -1, np.int32)
    gone = 0
    for k in order:
        mine = _members(labels, k, one[k])
        sides, means, uneven = _sides(labels, colours, mine, k, largest, pixels, stamp, share)
        a, b, left = _best_mixture(colours, mine, sides, means)
        if a < 0:
            continue
        own = _own_residual(colours, mine)
        # no mixture is nearer than its sides' colours are exact, however many pixels it has
        beyond = max(left - min((uneven[a] + uneven[b]) / 2, MOST_UNEVEN), own)
        longer = len(mine) * np.log((beyond + noise) / (own + noise))
        varies = largest[k] == 1 or left < (1.0 - least_explained) * own
        if left > most_error or longer > price or not varies:
            continue
        _give_away(labels, colours, mine, k, sides, means, a, b)
        gone += 1
    return gone


@njit(cache=True, nogil=True)
def _members(labels, k, first):
    """The pixels of a 4-connected face by flat index, int32 (n,), from one of them; so those that were given to it."""
    height, width = labels.shape
    found, seen = [first], {first}
    for i in found:
        y, x = i // width, i % width
        for place in range(4):
            v, u = y + (place == 0) - (place == 1), x + (place == 2) - (place == 3)
            j = np.int32(v * width + u)
            if 0 <= v < height and 0 <= u < width and labels[v, u] == k and j not in seen:
                seen.add(j)
                found.append(j)
    return np.array(found, np.int32)


@njit(cache=True, nogil=True)
def _sides(labels, colours, mine, k, largest, pixels, stamp, share):
    """Faces that are near most of k's pixels and no slivers beside it, their colours there, and how these vary.

    Returns int32 (S,), float64 (S, 4), and the mean variance of a channel, float64 (S,).
    """
    height, width = labels.shape
    names = np.empty(MOST_SIDES, np.int32)
    count = 0
    close, reach = NEAR, REACH
    if _is_on_the_frame(mine, height, width):
        close, share = NEAR_ON_THE_FRAME, min(share, NEAR_SHARE_ON_THE_FRAME)
        reach = close + 1
    for i in mine:
        y, x = i // width, i % width
        for v in range(max(y - close, 0), min(y + close + 1, height)):
            for u in range(max(x - close, 0), min(x + close + 1, width)):
                name = labels[v, u]
                if name == k or not (largest[name] > largest[k] or pixels[name] >= 4 * pixels[k]):
                    continue
                if count < MOST_SIDES and _place(names, count, name) == count:
                    names[count] = name
                    count += 1
    near = np.zeros(count, np.int32)
    sums = np.zeros((count, 2, 6))  # of pixels that touch the face, and of those a little farther
    for i in mine:
        y, x = i // width, i % width
        seen = np.zeros(count, np.bool_)
        for v in range(max(y - reach, 0), min(y + reach + 1, height)):
            for u in range(max(x - reach, 0), min(x + reach + 1, width)):
                s = _place(names, count, labels[v, u])
                if s == count:
                    continue
                distance = max(abs(v - y), abs(u - x))
                seen[s] |= distance <= close
                # a pixel counts once, as touching if it touches any
                if distance == 1 and stamp[v, u] != 2 * k + 1:
                    if stamp[v, u] == 2 * k:
                        _add(sums[s, 1], colours[v, u], -1.0)
                    _add(sums[s, 0], colours[v, u], 1.0)
                    stamp[v, u] = 2 * k + 1
                elif distance > 1 and stamp[v, u] != 2 * k and stamp[v, u] != 2 * k + 1:
                    _add(sums[s, 1], colours[v, u], 1.0)
                    stamp[v, u] = 2 * k
        for s in range(count):
            near[s] += seen[s]
    kept, means, uneven = np.empty(count, np.int32), np.empty((count, 4)), np.empty(count)
    n = 0
    for s in range(count):
        if near[s] < share * len(mine):
            continue
        farther = 1 if sums[s, 1, 4] >= 3 else 0
        kept[n] = names[s]
        there = max(sums[s, farther, 4], 1.0)
        square = sums[s, farther, 5] / there
        for c in range(4):
            means[n, c] = sums[s, farther, c] / there
            square -= means[n, c] * means[n, c]
        uneven[n] = max(square, 0.0) / 4
        n += 1
    return kept[:n], means[:n], uneven[:n]


@njit(cache=True, nogil=True)
def _is_on_the_frame(mine, height, width):
    for i in mine:
        y, x = i // width, i % width
        if 0 < y < height - 1 and 0 < x < width - 1:
            return False
    return True


@njit(cache=True, nogil=True, inline="always")
def _place(names, count, name):
    for s in range(count):
        if names[s] == name:
            return s
    return count


@njit(cache=True, nogil=True, inline="always")
def _add(sums, colour, sign):
    for c in range(4):
        value = np.float64(colour[c])
        sums[c] += sign * value
        sums[5] += sign * value * value
    sums[4] += sign


@njit(cache=True, nogil=True)
def _best_mixture(colours, mine, sides, means):
    """The two sides, as places, whose mixtures leave the least of the pixels, and the mean square a channel left."""
    first, second, least = -1, -1, np.inf
    for a in range(len(sides)):
        for b in range(a + 1, len(sides)):
            left = 0.0
            for i in mine:
                t = _part(colours, i, means, a, b)
                for c in range(4):
                    off = _colour(colours, i, c) - means[a, c] - t * (means[b, c] - means[a, c])
                    left += off * off
            if left < least:
                first, second, least = a, b, left
    return first, second, least / (4 * len(mine))


@njit(cache=True, nogil=True, inline="always")
def _colour(colours, i, c):
    return np.float64(colours[i // colours.shape[1], i % colours.shape[1], c])


@njit(cache=True, nogil=True, inline="always")
def _part(colours, i, means, a, b):
    """How much of b a pixel shows beside a, 0…1."""
    along, length = 0.0, 0.0
    for c in range(4):
        step = means[b, c] - means[a, c]
        along += (_colour(colours, i, c) - means[a, c]) * step
        length += step * step
    return min(max(along / length, 0.0), 1.0) if length > 0.0 else 0.0


@njit(cache=True, nogil=True)
def _own_residual(colours, mine):
    """The mean square a channel that one colour leaves."""
    total = 0.0
    for c in range(4):
        mean, square = 0.0, 0.0
        for i in mine:
            value = _colour(colours, i, c)
            mean += value
            square += value * value
        mean /= len(mine)
        total += square / len(mine) - mean * mean
    return max(total, 0.0) / 4


@njit(cache=True, nogil=True)
def _give_away(labels, colours, mine, k, sides, means, a, b):
    """Each pixel to the side it shows more of, as soon as it touches that, so that both stay in one piece.

    Where none does, the next one to touch either goes to what it touches, be it a third.
    """
    width = labels.shape[1]
    waiting = mine.copy()
    left, particular = len(waiting), True
    while left:
        kept, moved = 0, False
        for j in range(left):
            i = waiting[j]
            wanted = sides[b] if _part(colours, i, means, a, b) > 0.5 else sides[a]
            to = _touched(labels, i // width, i % width, k, wanted)
            if to == wanted or (not particular and to != k):
                labels[i // width, i % width] = to
                moved, particular = True, True
            else:
                waiting[kept] = i
                kept += 1
        if not moved and not particular:
            return
        particular = moved
        left = kept


@njit(cache=True, nogil=True)
def _touched(labels, y, x, k, wanted):
    """The wanted label if the pixel shares a side with it, else another that is not k, else k."""
    height, width = labels.shape
    other = k
    for place in range(4):
        v, u = y + (place == 0) - (place == 1), x + (place == 2) - (place == 3)
        if 0 <= v < height and 0 <= u < width:
            if labels[v, u] == wanted:
                return wanted
            if labels[v, u] != k:
                other = labels[v, u]
    return other
