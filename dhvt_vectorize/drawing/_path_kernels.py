"""numba kernel of the writer: rings of segments → SVG path data as ASCII bytes."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

_M, _L, _H, _V, _C, _Z = 77, 108, 104, 118, 99, 122  # "M l h v c z"
_BYTES_A_SEGMENT = 100


@njit(cache=True, nogil=True)
def write_paths(half_arcs, ring_offsets, shape_offsets, control_points, is_line, segment_offsets, precision):
    """Path data of every shape: bytes uint8 and offsets int64 (S+1,).

    Coordinates are rounded to a grid of 10^−precision first, so that relative commands do not drift and shared arcs
    are written to the same places by both neighbours. Lines and cubics that vanish on the grid are left out; a line
    that goes straight on is drawn with the one before.
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
        for r in range(shape_offsets[s], shape_offsets[s + 1]):
            n = _ring_on_grid(
                half_arcs[ring_offsets[r] : ring_offsets[r + 1]], control_points, is_line, segment_offsets, scale,
                grid, lines,
            )  # fmt: skip
            end = _write_ring(out, end, grid, lines, n, precision)
        offsets[s + 1] = end
    return out[:end].copy(), offsets


@njit(cache=True, nogil=True)
def _ring_on_grid(ring, control_points, is_line, segment_offsets, scale, grid, lines):
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
    if n > 2 and lines[0] and lines[n - 1] and _straight_on(grid[n - 1], grid[0]):
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
def _write_ring(out, end, grid, lines, n, precision):
    if n == 0:
        return end
    out[end] = _M
    end = _number(out, end + 1, grid[0, 0], precision, False)
    end = _number(out, end, grid[0, 1], precision, True)
    command = _M
    for k in range(n):
        x, y = grid[k, 0], grid[k, 1]
        dx, dy = grid[k, 6] - x, grid[k, 7] - y
        if lines[k]:
            if k == n - 1:
                break  # z draws the closing line
            wanted = _H if dy == 0 else (_V if dx == 0 else _L)
        else:
            wanted = _C
        again = wanted == command
        if not again:
            out[end] = wanted
            end += 1
            command = wanted
        if wanted == _H:
            end = _number(out, end, dx, precision, again)
        elif wanted == _V:
            end = _number(out, end, dy, precision, again)
        elif wanted == _L:
            end = _number(out, end, dx, precision, again)
            end = _number(out, end, dy, precision, True)
        else:
            for p in range(2, 8):
                end = _number(out, end, grid[k, p] - grid[k, p % 2], precision, again or p > 2)
    out[end] = _Z
    return end + 1


@njit(cache=True, nogil=True)
def _number(out, end, value, precision, separate):
    """value / 10^precision with no needless digit; a space before it where it would run into the one before."""
    if value < 0:
        out[end] = 45
        end += 1
        value = -value
    elif separate:
        out[end] = 32
        end += 1
    unit = 1
    for _ in range(precision):
        unit *= 10
    whole, fraction = value // unit, value % unit
    if whole > 0 or fraction == 0:
        end = _digits(out, end, whole, 0)
    if fraction > 0:
        out[end] = 46
        end += 1
        width = precision
        while fraction % 10 == 0:
            fraction //= 10
            width -= 1
        end = _digits(out, end, fraction, width)
    return end


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
