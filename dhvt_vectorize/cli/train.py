"""`dhvt-vectorize train`: arguments → a checked data set, a training run, a weights file.

In: the arguments after `train`. Out: the weights, a folder of logs beside them, and on standard error what the data
holds, progress, and where it ended. What can be refused is refused before anything heavy is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OutputError, UsageError
from ..output import check_target
from .console import say

if TYPE_CHECKING:
    from ..training.loop import Say, Trainer, TrainingSettings
    from ..training.sources import DataReport, Source

PROGRAM = "dhvt-vectorize train"
# names here so that the help needs no torch; `training.tasks` has the same, which a test compares
TASK_NAMES = ("regions", "rims", "borders", "doubling", "reconstruct", "classify", "segment")
_LEFT_OUT_SHOWN = 10
# data are photographs if this share of them is
_MOSTLY = 0.5

parser = typer.Typer(
    add_completion=False, rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]}
)


def _option(panel: str, *names: str, text: str, metavar: str, **others: Any) -> Any:
    return typer.Option(*names, help=text, metavar=metavar, rich_help_panel=panel, **others)


_RUN, _LOSS, _DATA = "How long, where", "What counts", "Data"


@parser.command()
def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A folder of images, of SVG files, or of shards.")],
    task: Annotated[str, _option(_LOSS, "--task", text=f"One of {', '.join(TASK_NAMES)}.", metavar="NAME")] = "regions",
    output: Annotated[
        Path | None, _option(_RUN, "--output", "-o", text="The weights file to write.", metavar="FILE")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.", rich_help_panel=_RUN)] = False,
    validation: Annotated[
        Path | None, _option(_DATA, "--validation", text="Data to measure on, kept out of training.", metavar="DATA")
    ] = None,
    prepare: Annotated[
        Path | None,
        _option(_DATA, "--prepare", text="Only pack samples into shards in this folder, and end.", metavar="FOLDER"),
    ] = None,
    samples: Annotated[int, _option(_DATA, "--samples", text="How many --prepare packs.", metavar="N")] = 10_000,
    degraded: Annotated[
        float | None,
        _option(
            _DATA,
            "--degraded",
            text="Share of drawings degraded as files are, 0 to 1; default 0.5, of doubling 0.",
            metavar="X",
        ),
    ] = None,
    texture: Annotated[
        float, _option(_DATA, "--texture", text="Share of drawings filled with textures, 0 to 1.", metavar="X")
    ] = 0.0,
    photographs: Annotated[
        Path | None, _option(_DATA, "--photographs", text="Photographs to take textures from.", metavar="FOLDER")
    ] = None,
    size: Annotated[int, _option(_DATA, "--size", text="Side of a sample.", metavar="PIXELS")] = 128,
    steps: Annotated[int, _option(_RUN, "--steps", text="Batches to learn from.", metavar="N")] = 2000,
    epochs: Annotated[
        float | None, _option(_RUN, "--epochs", text="Instead of --steps: times through the data.", metavar="X")
    ] = None,
    batch_size: Annotated[int, _option(_RUN, "--batch-size", text="Samples a step and process.", metavar="N")] = 4,
    learning_rate: Annotated[float, _option(_RUN, "--learning-rate", text="The greatest one.", metavar="X")] = 3e-3,
    init: Annotated[
        Path | None, _option(_RUN, "--init", text="Weights to begin with; default untrained ones.", metavar="FILE")
    ] = None,
    channels: Annotated[
        int | None, _option(_LOSS, "--channels", text="Features a pixel, 4 to 32; of --init if given.", metavar="N")
    ] = None,
    target_tokens: Annotated[
        float | None, _option(_LOSS, "--target-tokens", text="Tokens wanted a sample.", metavar="N")
    ] = None,
    regulariser: Annotated[
        float, _option(_LOSS, "--regulariser", text="What border alignment and token count weigh.", metavar="X")
    ] = 0.1,
    compact: Annotated[
        bool,
        typer.Option("--compact", help="Learn on regions made to be tokens, not on drawn ones.", rich_help_panel=_LOSS),
    ] = False,
    rate: Annotated[
        float, _option(_LOSS, "--rate", text="What a region's price weighs in reconstruct.", metavar="X")
    ] = 1.0,
    seed: Annotated[int, _option(_RUN, "--seed", text="Of everything random.", metavar="N")] = 0,
    device: Annotated[str, _option(_RUN, "--device", text="auto, cpu, cuda or cuda:N.", metavar="NAME")] = "auto",
    precision: Annotated[
        str, _option(_RUN, "--precision", text="float32, or bfloat16 where it is faster.", metavar="NAME")
    ] = "float32",
    workers: Annotated[int, _option(_DATA, "--workers", text="Processes that make samples.", metavar="N")] = 0,
    validate_every: Annotated[
        int, _option(_RUN, "--validate-every", text="Steps between validations and checkpoints.", metavar="N")
    ] = 250,
    patience: Annotated[
        int | None,
        _option(_RUN, "--patience", text="Stop after so many validations without improvement.", metavar="N"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was interrupted.", rich_help_panel=_RUN)
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", rich_help_panel=_RUN)] = False,
) -> None:
    """Train the tokenizer on your own data and write a weights file for --weights."""
    from ..training.sources import check_source, open_source

    if epochs is not None and epochs <= 0:
        raise UsageError("--epochs", f"{epochs} is out of range", "give a number above 0")
    if prepare is None and output is None:
        raise UsageError("--output", "is missing", "name the weights file to write with -o")
    if output is not None and prepare is None:
        check_target(output, force=force or resume)
    source = open_source(data, task, degraded=degraded, texture=texture, photographs=photographs)
    if prepare is not None:
        _prepare(source, prepare, samples, size, seed, workers)
        return
    assert output is not None
    reports = [check_source(source)]
    validating = open_source(validation, task) if validation is not None else None
    if validating is not None:
        reports.append(check_source(validating))
        _check_classes(source, validating)
    if not quiet:
        for report in reports:
            _show(report)
    from ..training.loop import TrainingSettings
    from ..training.tasks import LossWeights

    settings = TrainingSettings(
        task=task,
        steps=steps if epochs is None else max(1, round(epochs * len(source) / batch_size)),
        batch_size=batch_size,
        size=size,
        learning_rate=learning_rate,
        seed=seed,
        device=device,
        precision=precision,
        workers=workers,
        validate_every=validate_every,
        patience=patience,
        weights=LossWeights(regulariser=regulariser, target_tokens=target_tokens, rate=rate, compact=compact),
    )
    photographic = reports[0].photographs >= _MOSTLY
    _train(settings, source, validating, output, init, channels, photographic, resume=resume, quiet=quiet, data=data)


def run(arguments: Sequence[str]) -> None:
    """Parse the arguments after `train` and do what they say."""
    typer.main.get_command(parser).main(list(arguments), prog_name=PROGRAM, standalone_mode=False)


def _prepare(source: Source, folder: Path, samples: int, size: int, seed: int, jobs: int) -> None:
    from ..training.shards import pack
    from ..training.sources import check_source

    if samples < 1:
        raise UsageError("--samples", f"{samples} is out of range", "give a number from 1")
    _show(check_source(source))
    files = pack(source, folder, samples, size, seed, max(1, jobs))
    say(f"{samples} samples in {len(files)} shards in {folder}")


def _check_classes(source: Source, validating: Source) -> None:
    if not source.holds_classes and source.classes != validating.classes:
        raise UsageError("--validation", "has other classes than the training data", "give it the same folders")
    if len(validating.classes) > len(source.classes):
        raise UsageError("--validation", "has classes that the training data has not", "leave them out")


def _show(report: DataReport) -> None:
    regions = f", {report.regions[0]} to {report.regions[2]} regions each" if report.regions else ""
    classes = f", {len(report.classes)} classes" if report.classes else ""
    say(f"{report.items} {report.kind}, {report.sides[0]} to {report.sides[1]} px a side{regions}{classes}")
    for name, reason in report.left_out[:_LEFT_OUT_SHOWN]:
        say(f"left out: {name}: {reason}")
    if len(report.left_out) > _LEFT_OUT_SHOWN:
        say(f"left out: {len(report.left_out) - _LEFT_OUT_SHOWN} more")


def _train(
    settings: TrainingSettings,
    source: Source,
    validating: Source | None,
    output: Path,
    init: Path | None,
    channels: int | None,
    photographic: bool,
    *,
    resume: bool,
    quiet: bool,
    data: Path,
) -> None:
    from ..tokenizer.initial import PARTS
    from ..training.loop import Trainer, join_processes
    from ..training.start import starting_net
    from ..training.tasks import task_named

    join_processes()
    net, origin = starting_net(settings.task, init, channels, settings.seed)
    if settings.task not in PARTS:
        # what was learned from drawings is for drawings
        net.config = replace(net.config, learned_photographs=photographic)
    task = task_named(settings.task)(net, settings.weights, len(source.classes))
    trainer = Trainer(task, settings, source, validating, output)
    if resume:
        trainer.resume()
    elif (trainer.folder / "last.pt").exists():
        raise OutputError(trainer.folder, "holds another run", "add --resume to go on with it, or delete it")
    with _progress(trainer, quiet=quiet or not trainer.first_process) as show:
        trainer.run(show)
    if trainer.first_process:
        trainer.write_weights(data.name, origin)
        if not quiet:
            say(f"{output}: trained for {trainer.step} steps; logs in {trainer.folder}")


@contextmanager
def _progress(trainer: Trainer, *, quiet: bool) -> Iterator[Say]:
    if quiet:
        yield lambda row: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[terms]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        shown = bar.add_task("", total=trainer.settings.steps, completed=trainer.step, terms="")

        def show(row: dict[str, float]) -> None:
            wanted = ("loss", "accuracy", "tokens", "validation", "images_a_second")
            terms = "  ".join(f"{name.replace('_', ' ')} {row[name]:.3g}" for name in wanted if name in row)
            bar.update(shown, completed=int(row["step"]), terms=terms)

        yield show
