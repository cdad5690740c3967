"""Scores and costs → a table, and a file from which an interrupted comparison goes on."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scipy import stats

from dhvt_vectorize.errors import InputError
from dhvt_vectorize.output import write_atomically

from ..tables import markdown_table
from .measure import Cost
from .training import Score


@dataclass
class Results:
    """What is known of each row so far.

    Attributes:
        config: what the comparison is, so that results of another are not taken for its.
        scores: row → seed → score.
        costs: row → cost.
        path: where they are kept, if anywhere.
    """

    config: dict[str, Any]
    scores: dict[str, dict[int, Score]]
    costs: dict[str, Cost]
    path: Path | None = None

    @classmethod
    def of(cls, config: dict[str, Any], path: Path | None) -> Results:
        """Those of an earlier run, if there was one.

        Raises:
            InputError: the file has results of another comparison, or cannot be read.
        """
        if path is None or not path.exists():
            return cls(config, {}, {}, path)
        try:
            known = json.loads(path.read_text("utf-8"))
            scores = {
                row: {int(seed): Score(**of) for seed, of in seeds.items()} for row, seeds in known["scores"].items()
            }
            costs = {row: Cost(**of) for row, of in known["costs"].items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(path, "holds no results", "give another --output") from error
        if known["config"] != json.loads(json.dumps(config)):
            raise InputError(path, "has results of another comparison", "give another --output")
        return cls(config, scores, costs, path)

    def add(self, row: str, seed: int, score: Score, cost: Cost | None) -> None:
        """Keep what was measured."""
        self.scores.setdefault(row, {})[seed] = score
        if cost is not None:
            self.costs[row] = cost
        if self.path is not None:
            content = {
                "config": self.config,
                "scores": {row: {seed: asdict(of) for seed, of in seeds.items()} for row, seeds in self.scores.items()},
                "costs": {row: asdict(of) for row, of in self.costs.items()},
            }
            write_atomically(self.path, (json.dumps(content, indent=1) + "\n").encode())

    def table(self, title: str, *, segments: bool) -> str:
        """Row × figures; differences are to the first row, paired by seed, with a 95 % interval."""
        quality = "mIoU" if segments else "accuracy"
        headings = [
            "tokenizer",
            quality,
            "to the first",
            *(["oracle mIoU", "boundary IoU"] if segments else []),
            "tokens",
            "GFLOPs",
        ]
        headings += ["tokenizer, images/s", "backbone, images/s", "MB kept an image", "parameters"]
        first = next(iter(self.scores.values()), {})
        lines = []
        for row, scores in self.scores.items():
            cost = self.costs[row]
            oracle = [f"{100 * mean([of.oracle for of in scores.values()]):.2f}"] if segments else []
            oracle += [spread([100 * of.boundary for of in scores.values()])] if segments else []
            lines.append(
                [
                    row,
                    spread([100 * of.quality for of in scores.values()]),
                    "" if scores is first else difference(first, scores),
                    *oracle,
                    f"{mean([of.tokens for of in scores.values()]):.1f}",
                    f"{cost.gigaflops:.3f}",
                    f"{cost.tokenizer_rate:.0f}",
                    f"{cost.backbone_rate:.0f}",
                    f"{cost.megabytes:.2f}",
                    f"{cost.parameters:,}",
                ]
            )
        return markdown_table(title, headings, lines)


def mean(values: Sequence[float]) -> float:
    """Their mean."""
    return statistics.fmean(values)


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation over the seeds, if there are several."""
    if len(values) < 2:
        return f"{mean(values):.2f}"
    return f"{mean(values):.2f} ± {statistics.stdev(values):.2f}"


def difference(one: Mapping[int, Score], other: Mapping[int, Score]) -> str:
    """How many points the other is better, mean over the seeds that both have, ± half a 95 % interval (Student's t)."""
    pairs = [100 * (other[seed].quality - one[seed].quality) for seed in other if seed in one]
    if len(pairs) < 2:
        return f"{mean(pairs):+.2f}" if pairs else ""
    half = float(stats.t.ppf(0.975, len(pairs) - 1)) * statistics.stdev(pairs) / math.sqrt(len(pairs))
    return f"{mean(pairs):+.2f} ± {half:.2f}"
