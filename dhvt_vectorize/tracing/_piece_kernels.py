"""numba kernels of the pieces themselves: lines and cubics between placed nodes, split where they do not fit."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ._cubic_kernels import fit_cubic, unit
from ._stray_kernels import cubic_is_near, line_is_near

FEWEST = 4  # points of a piece, at least, that may have strays
TURN_COS = np.cos(np.radians(15.0))  # the direction of a smooth join may turn by so much where that saves a piece,
KINK_COS = np.cos(np.radians(10.0))  # by so much if the piece before does not turn along,
SLIGHT_COS = np.cos(np.radians(3.0))  # and by so much where a closed arc ends, and before it
HOPELESS = 3.0  # times the tolerance beyond which directions of its own are no help to a fit


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
def _turned(tangents, at, x, y, least):
    """Turn the tangent at a point into the direction (x, y), or as far towards it as an angle of that cosine; is it
    there?"""
    tx, ty = tangents[at, 0], tangents[at, 1]
    if x * tx + y * ty >= least:
        tangents[at, 0], tangents[at, 1] = x, y
        return True
    side = np.copysign(np.sqrt(1.0 - least * least), tx * y - ty * x)
    tangents[at, 0], tangents[at, 1] = least * tx - side * ty, least * ty + side * tx
    return False


@njit(cache=True, nogil=True)
def _fits_loosely(points, first, last, tangents, has_tangent, is_arc_end, tolerance, t, b):
    """Fit a cubic whose direction at its end, then at both ends, is its own, or turned towards that as far as a smooth
    join may; does it stay within tolerance? What comes next goes on in its direction, so that only a start can kink.
    """
    smooth = has_tangent[first], has_tangent[last]
    ends = np.array([first, last])
    before = tangents[ends]
    for loosened in range(2):
        if (loosened == 0 and (is_arc_end or not smooth[1])) or not (smooth[0] or smooth[1]):
            continue
        has_tangent[last] = False
        has_tangent[first] = smooth[0] and loosened == 0
        worst, _, _ = fit_cubic(points, first, last, tangents, has_tangent, tolerance, 1, t, b, True)
        has_tangent[first], has_tangent[last] = smooth
        if worst > HOPELESS * tolerance:
            continue
        ax, ay = unit(b[1, 0] - b[0, 0], b[1, 1] - b[0, 1], tangents[first, 0], tangents[first, 1])
        ex, ey = unit(b[3, 0] - b[2, 0], b[3, 1] - b[2, 1], tangents[last, 0], tangents[last, 1])
        is_free = True
        if smooth[0]:
            is_free &= _turned(tangents, first, ax, ay, SLIGHT_COS if is_arc_end and smooth[1] else KINK_COS)
        if smooth[1]:
            is_free &= _turned(tangents, last, ex, ey, SLIGHT_COS if is_arc_end else TURN_COS)
        if not is_free:
            worst, _, _ = fit_cubic(points, first, last, tangents, has_tangent, tolerance, 1, t, b, True)
        fits = cubic_is_near(points, first, last, 1, worst, tolerance, t, b, FEWEST)
        # what is done is done before the first end, and where an arc ends
        tangents[first] = before[0]
        if not fits or is_arc_end:
            tangents[last] = before[1]
        if fits:
            return True
    return False


@njit(cache=True, nogil=True)
def _emit(points, first, last, arc_end, tangents, has_tangent, is_line, tolerance, t, b, out, out_lines, filled):
    """One piece between its settled ends; where it does not stay within tolerance, it is split at the worst point."""
    ends = [last]
    begin = first
    while len(ends) > 0:
        end = ends[-1]
        x, y = points[begin]
        dx, dy = points[end, 0] - x, points[end, 1] - y
        length = np.sqrt(dx * dx + dy * dy)
        if end - begin == 1 or (
            is_line
            and length > 0
            and line_is_near(points, begin, end, 1, x, y, dx / length, dy / length, tolerance, FEWEST)
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
        if cubic_is_near(points, begin, end, 1, worst, tolerance, t, b, FEWEST) or _fits_loosely(
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
