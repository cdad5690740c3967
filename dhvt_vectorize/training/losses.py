"""The losses that make a distance of features mean "another region".

In: features (C, H, W) of one image, label maps of one or more annotators (−1 where nobody is to be judged), a partition
of the image cut from the tree over these very features. Out: scalars that reach every pixel's feature.

- `pixel_affinity`: pairs of pixels 1, 2, 4 and 8 px apart are one region's or not: cross-entropy on the logarithm of
  their distance, against the share of annotators who part them.
- `region_affinity`: the pairs of touching regions that the merging meets next: cross-entropy on the logarithm of the
  merge's cost, against the chance that a pixel of one and a pixel of the other have different labels.
- `border_alignment`: where the soft assignment parts neighbours, a border should be, and the other way round.
- `count_penalty`: the squared logarithm of expected over wanted tokens.
- `drawn_borders`: where annotators part neighbours, as the net for borders has it: cross-entropy.
- `token_segmentation`: a token's classes against the share of each among its soft members: cross-entropy and Dice.

Where a logarithm's zero lies is learned with the net (`Thresholds`): only the order of distances matters to a tree.
Both answers weigh the same, or the many pairs inside regions would drown the few across borders. Affinities in this
form go back to learned pairwise merging criteria for superpixels (SEAL, Tu et al. 2018; SSN, Jampani et al. 2018).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int32
from torch import Tensor, nn
from torch.nn import functional

from ..tokenizer.soft import NearRegions
from . import _pair_kernels

PIXEL_STEPS = (1, 2, 4, 8)
# Squared distance, in Lab², that counts as none: below it a logarithm would reward differences nobody sees.
_NEARLY_EQUAL = 0.05
_NO_WEIGHT = 1e-6
_COARSER = 0.2


class Thresholds(nn.Module):
    """Where, and how sharply, distances turn from "the same" to "another"; learned beside the net, not kept with it."""

    def __init__(self) -> None:
        super().__init__()
        self.pixel = nn.Parameter(torch.full((len(PIXEL_STEPS),), 3.5))
        self.pixel_slope = nn.Parameter(torch.tensor(0.5))
        # the threshold of a merge's cost falls with the logarithm of the number of regions an image of 1 MP would have
        self.region = nn.Parameter(torch.tensor(5.5))
        self.region_by_count = nn.Parameter(torch.tensor(-0.3))
        self.region_slope = nn.Parameter(torch.tensor(0.6))


def pixel_affinity(
    features: Float[Tensor, "C H W"], labels: Int32[Tensor, "A H W"], thresholds: Thresholds
) -> Float[Tensor, ""]:
    """Cross-entropy of pairs of pixels; 0 where no pair is judged."""
    total = features.new_zeros(())
    for place, step in enumerate(PIXEL_STEPS):
        for axis in (1, 2):
            if features.shape[axis] <= step:
                continue
            one, other = _shifted(features, axis, step), _shifted(features, axis, -step)
            apart, judged = _parted(_shifted(labels, axis, step), _shifted(labels, axis, -step))
            logarithm = torch.log((one - other).square().sum(0) + _NEARLY_EQUAL)
            logits = torch.exp(thresholds.pixel_slope) * (logarithm - thresholds.pixel[place])
            total = total + _balanced_cross_entropy(logits, apart, judged)
    return total / (2 * len(PIXEL_STEPS))


def region_affinity(
    features: Float[Tensor, "C H W"],
    labels: Int32[Tensor, "A H W"],
    regions: Int32[np.ndarray, "H W"],
    merging: tuple[float, float],
    thresholds: Thresholds,
) -> Float[Tensor, ""]:
    """Cross-entropy of pairs of touching regions; 0 where none is judged.

    Args:
        features: what the partition was made from.
        labels: the annotators' maps.
        regions: the partition, 0…K−1.
        merging: what counts in a merge's cost, see `TokenizerConfig.merging`.
        thresholds: learned with the net.
    """
    border_exponent, compactness = merging
    pairs, sides = np.unique(_pair_kernels.touching_pixels(regions), axis=0, return_counts=True)
    if len(pairs) == 0:
        return features.new_zeros(())
    region = torch.from_numpy(regions.astype(np.int64).ravel()).to(features.device)
    count = int(regions.max()) + 1
    one, other = torch.from_numpy(pairs.T.copy()).to(features.device)
    pixels = torch.bincount(region, minlength=count).to(features)
    means = features.new_zeros(count, features.shape[0]).index_add(0, region, features.flatten(1).T) / pixels[:, None]
    places = _centroids(region, pixels, regions.shape) * (compactness / float(np.sqrt(regions.size)))
    apart_in_place = (places[one] - places[other]).square().sum(1)
    logarithm = torch.log((means[one] - means[other]).square().sum(1) + apart_in_place + _NEARLY_EQUAL)
    logarithm = logarithm + torch.log(pixels[one] * pixels[other] / (pixels[one] + pixels[other]))
    logarithm = logarithm - border_exponent * torch.log(torch.from_numpy(sides).to(features))
    regions_a_megapixel = count / regions.size * 1e6
    threshold = thresholds.region + thresholds.region_by_count * np.log(regions_a_megapixel / 1000.0)
    logits = torch.exp(thresholds.region_slope) * (logarithm - threshold)
    apart, judged = _regions_parted(region, count, one, other, labels)
    # a wrong merge costs as many pixels as the smaller region has; the root keeps the large ones from ruling alone
    return _balanced_cross_entropy(logits, apart, judged * torch.minimum(pixels[one], pixels[other]).sqrt())


def _centroids(region: Tensor, pixels: Tensor, shape: tuple[int, ...]) -> Float[Tensor, "K 2"]:
    """y and x of every region's centre, in px."""
    place = torch.arange(len(region), device=region.device)
    coordinates = torch.stack([place // shape[1], place % shape[1]], 1).to(pixels)
    return pixels.new_zeros(len(pixels), 2).index_add(0, region, coordinates) / pixels[:, None]


# For one direction (down, right): the share of annotators who part the pair, and whether any judges it; (H − 1, W), …
Borders = tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]


def borders_of_labels(labels: Int32[Tensor, "A H W"]) -> Borders:
    """Where label maps part neighbours."""
    down, right = (_parted(_shifted(labels, axis, 1), _shifted(labels, axis, -1)) for axis in (1, 2))
    return down, right


def borders_of_image(colours: Float[Tensor, "C H W"], contrast: float = 12.0) -> Borders:
    """Where the image itself parts neighbours, for want of labels: 1 − exp(−|Δ|²/(2 contrast²)), in Lab units."""
    steps = [_shifted(colours, axis, 1) - _shifted(colours, axis, -1) for axis in (1, 2)]
    down, right = (1 - torch.exp(-step.square().sum(0) / (2 * contrast**2)) for step in steps)
    return (down, torch.ones_like(down)), (right, torch.ones_like(right))


def border_alignment(
    assignment: Float[Tensor, "N 8"], near: NearRegions, shape: tuple[int, int], borders: Borders
) -> Float[Tensor, ""]:
    """How far the soft partition's borders and the wanted ones differ: the mean over both kinds of error, 0…1 each.

    Neighbours p, p′ are parted with the probability 1 − Σ_k q(p, k) q(p′, k). What is parted where no border is wanted
    is one kind of error, a wanted border that is not parted the other.
    """
    share, ids = assignment.reshape(*shape, -1), near.ids.reshape(*shape, -1)
    several = near.exists[:, 1:].any(1).reshape(shape)
    false = missed = drawn = wanted = share.new_zeros(())
    for axis, (apart, judged) in enumerate(borders):
        # neighbours that are each near one region are of the same one
        mixed = _shifted(several, axis, 1) | _shifted(several, axis, -1)
        q, r = (_shifted(share, axis, step)[mixed] for step in (1, -1))
        same = _shifted(ids, axis, 1)[mixed][:, :, None] == _shifted(ids, axis, -1)[mixed][:, None, :]
        together = torch.einsum("pi,pj,pij->p", q, r, same.to(share))
        parted = share.new_zeros(mixed.shape).masked_scatter(mixed, 1 - together.clamp(max=1.0).to(share))
        false = false + (judged * parted * (1 - apart)).sum()
        missed = missed + (judged * (1 - parted) * apart).sum()
        drawn, wanted = drawn + (judged * parted).sum(), wanted + (judged * apart).sum()
    return 0.5 * (false / drawn.detach().clamp_min(1.0) + missed / wanted.clamp_min(1.0))


def drawn_borders(answers: Sequence[Float[Tensor, "2 H W"]], labels: Int32[Tensor, "A H W"]) -> Float[Tensor, ""]:
    """Cross-entropy of each side's logit against the share of annotators who part the two pixels there.

    The first answer counts fully, the others, which are to learn the same at coarser resolutions, as `_COARSER` in sum.
    """
    (down, judged_down), (right, judged_right) = borders_of_labels(labels)
    losses = [
        _balanced_cross_entropy(answer[0, :, 1:], right, judged_right)
        + _balanced_cross_entropy(answer[1, 1:], down, judged_down)
        for answer in answers
    ]
    finest, *coarser = losses
    return finest + _COARSER * torch.stack(coarser).mean() if coarser else finest


def count_penalty(expected: Float[Tensor, ""], target: float) -> Float[Tensor, ""]:
    """(ln expected − ln target)²: twice as many tokens cost as much as half as many."""
    return (torch.log(expected) - float(np.log(target))).square()


def token_segmentation(
    logits: Float[Tensor, "K classes"],
    labels: Int32[Tensor, "A H W"],
    near: NearRegions,
    share: Float[Tensor, "N 8"],
) -> dict[str, Tensor]:
    """How well tokens' classes fit the pixels': "cross_entropy", "dice" (0…1), "accuracy" of pixels, "loss", their sum.

    A token's target is the mass of each class among its soft members, so that the gradient also reaches who they are.
    All terms are 0 where nothing is labelled; the accuracy is that of each pixel's own region.

    Args:
        logits: of every token.
        labels: class maps, 0…classes − 1, −1 where none is to be judged.
        near: the regions near each pixel.
        share: each pixel's probabilities over them.

    Raises:
        ValueError: a label is not below the number of classes.
    """
    classes = logits.shape[1]
    if len(labels) and int(labels.max()) >= classes:
        raise ValueError(f"a label is {int(labels.max())}, but there are {classes} classes")
    mass = logits.new_zeros(near.regions * classes)
    right, judged = logits.new_zeros(()), logits.new_zeros(())
    named = logits.argmax(1)[near.ids[:, 0]]
    for label in labels.reshape(len(labels), -1).long():
        known = label >= 0
        places = near.ids[known] * classes + label[known, None]
        mass = mass.index_add(0, places.flatten(), share[known].to(mass).flatten())
        right, judged = right + (named == label)[known].sum(), judged + known.sum()
    mass = mass.view(-1, classes)
    logarithms = torch.log_softmax(logits, 1)
    cross_entropy = -(mass * logarithms).sum() / mass.sum().clamp_min(_NO_WEIGHT)
    chosen, true = logarithms.exp() * mass.sum(1, keepdim=True), mass.sum(0)
    overlap = (logarithms.exp() * mass).sum(0)
    dice = 1 - (2 * overlap + 1) / (chosen.sum(0) + true + 1)
    present = true.detach() > 0
    dice = dice[present].mean() if present.any() else dice.new_zeros(())
    accuracy = right / judged.clamp_min(1)
    return {"cross_entropy": cross_entropy, "dice": dice, "accuracy": accuracy, "loss": cross_entropy + dice}


def _shifted(values: Tensor, axis: int, step: int) -> Tensor:
    """Without the first `step` places along the axis, or without the last where it is negative."""
    length = values.shape[axis] - abs(step)
    return values.narrow(axis, max(step, 0), length)


def _parted(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Share of the annotators who give the two pixels different labels, and whether any judges both; float (H, W)."""
    judged = ((one >= 0) & (other >= 0)).float()
    apart = ((one != other).float() * judged).sum(0) / judged.sum(0).clamp_min(1.0)
    return apart, (judged.sum(0) > 0).float()


def _regions_parted(region: Tensor, count: int, one: Tensor, other: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Chance that pixels of two regions have different labels, mean over annotators, and whether any judges both."""
    apart = judged = torch.zeros(len(one), device=region.device)
    for label in labels.reshape(len(labels), -1).long():
        known = label >= 0
        kinds = int(label.max()) + 1
        if kinds <= 0:
            continue
        table = torch.bincount(region[known] * kinds + label[known], minlength=count * kinds).reshape(count, kinds)
        mass = table.sum(1)
        shares = table / mass.clamp_min(1)[:, None]
        both = ((mass[one] > 0) & (mass[other] > 0)).float()
        apart = apart + both * (1 - (shares[one] * shares[other]).sum(1))
        judged = judged + both
    return apart / judged.clamp_min(1.0), (judged > 0).float()


def _balanced_cross_entropy(logits: Tensor, apart: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy in which "apart" and "together" weigh the same in sum, as far as both are there."""
    apart, together = weight * apart, weight * (1 - apart)
    part, join = (apart * functional.softplus(-logits)).sum(), (together * functional.softplus(logits)).sum()
    if min(float(apart.sum()), float(together.sum())) < _NO_WEIGHT:
        return (part + join) / weight.sum().clamp_min(_NO_WEIGHT)
    return 0.5 * (part / apart.sum() + join / together.sum())
