"""Stacked layers → layers in which shapes that a pen could draw are strokes (`tracing/strokes.py` tells which).

A shape is looked at if it draws its own face and no more: holes may be open, or filled by shapes that are painted later
on top. Such a shape on top is left out where the ground around the stroke has its paint, for then the ground shows
through the stroke instead; or where what the stroke's lines enclose can be filled with its paint, one shape for all; or
it is drawn beneath the stroke, along the way around, where this is a closed row of dashes. Otherwise nothing is
changed. Shapes with gradients stay as they are, and so do those at whose border another shape ends too, for a stroke is
not quite there. The chains of strokes are arcs beyond the planar map's, as those of covered borders are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import shapely
from jaxtyping import Bool, Float64, Int32, Int64

from ..tracing.centreline import way_along
from ..tracing.outlines import Outlines
from ..tracing.strokes import Stroke, fit_stroke, is_thin, line_of
from .arrangement import shape_boxes
from .layering import Layers, Pen
from .paints import Paints
from .redrawing import Redrawn, with_redrawn

OFF = 0.2  # pixels, of an outline's length, by which what is filled may differ from what should be
LOOSE = 1.1  # of its traced perimeter that a region's pixels may suggest, to be looked at

# the traced points of the planar map's arcs, and their offsets
Polylines = tuple[Float64[np.ndarray, "P 2"], Int64[np.ndarray, "A1"]]


@dataclass(frozen=True)
class _Holes:
    """What becomes of the shapes in a stroke's holes.

    Attributes:
        needless: those left out.
        fill: the face whose paint fills the stroke, or −1.
        filled: the rings of half-arcs around what it fills.
    """

    needless: tuple[int, ...] = ()
    fill: int = -1
    filled: tuple[np.ndarray, ...] = ()


def with_strokes(
    outlines: Outlines,
    layers: Layers,
    paints: Paints,
    polylines: Polylines,
    tolerance: float,
) -> tuple[Outlines, Layers]:
    """The layers with strokes, and the outlines with their chains.

    Args:
        outlines, layers, paints: stacked shapes.
        polylines: the traced points of the planar map's arcs, and their offsets.
        tolerance: how far these may lie from a stroke's outline, in pixels.
    """
    shapes = np.flatnonzero(_thin(outlines, polylines)[layers.face]).tolist()
    if not shapes:
        return outlines, layers
    faces = _Faces(outlines, layers, paints)
    redrawn: dict[int, Redrawn] = {}
    needless: set[int] = set()
    for shape in shapes:
        holes = faces.holes(shape)
        if holes is None or (needless | redrawn.keys()) & {shape, *holes.needless}:
            continue
        face = int(layers.face[shape])
        stroke = _stroke(outlines, faces.rings(face), polylines, tolerance)
        if stroke is None:
            continue
        found = _as_shapes(shape, face, stroke, holes, [_traced(ring, polylines) for ring in holes.filled])
        redrawn.update(found)
        needless.update(set(holes.needless) - found.keys() if found else ())
    return with_redrawn(outlines, layers, redrawn, needless) if redrawn else (outlines, layers)


def _stroke(outlines: Outlines, rings: list[np.ndarray], polylines: Polylines, tolerance: float) -> Stroke | None:
    """The stroke that draws a face: what is a primitive already is a line or none."""
    first = int(rings[0][0]) // 2
    if len(rings) == len(rings[0]) == 1 and first in outlines.primitives:
        return line_of(outlines.primitives[first])
    nodes = sum(int((outlines.offsets[ring // 2 + 1] - outlines.offsets[ring // 2]).sum()) for ring in rings)
    return fit_stroke(nodes, [_traced(ring, polylines) for ring in rings], tolerance)


def _as_shapes(
    shape: int, face: int, stroke: Stroke, holes: _Holes, filled: list[Float64[np.ndarray, "N 2"]]
) -> dict[int, Redrawn]:
    """How a stroke is drawn: filled, or with a shape beneath where it is a row of dashes; by no shape where the paint
    in its holes cannot be brought there."""
    pen = Pen(stroke.width, stroke.cap, stroke.join)
    alone = Redrawn(face, stroke.chains, stroke.primitives, pen)
    if holes.fill < 0:
        return {shape: alone}
    region = shapely.union_all([shapely.make_valid(shapely.Polygon(points)) for points in filled])
    body = stroke.polygon()
    for inside, beneath in ((stroke.fill(), False), (stroke.fill_around(), True)):
        if inside is not None and inside.difference(body).symmetric_difference(region).area <= OFF * region.length:
            if not beneath:
                return {shape: replace(alone, pen=replace(pen, fill=holes.fill))}
            assert stroke.around is not None
            return {shape: Redrawn(holes.fill, (stroke.around,), (None,)), holes.needless[0]: alone}
    return {}


def _thin(outlines: Outlines, polylines: Polylines) -> Bool[np.ndarray, "K"]:
    """The faces that could be strokes, by their pixels and their borders' lengths."""
    planar_map = outlines.planar_map
    points, offsets = polylines
    way = way_along(points)
    length = way[offsets[1:] - 1] - way[offsets[:-1]]
    perimeter = np.zeros(planar_map.faces + 1)  # the last for −1, outside the image
    for side in (planar_map.left, planar_map.right):
        np.add.at(perimeter, side, length)
    beyond = np.zeros(len(perimeter), bool)
    beyond[planar_map.left[planar_map.right < 0]] = beyond[planar_map.right[planar_map.left < 0]] = True
    area = np.bincount(planar_map.labels.ravel(), minlength=planar_map.faces)
    # what the picture's border cuts has no outline of its own there
    area[beyond[:-1]] = 0
    return np.array([is_thin(a, LOOSE * p) for a, p in zip(area.tolist(), perimeter.tolist(), strict=False)])


