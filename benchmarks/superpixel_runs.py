"""Methods and photographs → the figures of every division, from two processes of one thread each.

A photograph is one job: a process divides it with every method in turn, and scores what it gets. Results come in the
order of the photographs, methods and settings, whichever process is done first. Seconds are those of one thread beside
another busy one: they compare the methods of a run, not machines.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from .bsds import read_sample
from .dividers import Divide
from .partitions import Judge, PartitionFigures

PROCESSES = 2


@dataclass(frozen=True)
class Result:
    """What one method made of one photograph at one setting; seconds without the scoring."""

    method: str
    setting: str
    image: str
    figures: PartitionFigures
    seconds: float


def measure(
    open_methods: Callable[[], Mapping[str, Divide]], split: str, names: Sequence[str], say: Callable[[str], None]
) -> list[Result]:
    """Divide and score the photographs of a split.

    Args:
        open_methods: called once in each process, so it must be picklable.
        split, names: see `bsds`.
        say: told of the progress.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, context, _prepare, (open_methods,)) as workers:
        results: list[Result] = []
        for number, own in enumerate(workers.map(partial(_measured, split), names), 1):
            say(f"bsds500 {split}: {number} of {len(names)}")
            results += own
    return results


_methods: dict[str, Divide] = {}


def _prepare(open_methods: Callable[[], Mapping[str, Divide]]) -> None:
    os.environ["NUMBA_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)
    _methods.update(open_methods())
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    for divide in _methods.values():
        # what is loaded or compiled at first use is no part of anyone's seconds
        deque(divide(noise), maxlen=0)


def _measured(split: str, name: str) -> list[Result]:
    sample = read_sample(split, name)
    judge = Judge(sample.image, sample.truths)
    return [
        Result(method, division.setting, name, judge.figures(division.labels), division.seconds)
        for method, divide in _methods.items()
        for division in divide(sample.image)
    ]
