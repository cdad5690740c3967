"""Results → means of every method and setting, curves over the density of border, and the tables of both.

Longer borders meet more of the people's, whoever draws them: so methods are also compared at equal density, on the
straight pieces between the means at the numbers of regions measured. Beyond the first and the last nothing is said.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .partitions import PartitionFigures
from .superpixel_runs import Result
from .tables import markdown_table

DENSITIES = (0.06, 0.09, 0.12, 0.16)
_COLUMNS = {
    "regions": "{:.1f}",
    "density": "{:.4f}",
    "recall": "{:.4f}",
    "asa": "{:.4f}",
    "ue": "{:.4f}",
    "ev": "{:.4f}",
    "compactness": "{:.4f}",
    "seconds": "{:.3f}",
}
_ABLATION_COLUMNS = {"regions": "{:.1f}", "ev": "{:.4f}", "psnr": "{:.2f}", "asa": "{:.4f}", "density": "{:.4f}"}


@dataclass(frozen=True)
class Row:
    """A method at a setting; means over the images, by the names of `PartitionFigures` and `seconds`."""

    method: str
    setting: str
    images: int
    mean: Mapping[str, float]


def summarize(results: Iterable[Result]) -> list[Row]:
    """One row for each method and setting, in the order in which they first occur."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.method, result.setting), []).append(result)
    return [Row(method, setting, len(group), _means(group)) for (method, setting), group in groups.items()]


def at_density(rows: Iterable[Row], figure: str, density: float) -> float | None:
    """A figure of one method, given at several settings, where its density is this; None where it never is."""
    points = sorted((row.mean["density"], row.mean[figure]) for row in rows)
    if not points or not points[0][0] <= density <= points[-1][0]:
        return None
    densities, values = np.array(points).T
    return float(np.interp(density, densities, values))


def by_method(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each method."""
    curves: dict[str, list[Row]] = {}
    for row in rows:
        curves.setdefault(row.method, []).append(row)
    return curves


def figures_table(rows: Sequence[Row], title: str) -> str:
    """Regions asked for × method: every figure."""
    settings = list(dict.fromkeys(row.setting for row in rows))
    lines = [
        [row.method, row.setting, *_cells(row, _COLUMNS)]
        for setting in settings
        for row in rows
        if row.setting == setting
    ]
    return markdown_table(title, ["method", "asked", *_COLUMNS], lines)


def equal_density_table(rows: Sequence[Row], figure: str) -> str:
    """Method × density: one figure, a dash where the method has no such density between its settings."""
    lines = []
    for method, own in by_method(rows).items():
        values = [at_density(own, figure, density) for density in DENSITIES]
        lines.append([method, *("–" if value is None else f"{value:.4f}" for value in values)])
    return markdown_table(f"{figure} at equal density", ["method", *(f"{each:.2f}" for each in DENSITIES)], lines)


def ablation_table(rows: Sequence[Row], title: str) -> str:
    """Criterion × depth: tokens, explained variation, reconstruction, accuracy."""
    lines = [[row.method, row.setting, *_cells(row, _ABLATION_COLUMNS)] for row in rows]
    return markdown_table(title, ["criterion", "depth", "tokens", *list(_ABLATION_COLUMNS)[1:]], lines)


def _means(group: Sequence[Result]) -> dict[str, float]:
    means = {
        name: statistics.fmean(getattr(result.figures, name) for result in group)
        for name in PartitionFigures.__dataclass_fields__
    }
    return means | {"seconds": statistics.fmean(result.seconds for result in group)}


def _cells(row: Row, columns: Mapping[str, str]) -> list[str]:
    return [how.format(row.mean[name]) for name, how in columns.items()]
