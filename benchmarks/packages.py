"""Names of npm, PyPI and Debian packages → their contents in the cache, without installing anything or being root.

`npm pack`, `pip download` and `apt-get download` bring the archive; `tarfile`, `zipfile` and `dpkg -x` unpack it. A
package is unpacked under a temporary name and then moved, so it is there whole or not at all, and one that is there is
not fetched again. `packages.json` in the cache tells each folder's archives and their SHA-256.

Limits: npm and PyPI packages are pinned, and come without what they need; Debian serves one version a release, which is
recorded instead.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dhvt_vectorize.errors import InputError


@dataclass(frozen=True)
class Package:
    """Something to have in the cache.

    Attributes:
        folder_name: what it is called there.
        registry: npm, pypi or debian.
        archives: what the registry is asked for; all are unpacked into one folder.
    """

    folder_name: str
    registry: str
    archives: tuple[str, ...]

    @classmethod
    def npm(cls, name: str, version: str) -> Package:
        """One pinned npm package."""
        return cls(f"{name.rpartition('/')[2]}-{version}", "npm", (f"{name}@{version}",))

    @classmethod
    def pypi(cls, name: str, version: str) -> Package:
        """One pinned wheel for this machine."""
        return cls(f"{name}-{version}", "pypi", (f"{name}=={version}",))

    @classmethod
    def debian(cls, *names: str) -> Package:
        """Debian packages that belong together, called after the first."""
        return cls(names[0], "debian", names)


def cache_folder() -> Path:
    """Where fetched packages and drawings are kept: $DHVT_BENCH_CACHE, or benchmarks/cache."""
    return Path(os.environ.get("DHVT_BENCH_CACHE", Path(__file__).parent / "cache"))


def folder_of(package: Package) -> Path:
    """The folder of a fetched package.

    Raises:
        InputError: it is not in the cache.
    """
    folder = cache_folder() / "packages" / package.folder_name
    if not folder.exists():
        raise InputError(folder, "the package is not in the cache", "run `python -m benchmarks.data`")
    return folder


def fetch(package: Package, say: Callable[[str], None]) -> None:
    """Bring a package into the cache, unless it is there.

    Args:
        package: which.
        say: told what is being fetched.

    Raises:
        InputError: npm, pip, apt-get or dpkg is missing or fails.
    """
    parent = cache_folder() / "packages"
    if (parent / package.folder_name).exists():
        return
    say(f"fetching {' '.join(package.archives)}")
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=parent) as temporary:
        downloads, contents = Path(temporary) / "downloads", Path(temporary) / "contents"
        downloads.mkdir()
        unpack = {"npm": _unpack_npm, "pypi": _unpack_wheel, "debian": _unpack_debian}[package.registry]
        unpack(package.archives, downloads, contents)
        _record(package, sorted(downloads.iterdir()))
        os.replace(contents, parent / package.folder_name)


def write(path: Path, text: str) -> None:
    """Write a text file under a temporary name, then move it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    # in bytes: line ends stay as they are on every system
    temporary.write_bytes(text.encode())
    os.replace(temporary, path)


def _unpack_npm(archives: tuple[str, ...], downloads: Path, contents: Path) -> None:
    _run("npm", ["pack", "--silent", *archives], downloads, "install Node.js with npm")
    for archive in downloads.iterdir():
        with tarfile.open(archive) as tar:
            tar.extractall(contents, filter="data")


def _unpack_wheel(archives: tuple[str, ...], downloads: Path, contents: Path) -> None:
    arguments = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *archives]
    _run(sys.executable, arguments, downloads, "needs pip, and a wheel for this machine")
    for archive in downloads.iterdir():
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(contents)


def _unpack_debian(archives: tuple[str, ...], downloads: Path, contents: Path) -> None:
    # without a user to step down to, root's apt-get does not warn that this folder is closed to it
    arguments = ["-o", "APT::Sandbox::User=", "download", *archives]
    _run("apt-get", arguments, downloads, "needs Debian or Ubuntu, and `apt-get update` once")
    for archive in downloads.iterdir():
        _run("dpkg", ["-x", archive.name, str(contents)], downloads, "needs Debian or Ubuntu")


def _run(program: str, arguments: list[str], folder: Path, remedy: str) -> None:
    if shutil.which(program) is None:
        raise InputError(program, "is not installed", remedy)
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last_line = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise InputError(" ".join([program, *arguments]), last_line or f"exit code {done.returncode}", remedy)


def _record(package: Package, archives: list[Path]) -> None:
    path = cache_folder() / "packages.json"
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    known[package.folder_name] = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in archives}
    write(path, json.dumps(known, indent=2, sort_keys=True) + "\n")
