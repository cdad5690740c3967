"""Outlines → Shapely polygons, one a face, cubics flattened to chords."""

from __future__ import annotations

import numpy as np
import shapely
from jaxtyping import Float64

from ..tracing.outlines import Outlines, flattened


def face_polygons(outlines: Outlines, chords: int) -> list[shapely.Polygon]:
    """Each face's polygon with its holes, in label order; `chords` a cubic."""
    planar_map = outlines.planar_map
    half_arcs, group_offsets = planar_map.half_arcs_by_face()
    order, offsets, groups = planar_map.rings(half_arcs, group_offsets)
    areas = np.add.reduceat(planar_map.signed_areas()[order], offsets[:-1])
    shells: list[list[Float64[np.ndarray, "N 2"]]] = [[] for _ in range(planar_map.faces)]
    holes: list[list[Float64[np.ndarray, "N 2"]]] = [[] for _ in range(planar_map.faces)]
    for ring, group in enumerate(groups):
        points = flattened(*outlines.ring(order[offsets[ring] : offsets[ring + 1]]), chords)
        (shells if areas[ring] > 0 else holes)[group].append(points)
    return [_polygon(shell, hole) for shell, hole in zip(shells, holes, strict=True)]


def _polygon(shells: list[np.ndarray], holes: list[np.ndarray]) -> shapely.Polygon:
    rings = [ring for ring in holes if len(ring) >= 3]
    # a connected face has one outer ring; simplification can shrink a tiny one to a line
    shell = max(shells, key=len)
    return shapely.Polygon(shell, rings) if len(shell) >= 3 else shapely.Polygon()
