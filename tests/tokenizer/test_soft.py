"""Soft assignment: probabilities, gradients against finite differences, the regions a pixel may belong to."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.tokenizer.soft import MOST, REACH, SoftAssignment, inject_means, near_regions, region_means

KERNELS = ("gaussian", "cosine", "tanimoto")


def _labels(seed: int = 0, height: int = 9, width: int = 11, regions: int = 12) -> np.ndarray:
    random = np.random.default_rng(seed)
    points = random.random((regions, 2)) * (height, width)
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1)
    nearest = np.linalg.norm(grid[:, :, None] - points, axis=3).argmin(2)
    return np.unique(nearest, return_inverse=True)[1].reshape(height, width).astype(np.int32)


def _features(labels: np.ndarray, channels: int = 3, seed: int = 1) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(labels.size, channels, generator=random, dtype=torch.float32) * 5


@pytest.mark.parametrize("regions", [1, 3, 12, 60])
def test_the_near_regions_are_those_a_brute_force_search_finds(regions: int) -> None:
    labels = _labels(regions=regions)
    near = near_regions(labels)
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            distance: dict[int, int] = {}
            for v in range(height):
                for u in range(width):
                    d = (v - y) ** 2 + (u - x) ** 2
                    if d <= REACH**2:
                        distance[int(labels[v, u])] = min(d, distance.get(int(labels[v, u]), 99))
            own = int(labels[y, x])
            others = sorted((d, k) for k, d in distance.items() if k != own)
            expected = [(0, own), *others][:MOST]
            i = y * width + x
            found = near.exists[i].sum()
            assert [
                (int(d), int(k)) for d, k in zip(near.squared_distance[i, :found], near.ids[i, :found], strict=True)
            ] == expected


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("straight_through", [False, True])
def test_every_pixels_probabilities_sum_to_one(kernel: str, straight_through: bool) -> None:
    labels = _labels()
    near = near_regions(labels)
    q = SoftAssignment(kernel)(_features(labels), near, straight_through=straight_through)
    torch.testing.assert_close(q.sum(1), torch.ones(labels.size))
    assert (q[~near.exists] == 0).all()


def test_a_pixel_far_from_other_regions_belongs_to_its_own() -> None:
    labels = np.zeros((12, 12), np.int32)
    labels[:, 8:] = 1
    q = SoftAssignment()(_features(labels), near_regions(labels)).reshape(12, 12, MOST)
    assert (q[:, :5, 0] == 1).all()
    assert (q[:, 7, 0] < 1).all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_gradient_is_that_of_finite_differences(kernel: str) -> None:
    labels = _labels(height=4, width=5, regions=4)
    near = near_regions(labels)
    assignment = SoftAssignment(kernel).double()
    weights = torch.randn(labels.size, MOST, generator=torch.Generator().manual_seed(2))

    def scalar(features: torch.Tensor) -> torch.Tensor:
        return (assignment(features, near) * weights).sum()

    features = _features(labels)
    features.requires_grad_()
    (gradient,) = torch.autograd.grad(scalar(features), features)
    step = 1e-2
    for i, c in ((0, 0), (7, 1), (13, 2), (19, 0)):
        moved = features.detach().clone()
        moved[i, c] += step
        above = scalar(moved)
        moved[i, c] -= 2 * step
        difference = float(above.detach() - scalar(moved).detach()) / (2 * step)
        assert float(gradient[i, c]) == pytest.approx(difference, abs=2e-3, rel=0.02)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_temperatures_learn(kernel: str) -> None:
    labels = _labels()
    assignment = SoftAssignment(kernel)
    assignment(_features(labels), near_regions(labels))[:, 0].sum().backward()
    for parameter in assignment.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs() > 0


def test_straight_through_is_hard_forward_and_soft_backward() -> None:
    labels = _labels()
    near = near_regions(labels)
    assignment = SoftAssignment()
    gradients = []
    for straight_through in (False, True):
        features = _features(labels).requires_grad_()
        q = assignment(features, near, straight_through=straight_through)
        if straight_through:
            assert set(q.detach().round(decimals=5).unique().tolist()) <= {0.0, 1.0}
        (q * torch.arange(MOST)).sum().backward()
        gradients.append(features.grad)
    torch.testing.assert_close(gradients[0], gradients[1])


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("case", ["zero", "constant", "one-pixel regions"])
def test_no_precision_gives_nan_on_degenerate_features(kernel: str, dtype: torch.dtype, case: str) -> None:
    labels = np.arange(30, dtype=np.int32).reshape(5, 6) if case == "one-pixel regions" else _labels(height=5, width=6)
    features = torch.zeros(30, 3, dtype=dtype) if case == "zero" else torch.full((30, 3), 200.0, dtype=dtype)
    features.requires_grad_()
    q = SoftAssignment(kernel)(features, near_regions(labels))
    q.square().sum().backward()
    assert torch.isfinite(q).all()
    assert torch.isfinite(features.grad).all()


def test_hard_weights_give_the_plain_means() -> None:
    labels = _labels()
    near, features = near_regions(labels), _features(labels)
    hard = torch.zeros(labels.size, MOST)
    hard[:, 0] = 1
    means = region_means(features, near)
    torch.testing.assert_close(region_means(features, near, hard), means)
    for k in range(near.regions):
        torch.testing.assert_close(means[k], features[torch.from_numpy(labels.ravel() == k)].mean(0))


def test_injected_means_replace_the_means_and_keep_the_deviations() -> None:
    labels = _labels()
    near, values = near_regions(labels), _features(labels)
    learned = torch.randn(near.regions, 3, generator=torch.Generator().manual_seed(3), requires_grad=True)
    injected = inject_means(values, near, learned)
    torch.testing.assert_close(region_means(injected, near), learned)
    injected.sum().backward()
    assert (learned.grad != 0).all()


def test_an_unknown_kernel_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="gaussian, cosine, tanimoto"):
        SoftAssignment("linear")
