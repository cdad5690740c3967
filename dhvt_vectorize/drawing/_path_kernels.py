"""numba kernel of the writer: rings of segments → SVG path data as ASCII bytes."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

_M, _L, _H, _V, _C, _Z = 77, 76, 72, 86, 67, 122  # "M L H V C", absolute, and "z"
_RELATIVE = 32  # more than an absolute command's letter
_BYTES_A_SEGMENT = 200
_LETTER, _WHOLE, _POINTED = 0, 1, 2  # what stands before a number: a letter, a number without a point, one with a point


@njit(cache=True, nogil=True)
def write_paths(half_arcs, ring_offsets, shape_offsets, control_points, is_line, segment_offsets, precision, closed):
    """Path data of every shape: bytes uint8 and offsets int64 (S+1,).

    Coordinates are rounded to a grid of 10^−precision first, so that relative commands do not drift and shared arcs
    are written to the same places by both neighbours. Lines and cubics that vanish on the grid are left out; a line
    that goes straight on is drawn with the one before. Rings for which `closed`, bool (R,), is false stay open.

    Every command takes the shorter of its relative and absolute forms, the relative one of two equal ones. Smooth
    cubics (S) are not used: fits share a direction but not a speed where they meet, and S would have suited 44 of the
    331,866 cubics of 66 pictures of the benchmark.
    """
    scale = 10.0**precision
    segments = 0
    for h in half_arcs:
        segments += segment_offsets[h // 2 + 1] - segment_offsets[h // 2]
    out = np.empty(segments * _BYTES_A_SEGMENT + 64 * ring_offsets.size + 64, np.uint8)
    offsets = np.zeros(shape_offsets.size, np.int64)
    grid = np.empty((segments + 1, 8), np.int64)
    lines = np.empty(segments + 1, np.bool_)
    end = 0
    for s in range(shape_offsets.size - 1):
        begun, at_x, at_y = False, np.int64(0), np.int64(0)
        for r in range(shape_offsets[s], shape_offsets[s + 1]):
            n = _ring_on_grid(
                half_arcs[ring_offsets[r] : ring_offsets[r + 1]], control_points, is_line, segment_offsets, scale,
                grid, lines, closed[r],
            )  # fmt: skip
            if n == 0:
                continue
            end = _write_ring(out, end, grid, lines, n, precision, closed[r], begun, at_x, at_y)
            begun = True
            at_x, at_y = (grid[0, 0], grid[0, 1]) if closed[r] else (grid[n - 1, 6], grid[n - 1, 7])
        offsets[s + 1] = end
    return out[:end].copy(), offsets


@njit(cache=True, nogil=True)
def _ring_on_grid(ring, control_points, is_line, segment_offsets, scale, grid, lines, closed):
    """Round a ring's segments to the grid, in walking order; merge lines that go straight on. Returns their count."""
    n = 0
    for h in ring:
        first, last = segment_offsets[h // 2], segment_offsets[h // 2 + 1]
        for k in range(last - first):
            i = first + k if h % 2 == 0 else last - 1 - k
            for p in range(4):
                q = p if h % 2 == 0 else 3 - p
                grid[n, 2 * p] = np.int64(np.rint(control_points[i, q, 0] * scale))
                grid[n, 2 * p + 1] = np.int64(np.rint(control_points[i, q, 1] * scale))
            lines[n] = is_line[i]
            if _vanishes(grid[n]):
                continue
            if lines[n] and n > 0 and lines[n - 1] and _straight_on(grid[n - 1], grid[n]):
                grid[n - 1, 6], grid[n - 1, 7] = grid[n, 6], grid[n, 7]
                continue
            n += 1
    if closed and n > 2 and lines[0] and lines[n - 1] and _straight_on(grid[n - 1], grid[0]):
        grid[0, 0], grid[0, 1] = grid[n - 1, 0], grid[n - 1, 1]
        n -= 1
    return n


@njit(cache=True, nogil=True, inline="always")
def _vanishes(g):
    for p in range(2, 8):
        if g[p] != g[p % 2]:
            return False
    return True


@njit(cache=True, nogil=True, inline="always")
def _straight_on(a, b):
    ax, ay, bx, by = a[6] - a[0], a[7] - a[1], b[6] - b[0], b[7] - b[1]
    return ax * by == ay * bx and ax * bx + ay * by > 0


@njit(cache=True, nogil=True)
def _write_ring(out, end, grid, lines, n, precision, closed, begun, at_x, at_y):
    """One ring, after one that ended at (at_x, at_y), which is (0, 0) unless the path has `begun`."""
    x, y = grid[0, 0], grid[0, 1]
    out[end] = _M
    after, before = _pair(out, end + 1, x, y, precision, _LETTER)
    command = _L  # what further pairs after a move draw
    leads_on = lines[0] and n > 1 and grid[0, 6] != x and grid[0, 7] != y  # a line that needs no letter after m
    if begun or leads_on:
        out[after] = _M + _RELATIVE
        last, last_before = _pair(out, after + 1, x - at_x, y - at_y, precision, _LETTER)
        if last - after <= after - end:
            after, before, command = _move(out, end, after, last), last_before, _L + _RELATIVE
    end = after
    for k in range(n):
        if lines[k] and closed and k == n - 1:
            break  # z draws the closing line
        wanted = _C
        if lines[k]:
            wanted = _H if grid[k, 7] == grid[k, 1] else (_V if grid[k, 6] == grid[k, 0] else _L)
        after, after_before = _write_segment(out, end, grid, k, wanted + _RELATIVE, command, precision, before)
        if _least_bytes(grid, k, wanted, precision) >= after - end:
            end, before, command = after, after_before, wanted + _RELATIVE
            continue
        last, last_before = _write_segment(out, after, grid, k, wanted, command, precision, before)
        if last - after < after - end:
            end, before, command = _move(out, end, after, last), last_before, wanted
        else:
            end, before, command = after, after_before, wanted + _RELATIVE
    if closed:
        out[end] = _Z
        end += 1
    return end


@njit(cache=True, nogil=True)
def _least_bytes(grid, k, command, precision):
    """What the absolute form takes at least: as many digits as its smallest number for each, and what parts them."""
    first = 2 if command == _C else (7 if command == _V else 6)
    last = 6 if command == _H else 7
    least = abs(grid[k, first])
    for p in range(first + 1, last + 1):
        least = min(least, abs(grid[k, p]))
    digits = 0
    ten = 1
    for _ in range(precision):
        ten *= 10
    while ten <= least:
        digits += 1
        ten *= 10
    return (last + 1 - first) * (digits + 1)


@njit(cache=True, nogil=True)
def _move(out, end, first, last):
    """Move the bytes first … last − 1 down to `end`; returns where they end."""
    for k in range(first, last):
        out[end + k - first] = out[k]
    return end + last - first


@njit(cache=True, nogil=True)
def _write_segment(out, end, grid, k, letter, command, precision, before):
    """Segment k by the command `letter`, which is left out where it goes on."""
    relative = letter > _RELATIVE + 64
    kind = letter - _RELATIVE if relative else letter
    x, y = (grid[k, 0], grid[k, 1]) if relative else (np.int64(0), np.int64(0))
    if letter != command:
        out[end] = letter
        end, before = end + 1, _LETTER
    if kind == _H:
        return _number(out, end, grid[k, 6] - x, precision, before)
    if kind == _V:
        return _number(out, end, grid[k, 7] - y, precision, before)
    for p in range(2 if kind == _C else 6, 8, 2):
        end, before = _pair(out, end, grid[k, p] - x, grid[k, p + 1] - y, precision, before)
    return end, before


@njit(cache=True, nogil=True)
def _pair(out, end, x, y, precision, before):
    end, before = _number(out, end, x, precision, before)
    return _number(out, end, y, precision, before)


@njit(cache=True, nogil=True)
def _number(out, end, value, precision, before):
    """value / 10^precision with no needless digit; a space before it where it would run into what is there."""
    unit = 1
    for _ in range(precision):
        unit *= 10
    negative, value = value < 0, abs(value)
    whole, fraction = value // unit, value % unit
    if negative:
        out[end] = 45
        end += 1
    elif before == _WHOLE or (before == _POINTED and (whole > 0 or fraction == 0)):
        out[end] = 32
        end += 1
    if whole > 0 or fraction == 0:
        end = _digits(out, end, whole, 0)
    if fraction > 0:
        out[end] = 46
        end += 1
        width = precision
        while fraction % 10 == 0:
            fraction //= 10
            width -= 1
        return _digits(out, end, fraction, width), _POINTED
    return end, _WHOLE


@njit(cache=True, nogil=True)
def _digits(out, end, value, width):
    """Decimal digits, at least `width` of them."""
    digits = 1
    ten = 10
    while ten <= value:
        digits += 1
        ten *= 10
    digits = max(digits, width)
    for k in range(digits - 1, -1, -1):
        out[end + k] = 48 + value % 10
        value //= 10
    return end + digits
