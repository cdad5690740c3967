"""MergeTree → the cost of every node under an information criterion: BIC, AIC, AICc or MDL.

A node's pixels are drawn from one Gaussian with a diagonal covariance; its cost is −2 ln L of that plus a price:

    cost = ρ · n · Σ_c ln(variance_c + σ₀²)  +  λ · (parameters + β · border) · g

ρ is the effective sample size of a pixel (neighbouring pixels are not independent), σ₀² a floor that stands for noise
and rounding, parameters = 2 C (a mean and a variance a channel), β prices a pixel side of border, λ is the detail
setting. g is ln N for BIC (Schwarz 1978) with N the image's pixels, 2 for AIC (Akaike 1974), and for AICc (Hurvich &
Tsai 1989) 2·(1 + (p + 1)/(n − p − 1)) with the node's own n. MDL (Rissanen 1978) prices parameters by ln N as BIC
does, and codes the border itself: ln 3 a side, three choices a step, shared by two regions.

Costs compare partitions of one image under one criterion; constants common to all partitions are left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from ..errors import UsageError
from .hierarchy import MergeTree
from .parts import in_parts

# so many nodes' costs and what they are made of stay in the processor's cache
_NODES_AT_ONCE = 8192


@dataclass(frozen=True)
class CriterionSettings:
    """Calibration of the criterion.

    Attributes:
        feature_scale: the features' integer units a Lab unit.
        variance_floor: σ₀², in squared Lab units.
        border_price: β, parameters a pixel side.
        effective_sample: ρ, 0…1.
    """

    feature_scale: int
    variance_floor: float
    border_price: float
    effective_sample: float


def node_costs(
    tree: MergeTree, criterion: str, settings: CriterionSettings, price_factor: float = 1.0
) -> Float[np.ndarray, "M"]:
    """The cost of representing each node by one region; `price_factor` is λ. Raises UsageError for an unknown name."""
    if criterion not in _PRICES:
        raise UsageError("--criterion", f"no such value {criterion!r}", f"choose one of {', '.join(_PRICES)}")
    costs = np.empty(len(tree.pixels), np.float64)

    def write(first: int, last: int) -> None:
        for start in range(first, last, _NODES_AT_ONCE):
            rows = slice(start, min(start + _NODES_AT_ONCE, last))
            part = _part(tree, rows)
            misfit = settings.effective_sample * _log_variance(part, settings) * part.pixels
            costs[rows] = misfit + price_factor * _PRICES[criterion](part, settings)

    in_parts(len(costs), write)
    return costs


def _part(tree: MergeTree, rows: slice) -> MergeTree:
    """The tree with these nodes' statistics only."""
    names = ("pixels", "sums", "squares", "border")
    return replace(tree, **{name: getattr(tree, name)[rows] for name in names})


def _log_variance(tree: MergeTree, settings: CriterionSettings) -> Float[np.ndarray, "M"]:
    """Σ_c ln(variance_c + σ₀²), by sums of logs, never a product of variances (which over- and underflows)."""
    unit = 1.0 / settings.feature_scale
    total = np.zeros(len(tree.pixels))
    for c in range(tree.sums.shape[1]):
        mean = tree.sums[:, c] / tree.pixels
        variance = tree.squares[:, c] / tree.pixels - mean * mean
        total += np.log(np.maximum(variance, 0.0) * unit * unit + settings.variance_floor)
    return total


def _parameters(tree: MergeTree) -> int:
    return 2 * int(tree.sums.shape[1])


def _size(tree: MergeTree, settings: CriterionSettings) -> Float[np.ndarray, "M"]:
    return _parameters(tree) + settings.border_price * tree.border


def _bic(tree: MergeTree, settings: CriterionSettings) -> Float[np.ndarray, "M"]:
    return _size(tree, settings) * math.log(max(2, tree.leaf_of_pixel.size))


def _aic(tree: MergeTree, settings: CriterionSettings) -> Float[np.ndarray, "M"]:
    return _size(tree, settings) * 2.0


def _aicc(tree: MergeTree, settings: CriterionSettings) -> Float[np.ndarray, "M"]:
    p = _parameters(tree)
    # at n ≤ p + 1 the correction has a pole; below it a node is priced as at its edge
    spare = np.maximum(tree.pixels - p - 1, 1)
    price: Float[np.ndarray, "M"] = _size(tree, settings) * 2.0 * (1.0 + (p + 1) / spare)
    return price


def _mdl(tree: MergeTree, settings: CriterionSettings) -> Float[np.ndarray, "M"]:
    parameters = _parameters(tree) * math.log(max(2, tree.leaf_of_pixel.size))
    return np.asarray(parameters + math.log(3.0) * tree.border, np.float64)


_PRICES: dict[str, Callable[[MergeTree, CriterionSettings], Float[np.ndarray, "M"]]] = {
    "bic": _bic,
    "aic": _aic,
    "aicc": _aicc,
    "mdl": _mdl,
}
