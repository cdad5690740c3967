"""Node costs against NumPy on the nodes' own pixels, and how the criteria's prices stand to each other."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_images import feature_images, masks_of_nodes, shared_sides

from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.options import CRITERIA
from dhvt_vectorize.tokenizer.criteria import CriterionSettings, node_costs
from dhvt_vectorize.tokenizer.hierarchy import build_merge_tree
from dhvt_vectorize.tokenizer.selection import cut_of_least_cost

SETTINGS = CriterionSettings(feature_scale=16, variance_floor=50.0, border_price=0.1, effective_sample=0.5)


def price(criterion: str, pixels: int, channels: int, border: int, image_pixels: int, border_price: float) -> float:
    """A node's price as the books give it, written without a tree."""
    parameters = 2 * channels
    size = parameters + border_price * border
    log_of_image = math.log(max(2, image_pixels))
    if criterion == "bic":
        return size * log_of_image
    if criterion == "aic":
        return size * 2
    if criterion == "aicc":
        return size * 2 * (1 + (parameters + 1) / max(1, pixels - parameters - 1))
    return parameters * log_of_image + border * math.log(3)


def prices(values: np.ndarray, criterion: str, border_price: float = 0.1) -> np.ndarray:
    """What a λ of 1 adds to the cost of every node."""
    tree = build_merge_tree(values)
    settings_ = replace(SETTINGS, border_price=border_price)
    return node_costs(tree, criterion, settings_, 1.0) - node_costs(tree, criterion, settings_, 0.0)


@pytest.mark.parametrize("criterion", CRITERIA)
class TestEveryCriterion:
    @given(values=feature_images(), price_factor=st.sampled_from([0.0, 0.25, 1.0, 64.0]))
    @settings(max_examples=25)
    def test_a_nodes_cost_is_its_likelihood_and_its_price(
        self, criterion: str, values: np.ndarray, price_factor: float
    ) -> None:
        tree = build_merge_tree(values)
        costs = node_costs(tree, criterion, SETTINGS, price_factor)
        for node, mask in enumerate(masks_of_nodes(tree)):
            inside = values[mask] / SETTINGS.feature_scale
            misfit = 0.5 * mask.sum() * np.log(inside.var(0) + SETTINGS.variance_floor).sum()
            border = shared_sides(mask, ~mask)
            expected = misfit + price_factor * price(criterion, mask.sum(), values.shape[2], border, mask.size, 0.1)
            assert costs[node] == pytest.approx(expected, rel=1e-9, abs=1e-6)

    @given(values=feature_images())
    @settings(max_examples=25)
    def test_no_region_is_too_small_or_too_plain_for_a_finite_cost(self, criterion: str, values: np.ndarray) -> None:
        extreme = np.sign(values) * (2**15 - 1)
        for image in (values, extreme, np.zeros_like(values), np.full_like(values, 2**15 - 1), values[:1, :1]):
            costs = node_costs(build_merge_tree(image), criterion, replace(SETTINGS, variance_floor=1e-6))
            assert np.isfinite(costs).all()

    def test_a_large_region_of_one_large_value_has_no_variance(self, criterion: str) -> None:
        """Squares and means of large features nearly cancel: what is left must be nothing, not a rounding error."""
        values = np.full((300, 300, 1), 2**15 - 1)
        cost = node_costs(build_merge_tree(values), criterion, replace(SETTINGS, variance_floor=1e-6), 0.0)
        assert cost[0] == pytest.approx(0.5 * values.size * math.log(1e-6))

    @given(values=feature_images())
    @settings(max_examples=25)
    def test_a_lower_price_never_gives_fewer_regions(self, criterion: str, values: np.ndarray) -> None:
        tree = build_merge_tree(values)
        counts = [
            cut_of_least_cost(tree, node_costs(tree, criterion, SETTINGS, price_factor)).regions
            for price_factor in 2.0 ** np.arange(8, -10, -1)
        ]
        assert counts == sorted(counts)


class TestHowTheCriteriaCompare:
    @given(feature_images(), st.sampled_from([0.0, 0.1, 2.0]))
    @settings(max_examples=40)
    def test_bic_prices_no_lower_than_aic_from_eight_pixels_on(self, values: np.ndarray, border_price: float) -> None:
        dearer = prices(values, "bic", border_price) - prices(values, "aic", border_price)
        assert (dearer > 0).all() if values[..., 0].size >= 8 else (dearer < 0).all()

    @given(feature_images())
    @settings(max_examples=40)
    def test_aicc_prices_higher_than_aic(self, values: np.ndarray) -> None:
        assert (prices(values, "aicc") > prices(values, "aic")).all()

    def test_aicc_tends_to_aic_as_a_region_grows(self) -> None:
        ratios = []
        for side in (3, 10, 30, 100, 300):
            flat = np.zeros((side, side, 3), int)
            ratios.append(float(prices(flat, "aicc")[0] / prices(flat, "aic")[0]))
        assert ratios == sorted(ratios, reverse=True)
        assert ratios[-1] == pytest.approx(1, abs=1e-4)

    @given(feature_images())
    @settings(max_examples=40)
    def test_mdl_is_bic_with_the_border_coded_at_three_choices_a_side(self, values: np.ndarray) -> None:
        difference = prices(values, "mdl") - prices(values, "bic", border_price=0.0)
        np.testing.assert_allclose(difference, math.log(3) * build_merge_tree(values).border, atol=1e-6)

    def test_an_unknown_criterion_is_refused_with_the_names_of_those_known(self) -> None:
        with pytest.raises(UsageError) as caught:
            node_costs(build_merge_tree(np.zeros((2, 2, 1), int)), "wic", SETTINGS)
        assert "wic" in str(caught.value)
        for name in CRITERIA:
            assert name in caught.value.remedy
