"""One image of a batch → its drawing, its thumbnail and its record; this is what a batch's workers run.

In: what all images of a batch share, and a task. Out: a record, done or failed, whatever happens to the image. Method:
the content's hash decides whether there is anything to do; the vectorizer is loaded when the first image needs it, so
that a resumed batch with nothing left to do never loads it.

Limits: the file is read twice, once to hash it; the second time it comes from the system's cache.
"""

from __future__ import annotations

import gc
import hashlib
import io
import os
import time
import traceback
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import DeviceError, DhvtError, InputError, OutputError, WeightsError
from ..options import VectorizeOptions
from ..output import make_folder, write_atomically
from .manifest import Record
from .plan import Job
from .workers import Notify

if TYPE_CHECKING:
    import numpy as np

    from ..drawing.export import Exported

DEBUG_VARIABLE = "DHVT_DEBUG"
REPORT_FILES = "report-files"
THUMBNAIL_SIZE = 160  # pixels of the longer side
SHOWN_BY_BROWSERS = ("svg", "png")  # as a page's picture, from disk; of the others the report shows a thumbnail

_CHUNK = 1 << 20
_PARTIAL = "partial"


@dataclass(frozen=True)
class Conversion:
    """What all images of a batch share.

    Attributes:
        folder, output: where the images are, and where the drawings go.
        file_format: of the drawings, one of `formats.FORMATS`.
        options: how to draw.
        weights, device: what the vectorizer is made with.
        vectorizer: the class or factory that makes it, as "module:name".
        overwrite: whether a drawing that is there may be replaced; the batch decides.
        settings: digest of all that decides a result beside the image; the batch computes it.
    """

    folder: Path
    output: Path
    options: VectorizeOptions
    weights: str | None
    device: str
    vectorizer: str
    file_format: str = "svg"
    overwrite: bool = False
    settings: str = ""

    @property
    def report_files(self) -> Path:
        """The folder of everything that is neither a drawing nor the report's page."""
        return self.output / REPORT_FILES

    @property
    def partial_folder(self) -> Path:
        """The folder of files that are not yet complete."""
        return self.report_files / _PARTIAL


class Task(NamedTuple):
    """A job, its number in the batch, and the digest of the content it was last done for (empty: not done)."""

    number: int
    job: Job
    digest: str


class Converter:
    """Handles tasks; holds one vectorizer, and gives notice when that compiles kernels."""

    def __init__(self, conversion: Conversion, notify: Notify) -> None:
        self._conversion = conversion
        self._notify = notify
        self._vectorizer: Any = None

    def __call__(self, task: Task) -> Record | DhvtError | None:
        """The task's record; None where there was nothing to do; an error that every other task would meet too."""
        source = self._conversion.folder / task.job.source
        record = Record(input=task.job.source, output=task.job.output, settings=self._conversion.settings)
        try:
            if not self._convert(task, record):
                return None
            record["status"] = "done"
        except (WeightsError, DeviceError) as error:
            return error
        except DhvtError as error:
            _fail(record, str(error))
        except MemoryError:
            _fail(record, str(InputError(source, "not enough memory", "give fewer --jobs")))
        except Exception as error:  # a defect of the program on one image must not end the batch
            _fail(record, internal_error(source, error))
            if os.environ.get(DEBUG_VARIABLE):
                record["traceback"] = traceback.format_exc()
        return record

    def _convert(self, task: Task, record: Record) -> bool:
        """Fill in `record`; False where the input is done and unchanged."""
        conversion, job = self._conversion, task.job
        source, target = conversion.folder / job.source, conversion.output / job.output
        if job.problem:
            raise InputError(source, job.problem, "check its permissions")
        record["digest"] = content_digest(source)
        if record["digest"] == task.digest and target.is_file():
            return False
        if target.exists() and not conversion.overwrite:
            raise OutputError(target, "exists already", "give --force to replace it")
        # not before there is something to do: it loads numba
        from ..kernel_cache import on_compilation

        with on_compilation(self._notify):
            self._draw(source, target, record)
        return True

    def _draw(self, source: Path, target: Path, record: Record) -> None:
        from ..drawing.export import export
        from ..raster import load_raster

        conversion, vectorizer = self._conversion, self._loaded_vectorizer()
        started = time.perf_counter()
        image = load_raster(source, conversion.options.max_pixels)
        decoded = time.perf_counter()
        drawing = vectorizer.vectorize(image, conversion.options)
        record["seconds"] = round(time.perf_counter() - started, 3)
        make_folder(target.parent)
        exported = export(drawing.to_svg(), conversion.file_format)
        write_atomically(target, exported.content, partial_folder=conversion.partial_folder)
        record["thumbnail"] = self._write_thumbnail(image.pixels, record["digest"], "thumbnails")
        if conversion.file_format not in SHOWN_BY_BROWSERS:
            record["picture"] = self._write_thumbnail(drawing.preview(), record["digest"], "pictures")
        record["figures"] = figures(drawing, exported, decoded - started)

    def _loaded_vectorizer(self) -> Any:
        if self._vectorizer is None:
            conversion = self._conversion
            self._vectorizer = load_vectorizer(conversion.vectorizer, conversion.weights, conversion.device)
        return self._vectorizer

    def _write_thumbnail(self, pixels: np.ndarray, digest: str, kind: str) -> str:
        """Named by the image's content, spread over 256 folders; returns the path below the output folder."""
        name = f"{REPORT_FILES}/{kind}/{digest[:2]}/{digest[2:]}.webp"
        path = self._conversion.output / name
        # an image's own thumbnail is known by its content; what was drawn of it may change with the options
        if kind != "thumbnails" or not path.exists():
            make_folder(path.parent)
            write_atomically(path, thumbnail(pixels), partial_folder=self._conversion.partial_folder)
        return name


def _fail(record: Record, reason: str) -> None:
    record["status"] = "failed"
    record["error"] = reason


def load_vectorizer(vectorizer: str, weights: str | None, device: str) -> Any:
    """Call the factory named "module:name".

    Raises:
        WeightsError, DeviceError: as the factory does.
    """
    module, _, name = vectorizer.partition(":")
    loaded = getattr(import_module(module), name)(weights, device)
    # 200,000 objects of torch and numba live to the end: looking for garbage among them takes a fifth of a short run
    gc.freeze()
    return loaded


def figures(drawing: Any, exported: Exported, decoding: float) -> dict[str, Any]:
    """A drawing's figures and notes, ready for JSON, with the file's size in bytes.

    Its image took `decoding` seconds before it was drawn.
    """
    stages = drawing.stats["seconds"]
    stages = {**stages, "decode": round(stages.get("decode", 0.0) + decoding, 4)}
    notes = [*drawing.notes, *exported.notes]
    return {**drawing.stats, "bytes": len(exported.content), "seconds": stages, "notes": notes}


def internal_error(subject: object, error: Exception) -> str:
    """One line for what is a defect of this program."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{subject}: internal error ({what}); set {DEBUG_VARIABLE}=1 for the traceback"


def content_digest(path: Path) -> str:
    """Hash of a file's content, 32 hexadecimal digits.

    Raises:
        InputError: the file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "check the file and its permissions") from error
    return digest.hexdigest()


def thumbnail(pixels: np.ndarray) -> bytes:
    """A WebP of RGBA pixels within THUMBNAIL_SIZE × THUMBNAIL_SIZE pixels, alpha kept."""
    from PIL import Image

    small = Image.fromarray(pixels)
    small.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE), reducing_gap=2.0)
    encoded = io.BytesIO()
    small.save(encoded, "WEBP", quality=80)
    return encoded.getvalue()
