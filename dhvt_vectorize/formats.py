"""The file formats a drawing can be written in, and which of them a file's name or `--format` asks for.

svg, svgz   the drawing itself, plain or gzipped
png         a picture of it, at its own size
pdf, eps    its curves for print; 1 px is 1/96 inch, as in CSS
dxf         its curves for cutters and CAD; 1 px is one unit

What each can hold is told in `drawing.export`. Imports nothing, so that the command line can refuse a name before it
loads anything.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import PurePath

from .errors import OutputError, UsageError

FORMATS = ("svg", "svgz", "png", "pdf", "eps", "dxf")

# packages that are not installed with this one, but with its extra `formats`
_NEEDED = {"dxf": "ezdxf"}


def format_of(path: str | os.PathLike[str], chosen: str | None = None) -> str:
    """The format to write to `path`: the one chosen, else the one of its extension, else svg for a name without one.

    Raises:
        UsageError: no such format, an extension that is none, or one of another format than the chosen one.
    """
    if chosen is not None:
        check_format(chosen)
    extension = PurePath(path).suffix.lower().removeprefix(".")
    known = extension in FORMATS
    if chosen is None and extension and not known:
        remedy = f"end it in one of {', '.join('.' + name for name in FORMATS)}, or give --format"
        raise UsageError(path, f"no such format '.{extension}'", remedy)
    if chosen is not None and known and extension != chosen:
        raise UsageError(
            path, f"is not the name of a file of format {chosen}", f"end it in .{chosen}, or leave out --format"
        )
    return chosen or extension or "svg"


def check_format(name: str) -> None:
    """Raises UsageError for a format that is not known, with those that are."""
    if name not in FORMATS:
        raise UsageError("--format", f"no such value {name!r}", f"choose one of {', '.join(FORMATS)}")


def check_installed(name: str) -> None:
    """Raises OutputError where a known format needs a package that is not there."""
    package = _NEEDED.get(name)
    if package is not None and find_spec(package) is None:
        remedy = f"run `pip install {package}`, or choose another format"
        raise OutputError(f"{name} files", f"need the package {package}, which is not installed", remedy)
