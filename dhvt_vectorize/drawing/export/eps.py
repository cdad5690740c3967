"""Shapes → Encapsulated PostScript, language level 3.

A picture of its size, 1 px = 1/96 inch, clipped to its box; gradients are shading patterns. PostScript has no
transparency: a translucent shape gets the colour it has over white. No library is needed for this: PostScript is text,
and the few libraries that write it know neither gradients nor level 3. No date is written: the same picture gives the
same bytes.
"""

from __future__ import annotations

from math import ceil

from .pdf import POINTS_A_PIXEL
from .shapes import Colour, Gradient, Picture, Shape

# m l c z f s: path and paint operators; k: r g b → paint; g: [x0 y0 x1 y1] [r g b] [r g b] → paint
_PROLOG = """\
/m {moveto} bind def
/l {lineto} bind def
/c {curveto} bind def
/z {closepath} bind def
/f {fill} bind def
/s {setlinewidth stroke} bind def
/k {setrgbcolor} bind def
/g {
  /C1 exch def /C0 exch def /Coords exch def
  << /PatternType 2 /Shading <<
    /ShadingType 2 /ColorSpace /DeviceRGB /Coords Coords /Extend [true true]
    /Function << /FunctionType 2 /Domain [0 1] /N 1 /C0 C0 /C1 C1 >>
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
        "1 setlinecap 1 setlinejoin",
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
    return [*lines, "f" if shape.stroke_width is None else f"{_number(shape.stroke_width)} s"]


def _paint(paint: Colour | Gradient, opacity: float) -> str:
    if isinstance(paint, Gradient):
        ends = f"[{_over_white(paint.first, opacity)}] [{_over_white(paint.last, opacity)}]"
        return f"[{_numbers(paint.start)} {_numbers(paint.end)}] {ends} g"
    return f"{_over_white(paint, opacity)} k"


def _over_white(colour: Colour, opacity: float) -> str:
    return " ".join(_number(1 - opacity * (1 - channel / 255), 4) for channel in colour)


def _numbers(point: tuple[float, float]) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float, decimals: int = 6) -> str:
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
