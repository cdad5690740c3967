"""One run of everything that is measured, as one table: this project beside other tracers.

    python -m benchmarks.compare [--sets kodak emoji …] [--sizes 256 …] [--tools project vtracer …] [--limit N]
                                 [--weights FILE …]

Before the first run, `python -m benchmarks.data` fetches the drawings and some of the peers. The tables go to standard
output as Markdown, progress to standard error, everything measured to `--json FILE`, the drawings below `--out FOLDER`.
A tool that is not installed is named with the reason and left out.

Sections: sets (the comparison, and where this project's time goes), start, adversarial, memory. What this project must
show is listed last, with what was measured of it. Exit code 0 whatever the verdicts; see `dhvt_vectorize.errors`.

Limit: times are as quiet as the machine; another busy process can slow threads that wait for each other many times.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from PIL import Image

from dhvt_vectorize.errors import DhvtError, UsageError

from .claims import Claim, Measurements, claims
from .command import errors_end_the_run
from .costs import Say, adversarial_times, memory_use, start_times
from .packages import write
from .pictures import DEGRADATIONS, KINDS, Picture, check_names, degraded, pictures, set_names
from .runs import TOOLS, Bench, Result
from .summary import Row, stage_seconds, summarize, truth_row
from .tables import adversarial_table, claims_table, memory_table, sets_table, stages_table, start_table

SECTIONS = ("sets", "start", "adversarial", "memory")
PACKAGES = ("numpy", "numba", "torch", "resvg-py", "vtracer", "pyautotrace", "swag-converter")

Measured = TypeVar("Measured")


@dataclass
class Run:
    """What has been measured so far, and what could not be, with the reason."""

    results: list[Result] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def attempt(self, section: str, measure: Callable[[Say], Measured]) -> Measured | None:
        """What a section measures; None where it cannot be measured here, so that the others are shown all the same."""
        try:
            return measure(_say)
        except DhvtError as error:
            self.skipped[section] = str(error)
            return None


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the arguments ask for (default: the process's own), and print it."""
    with errors_end_the_run():
        _run(_parsed(arguments))


def _run(chosen: argparse.Namespace) -> None:
    check_names("--sections", chosen.sections, SECTIONS)
    check_names("--tools", chosen.tools, TOOLS)
    if chosen.limit is not None and chosen.limit < 1:
        raise UsageError("--limit", f"{chosen.limit} is out of range", "give a number from 1 on")
    run = _compare(chosen) if "sets" in chosen.sections else Run()
    measured = Measurements(
        run.rows,
        run.attempt("start", start_times) if "start" in chosen.sections else None,
        (run.attempt("adversarial", adversarial_times) or ()) if "adversarial" in chosen.sections else (),
        run.attempt("memory", memory_use) if "memory" in chosen.sections else None,
    )
    verdicts = claims(measured)
    print(_report(run, measured, verdicts))
    if chosen.json:
        write(Path(chosen.json), json.dumps(_record(run, measured, verdicts), indent=1, sort_keys=True) + "\n")


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__.partition("\n")[0])
    for option, known in (("--sections", SECTIONS), ("--sets", KINDS), ("--tools", TOOLS)):
        parser.add_argument(option, nargs="+", metavar="NAME", default=known, help=f"only these of {', '.join(known)}")
    parser.add_argument("--sizes", default=[], nargs="+", type=int, metavar="PX", help="only sets of these sizes")
    parser.add_argument(
        "--weights", type=Path, nargs="+", default=[], metavar="FILE", help="this project with these too"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only N pictures of a set, spread over it")
    parser.add_argument("--degraded", action="store_true", help="the sets as JPEG, enlarged and noisy as well")
    parser.add_argument("--json", metavar="FILE", help="write every figure")
    parser.add_argument("--out", metavar="FOLDER", help="keep every drawing, and the pictures")
    return parser.parse_args(arguments)


def _compare(chosen: argparse.Namespace) -> Run:
    run = Run()
    # opening the tools comes last, so that a set that is not there is noticed at once
    names = set_names(chosen.sets, chosen.sizes)
    for name in names:
        pictures(name, 1)
    with Bench(chosen.tools, chosen.weights) as bench:
        run.skipped = bench.skipped
        for name in names:
            clean = pictures(name, chosen.limit)
            truth = truth_row(clean)
            run.rows += [truth] if truth else []
            # noise and blur would take a bitmap out of its set
            for variant in (clean, *_degraded(clean, chosen.degraded and not name.startswith("bw"))):
                results = bench.run(variant, _say)
                run.rows += summarize(results)
                run.results += results
                if chosen.out:
                    _keep(Path(chosen.out), variant, results)
    return run


def _degraded(clean: list[Picture], wanted: bool) -> list[list[Picture]]:
    return [[degraded(picture, how) for picture in clean] for how in DEGRADATIONS] if wanted else []


def _keep(folder: Path, variant: Sequence[Picture], results: Sequence[Result]) -> None:
    for picture in variant:
        path = folder / picture.set_name / "input" / f"{_file_name(picture.name)}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.raster).save(path)
    for result in results:
        if result.svg:
            write(folder / result.set_name / result.tool / f"{_file_name(result.picture)}.svg", result.svg)


def _file_name(picture: str) -> str:
    return picture.removesuffix(".svg").replace("/", "_").replace(":", "_")


def _report(run: Run, measured: Measurements, verdicts: Sequence[Claim]) -> str:
    parts = [_machine()]
    parts += [f"Left out: {what} ({reason})" for what, reason in run.skipped.items()]
    parts += [sets_table(run.rows)] if run.rows else []
    failures = [result for result in run.results if result.failure is not None]
    parts += [f"Failed: {each.tool} on {each.set_name} {each.picture}: {each.failure}" for each in failures]
    stages = stage_seconds(run.results)
    parts += [stages_table(stages)] if stages else []
    parts += [start_table(measured.start)] if measured.start else []
    parts += [adversarial_table(measured.adversarial)] if measured.adversarial else []
    parts += [memory_table(measured.memory)] if measured.memory else []
    return "\n\n".join([*parts, claims_table(verdicts)])


def _record(run: Run, measured: Measurements, verdicts: Sequence[Claim]) -> dict[str, object]:
    results = [{name: value for name, value in asdict(result).items() if name != "svg"} for result in run.results]
    return {
        "machine": _machine(),
        "skipped": run.skipped,
        "results": results,
        "measured": asdict(measured),
        "must_show": [asdict(claim) for claim in verdicts],
    }


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
