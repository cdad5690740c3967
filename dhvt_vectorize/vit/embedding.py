"""TokenInputs → vectors of a transformer's width: what a region looks like, and where it lies.

Out: one vector a region, the sum of linear maps of

- its crop; what in it is not the region shows a learned picture instead (a mask token for pixels), if masked;
- its place: a histogram of its pixels over the image, smoothed by a kernel of learned width, or its centroid and size
  as sines and cosines (Vaswani et al. 2017);
- the histogram of its gradients, if wanted;
- its size, and means and variances of features, if there are any.

After SPiT (Aasan et al. 2024, arXiv 2408.07680).
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from ..errors import UsageError
from ..tokenizer.soft import NearRegions
from ..tokenizer.tokens import LearnedKernel
from .inputs import GEOMETRY, TokenInputs, token_inputs

PLACES = ("histogram", "centroid")
# Fine bins in which pixels are counted, to one bin that is learned of.
_FINE = 2
_OCTAVES = 5


class TokenEmbedding(nn.Module):
    """Region → vector.

    Args:
        width: of a vector.
        colours: channels of the image.
        side: of a crop, in px.
        bins: of a histogram, on each axis.
        place: histogram, or centroid.
        gradient: whether the histogram of gradients is told.
        features: whose means and variances are told.
        masked: whether crops hide what is not the region's. Whoever learned from whole squares knows no such picture.

    Raises:
        UsageError: an unknown place.
    """

    def __init__(
        self,
        width: int,
        *,
        colours: int = 4,
        side: int = 8,
        bins: int = 8,
        place: str = "histogram",
        gradient: bool = True,
        features: int = 0,
        masked: bool = True,
    ) -> None:
        super().__init__()
        if place not in PLACES:
            raise UsageError("place", f"no such value {place!r}", f"choose one of {', '.join(PLACES)}")
        self.side, self.bins, self.masked = side, bins, masked
        self.elsewhere = nn.Parameter(torch.zeros(colours, side, side))
        self.crop = nn.Linear(colours * side * side, width)
        self.kernel = LearnedKernel(bins) if place == "histogram" else None
        encoded = bins * bins if place == "histogram" else 4 * _OCTAVES + 2
        self.place = nn.Linear(encoded, width, bias=False)
        self.gradient_kernel = LearnedKernel(bins) if gradient else None
        self.gradient = nn.Linear(bins * bins, width, bias=False) if gradient else None
        self.statistics = nn.Linear(2 * features + 1, width, bias=False)

    def inputs(
        self,
        image: Float[Tensor, "C H W"],
        near: NearRegions,
        share: Float[Tensor, "N 8"] | None = None,
        features: Float[Tensor, "F H W"] | None = None,
    ) -> TokenInputs:
        """What `forward` takes, of one image; see `token_inputs`."""
        fine = _FINE * self.bins
        bins = 0 if self.gradient is None else fine
        cells = (1, 1) if self.kernel is None else (fine, fine)
        return token_inputs(image, near, share, side=self.side, cells=cells, gradient_bins=bins, features=features)

    def forward(self, inputs: TokenInputs) -> Float[Tensor, "K width"]:
        """The vectors of the regions of one image, or of several."""
        picture = inputs.shown(self.elsewhere) if self.masked else inputs.picture
        size = inputs.geometry[:, 2:3] / 10
        vectors: Tensor = (
            self.crop((2 * picture - 1).flatten(1))
            + self.place(self._encoded(inputs))
            + self.statistics(torch.cat([inputs.statistics, size], 1))
        )
        if self.gradient is not None and self.gradient_kernel is not None:
            # about as large as what is learned from it: a token in one place has 1 in one bin of many
            vectors = vectors + self.gradient(self.bins * self.gradient_kernel(inputs.gradient))
        return vectors

    def _encoded(self, inputs: TokenInputs) -> Float[Tensor, "K encoded"]:
        if self.kernel is not None:
            smoothed: Tensor = self.bins * self.kernel(inputs.place)
            return smoothed
        octaves = math.pi * 2.0 ** torch.arange(_OCTAVES, device=inputs.geometry.device)
        angles = (inputs.geometry[:, :2, None] * octaves).flatten(1)
        return torch.cat([angles.sin(), angles.cos(), inputs.geometry[:, GEOMETRY - 2 :] / 4], 1)


def premultiplied(image: UInt8[Tensor, "H W 4"] | Float[Tensor, "4 H W"]) -> Float[Tensor, "4 H W"]:
    """Colours times alpha, and alpha: what is hidden under transparency does not count."""
    values = image.permute(2, 0, 1).float() / 255 if image.dtype == torch.uint8 else image
    return torch.cat([values[:3] * values[3:], values[3:]])
