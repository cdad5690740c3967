"""Partition → Tokens: what a transformer is told of each region, differentiable by the pixels' features.

In: values (C, H, W) of an image, features or colours, and who owns its pixels. Out: for each region the mean, variance,
size, box and centroid (`describe`), its picture (`crops`), and where it lies and how it is shaded (`place_histogram`,
`gradient_histogram`, smoothed by a `LearnedKernel`).

Gradients reach the features through soft assignment (`soft`): means and variances weigh each pixel by its share of the
region, and crops are cut from an image whose regions' means were replaced by the learned ones (mean injection).
Crops and joint histograms follow superpixel transformers (SPiT, Aasan et al. 2024, arXiv 2408.07680): a crop has the
region's bounding box interpolated to a square, a histogram is a kernel density estimate. Pixels are counted in fine
bins, once and for all; what is learned acts on those.

An image's tokens are made from that image alone; `batches` puts those of several together.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from .soft import NearRegions, inject_means, region_means


@dataclass(frozen=True, eq=False)
class Tokens:
    """The regions of one image, numbered as in its label map; of several images, one after another.

    Attributes:
        mean: float32 (K, C), of the values, in their units.
        variance: float32 (K, C), ≥ 0.
        size: float32 (K,), pixels.
        box: float32 (K, 4), top, left, bottom, right in px: 0, 0, H, W is the whole image.
        centroid: float32 (K, 2), y, x in px; the middle of the first pixel is 0.5, 0.5.
    """

    mean: Float[Tensor, "K C"]
    variance: Float[Tensor, "K C"]
    size: Float[Tensor, "K"]
    box: Float[Tensor, "K 4"]
    centroid: Float[Tensor, "K 2"]

    def __len__(self) -> int:
        """The number of tokens."""
        return len(self.size)

    def named(self) -> dict[str, Tensor]:
        """The attributes by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def describe(values: Float[Tensor, "C H W"], near: NearRegions, share: Float[Tensor, "N 8"] | None = None) -> Tokens:
    """The tokens of an image.

    Args:
        values: features or colours.
        near: the regions near each pixel, the own first.
        share: each pixel's probabilities over them; None: it belongs to its own. Size, box and centroid are those of
            the hard regions in either case.
    """
    height, width = values.shape[1:]
    pixels = values.float().flatten(1).T
    mean = region_means(pixels, near, share)
    # about the mean, not E[x²] − E[x]²: nothing cancels, and a constant region's variance is 0
    if share is None:
        variance = region_means((pixels - mean[near.ids[:, 0]]).square(), near)
    else:
        variance = _shared_variance(pixels, near, share, mean)
    own = near.ids[:, 0]
    y, x = _coordinates(height, width, pixels)
    size = pixels.new_zeros(near.regions).index_add(0, own, torch.ones_like(y))
    centroid = region_means(torch.stack([y, x], 1), near)
    return Tokens(mean, variance, size, _boxes(y, x, own, near.regions), centroid)


def crops(
    image: Float[Tensor, "C H W"], labels: Int64[Tensor, "H W"], tokens: Tokens, side: int = 16
) -> tuple[Float[Tensor, "K C side side"], Float[Tensor, "K 1 side side"]]:
    """Every token's bounding box, interpolated to a square, and which of its pixels are the token's (1, else 0).

    Boxes more than twice as large as the square are cut from an image reduced by halves, so that nothing is skipped.

    Args:
        image: any values, differentiable.
        labels: the number of the token that owns each pixel.
        tokens: of this image.
        side: of a crop, in px.
    """
    longest = (tokens.box[:, 2:] - tokens.box[:, :2]).amax(1)
    halvings = torch.log2(longest / side).floor().clamp_min(0).long()
    places = _places(tokens.box, side)
    picture = image.new_zeros(len(tokens), image.shape[0], side, side)
    reduced = image
    for level in range(int(halvings.max()) + 1 if len(tokens) else 0):
        chosen = (halvings == level).nonzero()[:, 0]
        if len(chosen):
            picture = picture.index_copy(0, chosen, _sampled(reduced, places[chosen] / 2**level))
        reduced = functional.avg_pool2d(reduced[None], 2, ceil_mode=True, count_include_pad=False)[0]
    y, x = places.floor().long().unbind(-1)
    own = labels[y, x] == torch.arange(len(tokens), device=labels.device)[:, None, None]
    return picture, own[:, None].to(picture.dtype)


def with_learned_means(
    image: Float[Tensor, "C H W"], near: NearRegions, share: Float[Tensor, "N 8"]
) -> Float[Tensor, "C H W"]:
    """The image with each region's mean replaced by the mean over its soft members (mean injection)."""
    flat = image.float().flatten(1).T
    return inject_means(flat, near, region_means(flat, near, share)).T.view(image.shape)


def place_histogram(
    labels: Int64[Tensor, "H W"], regions: int, rows: int, columns: int
) -> Float[Tensor, "K rows columns"]:
    """Where each token's pixels lie: its shares of rows × columns equal cells of the image; a token's sum to 1.

    A pixel counts in the cell that its middle is in.
    """
    height, width = labels.shape
    y, x = _coordinates(height, width, labels)
    return _joint((y / height * rows).long(), (x / width * columns).long(), labels.flatten(), regions, rows, columns)


