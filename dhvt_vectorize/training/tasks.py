"""The tasks: what a batch of samples costs, as scalars that reach every parameter.

In: samples of equal size and what each draws at random. Out: the terms of the loss by name, and their weighted sum.

- `regions`: pixel and region affinity against label maps. The partition whose regions are judged is cut at a random
  number of regions from the tree over the net's own features, so that the pairs are those that merging meets.
- `reconstruct`: rate and distortion of the drawing itself. Each pixel is rebuilt from the mean colours of the regions
  it may belong to; the rate is the criterion's price of the tokens expected from the relaxed cut.

Both add λ_reg · L_reg: borders where labels, or else the image, have them, and, where a number of tokens is wanted, the
squared logarithm of expected over wanted tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int32
from torch import Tensor, nn

from ..errors import UsageError
from ..tokenizer.colour import srgb_to_linear
from ..tokenizer.config import TokenizerConfig
from ..tokenizer.features import FeatureNet
from ..tokenizer.hierarchy import MergeTree, build_merge_tree
from ..tokenizer.relaxed import node_moments, relaxed_cut
from ..tokenizer.selection import cut_into
from ..tokenizer.soft import NearRegions, SoftAssignment, near_regions, region_means
from .losses import (
    Thresholds,
    border_alignment,
    borders_of_image,
    borders_of_labels,
    count_penalty,
    pixel_affinity,
    region_affinity,
)
from .samples import Sample

# The partitions whose regions are judged have between N / MOST_PIXELS and N / LEAST_PIXELS regions.
MOST_PIXELS, LEAST_PIXELS = 2500, 120
# Temperature of the relaxed cut, as a share of the price of one region.
_RELAXATION = 0.5


@dataclass(frozen=True)
class LossWeights:
    """What the terms weigh.

    Attributes:
        pixel: of the pixel affinity, beside the region affinity's 1.
        regulariser: λ_reg, of border alignment and count together.
        target_tokens: tokens wanted a sample; None leaves the count free.
        rate: λ of the reconstruction's price, beside the distortion's 1.
    """

    pixel: float = 0.3
    regulariser: float = 0.1
    target_tokens: float | None = None
    rate: float = 1.0


class Task(nn.Module):
    """A net in training with what is learned beside it."""

    def __init__(self, net: FeatureNet, weights: LossWeights | None = None) -> None:
        super().__init__()
        self.net = net
        self.weights = weights or LossWeights()
        self.thresholds = Thresholds()
        self.assignment = SoftAssignment()

    def forward(self, samples: Sequence[Sample], random: Sequence[np.random.Generator]) -> dict[str, Tensor]:
        """The terms, each a mean over the samples, and "loss", what is minimised.

        Args:
            samples: of one size.
            random: each sample's own generator, so that a sample costs the same in whatever batch it is.
        """
        device = self.net.correct.weight.device
        images = torch.stack([torch.from_numpy(sample.image) for sample in samples]).to(device)
        images = images.permute(0, 3, 1, 2).float() / 255
        terms: dict[str, list[Tensor]] = {}
        for image, features, sample, own in zip(images, self.net(images), samples, random, strict=True):
            labels = torch.from_numpy(sample.labels).to(device)
            for name, value in self._terms(image, features, labels, own).items():
                terms.setdefault(name, []).append(value)
        return {name: torch.stack(values).mean() for name, values in terms.items()}

    def _terms(self, image: Tensor, features: Tensor, labels: Tensor, random: np.random.Generator) -> dict[str, Tensor]:
        height, width = features.shape[1:]
        pixels = height * width
        tree = merge_tree(features, self.net.config)
        low, high = max(2.0, pixels / MOST_PIXELS), max(2.0, pixels / LEAST_PIXELS)
        regions = cut_into(tree, round(math.exp(random.uniform(math.log(low), math.log(high))))).labels
        near = near_regions(regions, features.device)
        share = self.assignment(features.flatten(1).T, near)
        terms = self._task_terms(image, features, labels, regions, near, share, tree)
        borders = borders_of_labels(labels) if len(labels) else borders_of_image(_lab(image))
        terms["borders"] = border_alignment(share, near, (height, width), borders)
        regulariser = terms["borders"]
        if self.weights.target_tokens is not None:
            _, expected = self._relaxed(tree, features)
            terms["tokens"] = expected.detach()
            terms["count"] = count_penalty(expected, self.weights.target_tokens)
            regulariser = regulariser + terms["count"]
        terms["loss"] = terms["loss"] + self.weights.regulariser * regulariser
        return terms

    def _task_terms(
        self,
        image: Float[Tensor, "4 H W"],
        features: Float[Tensor, "C H W"],
        labels: Int32[Tensor, "A H W"],
        regions: Int32[np.ndarray, "H W"],
        near: NearRegions,
        share: Float[Tensor, "N 8"],
        tree: MergeTree,
    ) -> dict[str, Tensor]:
        """The task's own terms, and "loss", their weighted sum."""
        raise NotImplementedError

    def _relaxed(self, tree: MergeTree, features: Tensor) -> tuple[Tensor, Tensor]:
        """Soft least cost under BIC, and expected tokens."""
        config = self.net.config
        _, variances = node_moments(tree, features)
        pixels = torch.from_numpy(tree.pixels).to(variances)
        misfit = config.effective_sample * pixels * torch.log(variances + config.variance_floor).sum(1)
        size = 2 * features.shape[0] + config.border_price * torch.from_numpy(tree.border).to(variances)
        price = math.log(max(2, tree.leaf_of_pixel.size))
        return relaxed_cut(tree, misfit + price * size, _RELAXATION * price * 2 * features.shape[0])


