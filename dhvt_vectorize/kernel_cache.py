"""numba's `njit` with a place to keep what it compiles, and word of when it compiles.

Every module of kernels takes `njit` from here, and so wherever the package is entered a place is found before the first
kernel is declared. numba's own choice is `NUMBA_CACHE_DIR` if that is set, else `__pycache__` beside the source, else,
where that is read-only, the user's cache folder. Where none of these can be written, as in a container with a read-only
file system, it refuses to declare any kernel; a private folder among the temporary files then takes their place, for
all that numba caches in this process.

numba recompiles a kernel when its own file has changed. A kernel here is recompiled too when a file has changed whose
kernels its module imports, so that kernels can call those of other files.

Importing this module imports numba.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numba
from numba import config, types
from numba.core import event
from numba.core.dispatcher import Dispatcher

__all__ = ["COMPILING", "compiling", "is_kept", "named_folder", "njit", "on_compilation"]

COMPILING = "compiling the kernels, once for this machine: half a minute or more; later runs start at once"


def njit(*, cache: bool, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba's; the cache's stamp, which tells changed sources, is made of all files that a kernel depends on."""

    def declare(function: Callable[..., Any]) -> Any:
        kernel = numba.njit(cache=cache, **options)(function)
        if cache:
            used = [value for value in function.__globals__.values() if isinstance(value, Dispatcher)]
            elsewhere = {_stamp(other) for other in used if other.__module__ != function.__module__}
            kernel._cache._cache_file._source_stamp = (_stamp(kernel), *sorted(elsewhere, key=repr))
        _compile_numbers_alike(kernel)
        return kernel

    return declare


def _stamp(kernel: Any) -> Any:
    return kernel._cache._cache_file._source_stamp


def _compile_numbers_alike(kernel: Any) -> None:
    """Have `kernel` compiled for int64 where another calls it with 0; numba alone compiles it for 0, for 1 and so on.

    Where LLVM inlines the call it makes use of the number all the same.
    """
    template = kernel.get_call_template

    def call_template(arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        plain: Callable[[Any], Any] = types.unliteral
        return template([*map(plain, arguments)], {name: plain(argument) for name, argument in named.items()})

    kernel.get_call_template = call_template


def is_kept(kernel: Any) -> bool:
    """Whether something compiled from what the sources now are is in the cache; numba has no public word for it."""
    return bool(kernel._cache._cache_file._load_index())


def named_folder() -> dict[str, str]:
    """The folder that keeps kernels as a variable for other processes, where one has been named."""
    return {"NUMBA_CACHE_DIR": config.CACHE_DIR} if config.CACHE_DIR else {}  # type: ignore[attr-defined]


def compiling() -> contextlib.AbstractContextManager[Any]:
    """Inside it, kernels are compiled elsewhere: whoever listens is told, as when it happens in this process."""
    return event.trigger_event("numba:compile")


@contextlib.contextmanager
def on_compilation(tell: Callable[[str], None]) -> Iterator[None]:
    """Inside it, `tell` is called, once, with COMPILING if a kernel is compiled rather than found in the cache."""
    with event.install_listener("numba:compile", _Teller(tell)):
        yield


class _Teller(event.Listener):
    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told = False

    def on_start(self, _: object) -> None:
        if not self._told:
            self._told = True
            self._tell(COMPILING)

    def on_end(self, _: object) -> None:
        pass


def _find_place() -> None:
    """Give numba a folder to keep kernels in, if it finds none."""
    try:
        numba.njit(cache=True)(_kernel)
    except RuntimeError:  # no place can be written
        config.CACHE_DIR = str(_private_folder())  # type: ignore[attr-defined]  # numba makes its settings at run time


def _kernel() -> None:
    """Never compiled: only where it would be kept is asked."""


def _private_folder() -> Path:
    """The same one for every process of this user, unless somebody else has made it: what lies in it is executed."""
    folder = Path(tempfile.gettempdir()) / f"dhvt-vectorize-kernels-{_user()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    # a link that somebody has put there is not followed
    status, others_write = folder.lstat(), stat.S_IWGRP | stat.S_IWOTH
    if stat.S_ISDIR(status.st_mode) and status.st_uid == _user() and not status.st_mode & others_write:
        return folder
    return Path(tempfile.mkdtemp(prefix=folder.name))


def _user() -> int:
    """The user's number; 0 where users have none (Windows), which is also what files say there."""
    return os.getuid() if hasattr(os, "getuid") else 0


_find_place()
