"""Outlines: a planar map whose arcs have become lines and cubic Béziers.

Every arc is a chain of segments from its start to its end; neighbours share the arc, so they share its segments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64

from .planar_map import PlanarMap

# control points and line flags of consecutive segments
Segments = tuple[Float64[np.ndarray, "S 4 2"], Bool[np.ndarray, "S"]]


@dataclass(frozen=True)
class Primitive:
    """A shape that SVG has an element for.

    Attributes:
        kind: which.
        cx, cy: its centre, in pixels.
        rx, ry: half its width and height before it is turned.
        degrees: how far it is turned about its centre, clockwise as seen.
        corner: radius of a rectangle's corners, 0 for sharp ones.
    """

    kind: Literal["circle", "ellipse", "rect"]
    cx: float
    cy: float
    rx: float
    ry: float
    degrees: float = 0.0
    corner: float = 0.0


@dataclass(frozen=True)
class Outlines:
    """The geometry of every arc.

    Attributes:
        planar_map: which faces lie beside which arc.
        control_points: float64 (S, 4, 2), x and y in pixels; a line repeats its ends: P0 P0 P3 P3.
        is_line: bool (S,).
        offsets: int64 (A+1,), arc a is segments offsets[a] … offsets[a + 1] − 1; consecutive segments share a point.
            Arcs beyond those of the planar map belong to layers alone.
        primitives: by arc, what a closed arc is whose segments are a primitive's.
    """

    planar_map: PlanarMap
    control_points: Float64[np.ndarray, "S 4 2"]
    is_line: Bool[np.ndarray, "S"]
    offsets: Int64[np.ndarray, "A1"]
    primitives: Mapping[int, Primitive] = field(default_factory=dict)

    def ring(self, half_arcs: Int32[np.ndarray, "R"]) -> tuple[Float64[np.ndarray, "N 4 2"], Bool[np.ndarray, "N"]]:
        """The segments of a ring of half-arcs in walking order, as control points and line flags."""
        points, lines = [], []
        for half_arc in half_arcs:
            arc, backward = divmod(int(half_arc), 2)
            segments = slice(self.offsets[arc], self.offsets[arc + 1])
            step = -1 if backward else 1
            points.append(self.control_points[segments][::step, ::step])
            lines.append(self.is_line[segments][::step])
        return np.concatenate(points), np.concatenate(lines)

    def with_arcs(self, arcs: Mapping[int, tuple[Segments, Primitive | None]]) -> Outlines:
        """These outlines, but for the arcs given: their segments, and what primitives they are."""
        controls, lines = [], []
        counts, done = np.diff(self.offsets), 0
        for arc in sorted(arcs):
            (points, is_line), _ = arcs[arc]
            before = slice(done, self.offsets[arc])
            controls += [self.control_points[before], points]
            lines += [self.is_line[before], is_line]
            counts[arc], done = len(is_line), self.offsets[arc + 1]
        primitives = {arc: one for arc, one in self.primitives.items() if arc not in arcs}
        return Outlines(
            self.planar_map,
            np.concatenate([*controls, self.control_points[done:]]),
            np.concatenate([*lines, self.is_line[done:]]),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            primitives | {arc: one for arc, (_, one) in arcs.items() if one is not None},
        )


def outlines_of_polylines(
    planar_map: PlanarMap, points: Float64[np.ndarray, "P 2"], offsets: Int64[np.ndarray, "A1"]
) -> Outlines:
    """Outlines whose arcs are the polylines points[offsets[a]:offsets[a + 1]]."""
    inner = np.ones(len(points), bool)
    inner[offsets[1:] - 1] = False
    begins = np.flatnonzero(inner)
    control_points = np.stack([points[begins], points[begins], points[begins + 1], points[begins + 1]], 1)
    segment_offsets = offsets - np.arange(len(offsets))
    return Outlines(planar_map, control_points, np.ones(len(begins), bool), segment_offsets)


def flattened(
    control_points: Float64[np.ndarray, "N 4 2"], is_line: Bool[np.ndarray, "N"], chords: int
) -> Float64[np.ndarray, "P 2"]:
    """The points of a chain of segments without its last, `chords` chords a cubic."""
    t = np.arange(chords)[:, None] / chords
    pieces = []
    for (p0, p1, p2, p3), line in zip(control_points, is_line, strict=True):
        if line:
            pieces.append(p0[None])
        else:
            s = 1 - t
            pieces.append(s**3 * p0 + 3 * s * s * t * p1 + 3 * s * t * t * p2 + t**3 * p3)
    return np.concatenate(pieces)
