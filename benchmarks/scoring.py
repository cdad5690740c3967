"""One SVG against the raster it was traced from, and where there is one the true SVG → the figures that count.

psnr, ssim       over white, at the raster's size
psnr4x, ssim4x   the same at four times that size, against the true SVG
shapes, segments what is drawn (see `dhvt_vectorize.drawing.figures`)
bytes, gz        of the text in UTF-8, plain and gzipped
conflation       share of pixels that differ by more than 16 levels between the drawing at 1.371 times its size over
                 magenta and the mean of a drawing four times larger: page or hidden paint that shows where shapes meet
…_ratio          shapes and segments over those of the true SVG, where that can be counted

All but the ratios are figures of the shared `arena/score.py`; `tests/test_scoring.py` holds both against each other.
Limits: SSIM needs 11 pixels a side, and path data is counted as `dhvt_vectorize.drawing.figures` says.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8
from skimage.metrics import structural_similarity

from dhvt_vectorize.drawing.figures import ForbiddenElementError, count, psnr
from dhvt_vectorize.drawing.preview import render

__all__ = ["Figures", "ForbiddenElementError", "conflation", "count", "psnr", "render", "score", "ssim"]

WHITE = (255, 255, 255)
MAGENTA = (255, 0, 255)
ENLARGED = 4

RgbArray = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class Figures:
    """The figures of one drawing; the last four are None where there is no true SVG, or none that can be counted."""

    psnr: float
    ssim: float
    shapes: int
    segments: int
    bytes: int
    gz: int
    conflation: float
    psnr4x: float | None = None
    ssim4x: float | None = None
    shapes_ratio: float | None = None
    segments_ratio: float | None = None


def score(svg: str, raster: RgbArray, truth: str | None = None) -> Figures:
    """All figures of a drawing.

    Args:
        svg: the drawing.
        raster: what it was traced from, over white, uint8 (H, W, 3).
        truth: the SVG the raster was drawn from.

    Raises:
        ForbiddenElementError: the drawing is no vectorization.
        ValueError: the drawing cannot be rendered, or the raster has less than 11 pixels a side.
        SyntaxError: the drawing is not well-formed XML.
    """
    height, width = raster.shape[:2]
    shapes, segments = count(svg)
    text = svg.encode()
    drawn = render(svg, width, height, WHITE)
    psnr4x, ssim4x = _against_truth(svg, truth, width, height) if truth else (None, None)
    shapes_ratio, segments_ratio = _of_truth(shapes, segments, truth)
    return Figures(
        psnr(drawn, raster),
        ssim(drawn, raster),
        shapes,
        segments,
        len(text),
        len(gzip.compress(text, compresslevel=6)),
        conflation(svg, width, height),
        psnr4x,
        ssim4x,
        shapes_ratio,
        segments_ratio,
    )


def ssim(drawn: RgbArray, image: RgbArray) -> float:
    """Structural similarity (Wang et al. 2004: Gaussian window, sigma 1.5) of two uint8 RGB arrays, at most 1."""
    # scikit-image is typed here and there; as a plain callable it passes either way
    similarity: Callable[..., Any] = structural_similarity
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(similarity(drawn, image, channel_axis=2, data_range=255, **settings))


def conflation(svg: str, width: int, height: int, scale: float = 1.371, factor: int = 4) -> float:
    """Share of pixels (0…1) where rendering at once and rendering larger, then averaging, disagree visibly.

    Args:
        svg: the drawing.
        width, height: the raster's size; the drawing is looked at `scale` times larger, where edges fall off the grid.
        factor: how many times larger the averaged rendering is.
    """
    width, height = round(width * scale), round(height * scale)
    drawn = render(svg, width, height, MAGENTA)
    larger = render(svg, width * factor, height * factor, MAGENTA)
    # sums of 16 levels stay whole numbers, so nothing is rounded before the comparison
    sums = larger.reshape(height, factor, width, factor, 3).sum(axis=(1, 3), dtype=np.int32)
    difference = np.abs(drawn.astype(np.int32) * factor**2 - sums).max(axis=2)
    return float((difference > 16 * factor**2).mean())


def _of_truth(shapes: int, segments: int, truth: str | None) -> tuple[float | None, float | None]:
    """Shapes and segments over the true SVG's."""
    try:
        true = count(truth) if truth else None
    except (ValueError, SyntaxError):
        true = None
    return (None, None) if true is None else (shapes / max(1, true.shapes), segments / max(1, true.segments))


def _against_truth(svg: str, truth: str, width: int, height: int) -> tuple[float, float]:
    drawn = render(svg, width * ENLARGED, height * ENLARGED, WHITE)
    true = render(truth, width * ENLARGED, height * ENLARGED, WHITE)
    return psnr(drawn, true), ssim(drawn, true)
