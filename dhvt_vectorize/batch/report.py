"""Records of a batch → one JSON document, and the page that shows it.

In: a summary and records. Out: the document as pieces of text, which `--json` prints, and `report.html`, which holds
the same document and a script that shows a page of its rows at a time, sorted by any column. Method: all that the page
shows it takes from the document and sets as text or as an escaped link, so that no file name can become markup. The
page needs no network: thumbnails and drawings are links relative to it, loaded as they come into view.

Limits: some 500 bytes an input; from some 100,000 inputs on, a browser takes seconds to open the page.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path, PurePath
from typing import Any

from ..output import write_atomically
from .manifest import Record

REPORT = "report.html"


def document(summary: Mapping[str, Any], records: Iterable[Record]) -> Iterator[str]:
    """The summary and what became of each input, as pieces of one JSON text in ASCII.

    The text is the summary's object with one more key, `results`: a list of records (see `manifest.Record`).
    """
    yield json.dumps(summary).removesuffix("}") + ', "results": ['
    separator = "\n"
    for record in records:
        yield separator + json.dumps(record)
        separator = ",\n"
    yield "\n]}\n"


def write_report(folder: Path, summary: Mapping[str, Any], records: Iterable[Record]) -> Path:
    """Write the page into the output folder of the batch; returns its path.

    Args:
        folder: the output folder; links are relative to it.
        summary: with `input`, the folder of the images.
        records: in the order they are shown in.

    Raises:
        OutputError: the page cannot be written.
    """
    path = folder / REPORT
    write_atomically(path, _page({**summary, "originals": _way(folder, Path(summary["input"]))}, records))
    return path


def _page(summary: Mapping[str, Any], records: Iterable[Record]) -> Iterator[str]:
    template = files(__package__).joinpath("report_template.html").read_text(encoding="utf-8")
    before, after = template.split("DOCUMENT")
    yield before
    for piece in document(summary, records):
        yield piece.replace("<", r"\u003c")  # the same JSON, but no "</script>" or "<!--" in it
    yield after


def _way(start: Path, target: Path) -> str:
    """Relative path with forward slashes; empty where there is none, as between two drives."""
    try:
        return PurePath(os.path.relpath(target.resolve(), start.resolve())).as_posix()
    except ValueError:
        return ""
