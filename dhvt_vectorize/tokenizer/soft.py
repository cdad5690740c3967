"""Soft assignment and mean injection: where the gradient flows from a region to its pixels.

In: features (N, C) of the N = H·W pixels of an image and a label map. Out: for every pixel the probabilities of its own
region and of those within `REACH` px, at most `MOST` together:

    q(p, k) ∝ exp(−d(f_p, m_k)/(2 T_f²) − r(p, k)²/(2 T_s²))

m_k is the region's mean feature, r the distance in px to the region's nearest pixel (0 for the own), T_f and T_s are
learned temperatures, d the distance of a kernel: squared Euclidean (gaussian), 1 − cosine, 1 − Tanimoto. At inference
the assignment is hard; in training it is soft, or hard forward with the soft one's gradient (straight-through, Bengio
et al. 2013). After SSN (Jampani et al. 2018, arXiv 1807.10174), with the regions of a merge tree instead of a grid's.

Means are float32 whatever the features are; ε guards norms, so that zero vectors give neither NaN nor infinity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int32, Int64
from torch import Tensor, nn

from ..errors import UsageError
from . import _soft_kernels

REACH = 2
MOST = 8
_EPSILON = 1e-6


@dataclass(frozen=True)
class NearRegions:
    """Which regions each pixel may belong to.

    Attributes:
        ids: int64 (N, 8), the own region first; places without a region hold the own region again. (N, 1) where only
            the own region counts.
        exists: bool, as `ids`, whether a place holds a region.
        squared_distance: float32, as `ids`, px² to the region's nearest pixel.
        regions: number of regions K.
    """

    ids: Int64[Tensor, "N 8"]
    exists: Tensor
    squared_distance: Float[Tensor, "N 8"]
    regions: int

    @cached_property
    def pairs(self) -> tuple[Int64[Tensor, "P"], Int64[Tensor, "P"]]:
        """Pixel and region of each place that holds one, in the order of `exists`.

        Most pixels are near their own region alone: P is little more than N, and pairs cost a fraction of all places.
        """
        return self.exists.nonzero(as_tuple=True)[0], self.ids[self.exists]


def near_regions(labels: Int32[np.ndarray, "H W"], device: torch.device | str = "cpu") -> NearRegions:
    """The regions within REACH px of every pixel; `labels` are 0…K−1."""
    ids, squared = _soft_kernels.near_regions(labels, REACH, MOST)
    exists = ids >= 0
    return NearRegions(
        torch.from_numpy(np.where(exists, ids, ids[:, :1]).astype(np.int64)).to(device),
        torch.from_numpy(exists).to(device),
        torch.from_numpy(squared).to(device),
        int(labels.max()) + 1,
    )


def own_regions(labels: Int64[Tensor, "H W"], regions: int | None = None) -> NearRegions:
    """Every pixel's own region alone, where nothing is soft; `labels` are 0…K−1."""
    ids = labels.reshape(-1, 1).long()
    count = int(ids.max()) + 1 if regions is None else regions
    return NearRegions(ids, torch.ones_like(ids, dtype=torch.bool), torch.zeros_like(ids, dtype=torch.float32), count)


def region_means(
    features: Float[Tensor, "N C"], near: NearRegions, weights: Float[Tensor, "N 8"] | None = None
) -> Float[Tensor, "K C"]:
    """The mean feature of every region: of its own pixels, or of all pixels weighted by their assignment."""
    features = features.float()
    if weights is None:
        ids, values, mass = near.ids[:, 0], features, features.new_ones(len(features))
    else:
        pixel, ids = near.pairs
        mass = weights.float()[near.exists]
        values = mass[:, None] * features[pixel]
    sums = features.new_zeros(near.regions, features.shape[1]).index_add(0, ids, values)
    return sums / features.new_zeros(near.regions).index_add(0, ids, mass).clamp_min(_EPSILON)[:, None]


class SoftAssignment(nn.Module):
    """Probabilities of every pixel over the regions near it; rows sum to one, the temperatures are learned.

    Args:
        kernel: gaussian, cosine or tanimoto.
        feature_temperature: T_f at the start, in feature units (gaussian) or in units of 1 − similarity.
        space_temperature: T_s at the start, in px.

    Raises:
        UsageError: an unknown kernel.
    """

    def __init__(
        self, kernel: str = "gaussian", feature_temperature: float | None = None, space_temperature: float = 2.0
    ) -> None:
        super().__init__()
        if kernel not in _KERNELS:
            raise UsageError("kernel", f"no such value {kernel!r}", f"choose one of {', '.join(_KERNELS)}")
        self.kernel = kernel
        start = feature_temperature or (8.0 if kernel == "gaussian" else 0.3)
        self.log_feature_temperature = nn.Parameter(torch.tensor(float(np.log(start))))
        self.log_space_temperature = nn.Parameter(torch.tensor(float(np.log(space_temperature))))

    def forward(
        self, features: Float[Tensor, "N C"], near: NearRegions, *, straight_through: bool = False
    ) -> Float[Tensor, "N 8"]:
        """Probabilities over `near.ids`, 0 where no region is."""
        features = features.float()
        pixel, region = near.pairs
        distance = _KERNELS[self.kernel](features[pixel], region_means(features, near)[region])
        logits = -distance / (2 * torch.exp(2 * self.log_feature_temperature)) - near.squared_distance[near.exists] / (
            2 * torch.exp(2 * self.log_space_temperature)
        )
        soft = torch.softmax(logits.new_full(near.exists.shape, -torch.inf).masked_scatter(near.exists, logits), 1)
        if not straight_through:
            return soft
        hard = torch.zeros_like(soft).scatter(1, soft.argmax(1, keepdim=True), 1.0)
        return hard + soft - soft.detach()


def inject_means(values: Float[Tensor, "N C"], near: NearRegions, means: Float[Tensor, "K C"]) -> Float[Tensor, "N C"]:
    """Each pixel's deviation from its region's own mean, on top of the region's learned mean (mean injection)."""
    own = near.ids[:, 0]
    return values - region_means(values, near)[own] + means[own]


def _squared_distance(features: Tensor, means: Tensor) -> Tensor:
    return (features - means).square().sum(-1)


def _cosine_distance(features: Tensor, means: Tensor) -> Tensor:
    # √(x² + ε²), not max(x, ε): smooth at zero vectors
    norms = torch.sqrt((features.square().sum(-1) + _EPSILON) * (means.square().sum(-1) + _EPSILON))
    return 1 - (features * means).sum(-1) / norms


def _tanimoto_distance(features: Tensor, means: Tensor) -> Tensor:
    dot = (features * means).sum(-1)
    return 1 - (dot + _EPSILON) / (features.square().sum(-1) + means.square().sum(-1) - dot + _EPSILON)


_KERNELS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "gaussian": _squared_distance,
    "cosine": _cosine_distance,
    "tanimoto": _tanimoto_distance,
}
