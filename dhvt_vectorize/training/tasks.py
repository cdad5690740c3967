"""The tasks: what a batch of samples costs, as scalars that reach every parameter.

In: samples of equal size and what each draws at random. Out: the terms of the loss by name, and their weighted sum.

- `regions`: pixel and region affinity against label maps, and who owns the rims. The partition whose regions are judged
  is cut at a random number of regions from the tree over the net's own features, so that the pairs are those that
  merging meets.
- `rims`: who owns the rims, alone; of the net, what decides that learns, and the rest stays as it is.
- `borders`: where annotators draw borders, alone: what `border_net` learns from images with label maps.
- `doubling`: how images look at twice their size, alone: what `doubling_net` learns from images of any kind.
- `reconstruct`: rate and distortion of the drawing itself. Each pixel is rebuilt from the mean colours of the regions
  it may belong to; the rate is the criterion's price of the tokens expected from the relaxed cut.
- `classify`: a small transformer over the tokens of a cut names the image's class: cross-entropy.
- `segment`: the same transformer names the class of every token. A token's target is the share of each class among its
  soft members: cross-entropy, and Dice over classes.

All add λ_reg · L_reg: borders where labels, or else the image, have them, and, where a number of tokens is wanted, the
squared logarithm of expected over wanted tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int32
from torch import Tensor, nn
from torch.nn import functional

from ..errors import UsageError
from ..tokenizer.colour import linear_to_lab, srgb_to_linear
from ..tokenizer.criteria import CriterionSettings, node_costs
from ..tokenizer.differentiable import SoftDivider, SoftDivision, as_drawn, as_tensor
from ..tokenizer.features import FeatureNet
from ..tokenizer.hierarchy import MergeTree
from ..tokenizer.initial import PARTS
from ..tokenizer.relaxed import node_moments, relaxed_cut
from ..tokenizer.rim_net import ownership_loss
from ..tokenizer.rims import premultiply
from ..tokenizer.selection import Partition, cut_into, cut_of_least_cost
from ..tokenizer.soft import region_means
from ..vit.embedding import TokenEmbedding, premultiplied
from ..vit.inputs import TokenInputs, joined
from ..vit.model import TokenTransformer
from .losses import (
    Thresholds,
    border_alignment,
    borders_of_image,
    borders_of_labels,
    count_penalty,
    drawn_borders,
    pixel_affinity,
    region_affinity,
    token_segmentation,
)
from .samples import Sample
from .views import halved, retaken

# The partitions whose regions are judged have between N / MOST_PIXELS and N / LEAST_PIXELS regions.
MOST_PIXELS, LEAST_PIXELS = 2500, 120
# Temperature of the relaxed cut, as a share of the price of one region.
_RELAXATION = 0.5
# The transformer of `classify` and `segment`: about half a million parameters.
_WIDTH, _DEPTH, _HEADS = 96, 4, 4
# Attention grows with the square of the tokens: no cut has more.
_MOST_TOKENS = 256
_HARDLY_WRONG = 0.005  # of the range of colours: errors below it count by their squares
LAB_UNIT = 100.0
"""Lab units that count as one where a transformer is told of features."""


@dataclass(frozen=True)
class LossWeights:
    """What the terms weigh.

    Attributes:
        pixel: of the pixel affinity, beside the region affinity's 1.
        regulariser: λ_reg, of border alignment and count together.
        target_tokens: tokens wanted a sample; None leaves the count free.
        rate: λ of the reconstruction's price, beside the distortion's 1.
        compact: whether regions are judged that are made to be tokens; False judges those that are drawn. Where a
            transformer takes them they are tokens in any case.
        rims: of the ownership of rims, beside the region affinity's 1.
    """

    pixel: float = 1.0
    regulariser: float = 0.1
    target_tokens: float | None = None
    rate: float = 1.0
    compact: bool = False
    rims: float = 1.0


@dataclass(frozen=True, eq=False)
class Division(SoftDivision):
    """A sample, its features, and the regions it was cut into.

    Attributes:
        labels: int32 (A, H, W), as in `Sample`.
        category: the image's class, if there is one.
    """

    labels: Int32[Tensor, "A H W"]
    category: int | None


class Task(nn.Module):
    """A net in training with what is learned beside it.

    Args:
        net: the feature net.
        weights: of the loss's terms.
        classes: how many there are, for the tasks that name one.
    """

    net_rate = 1.0
    """How fast the net learns, as a share of the learning rate."""
    takes_tokens = False
    """Whether something takes the regions as tokens, and so as they are where the tokenizer is used."""
    draws_count = True
    """Whether the number of tokens expected of the criterion is drawn to the one that is wanted."""

    def __init__(self, net: FeatureNet, weights: LossWeights | None = None, classes: int = 0) -> None:
        super().__init__()
        for part in [getattr(net, name) for name in PARTS]:
            if part is not None:
                part.requires_grad_(False)  # no loss but its own reaches it
        self.divider = SoftDivider(net)
        self.weights = weights or LossWeights()
        self.compact = self.weights.compact or self.takes_tokens
        self.thresholds = Thresholds()

    @property
    def net(self) -> FeatureNet:
        """The feature net."""
        return self.divider.net

    def forward(self, samples: Sequence[Sample], random: Sequence[np.random.Generator]) -> dict[str, Tensor]:
        """The terms, each a mean over the samples, and "loss", what is minimised.

        Args:
            samples: of one size.
            random: each sample's own generator, so that a sample costs the same in whatever batch it is.
        """
        device = self.net.correct.weight.device
        cuts = [partial(self._cut, random=each) for each in random]
        images = [sample.image for sample in samples]
        soft = self.divider(images, cuts, compact=self.compact, owned=self.takes_tokens)
        divisions = [
            Division(**vars(each), labels=torch.from_numpy(sample.labels).to(device), category=sample.category)
            for each, sample in zip(soft, samples, strict=True)
        ]
        terms = self._task_terms(divisions)
        regulariser = _means([self._regulariser(division) for division in divisions])
        loss = terms["loss"] + self.weights.regulariser * regulariser.pop("regulariser")
        return {**terms, **regulariser, "loss": loss}

    def _cut(self, tree: MergeTree, random: np.random.Generator) -> Partition:
        """The partition that the sample is judged on."""
        pixels = tree.leaf_of_pixel.size
        low, high = max(2.0, pixels / MOST_PIXELS), max(2.0, pixels / LEAST_PIXELS)
        return cut_into(tree, round(math.exp(random.uniform(math.log(low), math.log(high)))))

    def _task_terms(self, divisions: Sequence[Division]) -> dict[str, Tensor]:
        """The task's own terms, and "loss", their weighted sum."""
        return _means([self._terms(division) for division in divisions])

    def _terms(self, division: Division) -> dict[str, Tensor]:
        """The same of one sample, where samples do not meet."""
        raise NotImplementedError

    def _regulariser(self, division: Division) -> dict[str, Tensor]:
        labels, near = division.labels, division.near
        borders = borders_of_labels(labels) if len(labels) else borders_of_image(_lab(division.image))
        height, width = division.features.shape[1:]
        aligned = border_alignment(division.share, near, (height, width), borders)
        if self.weights.target_tokens is None or not self.draws_count:
            return {"borders": aligned, "regulariser": aligned}
        _, expected = self._relaxed(division)
        count = count_penalty(expected, self.weights.target_tokens)
        return {"borders": aligned, "tokens": expected.detach(), "count": count, "regulariser": aligned + count}

    def _relaxed(self, division: Division) -> tuple[Tensor, Tensor]:
        """Soft least cost under BIC, and expected tokens."""
        config, tree, features = self.net.config, division.tree, division.features
        _, variances = node_moments(tree, features)
        pixels = torch.from_numpy(tree.pixels).to(variances)
        misfit = config.effective_sample * pixels * torch.log(variances + config.variance_floor).sum(1)
        parameters = 2 * tree.sums.shape[1]
        size = parameters + config.border_price * torch.from_numpy(tree.border).to(variances)
        price = math.log(max(2, tree.leaf_of_pixel.size))
        return relaxed_cut(tree, misfit + price * size, _RELAXATION * price * parameters)


