"""Smoothed features: a Gaussian's, to the rounding, and flat where they were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.ndimage import gaussian_filter

from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.smooth import gaussian_weights, smooth
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

SIGMAS = st.floats(0.3, 3.0)
feature_maps = arrays.arrays(
    np.int32, st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 4)), elements=st.integers(-32767, 32767)
)


@given(feature_maps, SIGMAS)
def test_they_are_a_gaussians_to_the_rounding(values: np.ndarray, sigma: float) -> None:
    reach = len(gaussian_weights(sigma)) - 1
    wanted = gaussian_filter(values.astype(np.float64), sigma, mode="nearest", radius=reach, axes=(0, 1))
    # each of the two passes rounds, and a weight is off by half of 2⁻¹⁶ at most
    assert np.abs(smooth(values, sigma) - wanted).max() <= 1 + 2 * (2 * reach + 1) * 32767 * 2**-16


@given(st.integers(-32767, 32767), SIGMAS)
def test_a_flat_map_stays_as_it_is(value: int, sigma: float) -> None:
    flat = np.full((5, 7, 2), value, np.int32)
    np.testing.assert_array_equal(smooth(flat, sigma), flat)


@given(SIGMAS)
def test_the_weights_sum_to_one_and_fall(sigma: float) -> None:
    weights = gaussian_weights(sigma)
    assert weights[0] + 2 * weights[1:].sum() == 1 << 16
    assert (np.diff(weights) <= 0).all()


@pytest.mark.parametrize("sigma", [0.0, 0.1])
def test_without_reach_nothing_is_done(sigma: float) -> None:
    values = np.arange(24, dtype=np.int32).reshape(2, 4, 3)
    assert smooth(values, sigma) is values


def test_tokens_of_photographs_are_smoothed_and_those_of_flat_art_are_not() -> None:
    assert TokenizerConfig().token_smoothing > 0
    tokenizer = DHVTokenizer.load(device="cpu")
    flat = np.full((20, 30, 4), 255, np.uint8)
    flat[5:9, 7:20, :3] = (200, 30, 60)
    noisy = flat.copy()
    noisy[..., :3] = np.random.default_rng(0).integers(20, 220, (20, 30, 3))
    for image, changes in ((flat, False), (noisy, True)):
        drawn, compact = (tokenizer.pixel_features(image, compact=choice).values for choice in (False, True))
        assert (drawn != compact).any() == changes
