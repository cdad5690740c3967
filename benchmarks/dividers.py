"""Method names → functions that divide a photograph into about the numbers of regions asked for.

tokenizer           a weights file, named by its stem; `open_dividers` opens each of the files it is given
lab-μ               the same merge tree on the features of an untrained net, which are CIE Lab, with border exponent μ
lab-μ-rims          the same after the hand-made rim rule (`dhvt_vectorize.tokenizer.rims`)
lab-μ-smooth        as lab-μ, on Lab smoothed by a Gaussian of σ = 1
lab-μ-refined       as lab-μ, the cut refined as the tokenizer refines its own; lab-μ-rims-refined likewise
lab-μ-compact       as lab-μ, with places in the merges' cost as the tokenizer has them; lab-μ-compact-refined likewise
slic                scikit-image's SLIC (Achanta et al. 2012), compactness 10, σ = 1
felzenszwalb        scikit-image's graph cut (Felzenszwalb & Huttenlocher 2004), σ = 0.8, no region below N/8K pixels
compact-watershed   scikit-image's watershed (Neubert & Protzel 2014) of the Lab gradient from K evenly spread markers,
                    compactness 0.1
ward                higra's binary partition tree by Ward's linkage on Lab, 4-adjacency, its first N − K merges

The settings of scikit-image's methods are the best of a few on the val split at 200 regions. SLIC and Felzenszwalb give
no exact numbers: a parameter is searched for, image by image, until the number is within `CLOSE_ENOUGH` of K, or
`SEARCH_RUNS` runs are spent and the nearest of them is taken. Limit: a photograph may not have K regions at all.
"""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from dhvt_vectorize.errors import UsageError

from .partitions import Labels
from .pictures import RgbArray

if TYPE_CHECKING:
    from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

TOKENIZER = "tokenizer"
BORDER_EXPONENTS = (0.0, 0.25, 0.5, 0.75)
VARIANTS = ("", "-rims", "-smooth", "-refined", "-rims-refined", "-compact", "-compact-refined")
RAW_LAB = {f"lab-{mu:g}{variant}": (mu, variant) for variant in VARIANTS for mu in BORDER_EXPONENTS}
CLASSICAL = ("slic", "felzenszwalb", "compact-watershed", "ward")
METHODS = (TOKENIZER, *RAW_LAB, *CLASSICAL)

CLOSE_ENOUGH = 0.03
# a limit of contrast, in Lab units, that no image comes near
UNCOMPRESSED = 1e6
SEARCH_RUNS = 8


@dataclass(frozen=True)
class Division:
    """A label map (H, W), what was asked for, and the seconds that dividing the photograph this way takes.

    A tree is built once for all cuts; its seconds count in each of them. Of a search only the run taken counts.
    """

    setting: str
    labels: Labels
    seconds: float


Divide = Callable[[RgbArray], Iterator[Division]]


def absent(methods: Sequence[str]) -> dict[str, str]:
    """Those of the methods that need a package which is not installed, and why they cannot be opened."""
    missing = importlib.util.find_spec("higra") is None
    return {name: "higra is not installed" for name in methods if name == "ward" and missing}


def open_dividers(methods: Sequence[str], weights: Sequence[Path], counts: Sequence[int]) -> dict[str, Divide]:
    """The methods by name, `tokenizer` once for each weights file.

    Every one divides an image once for each of `counts`, and gives it as the division's setting.

    Raises:
        UsageError: an unknown method, or two of one name.
        WeightsError: a weights file cannot be used.
    """
    dividers: dict[str, Divide] = {}
    for name in methods:
        if name not in METHODS:
            raise UsageError("--methods", f"no such value {name!r}", f"choose from {', '.join(METHODS)}")
        dividers |= _open(name, weights, counts)
    return dividers


def tokenizer_names(weights: Sequence[Path]) -> list[str]:
    """What the tokenizers of these files are called.

    Raises:
        UsageError: two files have one name.
    """
    names = [path.stem for path in weights]
    if len(set(names)) < len(names) or set(names) & set(METHODS):
        raise UsageError("--weights", "two methods would have one name", "give files with names of their own")
    return names


def _open(name: str, weights: Sequence[Path], counts: Sequence[int]) -> dict[str, Divide]:
    if name == "ward":
        return {name: partial(_ward, counts=counts)}
    if name == "compact-watershed":
        return {name: partial(_compact_watershed, counts=counts)}
    if name in _SEARCHED:
        return {name: partial(_searched, counts=counts, **_SEARCHED[name])}
    # here, because these alone need torch
    from dhvt_vectorize.tokenizer.config import TokenizerConfig
    from dhvt_vectorize.tokenizer.initial import initial_net
    from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

    if name == TOKENIZER:
        files = zip(tokenizer_names(weights), weights, strict=True)
        return {each: partial(_merged, DHVTokenizer.load(file, "cpu"), counts=counts) for each, file in files}
    mu, variant = RAW_LAB[name]
    raw = TokenizerConfig(token_red_green=1.0, token_blue_yellow=1.0, token_contrast=UNCOMPRESSED)
    plain = replace(raw, token_border_exponent=mu, rim_rule="rims" in variant)
    config = plain if "compact" in variant else replace(plain, token_compactness=0.0)
    config = replace(config, token_smoothing=1.0 if "smooth" in variant else 0.0)
    tokenizer = DHVTokenizer(initial_net(config).eval(), config)
    return {name: partial(_merged, tokenizer, counts=counts, refined="refined" in variant)}


def with_alpha(image: RgbArray) -> UInt8[np.ndarray, "height width 4"]:
    """The image as the tokenizer takes it: opaque."""
    return np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])


