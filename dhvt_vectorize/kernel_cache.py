"""Where numba keeps the kernels it has compiled, and whether any are there yet.

numba's own choice is `NUMBA_CACHE_DIR` if that is set, else `__pycache__` beside the source, else, where that is
read-only, the user's cache folder. Where none of these can be written, as in a container with a read-only file system,
it refuses to load any kernel; a private folder among the temporary files then takes their place.

Limits: `ensure_kernel_cache` must come before the first import of a module with kernels. `kernels_are_compiled` sees
that there are files for this Python; numba may still refuse them, because the kernels or numba itself have changed.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from pathlib import Path


def ensure_kernel_cache() -> None:
    """Give numba a folder to keep kernels in, if it finds none."""
    from numba import config, njit

    try:
        njit(cache=True)(_kernel)
    except RuntimeError:  # no place can be written
        config.CACHE_DIR = str(_private_folder())  # type: ignore[attr-defined]  # numba makes its settings at run time


def kernels_are_compiled() -> bool:
    """Whether an earlier process has left the kernels of the last stage, and so of all others."""
    ensure_kernel_cache()
    from .drawing import _path_kernels as last

    folder = Path(str(last.write_paths.stats.cache_path))
    return any(folder.glob(f"_path_kernels.*.py{sys.version_info[0]}{sys.version_info[1]}*.nbi"))


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
