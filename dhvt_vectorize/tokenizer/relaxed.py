"""The relaxed cut: a merge tree's expected number of regions and soft least cost, with gradients to the pixels.

A cut of a tree with node costs c is drawn with a probability ∝ exp(−Σ costs of its nodes / τ). One pass up gives

    b(node) = −τ ln(e^(−c/τ) + e^(−(b(left) + b(right))/τ))     soft least cost
    s(node) = σ((c − b(left) − b(right))/τ)                     probability that the node, once reached, is split

and with s the expected number of regions; one pass down gives the gradient of both: O(N), exact, and as τ → 0 they
become the least cost and the number of regions of `selection.cut_of_least_cost`. (The sum-product counterpart of that
min-sum pass, as in belief propagation.) Node statistics are sums over pixels, so costs reach every pixel's feature.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from . import _soft_kernels
from .hierarchy import MergeTree


def node_moments(
    tree: MergeTree, features: Float[Tensor, "C H W"]
) -> tuple[Float[Tensor, "M C"], Float[Tensor, "M C"]]:
    """Mean and variance, float64, of every node's features, differentiable.

    Args:
        tree: a tree over the pixels; its own statistics may be of other features.
        features: any units; the variances are in their square.
    """
    leaf = torch.from_numpy(tree.leaf_of_pixel.astype(np.int64).ravel()).to(features.device)
    values = features.double().flatten(1).T
    # deviations from one vector keep the digits that variances need
    origin = values.mean(0, keepdim=True).detach()
    values = values - origin
    both = torch.cat([values, values.square()], 1)
    sums = _SumUp.apply(both.new_zeros(tree.leaves, both.shape[1]).index_add(0, leaf, both), tree)  # type: ignore[no-untyped-call]
    pixels = torch.from_numpy(tree.pixels).to(sums)[:, None]
    mean, square = (sums / pixels).chunk(2, 1)
    return mean + origin, (square - mean.square()).clamp_min(0.0)


def relaxed_cut(tree: MergeTree, costs: Float[Tensor, "M"], temperature: float) -> tuple[Tensor, Tensor]:
    """Soft least cost and expected number of regions, float64 scalars, differentiable by `costs`.

    Args:
        tree: the merge tree.
        costs: every node's cost, as `criteria.node_costs` or with a gradient.
        temperature: τ > 0, in units of cost.
    """
    least, regions = _RelaxedCut.apply(costs.double(), tree, temperature)  # type: ignore[no-untyped-call]
    return least, regions


class _SumUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, leaves: Tensor, tree: MergeTree) -> Tensor:
        ctx.tree = tree
        values = np.zeros((len(tree.left), leaves.shape[1]))
        values[: tree.leaves] = leaves.detach().cpu().numpy()
        _soft_kernels.sum_up(tree.left, tree.right, values)
        return torch.from_numpy(values).to(leaves)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        values = gradient.detach().cpu().double().numpy().copy()
        _soft_kernels.spread_down(ctx.tree.left, ctx.tree.right, values)
        return torch.from_numpy(values[: ctx.tree.leaves]).to(gradient), None


class _RelaxedCut(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, costs: Tensor, tree: MergeTree, temperature: float) -> tuple[Tensor, Tensor]:
        least, split, regions = _soft_kernels.relax(
            tree.left, tree.right, costs.detach().cpu().numpy(), float(temperature)
        )
        ctx.tree, ctx.temperature, ctx.split, ctx.regions = tree, float(temperature), split, regions
        return costs.new_tensor(least[-1]), costs.new_tensor(regions[-1])

    @staticmethod
    def backward(ctx: Any, by_least: Tensor, by_regions: Tensor) -> tuple[Tensor, None, None]:
        by_cost = _soft_kernels.relax_backward(
            ctx.tree.left,
            ctx.tree.right,
            ctx.split,
            ctx.regions,
            ctx.temperature,
            float(by_least),
            float(by_regions),
        )
        return torch.from_numpy(by_cost).to(by_least), None, None
