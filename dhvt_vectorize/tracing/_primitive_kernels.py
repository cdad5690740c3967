"""numba kernel of primitives: moments of the areas inside closed polylines."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit


@njit(cache=True, nogil=True)
def area_moments(points, offsets, arcs):
    """float64 (N, 6) for these closed arcs: area, centre x and y, covariance xx, xy, yy; zeros where it has no area."""
    out = np.zeros((arcs.size, 6))
    for k in range(arcs.size):
        first, last = offsets[arcs[k]], offsets[arcs[k] + 1] - 1
        ox, oy = points[first, 0], points[first, 1]
        area = mx = my = xx = xy = yy = 0.0
        for i in range(first, last):
            ax, ay = points[i, 0] - ox, points[i, 1] - oy
            bx, by = points[i + 1, 0] - ox, points[i + 1, 1] - oy
            cross = ax * by - ay * bx
            area += cross / 2
            mx += cross * (ax + bx) / 6
            my += cross * (ay + by) / 6
            xx += cross * (ax * ax + ax * bx + bx * bx) / 12
            xy += cross * (2 * ax * ay + ax * by + bx * ay + 2 * bx * by) / 24
            yy += cross * (ay * ay + ay * by + by * by) / 12
        if area != 0:
            mx, my = mx / area, my / area
            out[k, 0], out[k, 1], out[k, 2] = abs(area), ox + mx, oy + my
            out[k, 3], out[k, 4], out[k, 5] = xx / area - mx * mx, xy / area - mx * my, yy / area - my * my
    return out
