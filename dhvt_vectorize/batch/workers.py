"""Jobs → results, on several processes, of which any may die without ending the others.

In: a picklable handler factory and an iterable of jobs. Out: pairs of job and result, in the order they finish, and in
between whatever notices the handlers give of the work they are at.
Method: every worker is a spawned process with a pipe of its own and holds one job at a time. So the jobs are drawn from
the iterable only as they are needed, and when a worker crashes or is killed for its memory, the job that did it is
known: it results in a `Died`, and a new worker takes its place.

Limits: a worker that hangs is waited for. A handler must not raise: that ends its process.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")
Notify = Callable[[str], None]
MakeHandler = Callable[[Notify], Callable[[JobT], ResultT]]

# read by numba, OpenMP (torch) and the BLAS libraries when they are loaded
_THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_SECONDS_TO_EXIT = 5.0


@dataclass(frozen=True)
class Died:
    """In place of a result: the worker process ended while it had the job."""

    reason: str


@dataclass(frozen=True)
class _Notice:
    """On a pipe, before a result."""

    text: str


def available_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_workers(
    make_handler: MakeHandler[JobT, ResultT], jobs: Iterable[JobT], count: int, notice: Notify
) -> Generator[tuple[JobT, ResultT | Died], None, None]:
    """Handle `jobs` on `count` processes.

    Args:
        make_handler: called once in each process, with what gives notice; makes what turns a job into a result.
        jobs: picklable, as results are.
        count: how many processes there are at most.
        notice: called in this process with the text of each notice.

    Closing the generator, be it by an exception where it is used, such as KeyboardInterrupt, kills the workers at once.
    """
    threads = max(1, available_cores() // count)
    waiting = iter(jobs)
    workers: dict[Any, _Worker[JobT, ResultT]] = {}  # by connection, which is what `wait` returns

    def give_next(worker: _Worker[JobT, ResultT] | None) -> None:
        """Give the next job, if there is one, to `worker` or else to a new process."""
        for job in waiting:
            worker = worker or _Worker(make_handler, threads)
            workers[worker.connection] = worker
            worker.give(job)
            return
        if worker is not None:
            workers.pop(worker.connection).end()

    try:
        for _ in range(count):
            give_next(None)
        while workers:
            for connection in wait(list(workers)):
                worker = workers[connection]
                job, result = worker.job, worker.receive()
                if isinstance(result, _Notice):
                    notice(result.text)
                    continue
                if isinstance(result, Died):
                    del workers[connection]
                    give_next(None)
                else:
                    give_next(worker)
                yield job, result
    finally:
        for worker in workers.values():
            worker.end()


class _Worker(Generic[JobT, ResultT]):
    """One process and the job it has."""

    job: JobT

    def __init__(self, make_handler: MakeHandler[JobT, ResultT], threads: int) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(make_handler, theirs, threads), daemon=True
        )
        with _interrupts_held():
            self._process.start()
        theirs.close()

    def give(self, job: JobT) -> None:
        self.job = job
        with contextlib.suppress(OSError):  # a process that is dead already: `receive` will tell
            self.connection.send(job)

    def receive(self) -> ResultT | _Notice | Died:
        try:
            received: ResultT | _Notice = self.connection.recv()
        except (EOFError, OSError):
            self._process.join(_SECONDS_TO_EXIT)
            died = Died(_why(self._process.exitcode))
            self.end()
            return died
        return received

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.connection.close()


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C reaches every process of the terminal: one begun in here never sees it, this one sees it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # multiprocessing starts this helper with the first process, and lets interrupts through again after that
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _why(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        return f"its worker process was ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"its worker process ended with exit code {exit_code}"


def _serve(make_handler: MakeHandler[Any, Any], connection: Connection[Any, Any], threads: int) -> None:
    """A worker's life: until the other end of its pipe is closed, which also happens when the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    handle = make_handler(lambda text: connection.send(_Notice(text)))
    with contextlib.suppress(EOFError, OSError):
        while True:
            connection.send(handle(connection.recv()))
