"""Packages of free artwork → SVG files in a cache, split once and for all into test, reserved, tune and train.

    python -m benchmarks.data

fetches the emoji and icon sets (npm, `@iconify-json/SET`), the clip-art (Debian's `openclipart-svg`, public domain) and
those peers that are packages of these kinds. In the cache folder (`benchmarks/cache`, or $DHVT_BENCH_CACHE) lie then

    packages/…                 each package unpacked (see `benchmarks.packages`)
    test/KIND/…, tune/KIND/…   the drawings of the test lists (shared `arena/lists`) and of `benchmarks/lists`

KIND is emoji, icons or clipart; the emoji `noto:ladder` lies at `emoji/noto/ladder.svg`, clip-art at its own path. A
second run does only what is missing. Limit: what the lists name must exist in the version that Debian serves.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from dhvt_vectorize.errors import DhvtError, InputError, UsageError

from .packages import Package, cache_folder, fetch, folder_of, write
from .peers import PACKAGES as PEER_PACKAGES
from .scoring import count, render

HERE = Path(__file__).parent
ICON_SETS = {
    "emoji": {"noto": "1.2.9", "twemoji": "1.2.5", "fluent-emoji-flat": "1.2.6", "openmoji": "1.2.29"},
    "icons": {"skill-icons": "1.2.4", "devicon": "1.2.68", "vscode-icons": "1.2.97"},
}
CLIPART = Package.debian("openclipart-svg")
KINDS = (*ICON_SETS, "clipart")
SPLITS = ("test", "reserved", "tune", "train")
TUNING_SAMPLE = {"emoji": 60, "icons": 40, "clipart": 40}


@dataclass(frozen=True)
class Artwork:
    """One drawing: its kind, its name in that kind's list (`SET:KEY`, or the clip-art's path), and its SVG text."""

    kind: str
    name: str
    svg: str


def shared_folder() -> Path:
    """The folder with the images, lists and definitions this benchmark is held to: $DHVT_SHARED, or ../shared."""
    return Path(os.environ.get("DHVT_SHARED", HERE.parent.parent / "shared"))


def split_of(name: str) -> str:
    """The split a drawing belongs to, decided by the SHA-1 of its name alone.

    Args:
        name: an icon's key, a clip-art file's stem, or their longer forms `SET:KEY` and `folder/stem.svg`.

    Returns:
        By the first hex digit: 0 test (never trained or tuned on), 1 reserved (not used at all), f tune, others train.
    """
    return {"0": "test", "1": "reserved", "f": "tune"}.get(digit_of(name), "train")


def digit_of(name: str) -> str:
    """The first hex digit of the SHA-1 of a drawing's key or stem, see `split_of`."""
    key = name.rpartition(":")[2].rpartition("/")[2].removesuffix(".svg")
    return hashlib.sha1(key.encode()).hexdigest()[0]


def listed(kind: str, split: str = "test") -> list[Artwork]:
    """The drawings of a kind's test list, or of its tuning sample, in the list's order, from the cache.

    Raises:
        UsageError: unknown kind or split.
        InputError: the list, or one of its drawings, is not there.
    """
    names = listed_names(kind, split)
    absent = [name for name in names if not drawing_path(kind, split, name).exists()]
    if absent:
        raise InputError(cache_folder(), f"{len(absent)} {kind} are missing", "run `python -m benchmarks.data`")
    return [Artwork(kind, name, drawing_path(kind, split, name).read_bytes().decode()) for name in names]


def artworks(kind: str, split: str) -> Iterator[Artwork]:
    """Every drawing of a kind in a split (see `split_of`), in the order of their names, from the cached packages.

    Raises:
        UsageError: unknown kind or split.
        InputError: the packages are not in the cache.
    """
    _check("split", split, SPLITS)
    return (Artwork(kind, name, _svg(kind, name)) for name in _names(kind) if split_of(name) == split)


def listed_names(kind: str, split: str = "test") -> list[str]:
    """The names in a kind's test list (in the shared folder) or tuning sample (in benchmarks/lists)."""
    _check("kind", kind, KINDS)
    _check("split", split, ("test", "tune"))
    path = _tuning_list(kind) if split == "tune" else shared_folder() / "arena" / "lists" / f"{kind}.txt"
    if not path.exists():
        raise InputError(path, "the list is missing", "set DHVT_SHARED to the folder that holds arena/lists")
    return path.read_text("utf-8").splitlines()


def drawing_path(kind: str, split: str, name: str) -> Path:
    """Where a listed drawing lies in the cache once it is extracted."""
    return cache_folder() / split / kind / (name.replace(":", "/").removesuffix(".svg") + ".svg")


def extract_listed(kind: str, split: str) -> int:
    """Write a list's drawings beside the packages, those that are not there yet; returns how many were written.

    Raises:
        UsageError: unknown kind or split.
        InputError: a package or the list is missing.
    """
    missing = [name for name in listed_names(kind, split) if not drawing_path(kind, split, name).exists()]
    for name in missing:
        write(drawing_path(kind, split, name), _svg(kind, name))
    return len(missing)


