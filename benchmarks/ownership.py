"""Whose pixel is it? Tokenizers on rasterised drawings, whose SVG says for every pixel which shape owns it.

    python -m benchmarks.ownership [--sets emoji icons clipart] [--sizes 64 128 256 512] [--degraded NAME …]
                                   [--weights FILE …] [--split test|tune] [--limit N] [--json FILE]

Regions are those that are drawn by default, before small ones are absorbed. `raw Lab` has no rim rule, `raw Lab,
rims` has the hand-made one, `raw Lab, rims, chroma` also chroma that follows luma (`tokenizer.chroma`), `raw Lab,
rims, JPEG undone` all that `tokenizer.jpeg` does; others are weights files by their stems. True regions are the
4-connected pixels of one owner, borders that cannot be seen left out (`dhvt_vectorize.training.owners`). A pixel of
which two shapes have equally much (the half, on a grid of half pixels)
has no owner and is not judged. Means over a set:

regions     how many there are, and the true number
owned       share of pixels whose region's commonest owner is theirs, as the criterion divides the picture
owned at 2K the same, cut into twice as many regions as there are truly, the same number for all; at that number itself
            a few crumbs of strong contrast, which cost more than a pale shape, would decide
slivers     regions a picture without any 2×2 pixels that are not half or more of a true region
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int32

from dhvt_vectorize.errors import InputError, UsageError

from .claims import MISS, OK, UNKNOWN, Claim
from .command import errors_end_the_run
from .dividers import with_alpha
from .packages import write
from .pictures import DEGRADATIONS, Picture, check_names, degraded, pictures, set_names
from .tables import claims_table, markdown_table

if TYPE_CHECKING:
    from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer
    from dhvt_vectorize.training.owners import View
    from dhvt_vectorize.training.twins import Artwork

KINDS = ("emoji", "icons", "clipart")
CLEAN = "clean"
HAND_MADE = "raw Lab, rims"
SUPERSAMPLING = 8
LEAST_CONTRAST = 4.0

Labels = Int32[np.ndarray, "height width"]


@dataclass(frozen=True)
class Ownership:
    """The figures of one division of one picture; the module's docstring defines them."""

    regions: int
    true_regions: int
    owned: float
    owned_at_2k: float
    slivers: int


