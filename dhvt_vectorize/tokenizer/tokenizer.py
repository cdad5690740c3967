"""image → Partition: DHVTokenizer ties the feature net, the merge tree, the criterion and the cut together.

After *Differentiable Hierarchical Visual Tokenization* (arXiv 2511.02652): pixel features, a bottom-up hierarchy of
regions, and the partition that an information criterion selects from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int32, UInt8
from torch import nn

from ..errors import UsageError
from ..raster import load_raster
from .checkpoint import load_checkpoint
from .config import TokenizerConfig
from .criteria import CriterionSettings, node_costs
from .features import FeatureNet
from .hierarchy import MergeTree, flat_zones
from .kind import is_photograph, noise_level
from .parts import on_threads
from .refine import refine
from .restored import restored
from .rims import in_owners_colours, premultiply, resolve_rims
from .selection import Partition, cut_into, cut_of_least_cost, levels_above
from .token_features import drawn_features, token_features
from .trees import tree_of, trees_of

# `detail` 0 prices a region 2^SPAN times as high as the criterion does, 1 as low.
DETAIL_SPAN = 6.0
# The base partition, below which `max_depth` counts no levels, is the cut at this share of the price.
BASE_PRICE = 1.0 / 16.0
_PIXELS_LOOKED_AT = 4096  # of each channel, before all are


@dataclass(frozen=True)
class PixelFeatures:
    """Integer features, the colours that mix at rims, and what is known of the pixels' ownership.

    Attributes:
        values: int32 (H, W, C); a rim pixel has its owner's.
        colours: uint8 (H, W, 4), the pixels with premultiplied alpha.
        is_rim: bool (H, W), pixels that took another pixel's feature, or for the greater part those of pixels around.
        zones: int32 (H, W), where the hierarchy begins: 4-connected zones of one resolved colour; None begins with
            zones of equal features.
        edge_noise: levels by which colours at edges are off though flat ground is not, as in what was a JPEG.
    """

    values: Int32[np.ndarray, "H W C"]
    colours: UInt8[np.ndarray, "H W 4"]
    is_rim: Bool[np.ndarray, "H W"]
    zones: Int32[np.ndarray, "H W"] | None = None
    edge_noise: float = 0.0


class DHVTokenizer(nn.Module):
    """The tokenizer: a trained feature net and the settings of the hierarchy that it was calibrated for."""

    def __init__(self, features: FeatureNet, config: TokenizerConfig) -> None:
        super().__init__()
        self.features = features
        self.config = config

    @classmethod
    def load(cls, weights: str | Path | None = None, device: str = "auto") -> DHVTokenizer:
        """A tokenizer from a checkpoint; None is the one this package ships.

        Raises:
            WeightsError: the file is missing, of another format, damaged or altered.
            DeviceError: the device is not there.
        """
        checkpoint = load_checkpoint(weights, device)
        return cls(checkpoint.net, checkpoint.config)

    def pixel_features(
        self,
        pixels: UInt8[np.ndarray, "H W 4"],
        *,
        antialiased: bool = True,
        compact: bool = False,
        photograph: bool | None = None,
        every_channel: bool = False,
    ) -> PixelFeatures:
        """The features the hierarchy is built on.

        Args:
            pixels: sRGB with straight alpha.
            antialiased: whether edges may be; where they are not, as in pixel art, every pixel keeps its own feature.
            compact: whether regions shall be tokens: those of photographs have features of their own, see
                `token_features`.
            photograph: whether it is one; None looks at it, see `kind`.
            every_channel: False leaves out those that are the same everywhere.
        """
        colours = premultiply(pixels)
        noise = noise_level(colours)
        photograph = is_photograph(colours, noise) if photograph is None else photograph
        edge_noise = 0.0
        if antialiased and not photograph:
            (pixels, edge_noise), given = restored(pixels, self.features), pixels
            if pixels is not given:
                colours = premultiply(pixels)
                noise = noise_level(colours)
        learnable = antialiased and (self.config.learned_photographs or not photograph)
        learned = learnable and self.features.is_trained
        rim_net = self.features.learned_rims if learnable else None
        itself = np.arange(colours.shape[0] * colours.shape[1], dtype=np.int32).reshape(colours.shape[:2])
        ruled = self.config.rim_rule and antialiased
        owner = resolve_rims(colours, noise, rim_net) if ruled else itself
        resolved = in_owners_colours(pixels, owner) if ruled else pixels
        found = self.features.feature_map(pixels, resolved, branch=learned)
        is_rim = (owner != itself) | found.is_rim
        values, channels, zones = found.values, list(range(found.values.shape[2])), None
        del found
        if not every_channel:
            values, channels = varying_channels(values)
        if learned:
            # beside its owner's colour a rim pixel takes what was learned of its owner
            values = values.reshape(-1, values.shape[2])[owner]
            # what was learned may differ by a hair within a flat zone, which is one zone all the same
            zones = flat_zones(premultiply(resolved))
        if photograph and compact:
            values = token_features(values, channels, self.config, self.features.border_strengths(pixels))
        elif photograph and antialiased:
            values = drawn_features(values, channels, self.config)
        return PixelFeatures(values, colours, is_rim, zones, edge_noise)

    def merge_tree(self, features: PixelFeatures, *, compact: bool = False) -> MergeTree:
        """The hierarchy over the features' flat zones, built by torch where the net is on a CUDA device, else by numba.

        Args:
            features: of `pixel_features`.
            compact: whether regions shall be tokens, with short borders and of one place, rather than shapes whose
                colours fit.
        """
        return tree_of(features.values, self.config, features.zones, compact=compact, device=self._tree_device)

    def merge_trees(self, features: Sequence[PixelFeatures], *, compact: bool = False) -> list[MergeTree]:
        """As `merge_tree`, of several images: on a CUDA device those of one size take their rounds together."""
        values, zones = [each.values for each in features], [each.zones for each in features]
        return trees_of(values, self.config, zones, compact=compact, device=self._tree_device)

    @property
    def _tree_device(self) -> torch.device | None:
        weight = self.features.correct.weight
        return weight.device if weight.is_cuda else None

    def select(
        self,
        tree: MergeTree,
        *,
        regions: int | None = None,
        criterion: str = "bic",
        detail: float = 0.5,
        max_depth: int | None = None,
        min_tokens: int = 1,
        max_tokens: int | None = None,
    ) -> Partition:
        """The partition of exactly `regions` regions, or the one the criterion selects.

        Args:
            tree: the hierarchy.
            regions: number of regions; a tree with fewer leaves gives all its leaves.
            criterion: bic, aic, aicc, mdl.
            detail: 0 (few regions) … 1 (many), 0.5 is the criterion itself.
            max_depth: a region lies at most max_depth − 1 levels above the base partition; None is no limit.
            min_tokens, max_tokens: where the criterion selects fewer or more regions, there are as many as this.

        Raises:
            UsageError: an unknown criterion, or bounds that no number of regions keeps.
        """
        if min_tokens < 1 or (max_tokens is not None and max_tokens < min_tokens):
            raise UsageError("max_tokens", f"{min_tokens} to {max_tokens} is no range", "give 1 ≤ min ≤ max")
        if regions is not None:
            return cut_into(tree, regions)
        partition = self._select(tree, criterion, detail, max_depth)
        wanted = max(min_tokens, min(partition.regions, max_tokens or partition.regions))
        return partition if wanted == partition.regions else cut_into(tree, wanted)

    def levels(self, partition: Partition, *, criterion: str = "bic", detail: float = 0.5) -> Int32[np.ndarray, "K"]:
        """How many levels above the base partition each region lies; the base is 0, as is what is finer."""
        base = self._base(partition.tree, criterion, detail)
        levels: Int32[np.ndarray, "K"] = levels_above(partition.tree, base)[partition.node_ids]
        return levels

    def _select(self, tree: MergeTree, criterion: str, detail: float, max_depth: int | None) -> Partition:
        costs = self._costs(tree, criterion, detail)
        if max_depth is None:
            return cut_of_least_cost(tree, costs)
        levels = levels_above(tree, self._base(tree, criterion, detail))
        return cut_of_least_cost(tree, costs, levels <= max_depth - 1)

    def _base(self, tree: MergeTree, criterion: str, detail: float) -> Partition:
        return cut_of_least_cost(tree, self._costs(tree, criterion, detail, BASE_PRICE))

    def _costs(self, tree: MergeTree, criterion: str, detail: float, share: float = 1.0) -> Float[np.ndarray, "M"]:
        """What each node costs, at a share of the price that the criterion asks for a region."""
        settings = CriterionSettings(
            self.config.feature_scale,
            self.config.variance_floor,
            self.config.border_price,
            self.config.effective_sample,
        )
        price = 2.0 ** ((0.5 - detail) * 2.0 * DETAIL_SPAN)
        return node_costs(tree, criterion, settings, price * share)

    def refine(self, partition: Partition, features: PixelFeatures, *, compact: bool = False) -> Partition:
        """The partition with every border pixel in the region that suits it best; as many regions, each connected."""
        tension = self.config.token_border_tension if compact else self.config.border_tension
        return refine(partition, features.values, tension * self.config.feature_scale**2)

    def partition(self, image: Any, *, compact: bool = True, **choice: Any) -> Partition:
        """Divide an image (path, PIL image, array, RasterImage) into connected regions, made to be tokens.

        Args:
            image: any size.
            compact: False makes the regions that are drawn; see `merge_tree`.
            choice: as in `select`.
        """
        return self.partitions([image], compact=compact, **choice)[0]

    def partitions(self, images: Sequence[Any], *, compact: bool = True, **choice: Any) -> list[Partition]:
        """As `partition`, of several images; each comes out as it does alone.

        What the device does not do is done for several images at a time, as many as NUMBA_NUM_THREADS allows.
        """

        def found(image: Any) -> PixelFeatures:
            return self.pixel_features(load_raster(image).pixels, compact=compact)

        def chosen(tree: MergeTree, features: PixelFeatures) -> Partition:
            return self.refine(self.select(tree, **choice), features, compact=compact)

        features = on_threads(found, images)
        return on_threads(chosen, self.merge_trees(features, compact=compact), features)


def varying_channels(values: Int32[np.ndarray, "H W C"]) -> tuple[Int32[np.ndarray, "H W C2"], list[int]]:
    """Without the channels that are the same everywhere: they separate nothing, and without them trees are faster.

    Also which channels are left; the first where all are the same.
    """
    flat = values.reshape(-1, values.shape[2])
    # most channels that vary are told by a few pixels
    some = flat[:: max(1, len(flat) // _PIXELS_LOOKED_AT)]
    varying = [c for c in range(flat.shape[1]) if any((one[:, c] != flat[0, c]).any() for one in (some, flat))] or [0]
    if len(varying) < values.shape[2]:
        values = np.ascontiguousarray(values[..., varying])
    return values, varying
