"""Tools and image sets → one result for each tool and picture: seconds, figures, or why there are none.

Within a set, every tool traces the first picture once unmeasured; then, picture by picture, all tools trace it in turn
in this process, so that they meet the same state of the machine. Nothing else runs meanwhile: the drawings are scored
afterwards, by two processes. On kodak this project runs with 256, 512 and 1,024 regions too. Limit: each time is of one
run; single pictures scatter, their mean over a set is what to look at.
"""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from dhvt_vectorize.errors import DhvtError
from dhvt_vectorize.options import VectorizeOptions

from .peers import PEERS, Drawn, RgbArray, Trace, open_peer
from .pictures import Picture
from .scoring import Figures, score

PROJECT = "project"
TOOLS = (PROJECT, *PEERS)
REGIONS = (256, 512, 1024)
# potrace draws bitmaps only, and the other peers are made for colours
BITMAP_TOOLS = (PROJECT, "potrace", "potrace best")
# what draws a photograph as hundreds of thousands of slivers
DRAWING_TOOLS = ("autotrace",)
SCORERS = 2


@dataclass(frozen=True)
class Result:
    """What one tool made of one picture; `svg` is what it drew, `failure` why there are no figures."""

    tool: str
    set_name: str
    picture: str
    svg: str = ""
    seconds: float | None = None
    stages: Mapping[str, float] = field(default_factory=dict)
    figures: Figures | None = None
    failure: str | None = None


class Bench:
    """Tools that are ready to trace, and processes that are ready to score. Use as a context manager.

    Args:
        tools: of TOOLS.
        weights: files to run this project with as well, each as `project with STEM`.

    Attributes:
        skipped: the tools that are not there, and why.

    Raises:
        WeightsError: a weights file cannot be used.
    """

    def __init__(self, tools: Sequence[str], weights: Sequence[Path] = ()) -> None:
        self.skipped: dict[str, str] = {}
        self._resources = ExitStack()
        self._tools: dict[str, Trace] = {}
        for name in tools:
            try:
                self._tools |= _open(name, self._resources)
            except DhvtError as error:
                self.skipped[name] = str(error)
        for path in weights:
            self._tools |= _project(f"{PROJECT} with {path.stem}", path)
        self._scorers = self._resources.enter_context(
            ProcessPoolExecutor(SCORERS, mp_context=multiprocessing.get_context("spawn"))
        )

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def run(self, pictures: Sequence[Picture], say: Callable[[str], None]) -> list[Result]:
        """Trace the pictures of one set with every tool that suits it, then score all drawings.

        Args:
            pictures: of one set, at least one.
            say: told of the progress.
        """
        tools = {name: trace for name, trace in self._tools.items() if _suits(name, pictures[0].set_name)}
        for name, trace in tools.items():
            say(f"{pictures[0].set_name}: warming up {name}")
            _traced(name, trace, pictures[0])
        results: list[Result] = []
        for number, picture in enumerate(pictures, 1):
            say(f"{picture.set_name}: tracing {number} of {len(pictures)}")
            results += [_traced(name, trace, picture) for name, trace in tools.items()]
        return self._with_figures(results, {picture.name: picture for picture in pictures}, say)

    def _with_figures(
        self, results: list[Result], pictures: Mapping[str, Picture], say: Callable[[str], None]
    ) -> list[Result]:
        """The results in their order, those that have a drawing with its figures or with why there are none."""
        drawn = [result for result in results if result.failure is None]
        sources = [pictures[result.picture] for result in drawn]
        svgs, rasters = [result.svg for result in drawn], [source.raster for source in sources]
        jobs = self._scorers.map(_scored, svgs, rasters, [source.truth for source in sources])
        scored: list[Result] = []
        for result in results:
            if result.failure is None:
                say(f"{result.set_name}: scoring {len(scored) + 1} of {len(results)}")
                figures, failure = next(jobs)
                result = replace(result, figures=figures, failure=failure)
            scored.append(result)
        return scored


def open_project(weights: Path | None = None) -> Callable[[VectorizeOptions], Trace]:
    """This project with its weights (None: the shipped ones) loaded once: options → a way to trace."""
    # here, because the scoring processes import this module too and need no torch
    from dhvt_vectorize.pipeline import Vectorizer

    vectorizer = Vectorizer(weights=weights, device="cpu")

    def with_options(options: VectorizeOptions) -> Trace:
        def trace(image: RgbArray) -> Drawn:
            start = time.perf_counter()
            drawing = vectorizer.vectorize(image, options)
            svg = drawing.to_svg()
            seconds = time.perf_counter() - start
            return Drawn(svg, seconds, dict(drawing.stats["seconds"]))

        return trace

    return with_options


def project_with(regions: int, name: str = PROJECT) -> str:
    """What this project is called where it is asked for that many regions."""
    return f"{name} --regions {regions}"


def _open(name: str, resources: ExitStack) -> dict[str, Trace]:
    if name != PROJECT:
        return {name: open_peer(name, resources)}
    return _project(PROJECT)


def _project(name: str, weights: Path | None = None) -> dict[str, Trace]:
    with_options = open_project(weights)
    variants = {project_with(regions, name): with_options(VectorizeOptions(regions=regions)) for regions in REGIONS}
    return {name: with_options(VectorizeOptions()), **variants}


def _suits(tool: str, set_name: str) -> bool:
    if set_name.startswith("bw"):
        return tool in BITMAP_TOOLS
    if tool.startswith("potrace") or ("--regions" in tool and set_name != "kodak"):
        return False
    return tool not in DRAWING_TOOLS or not set_name.startswith("kodak")


def _traced(tool: str, trace: Trace, picture: Picture) -> Result:
    try:
        drawn = trace(picture.raster)
    # a tool that fails at one picture is reported with it, here with the place; the others go on
    except Exception as error:
        traceback.print_exc()
        return Result(tool, picture.set_name, picture.name, failure=_described(error))
    return Result(tool, picture.set_name, picture.name, drawn.svg, drawn.seconds, drawn.stages)


def _scored(svg: str, raster: RgbArray, truth: str | None) -> tuple[Figures | None, str | None]:
    """The figures, and why there are none."""
    try:
        return score(svg, raster, truth), None
    except (ValueError, SyntaxError) as error:
        return None, _described(error)


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
