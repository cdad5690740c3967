"""file or array → RasterImage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class RasterImage:
    """An image as the rest of the program sees it.

    Attributes:
        pixels: uint8 (H, W, 4), sRGB with straight alpha; where alpha is 0 the colour is 0.
        name: what messages call it: the file's path, "<stdin>", "<array>" or "<image>".
        notes: what the user should know of the decoding ("first of 12 frames taken"), one line each.
    """

    pixels: np.ndarray
    name: str
    notes: tuple[str, ...] = ()


def load_raster(source: Any, max_pixels: int = 64_000_000) -> RasterImage:
    """Decode `source`: a path, "-" (stdin), bytes, a PIL image or an (H, W[, C]) array."""
    raise NotImplementedError