class RegionsTask(Task):
    """Affinity and ownership against label maps."""

    def _terms(self, division: Division) -> dict[str, Tensor]:
        features, labels = division.features, division.labels
        regions = division.near.ids[:, 0].view(features.shape[1:]).int().cpu().numpy()
        merging = self.net.config.merging(compact=self.compact)
        region = region_affinity(features, labels, regions, merging, self.thresholds)
        pixel = pixel_affinity(features, labels, self.thresholds)
        loss = region + self.weights.pixel * pixel
        if self.net.rims is None or not self.net.config.rim_rule:
            return {"region": region, "pixel": pixel, "loss": loss}
        owners = ownership_loss(self.net.rims, division.premultiplied, labels.cpu().numpy())
        return {"region": region, "pixel": pixel, "rims": owners, "loss": loss + self.weights.rims * owners}


class PartTask(Task):
    """One part of the net alone, by its attribute's name; the rest stays as it is."""

    part: str
    missing: str

    def __init__(self, net: FeatureNet, weights: LossWeights | None = None, classes: int = 0) -> None:
        super().__init__(net, weights)
        if getattr(net, self.part) is None:
            raise UsageError("--task", self.missing, "train without --init")
        self.requires_grad_(False)
        getattr(net, self.part).requires_grad_(True)

    def forward(self, samples: Sequence[Sample], random: Sequence[np.random.Generator]) -> dict[str, Tensor]:
        """See `Task.forward`."""
        loss = torch.stack([self._loss(*each) for each in zip(samples, random, strict=True)]).mean()
        return {self.part: loss, "loss": loss}

    def _loss(self, sample: Sample, random: np.random.Generator) -> Tensor:
        raise NotImplementedError


