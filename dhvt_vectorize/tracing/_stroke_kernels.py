"""numba kernel of strokes: how wide a region is, seen from its outline."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

BESIDE = 2  # points either side over which an outline's direction is taken


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
        first, count = offsets[ring], offsets[ring + 1] - offsets[ring]
        a, b = first + (i - first - BESIDE) % count, first + (i - first + BESIDE) % count
        x, y = points[i]
        nx, ny = points[b, 1] - points[a, 1], points[a, 0] - points[b, 0]
        length = np.hypot(nx, ny)
        if length == 0:
            continue
        nx, ny = nx / length, ny / length
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
