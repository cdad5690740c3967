"""Shapes that are one primitive → `<circle>`, `<ellipse>` and `<rect>` elements, turned by a `transform` if need be."""

from __future__ import annotations

from collections.abc import Mapping

import svgwrite
from svgwrite.base import BaseElement

from ..tracing.outlines import Outlines, Primitive
from .layering import Layers


def primitives_of_shapes(outlines: Outlines, layers: Layers) -> list[Primitive | None]:
    """For every shape the primitive it is, if it is one ring of one arc that is a primitive."""
    found: list[Primitive | None] = [None] * len(layers.face)
    if outlines.primitives:
        for shape in range(len(found)):
            first, last = layers.shape_offsets[shape : shape + 2]
            half_arcs = layers.half_arcs[layers.ring_offsets[first] : layers.ring_offsets[last]]
            if len(half_arcs) == 1:
                found[shape] = outlines.primitives.get(int(half_arcs[0]) // 2)
    return found


def element(
    document: svgwrite.Drawing, primitive: Primitive, precision: int, attributes: Mapping[str, object]
) -> BaseElement:
    """The primitive's element, `precision` decimals a coordinate and at least two an angle."""
    turned = dict(attributes)
    cx, cy, rx, ry = (_short(value, precision) for value in (primitive.cx, primitive.cy, primitive.rx, primitive.ry))
    if _short(primitive.degrees, max(2, precision)) != 0:
        turned["transform"] = f"rotate({_short(primitive.degrees, max(2, precision)):g} {cx:g} {cy:g})"
    if primitive.kind == "circle":
        return document.circle((cx, cy), rx, **turned)
    if primitive.kind == "ellipse":
        return document.ellipse((cx, cy), (rx, ry), **turned)
    if corner := _short(primitive.corner, precision):
        turned["rx"] = corner
    left, top = _short(primitive.cx - primitive.rx, precision), _short(primitive.cy - primitive.ry, precision)
    size = _short(2 * primitive.rx, precision), _short(2 * primitive.ry, precision)
    return document.rect((left, top), size, **turned)


def _short(value: float, precision: int) -> float | int:
    """Rounded, and a whole number where it is one, for it is written without a point."""
    rounded = round(value, precision)
    return int(rounded) if rounded == int(rounded) else rounded