class RimsTask(PartTask):
    """Ownership of rims alone: many more samples a second than all of `regions`. Nothing here is drawn at random."""

    part, missing = "rims", "these weights leave rims to the hand-made rule"

    def _loss(self, sample: Sample, random: np.random.Generator) -> Tensor:
        assert self.net.rims is not None
        image = premultiply(as_drawn(sample.image, self.net))
        return ownership_loss(self.net.rims, image, sample.labels)


class BordersTask(PartTask):
    """Where annotators draw borders, alone; in training every image is taken anew, see `views`."""

    part, missing = "borders", "these weights have no net for borders"

    def _loss(self, sample: Sample, random: np.random.Generator) -> Tensor:
        assert self.net.borders is not None
        device = self.net.correct.weight.device
        image, labels = as_tensor([sample.image]).to(device), torch.from_numpy(sample.labels).to(device)
        if self.training:
            image, labels = retaken(image, labels, random)
        colour = self.net.colours(image).contiguous(memory_format=torch.channels_last)
        return drawn_borders([answer[0] for answer in self.net.borders(colour)], labels)


class DoublingTask(PartTask):
    """Images at half their size → the images, alone; in training reduced in any of the usual ways, see `halved`."""

    part, missing = "doubling", "these weights have no net for doubling"

    def _loss(self, sample: Sample, random: np.random.Generator) -> Tensor:
        assert self.net.doubling is not None
        halves = halved(premultiply(sample.image), random if self.training else None)
        half, whole = (as_tensor([each]).to(self.net.correct.weight.device) for each in halves)
        wrong = (self.net.doubling(half) - whole).square().sum(1)
        loss: Tensor = (wrong + _HARDLY_WRONG**2).sqrt().mean()
        return loss


