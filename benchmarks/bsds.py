"""BSDS500 (Arbeláez, Maire, Fowlkes & Malik 2011) → photographs with the segmentations several people drew of them.

From the shared `data/bsds500/SPLIT`: NAME.jpg, and NAME-0.png, NAME-1.png … with one label map an annotator. Of the
splits train is for training, val for choosing settings, test for reporting. The set's terms are for research: it is
measured on, and no weights that this project ships were trained on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from dhvt_vectorize.errors import InputError, UsageError

from .data import shared_folder
from .pictures import RgbArray, read_rgb

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Sample:
    """One photograph, uint8 (H, W, 3), and the annotators' label maps, uint8 (H, W) each."""

    name: str
    image: RgbArray
    truths: tuple[UInt8[np.ndarray, "height width"], ...]


def sample_names(split: str, every: int = 1, limit: int | None = None) -> list[str]:
    """The names in a split in order: every so manyth from the first on, and of these at most so many.

    Raises:
        UsageError: unknown split.
        InputError: the data set is not there.
    """
    names = sorted(path.stem for path in _folder(split).glob("*.jpg"))
    if not names:
        raise InputError(
            _folder(split), "holds no photographs", "set DHVT_SHARED to the folder that holds data/bsds500"
        )
    return names[::every][:limit]


def read_sample(split: str, name: str) -> Sample:
    """A photograph and all its segmentations, in the annotators' order.

    Raises:
        UsageError: unknown split.
        InputError: the photograph or its segmentations are missing.
    """
    folder = _folder(split)
    photograph, maps = folder / f"{name}.jpg", sorted(folder.glob(f"{name}-*.png"))
    if not photograph.exists() or not maps:
        raise InputError(photograph, "is missing, or has no label maps", f"take one of sample_names({split!r})")
    return Sample(name, read_rgb(photograph), tuple(_read_labels(path) for path in maps))


def _folder(split: str) -> Path:
    if split not in SPLITS:
        raise UsageError("--split", f"no such value {split!r}", f"choose from {', '.join(SPLITS)}")
    return shared_folder() / "data" / "bsds500" / split


def _read_labels(path: Path) -> UInt8[np.ndarray, "height width"]:
    with Image.open(path) as image:
        return np.asarray(image)
