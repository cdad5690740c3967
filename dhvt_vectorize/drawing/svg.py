"""Layers + Outlines + Paints → SVG text, the same bytes for the same drawing.

What shares a path or a group is decided in `arrangement`; path data is as short as its grid allows; gradients are in
user space, each written once. Written by svgwrite with validation off (on, it takes longer than everything else
together), without the namespaces and spaces that say nothing.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import replace
from itertools import islice, pairwise
from typing import TypeAlias

import numpy as np
import svgwrite

from ..tracing.outlines import Outlines, Primitive
from . import _path_kernels
from .arrangement import Item, Path, arrange, paths_in
from .export.shapes import PAINT, TRAPS
from .gradients import Gradient
from .layering import Layers, Pen
from .paints import Paints
from .primitives import element, primitives_of_shapes
from .sharing import ELEMENT, Copies, apart, copies
from .trapping import Traps, traps


def write_svg(
    outlines: Outlines,
    layers: Layers,
    paints: Paints,
    precision: int,
    title: str,
    description: str,
    group: str = "none",
    trap: float | None = None,
    grid: int = 1,
    repeat: bool = False,
) -> str:
    """The drawing as SVG 1.1 text, `precision` decimals a coordinate.

    Args:
        outlines, layers, paints: what to draw.
        precision: decimals of a coordinate.
        title, description: said of it.
        group: see `arrangement`.
        trap: how far shapes reach below their neighbours, in pixels, see `trapping`; None for stacked layers.
        grid: pixels that a unit of the drawing stands for, see `common_grid`.
        repeat: whether what is the same but for its place is drawn by `<use>`, see `sharing`.
    """
    height, width = outlines.planar_map.labels.shape
    view_box = f"0 0 {width // grid} {height // grid}"
    document = svgwrite.Drawing(size=(width, height), debug=False, viewBox=view_box)
    outlines = outlines if grid == 1 else replace(outlines, control_points=outlines.control_points / grid)
    document.set_desc(title=title)
    about = ElementTree.Element("{http://purl.org/dc/elements/1.1/}description")
    about.text = description
    document.set_metadata(about)
    fills = _Fills(paints, document, precision)
    if trap is not None:
        strokes = traps(outlines, layers, paints.opacity, trap)
        if len(strokes.face):
            document.add(_trap_group(strokes, 2 * trap, fills, document, precision))
    primitives = primitives_of_shapes(outlines, layers)
    keys: list[Hashable] = [fills.key(face) for face in layers.face.tolist()]
    for shape, pen in layers.pens.items():
        keys[shape] = (keys[shape], replace(pen, fill=-1), fills.key(pen.fill) if pen.fill >= 0 else None)
    # a primitive shares no path, or it would be none
    keys_of_paths = [key if primitives[shape] is None else (key, shape) for shape, key in enumerate(keys)]
    items = arrange(layers, outlines, keys_of_paths, group)
    shared = Copies({})
    if repeat:
        data_alone = _path_data(outlines, layers, [[shape] for shape in range(len(keys))], precision)
        # where paths are not joined, an element is spared too
        lengths = [len(text) + (0 if group == "none" else ELEMENT) for text in data_alone]
        plain = [fills.is_plain(layers, shape) for shape in range(len(keys))]
        found = copies(outlines, layers, primitives, lengths, plain, precision)
        items = apart(items, found, layers, outlines)
        shared = Copies.of(items, found, keys, in_place=group != "color")
    data = iter(_path_data(outlines, layers, [path.shapes for path in paths_in(items)], precision))
    for drawn in _elements(items, data, layers, primitives, fills, document, precision, shared):
        document.add(drawn)
    if not document.defs.elements:
        document.elements.remove(document.defs)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + _text(document.get_xml()) + "\n"


def common_grid(outlines: Outlines, paints: Paints) -> int:
    """The largest number of pixels up to `LARGEST_GRID`, such that every coordinate is a multiple of it.

    Of enlarged pixel art this is the factor, so that it is drawn in the pixels it was made in; 1 where there is none,
    or where too few coordinates differ to tell.
    """
    controls = outlines.control_points
    if paints.gradients or outlines.primitives or not (controls == np.rint(controls)).all():
        return 1
    xs, ys = (np.unique(controls[..., axis]).astype(np.int64).tolist() for axis in (0, 1))
    if min(len(xs), len(ys)) < LEAST_PLACES:
        return 1
    common = int(np.gcd.reduce([*outlines.planar_map.labels.shape, *xs, *ys]))
    return next(grid for grid in range(LARGEST_GRID, 0, -1) if common % grid == 0)


def _text(root: ElementTree.Element) -> str:
    """The document without what says nothing: namespaces of nothing in it, spaces before />."""
    unused = {"baseProfile", "xmlns:ev"} | ({"xmlns:xlink"} if next(root.iter("use"), None) is None else set())
    for name in unused:
        root.attrib.pop(name)
    # in attributes and text ElementTree writes > as an entity, so this is the end of an element and nothing else
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")


def _elements(
    items: Sequence[Item],
    data: Iterator[str],
    layers: Layers,
    primitives: Sequence[Primitive | None],
    fills: _Fills,
    document: svgwrite.Drawing,
    precision: int,
    shared: Copies,
) -> Iterator[svgwrite.base.BaseElement | _Element]:
    """Paths, primitives, uses of these, and groups; what vanishes on the grid is left out."""
    for item in items:
        if isinstance(item, Path):
            text, first = next(data), item.shapes[0]
            paint = fills.of_shape(layers, first)
            primitive = primitives[first] if len(item.shapes) == 1 else None
            copy = shared.by_shape.get(first) if len(item.shapes) == 1 else None
            own = {} if copy is None else shared.attributes_of_definition(copy, paint)
            drawn: svgwrite.base.BaseElement | _Element
            if copy is not None and copy.of != first:
                yield _Element("use", shared.attributes_of_use(copy, paint))
                continue
            if primitive is not None:
                drawn = element(document, primitive, precision, paint if copy is None else own)
            elif text:
                drawn = _Element("path", {"d": text, **(paint if copy is None else own)})
            else:
                continue
            if copy is None or shared.is_in_place(copy):
                yield drawn
            else:
                document.defs.add(drawn)
                yield _Element("use", shared.attributes_of_use(copy, paint))
            continue
        children = list(_elements(item.children, data, layers, primitives, fills, document, precision, shared))
        if len(children) < 2:
            yield from children
            continue
        group = document.g()
        if item.one_paint:
            group.attribs.update({name: children[0].attribs[name] for name in PAINT if name in children[0].attribs})
        for child in children:
            if item.one_paint:
                child.attribs = {name: value for name, value in child.attribs.items() if name not in PAINT}
            group.add(child)
        yield group


class _Element:
    """A path or use as svgwrite takes it: its own look through all attributes, longer than it takes to write them."""

    def __init__(self, elementname: str, attributes: Mapping[str, object]) -> None:
        self.elementname = elementname
        self.attribs = {name.replace("_", "-"): value for name, value in attributes.items()}

    def get_xml(self) -> ElementTree.Element:
        return ElementTree.Element(self.elementname, {name: str(value) for name, value in self.attribs.items()})


def _trap_group(
    strokes: Traps, width: float, fills: _Fills, document: svgwrite.Drawing, precision: int
) -> svgwrite.base.BaseElement:
    """The strokes below all shapes, those of a paint in one path."""
    group = document.g(
        id=TRAPS, fill="none", stroke_width=f"{width:g}", stroke_linecap="round", stroke_linejoin="round"
    )
    chains_of_paint: dict[Hashable, list[int]] = {}
    for chain, face in enumerate(strokes.face.tolist()):
        chains_of_paint.setdefault(fills.key(face), []).append(chain)
    written, offsets = _path_kernels.write_paths(
        np.array([2 * chain for chains in chains_of_paint.values() for chain in chains], np.int32),
        np.arange(len(strokes.face) + 1), _offsets(list(chains_of_paint.values())),
        strokes.control_points, strokes.is_line, strokes.offsets, precision, np.zeros(len(strokes.face), bool),
    )  # fmt: skip
    text = written.tobytes().decode("ascii")
    for (a, b), chains in zip(pairwise(offsets), chains_of_paint.values(), strict=True):
        if a < b:
            group.add(document.path(d=text[a:b], stroke=fills.attributes(int(strokes.face[chains[0]]))["fill"]))
    return group


def _path_data(outlines: Outlines, layers: Layers, paths: Sequence[Sequence[int]], precision: int) -> list[str]:
    """The data of each path, given the numbers of its shapes."""
    begins, ends = layers.shape_offsets[:-1], layers.shape_offsets[1:]
    rings = [[ring for shape in path for ring in range(begins[shape], ends[shape])] for path in paths]
    half_arcs = [layers.half_arcs[slice(*layers.ring_offsets[ring : ring + 2])] for path in rings for ring in path]
    # most drawings have no strokes, and a photograph has thousands of rings
    closed = _closed(outlines, layers, paths) if layers.pens else np.ones(len(half_arcs), bool)
    written, offsets = _path_kernels.write_paths(
        np.concatenate([np.zeros(0, np.int32), *half_arcs]), _offsets(half_arcs), _offsets(rings),
        outlines.control_points, outlines.is_line, outlines.offsets, precision, closed,
    )  # fmt: skip
    text = written.tobytes().decode("ascii")
    return [text[a:b] for a, b in pairwise(offsets)]


def _closed(outlines: Outlines, layers: Layers, paths: Sequence[Sequence[int]]) -> np.ndarray:
    """Which rings of these shapes end where they start: all that are filled, and some that are stroked."""
    closed = []
    for shape in (shape for path in paths for shape in path):
        for ring in range(*layers.shape_offsets[shape : shape + 2]):
            arc = layers.half_arcs[layers.ring_offsets[ring]] // 2
            ends = (
                outlines.control_points[outlines.offsets[arc], 0],
                outlines.control_points[outlines.offsets[arc + 1] - 1, 3],
            )
            closed.append(shape not in layers.pens or bool((ends[0] == ends[1]).all()))
    return np.array(closed, bool)


def _offsets(parts: Sequence[Sized]) -> np.ndarray:
    return np.cumsum([0, *map(len, parts)], dtype=np.int64)


LARGEST_GRID = 16
LEAST_PLACES = 4  # both ends and two between
_Key: TypeAlias = tuple[str, float, Gradient | None]


class _Fills:
    """Faces' paints as SVG attributes; a gradient is defined when it is first used."""

    def __init__(self, paints: Paints, document: svgwrite.Drawing, precision: int) -> None:
        self._paints, self._document, self._precision = paints, document, precision
        self._ids: dict[Gradient, str] = {}
        self._keys: dict[int, _Key] = {}

    def key(self, face: int) -> _Key:
        """Equal for faces that look the same: colour, opacity, gradient."""
        if face not in self._keys:
            opacity = round(float(self._paints.opacity[face]), 2)
            gradient = self._paints.gradients.get(face)
            colour = hex_colour(self._paints.colours[face])
            self._keys[face] = (
                ("", 1.0 if gradient.fades else opacity, gradient) if gradient else (colour, opacity, None)
            )
        return self._keys[face]

    def of_shape(self, layers: Layers, shape: int) -> dict[str, object]:
        """The attributes of a shape that is filled, or stroked and filled or not."""
        attributes = self.attributes(int(layers.face[shape]))
        pen = layers.pens.get(shape)
        return attributes if pen is None else self._stroke(attributes, pen)

    def is_plain(self, layers: Layers, shape: int) -> bool:
        """Is the shape's paint without a gradient?"""
        pen = layers.pens.get(shape)
        faces = [int(layers.face[shape])] + ([pen.fill] if pen is not None and pen.fill >= 0 else [])
        return all(self.key(face)[2] is None for face in faces)

    def _stroke(self, paint: Mapping[str, object], pen: Pen) -> dict[str, object]:
        drawn = self.attributes(pen.fill) if pen.fill >= 0 else {"fill": "none"}
        drawn |= {name.replace("fill", "stroke"): value for name, value in paint.items()}
        drawn["stroke_width"] = _short(round(pen.width, max(1, self._precision)))
        if pen.cap != "butt":
            drawn["stroke_linecap"] = pen.cap
        if pen.join != "miter":
            drawn["stroke_linejoin"] = pen.join
        return drawn

    def attributes(self, face: int) -> dict[str, object]:
        """fill and fill-opacity."""
        colour, opacity, gradient = self.key(face)
        fill: dict[str, object] = {"fill": colour if gradient is None else self._reference(gradient)}
        if opacity < 1:
            fill["fill_opacity"] = f"{opacity:g}"
        return fill

    def _reference(self, gradient: Gradient) -> str:
        if gradient not in self._ids:
            name = self._ids[gradient] = f"g{len(self._ids)}"
            self._document.defs.add(self._definition(gradient, name))
        return f"url(#{self._ids[gradient]})"

    def _definition(self, gradient: Gradient, name: str) -> svgwrite.base.BaseElement:
        x1, y1, x2, y2, radius = (
            _short(round(value, max(1, self._precision))) for value in (*gradient.start, *gradient.end, gradient.radius)
        )
        if gradient.kind == "radial":
            element = self._document.radialGradient((x1, y1), radius, id=name, gradientUnits="userSpaceOnUse")
        else:
            element = self._document.linearGradient((x1, y1), (x2, y2), id=name, gradientUnits="userSpaceOnUse")
        for offset, colour in zip(gradient.offsets, gradient.colours, strict=True):
            # of a gradient of one opacity the shape has it
            opacity = _short(round(colour[3] / 255, 3)) if gradient.fades and colour[3] < 255 else None
            element.add_stop_color(_short(round(offset, 3)), hex_colour(colour), opacity)
        return element


def _short(value: float) -> str:
    return f"{value:.6g}"


def hex_colour(colour: Iterable[int]) -> str:
    """#rrggbb of the first three numbers, or #rgb where that is the same."""
    text = "".join(f"{int(channel):02x}" for channel in islice(colour, 3))
    if text[0] == text[1] and text[2] == text[3] and text[4] == text[5]:
        text = text[::2]
    return f"#{text}"
