"""Integer features → merge trees, by whichever backend: numba's kernels, or torch where a device is named.

The trees are the same. On a device images of one size are one batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Int32

from .config import TokenizerConfig
from .hierarchy import MergeTree, build_merge_tree
from .torch_hierarchy import build_merge_trees_torch

Values = Int32[np.ndarray, "H W C"]
Zones = Int32[np.ndarray, "H W"]

# Memory on the device is about 700 bytes a pixel: a batch takes some 6 GB at most, whatever one image takes.
MOST_PIXELS = 2**23


def tree_of(
    values: Values,
    config: TokenizerConfig,
    zones: Zones | None = None,
    *,
    compact: bool,
    device: torch.device | None = None,
) -> MergeTree:
    """As `trees_of`, of one image."""
    return trees_of([values], config, [zones], compact=compact, device=device)[0]


def trees_of(
    values: Sequence[Values],
    config: TokenizerConfig,
    zones: Sequence[Zones | None],
    *,
    compact: bool,
    device: torch.device | None = None,
) -> list[MergeTree]:
    """The merge trees of regions that are to be tokens (compact), or drawn.

    Args:
        values, zones: as in `PixelFeatures`, of each image.
        config: settings of the merging.
        compact: see `DHVTokenizer.merge_tree`.
        device: where torch builds the trees; None builds them by numba's kernels.
    """
    border_exponent, compactness = config.merging(compact=compact)

    def steps_a_pixel(one: Values) -> float:
        return compactness * config.feature_scale / math.sqrt(one.shape[0] * one.shape[1])

    if device is None:
        pairs = zip(values, zones, strict=True)
        return [build_merge_tree(one, given, border_exponent, steps_a_pixel(one)) for one, given in pairs]
    trees: dict[int, MergeTree] = {}
    for batch in _batches(values, zones):
        given = None if zones[batch[0]] is None else _moved([zones[index] for index in batch], device)
        features = _moved(_of_equal_depth([values[index] for index in batch]), device)
        found = build_merge_trees_torch(features, given, border_exponent, steps_a_pixel(values[batch[0]]))
        trees.update({index: _cut(tree, values[index].shape[2]) for index, tree in zip(batch, found, strict=True)})
    return [trees[index] for index in range(len(values))]


def _batches(values: Sequence[Values], zones: Sequence[Zones | None]) -> list[list[int]]:
    """Which images go together: of one size, all with zones or all without, and not too many."""
    alike: dict[tuple[int, int, bool], list[int]] = {}
    for index, (one, given) in enumerate(zip(values, zones, strict=True)):
        alike.setdefault((one.shape[0], one.shape[1], given is None), []).append(index)
    batches = []
    for (height, width, _), indices in alike.items():
        most = max(1, MOST_PIXELS // (height * width))
        batches += [indices[start : start + most] for start in range(0, len(indices), most)]
    return batches


def _of_equal_depth(values: Sequence[Values]) -> list[Values]:
    """The features with as many channels as the one that has most: channels of zeros cost nothing in a merge."""
    depth = max(one.shape[2] for one in values)
    return [np.pad(one, ((0, 0), (0, 0), (0, depth - one.shape[2]))) for one in values]


def _cut(tree: MergeTree, channels: int) -> MergeTree:
    """The tree without the channels that were added."""
    if tree.sums.shape[1] == channels:
        return tree
    sums, squares = (np.ascontiguousarray(of[:, :channels]) for of in (tree.sums, tree.squares))
    return replace(tree, sums=sums, squares=squares)


def _moved(arrays: Sequence[Int32[np.ndarray, "..."] | None], device: torch.device) -> Int32[torch.Tensor, "B ..."]:
    return torch.from_numpy(np.stack([array for array in arrays if array is not None])).to(device)
