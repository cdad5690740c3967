"""RasterImage → FeatureMap → MergeTree → Partition → PlanarMap → Outlines → Paints → Drawing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .options import VectorizeOptions


class Vectorizer:
    """Loads a tokenizer once and vectorizes any number of images; safe to call from several threads."""

    def __init__(self, weights: str | Path | None = None, device: str = "auto") -> None:
        raise NotImplementedError

    def vectorize(self, source: Any, options: VectorizeOptions | None = None) -> Any:
        """One image (path, "-", bytes, PIL image, array or RasterImage) → Drawing."""
        raise NotImplementedError
