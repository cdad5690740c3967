"""numba kernels of the pieces themselves: lines and cubics between placed nodes, split where they do not fit."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ._cubic_kernels import deviation_from_line, fit_cubic, unit

TURN_COS = np.cos(np.radians(15.0))  # the direction of a smooth join may turn by so much where that saves a piece,
KINK_COS = np.cos(np.radians(3.0))  # and by so much if the piece before does not turn along


@njit(cache=True, nogil=True)
def fit_pieces(points, offsets, firsts, is_line, piece_offsets, tangents, has_tangent, is_frame, tolerance):
    """Lines and cubics for all pieces between their placed ends; `tangents` and `has_tangent` are worked in.

    Returns control points (S, 4, 2), line flags (S,), offsets (A+1,).
    """
    arcs = offsets.size - 1
    out = np.empty((points.shape[0] + arcs, 4, 2))
    out_lines = np.zeros(points.shape[0] + arcs, np.bool_)
    out_offsets = np.zeros(arcs + 1, np.int64)
    t = np.empty(points.shape[0])
    b = np.empty((4, 2))
    filled = 0
    for a in range(arcs):
        for k in range(piece_offsets[a], piece_offsets[a + 1]):
            end = firsts[k + 1] if k + 1 < piece_offsets[a + 1] else offsets[a + 1] - 1
            filled = _emit(
                points,
                firsts[k],
                end,
                offsets[a + 1] - 1,
                tangents,
                has_tangent,
                is_line[k],
                tolerance,
                t,
                b,
                out,
                out_lines,
                filled,
            )
        out_offsets[a + 1] = filled
    return out[:filled].copy(), out_lines[:filled].copy(), out_offsets


@njit(cache=True, nogil=True)
def _fits_loosely(points, first, last, tangents, has_tangent, is_arc_end, tolerance, t, b):
    """Fit a cubic whose direction at its end, then at both ends, is its own; does it stay within tolerance, and turn
    little from the smooth joins' directions? What comes next goes on in its direction, so that only a start can kink.
    """
    smooth = has_tangent[first], has_tangent[last]
    for loosened in range(2):
        if (loosened == 0 and (is_arc_end or not smooth[1])) or not (smooth[0] or smooth[1]):
            continue
        has_tangent[last] = False
        has_tangent[first] = smooth[0] and loosened == 0
        worst, _, _ = fit_cubic(points, first, last, tangents, has_tangent, tolerance, 1, t, b, True)
        has_tangent[first], has_tangent[last] = smooth
        if worst > tolerance:
            continue
        ax, ay = unit(b[1, 0] - b[0, 0], b[1, 1] - b[0, 1], tangents[first, 0], tangents[first, 1])
        ex, ey = unit(b[3, 0] - b[2, 0], b[3, 1] - b[2, 1], tangents[last, 0], tangents[last, 1])
        if smooth[0] and ax * tangents[first, 0] + ay * tangents[first, 1] < KINK_COS:
            continue
        if smooth[1] and ex * tangents[last, 0] + ey * tangents[last, 1] < (KINK_COS if is_arc_end else TURN_COS):
            continue
        if not is_arc_end:
            tangents[last, 0], tangents[last, 1] = ex, ey
        return True
    return False


@njit(cache=True, nogil=True)
def _emit(points, first, last, arc_end, tangents, has_tangent, is_line, tolerance, t, b, out, out_lines, filled):
    """One piece between its settled ends; where it does not stay within tolerance, it is split at the worst point."""
    ends = [last]
    begin = first
    while len(ends) > 0:
        end = ends[-1]
        dx, dy = points[end, 0] - points[begin, 0], points[end, 1] - points[begin, 1]
        length = np.sqrt(dx * dx + dy * dy)
        if end - begin == 1 or (
            is_line
            and length > 0
            and deviation_from_line(points, begin, end, 1, points[begin, 0], points[begin, 1], dx / length, dy / length)
            <= tolerance
        ):
            for k in range(4):
                at = begin if k < 2 else end
                out[filled, k, 0], out[filled, k, 1] = points[at, 0], points[at, 1]
            out_lines[filled] = True
            filled += 1
            begin = end
            ends.pop()
            continue
        worst, where, _ = fit_cubic(points, begin, end, tangents, has_tangent, tolerance, 1, t, b, True)
        if worst <= tolerance or _fits_loosely(
            points, begin, end, tangents, has_tangent, end == arc_end, tolerance, t, b
        ):
            for k in range(4):
                out[filled, k, 0], out[filled, k, 1] = b[k, 0], b[k, 1]
            out_lines[filled] = False
            filled += 1
            begin = end
            ends.pop()
            continue
        # an end piece of one side fits anything, so a split keeps away from the ends where it can
        where = min(max(where, begin + min(2, (end - begin) // 2)), end - min(2, (end - begin) // 2))
        low, high = max(begin, where - 3), min(end, where + 3)
        tangents[where, 0], tangents[where, 1] = unit(
            points[high, 0] - points[low, 0], points[high, 1] - points[low, 1], dx, dy
        )
        has_tangent[where] = True
        ends.append(where)
    return filled
