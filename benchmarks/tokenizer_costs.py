"""What the tokenizer costs beside drawing: seconds of features, tree, selection and refinement, and its peak memory.

    python -m benchmarks.tokenizer_costs WEIGHTS kodak|SIDE

measures one kind of image in a process of its own, prints one line of JSON and ends: the Kodak photographs, each once,
or a square photograph (`pictures.photograph`) of that many pixels a side, the median of `RUNS`. Before that it divides
a small image, and the first of those to be measured, unmeasured. The peak is that above the process as it is after the
small image, and counts the input's pixels. Limits: Linux only, it reads /proc; times are as quiet as the machine.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from dhvt_vectorize.errors import InputError

from .claims import MISS, OK, UNKNOWN, Claim
from .dividers import with_alpha
from .memory import STATUS, _status_bytes
from .pictures import RgbArray, kodak_paths, photograph, read_rgb
from .tables import markdown_table

if TYPE_CHECKING:
    from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

KODAK = "kodak"
SIDES = (1024, 2048, 4096)
RUNS = 3
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class TokenizerCosts:
    """Costs of one kind of image.

    Attributes:
        image: kodak, or the side of the square photograph in pixels.
        pixels: of an image.
        net: seconds of the feature net alone, which are part of `features`.
        features, tree, selection, refinement: seconds of the four stages.
        bytes_a_pixel: the peak.
    """

    image: str
    pixels: int
    net: float
    features: float
    tree: float
    selection: float
    refinement: float
    bytes_a_pixel: float

    @property
    def seconds(self) -> float:
        """All four stages."""
        return self.features + self.tree + self.selection + self.refinement


def tokenizer_costs(weights: Path, say: Callable[[str], None]) -> list[TokenizerCosts]:
    """The Kodak photographs and the three large ones, each kind in a new process.

    Raises:
        InputError: the photographs are not there, this system has no /proc, or a process failed.
    """
    if not STATUS.exists():
        raise InputError(STATUS, "is not on this system", "measure costs on Linux")
    kodak_paths()
    costs = []
    for image in (KODAK, *map(str, SIDES)):
        say(f"costs: {image}")
        command = [sys.executable, "-m", "benchmarks.tokenizer_costs", str(weights.resolve()), image]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            last_line = done.stderr.strip().rpartition("\n")[2]
            raise InputError(f"costs of {image}", last_line, "run the command by itself")
        costs.append(TokenizerCosts(**json.loads(done.stdout)))
    return costs


def costs_table(costs: Sequence[TokenizerCosts]) -> str:
    """Image: seconds a stage, seconds a megapixel, bytes a pixel."""
    stages = ("features", "tree", "selection", "refinement", "seconds")
    headings = ["image", "megapixels", "net alone", *stages[:-1], "sum", "s a MP", "bytes a pixel"]
    lines = [
        [
            each.image if each.image == KODAK else f"{each.image}×{each.image}",
            f"{each.pixels / 1e6:.2f}",
            f"{each.net:.3f}",
            *(f"{getattr(each, stage):.3f}" for stage in stages),
            f"{each.seconds / each.pixels * 1e6:.3f}",
            f"{each.bytes_a_pixel:.0f}",
        ]
        for each in costs
    ]
    return markdown_table("Tokenizer, seconds warm, all cores", headings, lines)


def cost_claims(costs: Sequence[TokenizerCosts]) -> list[Claim]:
    """Times of a Kodak photograph, growth with the pixels, memory at the larger sizes."""
    found = {each.image: each for each in costs}
    kodak, small, large = (found.get(image) for image in (KODAK, str(SIDES[0]), str(SIDES[-1])))
    growth = large.seconds / large.pixels / (small.seconds / small.pixels) if small and large else None
    worst = max((each.bytes_a_pixel for each in costs if each.image != KODAK), default=None)
    return [
        _at_most(
            "768×512 photo: features, tree, selection and refinement, seconds", kodak.seconds if kodak else None, 0.35
        ),
        _at_most("768×512 photo: feature net alone, seconds", kodak.net if kodak else None, 0.06),
        # what grows by a quarter more than the pixels is still taken for linear: larger images leave the caches
        _at_most("seconds a pixel at 16 MP over 1 MP", growth, 1.25),
        _at_most("peak bytes a pixel, of the worst size", worst, 300),
    ]


def _at_most(what: str, value: float | None, bound: float) -> Claim:
    if value is None:
        return Claim(what, "–", f"≤ {bound:g}", UNKNOWN)
    return Claim(what, f"{value:.3f}", f"≤ {bound:g}", OK if value <= bound else MISS)


def _measure(weights: Path, image: str) -> TokenizerCosts:
    # as the pipeline does it: torch's idle threads would take the time of those that build the tree
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

    tokenizer = DHVTokenizer.load(weights, "cpu")
    _stage_seconds(tokenizer, photograph(256, 256))
    base = _status_bytes("VmRSS")
    pixels = 0
    runs: list[list[float]] = []
    for raster in _rasters(image):
        pixels = raster.shape[0] * raster.shape[1]
        runs.append(_stage_seconds(tokenizer, raster))
    average = statistics.fmean if image == KODAK else statistics.median
    net, features, tree, selection, refinement = (average(stage) for stage in zip(*runs[1:], strict=True))
    peak = (_status_bytes("VmHWM") - base) / pixels
    return TokenizerCosts(image, pixels, net, features, tree, selection, refinement, peak)


def _rasters(image: str) -> Iterator[RgbArray]:
    """One that warms up, then those that count; one at a time, since what is held counts as well."""
    if image == KODAK:
        yield from (read_rgb(path) for path in [kodak_paths()[0], *kodak_paths()])
    else:
        yield from [photograph(int(image), int(image))] * (1 + RUNS)


def _stage_seconds(tokenizer: DHVTokenizer, raster: RgbArray) -> list[float]:
    """Seconds of the net alone, features, tree, selection and refinement."""
    pixels = with_alpha(raster)
    times = [time.perf_counter()]
    tokenizer.features.feature_map(pixels)
    times.append(time.perf_counter())
    features = tokenizer.pixel_features(pixels, compact=True)
    times.append(time.perf_counter())
    tree = tokenizer.merge_tree(features, compact=True)
    times.append(time.perf_counter())
    partition = tokenizer.select(tree)
    times.append(time.perf_counter())
    tokenizer.refine(partition, features, compact=True)
    times.append(time.perf_counter())
    return [after - before for before, after in pairwise(times)]


if __name__ == "__main__":
    print(json.dumps(asdict(_measure(Path(sys.argv[1]), sys.argv[2]))))
