"""The stages of a drawing, in parts that need nothing of one another, done with a picture of a few pixels.

For the kernels that they compile: those are of the types that count, since the stages are the pipeline's own.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int32, UInt8

from .options import VectorizeOptions

if TYPE_CHECKING:
    from .drawing.paints import Paints

SIDE = 144
OPTIONS = VectorizeOptions().resolved("illustration")


def rehearse_regions() -> None:
    """From pixels to regions: of a drawing, opaque, as a JPEG or not opaque, and of a photograph; and regions that lose
    a speck."""
    from .pipeline import reduced
    from .tokenizer.tokenizer import DHVTokenizer
    from .training.degrade import through_jpeg

    tokenizer = DHVTokenizer.load(device="cpu")
    drawings = _pixels(), through_jpeg(_pixels(), 75, subsampling=2), _pixels(alpha=128)
    for pixels, photograph in (*((drawing, False) for drawing in drawings), (_noise(), True)):
        features = tokenizer.pixel_features(pixels, photograph=photograph)
        tokenizer.refine(tokenizer.select(tokenizer.merge_tree(features)), features)
    reduced(_labels(), features, OPTIONS)


def rehearse_outlines() -> None:
    """From regions to curves, and to the stroke of an oblong."""
    import shapely

    from .pipeline import barred, outlined
    from .tracing.strokes import fit_stroke

    labels, pixels = _labels(), _pixels()
    paints = _flat_paints(labels, pixels)
    outlines, polylines = outlined(labels, pixels, paints, OPTIONS)
    barred(outlines, polylines, pixels, paints, 0.0, recolour=True)
    oblong = shapely.segmentize(shapely.box(16, 32, 112, 40, ccw=False), 1.0)
    fit_stroke(4, [shapely.get_coordinates(oblong)[:-1]], float(OPTIONS.tolerance or 0.0))


def rehearse_drawing() -> None:
    """From regions and outlines, here pixels' edges, to the text of an SVG."""
    from .drawing.arrangement import runs_of_one_paint
    from .drawing.drawing import draw
    from .pipeline import layered, painted
    from .raster import RasterImage
    from .tracing.planar_map import trace_planar_map
    from .tracing.polygons import pixel_outlines

    labels, pixels = _labels(), _pixels(alpha=128)
    is_rim = np.zeros(labels.shape, bool)
    features: Any = SimpleNamespace(values=pixels.astype(np.int32), colours=pixels, is_rim=is_rim)
    labels, paints = painted(labels, features, None, OPTIONS, closely=True)
    outlines = pixel_outlines(trace_planar_map(labels))
    outlines, layers = layered(outlines, features, paints.opacity, OPTIONS)
    draw(RasterImage(pixels, "rehearsal"), OPTIONS, outlines, layers, paints, (), {})
    # no two faces are of one paint here
    runs_of_one_paint(np.array([[i, 0, i + 1, 1] for i in range(4)], np.int32), ["one", "other", "one", "one"])


def _labels() -> Int32[np.ndarray, "H W"]:
    """A disc with a square in it, and beside it a bar and a speck, a pixel wide."""
    y, x = np.mgrid[:SIDE, :SIDE]
    labels = np.zeros((SIDE, SIDE), np.int32)
    labels[(x - 48) ** 2 + (y - 48) ** 2 < 1600] = 1
    labels[32:64, 36:60] = 2
    labels[112, 16:112] = 3
    labels[120, 120] = 4
    return labels


def _pixels(alpha: int = 255) -> UInt8[np.ndarray, "H W 4"]:
    """These in colours that change from left to right, the bar black, the square as opaque as `alpha` says."""
    colours = np.array([[200, 220, 240], [220, 40, 30], [240, 200, 20], [0, 0, 0], [90, 90, 90]], np.uint8)
    labels = _labels()
    pixels = np.dstack([colours[labels], np.where(labels == 2, np.uint8(alpha), np.uint8(255))])
    pixels[..., 1] -= (pixels[..., 1] > 0) * np.arange(SIDE, dtype=np.uint8) // 4
    return pixels


def _noise() -> UInt8[np.ndarray, "H W 4"]:
    """As many zones as pixels, which are more than are ranked without counting."""
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 4), np.uint8)
    pixels[..., 3] = 255
    return pixels


def _flat_paints(labels: Int32[np.ndarray, "H W"], pixels: UInt8[np.ndarray, "H W 4"]) -> Paints:
    from .drawing.paints import fit_paints

    return fit_paints(labels, pixels, np.zeros(labels.shape, bool), "flat")