class RegionsTask(Task):
    """Affinity against label maps."""

    def _task_terms(self, image, features, labels, regions, near, share, tree):  # type: ignore[no-untyped-def]
        terms = {
            "region": region_affinity(features, labels, regions, self.net.config.border_exponent, self.thresholds),
            "pixel": pixel_affinity(features, labels, self.thresholds),
        }
        return {**terms, "loss": terms["region"] + self.weights.pixel * terms["pixel"]}


class ReconstructTask(Task):
    """Rate and distortion of colours rebuilt from tokens."""

    def _task_terms(self, image, features, labels, regions, near, share, tree):  # type: ignore[no-untyped-def]
        colours = _lab(image).flatten(1).T
        rebuilt = (share[..., None] * region_means(colours, near, share)[near.ids]).sum(1)
        floor = self.net.config.variance_floor
        distortion = (colours - rebuilt).square().sum(1).mean() / floor
        least, _ = self._relaxed(tree, features)
        rate = (least / features[0].numel()).to(distortion)
        return {"distortion": distortion, "rate": rate, "loss": distortion + self.weights.rate * rate}


TASKS: dict[str, type[Task]] = {"regions": RegionsTask, "reconstruct": ReconstructTask}


def task_named(name: str) -> type[Task]:
    """The task of that name. Raises UsageError with the known ones."""
    if name not in TASKS:
        raise UsageError("--task", f"no such value {name!r}", f"choose one of {', '.join(TASKS)}")
    return TASKS[name]


def merge_tree(features: Float[Tensor, "C H W"], config: TokenizerConfig) -> MergeTree:
    """The tree over features as they are now, rounded as a feature map is."""
    steps = torch.round(features.detach() * config.feature_scale).clamp(-(2**15 - 1), 2**15 - 1)
    return build_merge_tree(steps.permute(1, 2, 0).int().cpu().numpy(), border_exponent=config.border_exponent)


def _lab(image: Float[Tensor, "4 H W"]) -> Float[Tensor, "4 H W"]:
    """Lab and 100 × alpha of an image, premultiplied."""
    from ..tokenizer.colour import linear_to_lab

    lab = linear_to_lab(srgb_to_linear(image[None, :3]))[0]
    return torch.cat([lab, torch.full_like(image[3:], 100.0)]) * image[3:]
