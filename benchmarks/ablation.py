"""A weights file → ways to select a partition from its merge trees: every criterion at every depth, and fixed counts.

Each criterion is a method, and the most levels it may use its settings: 1 is the base partition alone, then 2 to 4, and
`unlimited`. A fixed count ignores criterion and depth; its settings are the counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dhvt_vectorize.options import CRITERIA

from .dividers import Divide, Division, with_alpha
from .pictures import RgbArray

if TYPE_CHECKING:
    from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

DEPTHS: Mapping[str, int | None] = {"1": 1, "2": 2, "3": 3, "4": 4, "unlimited": None}
FIXED = "fixed count"


def open_ablation(weights: Path, counts: Sequence[int]) -> dict[str, Divide]:
    """The selections by name: the fixed counts, then the criteria.

    Raises:
        WeightsError: the weights file cannot be used.
    """
    from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

    tokenizer = DHVTokenizer.load(weights, "cpu")
    selections: dict[str, dict[str, dict[str, Any]]] = {FIXED: {str(count): {"regions": count} for count in counts}}
    for criterion in CRITERIA:
        selections[criterion] = {name: {"criterion": criterion, "max_depth": depth} for name, depth in DEPTHS.items()}
    return {name: partial(_selected, tokenizer, choices) for name, choices in selections.items()}


def _selected(tokenizer: DHVTokenizer, choices: Mapping[str, Mapping[str, Any]], image: RgbArray) -> Iterator[Division]:
    start = time.perf_counter()
    features = tokenizer.pixel_features(with_alpha(image), compact=True)
    tree = tokenizer.merge_tree(features, compact=True)
    built = time.perf_counter() - start
    for setting, choice in choices.items():
        start = time.perf_counter()
        partition = tokenizer.refine(tokenizer.select(tree, **choice), features, compact=True)
        yield Division(setting, partition.labels, built + time.perf_counter() - start)
