"""dhvt-vectorize: raster images to SVG with a learned hierarchical tokenizer.

The public names are loaded when they are first used, so that importing the package is quick and needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "DhvtError": ".errors",
    "VectorizeOptions": ".options",
    "RasterImage": ".raster",
    "Vectorizer": ".pipeline",
    "Drawing": ".drawing.drawing",
    "DHVTokenizer": ".tokenizer.tokenizer",
    "Partition": ".tokenizer.selection",
    "compile_kernels": ".compilation",
}
__all__ = [
    "DHVTokenizer",
    "DhvtError",
    "Drawing",
    "Partition",
    "RasterImage",
    "VectorizeOptions",
    "Vectorizer",
    "__version__",
    "compile_kernels",
]

if TYPE_CHECKING:
    from .compilation import compile_kernels
    from .drawing.drawing import Drawing
    from .errors import DhvtError
    from .options import VectorizeOptions
    from .pipeline import Vectorizer
    from .raster import RasterImage
    from .tokenizer.selection import Partition
    from .tokenizer.tokenizer import DHVTokenizer


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; public names: {', '.join(__all__)}")
    value = getattr(import_module(_HOME[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
