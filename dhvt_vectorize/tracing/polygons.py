"""PlanarMap → Outlines of straight lines: exact pixel edges, or simplified polygons that never open a gap.

Pixel outlines follow the pixel sides, runs merged. Polygons are simplified arc by arc with Douglas and Peucker's method
(1973), through Shapely: neighbours share the arc and so its simplification; a closed arc keeps at least a triangle, the
image's frame every corner.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import shapely
from jaxtyping import Float64, Int64

from .outlines import Outlines, outlines_of_polylines
from .planar_map import PlanarMap


def pixel_outlines(planar_map: PlanarMap) -> Outlines:
    """The exact pixel edges; a run of sides in one direction is one line."""
    points = planar_map.points.astype(np.float64)
    turns = np.ones(len(points), bool)
    step = np.diff(planar_map.points, axis=0)
    turns[1:-1] = (step[1:] != step[:-1]).any(1)
    turns[planar_map.offsets[:-1]] = True
    turns[planar_map.offsets[1:] - 1] = True
    return outlines_of_polylines(planar_map, points[turns], _offsets_of_kept(turns, planar_map.offsets))


def simplified_polygons(
    planar_map: PlanarMap, points: Float64[np.ndarray, "P 2"], offsets: Int64[np.ndarray, "A1"], tolerance: float
) -> Outlines:
    """The polylines points[offsets[a]:offsets[a + 1]] with as few points as stay within `tolerance` pixels."""
    arc_of_point = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    # a closed arc is cut at a triangle's corners, or its ends, being one point, would pull it to a line
    closed = planar_map.start < 0
    is_frame = (planar_map.left < 0) | (planar_map.right < 0)
    pieces, piece_points = _cut(points, offsets, closed, is_frame)
    lines = shapely.linestrings(points[piece_points], indices=pieces)
    simple = shapely.simplify(lines, tolerance, preserve_topology=False)
    kept, piece_of_point = shapely.get_coordinates(simple, return_index=True)
    arc_of_piece = np.zeros(pieces[-1] + 1, np.int64)
    arc_of_piece[pieces] = arc_of_point[piece_points]
    arc = arc_of_piece[piece_of_point]
    # a later piece of an arc repeats the point where it was cut
    repeat = np.zeros(len(kept), bool)
    repeat[1:] = (arc[1:] == arc[:-1]) & (piece_of_point[1:] != piece_of_point[:-1])
    kept, arc = kept[~repeat], arc[~repeat]
    new_offsets = np.searchsorted(arc, np.arange(len(offsets)))
    return outlines_of_polylines(planar_map, kept, new_offsets)


def _cut(
    points: Float64[np.ndarray, "P 2"], offsets: Int64[np.ndarray, "A1"], closed: np.ndarray, is_frame: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(piece of each point, index of each point): the image's frame cut at every point, closed arcs in three pieces;
    pieces of an arc share the point of the cut."""
    pieces, indices = [], []
    piece = 0
    for arc in range(len(offsets) - 1):
        begin, end = int(offsets[arc]), int(offsets[arc + 1])
        if is_frame[arc]:
            cuts = list(range(begin, end))
        elif closed[arc] and end - begin > 3:
            cuts = [begin, *(begin + _widest_triangle(points[begin : end - 1])), end - 1]
        else:
            cuts = [begin, end - 1]
        for a, b in pairwise(cuts):
            indices.append(np.arange(a, b + 1))
            pieces.append(np.full(b + 1 - a, piece))
            piece += 1
    return np.concatenate(pieces), np.concatenate(indices)


def _widest_triangle(points: Float64[np.ndarray, "N 2"]) -> Int64[np.ndarray, "2"]:
    """In order, the point farthest from the first and the one farthest from the line through these two."""
    x, y = (points - points[0]).T
    far = 1 + int((x * x + y * y)[1:].argmax())
    away = np.abs(x * y[far] - y * x[far])
    away[[0, far]] = -1.0
    return np.sort([far, int(away.argmax())])


def _offsets_of_kept(kept: np.ndarray, offsets: Int64[np.ndarray, "A1"]) -> Int64[np.ndarray, "A1"]:
    kept_before: Int64[np.ndarray, "P1"] = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
    return np.asarray(kept_before[offsets])
