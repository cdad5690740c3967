"""The command line's arguments, each declared once: name, help, where the help shows it.

Ranges and choices come from `options`, which also checks them, so that the command line and Python refuse the same
values with the same words. Imports nothing heavier than Typer: `--help` must be quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ..formats import FORMATS
from ..options import CRITERIA, FILLS, GROUPS, LAYERINGS, MODES, PRESET_NAMES, REPEATS, STROKES, option_range

DEVICES = ("auto", "cpu", "cuda", "cuda:N")

_DRAWING, _WRITING, _FOLDERS = "What is drawn", "What is written", "Folders"


def _option(panel: str, *names: str, text: str, metavar: str | None = None, show_default: bool = False) -> Any:
    return typer.Option(*names, help=text, metavar=metavar, rich_help_panel=panel, show_default=show_default)


def _number(name: str, text: str, metavar: str = "N") -> Any:
    lowest, highest = (f"{limit:,}" if isinstance(limit, int) else f"{limit:g}" for limit in option_range(name))
    flag = "--" + name.replace("_", "-")
    return _option(_DRAWING, flag, text=f"{text} From {lowest} to {highest}.", metavar=metavar)


def _choice(flag: str, text: str, choices: Sequence[str], default: str = "") -> Any:
    text = f"{text} One of {', '.join(choices)}" + (f"; default {default}." if default else ".")
    return _option(_DRAWING, flag, text=text, metavar="NAME")


Source = Annotated[
    str,
    typer.Argument(metavar="INPUT", help="An image, a folder of images, or - for standard input.", show_default=False),
]

Regions = Annotated[int | None, _number("regions", "Exactly this many regions, before --min-area and --colors.")]
Detail = Annotated[
    float | None, _number("detail", "Coarse to fine; 0.5 lets the criterion decide, which is the default.", "X")
]
Criterion = Annotated[str, _choice("--criterion", "What decides how many regions are worth it.", CRITERIA, "bic")]
MaxDepth = Annotated[
    int | None, _number("max_depth", "Levels of the hierarchy that regions may come from; default all.")
]
Preset = Annotated[
    str, _choice("--preset", "Defaults for a kind of image; auto looks at the image.", PRESET_NAMES, "auto")
]
Mode = Annotated[str | None, _choice("--mode", "How outlines are drawn; default by the preset.", MODES)]
Fill = Annotated[str | None, _choice("--fill", "How shapes are painted; default by the preset.", FILLS)]
Layering = Annotated[
    str, _choice("--layering", "Whether shapes overlap, so that nothing shows between.", LAYERINGS, "stacked")
]
Trap = Annotated[
    float | None,
    _number("trap", "How far cutout shapes reach below their neighbours, so that nothing shows between.", "PIXELS"),
]
Group = Annotated[
    str, _choice("--group", "Groups in the SVG: by colour, or objects and their parts, nested.", GROUPS, "none")
]
Strokes = Annotated[
    str,
    _choice(
        "--strokes", "Whether stacked shapes of even width are strokes where that takes fewer nodes.", STROKES, "auto"
    ),
]
Repeat = Annotated[
    str,
    _choice(
        "--repeat", "Whether shapes that repeat are drawn by <use> where that takes fewer bytes.", REPEATS, "never"
    ),
]
Colors = Annotated[int | None, _number("colors", "At most this many colours, chosen from the image.")]
Palette = Annotated[str | None, _option(_DRAWING, "--palette", text="The only colours allowed.", metavar='"#rrggbb,…"')]
MinArea = Annotated[
    int | None, _number("min_area", "Regions of fewer pixels join a neighbour; default by the preset.", "PIXELS")
]
Tolerance = Annotated[
    float | None, _number("tolerance", "How far an outline may lie from the edge; default by the preset.", "PIXELS")
]
Precision = Annotated[int | None, _number("precision", "Decimals of a coordinate; default by the preset.")]
Polish = Annotated[
    int,
    _number("polish", "Rounds that move nodes and colours so that the drawing comes nearer to the image; default 0."),
]
MaxPixels = Annotated[int, _number("max_pixels", "Larger images are refused; default 64,000,000.")]
Weights = Annotated[
    str | None,
    _option(_DRAWING, "--weights", text="The tokenizer's weights; default the ones included.", metavar="FILE"),
]
Device = Annotated[str, _choice("--device", "Where the tokenizer runs.", DEVICES, "auto")]

Output = Annotated[
    str | None,
    _option(
        _WRITING,
        "--output",
        "-o",
        text="The drawing, or - for standard output, or the folder for a folder's drawings. Default: image.svg beside "
        "the image, photos-svg beside the folder, standard output for standard input.",
        metavar="PATH",
    ),
]
Format = Annotated[
    str | None,
    _option(
        _WRITING,
        "--format",
        text=f"The file format. One of {', '.join(FORMATS)}; default by the extension of --output, else svg.",
        metavar="NAME",
    ),
]
Force = Annotated[bool, _option(_WRITING, "--force", "-f", text="Replace what is there.")]
Preview = Annotated[str | None, _option(_WRITING, "--preview", text="The drawing rendered, as PNG.", metavar="FILE")]
RegionsImage = Annotated[
    str | None,
    _option(_WRITING, "--regions-image", text="The regions' borders over the image, as PNG.", metavar="FILE"),
]
Json = Annotated[
    bool,
    _option(
        _WRITING,
        "--json",
        text="Figures as JSON on standard output, or on standard error where the drawing goes to standard output.",
    ),
]
Quiet = Annotated[bool, _option(_WRITING, "--quiet", "-q", text="No progress, no notes; errors alone.")]

Jobs = Annotated[int | None, _option(_FOLDERS, "--jobs", "-j", text="Processes; default one a core.", metavar="N")]
Resume = Annotated[
    bool, _option(_FOLDERS, "--resume", text="Skip what an earlier run did with the same content and options.")
]
Glob = Annotated[
    list[str] | None,
    _option(
        _FOLDERS,
        "--glob",
        text="Take names like this rather than all image extensions, or paths if it has a slash. Can be repeated.",
        metavar="PATTERN",
    ),
]
Recursive = Annotated[
    bool | None,
    _option(_FOLDERS, "--recursive/--no-recursive", text="Whether subfolders are converted; default yes."),
]
Limit = Annotated[
    int | None, _option(_FOLDERS, "--limit", text="At most this many images, the first ones.", metavar="N")
]
