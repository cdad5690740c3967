"""What the tracers draw, to look at: one HTML page of crops at eight times their size, nodes drawn, side by side.

    python -m benchmarks.gallery [--sets emoji …] [--sizes 256 …] [--tools project vtracer …] [--limit N]
                                 [--pictures NAME …] [--worst N] [--degraded] [-o gallery.html]

Shown are the pictures that are named and, of the rest, those that this project draws worst: least SSIM at four times
the size against the true SVG, or at their own size where there is none. The crop is where this project's drawing
differs most from what it should be. The page holds everything itself, as data, and needs neither network nor script.

This project traces every picture of the sets, so that the worst are known, the other tools only those that are shown.
Exit code 0; see `dhvt_vectorize.errors` for others.
"""

from __future__ import annotations

import argparse
import base64
import io
import sys
from collections.abc import Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter

from dhvt_vectorize.drawing.preview import render
from dhvt_vectorize.errors import UsageError

from .command import errors_end_the_run
from .nodes import nodes
from .packages import write
from .peers import BEST
from .pictures import DEGRADATIONS, KINDS, Picture, RgbArray, check_names, degraded, pictures, set_names
from .runs import PROJECT, TOOLS, Bench, Result
from .scoring import WHITE

SCALE = 8
PART = 32  # pixels a side of what is shown
AT_DEFAULTS = tuple(tool for tool in TOOLS if not tool.endswith(BEST))
Drawings = list[tuple[Picture, list[Result]]]
FIGURES = (("psnr", "dB", 2), ("ssim4x", "SSIM at 4×", 4), ("segments", "segments", 0), ("bytes", "bytes", 0))


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw what the arguments ask for (default: the process's own), and write the page."""
    with errors_end_the_run():
        _run(_parsed(arguments))


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gallery", description=__doc__.partition("\n")[0])
    known = ", ".join(KINDS)
    parser.add_argument("--sets", nargs="+", metavar="NAME", default=["emoji", "clipart"], help=f"of {known}")
    parser.add_argument("--sizes", nargs="+", type=int, metavar="PX", default=[], help="only sets of these sizes")
    parser.add_argument("--tools", nargs="+", metavar="NAME", default=AT_DEFAULTS, help=f"of {', '.join(TOOLS)}")
    parser.add_argument("--limit", type=int, metavar="N", help="only N pictures of a set, spread over it")
    parser.add_argument("--pictures", nargs="+", metavar="NAME", default=[], help="show those whose names hold this")
    parser.add_argument("--worst", type=int, metavar="N", default=12, help="show the N worst; default 12")
    parser.add_argument("--degraded", action="store_true", help="the sets as JPEG, enlarged and noisy as well")
    parser.add_argument("-o", "--output", metavar="FILE", default="gallery.html", help="default gallery.html")
    return parser.parse_args(arguments)


def _run(chosen: argparse.Namespace) -> None:
    check_names("--tools", chosen.tools, TOOLS)
    if PROJECT not in chosen.tools:
        raise UsageError("--tools", f"lacks {PROJECT}", "it says which pictures are the worst")
    for name in ("limit", "worst"):
        value = getattr(chosen, name)
        if value is not None and value < (name == "limit"):
            raise UsageError(f"--{name}", f"{value} is out of range", "give a larger number")
    drawn: Drawings = []
    for name in set_names(chosen.sets, chosen.sizes):
        clean = pictures(name, chosen.limit)
        variants = [clean, *([degraded(each, how) for each in clean] for how in DEGRADATIONS if chosen.degraded)]
        drawn += [(each, []) for variant in variants for each in variant]
    shown = choose(with_results(drawn, [PROJECT]), chosen.pictures, chosen.worst)
    shown = with_results(shown, [tool for tool in chosen.tools if tool != PROJECT])
    write(Path(chosen.output), page(shown, len(drawn)))
    print(f"{chosen.output}: {len(shown)} of {len(drawn)} pictures")


def with_results(drawn: Drawings, tools: Sequence[str]) -> Drawings:
    """The pictures with what these tools make of them as well."""
    results: dict[tuple[str, str], list[Result]] = {}
    with Bench(tools) as bench:
        for set_name, group in groupby(sorted(drawn, key=_set_of), _set_of):
            for result in bench.run([picture for picture, _ in group], _say):
                results.setdefault((set_name, result.picture), []).append(result)
    return [(each, [*before, *results.get((each.set_name, each.name), [])]) for each, before in drawn]


def _set_of(drawn: tuple[Picture, list[Result]]) -> str:
    return drawn[0].set_name


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def choose(drawn: Drawings, named: Sequence[str], worst: int) -> Drawings:
    """The pictures whose names hold one of `named`, in their order, then of the rest the worst by SSIM."""
    first = [each for each in drawn if any(part in each[0].name for part in named)]
    rest = sorted((each for each in drawn if each not in first), key=lambda each: likeness(each[1]))
    return first + rest[:worst]


def likeness(results: Sequence[Result]) -> float:
    """SSIM of this project's drawing, at 4× where that is known; −1 where it failed."""
    figures = next((result.figures for result in results if result.tool == PROJECT), None)
    if figures is None:
        return -1.0
    return figures.ssim if figures.ssim4x is None else figures.ssim4x


def page(shown: Drawings, of: int) -> str:
    """The HTML page."""
    template = Template(Path(__file__).with_name("gallery_template.html").read_text(encoding="utf-8"))
    about = f"{len(shown)} of {of} pictures; crops of {PART} × {PART} pixels where {PROJECT} differs most."
    rows = "\n".join(_row(picture, results) for picture, results in shown)
    return template.substitute(title="Tracers side by side", about=about, rows=rows, side=SCALE * PART)


def _row(picture: Picture, results: Sequence[Result]) -> str:
    height, width = picture.raster.shape[:2]
    project = next((result.svg for result in results if result.tool == PROJECT and result.svg), None)
    corner = worst_part(picture, project)
    cells = [_cell("pixels", _pixels(picture.raster, corner), "")]
    if picture.truth is not None:
        cells.append(_cell("true SVG", _rendered(picture.truth, width, height, corner), ""))
    for result in results:
        if result.svg:
            image = _rendered(result.svg, width, height, corner)
            cells.append(_cell(result.tool, image, _figures(result), _overlay(result.svg, corner)))
        else:
            cells.append(
                f"<figure><figcaption>{escape(result.tool)}\n{escape(str(result.failure))}</figcaption></figure>"
            )
    whole = f'<div class="whole"><img alt="the whole picture" src="{_data(picture.raster)}"></div>'
    heading = f"<h2>{escape(picture.set_name)} · {escape(picture.name)}</h2>"
    return f'<section>{heading}\n{whole}<div class="row">{"".join(cells)}</div></section>'


def worst_part(picture: Picture, svg: str | None) -> tuple[int, int]:
    """Left and top, in pixels, of the part in which a drawing differs most from the true SVG, or from the pixels."""
    height, width = picture.raster.shape[:2]
    if svg is None:
        return max(0, width - PART) // 2, max(0, height - PART) // 2
    true = picture.raster if picture.truth is None else render(picture.truth, width, height, WHITE)
    difference = np.abs(render(svg, width, height, WHITE).astype(float) - true).mean(2)
    within = uniform_filter(difference, PART, mode="constant")
    # a part lies around its middle, and inside the picture
    inner = within[PART // 2 : height - PART // 2 + 1, PART // 2 : width - PART // 2 + 1]
    if not inner.size:
        return 0, 0
    top, left = np.unravel_index(int(inner.argmax()), inner.shape)
    return int(left), int(top)


def _pixels(raster: RgbArray, corner: tuple[int, int]) -> RgbArray:
    left, top = corner
    return raster[top : top + PART, left : left + PART]


def _rendered(svg: str, width: int, height: int, corner: tuple[int, int]) -> RgbArray:
    left, top = (SCALE * place for place in corner)
    large = render(svg, SCALE * width, SCALE * height, WHITE)
    return large[top : top + SCALE * PART, left : left + SCALE * PART]


def _overlay(svg: str, corner: tuple[int, int]) -> str:
    """The nodes in the part, as dots."""
    try:
        places = nodes(svg)
    except ValueError as error:
        return f"<!-- {escape(str(error))} -->"
    inside = places[((places >= corner) & (places <= np.add(corner, PART))).all(1)] - corner
    dots = "".join(f'<circle cx="{x:.2f}" cy="{y:.2f}" r=".22"/>' for x, y in np.unique(inside.round(2), axis=0))
    return f'<svg viewBox="0 0 {PART} {PART}">{dots}</svg>'


def _figures(result: Result) -> str:
    values = [(getattr(result.figures, name), unit, digits) for name, unit, digits in FIGURES if result.figures]
    return "\n".join(f"{value:,.{digits}f} {unit}" for value, unit, digits in values if value is not None)


def _cell(name: str, image: RgbArray, figures: str, overlay: str = "") -> str:
    picture = f'<div class="crop"><img alt="{escape(name)}" src="{_data(image)}">{overlay}</div>'
    return f"<figure>{picture}<figcaption><b>{escape(name)}</b>\n{escape(figures)}</figcaption></figure>"


def _data(image: RgbArray) -> str:
    encoded = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(encoded, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(encoded.getvalue()).decode('ascii')}"


if __name__ == "__main__":
    main()
