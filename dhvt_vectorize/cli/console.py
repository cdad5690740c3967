"""What the user sees while the program runs: lines on standard error, progress, output on standard output.

Rich draws the progress where standard error is a terminal; elsewhere a plain line appears now and then.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import OutputError
from ..output import output_error

if TYPE_CHECKING:
    from ..batch.batch import Counts

ShowProgress = Callable[["Counts"], None]

_SECONDS_BETWEEN_LINES = 10.0


def say(line: str) -> None:
    """One line on standard error; what that cannot show is escaped, and a closed one is no reason to fail."""
    if sys.stderr is None:
        return
    encoding = sys.stderr.encoding or "utf-8"
    try:
        print(line.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr, flush=True)
    except OSError:
        return


def write_standard_output(pieces: Iterable[str | bytes]) -> None:
    """Bytes, or text as UTF-8, to standard output, whatever the locale.

    Raises:
        BrokenPipeError: the reader has gone away.
        OutputError: any other failure.
    """
    if sys.stdout is None:
        raise OutputError("<standard output>", "is closed", "give a file with -o")
    try:
        sys.stdout.flush()
        for piece in pieces:
            sys.stdout.buffer.write(piece.encode() if isinstance(piece, str) else piece)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_standard_output()
        raise output_error("<standard output>", error) from error


def abandon_standard_output() -> None:
    """Have Python's own flush at exit go nowhere, once nothing more can be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def notices(*, quiet: bool) -> Callable[[str], None]:
    """What says each line that it is given the first time it is given it, and none if `quiet`."""
    said = set()

    def tell(line: str) -> None:
        if not quiet and line not in said:
            said.add(line)
            say(line)

    return tell


@contextmanager
def progress(total: int, *, quiet: bool) -> Iterator[ShowProgress]:
    """Inside it, the counts given to the result are shown."""
    if quiet or sys.stderr is None:
        yield lambda counts: None
    elif sys.stderr.isatty():
        with _bar(total) as show:
            yield show
    else:
        yield _Lines(total)


@contextmanager
def _bar(total: int) -> Iterator[ShowProgress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[failed]}", style="red"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, rate="", failed="")

        def show(counts: Counts) -> None:
            speed = bar.tasks[task].speed
            bar.update(
                task,
                completed=counts.all,
                rate=f"{speed:.1f} a second" if speed else "",
                failed=f"{counts.failed} failed" if counts.failed else "",
            )

        yield show


class _Lines:
    """Progress as lines of text, one now and then."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._started = self._last = time.monotonic()

    def __call__(self, counts: Counts) -> None:
        now = time.monotonic()
        if now - self._last < _SECONDS_BETWEEN_LINES:
            return
        self._last = now
        rate = counts.all / (now - self._started)
        minutes, seconds = divmod(round((self._total - counts.all) / rate), 60)
        say(
            f"{counts.all} of {self._total} files, {rate:.1f} a second, {counts.failed} failed, "
            f"{minutes}:{seconds:02d} min left"
        )