def _merged(
    tokenizer: DHVTokenizer, image: RgbArray, counts: Sequence[int], refined: bool = True
) -> Iterator[Division]:
    """Cuts of the merge tree, refined or not."""
    start = time.perf_counter()
    features = tokenizer.pixel_features(with_alpha(image), compact=True)
    tree = tokenizer.merge_tree(features, compact=True)

    def cut(count: int) -> Labels:
        partition = tokenizer.select(tree, regions=count)
        return (tokenizer.refine(partition, features, compact=True) if refined else partition).labels

    yield from _cuts(start, cut, counts)


def _ward(image: RgbArray, counts: Sequence[int]) -> Iterator[Division]:
    import higra

    height, width = image.shape[:2]
    start = time.perf_counter()
    graph = higra.get_4_adjacency_graph((height, width))
    pixels = _lab(image).reshape(-1, 3)
    tree, _ = higra.binary_partition_tree_ward_linkage(graph, pixels, np.ones(len(pixels)))
    # nodes come in the order of merging: cut by that, since merges that cost the same admit no exact number by cost
    ranks = np.maximum(np.arange(tree.num_vertices()) - len(pixels) + 1.0, 0.0)
    explorer = higra.HorizontalCutExplorer(tree, ranks)

    def cut(count: int) -> Labels:
        nodes = explorer.horizontal_cut_from_num_regions(count)
        return np.asarray(nodes.labelisation_leaves(tree), np.int64).reshape(height, width)

    yield from _cuts(start, cut, counts)


def _cuts(start: float, cut: Callable[[int], Labels], counts: Sequence[int]) -> Iterator[Division]:
    """Cuts of one tree, which was begun at `start` and is there now."""
    built = time.perf_counter() - start
    for count in counts:
        start = time.perf_counter()
        labels = cut(count)
        yield Division(str(count), labels, built + time.perf_counter() - start)


def _compact_watershed(image: RgbArray, counts: Sequence[int]) -> Iterator[Division]:
    from skimage.filters import sobel
    from skimage.segmentation import watershed

    # scikit-image is typed here and there; as plain callables they pass either way
    slope: Callable[..., Any] = sobel
    flood: Callable[..., Any] = watershed
    height, width = image.shape[:2]
    for count in counts:
        start = time.perf_counter()
        lab = _lab(image)
        gradient = np.sqrt(sum(slope(lab[..., channel]) ** 2 for channel in range(3)))
        labels = flood(gradient, spread_markers(height, width, count), compactness=0.1)
        yield Division(str(count), labels, time.perf_counter() - start)


def spread_markers(height: int, width: int, count: int) -> Int[np.ndarray, "height width"]:
    """`count` single pixels, numbered from 1, in evenly spaced rows of nearly as many each; 0 elsewhere."""
    markers = np.zeros((height, width), np.int32)
    rows = min(count, max(1, round(math.sqrt(count * height / width))))
    numbers = np.arange(1, count + 1)
    for row in range(rows):
        own = numbers[row * count // rows : (row + 1) * count // rows]
        columns = (np.arange(len(own)) * 2 + 1) * width // (2 * len(own))
        markers[(row * 2 + 1) * height // (2 * rows), columns] = own
    return markers


def _searched(
    image: RgbArray,
    counts: Sequence[int],
    run: Callable[[RgbArray, int, float], Labels],
    first: Callable[[int], float],
    rising: bool,
) -> Iterator[Division]:
    for count in counts:
        yield search(partial(run, image, count), count, first(count), rising)


def search(run: Callable[[float], Labels], count: int, first: float, rising: bool) -> Division:
    """The run with the number of regions nearest to `count` that is found by trying values of one parameter.

    Args:
        run: divides, given the parameter's value, which is above 0.
        count: how many regions are wanted.
        first: the value to begin with.
        rising: whether a larger value makes more regions, or fewer.
    """
    low, high, value = 0.0, math.inf, first
    best, miss = Division(str(count), np.zeros((1, 1), np.int64), 0.0), math.inf
    for _ in range(SEARCH_RUNS):
        start = time.perf_counter()
        labels = run(value)
        seconds = time.perf_counter() - start
        found = len(np.unique(labels))
        if abs(found - count) < miss:
            best, miss = Division(str(count), labels, seconds), abs(found - count)
        if miss <= CLOSE_ENOUGH * count:
            break
        if (found < count) == rising:
            low = value
        else:
            high = value
        ratio = count / found if rising else found / count
        value = math.sqrt(low * high) if low > 0 and high < math.inf else value * ratio
    return best


def _slic(image: RgbArray, _: int, segments: float) -> Labels:
    from skimage.segmentation import slic

    divide: Callable[..., Any] = slic
    return np.asarray(divide(image, n_segments=round(segments), compactness=10, sigma=1, start_label=0))


def _felzenszwalb(image: RgbArray, count: int, scale: float) -> Labels:
    from skimage.segmentation import felzenszwalb

    divide: Callable[..., Any] = felzenszwalb
    smallest = image.shape[0] * image.shape[1] // (8 * count)
    return np.asarray(divide(image, scale=scale, sigma=0.8, min_size=smallest))


# what is run, the parameter's value that the search begins with, and whether it makes more regions
_SEARCHED: dict[str, dict[str, Any]] = {
    "slic": {"run": _slic, "first": lambda count: 1.1 * count, "rising": True},
    "felzenszwalb": {"run": _felzenszwalb, "first": lambda count: 20_000 / count, "rising": False},
}


def _lab(image: RgbArray) -> Float[np.ndarray, "height width 3"]:
    from skimage.color import rgb2lab

    lab: Float[np.ndarray, "height width 3"] = rgb2lab(image)
    return lab
