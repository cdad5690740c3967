"""Known geometry, drawn, rasterised and vectorized again: how far off its centres, radii, corners and node counts are.

    python -m benchmarks.geometry [--shapes NAME …] [--sizes PX …] [--states clean jpeg] [--json FILE] [--out FOLDER]

The shapes of `geometry_shapes`, on grid and off, are drawn by resvg at eight times their size (four above 256 px) and
averaged down, since resvg's own anti-aliasing knows quarters of a pixel only; as `jpeg` they go through JPEG at quality
75 too; then through this project with default options, but without strokes, since a stroke's width and middle say where
its outline is without drawing it. Of the drawing all outlines but the paper's are read back:

centre   how far the centre of the area is off
radius   how far the outline lies inside or outside on average, of the rounded piece where that is most
width    the same of the straight piece where it is most
corner   how far the drawn node nearest to a corner is off, of the worst corner
outline  the greatest distance of the true outline from the drawn one
nodes    beside the fewest that draw the shape

All in pixels. The error that is held against the bars is the greatest of the first four. A shape of which nothing is
drawn has infinite error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from dhvt_vectorize.options import VectorizeOptions

from .claims import MISS, OK, UNKNOWN, Claim
from .command import errors_end_the_run
from .geometry_shapes import SHAPES, Shape, centroid, make_shape
from .packages import write
from .pictures import DEGRADATIONS, RgbArray, check_names, rasterize
from .runs import open_project
from .svg_outlines import DrawnOutline, outlines
from .tables import claims_table, markdown_table

SIZES = (24, 48, 96, 256, 512, 1024)
STATES = ("clean", "jpeg")
BAR_SIZE = 256
BARS = {"clean": 0.05, "jpeg": 0.25}
FIGURES = ("centre", "radius", "width", "corner", "outline")


@dataclass(frozen=True)
class Recovered:
    """What became of one shape; figures in pixels, infinite where nothing was drawn, 0 where the shape has no such."""

    shape: str
    size: int
    grid: str
    state: str
    elements: str
    nodes: int
    fewest: int
    centre: float
    radius: float
    width: float
    corner: float
    outline: float

    @property
    def error(self) -> float:
        """The greatest of centre, radius, width and corner error."""
        return max(self.centre, self.radius, self.width, self.corner)


def recover(shape: Shape, svg: str) -> dict[str, Any]:
    """The figures of a drawing of the shape: its elements, nodes, and errors in pixels."""
    drawn = [each for each in outlines(svg) if not _is_paper(each, shape.size)]
    if not drawn:
        return {"elements": "nothing", "nodes": 0, **dict.fromkeys(FIGURES, float("inf"))}
    samples = np.concatenate([_dense(each.samples) for each in drawn])
    nearest = cKDTree(shape.points).query(samples)[1]
    offset = ((samples - shape.points[nearest]) * shape.normals[nearest]).sum(1)
    means = {piece: abs(float(offset[shape.piece[nearest] == piece].mean())) for piece in set(shape.piece[nearest])}
    outer = max(drawn, key=lambda each: float(np.ptp(each.samples, axis=0).prod()))
    return {
        "elements": ", ".join(f"{n} {name}" for name, n in sorted(Counter(each.element for each in drawn).items())),
        "nodes": sum(each.segments for each in drawn),
        "centre": float(np.hypot(*(centroid(outer.samples) - shape.centre))),
        "radius": max((value for piece, value in means.items() if piece >= 0), default=0.0),
        "width": max((value for piece, value in means.items() if piece < 0), default=0.0),
        "corner": _corner_error(shape, drawn),
        "outline": float(cKDTree(samples).query(shape.points)[0].max()),
    }


def _is_paper(outline: DrawnOutline, size: int) -> bool:
    low, high = outline.samples.min(0), outline.samples.max(0)
    return bool((low <= 0).all() and (high >= size).all())


def _dense(samples: np.ndarray) -> np.ndarray:
    """Points along a closed outline a twentieth of a pixel apart, so that means are over length."""
    closed = np.concatenate([samples, samples[:1]])
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    at = np.arange(0, length[-1], 0.05)
    return np.stack([np.interp(at, length, closed[:, axis]) for axis in (0, 1)], 1)


def _corner_error(shape: Shape, drawn: Sequence[DrawnOutline]) -> float:
    if not len(shape.corners):
        return 0.0
    # a rectangle's corners are its only samples
    nodes = np.concatenate([each.nodes if each.element == "path" else _turns(each.samples) for each in drawn])
    return float(cKDTree(nodes).query(shape.corners)[0].max()) if len(nodes) else float("inf")


def _turns(samples: np.ndarray) -> np.ndarray:
    """The samples at which an outline turns by more than a smooth one's samples do."""
    before, after = samples - np.roll(samples, 1, 0), np.roll(samples, -1, 0) - samples
    sine = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return np.asarray(samples[np.abs(sine) > 0.1 * np.hypot(*before.T) * np.hypot(*after.T)])


