"""What a net does to a few pictures → one PNG: images, and below their regions in mean colours, borders drawn."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from ..tokenizer.tokenizer import DHVTokenizer
from .samples import Sample

_GAP = 4
_BORDER = (255, 0, 102)


def grid(tokenizer: DHVTokenizer, samples: Sequence[Sample], regions: int | None = None) -> bytes:
    """The PNG of samples of one size.

    Args:
        tokenizer: with the net as it is now.
        samples: one column each.
        regions: of each sample; None lets the criterion select.
    """
    columns = []
    for sample in samples:
        labels = tokenizer.partition(sample.image, regions=regions).labels
        shown = _over_white(sample.image)
        columns.append(np.concatenate([_framed(shown), _framed(_in_mean_colours(shown, labels))]))
    content = io.BytesIO()
    Image.fromarray(np.concatenate(columns, axis=1)).save(content, "PNG")
    return content.getvalue()


def _over_white(image: UInt8[np.ndarray, "H W 4"]) -> UInt8[np.ndarray, "H W 3"]:
    alpha = image[..., 3:].astype(np.float32) / 255
    return np.rint(image[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


def _in_mean_colours(image: UInt8[np.ndarray, "H W 3"], labels: np.ndarray) -> UInt8[np.ndarray, "H W 3"]:
    from skimage.color import label2rgb
    from skimage.segmentation import find_boundaries

    drawn = label2rgb(labels, image, kind="avg", bg_label=-1).astype(np.uint8)  # type: ignore[no-untyped-call]
    drawn[find_boundaries(labels, mode="inner")] = _BORDER  # type: ignore[no-untyped-call]
    return np.asarray(drawn)


def _framed(image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H2 W2 3"]:
    return np.pad(image, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255)
