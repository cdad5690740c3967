"""What a batch has done: one JSON object a line, appended as files finish, so that a killed batch can go on.

In: records. Out: a file of JSON lines, and the latest record of an input. Method: every record is appended with one
unbuffered write; a line that is torn or is no record is passed over when reading, and a torn last line is closed
before anything is appended. Only a file position an input is kept in memory.

Limits: two batches must not write to one manifest at the same time.
"""

from __future__ import annotations

import errno
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypedDict

from ..output import output_error


class Record(TypedDict, total=False):
    """What became of one input.

    Keys: `input` and `output` are paths relative to the batch's two folders, with forward slashes; `digest` is of the
    input's content, `settings` of options and weights; `figures` are the drawing's (with `notes`), `thumbnail` and
    `picture` the paths, relative to the output folder, of small pictures of the input and, where a browser cannot show
    the output itself, of the output; `seconds` the wall time of decoding and drawing; a failed input has an `error`
    instead, and a `traceback` where one was asked for.
    """

    input: str
    output: str
    status: Literal["done", "failed"]
    digest: str
    settings: str
    figures: dict[str, Any]
    thumbnail: str
    picture: str
    seconds: float
    error: str
    traceback: str


class Manifest:
    """The records of a batch, on disk.

    Args:
        path: the file; created where it does not exist.
        keep: whether to go on with the records that are there, rather than begin anew.

    Raises:
        OutputError: the file cannot be read or written; also from `append`.
    """

    def __init__(self, path: Path, *, keep: bool) -> None:
        self._path = path
        self._offsets: dict[str, int] = {}
        try:
            self._writer = open(path, "ab" if keep else "wb", buffering=0)  # noqa: SIM115 (closed by close)
            self._reader = open(path, "rb")  # noqa: SIM115
            self._end = self._index() if keep else 0
        except OSError as error:
            raise output_error(path, error) from error

    def latest(self, source: str) -> tuple[int, Record] | None:
        """The last record of an input and where it lies, or None."""
        offset = self._offsets.get(source)
        return None if offset is None else (offset, self.read(offset))

    def read(self, offset: int) -> Record:
        """The record at `offset`, a value that `append` or `latest` gave."""
        self._reader.seek(offset)
        record = _parse(self._reader.readline())
        if record is None:
            raise output_error(self._path, OSError(errno.EIO, "was changed by another program"))
        return record

    def append(self, record: Record) -> int:
        """Write one record and return where it lies."""
        offset = self._end
        self._append(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        self._offsets[record["input"]] = offset
        return offset

    def close(self) -> None:
        """Close the file; what was appended is already there."""
        self._writer.close()
        self._reader.close()

    def __enter__(self) -> Manifest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _index(self) -> int:
        """Learn where each input's last record lies; returns the end of the file, at the beginning of a line."""
        self._end, line = 0, b"\n"
        for line in self._reader:
            record = _parse(line)
            if record is not None:
                self._offsets[record["input"]] = self._end
            self._end += len(line)
        if not line.endswith(b"\n"):
            self._append(b"\n")
        return self._end

    def _append(self, line: bytes) -> None:
        try:
            if self._writer.write(line) != len(line):
                raise OSError(errno.ENOSPC, "no space left on device")
        except OSError as error:
            raise output_error(self._path, error) from error
        self._end += len(line)


def _parse(line: bytes) -> Record | None:
    """The record in a line, or None where the line is torn or something else."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict) or not {"input", "output", "status"} <= record.keys():
        return None
    return Record(**record)  # type: ignore[typeddict-item]