def owners(picture: Picture) -> Labels:
    """The true regions of a picture of a drawing, at its own size, −1 where two own a pixel alike.

    Raises:
        InputError: its SVG cannot be drawn.
    """
    from dhvt_vectorize.training.owners import merge_unseen, render, zones_of
    from dhvt_vectorize.training.twins import read_artwork

    assert picture.truth is not None
    artwork = read_artwork(picture.truth.encode(), picture.name)
    view = as_rasterized(artwork, *picture.raster.shape[:2])
    image = render(artwork, view).astype(np.float64)
    alpha = image[..., 3:] / 255
    seen = with_alpha(np.rint(image[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8))
    zones = zones_of(artwork, view, SUPERSAMPLING)
    return zones.judged(merge_unseen(zones.regions(), seen, LEAST_CONTRAST))


def as_rasterized(artwork: Artwork, height: int, width: int) -> View:
    """The view that `pictures.rasterize` shows in so many pixels, or shows enlarged to so many.

    resvg rounds a drawing's own size to whole units and fits these into the picture: a drawing of 40.4 units ends 0.4
    of them beyond the picture's side, one of 40.6 before it.
    """
    from dhvt_vectorize.training.owners import View

    drawing = width * artwork.width / _whole(artwork.width), height * artwork.height / _whole(artwork.height)
    return View(drawing, 0, 0, width, height)


def _whole(length: float) -> int:
    return max(1, math.floor(length + 0.5))


def measured(tokenizer: DHVTokenizer, picture: Picture, true: Labels) -> Ownership:
    """Divide a picture as it is divided for drawing, and hold the regions against the true ones."""
    features = tokenizer.pixel_features(with_alpha(picture.raster))
    tree = tokenizer.merge_tree(features)
    count = int(true.max()) + 1
    chosen = tokenizer.refine(tokenizer.select(tree), features)
    equal = tokenizer.refine(tokenizer.select(tree, regions=2 * count), features)
    return Ownership(
        chosen.regions, count, owned(chosen.labels, true), owned(equal.labels, true), slivers(chosen.labels, true)
    )


def owned(labels: Labels, true: Labels) -> float:
    """Share of pixels whose region's commonest true region is theirs."""
    return float(_common(labels, true).max(axis=1).sum() / max(1, np.count_nonzero(true >= 0)))


def slivers(labels: Labels, true: Labels) -> int:
    """Regions without any 2×2 pixels, less those that are half or more of the true region that is commonest in them."""
    inside = np.ones(tuple(side - 1 for side in labels.shape), bool)
    for part in (labels[1:, :-1], labels[:-1, 1:], labels[1:, 1:]):
        inside &= part == labels[:-1, :-1]
    thin = np.ones(int(labels.max()) + 1, bool)
    thin[labels[:-1, :-1][inside]] = False
    common = _common(labels, true)
    owner = common.argmax(axis=1)
    owns = 2 * common[np.arange(len(owner)), owner] >= common.sum(axis=0)[owner]
    return int((thin & ~owns).sum())


def _common(labels: Labels, true: Labels) -> Int32[np.ndarray, "K T"]:
    """How many pixels each region shares with each true one."""
    count, judged = int(true.max()) + 1, true >= 0
    pairs = labels[judged].astype(np.int64) * count + true[judged]
    table = np.bincount(pairs, minlength=(int(labels.max()) + 1) * count)
    return table.reshape(-1, count).astype(np.int32)


def tokenizers(weights: Sequence[Path]) -> dict[str, DHVTokenizer]:
    """Raw Lab without and with what is made by hand, and the given files by their stems.

    Raises:
        WeightsError: a file cannot be used.
        UsageError: two of one name.
    """
    from dhvt_vectorize.tokenizer.config import TokenizerConfig
    from dhvt_vectorize.tokenizer.initial import initial_net
    from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

    found = {}
    for name, rims, chroma, jpeg in (
        ("raw Lab", False, False, False),
        (HAND_MADE, True, False, False),
        (HAND_MADE + ", chroma", True, True, False),
        (HAND_MADE + ", JPEG undone", True, True, True),
    ):
        config = TokenizerConfig(rim_rule=rims, sharpen_chroma=chroma, undo_jpeg=jpeg)
        found[name] = DHVTokenizer(initial_net(config).eval(), config)
    for path in weights:
        if path.stem in found:
            raise UsageError("--weights", f"two are called {path.stem}", "give files with names of their own")
        found[path.stem] = DHVTokenizer.load(path, "cpu")
    return found


Results = dict[tuple[str, str], list[Ownership]]


def measure_sets(
    sets: Sequence[str], hows: Sequence[str], split: str, limit: int | None, opened: Mapping[str, DHVTokenizer]
) -> Results:
    """(set, tokenizer) → the figures of every picture."""
    results: Results = {}
    for set_name in sets:
        for how in (CLEAN, *hows):
            print(f"{set_name} {how}", file=sys.stderr, flush=True)
            for picture, true in _labelled(set_name, how, split, limit):
                for name, tokenizer in opened.items():
                    figures = measured(tokenizer, picture, true)
                    results.setdefault((f"{set_name} {how}", name), []).append(figures)
    return results


def _labelled(set_name: str, how: str, split: str, limit: int | None) -> Iterator[tuple[Picture, Labels]]:
    for clean in pictures(set_name, limit, split):
        picture = clean if how == CLEAN else degraded(clean, how)
        try:
            yield picture, owners(picture)
        except InputError as error:
            print(f"left out: {error}", file=sys.stderr, flush=True)


def mean(figures: Sequence[Ownership], name: str) -> float:
    """The mean of one figure over the pictures of a set."""
    return statistics.fmean(getattr(each, name) for each in figures)


def ownership_table(results: Results) -> str:
    """Set × tokenizer: every figure."""
    lines = [
        [
            set_name,
            tokenizer,
            str(len(figures)),
            f"{mean(figures, 'true_regions'):.1f}",
            f"{mean(figures, 'regions'):.1f}",
            f"{mean(figures, 'owned'):.4f}",
            f"{mean(figures, 'owned_at_2k'):.4f}",
            f"{mean(figures, 'slivers'):.2f}",
        ]
        for (set_name, tokenizer), figures in results.items()
    ]
    headings = ["set", "tokenizer", "n", "true regions", "regions", "owned", "owned at 2K", "slivers"]
    return markdown_table("Ownership, means over the pictures", headings, lines)


def ownership_claims(results: Results, tokenizer: str) -> list[Claim]:
    """Against the hand-made rule: a third of the errors gone on degraded pictures, none added on clean ones."""
    verdicts = []
    for set_name in dict.fromkeys(name for name, _ in results):
        own, theirs = results.get((set_name, tokenizer)), results.get((set_name, HAND_MADE))
        clean = set_name.endswith(CLEAN)
        what = f"{set_name}: errors at 2K, of the hand-made rule's"
        if not own or not theirs:
            verdicts.append(Claim(what, "–", "–", UNKNOWN))
            continue
        error, bound = (1 - mean(each, "owned_at_2k") for each in (own, theirs))
        bound = bound if clean else bound * 2 / 3
        verdicts.append(Claim(what, f"{error:.4f}", f"≤ {bound:.4f}", OK if error <= bound else MISS))
    return verdicts


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the arguments ask for (default: the process's own), and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ownership", description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", nargs="+", default=KINDS, metavar="NAME", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--sizes", type=int, nargs="+", default=(), metavar="PX", help="only sets of these sizes")
    parser.add_argument(
        "--degraded", nargs="*", default=tuple(DEGRADATIONS), metavar="NAME", help=f"of {', '.join(DEGRADATIONS)}"
    )
    parser.add_argument("--weights", type=Path, nargs="+", default=(), metavar="FILE", help="tokenizers to compare")
    parser.add_argument("--split", default="test", metavar="NAME", help="test, or tune for what is chosen by figures")
    parser.add_argument("--limit", type=int, metavar="N", help="only N pictures of a set, spread over it")
    parser.add_argument("--json", metavar="FILE", help="write every figure")
    chosen = parser.parse_args(arguments)
    with errors_end_the_run():
        check_names("--degraded", chosen.degraded, DEGRADATIONS)
        opened = tokenizers(chosen.weights)
        results = measure_sets(
            set_names(chosen.sets, chosen.sizes), chosen.degraded, chosen.split, chosen.limit, opened
        )
        print(ownership_table(results))
        for path in chosen.weights:
            print("\n" + path.stem + claims_table(ownership_claims(results, path.stem)))
        if chosen.json:
            rows = [[*key, [asdict(each) for each in figures]] for key, figures in results.items()]
            write(Path(chosen.json), json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
