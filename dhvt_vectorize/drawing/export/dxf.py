"""Shapes → DXF (AutoCAD 2010), written with ezdxf, which is not installed with this package.

1 px = 1 unit, y up, so a picture spans [0, width] × [0, height]. Every shape is a solid hatch and, over it, its
outlines, each one entity: a closed polyline where it has lines only, a circle where it is one, else one exact spline.
There is a layer for each colour, named after it (`1d3a4c`), with that true colour, which its entities take. Their order
is the painting order; opacity becomes the hatches' transparency. Dates and identifiers are fixed, so that the same
picture gives the same bytes.

A stroke is a polyline along its middle, of its width, curves as chords.

Limits: gradients become their mean; traps are left out, since a cutter needs each border once; caps are square, joins
are the viewer's.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ezdxf._options import options
from ezdxf.document import Drawing as Document
from ezdxf.filemanagement import new
from ezdxf.math import Bezier4P, BoundingBox2d, Vec3, bezier_to_bspline
from ezdxf.path import Path, to_hatches

from .shapes import Colour, Gradient, Picture, Point, Shape, Subpath, moved

_FLATNESS = 0.1  # pixels that a polygon may lie off a curve, to tell which ring a hole is in
_CHORD = 0.01  # pixels that a stroke's chords may lie off its curve
_RELEASE = "R2010"


def write_dxf(picture: Picture) -> bytes:
    """The file's content."""
    fixed = options.write_fixed_meta_data_for_testing
    options.write_fixed_meta_data_for_testing = True  # dates and identifiers
    try:
        document = new(_RELEASE, units=0)
        for shape in picture.shapes:
            if not shape.is_trap:
                _draw(document, shape, picture.height)
        # ezdxf keeps the names of the classes in a set, whose order changes from one process to the next
        document.classes.add_required_classes(document.dxfversion)
        document.classes.classes = dict(sorted(document.classes.classes.items()))
        written = io.StringIO()
        document.write(written)
    finally:
        options.write_fixed_meta_data_for_testing = fixed
    return written.getvalue().encode("utf-8", "surrogateescape")


def _draw(document: Document, shape: Shape, height: float) -> None:
    space = document.modelspace()
    style = {"layer": _layer(document, shape.paint.mean if isinstance(shape.paint, Gradient) else shape.paint)}
    opacity = shape.opacity * (shape.paint.opacity if isinstance(shape.paint, Gradient) else 1)
    if shape.stroke_width is not None:
        for subpath in shape.subpaths:
            points = [(point.x, height - point.y) for point in _path(subpath).flattening(_CHORD)]
            line = space.add_lwpolyline(points, close=subpath.closed, dxfattribs=style)
            line.dxf.const_width = shape.stroke_width
            if opacity < 1:
                line.transparency = 1 - opacity
        return
    rings = [_y_up(subpath, height) for subpath in shape.subpaths if subpath.segments]
    for nested in _nested(rings):
        for hatch in to_hatches([_path(ring) for ring in nested], edge_path=True, dxfattribs=style):
            if opacity < 1:
                hatch.transparency = 1 - opacity
            space.add_entity(hatch)
    for ring in rings:
        if ring.circle:
            space.add_circle(*ring.circle, dxfattribs=style)
        elif all(len(segment) == 1 for segment in ring.segments):
            space.add_lwpolyline(_points(ring), close=True, dxfattribs=style)
        else:
            spline = space.add_spline(dxfattribs=style)
            spline.apply_construction_tool(bezier_to_bspline(_cubics(ring))).closed = True


def _layer(document: Document, colour: Colour) -> str:
    name = bytes(colour).hex()
    if name not in document.layers:
        document.layers.add(name, true_color=int(name, 16))
    return name


def _y_up(subpath: Subpath, height: float) -> Subpath:
    """The same closed ring, its end at its start, with y upwards from the picture's lower edge."""

    def up(point: Point) -> Point:
        return point[0], height - point[1]

    ring = moved(subpath, up)
    back = ((ring.start,),) if ring.segments[-1][-1] != ring.start else ()
    return replace(ring, segments=ring.segments + back, closed=True)


def _points(ring: Subpath) -> list[Point]:
    """The control points, the first not repeated."""
    return [ring.start, *(point for segment in ring.segments for point in segment)][:-1]


def _path(ring: Subpath) -> Path:
    path = Path(ring.start)
    for segment in ring.segments:
        if len(segment) == 1:
            path.line_to(segment[0])
        else:
            first, second, end = segment
            path.curve4_to(end, first, second)
    return path


def _cubics(ring: Subpath) -> Iterator[Bezier4P]:
    here = Vec3(ring.start)
    for segment in ring.segments:
        *controls, end = (Vec3(point) for point in segment)
        yield Bezier4P([here, *(controls or [here.lerp(end, 1 / 3), here.lerp(end, 2 / 3)]), end])
        here = end


def _nested(rings: Sequence[Subpath]) -> list[list[Subpath]]:
    """Each outer ring with its holes, which run the other way round; a hole lies in the smallest ring around it."""
    # on the curves themselves: their control points may lie outside, a hole's beyond those of its ring
    curves = [[(point.x, point.y) for point in _path(ring).flattening(_FLATNESS)] for ring in rings]
    areas = [_signed_area(curve) for curve in curves]
    boxes = [BoundingBox2d(curve) for curve in curves]
    for box in boxes:
        box.grow(_FLATNESS)
    inner = [BoundingBox2d(curve) for curve in curves]
    # the largest ring of a shape is an outer one
    largest = max(areas, key=abs, default=0.0)
    outer = [number for number, area in enumerate(areas) if area * largest >= 0]
    groups = {number: [rings[number]] for number in outer}
    for number, ring in enumerate(rings):
        around = [other for other in outer if boxes[other].contains(inner[number])]
        if number not in groups and around:
            groups[min(around, key=lambda other: abs(areas[other]))].append(ring)
    return list(groups.values())


def _signed_area(points: Sequence[Point]) -> float:
    """Of a polygon, twice."""
    return sum(ax * by - ay * bx for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True))