def _traced(ring: Int32[np.ndarray, "R"], polylines: Polylines) -> Float64[np.ndarray, "N 2"]:
    """The traced points of a ring of half-arcs, the first not repeated."""
    points, offsets = polylines
    arcs = [points[offsets[h // 2] : offsets[h // 2 + 1]][:: -1 if h % 2 else 1] for h in ring]
    return np.concatenate([arc[:-1] for arc in arcs])


class _Faces:
    """The faces' rings, and which shape draws what."""

    def __init__(self, outlines: Outlines, layers: Layers, paints: Paints) -> None:
        planar_map = outlines.planar_map
        self._map, self._layers, self._paints = planar_map, layers, paints
        order, offsets, groups = planar_map.rings(*planar_map.half_arcs_by_face())
        area = np.add.reduceat(planar_map.signed_areas()[order], offsets[:-1])
        self._rings: list[list[np.ndarray]] = [[] for _ in range(planar_map.faces)]
        # the outer ring, whose area is positive, first
        for ring in np.lexsort((-area, groups)).tolist():
            self._rings[groups[ring]].append(order[offsets[ring] : offsets[ring + 1]])
        rings = [layers.half_arcs[a:b] for a, b in pairwise(layers.ring_offsets.tolist())]
        self._drawn = [rings[a:b] for a, b in pairwise(layers.shape_offsets.tolist())]
        self._shape_of_ring = {
            frozenset(drawn[0].tolist()): shape for shape, drawn in enumerate(self._drawn) if len(drawn) == 1
        }
        self._shape_of_face = {int(face): shape for shape, face in enumerate(layers.face)}
        self._boxes = shape_boxes(layers, outlines)
        self._first: dict[int, int] = {}  # by half-arc, the lowest shape that it borders
        for shape, drawn in enumerate(self._drawn):
            for half_arc in (h for ring in drawn for h in ring.tolist()):
                self._first.setdefault(half_arc, shape)

    def rings(self, face: int) -> list[np.ndarray]:
        """A face's rings of half-arcs, the outer one first."""
        return self._rings[face]

    def holes(self, shape: int) -> _Holes | None:
        """What a stroke in place of this shape does with its holes, or None where there can be none."""
        face = int(self._layers.face[shape])
        drawn = {frozenset(ring.tolist()) for ring in self._drawn[shape]}
        own = [frozenset(ring.tolist()) for ring in self._rings[face]]
        if face in self._paints.gradients or own[0] not in drawn or not drawn <= set(own):
            return None
        if any(self._first.get(h, shape) < shape for ring in own for h in ring):
            # a shape below ends where this one does, and would show beside the stroke
            return None
        if any(h ^ 1 in self._first for ring in drawn for h in ring):
            # a shape beside this one ends at its border, and what is below both would show between them
            return None
        holes = [ring for ring in self._rings[face] if frozenset(ring.tolist()) not in drawn]
        if not holes:
            return _Holes()
        on_top = [self._shape_of_ring.get(frozenset((ring ^ 1).tolist()), -1) for ring in holes]
        if min(on_top) < shape:
            return None
        filled = [
            (ring, other)
            for ring, other in zip(holes, on_top, strict=True)
            if not self._looks_like_ground(shape, own[0], other)
        ]
        if not filled:
            return _Holes(tuple(on_top))
        fills = [int(self._layers.face[other]) for _, other in filled]
        if any(not self._look_alike(fills[0], fill) for fill in fills[1:]):
            return None
        return _Holes(tuple(on_top), fills[0], tuple(ring for ring, _ in filled))

    def _look_alike(self, one: int, other: int) -> bool:
        """Are two faces of one opaque colour?"""
        colours, opacity = self._paints.colours, self._paints.opacity
        if {one, other} & self._paints.gradients.keys() or min(opacity[one], opacity[other]) < 1:
            return False
        return bool((colours[one] == colours[other]).all())

    def _looks_like_ground(self, shape: int, outer: frozenset[int], other: int) -> bool:
        """Is the shape `other` of the paint that is seen around `shape`, and nothing else below it?"""
        around = {int((self._map.left if h % 2 else self._map.right)[h // 2]) for h in outer}
        ground, face = around.pop(), int(self._layers.face[other])
        place = self._shape_of_face.get(ground, -1)
        if around or not 0 <= place < shape or not self._look_alike(ground, face):
            return False
        box, between = self._boxes[shape], self._boxes[place + 1 : shape]
        return not ((between[:, :2] < box[2:]) & (box[:2] < between[:, 2:])).all(1).any()
