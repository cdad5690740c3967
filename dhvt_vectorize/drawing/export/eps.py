"""Shapes → Encapsulated PostScript, language level 3.

A picture of its size, 1 px = 1/96 inch, clipped to its box; gradients are shading patterns. PostScript has no
transparency: a translucent shape gets the colour it has over white. No library is needed for this: PostScript is text,
and the few libraries that write it know neither gradients nor level 3. No date is written: the same picture gives the
same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

from ...tracing.pens import MITER_LIMIT
from .pdf import CAPS, JOINS, POINTS_A_PIXEL
from .shapes import Colour, Gradient, Picture, Shape, Stop

# m l c z f s: path and paint operators; k: r g b → paint; g: type, coordinates, function → paint
# e: [r g b] [r g b] → function between two colours; j: functions, bounds, encoding → one function
_PROLOG = """\
/m {moveto} bind def
/l {lineto} bind def
/c {curveto} bind def
/z {closepath} bind def
/f {fill} bind def
/s {setlinecap setlinejoin setlinewidth stroke} bind def
/k {setrgbcolor} bind def
/e {
  /C1 exch def /C0 exch def << /FunctionType 2 /Domain [0 1] /N 1 /C0 C0 /C1 C1 >>
} bind def
/j {
  /Encode exch def /Bounds exch def /Functions exch def
  << /FunctionType 3 /Domain [0 1] /Functions Functions /Bounds Bounds /Encode Encode >>
} bind def
/g {
  /Function exch def /Coords exch def /Kind exch def
  << /PatternType 2 /Shading <<
    /ShadingType Kind /ColorSpace /DeviceRGB /Coords Coords /Extend [true true] /Function Function
  >> >> matrix makepattern setpattern
} bind def
"""


def write_eps(picture: Picture) -> bytes:
    """The file's content."""
    width, height = picture.width * POINTS_A_PIXEL, picture.height * POINTS_A_PIXEL
    title = "".join(character for character in picture.title if " " <= character <= "~")
    lines = [
        "%!PS-Adobe-3.0 EPSF-3.0",
        f"%%BoundingBox: 0 0 {ceil(width)} {ceil(height)}",
        f"%%HiResBoundingBox: 0 0 {_number(width)} {_number(height)}",
        "%%LanguageLevel: 3",
        *([f"%%Title: {title}"] if title else []),
        "%%EndComments",
        "gsave",
        "20 dict begin",
        _PROLOG.rstrip(),
        f"0 0 {_number(width)} {_number(height)} rectclip",
        # pixels from the upper left corner → points from the lower left one
        f"[{POINTS_A_PIXEL} 0 0 -{POINTS_A_PIXEL} 0 {_number(height)}] concat",
        f"{MITER_LIMIT} setmiterlimit",
    ]
    for shape in picture.shapes:
        lines += _drawn(shape)
    return "\n".join([*lines, "end", "grestore", "%%EOF", ""]).encode("ascii")


def _drawn(shape: Shape) -> list[str]:
    lines = [_paint(shape.paint, shape.opacity)]
    for subpath in shape.subpaths:
        lines.append(f"{_numbers(subpath.start)} m")
        for segment in subpath.segments:
            lines.append(f"{' '.join(_numbers(point) for point in segment)} {'l' if len(segment) == 1 else 'c'}")
        if subpath.closed:
            lines.append("z")
    if shape.stroke_width is None:
        return [*lines, "f"]
    return [*lines, f"{_number(shape.stroke_width)} {JOINS[shape.join]} {CAPS[shape.cap]} s"]


def _paint(paint: Colour | Gradient, opacity: float) -> str:
    if isinstance(paint, Gradient):
        start, end = _numbers(paint.start), _numbers(paint.end)
        if paint.radius > 0:
            return f"3 [{start} 0 {end} {_number(paint.radius)}] {_function(paint.stops, opacity)} g"
        return f"2 [{start} {end}] {_function(paint.stops, opacity)} g"
    return f"{_over_white(paint, opacity)} k"


def _function(stops: Sequence[Stop], opacity: float) -> str:
    colours = [f"[{_over_white(stop.colour, opacity * stop.opacity)}]" for stop in stops]
    parts = [f"{one} {other} e" for one, other in pairwise(colours)]
    if len(parts) == 1:
        return parts[0]
    bounds = " ".join(_number(stop.offset) for stop in stops[1:-1])
    return f"[{' '.join(parts)}] [{bounds}] [{' '.join(['0 1'] * len(parts))}] j"


def _over_white(colour: Colour, opacity: float) -> str:
    return " ".join(_number(1 - opacity * (1 - channel / 255), 4) for channel in colour)


def _numbers(point: tuple[float, float]) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float, decimals: int = 6) -> str:
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
