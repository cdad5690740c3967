"""Tokens → vectors of a transformer's width: what a region looks like, and where it lies.

In: an image, its features and its division into regions. Out: one vector a region, the sum of

- its crop, cut from the image after mean injection; what is not its own shows a learned picture instead;
- its position histogram, and the histogram of its gradients;
- mean and variance of its features, and its size.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ..tokenizer.soft import NearRegions
from ..tokenizer.tokens import TokenHistograms, crops, describe, with_learned_means

_UNIT = 100.0  # Lab units that count as one


class TokenEmbedding(nn.Module):
    """Region → vector.

    Args:
        channels: features a pixel.
        width: of a vector.
        side: of a crop, in px.
        bins: of a histogram, on each axis.
    """

    def __init__(self, channels: int, width: int, side: int = 8, bins: int = 8) -> None:
        super().__init__()
        self.side = side
        self.elsewhere = nn.Parameter(torch.zeros(4, side, side))
        self.histograms = TokenHistograms(bins)
        self.crop = nn.Linear(4 * side * side, width)
        self.place = nn.Linear(bins * bins, width, bias=False)
        self.gradient = nn.Linear(bins * bins, width, bias=False)
        self.statistics = nn.Linear(2 * channels + 1, width, bias=False)

    def forward(
        self,
        image: Float[Tensor, "4 H W"],
        features: Float[Tensor, "C H W"],
        near: NearRegions,
        share: Float[Tensor, "N 8"],
    ) -> Float[Tensor, "K width"]:
        """The vectors of an image's regions.

        Args:
            image: sRGB and alpha in 0..1, straight.
            features: of the same pixels, in units of Lab.
            near: the regions near each pixel.
            share: each pixel's probabilities over them.
        """
        shown = torch.cat([image[:3] * image[3:], image[3:]])
        labels: Int64[Tensor, "H W"] = near.ids[:, 0].view(image.shape[1:])
        tokens = describe(features / _UNIT, near, share)
        crop, own = crops(with_learned_means(shown, near, share), labels, tokens, self.side)
        picture = own * crop + (1 - own) * self.elsewhere
        extent = (tokens.size / labels.numel()).log()[:, None]
        statistics = torch.cat([tokens.mean, (tokens.variance + 1e-4).log() / 10, extent / 10], 1)
        # about as large as what is learned from it: a token in one place has 1 in one bin of many
        spread = self.histograms.bins
        vectors: Tensor = (
            self.crop((2 * picture - 1).flatten(1))
            + self.place(spread * self.histograms.place(labels, near.regions))
            + self.gradient(spread * self.histograms.gradient(shown, labels, near.regions))
            + self.statistics(statistics)
        )
        return vectors
