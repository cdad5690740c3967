"""An image → which token owns each pixel: this project's tokenizer and the ones it is compared with, by name.

patches     squares of one size, in rows
quadtree    squares of several sizes: the one that a single colour fits worst is quartered, again and again
            (mixed-resolution tokens, Ronen et al. 2023, arXiv 2304.00287)
slic        superpixels of scikit-image's SLIC (Achanta et al. 2012)
dhvt        regions of a merge tree, as many as asked for or as a criterion selects

Each takes uint8 (H, W, 3) or (H, W, 4) and gives int32 (H, W), 0…K−1: the same for the same image, so that a data set's
tokens can be computed once and kept. `tokenizer_named` makes one from a name and options, as a file holds them.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int32, UInt8

from ..errors import UsageError

Pixels = UInt8[np.ndarray, "H W C"]
Labels = Int32[np.ndarray, "H W"]


@dataclass(frozen=True)
class FixedPatches:
    """Squares of `side` px, in rows; those at the right and lower end are cut off where the image ends."""

    name: ClassVar[str] = "patches"
    side: int = 16

    def __post_init__(self) -> None:
        _at_least("side", self.side, 1)

    def __call__(self, image: Pixels) -> Labels:
        """Who owns each pixel."""
        rows, columns = (np.arange(length) // self.side for length in image.shape[:2])
        labels: Labels = (rows[:, None] * (columns[-1] + 1) + columns[None]).astype(np.int32)
        return labels


@dataclass(frozen=True)
class QuadtreePatches:
    """About `tokens` rectangles: the one with the most squared deviation from its mean colour is quartered next.

    Each quartering adds three, up to `tokens` at most; rectangles with a side below 2 · `least` px stay whole, as do
    those of one colour.
    """

    name: ClassVar[str] = "quadtree"
    tokens: int = 64
    least: int = 4

    def __post_init__(self) -> None:
        _at_least("tokens", self.tokens, 1)
        _at_least("least", self.least, 1)

    def __call__(self, image: Pixels) -> Labels:
        """Who owns each pixel."""
        colours = image.astype(np.float64)
        sums, squares = _integral(colours), _integral((colours**2).sum(2, keepdims=True))
        heap = [self._entry(sums, squares, (0, 0, *image.shape[:2]))]
        while len(heap) + 3 <= self.tokens and heap[0][0] < 0:
            _, (top, left, bottom, right) = heapq.heappop(heap)
            y, x = (top + bottom) // 2, (left + right) // 2
            for part in ((top, left, y, x), (top, x, y, right), (y, left, bottom, x), (y, x, bottom, right)):
                heapq.heappush(heap, self._entry(sums, squares, part))
        labels = np.empty(image.shape[:2], np.int32)
        for number, (top, left, bottom, right) in enumerate(sorted(box for _, box in heap)):
            labels[top:bottom, left:right] = number
        return labels

    def _entry(
        self, sums: np.ndarray, squares: np.ndarray, box: tuple[int, int, int, int]
    ) -> tuple[float, tuple[int, int, int, int]]:
        """Minus the squared deviation, so that the greatest comes first; 0 where nothing is to be quartered."""
        top, left, bottom, right = box
        if min(bottom - top, right - left) < 2 * self.least:
            return 0.0, box
        mass = (bottom - top) * (right - left)
        deviation = _within(squares, box).sum() - (_within(sums, box) ** 2).sum() / mass
        return -max(0.0, round(float(deviation), 3)), box


@dataclass(frozen=True)
class SlicSuperpixels:
    """About `tokens` superpixels of even size."""

    name: ClassVar[str] = "slic"
    tokens: int = 64
    compactness: float = 10.0
    sigma: float = 1.0

    def __post_init__(self) -> None:
        _at_least("tokens", self.tokens, 1)

    def __call__(self, image: Pixels) -> Labels:
        """Who owns each pixel."""
        from skimage.segmentation import slic

        labels = slic(image[..., :3], self.tokens, self.compactness, sigma=self.sigma, start_label=0)
        numbers = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
        return numbers.astype(np.int32)


@dataclass(frozen=True)
class HierarchicalRegions:
    """Regions of `DHVTokenizer`.

    Attributes:
        tokens: exactly so many, or as the criterion selects (None).
        criterion: bic, aic, aicc or mdl, where `tokens` is None.
        detail: 0 (few tokens) to 1 (many); 0.5 is the criterion itself.
        max_depth: levels of the hierarchy that tokens may come from; None is all.
        most: of tokens, whatever the criterion selects.
        weights: a checkpoint, "default" for the one that comes with the package, or "none" for an untrained net, whose
            features are CIE Lab.
        device: where the net runs and the hierarchy is built; a CUDA device may round features otherwise.
    """

    name: ClassVar[str] = "dhvt"
    tokens: int | None = None
    criterion: str = "bic"
    detail: float = 0.5
    max_depth: int | None = None
    most: int | None = None
    weights: str = "default"
    device: str = "cpu"

    def __call__(self, image: Pixels) -> Labels:
        """Who owns each pixel."""
        return self.of_images([image])[0]

    def of_images(self, images: Sequence[Pixels]) -> list[Labels]:
        """Who owns each pixel, in several images at once: as in each of them alone, but in less time."""
        choice: dict[str, Any] = {"regions": self.tokens} if self.tokens is not None else {"max_tokens": self.most}
        choice |= {"criterion": self.criterion, "detail": self.detail, "max_depth": self.max_depth}
        return [partition.labels for partition in self.opened().partitions(images, **choice)]

    def opened(self) -> Any:
        """The `DHVTokenizer` with these weights."""
        return _opened(self.weights, self.device)


ImageTokenizer = FixedPatches | QuadtreePatches | SlicSuperpixels | HierarchicalRegions
TOKENIZERS: dict[str, type[ImageTokenizer]] = {
    kind.name: kind for kind in (FixedPatches, QuadtreePatches, SlicSuperpixels, HierarchicalRegions)
}


def tokenizer_named(name: str, options: Mapping[str, Any] | None = None) -> ImageTokenizer:
    """The tokenizer of that name.

    Args:
        name: one of `TOKENIZERS`.
        options: its attributes; those left out have their defaults.

    Raises:
        UsageError: an unknown name or option (the known ones are listed), or one out of its range.
    """
    if name not in TOKENIZERS:
        raise UsageError("tokenizer", f"no such value {name!r}", f"choose one of {', '.join(TOKENIZERS)}")
    known = list(TOKENIZERS[name].__dataclass_fields__)
    for option in options or {}:
        if option not in known:
            raise UsageError(f"{name}.{option}", "is no option of this tokenizer", f"choose from {', '.join(known)}")
    return TOKENIZERS[name](**(options or {}))


def described(tokenizer: ImageTokenizer) -> dict[str, Any]:
    """Name and options, as `tokenizer_named` takes them and JSON can hold."""
    return {"name": tokenizer.name, "options": asdict(tokenizer)}


def tokens_of(tokenizer: ImageTokenizer, images: Sequence[Pixels]) -> list[Labels]:
    """Who owns each pixel of each image."""
    if isinstance(tokenizer, HierarchicalRegions):
        return tokenizer.of_images(images)
    return [tokenizer(image) for image in images]


def _opened(weights: str, device: str) -> Any:
    """The tokenizer of a weights file on a device, opened once."""
    if (weights, device) not in _OPEN:
        from ..tokenizer.checkpoint import resolve_device
        from ..tokenizer.initial import initial_net
        from ..tokenizer.tokenizer import DHVTokenizer

        if weights == "none":
            net = initial_net().eval().to(resolve_device(device))
            _OPEN[weights, device] = DHVTokenizer(net, net.config)
        else:
            _OPEN[weights, device] = DHVTokenizer.load(None if weights == "default" else weights, device)
    return _OPEN[weights, device]


_OPEN: dict[tuple[str, str], Any] = {}


def _at_least(option: str, value: float, lowest: float) -> None:
    if value < lowest:
        raise UsageError(option, f"{value!r} is out of range", f"give a number from {lowest:g}")


def _integral(values: Float[np.ndarray, "H W C"]) -> Float[np.ndarray, "H1 W1 C"]:
    return np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0), (0, 0)))


def _within(integral: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    top, left, bottom, right = box
    total: np.ndarray = integral[bottom, right] - integral[top, right] - integral[bottom, left] + integral[top, left]
    return total
