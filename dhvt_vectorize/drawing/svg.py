"""Layers + Outlines + Paints → SVG text, the same bytes for the same drawing.

Paths have relative commands and no needless digits; neighbours in the painting order with the same paint share a path;
a shape that is one primitive is written as its element;
gradients are in user space, each written once. Written by svgwrite with validation off (on, it takes longer than
everything else together).
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import groupby, pairwise

import numpy as np
import svgwrite

from ..tracing.outlines import Outlines
from . import _path_kernels
from .layering import Layers
from .paints import Paints
from .primitives import element, primitives_of_shapes


def write_svg(outlines: Outlines, layers: Layers, paints: Paints, precision: int, title: str, description: str) -> str:
    """The drawing as SVG 1.1 text, `precision` decimals a coordinate."""
    height, width = outlines.planar_map.labels.shape
    document = svgwrite.Drawing(size=(width, height), debug=False, viewBox=f"0 0 {width} {height}")
    document.set_desc(title=title)
    about = ElementTree.Element("{http://purl.org/dc/elements/1.1/}description")
    about.text = description
    document.set_metadata(about)
    fills = [_Fill(paints, int(face), document, precision) for face in layers.face]
    paths = zip(fills, _path_data(outlines, layers, precision), primitives_of_shapes(outlines, layers), strict=True)
    for (_, primitive), shapes in groupby(paths, key=lambda shape: (shape[0].key, shape[2])):
        fill, first, _ = next(shapes)
        if primitive is not None:
            document.add(element(document, primitive, precision, fill.attributes()))
            continue
        data = first + "".join(path for _, path, _ in shapes)  # noqa: B031 (the first is taken, these are the rest)
        if data:
            document.add(document.path(d=data, **fill.attributes()))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + str(document.tostring()) + "\n"


def _path_data(outlines: Outlines, layers: Layers, precision: int) -> list[str]:
    written, offsets = _path_kernels.write_paths(
        layers.half_arcs, layers.ring_offsets, layers.shape_offsets,
        outlines.control_points, outlines.is_line, outlines.offsets, precision,
    )  # fmt: skip
    text = written.tobytes().decode("ascii")
    return [text[a:b] for a, b in pairwise(offsets)]


class _Fill:
    """One face's paint as SVG attributes."""

    def __init__(self, paints: Paints, face: int, document: svgwrite.Drawing, precision: int) -> None:
        self._paints, self._face, self._document, self._precision = paints, face, document, precision
        gradient = face if paints.is_gradient[face] else -1
        self.key = (hex_colour(paints.colours[face]), round(float(paints.opacity[face]), 2), gradient)

    def attributes(self) -> dict[str, object]:
        """fill and fill-opacity; a gradient is defined on the way."""
        colour, opacity, gradient = self.key
        fill: dict[str, object] = {"fill": colour if gradient < 0 else self._gradient()}
        if opacity < 1:
            fill["fill_opacity"] = f"{opacity:g}"
        return fill

    def _gradient(self) -> str:
        (x1, y1), (x2, y2) = np.round(self._paints.axis[self._face], min(self._precision, 1))
        gradient = self._document.linearGradient(
            (_short(x1), _short(y1)), (_short(x2), _short(y2)), id=f"g{self._face}", gradientUnits="userSpaceOnUse"
        )
        first, last = self._paints.stops[self._face]
        gradient.add_stop_color(0, hex_colour(first))
        gradient.add_stop_color(1, hex_colour(last))
        self._document.defs.add(gradient)
        return f"url(#g{self._face})"


def _short(value: float) -> str:
    return f"{value:.6g}"


def hex_colour(colour: np.ndarray) -> str:
    """#rrggbb, or #rgb where that is the same."""
    text = "".join(f"{int(channel):02x}" for channel in colour)
    if text[0] == text[1] and text[2] == text[3] and text[4] == text[5]:
        text = text[::2]
    return f"#{text}"
