"""A request from the command line → files written, figures shown.

In: a `Request`, which the parser makes. Out: the drawing, or the folder of drawings, and on standard output or error
what the user asked to see. What can be refused is refused before anything heavy is loaded.
"""

from __future__ import annotations

import io
import json
import os
import re
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..batch.converter import Conversion, figures, load_vectorizer
from ..batch.plan import Selection
from ..errors import BatchError, UsageError
from ..formats import check_format, check_installed, format_of
from ..options import VectorizeOptions
from ..output import check_target, write_atomically
from .console import notices, progress, say, write_standard_output
from .flags import DEVICES

if TYPE_CHECKING:
    import numpy as np

    from ..batch.batch import Batch
    from ..drawing.export import Exported

VECTORIZER = "dhvt_vectorize.compilation:ready_vectorizer"
STANDARD = "-"


@dataclass(frozen=True)
class Request:
    """One invocation, parsed; the names are the flags', the defaults those of flags that are not given."""

    source: str
    options: VectorizeOptions = field(default_factory=VectorizeOptions)
    output: str | None = None
    format: str | None = None
    force: bool = False
    preview: str | None = None
    regions_image: str | None = None
    json: bool = False
    quiet: bool = False
    weights: str | None = None
    device: str = "auto"
    jobs: int | None = None
    resume: bool = False
    glob: tuple[str, ...] = ()
    recursive: bool | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.device, re.ASCII):
            raise UsageError("--device", f"no such device {self.device!r}", f"choose one of {', '.join(DEVICES)}")
        if self.format is not None:
            check_format(self.format)
        for name in ("jobs", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"--{name}", f"{value} is out of range", "give a number from 1 on")


def convert(request: Request) -> None:
    """Do what is asked.

    Raises:
        DhvtError: of any kind; BatchError when some files of a folder failed.
    """
    if os.path.isdir(request.source):
        _convert_folder(request)
    else:
        _convert_image(request)


def _convert_image(request: Request) -> None:
    _refuse(request, ("jobs", "resume", "glob", "recursive", "limit"), "is for folders", "leave it out for one image")
    started = time.perf_counter()
    output = request.output or _default_output(request.source, request.format or "svg")
    file_format = format_of("" if output == STANDARD else output, request.format)
    check_installed(file_format)
    _check_targets(request, output)
    from ..raster import load_raster

    image = load_raster(request.source, request.options.max_pixels)
    decoded = time.perf_counter()
    from ..drawing.export import export
    from ..kernel_cache import on_compilation

    with on_compilation(notices(quiet=request.quiet)):
        drawing = load_vectorizer(VECTORIZER, request.weights, request.device).vectorize(image, request.options)
    exported = export(drawing.to_svg(), file_format)
    # the drawing last: when it is there, everything is
    if request.preview is not None:
        write_atomically(request.preview, _png(drawing.preview()))
    if request.regions_image is not None:
        write_atomically(request.regions_image, _png(drawing.regions_image()))
    if output == STANDARD:
        write_standard_output([exported.content])
    else:
        write_atomically(output, exported.content)
    _show(request, output, drawing, exported, decoded - started, time.perf_counter() - started)


def _show(request: Request, output: str, drawing: Any, exported: Exported, decoding: float, seconds: float) -> None:
    # figures are measured when they are asked for, so they are asked for only to be shown
    if request.json:
        text = json.dumps({"input": request.source, "output": output, **figures(drawing, exported, decoding)}, indent=2)
        if output == STANDARD:
            say(text)
            return
        write_standard_output([text, "\n"])
    if request.quiet:
        return
    for note in (*drawing.notes, *exported.notes):
        say(f"note: {note}")
    if output != STANDARD and not request.json:
        say(_summary(output, {**drawing.stats, "bytes": len(exported.content)}, seconds))


def _summary(output: str, stats: Mapping[str, Any], seconds: float) -> str:
    counts = ", ".join(f"{stats[name]:,} {name}" for name in ("shapes", "segments", "bytes"))
    return f"{output}: {counts}, {stats['psnr']:.2f} dB, {seconds:.2f} s"


def _default_output(source: str, file_format: str) -> str:
    return STANDARD if source == STANDARD else str(Path(source).with_suffix(f".{file_format}"))


def _check_targets(request: Request, output: str) -> None:
    named = {"--output": output, "--preview": request.preview, "--regions-image": request.regions_image}
    taken = {} if request.source == STANDARD else {os.path.realpath(request.source): "the input"}
    for flag, path in named.items():
        if path is None or (path == STANDARD and flag == "--output"):
            continue
        if path == STANDARD:
            raise UsageError(flag, "cannot go to standard output", "give a file name")
        other = taken.setdefault(os.path.realpath(path), flag)
        if other != flag:
            raise UsageError(flag, f"{path} is {other} too", "give another file name")
        check_target(path, force=request.force)


def _refuse(request: Request, names: tuple[str, ...], cause: str, remedy: str) -> None:
    for name in names:
        if getattr(request, name) != getattr(Request, name):
            raise UsageError("--" + name.replace("_", "-"), cause, remedy)


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG")
    return encoded.getvalue()


def _convert_folder(request: Request) -> None:
    _refuse(request, ("preview", "regions_image"), "is for one image", "see report.html for a folder")
    if request.output == STANDARD:
        raise UsageError("--output", "a folder's drawings cannot go to standard output", "give a folder")
    from ..batch.batch import Batch, default_output_folder

    folder, file_format = Path(request.source), request.format or "svg"
    check_installed(file_format)
    conversion = Conversion(
        folder=folder,
        output=Path(request.output) if request.output else default_output_folder(folder, file_format),
        file_format=file_format,
        options=request.options,
        weights=request.weights,
        device=request.device,
        vectorizer=VECTORIZER,
    )
    selection = Selection(request.glob, request.recursive is not False, request.limit)
    with Batch(conversion, selection, jobs=request.jobs, resume=request.resume, force=request.force) as batch:
        running = batch.run(notices(quiet=request.quiet))
        with progress(batch.total, quiet=request.quiet) as show, closing(running) as finished:
            for counts in finished:
                show(counts)
        _finish(request, batch)


def _finish(request: Request, batch: Batch) -> None:
    report, counts = batch.write_report(), batch.counts
    if request.json:
        write_standard_output(batch.document())
    for record in batch.failures():
        say(f"failed: {record['error']}")
        if "traceback" in record:
            say(record["traceback"])
    if not request.quiet:
        say(f"{counts.done} converted, {counts.skipped} known already, {counts.failed} failed; see {report}")
    if counts.failed:
        raise BatchError(request.source, f"{counts.failed} of {counts.all} files failed", f"see {report}")
