"""The relaxed cut: against all cuts of small trees, its limit, its gradient."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from dhvt_vectorize.tokenizer.criteria import CriterionSettings, node_costs
from dhvt_vectorize.tokenizer.hierarchy import MergeTree, build_merge_tree
from dhvt_vectorize.tokenizer.relaxed import node_moments, relaxed_cut
from dhvt_vectorize.tokenizer.selection import cut_of_least_cost


def _tree(height: int = 3, width: int = 3, seed: int = 0, channels: int = 2) -> tuple[MergeTree, np.ndarray]:
    values = np.random.default_rng(seed).integers(0, 400, (height, width, channels)).astype(np.int32)
    return build_merge_tree(values), values


def _cuts(tree: MergeTree, node: int) -> list[tuple[int, ...]]:
    if tree.left[node] < 0:
        return [(node,)]
    below = itertools.product(_cuts(tree, tree.left[node]), _cuts(tree, tree.right[node]))
    return [(node,), *(a + b for a, b in below)]


@pytest.mark.parametrize("temperature", [0.3, 2.0, 20.0])
def test_the_relaxed_cut_is_the_mean_over_all_cuts(temperature: float) -> None:
    tree, _ = _tree()
    costs = np.random.default_rng(1).normal(0, 2, len(tree.left))
    cuts = _cuts(tree, len(tree.left) - 1)
    weights = np.exp([-costs[list(cut)].sum() / temperature for cut in cuts])
    least, regions = relaxed_cut(tree, torch.from_numpy(costs), temperature)
    assert float(least) == pytest.approx(-temperature * np.log(weights.sum()))
    assert float(regions) == pytest.approx(np.average([len(cut) for cut in cuts], weights=weights))


def test_at_a_low_temperature_it_is_the_cut_of_least_cost() -> None:
    tree, _ = _tree(16, 17, seed=2)
    costs = node_costs(tree, "bic", CriterionSettings(16, 4.0, 0.1, 0.5))
    best = cut_of_least_cost(tree, costs)
    least, regions = relaxed_cut(tree, torch.from_numpy(costs), 1e-6)
    assert float(regions) == pytest.approx(best.regions)
    assert float(least) == pytest.approx(costs[best.node_ids].sum())


@pytest.mark.parametrize("which", [0, 1])
def test_the_gradient_by_the_costs_is_that_of_finite_differences(which: int) -> None:
    tree, _ = _tree(4, 5, seed=3)
    costs = torch.from_numpy(np.random.default_rng(4).normal(0, 2, len(tree.left))).requires_grad_()
    assert torch.autograd.gradcheck(lambda c: relaxed_cut(tree, c, 1.5)[which], (costs,))


def test_the_gradient_of_the_moments_is_that_of_finite_differences() -> None:
    tree, values = _tree(4, 4, seed=5)
    features = torch.from_numpy(values.transpose(2, 0, 1).astype(float)).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: node_moments(tree, f), (features,), atol=1e-3)


def test_the_moments_are_those_of_the_nodes_pixels() -> None:
    tree, values = _tree(7, 6, seed=6)
    mean, variance = node_moments(tree, torch.from_numpy(values.transpose(2, 0, 1)))
    np.testing.assert_allclose(mean, tree.sums / tree.pixels[:, None])
    expected = tree.squares / tree.pixels[:, None] - (tree.sums / tree.pixels[:, None]) ** 2
    np.testing.assert_allclose(variance, expected, atol=1e-6)
