"""By how much a picture was enlarged, whatever it shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from dhvt_vectorize.pipeline import choose_preset
from dhvt_vectorize.raster.enlargement import enlargement

names = arrays.arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.integers(0, 3))
PALETTE = np.array([[0, 0, 0, 255], [255, 255, 255, 255], [200, 30, 60, 255], [0, 0, 0, 0]], np.uint8)


def enlarged(pixels: np.ndarray, factor: int) -> np.ndarray:
    return pixels.repeat(factor, 0).repeat(factor, 1)


@given(names, st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_what_is_left_out_of_an_enlarged_picture_can_be_put_back(small: np.ndarray, factor: int) -> None:
    pixels = enlarged(PALETTE[small], factor)
    found = enlargement(pixels)
    assert (enlarged(pixels[::found, ::found], found) == pixels).all()
    assert found == 1 or found % factor == 0


@pytest.mark.parametrize("factor", [2, 3, 8, 16])
def test_noise_is_enlarged_by_what_it_was_enlarged_by(factor: int) -> None:
    small = np.random.default_rng(factor).integers(0, 256, (20, 31, 4), np.uint8)
    assert enlargement(enlarged(small, factor)) == factor


def test_a_picture_of_few_places_is_not_enlarged() -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[16:32, 16:32] = 255
    assert enlargement(pixels) == 1


def test_a_frame_around_an_enlarged_picture_is_part_of_it_only_if_it_fits() -> None:
    art = enlarged(np.random.default_rng(0).integers(0, 256, (9, 9, 4), np.uint8), 4)
    assert enlargement(np.pad(art, ((8, 8), (8, 8), (0, 0)))) == 4
    assert enlargement(np.pad(art, ((8, 8), (9, 7), (0, 0)))) == 1


@pytest.mark.parametrize("factor", [2, 8, 20])
def test_enlarged_pixel_art_is_pixel_art(factor: int) -> None:
    art = PALETTE[np.random.default_rng(1).integers(0, 4, (24, 24))]
    assert choose_preset(enlarged(art, factor)) == "pixel-art"
    side = 24 * factor + 1
    smooth = Image.fromarray(enlarged(art, factor)).resize((side, side), Image.Resampling.BILINEAR)
    assert choose_preset(np.asarray(smooth)) != "pixel-art"