def gradient_histogram(
    image: Float[Tensor, "C H W"], labels: Int64[Tensor, "H W"], regions: int, bins: int
) -> Float[Tensor, "K bins bins"]:
    """Which way each token's pixels are shaded: histograms of the gradient (dy, dx) of the mean channel.

    Args:
        image: in 0..1, so that a gradient is in −1..1 a pixel; Scharr's kernels.
        labels: the number of the token that owns each pixel.
        regions: number of tokens.
        bins: on each axis.
    """
    smooth, step = torch.tensor([3.0, 10.0, 3.0]) / 16, torch.tensor([-1.0, 0.0, 1.0])
    kernels = torch.stack([step[:, None] * smooth, smooth[:, None] * step])[:, None].to(image)
    grey = functional.pad(image.float().mean(0)[None, None], (1, 1, 1, 1), mode="replicate")
    gradients = functional.conv2d(grey, kernels)[0].flatten(1)
    dy, dx = ((gradients + 1) / 2 * bins).long().clamp(0, bins - 1)
    return _joint(dy, dx, labels.flatten(), regions, bins, bins)


class LearnedKernel(nn.Module):
    """Fine joint histograms → coarse ones, each fine bin spread by a Gaussian of a learned scale; sums stay.

    Args:
        bins: on each of the two axes, of what comes out.
        scale: the kernel's standard deviation at the start, in these bins.
    """

    def __init__(self, bins: int = 8, scale: float = 0.5) -> None:
        super().__init__()
        self.bins = bins
        self.log_scale = nn.Parameter(torch.tensor(float(scale)).log())

    def forward(self, fine: Float[Tensor, "K rows columns"]) -> Float[Tensor, "K bins2"]:
        """The coarse histograms, flat."""
        down, across = (self._spread(count).to(fine) for count in fine.shape[1:])
        return (down.T @ fine @ across).flatten(1)

    def _spread(self, count: int) -> Float[Tensor, "count bins"]:
        """Each fine bin's shares of the coarse ones; a softmax, so that no scale makes them NaN."""
        device = self.log_scale.device
        middles = torch.arange(self.bins, device=device) + 0.5
        places = (torch.arange(count, device=device) + 0.5) * (self.bins / count)
        return torch.softmax(-(places[:, None] - middles).square() / (2 * torch.exp(2 * self.log_scale)), 1)


def _joint(first: Tensor, second: Tensor, ids: Tensor, regions: int, rows: int, columns: int) -> Tensor:
    """How many of each token's pixels fall into each pair of bins, as shares."""
    places = (ids * rows + first) * columns + second
    counts = torch.bincount(places, minlength=regions * rows * columns).view(regions, rows, columns).float()
    return counts / counts.sum((1, 2), keepdim=True).clamp_min(1.0)


def _shared_variance(pixels: Tensor, near: NearRegions, share: Tensor, mean: Tensor) -> Tensor:
    pixel, ids = near.pairs
    mass = share.float()[near.exists]
    squares = mass[:, None] * (pixels[pixel] - mean[ids]).square()
    sums = pixels.new_zeros(near.regions, pixels.shape[1]).index_add(0, ids, squares)
    return sums / pixels.new_zeros(near.regions).index_add(0, ids, mass).clamp_min(1e-6)[:, None]


def _coordinates(height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """y and x of every pixel's middle, flat."""
    y = torch.arange(height, device=like.device, dtype=torch.float32) + 0.5
    x = torch.arange(width, device=like.device, dtype=torch.float32) + 0.5
    return y.repeat_interleave(width), x.repeat(height)


def _boxes(y: Tensor, x: Tensor, own: Tensor, regions: int) -> Float[Tensor, "K 4"]:
    corners = torch.stack([y - 0.5, x - 0.5], 1)
    ids = own[:, None].expand(-1, 2)
    least = corners.new_zeros(regions, 2).scatter_reduce(0, ids, corners, "amin", include_self=False)
    greatest = corners.new_zeros(regions, 2).scatter_reduce(0, ids, corners + 1, "amax", include_self=False)
    return torch.cat([least, greatest], 1)


def _places(box: Float[Tensor, "K 4"], side: int) -> Float[Tensor, "K side side 2"]:
    """Where each crop's pixels have their middles in the image: y, x in px."""
    steps = (torch.arange(side, device=box.device) + 0.5) / side
    y = box[:, :1] + (box[:, 2:3] - box[:, :1]) * steps
    x = box[:, 1:2] + (box[:, 3:4] - box[:, 1:2]) * steps
    return torch.stack([y[:, :, None].expand(-1, -1, side), x[:, None, :].expand(-1, side, -1)], -1)


def _sampled(image: Float[Tensor, "C H W"], places: Float[Tensor, "K side side 2"]) -> Float[Tensor, "K C side side"]:
    """Bilinear samples of an image at places given in its own px."""
    count, side = places.shape[:2]
    scale = places.new_tensor([2.0 / image.shape[1], 2.0 / image.shape[2]])
    grid = (places * scale - 1).flip(-1).view(1, count * side, side, 2)
    samples = functional.grid_sample(image[None].float(), grid, padding_mode="border", align_corners=False)
    return samples.view(image.shape[0], count, side, side).transpose(0, 1)
