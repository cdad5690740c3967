"""`dhvt-vectorize tokens`: an image → a picture of its tokens, and how many there are.

In: the arguments after `tokens`. Out: an SVG or PNG, and a line on standard error, or JSON on standard output.
"""

from __future__ import annotations

import json as json_format
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError
from ..options import CRITERIA
from ..output import check_target, write_atomically
from . import flags
from .console import notices, say, write_standard_output

if TYPE_CHECKING:
    from ..tokenizer.selection import Partition

PROGRAM = "dhvt-vectorize tokens"
SUFFIXES = (".svg", ".png")
PAINTS = ("colors", "levels")

parser = typer.Typer(
    add_completion=False, rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]}
)


@parser.command()
def tokens(
    source: Annotated[str, typer.Argument(metavar="INPUT", help="An image.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The picture, .svg or .png; default image-tokens.svg."),
    ] = None,
    force: flags.Force = False,
    count: Annotated[
        int | None, typer.Option("--count", metavar="N", help="Exactly this many tokens; default by the criterion.")
    ] = None,
    most: Annotated[int | None, typer.Option("--most", metavar="N", help="At most this many tokens.")] = None,
    criterion: Annotated[
        str, typer.Option("--criterion", metavar="NAME", help=f"One of {', '.join(CRITERIA)}.")
    ] = "bic",
    detail: Annotated[float, typer.Option("--detail", metavar="X", help="Coarse (0) to fine (1).")] = 0.5,
    max_depth: Annotated[
        int | None, typer.Option("--max-depth", metavar="N", help="Levels that tokens may come from; default all.")
    ] = None,
    paint: Annotated[
        str, typer.Option("--paint", metavar="NAME", help="colors: tokens' mean colours; levels: dark is fine.")
    ] = "colors",
    json: flags.Json = False,
    quiet: flags.Quiet = False,
    weights: flags.Weights = None,
    device: flags.Device = "auto",
) -> None:
    """Draw what a transformer gets: an image's tokens, their levels in the hierarchy, and their number."""
    target = output or Path(source).with_name(f"{Path(source).stem}-tokens.svg")
    _check(target, criterion, detail, paint, {"--count": count, "--most": most, "--max-depth": max_depth})
    check_target(target, force=force)
    from ..kernel_cache import on_compilation
    from ..raster import load_raster
    from ..tokenizer.tokenizer import DHVTokenizer

    image = load_raster(source)
    tokenizer = DHVTokenizer.load(weights, device)
    with on_compilation(notices(quiet=quiet)):
        partition = tokenizer.partition(
            image, regions=count, criterion=criterion, detail=detail, max_depth=max_depth, max_tokens=most
        )
    levels = tokenizer.levels(partition, criterion=criterion, detail=detail)
    write_atomically(target, _picture(target, image.pixels, partition, levels, paint))
    _show(source, target, partition, levels, json=json, quiet=quiet)


def run(arguments: Sequence[str]) -> None:
    """Parse the arguments after `tokens` and do what they say."""
    typer.main.get_command(parser).main(list(arguments), prog_name=PROGRAM, standalone_mode=False)


def _check(target: Path, criterion: str, detail: float, paint: str, numbers: dict[str, int | None]) -> None:
    if target.suffix.lower() not in SUFFIXES:
        raise UsageError("--output", f"{target.suffix or target} is no format of this", "name it .svg or .png")
    for flag, value, known in (("--paint", paint, PAINTS), ("--criterion", criterion, CRITERIA)):
        if value not in known:
            raise UsageError(flag, f"no such value {value!r}", f"choose one of {', '.join(known)}")
    if not 0 <= detail <= 1:
        raise UsageError("--detail", f"{detail} is out of range", "give a number from 0 to 1")
    for flag, number in numbers.items():
        if number is not None and number < 1:
            raise UsageError(flag, f"{number} is out of range", "give a number from 1")


def _picture(target: Path, pixels: Any, partition: Partition, levels: Any, paint: str) -> bytes:
    from ..drawing.preview import render_png
    from ..vit.token_map import mean_colours, ramp_colours, token_map

    labels = partition.labels
    svg = token_map(labels, mean_colours(pixels, labels) if paint == "colors" else ramp_colours(levels))
    return render_png(svg) if target.suffix.lower() == ".png" else svg.encode()


def _show(source: str, target: Path, partition: Partition, levels: Any, *, json: bool, quiet: bool) -> None:
    import numpy as np

    sizes, by_level = np.bincount(partition.labels.ravel()), np.bincount(levels)
    if json:
        found = {
            "input": source,
            "output": str(target),
            "tokens": partition.regions,
            "tokens_by_level": by_level.tolist(),
            "pixels": {"least": int(sizes.min()), "median": float(np.median(sizes)), "greatest": int(sizes.max())},
        }
        write_standard_output([json_format.dumps(found, indent=2), "\n"])
    elif not quiet:
        counted = ", ".join(f"{number} at level {level}" for level, number in enumerate(by_level) if number)
        say(f"{target}: {partition.regions} tokens ({counted}), median {np.median(sizes):.0f} pixels")
