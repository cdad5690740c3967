"""Tokens say of each region what its pixels do, hard and soft, and every number of theirs has a gradient."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage
from torch.autograd import gradcheck

from dhvt_vectorize.tokenizer.soft import SoftAssignment, near_regions
from dhvt_vectorize.tokenizer.tokens import (
    LearnedKernel,
    crops,
    describe,
    gradient_histogram,
    place_histogram,
    with_learned_means,
)

KERNELS = ("gaussian", "cosine", "tanimoto")
HALVES = np.repeat([[0, 0, 1, 1, 1]], 4, axis=0).astype(np.int32)


def _numbered(labels: np.ndarray) -> np.ndarray:
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)


label_maps = arrays.arrays(np.int32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 5)).map(
    _numbered
)


def _values(shape: tuple[int, ...], channels: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 20, (channels, *shape)).astype(np.float32))


@settings(deadline=None, max_examples=60)
@given(label_maps)
def test_hard_tokens_are_what_scipy_measures(labels: np.ndarray) -> None:
    values = _values(labels.shape)
    tokens = describe(values, near_regions(labels))
    index = np.arange(len(tokens))
    for channel, plane in enumerate(values.numpy().astype(float)):
        np.testing.assert_allclose(tokens.mean[:, channel], ndimage.mean(plane, labels, index), atol=1e-4)
        np.testing.assert_allclose(tokens.variance[:, channel], ndimage.variance(plane, labels, index), atol=1e-2)
    np.testing.assert_array_equal(tokens.size, np.bincount(labels.ravel()))
    middles = np.array(ndimage.center_of_mass(np.ones(labels.shape), labels, index)) + 0.5
    np.testing.assert_allclose(tokens.centroid, middles, atol=1e-5)
    boxes = [[y.start, x.start, y.stop, x.stop] for y, x in ndimage.find_objects(labels + 1)]
    np.testing.assert_array_equal(tokens.box, boxes)


@settings(deadline=None, max_examples=40)
@given(
    label_maps, st.sampled_from(["gaussian", "cosine", "tanimoto"]), st.sampled_from([torch.float16, torch.bfloat16])
)
def test_soft_tokens_are_finite_at_zero_vectors_and_single_pixels_in_half_precision(
    labels: np.ndarray, kernel: str, dtype: torch.dtype
) -> None:
    near = near_regions(labels)
    values = torch.zeros(3, *labels.shape, dtype=dtype, requires_grad=True)
    share = SoftAssignment(kernel)(values.flatten(1).T, near)
    tokens = describe(values, near, share)
    (tokens.mean.sum() + tokens.variance.sum()).backward()
    assert all(torch.isfinite(value).all() for value in [*tokens.named().values(), values.grad])


def test_a_constant_region_has_no_variance_wherever_its_value_lies() -> None:
    tokens = describe(torch.full((2, 4, 5), 1e4), near_regions(HALVES))
    assert (tokens.variance == 0).all()


def test_soft_tokens_of_a_sure_assignment_are_the_hard_ones() -> None:
    near, values = near_regions(HALVES), _values(HALVES.shape)
    sure = torch.zeros_like(near.squared_distance)
    sure[:, 0] = 1
    hard, soft = describe(values, near), describe(values, near, sure)
    for name, value in hard.named().items():
        torch.testing.assert_close(soft.named()[name], value, msg=name)


def test_soft_tokens_are_the_weighted_means_and_variances_of_all_pixels() -> None:
    near, values = near_regions(HALVES), _values(HALVES.shape)
    drawn = torch.randn(near.exists.shape, generator=torch.Generator().manual_seed(4))
    share = torch.softmax(drawn.masked_fill(~near.exists, -torch.inf), 1)
    weights = torch.zeros(HALVES.size, near.regions).scatter_add(1, near.ids, share)
    tokens, pixels = describe(values, near, share), values.flatten(1).T
    for region in range(near.regions):
        mean = np.average(pixels, 0, weights[:, region])
        variance = np.average((pixels.numpy() - mean) ** 2, 0, weights[:, region])
        np.testing.assert_allclose(tokens.mean[region], mean, rtol=1e-4)
        np.testing.assert_allclose(tokens.variance[region], variance, rtol=1e-3)


def test_the_gradient_of_soft_tokens_agrees_with_finite_differences() -> None:
    near = near_regions(HALVES)
    values = _values(HALVES.shape).double() / 10
    share = torch.softmax(torch.randn(20, 8, generator=torch.Generator().manual_seed(0)), 1) * near.exists
    share = share / share.sum(1, keepdim=True)

    def numbers(values: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        tokens = describe(values, near, share)
        return torch.cat([tokens.mean, tokens.variance / 10], 1)

    # single precision inside: steps and tolerances to match
    inputs = (values.float().requires_grad_(), share.float().requires_grad_())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that precision is single
        assert gradcheck(numbers, inputs, eps=1e-2, atol=2e-2, rtol=2e-2, nondet_tol=0.0)


def test_the_crops_of_a_grid_of_patches_are_the_patches() -> None:
    image = _values((16, 24))
    labels = (np.arange(16)[:, None] // 8 * 3 + np.arange(24)[None] // 8).astype(np.int32)
    tokens = describe(image, near_regions(labels))
    picture, own = crops(image, torch.from_numpy(labels).long(), tokens, side=8)
    patches = image.unfold(1, 8, 8).unfold(2, 8, 8).reshape(3, 6, 8, 8).transpose(0, 1)
    torch.testing.assert_close(picture, patches, atol=1e-4, rtol=0)
    assert (own == 1).all()


@settings(deadline=None, max_examples=40)
@given(label_maps, st.integers(1, 9))
def test_crops_of_a_constant_image_are_constant_and_masks_hold_their_token(labels: np.ndarray, side: int) -> None:
    image = torch.full((2, *labels.shape), 7.0)
    tokens = describe(image, near_regions(labels))
    picture, own = crops(image, torch.from_numpy(labels).long(), tokens, side)
    assert picture.shape == (len(tokens), 2, side, side)
    torch.testing.assert_close(picture, torch.full_like(picture, 7.0))
    full = tokens.size == (tokens.box[:, 2:] - tokens.box[:, :2]).prod(1)
    assert (own[full] == 1).all()
    assert ((own == 0) | (own == 1)).all()


def test_a_crop_of_a_large_region_is_a_mean_rather_than_a_sample() -> None:
    """A checkerboard of single pixels is grey from afar."""
    image = torch.from_numpy((np.indices((64, 64)).sum(0) % 2).astype(np.float32))[None]
    labels = np.zeros((64, 64), np.int32)
    picture, _ = crops(image, torch.from_numpy(labels).long(), describe(image, near_regions(labels)), side=8)
    torch.testing.assert_close(picture, torch.full_like(picture, 0.5))


def test_a_ramp_stays_a_ramp_in_a_crop_of_an_odd_box() -> None:
    image = torch.arange(75.0).expand(1, 41, 75) + 0.5
    labels = np.zeros((41, 75), np.int32)
    picture, _ = crops(image, torch.from_numpy(labels).long(), describe(image, near_regions(labels)), side=8)
    wanted = (torch.arange(8) + 0.5) * 75 / 8
    torch.testing.assert_close(picture[0, 0, 4, 1:-1], wanted[1:-1], atol=0.6, rtol=0)


def test_mean_injection_replaces_a_regions_mean_and_keeps_what_is_within() -> None:
    near, image = near_regions(HALVES), _values(HALVES.shape)
    share = SoftAssignment()(image.flatten(1).T, near)
    injected = with_learned_means(image, near, share)
    soft, before, after = describe(image, near, share), describe(image, near), describe(injected, near)
    torch.testing.assert_close(after.mean, soft.mean, atol=1e-3, rtol=0)
    torch.testing.assert_close(after.variance, before.variance, atol=1e-2, rtol=0)


@settings(deadline=None, max_examples=40)
@given(label_maps, st.floats(0.05, 3.0))
def test_histograms_sum_to_one_at_any_scale(labels: np.ndarray, scale: float) -> None:
    ids, regions = torch.from_numpy(labels).long(), int(labels.max()) + 1
    image = torch.rand(4, *labels.shape, generator=torch.Generator().manual_seed(0))
    for fine in (place_histogram(ids, regions, 7, 9), gradient_histogram(image, ids, regions, 16)):
        for histogram in (fine.flatten(1), LearnedKernel(5, scale)(fine)):
            assert len(histogram) == regions
            assert (histogram >= 0).all()
            torch.testing.assert_close(histogram.sum(1), torch.ones(regions))


def test_a_position_histogram_counts_pixels() -> None:
    labels = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]])
    histogram = place_histogram(labels, 2, 2, 2)
    wanted = torch.tensor([[[4, 0], [4, 4]], [[0, 4], [0, 0]]]) / torch.tensor([12.0, 4.0])[:, None, None]
    torch.testing.assert_close(histogram, wanted)
    torch.testing.assert_close(LearnedKernel(2, 0.01)(histogram), wanted.flatten(1))


def test_a_smoothed_histogram_is_the_kernel_density_of_the_pixels() -> None:
    """As many fine bins as pixels: every pixel spreads over the coarse bins by its own distance to them."""
    labels = torch.from_numpy(np.random.default_rng(2).integers(0, 3, (12, 8)))
    middles = (torch.arange(4) + 0.5)[None]
    down, across = (
        torch.softmax(-(((torch.arange(n) + 0.5) / n * 4)[:, None] - middles).square() / (2 * 0.7**2), 1)
        for n in labels.shape
    )
    pixels = (down[:, None, :, None] * across[None, :, None, :]).flatten(2)
    wanted = torch.stack([pixels[labels == token].mean(0) for token in range(3)])
    torch.testing.assert_close(LearnedKernel(4, 0.7)(place_histogram(labels, 3, 12, 8)), wanted)


def test_a_gradient_histogram_tells_the_direction_of_a_ramp() -> None:
    ramp = torch.linspace(0, 1, 9)
    labels = torch.zeros(9, 9, dtype=torch.long)
    # four times a step of 1/8, where it is not flat by the image's end: in the last of three bins of −1..1
    down = gradient_histogram(ramp[:, None].expand(1, 9, 9) * 4, labels, 1, 3)
    right = gradient_histogram(ramp[None, :].expand(1, 9, 9) * 4, labels, 1, 3)
    assert down[0, 2, 1] > 0.9
    torch.testing.assert_close(right, down.mT)


def test_the_scale_of_a_histogram_learns() -> None:
    kernel = LearnedKernel(4)
    kernel(place_histogram(torch.from_numpy(HALVES).long(), 2, 8, 8)).square().sum().backward()
    assert kernel.log_scale.grad is not None
    assert kernel.log_scale.grad != 0


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turning_the_image_turns_the_place(turns: int) -> None:
    labels = torch.from_numpy(np.random.default_rng(3).integers(0, 3, (8, 8)))
    turned = place_histogram(torch.rot90(labels, turns).contiguous(), 3, 4, 4)
    torch.testing.assert_close(turned, torch.rot90(place_histogram(labels, 3, 4, 4), turns, (1, 2)))
    assert math.isclose(turned.sum().item(), 3.0, rel_tol=1e-5)
