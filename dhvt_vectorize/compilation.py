"""The kernels of a drawing compiled by several processes at once, before the first image needs them.

numba compiles on one core, kernel by kernel, as they are called. Here every part of the pipeline that lacks kernels is
done by a process of its own with a picture of a few pixels (see `rehearsal`), and this process waits; all keep what
they compile in the same cache, where it is found afterwards.

A process that fails costs nothing but time: what it has not compiled is compiled when it is called. One that lives on
after this process, however that ended, ends itself.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pipeline import Vectorizer

# by the name of what does it in `rehearsal`: the kernel that each part compiles last
PARTS = {
    "rehearse_outlines": ("tracing._stroke_kernels", "share_beside"),
    "rehearse_drawing": ("drawing._path_kernels", "write_paths"),
    "rehearse_regions": ("tokenizer._refine_kernels", "refine"),
}
LONGEST = 600.0  # seconds that are waited for a process, or for another program that is compiling


def compile_kernels() -> None:
    """Compile, on all cores, what drawings need and is not in the cache; returns at once where all of it is.

    The command line does this before its first image. Programs that do it at the same time wait for the first. Where
    it cannot be done, nothing is lost: what is missing is compiled when it is called, as are the few kernels that only
    options need which are seldom given.
    """
    # a program that is one file with its interpreter would start itself
    if getattr(sys, "frozen", False) or not sys.executable or not _missing():
        return
    from filelock import FileLock, Timeout

    # without a file to lock there is no cache either
    with contextlib.suppress(OSError, Timeout), FileLock(_cache() / "compilation.lock", LONGEST):
        _compile(_missing())


def ready_vectorizer(weights: str | Path | None = None, device: str = "auto") -> Vectorizer:
    """A `Vectorizer` whose kernels are compiled, for programs; the class itself starts no processes.

    Raises:
        WeightsError, DeviceError: as `Vectorizer` does.
    """
    from .pipeline import Vectorizer

    vectorizer = Vectorizer(weights, device)
    compile_kernels()
    return vectorizer


def _missing() -> list[str]:
    from .kernel_cache import is_kept

    return [part for part, kernel in PARTS.items() if not is_kept(_kernel(*kernel))]


def _kernel(module: str, name: str) -> Any:
    return getattr(import_module(f"{__package__}.{module}"), name)


def _cache() -> Path:
    folder = Path(_kernel(*PARTS["rehearse_regions"]).stats.cache_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _compile(parts: Iterable[str]) -> None:
    """Do the parts in processes of their own, and tell who listens that kernels are being compiled."""
    from .kernel_cache import compiling

    started: list[subprocess.Popen[bytes]] = []
    with compiling():
        try:
            for part in parts:
                started.append(_process(part))
            for process in started:
                process.wait(LONGEST)
        except (OSError, subprocess.TimeoutExpired):
            return
        finally:
            for process in started:
                process.kill()
                process.communicate()


def _process(part: str) -> subprocess.Popen[bytes]:
    from .kernel_cache import named_folder

    # modules are found where this process finds them, and the working directory is not looked at
    program = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import _rehearse; _rehearse({part!r})"
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, **named_folder(), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _rehearse(part: str) -> None:
    """What a process does: one part, as long as the program that started it lives."""
    import gc

    from . import rehearsal

    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    # compiling leaves few cycles; looking for them takes a tenth of the time
    gc.disable()
    getattr(rehearsal, part)()


def _end_with_standard_input() -> None:
    # not by sys.stdin, whose lock the interpreter takes when it ends
    os.read(0, 1)
    os._exit(1)
