"""What this project costs beside drawing a set: starting, images that hurt, memory.

Start times are medians of whole processes: `--help`, and one 256-pixel emoji from file to file, after a first run that
is not counted and fills the kernels' cache. Adversarial times are medians of runs in this process, warm, on square
images of 1 and 4 megapixels, beside a photograph of that size (`pictures.photograph`).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from dhvt_vectorize.errors import InputError
from dhvt_vectorize.options import VectorizeOptions

from .adversarial import MAKERS
from .memory import PHOTOGRAPH, peak_bytes_a_pixel
from .pictures import photograph, pictures
from .runs import open_project

SIDES = (1024, 2048)
RUNS = 5
ADVERSARIAL_RUNS = 3
# beside the photograph, as many regions as pixels, and one region with very many neighbours
MEMORY_IMAGES = (PHOTOGRAPH, "checkerboard", "specks")
ROOT = Path(__file__).parent.parent

Say = Callable[[str], None]


@dataclass(frozen=True)
class StartTimes:
    """Seconds of whole processes, and of the stages in one of them; the rest of it is starting and loading."""

    help: float
    emoji: float
    emoji_stages: dict[str, float]


@dataclass(frozen=True)
class AdversarialTime:
    """Seconds of one image at both of SIDES, and how many times as long as the photograph of that size they are."""

    image: str
    seconds: tuple[float, float]
    times_photograph: tuple[float, float]

    @property
    def growth(self) -> float:
        """Seconds a pixel at the larger side over those at the smaller one; 1 is linear."""
        return self.seconds[1] / self.seconds[0] / (SIDES[1] / SIDES[0]) ** 2


def start_times(say: Say) -> StartTimes:
    """Time the command as a user starts it.

    Raises:
        InputError: the emoji are not in the cache, or the command fails; the message has its last line.
    """
    say("start: --help")
    help_seconds = statistics.median(_run(["--help"])[0] for _ in range(RUNS))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "emoji.png", Path(folder) / "emoji.svg"
        Image.fromarray(pictures("emoji-256", 1)[0].raster).save(source)
        arguments = [str(source), "-o", str(target), "--force", "--json", "--device", "cpu"]
        runs = []
        for number in range(RUNS + 1):
            say(f"start: an emoji, {number} of {RUNS}")
            runs.append(_run(arguments))
    counted = sorted(runs[1:], key=lambda run: run[0])
    seconds, report = counted[RUNS // 2]
    return StartTimes(help_seconds, seconds, dict(json.loads(report)["seconds"]))


def adversarial_times(say: Say) -> list[AdversarialTime]:
    """Time the photograph, then every adversarial image.

    Raises:
        InputError: the photographs are not there.
    """
    trace = open_project()(VectorizeOptions())
    seconds: dict[str, tuple[float, float]] = {}
    for name, make in {PHOTOGRAPH: photograph, **MAKERS}.items():
        trace(make(128, 128))
        medians = []
        for side in SIDES:
            say(f"adversarial: {name}, {side} px a side")
            image = make(side, side)
            medians.append(statistics.median(trace(image).seconds for _ in range(ADVERSARIAL_RUNS)))
        seconds[name] = (medians[0], medians[1])
    base = seconds[PHOTOGRAPH]
    return [AdversarialTime(name, own, (own[0] / base[0], own[1] / base[1])) for name, own in seconds.items()]


def memory_use(say: Say) -> dict[str, float]:
    """Peak bytes a pixel above the loaded process, for each of MEMORY_IMAGES at the larger of SIDES.

    Raises:
        InputError: memory cannot be measured on this system, or the process fails.
    """
    bytes_a_pixel = {}
    for image in MEMORY_IMAGES:
        say(f"memory: {image}")
        bytes_a_pixel[image] = peak_bytes_a_pixel(image, SIDES[-1])
    return bytes_a_pixel


def _run(arguments: list[str]) -> tuple[float, str]:
    """Seconds and standard output of one process of the command."""
    command = [sys.executable, "-m", "dhvt_vectorize", *arguments]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise InputError("dhvt-vectorize", done.stderr.strip().rpartition("\n")[2], "run the command by itself")
    return seconds, done.stdout
