"""Shapes that are one another moved → which is drawn once, and where `<use>` draws it again.

Shapes are the same where their rings are so on the grid of the coordinates that are written. They are shared where that
takes fewer bytes, as far as can be told before all is written, and where a shape can leave the path it would have in
common with others of its paint: no pixel of its box is any other's. Shapes in gradients are not shared: a gradient in
user space moves with what is painted in it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..tracing.outlines import Outlines, Primitive
from .arrangement import Group, Item, Path, meets, paths_in, shape_boxes
from .layering import Layers

ELEMENT = len('<path d=""/>')
USE = len('<use xlink:href="#r0" x="" y=""/>')
DEFINITION = len('<path id="r0" fill="#aabbcc" d=""/>')


@dataclass(frozen=True)
class Copy:
    """A shape that is another moved.

    Attributes:
        name: the id of what is defined.
        of: the shape that is defined.
        x, y: how far from that one, as it is written.
    """

    name: str
    of: int
    x: str
    y: str


@dataclass(frozen=True)
class Copies:
    """The shapes that are drawn by `<use>`, or are what is used.

    Attributes:
        by_shape: of each, what it is a copy of.
        in_place: the names of what is drawn where it is defined, in the paint of all its copies; the others are defined
            apart, and each copy has its own paint.
    """

    by_shape: Mapping[int, Copy]
    in_place: frozenset[str] = frozenset()

    @classmethod
    def of(cls, items: Sequence[Item], found: Mapping[int, Copy], looks: Sequence[Hashable], in_place: bool) -> Copies:
        """Those that have a path of their own, each of a shape that has.

        Args:
            items: what is drawn.
            found: what could be shared.
            looks: of each shape; equal for equal paint.
            in_place: whether something may be drawn where it is defined.
        """
        alone = {path.shapes[0] for path in paths_in(items) if len(path.shapes) == 1}
        kept = {shape: copy for shape, copy in found.items() if {shape, copy.of} <= alone}
        often = {copy.of for shape, copy in kept.items() if shape != copy.of}
        kept = {shape: copy for shape, copy in kept.items() if copy.of in often}
        differing = {copy.name for shape, copy in kept.items() if looks[shape] != looks[copy.of]}
        names = {copy.name for copy in kept.values()} if in_place else set()
        return cls(kept, frozenset(names - differing))

    def is_in_place(self, copy: Copy) -> bool:
        """Is what it is a copy of drawn where it is defined?"""
        return copy.name in self.in_place

    def attributes_of_definition(self, copy: Copy, paint: Mapping[str, object]) -> dict[str, object]:
        """Of the element that is used."""
        return {"id": copy.name, **(paint if self.is_in_place(copy) else {})}

    def attributes_of_use(self, copy: Copy, paint: Mapping[str, object]) -> dict[str, object]:
        """Of the element that uses it."""
        moved = {name: value for name, value in (("x", copy.x), ("y", copy.y)) if value}
        return {"xlink:href": f"#{copy.name}", **moved, **({} if self.is_in_place(copy) else paint)}


def copies(
    outlines: Outlines,
    layers: Layers,
    primitives: Sequence[Primitive | None],
    lengths: Sequence[int],
    plain: Sequence[bool],
    precision: int,
) -> dict[int, Copy]:
    """By shape, what it is a copy of, the one that is defined among them.

    Args:
        outlines, layers, primitives: the drawing.
        lengths: of each shape, the bytes that its own data take.
        plain: of each shape, whether it may be shared for its paint.
        precision: decimals of a coordinate.
    """
    scale = 10**precision
    sets: dict[Hashable, list[int]] = {}
    places: dict[int, tuple[int, int]] = {}
    for shape, primitive in enumerate(primitives):
        if plain[shape]:
            key, places[shape] = _on_grid(outlines, layers, shape, primitive, scale)
            sets.setdefault(key, []).append(shape)
    found: dict[int, Copy] = {}
    for shapes in sets.values():
        first, name = shapes[0], f"r{len({copy.name for copy in found.values()})}"
        made = {}
        for shape in shapes:
            x, y = (f"{(b - a) / scale:.{precision}f}" for a, b in zip(places[first], places[shape], strict=True))
            made[shape] = Copy(name, first, _short(x), _short(y))
        spared = sum(lengths[shape] - USE - len(made[shape].x) - len(made[shape].y) for shape in shapes[1:])
        if spared > DEFINITION:
            found |= made
    return found


def apart(items: Sequence[Item], copied: Mapping[int, Copy], layers: Layers, outlines: Outlines) -> list[Item]:
    """The items, in which shapes that are copies have paths of their own where nothing of theirs touches them."""
    boxes = shape_boxes(layers, outlines)

    def parts(path: Path) -> list[Path]:
        alone = []
        for shape in path.shapes:
            others = [one for one in path.shapes if one != shape]
            if shape in copied and (not others or not meets(boxes[shape], boxes[others])):
                alone.append(shape)
        rest = tuple(shape for shape in path.shapes if shape not in alone)
        return [*([Path(rest)] if rest else []), *(Path((shape,)) for shape in alone)]

    found: list[Item] = []
    for item in items:
        if isinstance(item, Path):
            found += parts(item)
        else:
            found.append(Group(tuple(apart(item.children, copied, layers, outlines)), item.one_paint))
    return found


def _on_grid(
    outlines: Outlines, layers: Layers, shape: int, primitive: Primitive | None, scale: int
) -> tuple[Hashable, tuple[int, int]]:
    """What the shape is but for its place, and its place in steps of the grid."""
    if primitive is not None:
        cx, cy, rx, ry, corner, left, top = (
            round(value * scale)
            for value in (
                primitive.cx, primitive.cy, primitive.rx, primitive.ry, primitive.corner,
                primitive.cx - primitive.rx, primitive.cy - primitive.ry,
            )
        )  # fmt: skip
        sizes = round(2 * primitive.rx * scale), round(2 * primitive.ry * scale)
        return (primitive.kind, rx, ry, *sizes, corner, round(primitive.degrees, 6), left - cx, top - cy), (cx, cy)
    rings = []
    for ring in range(*layers.shape_offsets[shape : shape + 2]):
        controls, is_line = outlines.ring(layers.half_arcs[slice(*layers.ring_offsets[ring : ring + 2])])
        rings.append((np.rint(controls * scale).astype(np.int64), is_line))
    at = rings[0][0][0, 0]
    key = tuple(((points - at).tobytes(), is_line.tobytes()) for points, is_line in rings)
    return key, (int(at[0]), int(at[1]))


def _short(number: str) -> str:
    """Without what says nothing; empty for zero."""
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    number = number.replace("0.", ".", 1) if number.startswith(("0.", "-0.")) else number
    return "" if number in ("0", "-0", "") else number
