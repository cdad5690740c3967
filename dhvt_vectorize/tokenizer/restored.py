"""A drawing → as it was before it was enlarged or became a JPEG, as far as can be told.

In: pixels, and the net that knows how drawings look at twice their size. Out: pixels, and how far off they still are.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from .doubling_net import DoublingNet
from .enlarged import before_enlarging
from .features import FeatureNet
from .jpeg import before_jpeg
from .rims import premultiply, straight

# What interpolation had right but for so many levels stays: ramps are as smooth as they were.
HARDLY = 2


def restored(pixels: UInt8[np.ndarray, "H W 4"], net: FeatureNet) -> tuple[UInt8[np.ndarray, "H W 4"], float]:
    """The drawing, and by how many levels pixels at its edges are off, though flat ground beside them is not.

    Args:
        pixels: sRGB with straight alpha.
        net: whose settings say what is undone; without a net for doubling enlarged drawings stay as they are.
    """
    doubling, given = net.learned_doubling, premultiply(pixels)
    small = None if doubling is None else before_enlarging(given)
    if doubling is None or small is None:
        return before_jpeg(pixels, net.config)
    original, noise = before_jpeg(straight(small), net.config)
    sharp = _enlarged(premultiply(original), len(pixels) // len(small), doubling)
    changed = np.abs(sharp.astype(np.int16) - given).max(2, keepdims=True) > HARDLY
    return straight(np.where(changed, sharp, given)), noise


def _enlarged(small: UInt8[np.ndarray, "h w 4"], factor: int, net: DoublingNet) -> UInt8[np.ndarray, "H W 4"]:
    """2, 3 or 4 times as large; doubled twice is what 3 is reduced from."""
    large = net.doubled(small)
    if factor == 2:
        return large
    large = net.doubled(large)
    if factor == 4:
        return large
    height, width = small.shape[:2]
    # "RGBa" is premultiplied
    image = Image.fromarray(large, "RGBa").resize((factor * width, factor * height), Image.Resampling.BOX)
    return np.asarray(image)
