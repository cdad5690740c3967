"""A folder of images → a folder of drawings that mirrors it, a manifest and a report.

In: two folders and the options. Out: the drawings, `report.html` beside them, and in `report-files` the manifest and
the thumbnails. Method: `plan` says what there is to do, `workers` do it on all cores by `converter`, `manifest` keeps
what became of it, and `report` shows that. An input is known by the hash of its content, a result by that and the hash
of the options, the format, the weights and the program's version; what is known and still there is skipped on `resume`.

Every file is written whole or not at all; what a killed process leaves half-written lies in `report-files/partial`,
which the next run empties. Memory: two numbers an input, and what `plan` and the workers hold.

Limits: one batch at a time for an output folder. The folder is listed twice, the first time only to count.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from array import array
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from .. import __version__
from ..errors import DhvtError, InputError, OutputError, UsageError, WeightsError
from ..options import VectorizeOptions
from ..output import make_folder
from .converter import Conversion, Converter, Task
from .manifest import Manifest, Record
from .plan import IMAGE_SUFFIXES, Job, Selection, plan
from .report import document, write_report
from .workers import Died, Notify, available_cores, run_workers

_MANIFEST = "manifest.jsonl"
_NOT_RECORDED = -1


@dataclass
class Counts:
    """How many inputs were converted, were skipped as known, and failed."""

    done: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def all(self) -> int:
        """How many inputs are dealt with."""
        return self.done + self.skipped + self.failed


class Batch:
    """One run over a folder; a context manager, inside which `run` may be called once.

    Args:
        conversion: what all images share.
        selection: which images are taken.
        jobs: processes; None is one a core.
        resume: skip what is done and unchanged.
        force: begin anew and replace what is there.

    Raises:
        UsageError: the drawings would be images among those they are made from.
        InputError: the folder cannot be listed, or holds no image that is taken.
        OutputError: the output folder holds a batch already and neither `resume` nor `force` is given, or cannot be
            written; also from `run`.
        WeightsError, DeviceError: the weights cannot be read; from `run`, the vectorizer cannot be loaded.
    """

    def __init__(
        self,
        conversion: Conversion,
        selection: Selection,
        *,
        jobs: int | None = None,
        resume: bool = False,
        force: bool = False,
    ) -> None:
        extension = f".{conversion.file_format}"
        if extension in IMAGE_SUFFIXES and _same(conversion.output, conversion.folder):
            cause = f"is the images' own folder, where {extension} files would be taken for some of them"
            raise UsageError("--output", cause, "give another folder with -o")
        path = conversion.report_files / _MANIFEST
        begun = path.is_file()
        if begun and path.stat().st_size and not (resume or force):
            remedy = "give --resume to go on with it, or --force to do everything again"
            raise OutputError(conversion.output, "holds the results of a batch already", remedy)
        self._conversion = replace(
            conversion,
            overwrite=force or (resume and begun),
            settings=settings_digest(conversion.options, conversion.weights, conversion.file_format),
        )
        self._selection = selection
        self._resume = resume
        self._started = time.perf_counter()
        self._offsets = array("q")  # where each task's record lies in the manifest, by task number
        self.counts = Counts()
        self.total = self._count()
        self._processes = min(jobs or available_cores(), self.total)
        make_folder(conversion.report_files)
        self._empty_partial_folder()
        self._manifest = Manifest(path, keep=resume)

    def __enter__(self) -> Batch:
        make_folder(self._conversion.partial_folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._manifest.close()
        self._empty_partial_folder()

    def run(self, notice: Notify) -> Generator[Counts, None, None]:
        """Convert everything; yields the counts after each input. To stop, close the generator: the workers end.

        Args:
            notice: called with what the workers have to tell meanwhile: that they compile kernels, each of them anew.
        """
        handler = partial(Converter, self._conversion)
        with closing(run_workers(handler, self._tasks(), self._processes, notice)) as finished:
            for task, result in finished:
                self._settle(task, result)
                yield self.counts

    def records(self) -> Iterator[Record]:
        """What became of each input of this run, in the plan's order."""
        return (self._manifest.read(offset) for offset in self._offsets if offset != _NOT_RECORDED)

    def failures(self) -> Iterator[Record]:
        """The records of the inputs that failed."""
        return (record for record in self.records() if record["status"] == "failed")

    def summary(self) -> dict[str, Any]:
        """The run as a whole, ready for JSON: folders, counts, wall time."""
        return {
            "input": str(self._conversion.folder),
            "output": str(self._conversion.output),
            "files": self.counts.all,
            **asdict(self.counts),
            "seconds": round(time.perf_counter() - self._started, 3),
        }

    def document(self) -> Iterator[str]:
        """The summary and all records as pieces of one JSON text."""
        return document(self.summary(), self.records())

    def write_report(self) -> Path:
        """Write `report.html`; returns its path."""
        return write_report(self._conversion.output, self.summary(), self.records())

    def _jobs(self) -> Iterator[Job]:
        # the output folder may lie inside the input folder, or be the same one
        skipped = {self._conversion.report_files, self._conversion.output}
        if _same(self._conversion.output, self._conversion.folder):
            skipped.remove(self._conversion.output)
        return plan(self._conversion.folder, self._selection, skipped, f".{self._conversion.file_format}")

    def _count(self) -> int:
        folder = self._conversion.folder
        try:
            total = sum(1 for _ in self._jobs())
        except OSError as error:
            remedy = "check the folder and its permissions"
            raise InputError(folder, f"cannot be listed ({error.strerror})", remedy) from error
        if not total:
            wanted = self._selection.patterns or [f"*{suffix}" for suffix in IMAGE_SUFFIXES]
            remedy = f"looked for {', '.join(wanted)}; choose others with --glob"
            raise InputError(folder, "holds no image to convert", remedy)
        return total

    def _tasks(self) -> Iterator[Task]:
        for number, job in enumerate(self._jobs()):
            self._offsets.append(_NOT_RECORDED)
            yield Task(number, job, self._digest_done(job))

    def _digest_done(self, job: Job) -> str:
        """The digest of the content for which this very job is done already, or empty."""
        latest = self._manifest.latest(job.source) if self._resume else None
        if latest is None:
            return ""
        record = latest[1]
        same = (record["output"], record["settings"]) == (job.output, self._conversion.settings)
        return record["digest"] if same and record["status"] == "done" else ""

    def _settle(self, task: Task, result: Record | DhvtError | Died | None) -> None:
        if isinstance(result, DhvtError):
            raise result
        if isinstance(result, Died):
            result = self._death(task.job, result)
        if result is None:
            latest = self._manifest.latest(task.job.source)
            self._offsets[task.number] = latest[0] if latest else _NOT_RECORDED
            self.counts.skipped += 1
            return
        self._offsets[task.number] = self._manifest.append(result)
        if result["status"] == "done":
            self.counts.done += 1
        else:
            self.counts.failed += 1

    def _death(self, job: Job, died: Died) -> Record:
        error = InputError(self._conversion.folder / job.source, died.reason, "convert it alone to see why")
        settings = self._conversion.settings
        return Record(input=job.source, output=job.output, settings=settings, status="failed", error=str(error))

    def _empty_partial_folder(self) -> None:
        shutil.rmtree(self._conversion.partial_folder, ignore_errors=True)


def default_output_folder(folder: Path, file_format: str = "svg") -> Path:
    """`photos-svg` beside `photos`, or the like of another format.

    Raises:
        UsageError: the folder has no name and nothing beside it: it is the root.
    """
    # `.` and `..` get their names by resolving; any other path stays as short as it was given
    named = folder.resolve() if folder.name in ("", "..") else folder
    if not named.name:
        raise UsageError("--output", "is missing", "give the folder for the drawings with -o")
    return named.with_name(f"{named.name}-{file_format}")


def settings_digest(options: VectorizeOptions, weights: str | None, file_format: str = "svg") -> str:
    """Hash of everything that decides a result beside the image: options, format, weights, version.

    Raises:
        WeightsError: the weights file is missing or cannot be read.
    """
    if weights is None:
        from ..tokenizer.config import default_weights_path

        weights = str(default_weights_path())
    settings = json.dumps([__version__, file_format, asdict(options)], sort_keys=True)
    digest = hashlib.blake2b(settings.encode(), digest_size=16)
    try:
        digest.update(Path(weights).read_bytes())
    except OSError as error:
        raise WeightsError(weights, f"cannot be read ({error.strerror})", "check its name and permissions") from error
    return digest.hexdigest()


def _same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)
