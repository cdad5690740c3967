"""Drawings and photographs are told apart on pictures made to be either, whatever they went through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from scipy.ndimage import gaussian_filter

from dhvt_vectorize.raster import load_raster
from dhvt_vectorize.tokenizer.kind import is_photograph, noise_level
from dhvt_vectorize.training.degrade import Degradation

EXAMPLES = Path(__file__).parents[2] / "examples"
WORN = {
    "JPEG": Degradation(jpeg=75, subsampling=2),
    "noise": Degradation(noise=4.0),
    "both": Degradation(noise=3.0, jpeg=60),
    "blur": Degradation(blur=0.8, noise=2.0),
}


def example(name: str, side: int | None = None) -> np.ndarray:
    """An example image, opaque, its longer side of so many pixels."""
    image = Image.fromarray(load_raster(EXAMPLES / name).pixels)
    if side is not None:
        scale = side / max(image.size)
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    ground = Image.new("RGBA", image.size, "white")
    return np.array(Image.alpha_composite(ground, image))


def clouds(channels: int, side: int = 96, seed: int = 0) -> np.ndarray:
    """Smooth random fields under noise: colours without a centre."""
    random = np.random.default_rng(seed)
    field = np.stack([gaussian_filter(random.standard_normal((side, side)), 6) for _ in range(channels)], 2)
    levels = 128 + 60 * field / field.std() + random.normal(0, 3, field.shape)
    opaque = np.full((side, side, 4), 255, np.uint8)
    opaque[..., :3] = np.clip(levels, 0, 255)
    return opaque


class TestIsPhotograph:
    @pytest.mark.parametrize("worn", WORN)
    @pytest.mark.parametrize("side", [128, None])
    def test_a_worn_drawing_is_none(self, worn: str, side: int | None) -> None:
        image = WORN[worn].applied(example("logo.png", side), np.random.default_rng(0))
        assert not is_photograph(image)

    @pytest.mark.parametrize("side", [64, 128, 256, None])
    def test_a_photograph_is_one_at_any_size(self, side: int | None) -> None:
        assert is_photograph(example("photo.jpg", side))

    @pytest.mark.parametrize("channels", [1, 3])
    def test_many_tones_are_one_grey_or_in_colour(self, channels: int) -> None:
        assert is_photograph(clouds(channels))

    @given(arrays.arrays(np.uint8, (12, 9, 4)))
    def test_what_has_no_noise_is_none(self, pixels: np.ndarray) -> None:
        doubled = np.repeat(pixels, 3, axis=1)
        assert noise_level(doubled) == 0
        assert not is_photograph(doubled)

    @given(st.integers(1, 3), st.integers(1, 3))
    def test_tiny_pictures_are_something(self, height: int, width: int) -> None:
        random = np.random.default_rng(height * 4 + width)
        assert is_photograph(random.integers(0, 256, (height, width, 4), np.uint8)) in (False, True)


class TestNoiseLevel:
    def test_it_is_the_median_difference_of_horizontal_neighbours(self) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (31, 32, 4), np.uint8)
        expected = np.median(np.abs(np.diff(pixels[..., 1].astype(int), axis=1)))
        assert noise_level(pixels) == expected
        assert noise_level(pixels[:, :1]) == 0
