"""The command `dhvt-vectorize`: arguments → a request → an exit code.

In: the arguments. Out: an exit code (see `errors`), and one line on standard error for whatever went wrong. The first
argument may name a command, `convert`, `train` or `tokens`; anything else is what `convert` converts, so that no
command is needed. Typer only parses: the work is done outside it, where no exception is caught but here.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, Any

import typer

from .. import __version__
from ..batch.converter import DEBUG_VARIABLE, internal_error
from ..errors import DhvtError, OutputError, UsageError
from ..options import VectorizeOptions
from . import flags
from .commands import Request, convert
from .console import abandon_standard_output, say

PROGRAM = "dhvt-vectorize"
INTERRUPTED = 130

_parser = typer.Typer(
    add_completion=False, rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]}
)
# the base of what the parser raises for a wrong argument, which is not in the same place in every version of Typer
_Mistake: type[Exception] = typer.BadParameter.__mro__[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run with `arguments` (default: the process's own) and return the exit code."""
    try:
        _run(list(sys.argv[1:] if arguments is None else arguments))
    except DhvtError as error:
        say(f"error: {error}")
        return error.exit_code
    except _Mistake as error:
        message = getattr(error, "format_message", error.__str__)()
        say(f"error: {' '.join(message.split()).rstrip('.')}; see {PROGRAM} --help")
        return UsageError.exit_code
    except KeyboardInterrupt:
        say("error: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        abandon_standard_output()
        return OutputError.exit_code
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exc()
        say(f"error: {internal_error(PROGRAM, error)}")
        return DhvtError.exit_code
    return 0


def _run(arguments: list[str]) -> None:
    command = arguments[0] if arguments else ""
    if command == "train":
        from . import train

        train.run(arguments[1:])
        return
    if command == "tokens":
        from . import tokens

        tokens.run(arguments[1:])
        return
    if command == "convert":
        arguments = arguments[1:]
    request = typer.main.get_command(_parser).main(arguments, prog_name=PROGRAM, standalone_mode=False)
    if isinstance(request, Request):  # not where --help or --version has been answered
        convert(request)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")]


@_parser.command(
    epilog="The first word may be a command: convert, train or tokens (see tokens --help). A file of such a name is "
    "./train."
)
def _parse(
    source: flags.Source,
    output: flags.Output = None,
    format: flags.Format = None,
    force: flags.Force = False,
    preview: flags.Preview = None,
    regions_image: flags.RegionsImage = None,
    json: flags.Json = False,
    quiet: flags.Quiet = False,
    preset: flags.Preset = "auto",
    regions: flags.Regions = None,
    detail: flags.Detail = None,
    criterion: flags.Criterion = "bic",
    max_depth: flags.MaxDepth = None,
    mode: flags.Mode = None,
    fill: flags.Fill = None,
    layering: flags.Layering = "stacked",
    trap: flags.Trap = None,
    group: flags.Group = "none",
    strokes: flags.Strokes = "auto",
    repeat: flags.Repeat = "never",
    colors: flags.Colors = None,
    palette: flags.Palette = None,
    min_area: flags.MinArea = None,
    tolerance: flags.Tolerance = None,
    precision: flags.Precision = None,
    polish: flags.Polish = 0,
    max_pixels: flags.MaxPixels = VectorizeOptions.max_pixels,
    weights: flags.Weights = None,
    device: flags.Device = "auto",
    jobs: flags.Jobs = None,
    resume: flags.Resume = False,
    glob: flags.Glob = None,
    recursive: flags.Recursive = None,
    limit: flags.Limit = None,
    version: Version = False,
) -> Request:
    """Turn an image, or every image of a folder, into SVG."""
    given: dict[str, Any] = dict(locals())  # every flag by its name
    given["glob"] = tuple(glob or ())
    if palette is not None:
        given["palette"] = tuple(colour.strip() for colour in palette.split(","))
    given["options"] = VectorizeOptions(**{name: given[name] for name in VectorizeOptions.names()})
    return Request(**{field.name: given[field.name] for field in fields(Request)})
