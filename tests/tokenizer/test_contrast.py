"""Weights and compressed contrast of the features that tokens of photographs are made from."""

from __future__ import annotations

import numpy as np
import pytest

from dhvt_vectorize.tokenizer import _contrast_kernels
from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.contrast import compressed
from dhvt_vectorize.tokenizer.features import LARGEST_VALUE
from dhvt_vectorize.tokenizer.initial import initial_net
from dhvt_vectorize.tokenizer.token_features import token_features
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

SHAPES = [(1, 1), (1, 9), (9, 1), (13, 17), (40, 6)]


def _noise(shape: tuple[int, int], channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(-1500, 1500, (*shape, channels)).astype(np.int32)


def _by_definition(values: np.ndarray, weights: np.ndarray, limit: float, reach: int) -> np.ndarray:
    wide = np.pad(values.astype(np.float64), ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    boxes = np.lib.stride_tricks.sliding_window_view(wide, (2 * reach + 1, 2 * reach + 1), (0, 1))
    away = weights * (values - boxes.mean((3, 4)))
    distance = np.maximum(np.linalg.norm(away, axis=2, keepdims=True), 1e-12)
    return weights * values - away * (1 - limit * np.log1p(distance / limit) / distance)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reach", [0, 1, 4, 20])
def test_the_kernel_computes_what_the_formula_says(shape: tuple[int, int], reach: int) -> None:
    values, weights = _noise(shape), np.array([1.0, 2.5, 0.5])
    found = compressed(values, weights, 300.0, reach, LARGEST_VALUE)
    np.testing.assert_allclose(found, _by_definition(values, weights, 300.0, reach), atol=0.5 + 1e-6)


def test_a_flat_image_keeps_its_weighed_values() -> None:
    flat = np.full((12, 9, 3), (100, -40, 7), np.int32)
    found = compressed(flat, np.array([1.0, 2.0, 3.0]), 10.0, 4, LARGEST_VALUE)
    assert (found == (100, -80, 21)).all()


def test_a_high_limit_leaves_contrast_as_it_is() -> None:
    values = _noise((20, 20))
    np.testing.assert_array_equal(compressed(values, np.ones(3), 1e12, 3, LARGEST_VALUE), values)


def test_no_value_leaves_the_range_of_features() -> None:
    values = np.random.default_rng(1).integers(-LARGEST_VALUE, LARGEST_VALUE + 1, (30, 30, 2)).astype(np.int32)
    assert np.abs(compressed(values, np.array([10.0, 3.0]), 1e6, 5, LARGEST_VALUE)).max() <= LARGEST_VALUE


def test_rows_do_not_depend_on_where_the_work_is_divided() -> None:
    values, weights = _noise((37, 11)), np.ones(3)
    whole, parts = np.empty_like(values), np.empty_like(values)
    _contrast_kernels.compress(0, 37, values, weights, 5, 200.0, LARGEST_VALUE, whole)
    for first, last in ((0, 1), (1, 20), (20, 37)):
        _contrast_kernels.compress(first, last, values, weights, 5, 200.0, LARGEST_VALUE, parts)
    np.testing.assert_array_equal(parts, whole)


def test_channels_that_are_left_out_change_nothing_for_the_others() -> None:
    values, config = _noise((15, 15), 5), TokenizerConfig()
    values[..., 3:] = 9
    some = token_features(np.ascontiguousarray(values[..., :3]), [0, 1, 2], config)
    np.testing.assert_array_equal(some, token_features(values, range(5), config)[..., :3])


def test_only_tokens_of_photographs_have_compressed_contrast() -> None:
    tokenizer = DHVTokenizer(initial_net().eval(), TokenizerConfig())
    opaque = np.full((24, 24, 1), 255, np.uint8)
    photograph = np.dstack([np.random.default_rng(2).integers(0, 256, (24, 24, 3), np.uint8), opaque])
    drawing = np.dstack([np.full((24, 24, 3), 200, np.uint8), opaque])
    drawing[6:18, 6:18, :3] = 10
    for image, differ in ((photograph, True), (drawing, False)):
        drawn, tokens = (tokenizer.pixel_features(image, compact=compact).values for compact in (False, True))
        assert (drawn != tokens).any() == differ
