"""Layers → Layers in which what the picture's frame cuts into several arcs is one primitive all the same.

An icon is often a rounded square, or a circle, as large as the picture. Its outline then runs along the frame for most
of its way, and leaves it so slowly that where it does cannot be seen: a path of four bends that begin too late. Here
the whole outline, frame and all, is held against the primitives of `tracing.primitives`; sides within `AT_THE_FRAME` of
the frame are on it.

Where the corners are transparent, the outline is the shape's own ring. Where they have a colour, the square is painted
over the whole picture and the four corners on top; if these are one colour, and end at the square alone, that colour is
painted first and the primitive on it: two shapes for five.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Float64, Int64

from ..tracing.outlines import Outlines, Primitive
from ..tracing.primitives import primitive_of, rounded_as, segments_of
from .layering import Layers
from .paints import Paints
from .redrawing import Redrawn, rings_of, with_redrawn

AT_THE_FRAME = 0.4  # pixels
LEAVING = 12.0  # pixels of the frame beside where an outline leaves it, of which its pixels say little

# the traced points of the planar map's arcs, and their offsets
Polylines = tuple[Float64[np.ndarray, "P 2"], Int64[np.ndarray, "A1"]]


def with_framed_primitives(
    outlines: Outlines, layers: Layers, paints: Paints, polylines: Polylines, tolerance: float
) -> tuple[Outlines, Layers]:
    """The layers with shapes along the frame as primitives, and the outlines with these.

    Args:
        outlines, layers, paints: what is drawn, stacked.
        polylines: the traced points of the planar map's arcs, and their offsets.
        tolerance: how far these may lie from a primitive, in pixels.
    """
    frame = _Frame(outlines, layers, polylines, tolerance)
    found = {}
    for shape, ring in frame.rings_of_several_arcs():
        primitive = frame.primitive(ring)
        if primitive is not None:
            found[shape] = Redrawn(int(layers.face[shape]), (segments_of(primitive),), (primitive,))
    if found:
        return with_redrawn(outlines, layers, found, ())
    return _with_ground(outlines, layers, paints, frame)


class _Frame:
    """The arcs along the frame, and what they and others are part of."""

    def __init__(self, outlines: Outlines, layers: Layers, polylines: Polylines, tolerance: float) -> None:
        self._outlines, self._layers, self._tolerance = outlines, layers, tolerance
        self._points, self._offsets = polylines
        self.map = outlines.planar_map
        self.on_frame = (self.map.left < 0) | (self.map.right < 0)
        self._uses = Counter((layers.half_arcs // 2).tolist())

    def rings_of_several_arcs(self) -> Iterator[tuple[int, list[int]]]:
        """Shapes of one ring that is partly along the frame, where no other shape ends at the rest of it."""
        for shape in range(len(self._layers.face)):
            # of a hole that is covered there may be nothing left but a point
            rings = [ring for ring in rings_of(self._layers, shape) if self._has_extent(ring)]
            if len(rings) == 1 and len(rings[0]) > 1 and self._is_alone(rings[0]):
                yield shape, rings[0]

    def _has_extent(self, ring: list[int]) -> bool:
        first, offsets = ring[0] // 2, self._outlines.offsets
        path = self._outlines.control_points[offsets[first] : offsets[first + 1]]
        return len(ring) > 1 or bool((np.ptp(path.reshape(-1, 2), 0) > 0).any())

    def _is_alone(self, ring: list[int]) -> bool:
        arcs = [h // 2 for h in ring]
        if max(arcs) >= len(self.on_frame):
            return False
        inner = [arc for arc in arcs if not self.on_frame[arc]]
        return 0 < len(inner) < len(arcs) and self.is_used_once(inner)

    def is_used_once(self, arcs: list[int]) -> bool:
        """Does one shape alone end at each of these arcs?"""
        return all(self._uses[arc] == 1 for arc in arcs)

    def primitive(self, ring: list[int]) -> Primitive | None:
        """The primitive that a ring of half-arcs is."""
        points, controls, lines = [], [], []
        for h in ring:
            arc, step = h // 2, -1 if h % 2 else 1
            points.append(self._told(arc)[::step])
            path = slice(self._outlines.offsets[arc], self._outlines.offsets[arc + 1])
            controls.append(self._outlines.control_points[path][::step, ::step])
            lines.append(self._outlines.is_line[path][::step])
        polyline = np.concatenate([*points, points[0][:1]])
        found = primitive_of(polyline, np.concatenate(controls), np.concatenate(lines), self._tolerance)
        return None if found is None else self._on_the_frame(found, polyline[:-1])

    def _told(self, arc: int) -> Float64[np.ndarray, "N 2"]:
        """The points of an arc that tell where its outline is: not those near which it leaves the frame."""
        points = self._points[self._offsets[arc] : self._offsets[arc + 1]]
        if not self.on_frame[arc]:
            return points[1:-1]
        way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        margin = min(LEAVING, way[-1] / 3)
        return np.asarray(points[(way > margin) & (way < way[-1] - margin)])

    def _on_the_frame(self, primitive: Primitive, points: Float64[np.ndarray, "N 2"]) -> Primitive:
        """The primitive with sides on the frame that are nearly there, and corners as round as the points then say."""
        if primitive.kind != "rect":
            return primitive
        size = np.array(self.map.labels.shape[::-1], float)
        half, centre = np.array([primitive.rx, primitive.ry]), np.array([primitive.cx, primitive.cy])
        if abs(np.radians(primitive.degrees)) * np.hypot(*half) > AT_THE_FRAME:
            return primitive
        low, high = centre - half, centre + half
        low, high = np.where(np.abs(low) <= AT_THE_FRAME, 0.0, low), np.where(size - high <= AT_THE_FRAME, size, high)
        (cx, cy), (rx, ry) = ((low + high) / 2).tolist(), ((high - low) / 2).tolist()
        upright = replace(primitive, cx=cx, cy=cy, rx=rx, ry=ry, degrees=0.0)
        inner = points[((points > AT_THE_FRAME) & (points < size - AT_THE_FRAME)).all(1)]
        return upright if upright.corner == 0 or not len(inner) else rounded_as(upright, inner)


def _with_ground(outlines: Outlines, layers: Layers, paints: Paints, frame: _Frame) -> tuple[Outlines, Layers]:
    """The layers with the corners' colour below a ground that is a primitive, if it is one without them."""
    corners = _corner_shapes(layers, paints, frame)
    if corners is None:
        return outlines, layers
    ground = int(layers.face[0])
    (around,) = rings_of(layers, 0)
    half_arcs, cut = set(around), []
    for shape in corners:
        (ring,) = rings_of(layers, shape)
        half_arcs.difference_update(ring)
        inner = [h for h in ring if not frame.on_frame[h // 2]]
        beyond = {int((frame.map.left if h % 2 else frame.map.right)[h // 2]) for h in inner}
        if beyond != {ground} or not frame.is_used_once([h // 2 for h in inner]):
            return outlines, layers
        cut += [h ^ 1 for h in inner]
    group = np.array(sorted(half_arcs) + cut, np.int32)
    order, offsets, _ = frame.map.rings(group, np.array([0, len(group)]))
    primitive = frame.primitive(order.tolist()) if len(offsets) == 2 else None
    if primitive is None:
        return outlines, layers
    below = int(layers.face[corners[0]])
    redrawn = Redrawn(ground, (segments_of(primitive),), (primitive,))
    outlines, layers = with_redrawn(outlines, layers, {0: redrawn}, corners)
    return outlines, _over(layers, below, around)


def _corner_shapes(layers: Layers, paints: Paints, frame: _Frame) -> list[int] | None:
    """The four shapes of one colour that each draw one corner of the picture, over a ground that is all of it."""
    labels = frame.map.labels
    faces = [int(labels[y, x]) for y in (0, -1) for x in (0, -1)]
    rings = rings_of(layers, 0) if len(layers.face) > 4 else []
    if len(set(faces)) < 4 or len(rings) != 1 or 0 in layers.pens:
        return None
    if any(h // 2 >= len(frame.on_frame) or not frame.on_frame[h // 2] for h in rings[0]):
        return None
    colours, opacity = paints.colours[faces], paints.opacity[faces]
    if paints.gradients.keys() & set(faces) or (colours != colours[0]).any() or opacity.min() < 1:
        return None
    shapes = [np.flatnonzero(layers.face == face).tolist() for face in faces]
    if any(len(each) != 1 or each[0] == 0 or each[0] in layers.pens for each in shapes):
        return None
    found: list[int] = [shape for (shape,) in shapes]
    drawn = [rings_of(layers, shape) for shape in found]
    if any(len(each) != 1 or max(each[0]) // 2 >= len(frame.on_frame) for each in drawn):
        return None
    return found if not layers.details[found].any() else None


def _over(layers: Layers, face: int, ring: list[int]) -> Layers:
    """The layers over one more shape, of which they are all details."""
    return replace(
        layers,
        face=np.concatenate([[face], layers.face]).astype(np.int32),
        half_arcs=np.concatenate([ring, layers.half_arcs]).astype(np.int32),
        ring_offsets=np.concatenate([[0], layers.ring_offsets + len(ring)]),
        shape_offsets=np.concatenate([[0], layers.shape_offsets + 1]),
        details=np.concatenate([[len(layers.face)], layers.details]).astype(np.int32),
        pens={shape + 1: pen for shape, pen in layers.pens.items()},
    )
