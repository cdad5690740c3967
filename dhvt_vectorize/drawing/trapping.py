"""Outlines + Layers → traps: strokes that let cut-out shapes reach below their neighbours.

Two shapes that share an edge exactly are each anti-aliased against it, so the page shows through as a hairline. A trap
is the shared edge, drawn before all shapes as a stroke in the paint of the shape that is painted earlier: so that shape
reaches `width` pixels below its neighbour, and over nothing, for all shapes are painted after it. At a pixel of the
edge the result is then what it should be, covered·one + (1 − covered)·other, as with stacked layers.

Only edges between two opaque faces get one. Where an edge ends at a face that is not opaque, the stroke, whose ends are
round, begins twice its width away, so that it does not show there. Strokes along the picture's border reach beyond it,
where nothing is shown. Method: "spread" trapping of the printing trade, by stroke.

Limit: below an angle of 30° at such an end, and where what is not opaque is nearer than `width` to an edge, a trap can
show by a part of its width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from ..tracing.outlines import Outlines
from ..tracing.planar_map import PlanarMap
from .layering import Layers

CLEARANCE = 2.0  # widths kept from a face that is not opaque
_CHORDS = 16


@dataclass(frozen=True)
class Traps:
    """Open chains of segments, in painting order.

    Attributes:
        face: int64 (T,), whose paint a trap has.
        control_points: float64 (N, 4, 2), as in `Outlines`.
        is_line: bool (N,).
        offsets: int64 (T+1,), trap t is segments offsets[t] … offsets[t + 1] − 1.
    """

    face: Int64[np.ndarray, "T"]
    control_points: Float64[np.ndarray, "N 4 2"]
    is_line: Bool[np.ndarray, "N"]
    offsets: Int64[np.ndarray, "T1"]


def traps(outlines: Outlines, layers: Layers, opacity: np.ndarray, width: float) -> Traps:
    """The traps of cut-out layers.

    Args:
        outlines, layers: the shapes, each face painted once.
        opacity: (K,) of each face.
        width: in pixels, how far a shape reaches below its neighbour.
    """
    planar_map = outlines.planar_map
    opaque = np.append(opacity >= 1.0, False)  # the last for −1, outside the image
    place = np.zeros(len(opaque), np.int64)
    place[layers.face] = np.arange(len(layers.face))
    left, right = planar_map.left, planar_map.right
    trapped = np.flatnonzero(opaque[left] & opaque[right])
    earlier = np.where(place[left] < place[right], left, right)[trapped]
    clear = _junctions_clear_of(planar_map, opaque)
    order = np.argsort(place[earlier], kind="stable")
    chains, faces = [], []
    for arc, face in zip(trapped[order].tolist(), earlier[order].tolist(), strict=True):
        segments = slice(outlines.offsets[arc], outlines.offsets[arc + 1])
        points, lines = outlines.control_points[segments], outlines.is_line[segments]
        if not clear[planar_map.start[arc]]:
            points, lines = _shortened(points, lines, CLEARANCE * width)
        if not clear[planar_map.end[arc]]:
            points, lines = _shortened(points[::-1, ::-1], lines[::-1], CLEARANCE * width)
        if len(points):
            chains.append((points, lines))
            faces.append(face)
    return Traps(
        np.array(faces, np.int64),
        np.concatenate([np.zeros((0, 4, 2)), *(points for points, _ in chains)]),
        np.concatenate([np.zeros(0, bool), *(lines for _, lines in chains)]),
        np.cumsum([0, *(len(points) for points, _ in chains)], dtype=np.int64),
    )


def _junctions_clear_of(planar_map: PlanarMap, opaque: Bool[np.ndarray, "K1"]) -> Bool[np.ndarray, "J1"]:
    """Which junctions touch opaque faces and the outside alone; the last is for −1, where an arc has no ends."""
    clear = np.ones(len(planar_map.junctions) + 1, bool)
    for face in (planar_map.left, planar_map.right):
        beside = (face >= 0) & ~opaque[face]
        clear[planar_map.start[beside]] = clear[planar_map.end[beside]] = False
    clear[-1] = True
    return clear


def _shortened(
    points: Float64[np.ndarray, "N 4 2"], lines: Bool[np.ndarray, "N"], length: float
) -> tuple[Float64[np.ndarray, "M 4 2"], Bool[np.ndarray, "M"]]:
    """A chain without its first `length` pixels."""
    t = np.linspace(0, 1, _CHORDS + 1)[:, None]
    for number, (segment, is_line) in enumerate(zip(points, lines, strict=True)):
        p0, p3 = segment[0], segment[3]
        along = p0 + t * (p3 - p0) if is_line else _bezier(t, segment)
        lengths = np.cumsum(np.hypot(*np.diff(along, axis=0).T))
        if length < lengths[-1]:
            at = float(np.interp(length, [0, *lengths], t[:, 0]))
            rest = points[number:].copy()
            rest[0] = np.stack([a := p0 + at * (p3 - p0), a, p3, p3]) if is_line else _after(at, segment)
            return rest, lines[number:]
        length -= lengths[-1]
    return points[:0], lines[:0]


def _bezier(t: Float64[np.ndarray, "N 1"], segment: Float64[np.ndarray, "4 2"]) -> Float64[np.ndarray, "N 2"]:
    s = 1 - t
    p0, p1, p2, p3 = segment
    return np.asarray(s**3 * p0 + 3 * s * s * t * p1 + 3 * s * t * t * p2 + t**3 * p3)


def _after(t: float, segment: Float64[np.ndarray, "4 2"]) -> Float64[np.ndarray, "4 2"]:
    """The part of a cubic from `t` on (de Casteljau)."""
    rest = segment.copy()
    for last in (3, 2, 1):
        rest[:last] += t * (rest[1 : last + 1] - rest[:last])
    return rest
