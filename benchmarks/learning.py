"""What learning is worth in drawings: trained weights beside untrained ones, at equal numbers of segments.

    python -m benchmarks.learning [--sets kodak emoji …] [--sizes PX …] [--degraded NAME …] [--weights FILE]
                                  [--split test|tune] [--limit N] [--json FILE]

Both draw every picture at several settings of `--detail`. The trained drawing at the default setting is held against
the untrained ones' curve, read where they have as many segments (linear in the logarithm of segments; beyond its ends
there is nothing to read). Figures are means over a set, as `scoring` defines them: SSIM at four times the size where
there is a true SVG, else SSIM at the size; likewise PSNR.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from dhvt_vectorize.options import VectorizeOptions

from .command import errors_end_the_run
from .packages import write
from .peers import Trace
from .pictures import DEGRADATIONS, KINDS, Picture, check_names, degraded, pictures, set_names
from .runs import open_project
from .scoring import score
from .tables import markdown_table

DETAILS = (0.3, 0.4, 0.5, 0.6, 0.7)
DEFAULT = 0.5
UNTRAINED, TRAINED = "untrained", "trained"


@dataclass(frozen=True)
class Point:
    """Means over a set's drawings at one setting of detail."""

    detail: float
    segments: float
    shapes: float
    ssim: float
    psnr: float


Curves = dict[tuple[str, str], list[Point]]


def at_segments(curve: Sequence[Point], figure: str, segments: float) -> float | None:
    """A figure where the curve has that many segments; None beyond its ends."""
    points = sorted(curve, key=lambda point: point.segments)
    if not points or not points[0].segments <= segments <= points[-1].segments:
        return None
    places = np.log([point.segments for point in points])
    return float(np.interp(np.log(segments), places, [getattr(point, figure) for point in points]))


def measure(
    sets: Sequence[str],
    hows: Sequence[str],
    split: str,
    limit: int | None,
    drawers: Mapping[str, Callable[[VectorizeOptions], Trace]],
) -> Curves:
    """(set, weights) → the points of its curve."""
    curves: Curves = {}
    for set_name, shown in _variants(sets, hows, split, limit):
        for name, drawer in drawers.items():
            print(f"{set_name} {name}", file=sys.stderr, flush=True)
            curves[set_name, name] = [_point(drawer, shown, detail) for detail in DETAILS]
    return curves


def _variants(
    sets: Sequence[str], hows: Sequence[str], split: str, limit: int | None
) -> Iterator[tuple[str, list[Picture]]]:
    for set_name in sets:
        clean = pictures(set_name, limit, split)
        yield set_name, clean
        for how in hows:
            yield f"{set_name} {how}", [degraded(picture, how) for picture in clean]


def _point(drawer: Callable[[VectorizeOptions], Trace], shown: Sequence[Picture], detail: float) -> Point:
    trace = drawer(VectorizeOptions(detail=detail))
    figures = [score(trace(picture.raster).svg, picture.raster, picture.truth) for picture in shown]
    return Point(
        detail,
        statistics.fmean(each.segments for each in figures),
        statistics.fmean(each.shapes for each in figures),
        statistics.fmean(each.ssim if each.ssim4x is None else each.ssim4x for each in figures),
        statistics.fmean(each.psnr if each.psnr4x is None else each.psnr4x for each in figures),
    )


def curves_table(curves: Curves) -> str:
    """Set × weights × detail: what was drawn."""
    lines = [
        [set_name, name, f"{p.detail:.1f}", f"{p.shapes:.1f}", f"{p.segments:.0f}", f"{p.ssim:.4f}", f"{p.psnr:.2f}"]
        for (set_name, name), curve in curves.items()
        for p in curve
    ]
    return markdown_table("Drawings", ["set", "weights", "detail", "shapes", "segments", "SSIM", "PSNR"], lines)


def equal_table(curves: Curves) -> str:
    """Set: the trained default, and the untrained at as many segments."""
    lines = []
    for set_name in dict.fromkeys(name for name, _ in curves):
        own = next(point for point in curves[set_name, TRAINED] if point.detail == DEFAULT)
        row = [set_name, f"{own.segments:.0f}"]
        for figure, digits in (("ssim", 4), ("psnr", 2)):
            value, other = getattr(own, figure), at_segments(curves[set_name, UNTRAINED], figure, own.segments)
            row += [f"{value:.{digits}f}", "–" if other is None else f"{other:.{digits}f}"]
            row += ["–" if other is None else f"{value - other:+.{digits}f}"]
        lines.append(row)
    headings = ["set", "segments", "SSIM", "untrained", "difference", "PSNR", "untrained", "difference"]
    return markdown_table("Trained at its default, untrained at as many segments", headings, lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the arguments ask for (default: the process's own), and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", nargs="+", default=("kodak", "emoji"), metavar="NAME", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--sizes", type=int, nargs="+", default=(), metavar="PX", help="only sets of these sizes")
    parser.add_argument("--degraded", nargs="*", default=(), metavar="NAME", help=f"of {', '.join(DEGRADATIONS)}")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="what was trained (default: the shipped ones)")
    parser.add_argument("--split", default="test", metavar="NAME", help="test, or tune for what is chosen by figures")
    parser.add_argument("--limit", type=int, metavar="N", help="only N pictures of a set, spread over it")
    parser.add_argument("--json", metavar="FILE", help="write every point")
    chosen = parser.parse_args(arguments)
    with errors_end_the_run():
        check_names("--degraded", chosen.degraded, DEGRADATIONS)
        with tempfile.TemporaryDirectory() as folder:
            drawers = {UNTRAINED: open_project(_untrained(Path(folder))), TRAINED: open_project(chosen.weights)}
            sets = set_names(chosen.sets, chosen.sizes)
            curves = measure(sets, chosen.degraded, chosen.split, chosen.limit, drawers)
        print(f"{curves_table(curves)}\n\n{equal_table(curves)}")
        if chosen.json:
            rows = [[*key, [asdict(point) for point in curve]] for key, curve in curves.items()]
            write(Path(chosen.json), json.dumps(rows) + "\n")


def _untrained(folder: Path) -> Path:
    from dhvt_vectorize.tokenizer.checkpoint import save_checkpoint
    from dhvt_vectorize.tokenizer.initial import INITIAL_CARD, initial_net

    net, path = initial_net(), folder / "untrained.safetensors"
    save_checkpoint(path, net, net.config, INITIAL_CARD)
    return path


if __name__ == "__main__":
    main()
