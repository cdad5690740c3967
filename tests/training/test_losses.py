"""The losses: what they are at their best and worst, and that each reaches the features."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.soft import SoftAssignment, near_regions
from dhvt_vectorize.training.losses import (
    Thresholds,
    border_alignment,
    borders_of_image,
    borders_of_labels,
    count_penalty,
    pixel_affinity,
    region_affinity,
    token_segmentation,
)

SIDE = 24
MERGING = TokenizerConfig().merging(compact=True)


def _halves() -> torch.Tensor:
    labels = torch.zeros(1, SIDE, SIDE, dtype=torch.int32)
    labels[:, :, SIDE // 2 :] = 1
    return labels


def _quarters() -> np.ndarray:
    rows = np.arange(SIDE) // (SIDE // 2)
    return (2 * rows[:, None] + rows[None, :]).astype(np.int32)


def _features(apart: float, seed: int = 0) -> torch.Tensor:
    noise = torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    features = noise + apart * _halves().float()
    return features.requires_grad_()


@pytest.mark.parametrize("loss", ["pixel", "region"])
def test_features_that_tell_the_regions_apart_cost_less(loss: str) -> None:
    def cost(apart: float) -> float:
        features = _features(apart)
        if loss == "pixel":
            return float(pixel_affinity(features, _halves(), Thresholds()).detach())
        return float(region_affinity(features, _halves(), _quarters(), MERGING, Thresholds()).detach())

    assert cost(40.0) < cost(10.0) < cost(0.0)


@pytest.mark.parametrize("loss", ["pixel", "region"])
def test_a_step_down_the_gradient_parts_the_regions(loss: str) -> None:
    features, thresholds = _features(4.0), Thresholds()
    if loss == "pixel":
        value = pixel_affinity(features, _halves(), thresholds)
    else:
        value = region_affinity(features, _halves(), _quarters(), MERGING, thresholds)
    value.backward()
    assert features.grad is not None
    half = SIDE // 2
    moved = (features - 1e-3 * features.grad / features.grad.abs().max()).detach()
    before = (features[:, :, half:].mean() - features[:, :, :half].mean()).detach()
    assert moved[:, :, half:].mean() - moved[:, :, :half].mean() > before
    assert all(parameter.grad is not None for name, parameter in thresholds.named_parameters() if loss in name)


def test_what_nobody_judges_costs_nothing() -> None:
    ignored = torch.full((2, SIDE, SIDE), -1, dtype=torch.int32)
    assert pixel_affinity(_features(5.0), ignored, Thresholds()) == 0
    assert region_affinity(_features(5.0), ignored, _quarters(), MERGING, Thresholds()) == 0
    one_region = np.zeros((SIDE, SIDE), np.int32)
    assert region_affinity(_features(5.0), _halves(), one_region, MERGING, Thresholds()) == 0


def test_ignored_pixels_change_nothing() -> None:
    labels = _halves()
    labels[:, :6] = -1
    features = _features(5.0)
    other = features.detach().clone()
    other[:, :6] += 100 * torch.randn(3, 6, SIDE, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        pixel_affinity(features, labels, Thresholds()), pixel_affinity(other, labels, Thresholds())
    )


def test_the_gradient_of_the_region_loss_is_that_of_finite_differences() -> None:
    features = _features(5.0).detach().double().requires_grad_()
    thresholds = Thresholds().double()

    def loss(values: torch.Tensor) -> torch.Tensor:
        return region_affinity(values, _halves(), _quarters(), MERGING, thresholds)

    (gradient,) = torch.autograd.grad(loss(features), features)
    direction = torch.randn(features.shape, generator=torch.Generator().manual_seed(2)).double()
    step = 1e-4
    with torch.no_grad():
        difference = (loss(features + step * direction) - loss(features - step * direction)) / (2 * step)
    assert float((gradient * direction).sum()) == pytest.approx(float(difference), rel=1e-4)


def _alignment(labels: torch.Tensor, regions: np.ndarray) -> float:
    near = near_regions(regions)
    hard = torch.zeros(regions.size, 8)
    hard[:, 0] = 1
    return float(border_alignment(hard, near, regions.shape, borders_of_labels(labels)))


def test_borders_in_the_right_place_cost_nothing_and_in_the_wrong_place_one() -> None:
    regions = _halves()[0].numpy()
    assert _alignment(_halves(), regions) == 0
    assert _alignment(_halves(), np.roll(regions, 5, axis=1)[:, ::-1].copy()) == pytest.approx(1.0)
    # two straight borders, one of them wanted: half of what is drawn is false, nothing is missed
    assert _alignment(_halves(), _quarters()) == pytest.approx(0.25)


def test_border_alignment_is_what_its_definition_says_pixel_by_pixel() -> None:
    regions = np.repeat(np.repeat(np.arange(16, dtype=np.int32).reshape(4, 4), 6, 0), 6, 1)
    near, random = near_regions(regions), torch.Generator().manual_seed(3)
    share = torch.softmax(torch.randn(near.exists.shape, generator=random).masked_fill(~near.exists, -torch.inf), 1)
    whole = torch.zeros(SIDE * SIDE, 16).scatter_add(1, near.ids, share).view(SIDE, SIDE, 16)
    borders = borders_of_labels(_halves())
    false = missed = drawn = wanted = 0.0
    for axis, (apart, judged) in enumerate(borders):
        length = SIDE - 1
        parted = 1 - (whole.narrow(axis, 1, length) * whole.narrow(axis, 0, length)).sum(2)
        false, missed = false + (parted * (1 - apart)).sum(), missed + ((1 - parted) * apart).sum()
        drawn, wanted = drawn + parted.sum(), wanted + apart.sum()
        assert judged.all()
    expected = 0.5 * (false / drawn + missed / wanted)
    torch.testing.assert_close(border_alignment(share, near, (SIDE, SIDE), borders), expected)


def test_border_alignment_reaches_the_features() -> None:
    near = near_regions(_quarters())
    features = _features(5.0)
    share = SoftAssignment()(features.flatten(1).T, near)
    border_alignment(share, near, (SIDE, SIDE), borders_of_labels(_halves())).backward()
    assert features.grad.abs().sum() > 0


def test_an_image_has_borders_where_its_colours_step() -> None:
    colours = 40.0 * _halves().float()
    (down, _), (right, judged) = borders_of_image(colours)
    assert (down == 0).all()
    assert (right[:, SIDE // 2 - 1] > 0.99).all()
    assert right.sum() == pytest.approx(SIDE, rel=0.01)
    assert (judged == 1).all()


def test_twice_as_many_tokens_cost_as_much_as_half_as_many() -> None:
    twice, half = (count_penalty(torch.tensor(count), 100.0) for count in (200.0, 50.0))
    torch.testing.assert_close(twice, half)
    assert float(twice) == pytest.approx(math.log(2) ** 2)
    assert count_penalty(torch.tensor(100.0), 100.0) == 0


def test_a_distance_in_place_parts_regions_as_one_in_colour_does() -> None:
    """Two rows of equal colour: the farther the centroids count, the more "another region" costs nothing."""
    thresholds = Thresholds()
    labels = _halves()
    halves = (np.arange(SIDE)[None] // (SIDE // 2)).repeat(SIDE, 0).astype(np.int32)
    costs = [
        float(region_affinity(_features(0.0), labels, halves, (0.5, x), thresholds).detach())
        for x in (0.0, 20.0, 100.0)
    ]
    assert costs[0] > costs[1] > costs[2]


class TestTokenSegmentation:
    near = near_regions(_quarters())

    def _sure(self) -> torch.Tensor:
        share = torch.zeros_like(self.near.squared_distance)
        share[:, 0] = 1
        return share

    def test_tokens_that_name_their_class_cost_nothing(self) -> None:
        right = 50.0 * torch.tensor([[1.0, 0], [0, 1], [1, 0], [0, 1]])
        terms = token_segmentation(right, _halves(), self.near, self._sure())
        assert terms["accuracy"] == 1
        assert terms["cross_entropy"] == pytest.approx(0, abs=1e-6)
        assert terms["dice"] == pytest.approx(0, abs=1e-2)
        wrong = token_segmentation(-right, _halves(), self.near, self._sure())
        assert wrong["accuracy"] == 0
        assert wrong["dice"] == pytest.approx(1, abs=1e-2)
        assert wrong["cross_entropy"] == pytest.approx(50, rel=1e-5)

    def test_a_mixed_token_costs_its_entropy_at_best(self) -> None:
        """Targets are shares of pixels: rows split 1 : 3 are best answered 1 : 3."""
        labels = torch.zeros(1, SIDE, SIDE, dtype=torch.int32)
        labels[:, ::4] = 1
        logits = torch.log(torch.tensor([[0.75, 0.25]])).repeat(4, 1).requires_grad_()
        terms = token_segmentation(logits, labels, self.near, self._sure())
        entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
        assert terms["cross_entropy"].item() == pytest.approx(entropy, rel=1e-5)
        terms["cross_entropy"].backward()
        torch.testing.assert_close(logits.grad, torch.zeros(4, 2), atol=1e-6, rtol=0)

    def test_what_is_ignored_counts_for_nothing(self) -> None:
        labels, logits = _halves(), torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
        partly = labels.clone()
        partly[:, ::2] = -1
        whole, half = (token_segmentation(logits, each, self.near, self._sure()) for each in (labels, partly))
        assert half["cross_entropy"] == pytest.approx(whole["cross_entropy"].item(), rel=1e-5)
        nothing = token_segmentation(logits, torch.full_like(labels, -1), self.near, self._sure())
        assert all(value == 0 for value in nothing.values())

    def test_the_gradient_reaches_who_belongs_to_a_token(self) -> None:
        features = _features(5.0)
        share = SoftAssignment()(features.flatten(1).T, self.near)
        logits = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
        token_segmentation(logits, _halves(), self.near, share)["loss"].backward()
        assert features.grad is not None
        assert (features.grad != 0).any()

    def test_a_class_beyond_those_there_are_is_refused(self) -> None:
        with pytest.raises(ValueError, match="a label is 1, but there are 1 classes"):
            token_segmentation(torch.zeros(4, 1), _halves(), self.near, self._sure())