def draw_tuning_list(kind: str, seed: int = 20240501) -> None:
    """Draw benchmarks/lists/tune-KIND.txt anew: names of the tune split whose drawings are plain vector art.

    The same packages and seed give the same list, in which a kind's sets take turns. Drawings are left out that are
    blank, that resvg cannot render, that hold elements a vectorization may not use either, and the clip-art's hundreds
    of nearly identical stars.
    """
    names = [name for name in _names(kind) if split_of(name) == "tune" and not name.startswith("shapes/stars/")]
    random.Random(seed).shuffle(names)
    plain = (name for name in _taking_turns(names) if is_plain(_svg(kind, name)))
    write(_tuning_list(kind), "\n".join(islice(plain, TUNING_SAMPLE[kind])) + "\n")


def _check(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(what, f"no such value {value!r}", f"choose one of {', '.join(known)}")


def _tuning_list(kind: str) -> Path:
    return HERE / "lists" / f"tune-{kind}.txt"


def _packages(kind: str) -> list[Package]:
    _check("kind", kind, KINDS)
    if kind == "clipart":
        return [CLIPART]
    return [icon_package(kind, icon_set) for icon_set in ICON_SETS[kind]]


def icon_package(kind: str, icon_set: str) -> Package:
    """The npm package of a set of icons."""
    return Package.npm(f"@iconify-json/{icon_set}", ICON_SETS[kind][icon_set])


def _names(kind: str) -> list[str]:
    """All names of a kind in the cached packages; a clip-art file with several names (links) has only its own."""
    _check("kind", kind, KINDS)
    if kind == "clipart":
        files = (path for path in _clipart_root().rglob("*.svg") if path.is_file() and not path.is_symlink())
        return sorted(path.relative_to(_clipart_root()).as_posix() for path in files)
    return sorted(f"{icon_set}:{key}" for icon_set in ICON_SETS[kind] for key in _collection(kind, icon_set)["icons"])


def _svg(kind: str, name: str) -> str:
    if kind == "clipart":
        # a few old files are not UTF-8, but only in their titles
        return (_clipart_root() / name).read_bytes().decode("utf-8", errors="replace")
    icon_set, _, key = name.partition(":")
    collection = _collection(kind, icon_set)
    icon = collection["icons"][key]
    left, top = (icon.get(side, collection.get(side, 0)) for side in ("left", "top"))
    width, height = (icon.get(side, collection.get(side, 16)) for side in ("width", "height"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{width}" '
        f'height="{height}" viewBox="{left} {top} {width} {height}">{icon["body"]}</svg>\n'
    )


def _clipart_root() -> Path:
    return folder_of(CLIPART) / "usr" / "share" / "openclipart" / "svg"


def _collection(kind: str, icon_set: str) -> dict[str, Any]:
    return _read_json(folder_of(icon_package(kind, icon_set)) / "package" / "icons.json")


@cache
def _read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text("utf-8")))


def _taking_turns(names: list[str]) -> Iterator[str]:
    """Names of the form SET:KEY, one of each set after another; the others are one set."""
    sets = sorted({name.rpartition(":")[0] for name in names})
    by_set = ([name for name in names if name.rpartition(":")[0] == icon_set] for icon_set in sets)
    return (name for turn in zip_longest(*by_set) for name in turn if name is not None)


def is_plain(svg: str) -> bool:
    """Whether a drawing can be rendered, is not blank, and holds only what a vectorization may use too."""
    try:
        count(svg)
        pixels = render(svg, 32, 32).reshape(-1, 4)
    except (ValueError, SyntaxError):
        return False
    return len(np.unique(pixels, axis=0)) > 1


def main() -> None:
    """`python -m benchmarks.data [KIND …]`: fetch what can be fetched; the exit code tells what first went wrong."""
    known = (*KINDS, "peers")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data", description=__doc__.partition("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"which of {', '.join(known)} (default: all)")
    parser.add_argument("--draw-tuning-lists", action="store_true", help="draw benchmarks/lists/tune-*.txt anew")
    arguments = parser.parse_args()
    exit_code = 0
    for kind in arguments.kinds or known:
        try:
            _check("KIND", kind, known)
            fetch_kind(kind, arguments.draw_tuning_lists, print)
        except DhvtError as error:
            print(f"error: {error}", file=sys.stderr)
            exit_code = exit_code or error.exit_code
    raise SystemExit(exit_code)


def fetch_kind(kind: str, draw_list: bool, say: Callable[[str], None]) -> None:
    """Fetch a kind's packages and extract its listed drawings, or fetch the peers."""
    for package in PEER_PACKAGES if kind == "peers" else _packages(kind):
        fetch(package, say)
    if kind == "peers":
        return
    if draw_list:
        draw_tuning_list(kind)
    for split in ("test", "tune"):
        say(f"{kind}: {extract_listed(kind, split)} drawings added in {cache_folder() / split / kind}")


if __name__ == "__main__":
    main()
