"""Features of a photograph → those that its tokens are made from.

Regions that are drawn must match colours; tokens shall be things. So channels are weighed, local contrast is compressed
(`contrast`) and the finest texture smoothed away (`smooth`), as the config has it. The settings were chosen on the val
split of BSDS500.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32

from .config import TokenizerConfig
from .contrast import compressed
from .features import LARGEST_VALUE
from .smooth import smooth


def token_features(
    values: Int32[np.ndarray, "H W C"], channels: Sequence[int], config: TokenizerConfig
) -> Int32[np.ndarray, "H W C"]:
    """The features that tokens are made from; `channels` says which of the feature map's the C are."""
    weights = np.ones(config.channels)
    weights[1:3] = config.token_red_green, config.token_blue_yellow
    limit = config.token_contrast * config.feature_scale
    even = compressed(values, weights[list(channels)], limit, config.token_contrast_reach, LARGEST_VALUE)
    return smooth(even, config.token_smoothing)
