"""Tokens → the class of every pixel: heads for segmentation, each over the tokens' vectors at some depths.

linear      each token's class by a linear map of its last vector; a pixel has its token's class
perceptron  the same by a perceptron
segformer   the same from several depths, each brought to one width and joined (the all-MLP decoder of SegFormer, Xie et
            al. 2021, arXiv 2105.15203, a token at a time)
upernet     vectors scattered back to pixels at strides 4 to 32, one depth each, then transformers' UPerNet head (Xiao
            et al. 2018, arXiv 1807.10221); needs the extra `vit`

Out: logits of M places of an image, and which place each pixel reads: the tokens themselves, or all pixels.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from ..errors import UsageError

_STRIDES = (4, 8, 16, 32)
_POOLED = (1, 2, 3, 6)

# logits (M, classes) of an image's places, and the place of each pixel (H, W)
Answers = tuple[Float[Tensor, "M classes"], Int64[Tensor, "H W"]]


class SegmentationHead(nn.Module):
    """A head.

    Attributes:
        depths: the blocks, counted from 1, after which it reads; the last one's vectors are normalised.
        dense: whether its places are pixels, rather than tokens.
    """

    depths: tuple[int, ...]
    dense = False

    @abstractmethod
    def forward(
        self, states: Sequence[Sequence[Float[Tensor, "K width"]]], labels: Sequence[Int64[Tensor, "H W"]]
    ) -> list[Answers]:
        """The answers for some images.

        Args:
            states: of each depth, each image's tokens.
            labels: who owns each pixel of each image.
        """


class PerceptronHead(SegmentationHead):
    """See the module."""

    def __init__(self, width: int, blocks: int, classes: int) -> None:
        super().__init__()
        self.depths = (blocks,)
        self.layers = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, classes))

    def forward(self, states: Sequence[Sequence[Tensor]], labels: Sequence[Tensor]) -> list[Answers]:
        """See `SegmentationHead.forward`."""
        return [(self.layers(tokens), owners) for tokens, owners in zip(states[-1], labels, strict=True)]


class LinearHead(PerceptronHead):
    """See the module."""

    def __init__(self, width: int, blocks: int, classes: int) -> None:
        super().__init__(width, blocks, classes)
        self.layers = nn.Sequential(nn.Linear(width, classes))


class SegFormerHead(SegmentationHead):
    """See the module."""

    def __init__(self, width: int, blocks: int, classes: int) -> None:
        super().__init__()
        self.depths = _spread(blocks)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in self.depths)
        self.bring = nn.ModuleList(nn.Linear(width, width) for _ in self.depths)
        self.join = nn.Sequential(nn.Linear(len(self.depths) * width, width), nn.ReLU(), nn.Linear(width, classes))

    def forward(self, states: Sequence[Sequence[Tensor]], labels: Sequence[Tensor]) -> list[Answers]:
        """See `SegmentationHead.forward`."""
        answers = []
        for image, owners in enumerate(labels):
            parts = [
                bring(norm(tokens[image])) for norm, bring, tokens in zip(self.norms, self.bring, states, strict=True)
            ]
            answers.append((self.join(torch.cat(parts, 1)), owners))
        return answers


class UperNetHead(SegmentationHead):
    """See the module."""

    dense = True

    def __init__(self, width: int, blocks: int, classes: int) -> None:
        super().__init__()
        try:
            from transformers import UperNetConfig
            from transformers.models.upernet.modeling_upernet import UperNetHead as Head
        except ImportError as error:
            raise UsageError("upernet", "needs transformers", "pip install 'dhvt-vectorize[vit]'") from error
        self.depths = _spread(blocks)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in self.depths)
        settings = UperNetConfig(hidden_size=width, pool_scales=list(_POOLED), num_labels=classes)
        self.head = Head(settings, [width] * len(_STRIDES))

    def forward(self, states: Sequence[Sequence[Tensor]], labels: Sequence[Tensor]) -> list[Answers]:
        """See `SegmentationHead.forward`; images of one size."""
        maps = [
            torch.stack([scattered(norm(tokens), owners, stride) for tokens, owners in zip(depth, labels, strict=True)])
            for norm, depth, stride in zip(self.norms, states, _STRIDES, strict=True)
        ]
        height, width = labels[0].shape
        logits = functional.interpolate(self.head(maps), (height, width), mode="bilinear", align_corners=False)
        own = torch.arange(height * width, device=logits.device).view(height, width)
        return [(each.flatten(1).T, own) for each in logits]


HEADS: dict[str, type[PerceptronHead] | type[SegFormerHead] | type[UperNetHead]] = {
    "linear": LinearHead,
    "perceptron": PerceptronHead,
    "segformer": SegFormerHead,
    "upernet": UperNetHead,
}


def head_named(name: str, width: int, blocks: int, classes: int) -> SegmentationHead:
    """A head.

    Args:
        name: one of `HEADS`.
        width: of a token's vector.
        blocks: of the transformer.
        classes: how many there are.

    Raises:
        UsageError: an unknown name.
    """
    if name not in HEADS:
        raise UsageError("head", f"no such value {name!r}", f"choose one of {', '.join(HEADS)}")
    return HEADS[name](width, blocks, classes)


def scattered(
    tokens: Float[Tensor, "K D"], labels: Int64[Tensor, "H W"], stride: int
) -> Float[Tensor, "D rows columns"]:
    """Token vectors back in their places: the mean over the pixels of each square of `stride` px; edge squares may be
    cut off by the image's end."""
    height, width = labels.shape
    rows, columns = -(-height // stride), -(-width // stride)
    y, x = (torch.arange(side, device=labels.device) // stride for side in (height, width))
    cells = (y[:, None] * columns + x[None]).flatten()
    counts = torch.bincount(cells * len(tokens) + labels.flatten(), minlength=rows * columns * len(tokens))
    shares = counts.view(rows * columns, len(tokens)).to(tokens)
    return (shares / shares.sum(1, keepdim=True) @ tokens).T.view(-1, rows, columns)


def _spread(blocks: int) -> tuple[int, ...]:
    """Four depths, evenly spread, the last block among them; shallow transformers give some twice."""
    return tuple(max(1, round(blocks * quarter / 4)) for quarter in (1, 2, 3, 4))
