"""numba kernels of strokes: how wide a region is, seen from its outline, and where it is evenly so."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ..tokenizer._kernels import find_root

OFF, OFF_PIXELS = 0.06, 0.4  # of the width, or pixels if that is more, from which on one is narrower or wider
BESIDE = 2  # points either side over which an outline's direction is taken


@njit(cache=True, nogil=True)
def _normal(points, first, last, i):
    """The unit normal into the region at point i of a ring, zero where there is none."""
    count = last - first
    a, b = first + (i - first - BESIDE) % count, first + (i - first + BESIDE) % count
    nx, ny = points[b, 1] - points[a, 1], points[a, 0] - points[b, 0]
    length = np.hypot(nx, ny)
    return (nx / length, ny / length) if length > 0 else (0.0, 0.0)


@njit(cache=True, nogil=True)
def widths_across(points, offsets, step):
    """float64 (N,): how far it is from every `step`-th point straight across the region to its outline, inf where there
    is none.

    Ring r is points[offsets[r]:offsets[r + 1]], its first point not repeated, the region on its left as in `PlanarMap`.
    """
    out = np.full((points.shape[0] + step - 1) // step, np.inf)
    for k in range(out.size):
        i = k * step
        ring = 0
        while offsets[ring + 1] <= i:
            ring += 1
        x, y = points[i]
        nx, ny = _normal(points, offsets[ring], offsets[ring + 1], i)
        if nx == 0 and ny == 0:
            continue
        for r in range(offsets.size - 1):
            last = offsets[r + 1] - 1
            px, py = points[last, 0] - x, points[last, 1] - y
            beside = px * ny - py * nx
            for j in range(offsets[r], last + 1):
                qx, qy = points[j, 0] - x, points[j, 1] - y
                next_beside = qx * ny - qy * nx
                if (beside > 0) != (next_beside > 0):
                    t = beside / (beside - next_beside)
                    across = (px + t * (qx - px)) * nx + (py + t * (qy - py)) * ny
                    # what is nearer than half a pixel is the outline beside the point itself
                    if 0.5 < across < out[k]:
                        out[k] = across
                px, py, beside = qx, qy, next_beside
    return out


@njit(cache=True, nogil=True)
def evenness(points, offsets, step):
    """The median of `widths_across`, 0 where most lead nowhere, and the shares that are narrower and wider."""
    across = widths_across(points, offsets, step)
    width = np.median(across)
    if not np.isfinite(width):
        return 0.0, 0.0, 1.0
    off = max(OFF * width, OFF_PIXELS)
    return width, (across < width - off).mean(), (across > width + off).mean()


@njit(cache=True, nogil=True)
def area_and_perimeter(points, offsets):
    """Of rings as in `widths_across`, whatever is on their left."""
    area = perimeter = 0.0
    for r in range(offsets.size - 1):
        px, py = points[offsets[r + 1] - 1]
        for i in range(offsets[r], offsets[r + 1]):
            x, y = points[i]
            area += (px * y - x * py) / 2
            perimeter += np.hypot(x - px, y - py)
            px, py = x, y
    return abs(area), perimeter


@njit(cache=True, nogil=True)
def share_beside(points, step, middle, width, off):
    """Share of every `step`-th point whose distance from the nearest of `middle` is half a width, by at most `off`."""
    beside = looked = 0
    for i in range(0, points.shape[0], step):
        least = np.inf
        for j in range(middle.shape[0]):
            dx, dy = points[i, 0] - middle[j, 0], points[i, 1] - middle[j, 1]
            least = min(least, dx * dx + dy * dy)
        looked += 1
        beside += abs(np.sqrt(least) - width / 2) <= off
    return beside / looked


@njit(cache=True, nogil=True)
def samples(points, offsets, spacing, tangent):
    """Points of rings about `spacing` apart, the unit normals there into the region, and the rings' offsets.

    Rings are as in `widths_across`; a normal is that of the chord from `tangent` before the point to as far after it.
    """
    rings = offsets.size - 1
    out_offsets = np.zeros(rings + 1, np.int64)
    ways = np.empty(points.shape[0] + rings)
    for r in range(rings):
        first, count = offsets[r], offsets[r + 1] - offsets[r]
        way = ways[first + r : first + r + count + 1]
        way[0] = 0.0
        for i in range(count):
            x, y = points[first + (i + 1) % count] - points[first + i]
            way[i + 1] = way[i] + np.hypot(x, y)
        out_offsets[r + 1] = out_offsets[r] + max(8, int(np.ceil(way[count] / spacing)))
    out, normals = np.empty((out_offsets[rings], 2)), np.empty((out_offsets[rings], 2))
    for r in range(rings):
        first, count = offsets[r], offsets[r + 1] - offsets[r]
        way = ways[first + r : first + r + count + 1]
        number = out_offsets[r + 1] - out_offsets[r]
        for i in range(number):
            at = (i + 0.5) * way[count] / number
            k = out_offsets[r] + i
            out[k, 0], out[k, 1] = _place(points, first, way, at)
            ax, ay = _place(points, first, way, (at - tangent) % way[count])
            bx, by = _place(points, first, way, (at + tangent) % way[count])
            length = max(np.hypot(bx - ax, by - ay), 1e-12)
            # walking east, left is above, where y is smaller
            normals[k, 0], normals[k, 1] = (by - ay) / length, (ax - bx) / length
    return out, normals, out_offsets


@njit(cache=True, nogil=True)
def _place(points, first, way, at):
    """The point of a closed ring this way along it."""
    count = way.size - 1
    i = min(max(np.searchsorted(way, at, side="right") - 1, 0), count - 1)
    t = (at - way[i]) / (way[i + 1] - way[i]) if way[i + 1] > way[i] else 0.0
    a, b = points[first + i], points[first + (i + 1) % count]
    return a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])


@njit(cache=True, nogil=True)
def even_chords(points, normals, simplices, neighbors, inside, limits):
    """The even chords of a triangulated region: their middles, the zones on both sides, and their mean width.

    Args:
        points, normals: float64 (N, 2), of its outline, the normals into the region.
        simplices, neighbors: int32 (T, 3), as SciPy's `Delaunay` has them.
        inside: bool (T,), the triangles within the region.
        limits: (flat, alongside, even, even_pixels, neck, neck_pixels), see `centreline`.

    Returns:
        float64 (C, 2), int64 (C, 2) and a number; nothing where no chord runs across.
    """
    flat, alongside, even, even_pixels, neck, neck_pixels = limits
    count = simplices.shape[0]
    # samples of one straight side span triangles of no height, which would join what lies along it
    for t in range(count):
        if inside[t]:
            a, b, c = points[simplices[t, 0]], points[simplices[t, 1]], points[simplices[t, 2]]
            first, second, third = apart(a, b), apart(b, c), apart(c, a)
            doubled = abs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
            inside[t] = doubled > flat * min(first, second, third) * max(first, second, third)
    sides, lengths, widths = np.empty((3 * count, 4), np.int64), np.empty(3 * count), np.empty(3 * count)
    across = np.zeros(3 * count, np.bool_)
    number = 0
    for t in range(count):
        # the side opposite corner k leads to neighbour k
        for k in range(3):
            other = neighbors[t, k]
            if other <= t or not inside[t] or not inside[other]:
                continue
            p, q = simplices[t, (k + 1) % 3], simplices[t, (k + 2) % 3]
            x, y = points[q] - points[p]
            from_p = x * normals[p, 0] + y * normals[p, 1]
            from_q = -x * normals[q, 0] - y * normals[q, 1]
            sides[number, 0], sides[number, 1], sides[number, 2], sides[number, 3] = t, other, p, q
            lengths[number], widths[number] = np.hypot(x, y), (from_p + from_q) / 2
            across[number] = min(from_p, from_q) >= alongside * lengths[number]
            number += 1
    across, widths = across[:number], widths[:number]
    if not across.any():
        return np.empty((0, 2)), np.empty((0, 2), np.int64), 0.0
    width = np.median(widths[across])
    across &= np.abs(widths - width) <= max(even * width, even_pixels)
    parent = np.arange(count)
    for s in range(number):
        if not across[s] and lengths[s] > min(neck * width, width - neck_pixels):
            a, b = find_root(parent, sides[s, 0]), find_root(parent, sides[s, 1])
            parent[max(a, b)] = min(a, b)
    chords = np.flatnonzero(across)
    middle, zones = np.empty((chords.size, 2)), np.empty((chords.size, 2), np.int64)
    for c in range(chords.size):
        t, other, p, q = sides[chords[c]]
        middle[c] = (points[p] + points[q]) / 2
        zones[c, 0], zones[c, 1] = find_root(parent, t), find_root(parent, other)
    return middle, zones, widths[chords].mean()


@njit(cache=True, nogil=True)
def apart(a, b):
    """How far two points are from one another."""
    return np.hypot(a[0] - b[0], a[1] - b[1])
