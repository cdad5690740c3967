"""Enlarged pictures give the smaller ones back; nothing else is taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from degraded_drawings import SEEDS, as_jpeg, blurred, drawing, noisy
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dhvt_vectorize.tokenizer.enlarged import FACTORS, before_enlarging
from dhvt_vectorize.tokenizer.rims import premultiply

OFF_BY_ROUNDING = 3


def resized(premultiplied: np.ndarray, factor: float, resampling: Image.Resampling) -> np.ndarray:
    """As Pillow does it to colours times alpha."""
    size = (round(premultiplied.shape[1] * factor), round(premultiplied.shape[0] * factor))
    return np.array(Image.fromarray(premultiplied, "RGBa").resize(size, resampling))


@given(st.integers(4, 20), st.integers(4, 20), st.sampled_from(FACTORS), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_any_picture_comes_back_but_for_rounding(height: int, width: int, factor: int, seed: int) -> None:
    small = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    small[..., :3] = np.minimum(small[..., :3], small[..., 3:])
    found = before_enlarging(resized(small, factor, Image.Resampling.BILINEAR))
    assert found is not None
    assert found.shape == small.shape
    assert np.abs(found.astype(int) - small).max() <= OFF_BY_ROUNDING


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("factor", FACTORS)
def test_a_drawing_comes_back_whatever_its_alpha(seed: int, factor: int) -> None:
    pixels = drawing(seed)
    clear = pixels.copy()
    clear[..., 3] = np.linspace(0, 255, 96).astype(np.uint8)
    for each in (pixels, clear):
        size = (96 * factor, 96 * factor)
        large = np.array(Image.fromarray(each).resize(size, Image.Resampling.BILINEAR))
        found = before_enlarging(premultiply(large))
        assert found is not None
        assert np.abs(found.astype(int) - premultiply(each)).max() <= OFF_BY_ROUNDING


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("resampling", [Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
def test_what_was_cut_where_a_filter_overshot_is_found(seed: int, factor: int, resampling: Image.Resampling) -> None:
    pixels = drawing(seed)
    pixels[pixels > 220] = 255
    large = resized(pixels, factor, resampling)
    assert large[..., :3].max() == 255
    found = before_enlarging(large)
    assert found is not None
    off = np.abs(found.astype(int) - pixels)
    assert off.max() <= 10
    assert off.mean() < 0.5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: pixels,
        as_jpeg,
        blurred,
        noisy,
        lambda pixels: resized(pixels, 2, Image.Resampling.NEAREST),
        lambda pixels: resized(pixels, 2, Image.Resampling.HAMMING),
        lambda pixels: resized(pixels, 1.5, Image.Resampling.BILINEAR),
        lambda pixels: as_jpeg(resized(pixels, 2, Image.Resampling.BILINEAR)),
    ],
)
def test_what_was_not_enlarged_so_is_none(seed: int, change) -> None:
    assert before_enlarging(change(drawing(seed))) is None


@pytest.mark.parametrize("steepness", [0.0, 0.5, 3.7])
def test_nothing_but_a_ramp_is_none(steepness: float) -> None:
    ramp = np.full((40, 60, 4), 255, np.uint8)
    ramp[..., 0] = np.rint(20 + steepness * np.arange(60))
    ramp[..., 1] = np.rint(20 + steepness * np.arange(40))[:, None]
    assert before_enlarging(ramp) is None


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (7, 9), (6, 400), (8, 7)])
def test_too_small_or_odd_pictures_are_none(shape: tuple[int, int]) -> None:
    assert before_enlarging(np.full((*shape, 4), 255, np.uint8)) is None
