"""Features of a photograph → those that its tokens are made from, or the regions that are drawn.

Regions that are drawn must match colours, lightness more than hue, as eyes and SSIM have it. Tokens shall be things: so
channels are weighed, local contrast is compressed (`contrast`), the finest texture smoothed away (`smooth`) and, where
a net sees borders, all that is between them (`flatten`), as the config has it. The settings were chosen on the val
split of BSDS500.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32, UInt8

from .config import TokenizerConfig
from .contrast import compressed
from .features import LARGEST_VALUE
from .flatten import flattened
from .smooth import smooth


def token_features(
    values: Int32[np.ndarray, "H W C"],
    channels: Sequence[int],
    config: TokenizerConfig,
    borders: UInt8[np.ndarray, "2 H W"] | None = None,
) -> Int32[np.ndarray, "H W C"]:
    """The features that tokens are made from.

    Args:
        values: features.
        channels: which of the feature map's the C are.
        config: the settings named `token_…`.
        borders: what `FeatureNet.border_strengths` sees; None where nothing has learned to.
    """
    weights = np.ones(config.channels)
    weights[1:3] = config.token_red_green, config.token_blue_yellow
    limit = config.token_contrast * config.feature_scale
    even = compressed(values, weights[list(channels)], limit, config.token_contrast_reach, LARGEST_VALUE)
    smoothed = smooth(even, config.token_smoothing)
    if borders is None:
        return smoothed
    return flattened(smoothed, borders, config.token_flatness, config.token_border_steepness)


def drawn_features(
    values: Int32[np.ndarray, "H W C"], channels: Sequence[int], config: TokenizerConfig
) -> Int32[np.ndarray, "H W C"]:
    """The features that what is drawn is made from; arguments as of `token_features`.

    Lightness counts for more as colour counts for less, so that a criterion finds about as many regions.
    """
    if config.drawn_colour == 1.0:
        return values
    weights = np.ones(config.channels)
    weights[:3] = np.array([1.0, config.drawn_colour, config.drawn_colour])
    weights[:3] *= np.sqrt(3.0 / (weights[:3] ** 2).sum())
    weighed: Int32[np.ndarray, "H W C"] = np.rint(values * weights[list(channels)]).astype(np.int32)
    return weighed
