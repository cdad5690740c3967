"""Frames → tokens that live in space and time: one merge tree over all frames, 6-connected.

In: frames of one size. Out: which token owns each pixel of each frame; a token keeps its number for as long as it is
there, so that it can be followed. Regions begin as each frame's flat zones. Pixels of one place in frames that follow
one another are neighbours, as those beside one another are; merging and selection are those of an image. Tokens are
long in time where nothing changes: a still clip has about as many as one of its frames.

Limits: what moves farther than its own size between frames touches itself no more, and becomes another token; all
frames are in memory at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int32, Int64, UInt8

from ..errors import InputError
from ..raster import load_raster
from .hierarchy import MergeTree, flat_zones, tree_over
from .kind import is_photograph
from .region_graph import Graph, Spare
from .rims import premultiply
from .tokenizer import DHVTokenizer, varying_channels


def tokenize_video(tokenizer: DHVTokenizer, frames: Sequence[Any], **choice: Any) -> Int32[np.ndarray, "T H W"]:
    """Who owns each pixel of each frame, 0…K−1 in the order of the frames and of their pixels.

    Args:
        tokenizer: as for images.
        frames: paths, PIL images or arrays, of one size.
        choice: of `DHVTokenizer.select`; numbers of tokens are those of the whole clip.

    Raises:
        InputError: no frames, or of several sizes.
    """
    images = [load_raster(frame).pixels for frame in frames]
    if len({image.shape for image in images}) != 1:
        raise InputError("frames", "are none, or of several sizes", "give frames of one size")
    tree = _tree(tokenizer, np.stack(images))
    labels = tokenizer.select(tree, **choice).labels
    return labels.reshape(len(images), *images[0].shape[:2])


def _tree(tokenizer: DHVTokenizer, frames: UInt8[np.ndarray, "T H W 4"]) -> MergeTree:
    # one answer for the clip: features of photographs and of drawings do not compare
    photograph = is_photograph(premultiply(frames[0]))
    found = [
        tokenizer.pixel_features(frame, compact=True, photograph=photograph, every_channel=True) for frame in frames
    ]
    leaf_of_pixel, leaves = np.empty(frames.shape[:3], np.int32), 0
    for frame, each in zip(leaf_of_pixel, found, strict=True):
        zones = flat_zones(each.values) if each.zones is None else each.zones
        frame[:] = zones + leaves
        leaves += int(zones.max()) + 1
    border_exponent, compactness = tokenizer.config.merging(compact=True)
    count, height, width = frames.shape[:3]
    steps_a_pixel = compactness * tokenizer.config.feature_scale / float(np.sqrt(height * width))
    # the frames one below the other, as rows of one image; places are those within a frame
    return tree_over(
        varying_channels(np.concatenate([each.values for each in found]))[0],
        leaf_of_pixel.reshape(count * height, width),
        leaves,
        lambda labels, number, border: _in_space_and_time(labels.reshape(count, height, width), number, border),
        (np.tile(np.arange(height), count), np.arange(width)),
        border_exponent,
        steps_a_pixel,
    )


def _in_space_and_time(
    labels: Int32[np.ndarray, "T H W"], regions: int, border: Int64[np.ndarray, "K"]
) -> tuple[Graph, Spare]:
    """The graph of regions that share a side of a pixel, or a pixel from one frame to the next; also their borders."""
    pairs = []
    for axis in range(3):
        one, other = np.delete(labels, -1, axis).ravel(), np.delete(labels, 0, axis).ravel()
        apart = one != other
        pairs.append(np.stack([one[apart], other[apart]]))
    one, other = np.concatenate(pairs, 1).astype(np.int64)
    both, lengths = np.unique(np.concatenate([one * regions + other, other * regions + one]), return_counts=True)
    rows, neighbours = np.divmod(both, regions)
    degrees = np.bincount(rows, minlength=regions).astype(np.int32)
    starts = np.cumsum(degrees, dtype=np.int64) - degrees
    border[:] = np.bincount(rows, lengths, minlength=regions).astype(np.int64)
    graph = Graph(starts, degrees, neighbours.astype(np.int32), lengths.astype(np.int32))
    return graph, (np.empty(len(both), np.int32), np.empty(len(both), np.int32))
