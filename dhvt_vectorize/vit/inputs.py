"""Regions of an image → TokenInputs: all that an embedding is told of them, before anything that it learns.

In: an image, who owns its pixels, and what is soft about that. Out: each region's crop after mean injection, its place,
extent and shading. Of a fixed partition nothing here depends on weights, so that it can be computed once and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ..errors import UsageError
from ..tokenizer.batches import most_important
from ..tokenizer.soft import NearRegions
from ..tokenizer.tokens import crops, describe, gradient_histogram, place_histogram, with_learned_means

GEOMETRY = 5
"""Numbers in `TokenInputs.geometry`."""


@dataclass(frozen=True, eq=False)
class TokenInputs:
    """Tokens of one image, numbered as in its label map; of several images, one after another.

    Attributes:
        picture: (K, C, side, side), the bounding box of each region, interpolated to a square.
        own: (K, 1, side, side), 1 where the picture shows the region, 0 where it shows others.
        place: (K, rows, columns), the region's shares of equal cells of the image; they sum to 1.
        geometry: (K, 5): y, x of the centroid, as shares of height and width, and the natural logarithms of the shares
            of the image's area, of its height and of its width that the region has.
        information: (K,), the sum of squared deviations of the region's colours from their mean.
        gradient: (K, bins, bins), histograms of gradients; without bins where they are not asked for.
        statistics: (K, 2F), means of given features, and a tenth of their variances' logarithms; F may be 0.
    """

    picture: Float[Tensor, "K C side side"]
    own: Float[Tensor, "K 1 side side"]
    place: Float[Tensor, "K rows columns"]
    geometry: Float[Tensor, "K 5"]
    information: Float[Tensor, "K"]
    gradient: Float[Tensor, "K bins bins"]
    statistics: Float[Tensor, "K F2"]

    def __len__(self) -> int:
        """The number of tokens."""
        return len(self.picture)

    def shown(self, elsewhere: Float[Tensor, "C side side"]) -> Float[Tensor, "K C side side"]:
        """The pictures, with another where they show what is not the region's."""
        return self.own * self.picture + (1 - self.own) * elsewhere

    def chosen(self, numbers: Int64[Tensor, "M"]) -> TokenInputs:
        """Some of the tokens."""
        return TokenInputs(**{field.name: getattr(self, field.name)[numbers] for field in fields(self)})

    def parted(self, counts: Sequence[int]) -> list[TokenInputs]:
        """Those of several images, each by itself: what `joined` put together."""
        names = [field.name for field in fields(self)]
        of_images = zip(*(torch.split(getattr(self, name), list(counts)) for name in names), strict=True)
        return [TokenInputs(**dict(zip(names, each, strict=True))) for each in of_images]

    def to(self, target: torch.device | torch.dtype | str) -> TokenInputs:
        """The same on a device, or of a type."""
        return TokenInputs(**{field.name: getattr(self, field.name).to(target) for field in fields(self)})


def joined(parts: Sequence[TokenInputs]) -> TokenInputs:
    """The tokens of several images, one after another."""
    return TokenInputs(
        **{field.name: torch.cat([getattr(part, field.name) for part in parts]) for field in fields(TokenInputs)}
    )


def truncated(inputs: TokenInputs, most: int, by: str = "size") -> Int64[Tensor, "M"]:
    """The numbers of the tokens that stay where there is room for `most`: the largest, or the most informative.

    Args:
        inputs: of one image.
        most: tokens that there is room for.
        by: size, or information: what the drawing would lose if the region had one colour.

    Raises:
        UsageError: an unknown order.
    """
    orders = {"size": inputs.geometry[:, 2], "information": inputs.information}
    if by not in orders:
        raise UsageError("by", f"no such value {by!r}", f"choose one of {', '.join(orders)}")
    return most_important(orders[by].detach(), most)


def token_inputs(
    image: Float[Tensor, "C H W"],
    near: NearRegions,
    share: Float[Tensor, "N 8"] | None = None,
    *,
    side: int = 8,
    cells: tuple[int, int] = (32, 32),
    gradient_bins: int = 0,
    features: Float[Tensor, "F H W"] | None = None,
) -> TokenInputs:
    """What an embedding is told of an image's regions.

    Args:
        image: any values, differentiable.
        near: the regions near each pixel, the own first.
        share: each pixel's probabilities over them; the regions' means are then replaced by those of their soft members
            (mean injection). None injects nothing.
        side: of a crop, in px.
        cells: rows and columns of the histogram of places.
        gradient_bins: of the histogram of gradients, on each axis; 0 makes none. The image must then lie in 0..1.
        features: whose means and variances the embedding is told of, in units of about 1.
    """
    height, width = image.shape[1:]
    labels = near.ids[:, 0].view(height, width)
    shown = image if share is None else with_learned_means(image, near, share)
    told = image if features is None else torch.cat([image, features])
    tokens = describe(told, near, share)
    colours = image.shape[0]
    picture, own = crops(shown, labels, tokens, side)
    extent = tokens.box[:, 2:] - tokens.box[:, :2]
    scale = extent.new_tensor([height, width])
    sizes = torch.cat([tokens.size[:, None] / (height * width), extent / scale], 1).log()
    return TokenInputs(
        picture,
        own,
        place_histogram(labels, near.regions, *cells),
        torch.cat([tokens.centroid / scale, sizes], 1),
        tokens.size * tokens.variance[:, :colours].sum(1),
        gradient_histogram(image, labels, near.regions, gradient_bins)
        if gradient_bins
        else picture.new_zeros(len(tokens), 0, 0),
        torch.cat([tokens.mean[:, colours:], (tokens.variance[:, colours:] + 1e-4).log() / 10], 1),
    )