class ReconstructTask(Task):
    """Rate and distortion of colours rebuilt from tokens."""

    def _terms(self, division: Division) -> dict[str, Tensor]:
        colours = _lab(division.image).flatten(1).T
        means = region_means(colours, division.near, division.share)
        rebuilt = (division.share[..., None] * means[division.near.ids]).sum(1)
        distortion = (colours - rebuilt).square().sum(1).mean() / self.net.config.variance_floor
        least, _ = self._relaxed(division)
        rate = (least / len(colours)).to(distortion)
        return {"distortion": distortion, "rate": rate, "loss": distortion + self.weights.rate * rate}


class TransformerTask(Task):
    """A transformer over the tokens of one cut: of as many as are wanted, else as the criterion selects."""

    # faster, and regions change under the transformer before it has learned what they are
    net_rate = 0.1
    takes_tokens = True

    def __init__(self, net: FeatureNet, weights: LossWeights | None = None, classes: int = 0) -> None:
        super().__init__(net, weights)
        if classes < 2:
            raise UsageError("classes", f"{classes} cannot be told apart", "give data with two or more")
        self.embedding = TokenEmbedding(_WIDTH, features=net.config.channels)
        self.transformer = TokenTransformer(_WIDTH, _DEPTH, _HEADS, classes)

    def _cut(self, tree: MergeTree, random: np.random.Generator) -> Partition:
        if self.weights.target_tokens is not None:
            return cut_into(tree, max(1, min(_MOST_TOKENS, round(self.weights.target_tokens))))
        config = self.net.config
        settings = CriterionSettings(
            config.feature_scale, config.variance_floor, config.border_price, config.effective_sample
        )
        selected = cut_of_least_cost(tree, node_costs(tree, "bic", settings, 1.0))
        return selected if selected.regions <= _MOST_TOKENS else cut_into(tree, _MOST_TOKENS)

    def told(self, of: SoftDivision) -> TokenInputs:
        """What the embedding is told of an image's regions."""
        return self.embedding.inputs(premultiplied(of.image), of.near, of.share, of.features / LAB_UNIT)

    def _vectors(self, divisions: Sequence[Division]) -> list[Float[Tensor, "K width"]]:
        inputs = [self.told(of) for of in divisions]
        return list(torch.split(self.embedding(joined(inputs)), [len(each) for each in inputs]))


class ClassifyTask(TransformerTask):
    """The class of an image."""

    def _task_terms(self, divisions: Sequence[Division]) -> dict[str, Tensor]:
        logits = self.transformer.of_images(self._vectors(divisions))
        truth = torch.tensor([of.category for of in divisions], device=logits.device)
        loss = functional.cross_entropy(logits, truth)
        return {"accuracy": (logits.argmax(1) == truth).float().mean(), "loss": loss}


class SegmentTask(TransformerTask):
    """The class of every token."""

    def _task_terms(self, divisions: Sequence[Division]) -> dict[str, Tensor]:
        answers = self.transformer.of_tokens(self._vectors(divisions))
        return _means(
            [
                token_segmentation(logits, of.labels, of.near, of.share)
                for logits, of in zip(answers, divisions, strict=True)
            ]
        )


TASKS: dict[str, type[Task]] = {
    "regions": RegionsTask,
    "rims": RimsTask,
    "borders": BordersTask,
    "doubling": DoublingTask,
    "reconstruct": ReconstructTask,
    "classify": ClassifyTask,
    "segment": SegmentTask,
}


def task_named(name: str) -> type[Task]:
    """The task of that name. Raises UsageError with the known ones."""
    if name not in TASKS:
        raise UsageError("--task", f"no such value {name!r}", f"choose one of {', '.join(TASKS)}")
    return TASKS[name]


def _lab(image: Float[Tensor, "4 H W"]) -> Float[Tensor, "4 H W"]:
    """Lab and 100 × alpha of an image, premultiplied."""
    lab = linear_to_lab(srgb_to_linear(image[None, :3]))[0]
    return torch.cat([lab, torch.full_like(image[3:], 100.0)]) * image[3:]


def _means(rows: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([row[name] for row in rows]).mean() for name in rows[0]}