def measure(
    names: Sequence[str], sizes: Sequence[int], states: Sequence[str], folder: Path | None = None
) -> Iterator[Recovered]:
    """Draw, rasterise, vectorize and measure every shape at every size, on and off grid, in every state."""
    trace = open_project()(VectorizeOptions(strokes="never"))
    for name in names:
        for size in sizes:
            for grid in ("on", "off"):
                shape = make_shape(name, size, grid == "on")
                exact = averaged(shape)
                for state in states:
                    raster = exact if state == "clean" else DEGRADATIONS[state](exact, 0)
                    svg = trace(raster).svg
                    if folder:
                        write(folder / f"{name} {size} {grid} {state}.svg".replace(" ", "-"), svg)
                    yield Recovered(name, size, grid, state, fewest=shape.nodes, **recover(shape, svg))


def averaged(shape: Shape) -> RgbArray:
    """The shape's picture, each pixel the mean of many."""
    factor = 8 if shape.size <= BAR_SIZE else 4
    fine = rasterize(shape.svg, factor * shape.size).reshape(shape.size, factor, shape.size, factor, 3)
    return np.asarray(np.rint(fine.mean((1, 3), dtype=np.float32)), np.uint8)


def geometry_table(rows: Sequence[Recovered]) -> str:
    """Shape × size × grid × state: every figure."""
    lines = [
        [
            row.shape, str(row.size), row.grid, row.state, row.elements, f"{row.nodes} of {row.fewest}",
            *(f"{getattr(row, figure):.3f}" for figure in FIGURES),
        ]
        for row in rows
    ]  # fmt: skip
    return markdown_table("Geometry", ["shape", "size", "grid", "state", "drawn as", "nodes", *FIGURES], lines)


def geometry_claims(rows: Sequence[Recovered]) -> list[Claim]:
    """What must hold at 256 px, of the worst shape; and the node counts of all."""
    verdicts = []
    for state, bar in BARS.items():
        held = [row for row in rows if (row.size, row.state) == (BAR_SIZE, state)]
        worst = max(held, key=lambda row: row.error, default=None)
        label = f"{BAR_SIZE} px, {state}: error in px, of the worst"
        if worst is None:
            verdicts.append(Claim(label, "–", f"≤ {bar:.2f}", UNKNOWN))
            continue
        missed = sum(row.error > bar for row in held)
        measured = f"{worst.error:.3f} ({worst.shape}, {worst.grid} grid), {len(held) - missed} of {len(held)} hold"
        verdicts.append(Claim(label, measured, f"≤ {bar:.2f}", MISS if missed else OK))
    more = sum(row.nodes > row.fewest for row in rows)
    none = sum(row.nodes == 0 for row in rows)
    measured = f"{len(rows) - more - none} of {len(rows)} have the fewest nodes or less, {none} are not drawn"
    verdicts.append(Claim("nodes, all", measured, "all", UNKNOWN if not rows else MISS if more + none else OK))
    return verdicts


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the arguments ask for (default: the process's own), and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.geometry", description=__doc__.partition("\n")[0])
    parser.add_argument("--shapes", nargs="+", default=tuple(SHAPES), metavar="NAME", help=f"of {', '.join(SHAPES)}")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="PX", help=f"of {SIZES}")
    parser.add_argument("--states", nargs="+", default=STATES, metavar="NAME", help=f"of {', '.join(STATES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="keep every drawing")
    chosen = parser.parse_args(arguments)
    with errors_end_the_run():
        for option, known in (("shapes", tuple(SHAPES)), ("sizes", SIZES), ("states", STATES)):
            check_names(f"--{option}", getattr(chosen, option), known)
        rows = []
        for row in measure(chosen.shapes, chosen.sizes, chosen.states, chosen.out):
            print(f"{row.shape} {row.size} {row.grid} grid {row.state}: {row.error:.3f}", file=sys.stderr, flush=True)
            rows.append(row)
        print(geometry_table(rows), claims_table(geometry_claims(rows)), sep="\n\n")
        if chosen.json:
            write(chosen.json, json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
