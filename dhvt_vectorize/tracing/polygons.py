"""PlanarMap → Outlines of straight lines: exact pixel edges, or simplified polygons that never open a gap.

Pixel outlines follow the pixel sides, runs merged. Polygons are simplified arc by arc with Douglas and Peucker's method
(1973), through Shapely: neighbours share the arc and so its simplification; a closed arc keeps at least a triangle.
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
    # a closed arc is cut in two at its far point, or its ends, being one point, would pull it to a line
    closed = planar_map.start < 0
    pieces, piece_points = _cut_closed(points, offsets, closed)
    lines = shapely.linestrings(points[piece_points], indices=pieces)
    simple = shapely.simplify(lines, tolerance, preserve_topology=False)
    kept, piece_of_point = shapely.get_coordinates(simple, return_index=True)
    arc_of_piece = np.zeros(pieces[-1] + 1, np.int64)
    arc_of_piece[pieces] = arc_of_point[piece_points]
    arc = arc_of_piece[piece_of_point]
    # the second piece of a closed arc repeats the point where it was cut
    repeat = np.zeros(len(kept), bool)
    repeat[1:] = (arc[1:] == arc[:-1]) & (piece_of_point[1:] != piece_of_point[:-1])
    kept, arc = kept[~repeat], arc[~repeat]
    new_offsets = np.searchsorted(arc, np.arange(len(offsets)))
    return outlines_of_polylines(planar_map, kept, new_offsets)


def _cut_closed(
    points: Float64[np.ndarray, "P 2"], offsets: Int64[np.ndarray, "A1"], closed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(piece of each point, index of each point), with every closed arc in two pieces that share a point."""
    pieces, indices = [], []
    piece = 0
    for arc in range(len(offsets) - 1):
        begin, end = int(offsets[arc]), int(offsets[arc + 1])
        cuts = [begin, end - 1]
        if closed[arc] and end - begin > 3:
            far = begin + int(((points[begin:end] - points[begin]) ** 2).sum(1).argmax())
            cuts.insert(1, far)
        for a, b in pairwise(cuts):
            indices.append(np.arange(a, b + 1))
            pieces.append(np.full(b + 1 - a, piece))
            piece += 1
    return np.concatenate(pieces), np.concatenate(indices)


def _offsets_of_kept(kept: np.ndarray, offsets: Int64[np.ndarray, "A1"]) -> Int64[np.ndarray, "A1"]:
    kept_before: Int64[np.ndarray, "P1"] = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
    return np.asarray(kept_before[offsets])
