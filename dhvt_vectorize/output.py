"""Content → a file that is there whole or not at all.

In: a path and what to write. Out: the file. Method: the content goes to a temporary name in the same folder (or in one
given), which then replaces the target in one step; whatever happens before leaves the target as it was and no
temporary file behind. What is not a regular file (`/dev/null`, a pipe) cannot be replaced and is written directly.

Limits: a process that is killed outright can leave its temporary file (`.dhvt-….part`). Content is not forced to the
disk: a power cut may lose it.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from .errors import OutputError

_REMEDIES = {
    errno.ENOSPC: "free some space or write elsewhere",
    errno.EDQUOT: "free some space or write elsewhere",
    errno.EACCES: "choose a place where you may write, or change its permissions",
    errno.EPERM: "choose a place where you may write, or change its permissions",
    errno.EROFS: "choose a place that is not read-only",
    errno.ENOENT: "create its folder first",
    errno.ENOTDIR: "a part of its path is a file; choose another place",
    errno.EISDIR: "give a file name inside it",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def write_atomically(
    path: str | os.PathLike[str],
    content: bytes | str | Iterable[str],
    *,
    partial_folder: str | os.PathLike[str] | None = None,
) -> None:
    """Write `content` (text as UTF-8) to `path`, replacing what is there; missing folders are not created.

    Args:
        path: the file to write; a symbolic link is followed.
        content: bytes, text, or pieces of text that are written one after the other.
        partial_folder: where the temporary file lies meanwhile; None is the target's folder. It must be on the same
            file system.

    Raises:
        OutputError: the target is a folder, its folder is missing or not writable, the disk is full.
    """
    target = Path(os.path.realpath(path))
    chunks = (content,) if isinstance(content, (bytes, str)) else content
    try:
        if _is_special(target):
            _write(os.open(target, os.O_WRONLY), chunks)
        elif target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        else:
            _replace(target, chunks, Path(partial_folder) if partial_folder else target.parent)
    except OSError as error:
        raise output_error(path, error) from error


def output_error(path: object, error: OSError) -> OutputError:
    """What a failed write to `path` means for the user."""
    cause = f"cannot be written ({error.strerror or type(error).__name__})"
    remedy = _REMEDIES.get(error.errno or 0, "check the place and its permissions")
    return OutputError(path, cause, remedy)


def check_target(path: str | os.PathLike[str], *, force: bool) -> None:
    """Refuse, before any work is done, a target that could not be written or must not be replaced.

    Raises:
        OutputError: the target exists (unless `force`), is a folder, or its folder does not exist.
    """
    target = Path(path)
    if target.is_dir():
        raise output_error(target, IsADirectoryError(errno.EISDIR, "is a folder"))
    if not target.parent.is_dir():
        raise output_error(target, FileNotFoundError(errno.ENOENT, "its folder does not exist"))
    if target.exists() and not _is_special(target) and not force:
        raise OutputError(target, "exists already", "give --force to replace it, or another name with -o")


def make_folder(path: str | os.PathLike[str]) -> None:
    """Create a folder and those above it; one that is there already is fine.

    Raises:
        OutputError: the folder cannot be created, or a file is in its place.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(path, "is a file, not a folder", "choose another folder") from error
    except OSError as error:
        raise OutputError(path, f"cannot be created ({error.strerror})", "choose another folder") from error


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _replace(target: Path, chunks: Iterable[bytes | str], folder: Path) -> None:
    # opened by hand rather than with tempfile, so that the file gets the permissions the user's umask asks for
    partial = folder / f".dhvt-{secrets.token_hex(8)}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        _write(os.open(partial, flags, 0o666), chunks)
        if target.exists():
            shutil.copymode(target, partial)
        os.replace(partial, target)
    except BaseException:  # an interruption too must leave nothing behind
        partial.unlink(missing_ok=True)
        raise


def _write(descriptor: int, chunks: Iterable[bytes | str]) -> None:
    with open(descriptor, "wb") as file:
        for chunk in chunks:
            file.write(chunk.encode() if isinstance(chunk, str) else chunk)
