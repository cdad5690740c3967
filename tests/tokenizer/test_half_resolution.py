"""Planes at half the resolution: what a decoder interpolates gives its samples back."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from dhvt_vectorize.tokenizer.half_resolution import interpolated, means, samples_of

FACTORS = [(1, 1), (1, 2), (2, 1), (2, 2)]


def some_samples(rows: int = 9, columns: int = 14) -> np.ndarray:
    return np.random.default_rng(0).uniform(-90, 90, (rows, columns)).astype(np.float32)


@pytest.mark.parametrize("factors", FACTORS)
def test_samples_come_back_from_the_pixels_they_were_interpolated_to(factors: tuple[int, int]) -> None:
    samples = some_samples()
    assert samples_of(interpolated(samples, factors), factors) == pytest.approx(samples, abs=1e-4)


@pytest.mark.parametrize("factors", FACTORS)
def test_there_are_as_many_pixels_to_a_sample_as_the_factors_say(factors: tuple[int, int]) -> None:
    samples = some_samples()
    pixels = interpolated(samples, factors)
    assert pixels.shape == (samples.shape[0] * factors[0], samples.shape[1] * factors[1])
    assert means(pixels, factors).shape == samples_of(pixels, factors).shape == samples.shape


@pytest.mark.parametrize("factors", FACTORS)
def test_means_are_those_of_cells(factors: tuple[int, int]) -> None:
    pixels = some_samples(8, 12)
    down, across = factors
    expected = [[pixels[y : y + down, x : x + across].mean() for x in range(0, 12, across)] for y in range(0, 8, down)]
    assert means(pixels, factors) == pytest.approx(np.array(expected), abs=1e-4)


@pytest.mark.parametrize("factors", FACTORS)
def test_one_colour_stays_one_colour(factors: tuple[int, int]) -> None:
    flat = np.full((6, 10), 37.5, np.float32)
    assert (interpolated(flat, factors) == 37.5).all()
    assert (means(flat, factors) == 37.5).all()


def test_pixels_are_interpolated_as_by_the_decoder_of_jpegs() -> None:
    """Of a picture that varies slowly, so that its chroma is nearly without loss at the highest quality."""
    y, x = np.mgrid[0:64, 0:64]
    picture = np.stack([128 + 60 * np.sin(x / 9), 128 + 0 * x, 128 + 60 * np.cos(y / 11)], -1).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=100, subsampling=2)
    decoded = np.asarray(Image.open(buffer).convert("YCbCr")).astype(np.float32)[..., 1]
    samples = samples_of(decoded, (2, 2))
    # levels are whole numbers; samples are told with one and a half of their error a side
    assert np.abs(interpolated(samples, (2, 2)) - decoded).max() <= 2.5
    assert np.abs(np.diff(samples, axis=1)).max() < 30
