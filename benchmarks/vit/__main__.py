"""Compare tokenizers in a Vision Transformer.

    python -m benchmarks.vit CONFIG.toml [-o RESULTS.json] [--only NAME …] [--seeds N …] [--epochs N] [--limit N]
                                          [--choosing]

CONFIG is a file, or the name of one that comes with the benchmark (benchmarks/vit/configs). Every entrant is trained
with every backbone and seed; then a table is printed: accuracy or mIoU ± spread over the seeds, tokens, GFLOPs, images
a second of tokenizer and backbone, memory. With -o an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dhvt_vectorize.errors import InputError

from ..command import errors_end_the_run
from ..pictures import check_names
from .config import CONFIGS, SEGFORMERS, Comparison, Entrant, Schedule, read_config

if TYPE_CHECKING:
    from torch import Tensor

    from .model import Model


def main() -> None:
    """Read the configuration, run it, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vit", description=__doc__.partition("\n")[0])
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a TOML file, or the name of a shipped one")
    parser.add_argument("-o", "--output", type=Path, metavar="JSON", help="results, kept after each training")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these entrants")
    parser.add_argument("--seeds", nargs="+", type=int, metavar="N", help="instead of the configuration's")
    parser.add_argument("--epochs", type=int, metavar="N", help="instead of the configuration's")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many pictures of each split")
    parser.add_argument("--choosing", action="store_true", help="judge on names kept out of those to learn from")
    chosen = parser.parse_args()
    with errors_end_the_run():
        path = chosen.config if chosen.config.exists() else CONFIGS / chosen.config.name
        comparison = _changed(read_config(path), chosen)
        print(run(comparison, path.stem, chosen.output))


def run(comparison: Comparison, title: str, output: Path | None = None) -> str:
    """Train and measure everyone; the table."""
    import torch

    from .data import pictures_of
    from .measure import cost
    from .models import model_of
    from .results import Results
    from .training import Feed, judge, train

    results = Results.of(asdict(comparison), output)
    data, schedule = comparison.data, comparison.schedule
    learned, judged = pictures_of(data)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    trained: dict[tuple[str, int], dict[str, torch.Tensor]] = {}
    for row, entrant, backbone in _rows(comparison):
        recipe = _recipe(schedule, entrant)
        feeds: tuple[Feed, Feed] | None = None
        for seed in schedule.seeds:
            if seed in results.scores.get(row, {}):
                continue
            torch.manual_seed(seed)
            model = model_of(
                entrant, comparison.backbones[backbone], recipe, segments=data.segments, classes=len(learned.classes)
            ).to(device)
            if entrant.start is not None:
                _go_on(model, row, trained.get((_named(comparison, backbone, entrant.start), seed)))
            fresh = Feed(learned, model, data), Feed(judged, model, data)
            if feeds is not None:
                for new, old in zip(fresh, feeds, strict=True):
                    new.kept = old.kept
            feeds = fresh
            start = time.perf_counter()
            train(model, feeds[0], recipe, seed, flip=data.flip, say=partial(_say, row))
            if row in {_named(comparison, backbone, each.start) for each in comparison.entrants.values() if each.start}:
                trained[row, seed] = {name: value.cpu() for name, value in model.state_dict().items()}
            score = judge(model, feeds[1], schedule.batch_size)
            _say(row, f"seed {seed}: {100 * score.quality:.2f} in {time.perf_counter() - start:.0f} s")
            shown = range(min(32, len(judged)))
            measured = None
            if row not in results.costs:
                measured = cost(model, [judged.picture(i) for i in shown], [judged.truth(i) for i in shown])
            results.add(row, seed, score, measured)
    return results.table(title, segments=data.segments)


def _rows(comparison: Comparison) -> Iterator[tuple[str, Entrant, str]]:
    for number, backbone in enumerate(comparison.backbones):
        for name, entrant in comparison.entrants.items():
            if entrant.tokenizer in SEGFORMERS:
                if number == 0:  # a model of its own, whatever the backbone
                    yield name, entrant, backbone
                continue
            yield _named(comparison, backbone, name), entrant, backbone


def _named(comparison: Comparison, backbone: str, entrant: str | None) -> str:
    return f"{entrant}" if len(comparison.backbones) == 1 else f"{backbone}, {entrant}"


def _recipe(schedule: Schedule, entrant: Entrant) -> Schedule:
    """The schedule, as far as the entrant has none of its own."""
    own = {name: getattr(entrant, name) for name in ("epochs", "batch_size", "learning_rate")}
    return replace(schedule, **{name: value for name, value in own.items() if value is not None})


def _go_on(model: Model, row: str, state: dict[str, Tensor] | None) -> None:
    """Take over what another has learned."""
    if state is None:
        raise InputError(row, "what it goes on from was not trained in this run", "leave out -o, or --only")
    model.load_state_dict(state)


def _changed(comparison: Comparison, chosen: argparse.Namespace) -> Comparison:
    check_names("--only", chosen.only, comparison.entrants)
    entrants = {name: comparison.entrants[name] for name in chosen.only} or comparison.entrants
    data, schedule = replace(comparison.data, choosing=chosen.choosing), comparison.schedule
    if chosen.limit is not None:
        limits = (min(chosen.limit, limit or chosen.limit) for limit in (data.train_limit, data.test_limit))
        data = replace(data, train_limit=next(limits), test_limit=next(limits))
    if chosen.epochs is not None:
        schedule = replace(schedule, epochs=chosen.epochs)
    if chosen.seeds is not None:
        schedule = replace(schedule, seeds=tuple(chosen.seeds))
    return Comparison(data, comparison.backbones, schedule, entrants)


def _say(row: str, text: str) -> None:
    print(f"{row}: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
