"""Packages of free artwork → a folder of SVG files to train shipped weights on.

    python -m benchmarks.training_data FOLDER [--each N] [--seed N]

takes N drawings of each kind (default 2,000, or all there are) from the train split (see `data.split_of`), of packages
whose licence allows to ship what was learned from them, and writes FOLDER/KIND/…/NAME.svg. Drawings that cannot be
rendered, are blank, or hold elements that are no vector art are left out. The same packages and numbers give the same
files.
"""

from __future__ import annotations

import argparse
import random
from itertools import islice
from pathlib import Path

from .command import errors_end_the_run
from .data import KINDS, artworks, fetch_kind, is_plain
from .packages import write

# The package, and the licence its drawings are under. openmoji is left out: share-alike.
LICENCES = {
    "noto": "Apache-2.0",
    "twemoji": "CC-BY-4.0",
    "fluent-emoji-flat": "MIT",
    "skill-icons": "MIT",
    "devicon": "MIT",
    "vscode-icons": "MIT",
    "clipart": "public domain",
}


def extract(kind: str, folder: Path, most: int, seed: int) -> int:
    """Write up to `most` drawings of a kind's train split; returns how many.

    Raises:
        InputError: the packages are not in the cache.
    """
    allowed = [art for art in artworks(kind, "train") if _source(kind, art.name) in LICENCES]
    random.Random(seed).shuffle(allowed)
    chosen = list(islice((art for art in allowed if is_plain(art.svg)), most))
    for art in chosen:
        write(folder / kind / (art.name.replace(":", "/").removesuffix(".svg") + ".svg"), art.svg)
    return len(chosen)


def _source(kind: str, name: str) -> str:
    return kind if kind == "clipart" else name.partition(":")[0]


def main() -> None:
    """Fetch what is missing and write the drawings."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_data", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write them")
    parser.add_argument("--each", type=int, default=2000, metavar="N", help="drawings of each kind (default 2000)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="which ones")
    chosen = parser.parse_args()
    with errors_end_the_run():
        for kind in KINDS:
            fetch_kind(kind, False, print)
            print(f"{kind}: {extract(kind, chosen.folder, chosen.each, chosen.seed)} drawings in {chosen.folder}")


if __name__ == "__main__":
    main()
