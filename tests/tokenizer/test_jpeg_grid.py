"""Pictures that were JPEGs are told, with their grid, chroma and steps; no other picture is taken for one."""

from __future__ import annotations

import io

import numpy as np
import pytest
from degraded_drawings import SEEDS, as_jpeg, blurred, drawing, enlarged, noisy
from PIL import Image
from scipy.fft import dctn

from dhvt_vectorize.tokenizer import _jpeg_kernels
from dhvt_vectorize.tokenizer.jpeg_grid import compression, split

FACTORS = {"4:2:0": (2, 2), "4:2:2": (1, 2), "4:4:4": (1, 1)}


def steps_in_file(quality: int) -> tuple[np.ndarray, np.ndarray]:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG", quality=quality)
    tables = Image.open(buffer).quantization  # type: ignore[attr-defined]
    return np.reshape(tables[0], (8, 8)), np.reshape(tables[1], (8, 8))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("subsampling", FACTORS)
@pytest.mark.parametrize("quality", [40, 60, 75, 86])
def test_a_jpeg_is_told_with_its_chroma_and_nearly_its_steps(seed: int, quality: int, subsampling: str) -> None:
    found = compression(as_jpeg(drawing(seed), quality, subsampling))
    assert found is not None
    assert (found.row, found.column, found.factors) == (0, 0, FACTORS[subsampling])
    for steps, written in zip((found.luma, found.chroma), steps_in_file(quality), strict=True):
        assert steps == pytest.approx(written, rel=0.12, abs=1.5)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("row", [0, 3, 8, 13])
@pytest.mark.parametrize("column", [0, 5, 9])
def test_the_grid_is_found_wherever_the_picture_was_cut(seed: int, row: int, column: int) -> None:
    found = compression(np.ascontiguousarray(as_jpeg(drawing(seed), 75)[row:, column:]))
    assert found is not None
    assert (found.row % 16, found.column % 16) == (-row % 16, -column % 16)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("change", [lambda pixels: pixels, blurred, enlarged, noisy])
def test_what_was_no_jpeg_is_taken_for_none(seed: int, change) -> None:
    assert compression(change(drawing(seed))) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_jpeg_that_was_resized_since_is_taken_for_none(seed: int) -> None:
    was = Image.fromarray(as_jpeg(drawing(seed), 75))
    assert compression(np.array(was.resize((71, 71), Image.Resampling.BICUBIC))) is None


def test_pictures_with_alpha_tiny_ones_and_flat_ones_are_taken_for_none() -> None:
    jpeg = as_jpeg(drawing(0), 75)
    with_alpha = jpeg.copy()
    with_alpha[3, 4, 3] = 254
    assert compression(with_alpha) is None
    assert compression(np.ascontiguousarray(jpeg[:15])) is None
    assert compression(np.full((32, 32, 4), 255, np.uint8)) is None


def test_a_grey_jpeg_is_told_without_its_chroma() -> None:
    grey = np.asarray(Image.fromarray(drawing(1)).convert("L"))
    found = compression(as_jpeg(np.dstack([grey, grey, grey, np.full_like(grey, 255)]), 75))
    assert found is not None
    assert found.factors is None


def test_coefficients_are_those_of_scipy_and_come_back_as_values() -> None:
    values = np.random.default_rng(0).uniform(-128, 127, (8, 8)).astype(np.float32)
    block = values.copy()
    _jpeg_kernels.forward(block)
    assert block == pytest.approx(dctn(values, norm="ortho"), abs=1e-3)
    _jpeg_kernels.backward(block)
    assert block == pytest.approx(values, abs=1e-3)


def test_planes_are_those_of_pillow() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 17, 4)).astype(np.uint8)
    expected = np.asarray(Image.fromarray(pixels[..., :3]).convert("YCbCr")).astype(float) - 128
    assert split(pixels) == pytest.approx(np.moveaxis(expected, -1, 0), abs=1.0)
