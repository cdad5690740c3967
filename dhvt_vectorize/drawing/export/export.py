"""SVG text → the content of a file: SVG, gzipped SVG, PNG, PDF, EPS or DXF.

The SVG is the drawing; every other format is made from its text, so that all of them hold the same curves on the same
grid. SVGZ is gzip without a time, PNG is drawn by resvg; the others read the text back into `shapes` and write them.
The same text gives the same bytes in every format.

What a format cannot hold is said in a note:

- EPS has no transparency. Translucent shapes get the colour they have over white, which is exact over a white page,
  since no shape of a drawing lies below a translucent one.
- DXF has neither such gradients nor strokes below shapes: gradients become their mean, traps are left out.

Limits: PDF readers may refuse pages above 19,200 px a side.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass

from ...formats import check_format, check_installed
from .shapes import Gradient, Shape, read_shapes


@dataclass(frozen=True)
class Exported:
    """The content of a file, and what the user should know about it, one line each."""

    content: bytes
    notes: tuple[str, ...] = ()


def export(svg: str, name: str) -> Exported:
    """A drawing in the format `name`.

    Args:
        svg: what `drawing.svg` wrote.
        name: one of FORMATS.

    Raises:
        UsageError: unknown format.
        OutputError: the format needs a package that is not installed.
    """
    check_format(name)
    check_installed(name)
    return _WRITERS[name](svg)


def _svg(svg: str) -> Exported:
    return Exported(svg.encode())


def _svgz(svg: str) -> Exported:
    return Exported(gzip.compress(svg.encode(), 9, mtime=0))


def _png(svg: str) -> Exported:
    from ..preview import render_png

    return Exported(render_png(svg))


def _pdf(svg: str) -> Exported:
    from .pdf import write_pdf

    return Exported(write_pdf(read_shapes(svg)))


def _eps(svg: str) -> Exported:
    from .eps import write_eps

    picture = read_shapes(svg)
    translucent = sum(shape.opacity < 1 or _fades(shape) for shape in picture.shapes)
    notes = _note(translucent, "EPS has no transparency: {} got the colour they have over white")
    return Exported(write_eps(picture), notes)


def _dxf(svg: str) -> Exported:
    from .dxf import write_dxf

    picture = read_shapes(svg)
    kept = [shape for shape in picture.shapes if not shape.is_trap]
    gradients = sum(isinstance(shape.paint, Gradient) for shape in kept)
    notes = _note(gradients, "DXF has no such gradients: {} got their mean colour")
    notes += _note(len(picture.shapes) - len(kept), "DXF gets no traps: {} left out")
    return Exported(write_dxf(picture), notes)


def _fades(shape: Shape) -> bool:
    return isinstance(shape.paint, Gradient) and shape.paint.fades


def _note(count: int, remark: str) -> tuple[str, ...]:
    return (remark.format(f"{count} shape{'s' * (count > 1)}"),) if count else ()


_WRITERS: dict[str, Callable[[str], Exported]] = {
    "svg": _svg,
    "svgz": _svgz,
    "png": _png,
    "pdf": _pdf,
    "eps": _eps,
    "dxf": _dxf,
}
