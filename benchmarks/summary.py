"""Results → one row for each set and tool: what the table shows, and what the claims are held against."""

from __future__ import annotations

import gzip
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .pictures import Picture
from .runs import Result
from .scoring import Figures, conflation, count

TRUTH = "true SVG"


@dataclass(frozen=True)
class Row:
    """One tool on one set. Means and medians are of the pictures with figures; None where no picture has a value.

    Attributes:
        pictures, failures: how many there were, and how many of them failed.
        mean, median, highest: by the names of `Figures`, and `seconds`.
    """

    set_name: str
    tool: str
    pictures: int
    failures: int
    mean: dict[str, float | None]
    median: dict[str, float | None]
    highest: dict[str, float | None]


def summarize(results: Iterable[Result]) -> list[Row]:
    """One row for each set and tool, in the order in which they first occur."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.set_name, result.tool), []).append(result)
    return [_row(set_name, tool, group) for (set_name, tool), group in groups.items()]


def truth_row(pictures: Sequence[Picture]) -> Row | None:
    """What the drawings that a set was rendered from count themselves; None for a set without."""
    values: dict[str, list[float]] = {"shapes": [], "segments": [], "bytes": [], "gz": [], "conflation": []}
    failures = 0
    truths = [(picture.truth, picture.raster.shape) for picture in pictures if picture.truth is not None]
    for truth, (height, width, _) in truths:
        try:
            shapes, segments = count(truth)
        except (ValueError, SyntaxError):
            failures += 1
            continue
        text = truth.encode()
        figures = (shapes, segments, len(text), len(gzip.compress(text, 6)), conflation(truth, width, height))
        for name, value in zip(values, figures, strict=True):
            values[name].append(value)
    return _row_of(pictures[0].set_name, TRUTH, len(truths), failures, values) if truths else None


def stage_seconds(results: Iterable[Result]) -> dict[tuple[str, str], dict[str, float]]:
    """Mean seconds of each stage, for each set and tool that tells them."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if result.stages:
            groups.setdefault((result.set_name, result.tool), []).append(result)
    return {
        key: {stage: statistics.fmean(result.stages.get(stage, 0.0) for result in group) for stage in group[0].stages}
        for key, group in groups.items()
    }


def _row(set_name: str, tool: str, results: list[Result]) -> Row:
    scored = [result for result in results if result.figures is not None]
    values = {
        name: [value for result in scored if (value := getattr(result.figures, name)) is not None]
        for name in Figures.__dataclass_fields__
    }
    values["seconds"] = [result.seconds for result in scored if result.seconds is not None]
    return _row_of(set_name, tool, len(results), len(results) - len(scored), values)


def _row_of(set_name: str, tool: str, pictures: int, failures: int, values: dict[str, list[float]]) -> Row:
    mean, median, highest = (
        {name: of(numbers) if numbers else None for name, numbers in values.items()}
        for of in (statistics.fmean, statistics.median, max)
    )
    return Row(set_name, tool, pictures, failures, mean, median, highest)
