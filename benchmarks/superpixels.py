"""The tokenizer beside other superpixel methods on BSDS500, as tables; on request its ablation and its costs.

    python -m benchmarks.superpixels [--split test|val] [--every N] [--limit N] [--counts 100 200 …]
                                     [--weights FILE …] [--methods NAME …] [--ablation] [--times] [--json FILE]

The tables go to standard output as Markdown, progress to standard error, everything measured to `--json FILE`. Figures
are defined in `partitions`, methods in `dividers`. `--methods` without a name leaves the comparison out. Where several
weights files are given, ablation, costs and claims are about the first of them. A method that is not installed is named
with the reason and left out. Exit code 0 whatever the verdicts; see `dhvt_vectorize.errors`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dhvt_vectorize.errors import DhvtError, UsageError

from .ablation import open_ablation
from .bsds import SPLITS, sample_names
from .claims import Claim
from .command import errors_end_the_run
from .dividers import METHODS, absent, open_dividers, tokenizer_names
from .packages import write
from .superpixel_claims import superpixel_claims
from .superpixel_runs import PROCESSES, Result, measure
from .superpixel_summary import ablation_table, equal_density_table, figures_table, summarize
from .tables import claims_table
from .tokenizer_costs import TokenizerCosts, cost_claims, costs_table, tokenizer_costs

COUNTS = (100, 200, 400, 800)
PACKAGES = ("numpy", "numba", "torch", "scikit-image", "higra")


@dataclass
class Run:
    """What has been measured so far, and what could not be, with the reason."""

    compared: list[Result] = field(default_factory=list)
    ablated: list[Result] = field(default_factory=list)
    costs: list[TokenizerCosts] = field(default_factory=list)
    verdicts: list[Claim] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the arguments ask for (default: the process's own), and print it."""
    with errors_end_the_run():
        chosen = _checked(_parsed(arguments))
        run = _measured(chosen)
        print(_report(run, chosen))
        if chosen.json:
            write(Path(chosen.json), json.dumps({"machine": _machine(), **asdict(run)}, indent=1) + "\n")


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.superpixels", description=__doc__.partition("\n")[0])
    parser.add_argument("--split", default="test", metavar="NAME", help=f"one of {', '.join(SPLITS)} (default test)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth photograph")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N of those")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, metavar="K", help="numbers of regions")
    parser.add_argument("--weights", type=Path, nargs="+", metavar="FILE", help="tokenizers (default: the shipped one)")
    parser.add_argument("--methods", nargs="*", default=METHODS, metavar="NAME", help=f"of {', '.join(METHODS)}")
    parser.add_argument("--ablation", action="store_true", help="criteria, depths and fixed counts of the tokenizer")
    parser.add_argument("--times", action="store_true", help="the tokenizer's seconds and memory up to 16 megapixels")
    parser.add_argument("--json", metavar="FILE", help="write every figure")
    return parser.parse_args(arguments)


def _checked(chosen: argparse.Namespace) -> argparse.Namespace:
    """The arguments, complete and in order; what can be wrong with them is noticed here, before the long work.

    Raises:
        UsageError: an unknown name, or a number below 1.
        InputError: the data set is not there.
        WeightsError: a weights file cannot be used.
    """
    from dhvt_vectorize.tokenizer.checkpoint import load_checkpoint
    from dhvt_vectorize.tokenizer.config import default_weights_path

    numbers = {"--every": [chosen.every], "--limit": [chosen.limit], "--counts": chosen.counts}
    for option, values in numbers.items():
        for value in values:
            if value is not None and value < 1:
                raise UsageError(option, f"{value} is out of range", "give a number from 1 on")
    for name in chosen.methods:
        if name not in METHODS:
            raise UsageError("--methods", f"no such value {name!r}", f"choose from {', '.join(METHODS)}")
    chosen.counts = sorted(set(chosen.counts))
    chosen.weights = chosen.weights or [default_weights_path()]
    chosen.names = sample_names(chosen.split, chosen.every, chosen.limit)
    chosen.tokenizer = tokenizer_names(chosen.weights)[0]
    for path in chosen.weights:
        load_checkpoint(path, "cpu")
    return chosen


def _measured(chosen: argparse.Namespace) -> Run:
    run = Run(skipped=absent(chosen.methods))
    methods = [name for name in dict.fromkeys(chosen.methods) if name not in run.skipped]
    if methods:
        opened = partial(open_dividers, methods, chosen.weights, chosen.counts)
        run.compared = measure(opened, chosen.split, chosen.names, _say)
        run.verdicts += superpixel_claims(summarize(run.compared), chosen.tokenizer)
    if chosen.ablation:
        opened = partial(open_ablation, chosen.weights[0], chosen.counts)
        run.ablated = measure(opened, chosen.split, chosen.names, _say)
    if chosen.times:
        try:
            run.costs = tokenizer_costs(chosen.weights[0], _say)
        except DhvtError as error:
            run.skipped["times"] = str(error)
        run.verdicts += cost_claims(run.costs)
    return run


def _report(run: Run, chosen: argparse.Namespace) -> str:
    photographs = f"BSDS500 {chosen.split}, {len(chosen.names)} photographs"
    parts = [_machine(), *(f"Left out: {what} ({reason})" for what, reason in run.skipped.items())]
    if run.compared:
        rows = summarize(run.compared)
        title = f"Superpixels: {photographs}, means; seconds of one thread, {PROCESSES} processes at work"
        parts += [figures_table(rows, title), *(equal_density_table(rows, figure) for figure in ("recall", "asa"))]
    if run.ablated:
        title = f"Criteria and depth: {photographs}, {chosen.tokenizer}, means"
        parts += [ablation_table(summarize(run.ablated), title)]
    parts += [costs_table(run.costs)] if run.costs else []
    parts += [claims_table(run.verdicts)] if run.verdicts else []
    return "\n\n".join(parts)


def _machine() -> str:
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return ", ".join([machine, *(f"{name} {_version(name)}" for name in PACKAGES)])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
