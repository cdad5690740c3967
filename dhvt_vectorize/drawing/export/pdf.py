"""Shapes → one page of PDF 1.7, written with pydyf.

A page of the picture's size, 1 px = 1/96 inch; curves, opacity and gradients are PDF's own (gradients as axial
or radial shading patterns, so that their edges are anti-aliased like any other's; an opacity that varies is a soft mask
of the same shading in grey). No date and no identifier: the same picture gives the
same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pydyf

from ...tracing.pens import MITER_LIMIT
from .shapes import Colour, Gradient, Picture, Shape, Stop

POINTS_A_PIXEL = 0.75
CAPS, JOINS = {"butt": 0, "round": 1}, {"miter": 0, "round": 1}  # as PDF and PostScript number them

_DECIMALS = 6


def write_pdf(picture: Picture) -> bytes:
    """The file's content."""
    width, height = picture.width * POINTS_A_PIXEL, picture.height * POINTS_A_PIXEL
    # pixels from the upper left corner → points from the lower left one
    matrix = (POINTS_A_PIXEL, 0, 0, -POINTS_A_PIXEL, 0, height)
    document = pydyf.PDF()
    page = _Page(document, matrix, (picture.width, picture.height))
    for shape in picture.shapes:
        page.draw(shape)
    document.info["Title"] = pydyf.String(picture.title)
    document.add_object(page.content)
    document.add_page(
        pydyf.Dictionary(
            {
                "Type": "/Page",
                "Parent": document.pages.reference,
                "MediaBox": pydyf.Array([0, 0, width, height]),
                "Contents": page.content.reference,
                "Resources": pydyf.Dictionary({"ExtGState": page.states, "Pattern": page.patterns}),
            }
        )
    )
    written = io.BytesIO()
    document.write(written, version=b"1.7")
    return written.getvalue()


class _Page:
    """The page's content, and what it refers to by name: an opacity as a graphics state, a gradient as a pattern."""

    def __init__(self, document: pydyf.PDF, matrix: tuple[float, ...], size: tuple[float, float]) -> None:
        self._document, self._size = document, size
        self.content = pydyf.Stream(compress=True)
        self.states, self.patterns = pydyf.Dictionary(), pydyf.Dictionary()
        self._matrix = matrix
        self._names: dict[Gradient, str] = {}
        self.content.set_matrix(*matrix)
        self.content.set_miter_limit(MITER_LIMIT)

    def draw(self, shape: Shape) -> None:
        stroked = shape.stroke_width is not None
        gradient = shape.paint if isinstance(shape.paint, Gradient) else None
        if gradient is not None and gradient.fades:
            self._set_mask(gradient)
        else:
            self._set_opacity(shape.opacity)
        if isinstance(shape.paint, Gradient):
            self.content.set_color_space("Pattern", stroked)
            self.content.set_color_special(self._pattern(shape.paint), stroked)
        else:
            self.content.set_color_rgb(*_unit(shape.paint), stroked)
        for subpath in shape.subpaths:
            self.content.move_to(*_rounded(subpath.start))
            for segment in subpath.segments:
                numbers = [number for point in segment for number in _rounded(point)]
                (self.content.line_to if len(segment) == 1 else self.content.curve_to)(*numbers)
            if subpath.closed:
                self.content.close()
        if stroked:
            self.content.set_line_cap(CAPS[shape.cap])
            self.content.set_line_join(JOINS[shape.join])
            self.content.set_line_width(float(shape.stroke_width or 0))
            self.content.stroke()
        else:
            self.content.fill()

    def _set_opacity(self, opacity: float) -> None:
        name = f"o{round(opacity * 1000)}"
        if name not in self.states:
            if opacity == 1 and not self.states:
                return  # as a page begins
            # a state also ends a mask that was set before
            self.states["o1000"] = pydyf.Dictionary({"ca": 1, "CA": 1, "SMask": "/None"})
            self.states[name] = pydyf.Dictionary({"ca": opacity, "CA": opacity, "SMask": "/None"})
        self.content.set_state(name)

    def _set_mask(self, gradient: Gradient) -> None:
        """The opacity of a gradient as the luminosity of a group, in pixels like the page, that shows it in grey."""
        name = f"m{self._pattern(gradient)}"
        if name not in self.states:
            self.states["o1000"] = pydyf.Dictionary({"ca": 1, "CA": 1, "SMask": "/None"})
            grey = tuple(Stop(stop.offset, (round(255 * stop.opacity),) * 3) for stop in gradient.stops)
            shading = pydyf.Dictionary({"s": _shading(replace(gradient, stops=grey))})
            group = pydyf.Dictionary({"S": "/Transparency", "CS": "/DeviceRGB", "I": "true"})
            form = pydyf.Stream(
                extra={
                    "Type": "/XObject",
                    "Subtype": "/Form",
                    "BBox": pydyf.Array([0, 0, *self._size]),
                    "Group": group,
                    "Resources": pydyf.Dictionary({"Shading": shading}),
                },
                compress=True,
            )
            form.paint_shading("s")
            self._document.add_object(form)
            mask = pydyf.Dictionary({"Type": "/Mask", "S": "/Luminosity", "G": form.reference})
            self.states[name] = pydyf.Dictionary({"ca": 1, "CA": 1, "SMask": mask})
        self.content.set_state(name)

    def _pattern(self, gradient: Gradient) -> str:
        if gradient not in self._names:
            name = self._names[gradient] = f"g{len(self._names)}"
            self.patterns[name] = pydyf.Dictionary(
                {"PatternType": 2, "Matrix": pydyf.Array(self._matrix), "Shading": _shading(gradient)}
            )
        return self._names[gradient]


def _shading(gradient: Gradient) -> pydyf.Dictionary:
    start, end = (list(_rounded(point)) for point in (gradient.start, gradient.end))
    radial = gradient.radius > 0
    return pydyf.Dictionary(
        {
            "ShadingType": 3 if radial else 2,
            "ColorSpace": "/DeviceRGB",
            "Coords": pydyf.Array([*start, 0, *end, gradient.radius] if radial else [*start, *end]),
            "Function": _between(gradient.stops),
            "Extend": "[true true]",
        }
    )


def _between(stops: Sequence[Stop]) -> pydyf.Dictionary:
    """A function from 0…1 to colours: one of each two stops, stitched together."""
    parts = [
        pydyf.Dictionary(
            {
                "FunctionType": 2,
                "Domain": "[0 1]",
                "N": 1,
                "C0": pydyf.Array(_unit(one.colour)),
                "C1": pydyf.Array(_unit(other.colour)),
            }
        )
        for one, other in pairwise(stops)
    ]
    if len(parts) == 1:
        return parts[0]
    return pydyf.Dictionary(
        {
            "FunctionType": 3,
            "Domain": "[0 1]",
            "Functions": pydyf.Array(parts),
            "Bounds": pydyf.Array([stop.offset for stop in stops[1:-1]]),
            "Encode": pydyf.Array([0, 1] * len(parts)),
        }
    )


def _unit(colour: Colour) -> list[float]:
    return [round(channel / 255, 4) for channel in colour]


def _rounded(point: tuple[float, float]) -> tuple[float, float]:
    # sums of decimals such as 0.1 + 0.2 are not decimals
    return round(point[0], _DECIMALS), round(point[1], _DECIMALS)
