"""Images a second of the tokenizer on a CPU and on a GPU, and what bounds it.

    python -m benchmarks.devices [--devices cpu cuda] [--weights FILE] [--images FOLDER]

divides batches of photographs into tokens (`DHVTokenizer.partitions`, as BIC selects): 64 of 224 × 224 px and 4 of
1024 × 1024 px, cut from Kodak's photographs or from those of a folder. One table has images a second of the whole and
milliseconds an image of its stages, each done for the batch: features, trees, trees built one by one, selection with
refinement. On a GPU a second table says what building the trees
keeps it busy with.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .command import errors_end_the_run
from .dividers import with_alpha
from .pictures import RgbArray, kodak_paths, read_rgb
from .tables import markdown_table

if TYPE_CHECKING:
    from dhvt_vectorize.tokenizer.hierarchy import MergeTree
    from dhvt_vectorize.tokenizer.selection import Partition
    from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer, PixelFeatures

BATCHES = ((64, 224), (4, 1024))
RUNS = 3
SHOWN_KERNELS = 8


def main() -> None:
    """Measure, print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.devices", description=__doc__.partition("\n")[0])
    parser.add_argument("--devices", nargs="+", default=["cpu"], metavar="NAME", help="cpu, cuda; default cpu")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="default: the shipped ones")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="photographs instead of Kodak's")
    chosen = parser.parse_args()
    with errors_end_the_run():
        paths = kodak_paths() if chosen.images is None else sorted(path for path in chosen.images.iterdir())
        photographs = [read_rgb(path) for path in paths]
        for table in tables(chosen.devices, chosen.weights, photographs):
            print(table)


def tables(devices: Sequence[str], weights: Path | None, photographs: Sequence[RgbArray]) -> list[str]:
    """Device × batch: images a second and milliseconds an image; and of each GPU what its time goes to."""
    from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

    lines, profiles = [], []
    for device in devices:
        tokenizer = DHVTokenizer.load(weights, device)
        for count, side in BATCHES:
            images = [with_alpha(image) for image in squares(photographs, count, side)]
            seconds = stage_seconds(tokenizer, images)
            whole = seconds.pop("whole")
            lines.append([device, f"{count} of {side} px", f"{count / whole:.1f}", *_milliseconds(seconds, count)])
            print(*lines[-1], file=sys.stderr, flush=True)
            if tokenizer.features.correct.weight.is_cuda:
                found = [tokenizer.pixel_features(image, compact=True) for image in images]
                profiles.append(profile(tokenizer, found, f"Trees of {count} images of {side} px on {device}"))
    headings = ["device", "batch", "images/s", *(f"{stage}, ms an image" for stage in seconds)]
    return [markdown_table("Tokenizer by device", headings, lines), *profiles]


def squares(photographs: Sequence[RgbArray], count: int, side: int) -> list[RgbArray]:
    """So many different squares of photographs, enlarged where these are smaller."""
    from PIL import Image

    random = np.random.default_rng(0)
    found = []
    for index in range(count):
        image = Image.fromarray(photographs[index % len(photographs)])
        scale = max(1.0, side / min(image.size))
        width, height = (max(side, round(length * scale)) for length in image.size)
        left, top = (int(random.integers(length - side + 1)) for length in (width, height))
        enlarged = image.resize((width, height), Image.Resampling.BICUBIC)
        found.append(np.asarray(enlarged.crop((left, top, left + side, top + side))))
    return found


def stage_seconds(tokenizer: DHVTokenizer, images: Sequence[np.ndarray]) -> dict[str, float]:
    """Seconds of the whole and of its stages: medians of a few runs; trees one by one, once."""
    from dhvt_vectorize.tokenizer.parts import on_threads

    def features(image: np.ndarray) -> PixelFeatures:
        return tokenizer.pixel_features(image, compact=True)

    def chosen(tree: MergeTree, of: PixelFeatures) -> Partition:
        return tokenizer.refine(tokenizer.select(tree), of, compact=True)

    tokenizer.partitions(images)  # may compile and load
    found = [features(image) for image in images]
    trees = tokenizer.merge_trees(found, compact=True)
    return {
        "whole": _seconds(lambda: tokenizer.partitions(images)),
        "features": _seconds(lambda: on_threads(features, images)),
        "trees": _seconds(lambda: tokenizer.merge_trees(found, compact=True)),
        "trees one by one": _seconds(lambda: [tokenizer.merge_tree(each, compact=True) for each in found], 1),
        "selection": _seconds(lambda: on_threads(chosen, trees, found)),
    }


def profile(tokenizer: DHVTokenizer, features: Sequence[PixelFeatures], title: str) -> str:
    """What a GPU does while it builds the trees of a batch, the longest first, and how long it has nothing to do.

    The latter is measured without the profiler, which slows down the processor's part.
    """
    import torch
    from torch.profiler import ProfilerActivity, profile

    def build() -> None:
        tokenizer.merge_trees(features, compact=True)
        torch.cuda.synchronize()

    build()
    wall = _seconds(build)
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        build()
    # what runs on the device itself: the operations that call it have the same time again
    events = [each for each in seen.key_averages() if each.device_type.name == "CUDA"]
    events.sort(key=lambda each: -each.self_device_time_total)
    busy = sum(each.self_device_time_total for each in events) / 1e6
    lines = [
        [each.key[:60], str(each.count), f"{each.self_device_time_total / 1e3:.2f}"] for each in events[:SHOWN_KERNELS]
    ]
    lines.append(["all", str(sum(each.count for each in events)), f"{1e3 * busy:.2f}"])
    lines.append(["nothing", "", f"{1e3 * max(0.0, wall - busy):.2f}"])
    return markdown_table(title, ["operation", "times", "ms"], lines)


def _milliseconds(seconds: dict[str, float], count: int) -> list[str]:
    return [f"{1e3 * value / count:.2f}" for value in seconds.values()]


def _seconds(work: Callable[[], object], runs: int = RUNS) -> float:
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
