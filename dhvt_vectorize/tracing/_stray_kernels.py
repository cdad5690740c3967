"""numba kernels of nearness: whether a piece stays within tolerance of its points, but for single ones that stray.

An edge does not leave its way for one pixel: there a neighbour's colour or a mislabelled pixel misled a point, and a
piece of its own would draw that. So a point may lie up to `STRAY` tolerances off where both its neighbours lie far
less off than it does.
"""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ._cubic_kernels import bezier

STRAY = 2.0  # times the tolerance that a single point may lie off
BESIDE = 0.6  # of that distance that its neighbours may


@njit(cache=True, nogil=True, inline="always")
def _is_alone(before, off, after):
    return max(before, after) <= BESIDE * off


@njit(cache=True, nogil=True)
def line_is_near(points, first, last, stride, x, y, dx, dy, tolerance, fewest):
    """Does every `stride`-th point from first to last lie within tolerance of the line through (x, y) in the unit
    direction (dx, dy), but for strays?"""
    before = off = 0.0
    far = STRAY * tolerance if last - first >= fewest * stride else tolerance
    for i in range(first, last + stride, stride):
        after = abs((points[i, 0] - x) * dy - (points[i, 1] - y) * dx) if i <= last else 0.0
        if off > tolerance and (off > far or not _is_alone(before, off, after)):
            return False
        before, off = off, after
    return off <= tolerance


@njit(cache=True, nogil=True)
def cubic_is_near(points, first, last, stride, worst, tolerance, t, b, fewest):
    """The same of a cubic fitted to points[first..last], of whose distances `worst` is the greatest; `t` has the
    points' parameters."""
    if worst <= tolerance or worst > STRAY * tolerance or last - first < fewest * stride:
        return worst <= tolerance
    before = off = 0.0
    for i in range(first + stride, last + stride, stride):
        after = 0.0
        if i < last:
            x, y = bezier(b, t[i])
            after = np.hypot(x - points[i, 0], y - points[i, 1])
        if off > tolerance and not _is_alone(before, off, after):
            return False
        before, off = off, after
    return off <= tolerance or _is_alone(before, off, 0.0)
