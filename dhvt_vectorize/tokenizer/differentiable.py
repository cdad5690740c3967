"""Images → regions whose gradient reaches the feature net: the tokenizer as it is trained.

In: images of one size, and where to cut each one's merge tree. Out: features, tree, regions and soft assignment.
Forward these are `DHVTokenizer`'s, but for the refinement of borders, which is left out, and, unless regions are asked
for as they are used, for rim pixels, which keep their own feature: what the net makes of both is to be judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int32, UInt8
from torch import Tensor, nn

from .features import LARGEST_VALUE, FeatureNet
from .hierarchy import MergeTree, flat_zones
from .kind import is_photograph
from .restored import restored
from .rims import in_owners_colours, premultiply, resolve_rims
from .selection import Partition
from .soft import NearRegions, SoftAssignment, near_regions
from .token_features import drawn_features, token_features
from .tokenizer import varying_channels
from .trees import trees_of


@dataclass(frozen=True, eq=False)
class SoftDivision:
    """An image, its features, and the regions it was cut into.

    Attributes:
        image: float32 (4, H, W), sRGB and alpha in 0..1.
        premultiplied: the same as bytes, colour times alpha.
        features: float32 (C, H, W), with a gradient.
        tree: over the features.
        near: the regions near each pixel.
        share: float32 (N, 8), each pixel's probabilities over them.
    """

    image: Float[Tensor, "4 H W"]
    premultiplied: UInt8[np.ndarray, "H W 4"]
    features: Float[Tensor, "C H W"]
    tree: MergeTree
    near: NearRegions
    share: Float[Tensor, "N 8"]


class SoftDivider(nn.Module):
    """A feature net with a soft assignment of pixels to the regions cut from the tree over its features.

    Args:
        net: the feature net.
    """

    def __init__(self, net: FeatureNet) -> None:
        super().__init__()
        self.net = net
        self.assignment = SoftAssignment()

    def forward(
        self,
        images: Sequence[UInt8[np.ndarray, "H W 4"]],
        cuts: Sequence[Callable[[MergeTree], Partition]],
        *,
        compact: bool,
        owned: bool = False,
    ) -> list[SoftDivision]:
        """The images divided.

        Args:
            images: of one size, sRGB with straight alpha.
            cuts: tree → partition, one an image.
            compact: whether regions shall be tokens, see `DHVTokenizer.merge_tree`.
            owned: whether rim pixels are their owners' from the beginning and have their features, as where the
                tokenizer is used; else the rims of drawings become tokens of their own.
        """
        device = self.net.correct.weight.device
        images = [as_drawn(image, self.net) for image in images]
        owners = [rim_owners(image, self.net) for image in images]
        resolved = [in_owners_colours(*each) for each in zip(images, owners, strict=True)]
        shown, given = (as_tensor(arrays).to(device) for arrays in (images, resolved))
        colours = [premultiply(image) for image in images]
        if owned:
            found = [_of_owners(*each) for each in zip(self.net(shown, given), owners, strict=True)]
            zones = [flat_zones(premultiply(own)) for own in resolved]
        else:
            found = list(self.net(shown, given))
            zones = [zones_to_learn(*each) for each in zip(images, resolved, strict=True)]
        trees = merge_trees(found, zones, images, colours, self.net, compact=compact)
        divisions = []
        for image, colour, features, tree, cut in zip(shown, colours, found, trees, cuts, strict=True):
            near = near_regions(cut(tree).labels, device)
            share = self.assignment(features.flatten(1).T, near)
            divisions.append(SoftDivision(image, colour, features, tree, near, share))
        return divisions


def as_drawn(image: UInt8[np.ndarray, "H W 4"], net: FeatureNet) -> UInt8[np.ndarray, "H W 4"]:
    """The image as `DHVTokenizer.pixel_features` takes it: drawings before they were enlarged or JPEGs."""
    return image if is_photograph(premultiply(image)) else restored(image, net)[0]


def rim_owners(image: UInt8[np.ndarray, "H W 4"], net: FeatureNet) -> Int32[np.ndarray, "H W"]:
    """The flat index of each pixel's owner, as in `resolve_rims`: its own where the net is to have no rule."""
    if not net.config.rim_rule:
        return np.arange(image.shape[0] * image.shape[1], dtype=np.int32).reshape(image.shape[:2])
    return resolve_rims(premultiply(image), net=net.learned_rims)


def zones_to_learn(image: UInt8[np.ndarray, "H W 4"], resolved: UInt8[np.ndarray, "H W 4"]) -> Int32[np.ndarray, "H W"]:
    """The 4-connected zones of one colour and one owner's colour: where the hierarchy begins in training.

    The tokenizer gives a rim pixel its owner's feature for good. In training it keeps its own, and may join another
    region: what the net makes of it is to be judged.
    """
    packed = [np.ascontiguousarray(premultiply(each)).view(np.int32) for each in (image, resolved)]
    return flat_zones(np.concatenate(packed, 2))


def merge_trees(
    features: Sequence[Float[Tensor, "C H W"]],
    zones: Sequence[Int32[np.ndarray, "H W"]],
    images: Sequence[UInt8[np.ndarray, "H W 4"]],
    colours: Sequence[UInt8[np.ndarray, "H W 4"]],
    net: FeatureNet,
    *,
    compact: bool,
) -> list[MergeTree]:
    """The trees over features as they are now, rounded as a feature map is; `colours` are the images premultiplied.

    Their sums are of the channels that are not the same everywhere, as the tokenizer's: a criterion prices no others.
    """
    values = [_rounded(*each, net, compact) for each in zip(features, images, colours, strict=True)]
    device = features[0].device if features[0].is_cuda else None
    return trees_of(values, net.config, zones, compact=compact, device=device)


def _rounded(
    features: Float[Tensor, "C H W"],
    image: UInt8[np.ndarray, "H W 4"],
    colours: UInt8[np.ndarray, "H W 4"],
    net: FeatureNet,
    compact: bool,
) -> Int32[np.ndarray, "H W C2"]:
    steps = torch.round(features.detach() * net.config.feature_scale).clamp(-LARGEST_VALUE, LARGEST_VALUE)
    values, channels = varying_channels(np.ascontiguousarray(steps.permute(1, 2, 0).int().cpu().numpy()))
    if not is_photograph(colours):
        return values
    if not compact:
        return drawn_features(values, channels, net.config)
    return token_features(values, channels, net.config, net.border_strengths(image))


def _of_owners(features: Float[Tensor, "C H W"], owner: Int32[np.ndarray, "H W"]) -> Float[Tensor, "C H W"]:
    """Each pixel's owner's features."""
    return features.flatten(1)[:, torch.from_numpy(owner.ravel()).long().to(features.device)].view_as(features)


def as_tensor(images: Sequence[UInt8[np.ndarray, "H W 4"]]) -> Float[Tensor, "B 4 H W"]:
    """Images of one size, 0..1."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
