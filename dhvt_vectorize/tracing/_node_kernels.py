"""numba kernels of nodes: where pieces meet, and in which direction."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

SNAP = 0.05  # pixels by which the ends of a line may move for it to be level, upright or diagonal
REACH = 1.2  # pixels that a node may move to where two pieces meet, were they to meet at no angle
ROUNDED = 2  # points on a line beside a corner that are rounded
SLACK = 0.5  # of the tolerance that a node may move where pieces go on smoothly


@njit(cache=True, nogil=True)
def place_nodes(points, offsets, firsts, is_line, side, piece_offsets, start, is_frame, is_corner, tolerance):
    """Nodes placed by the pieces' fits: points with the nodes moved, tangents (P, 2), and where there are any (P,).

    The ends of open arcs and the frame stay where they are.
    """
    out = points.copy()
    tangents = np.zeros((points.shape[0], 2))
    has_tangent = np.zeros(points.shape[0], np.bool_)
    for k in range(firsts.size):
        if is_line[k]:
            last = points[firsts[k + 1] if k + 1 < firsts.size else points.shape[0] - 1]
            half = 0.5 * np.hypot(last[0] - points[firsts[k], 0], last[1] - points[firsts[k], 1])
            dx, dy = _snapped(side[k, 0, 2], side[k, 0, 3], half, SNAP + 2.0 * side[k, 0, 4])
            side[k, 0, 2] = side[k, 1, 2] = dx
            side[k, 0, 3] = side[k, 1, 3] = dy
    for a in range(offsets.size - 1):
        first, last = piece_offsets[a], piece_offsets[a + 1]
        if is_frame[a] or offsets[a + 1] - offsets[a] < 3:
            continue
        for k in range(first if start[a] < 0 else first + 1, last):
            i = firsts[k]
            p = k - 1 if k > first else last - 1
            out[i, 0], out[i, 1], tangents[i, 0], tangents[i, 1], has_tangent[i] = _node(
                points[i, 0], points[i, 1], side[p, 1], side[k, 0], is_line[p], is_line[k], is_corner[i],
                SLACK * tolerance,
            )  # fmt: skip
            if is_corner[i]:
                if is_line[k]:
                    end = firsts[k + 1] if k + 1 < last else offsets[a + 1] - 1
                    _straighten(points, i + 1, min(i + ROUNDED, end - 1), side[k, 0], out)
                if is_line[p]:
                    end = i if k > first else offsets[a + 1] - 1
                    _straighten(points, max(end - ROUNDED, firsts[p] + 1), end - 1, side[p, 1], out)
        if start[a] < 0:
            i, j = offsets[a], offsets[a + 1] - 1
            for axis in range(2):
                out[j, axis], tangents[j, axis] = out[i, axis], tangents[i, axis]
            has_tangent[j] = has_tangent[i]
    return out, tangents, has_tangent


@njit(cache=True, nogil=True, inline="always")
def _straighten(points, first, last, line, out):
    """Move the points that anti-aliasing rounds beside a corner onto the line of their side."""
    for i in range(first, last + 1):
        f = (points[i, 0] - line[0]) * line[2] + (points[i, 1] - line[1]) * line[3]
        out[i, 0], out[i, 1] = line[0] + f * line[2], line[1] + f * line[3]


@njit(cache=True, nogil=True)
def _snapped(dx, dy, reach, slack):
    """The direction (dx, dy), or the level, upright or diagonal one if it moves what is `reach` away by less."""
    for k in range(8):
        angle = k * np.pi / 4
        ux, uy = np.cos(angle), np.sin(angle)
        if dx * ux + dy * uy > 0 and abs(dx * uy - dy * ux) * reach <= slack:
            return (np.rint(ux), np.rint(uy)) if k % 2 == 0 else (ux, uy)
    return dx, dy


@njit(cache=True, nogil=True, inline="always")
def _off_ray(x, y, dx, dy):
    """The distance of (x, y) from the ray that leaves the origin in the unit direction (dx, dy)."""
    along = max(0.0, x * dx + y * dy)
    return np.hypot(x - along * dx, y - along * dy)


@njit(cache=True, nogil=True)
def _node(x, y, p, q, p_line, q_line, corner, slack):
    """Where pieces p and q meet near (x, y), within `slack` if smoothly; the common tangent, and if there is one."""
    cross = p[2] * q[3] - p[3] * q[2]
    dot = p[2] * q[2] + p[3] * q[3]
    smooth = not corner and dot > 0 and (abs(cross) < 0.35 if not (p_line and q_line) else abs(cross) < 0.03)
    if not smooth:
        if (p_line or q_line) and abs(cross) > 0.03:
            f = ((q[0] - p[0]) * q[3] - (q[1] - p[1]) * q[2]) / cross
            mx, my = p[0] + f * p[2], p[1] + f * p[3]
            # anti-aliasing cuts the tip off, the more the sharper it is
            reach = REACH / max(0.3, np.sqrt(0.5 + 0.5 * dot))
            away = min(_off_ray(x - mx, y - my, -p[2], -p[3]), _off_ray(x - mx, y - my, q[2], q[3]))
            # but for corners, what was at the node must stay near; a cubic leaves its tangent soon
            if not corner:
                reach = (reach if p_line and q_line else slack) if away <= slack else -1.0
            if np.hypot(mx - x, my - y) <= reach:
                return mx, my, 0.0, 0.0, False
        return x, y, 0.0, 0.0, False
    norm = np.hypot(p[2] + q[2], p[3] + q[3])
    tx, ty = (p[2] + q[2]) / norm, (p[3] + q[3]) / norm
    if p_line or q_line:
        line = p if p_line else q
        f = (x - line[0]) * line[2] + (y - line[1]) * line[3]
        mx, my = line[0] + f * line[2], line[1] + f * line[3]
        if (mx - x) ** 2 + (my - y) ** 2 <= slack * slack:
            x, y = mx, my
        if not (p_line and q_line):
            tx, ty = line[2], line[3]
    return x, y, tx, ty, True
