"""FeatureNet: image → FeatureMap, a vector for every pixel in which distance means "another region".

In: sRGB with alpha. Out: C features a pixel in units of CIE Lab: L, a, b and `alpha_weight`, each times alpha, so that
colour hidden under full transparency does not exist, plus what the trained branch adds.

Method: the colour transform is fixed (`colour`). The image comes twice: as it is, and resolved, each rim pixel in the
colour of the pixel that owns it by the hand-made rule (`rims`). The branch sees both. It looks at a neighbourhood at a
quarter of the resolution, where convolutions are cheap (depthwise separable and dilated, Chollet 2017, Yu & Koltun
2016), and brings what it found back to the pixel: a 3×3 convolution of the full images is added to the bilinearly
enlarged context. From both come

- weights over the 3×3 pixels around each, 1 px apart, then once more 2 px apart: the pixel takes their mean (a kernel
  prediction network, Bako et al. 2017), in resolved colours: a noisy pixel takes its neighbours' colour, one that the
  rule left a mixture that of its side. Weights below `_LEAST_WEIGHT` count as none, so that a pixel that is sure takes
  one colour exactly (in eval mode; in training all weights are there to learn);
- a correction of each feature by a last 3×3 convolution; of each but alpha, so that what is transparent stays as far
  from what is opaque as it was.

Activations, not arithmetic, bound the branch on a CPU: tensors of full size are few and kept channels-last. The last
layers begin at zero: an untrained net gives the resolved image's Lab exactly, and skips the branch wherever no gradient
is wanted.

Borders are padded by replication and the enlargement is exact on constants, so a flat image has flat features.

Limits: features are 32-bit floats. Without the branch every device and number of threads gives the same bits. With it
the order of a convolution's sums is the library's choice: results agree to float rounding, which a feature map hides
but for the rare value next to a tie, and on CUDA to TF32's three digits where PyTorch allows that (its default).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int32, UInt8
from torch import Tensor, nn
from torch.nn import functional

from ..errors import InputError
from . import _mix_kernels
from .colour import LINEAR_OF_BYTE, UNIT_OF_BYTE, linear_to_lab, srgb_to_linear
from .config import TokenizerConfig
from .parts import in_parts
from .rim_net import RimNet

LARGEST_VALUE = 2**15 - 1
"""No |value| of a feature map is larger, so that its square fits 30 bits and 64-bit sums of squares never overflow."""

_STRIDE = 4  # pixels a side of a context cell
_UNIT = 100.0  # Lab units that the branch counts as one
_DILATIONS = (1, 2)  # of the context's convolutions, in turn
_SPACINGS = (1, 2)  # pixels between the neighbours that a pixel is mixed from, round by round
_LEAST_WEIGHT = 0.02
# what a pixel's own weight begins with: e^4 : 8, so that at inference no neighbour reaches the least weight
_OWN_LOGIT = 4.0
_ROWS_A_THREAD = 32


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """The features of an image as integers, so that sums of them are exact in any order.

    Attributes:
        values: int32 (H, W, C), each feature × `scale`, rounded half to even, within ±`LARGEST_VALUE`.
        is_rim: bool (H, W), pixels whose feature is for the greater part that of pixels around.
        scale: integer steps a Lab unit.
    """

    values: Int32[np.ndarray, "H W C"]
    is_rim: Bool[np.ndarray, "H W"]
    scale: int


class FeatureNet(nn.Module):
    """The pixel-wise embedding that is trained; `rims`, if there, is the net that resolves the image it takes.

    Args:
        config: its widths, depth, channels, the weight of alpha and the scale of a feature map.
    """

    def __init__(self, config: TokenizerConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TokenizerConfig()
        width, detail = config.context_width, config.detail_width
        self.enter = nn.Conv2d(8, width, _STRIDE, stride=_STRIDE)
        self.context = nn.ModuleList(
            _separable(width, _DILATIONS[layer % len(_DILATIONS)]) for layer in range(config.context_depth)
        )
        self.leave = nn.Conv2d(width, detail, 1)
        self.detail = nn.Conv2d(8, detail, 3, padding=1)
        self.mix = nn.Conv2d(detail, 9 * len(_SPACINGS), 1)
        self.correct = nn.Conv2d(detail, config.channels - 1, 3, padding=1)
        with torch.no_grad():
            for layer in (self.mix, self.correct):
                layer.weight.zero_()
                assert layer.bias is not None
                layer.bias.zero_()
            assert self.mix.bias is not None
            self.mix.bias.view(len(_SPACINGS), 9)[:, 4] = _OWN_LOGIT
        self.rims = RimNet(config.rim_width) if config.rim_width else None

    def forward(
        self, image: Float[Tensor, "B 4 H W"], resolved: Float[Tensor, "B 4 H W"] | None = None
    ) -> Float[Tensor, "B C H W"]:
        """Features, float32, of sRGB + straight alpha in 0..1; any size from 1×1.

        Args:
            image: as it is.
            resolved: the same, rim pixels in their owners' colours; None where no rule is to be used.

        Raises:
            InputError: not four channels, or no pixels, or two images of different shapes.
        """
        if image.ndim != 4 or image.shape[1] != 4 or 0 in image.shape[2:]:
            raise InputError("<tensor>", f"has the shape {tuple(image.shape)}", "give (B, 4, H, W): sRGB and alpha")
        resolved = image if resolved is None else resolved
        if resolved.shape != image.shape:
            raise InputError("<tensor>", f"is resolved to {tuple(resolved.shape)}", "give both in one shape")
        branch = torch.is_grad_enabled() or self.is_trained
        colour, given = (
            self._colour(srgb_to_linear(one[:, :3].float()), one[:, 3:].float()) for one in (image, resolved)
        )
        return self._features(colour, given, branch)[0]

    @torch.inference_mode()
    def feature_map(
        self,
        pixels: UInt8[np.ndarray, "H W 4"],
        resolved: UInt8[np.ndarray, "H W 4"] | None = None,
        *,
        branch: bool = True,
        tile_pixels: int | None = None,
    ) -> FeatureMap:
        """The features of one image, as integers; safe to call from several threads.

        Args:
            pixels: sRGB with straight alpha.
            resolved: as in `forward`.
            branch: False gives each pixel its own colour, whatever was trained.
            tile_pixels: the image is worked through in tiles of about this many pixels, each with as much around it
                as the net sees. That bounds the memory; the values are the same. None: few enough for the processor's
                cache where nothing around a tile is needed, else enough that what is around it costs little.

        Raises:
            InputError: not uint8 (H, W, 4), or no pixels.
        """
        resolved = pixels if resolved is None else resolved
        for image in (pixels, resolved):
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 4 or image.size == 0:
                raise InputError("<array>", f"is {image.dtype} of shape {image.shape}", "give uint8 (H, W, 4) pixels")
        height, width = pixels.shape[:2]
        source, given = (torch.from_numpy(np.require(image, requirements=["C", "W"])) for image in (pixels, resolved))
        values = np.empty((height, width, self.config.channels), np.int32)
        is_rim = np.zeros((height, width), bool)
        target, rim_target = torch.from_numpy(values), torch.from_numpy(is_rim)
        branch = branch and self.is_trained
        margin, usual = (self.sight, 2**19) if branch else (0, 2**17)
        tile_pixels = tile_pixels or usual
        side = math.isqrt(tile_pixels)
        for rows, rows_seen in _windows(height, max(side, tile_pixels // width), margin):
            for columns, columns_seen in _windows(width, max(side, tile_pixels // height), margin):
                window = np.s_[rows_seen, columns_seen]
                shown = self._colour_of_bytes(given[window])
                seen = self._colour_of_bytes(source[window]) if branch and resolved is not pixels else shown
                features, own = self._features(seen, shown, branch)
                top, left = rows.start - rows_seen.start, columns.start - columns_seen.start
                inner = np.s_[0, ..., top : top + rows.stop - rows.start, left : left + columns.stop - columns.start]
                target[rows, columns] = self._rounded(features[inner]).permute(1, 2, 0).to(target)
                if own is not None:
                    rim_target[rows, columns] = (own[inner] < 0.5).cpu()
        return FeatureMap(values, is_rim, self.config.feature_scale)

    @property
    def is_trained(self) -> bool:
        """Whether the branch does anything."""
        return bool(self.mix.weight.any() or any(parameter.any() for parameter in self.correct.parameters()))

    @property
    def learned_rims(self) -> RimNet | None:
        """The net that decides who owns a rim pixel; None while the hand-made rule does."""
        return self.rims if self.rims is not None and self.rims.is_trained else None

    @property
    def sight(self) -> int:
        """How many pixels to each side a feature can depend on, rounded up to whole context cells."""
        # the context's convolutions, one cell for the enlargement, one for `detail`, `correct` and the neighbours
        cells = sum(_DILATIONS[layer % len(_DILATIONS)] for layer in range(self.config.context_depth))
        return _STRIDE * (cells + 3)

    def _colour_of_bytes(self, pixels: UInt8[Tensor, "H W 4"]) -> Float[Tensor, "1 4 H W"]:
        device = self.correct.weight.device
        planes = pixels.to(device).permute(2, 0, 1).contiguous().int()
        linear = LINEAR_OF_BYTE.to(device).index_select(0, planes[:3].view(-1)).view(planes[:3].shape)
        alpha = UNIT_OF_BYTE.to(device).index_select(0, planes[3:].view(-1)).view(planes[3:].shape)
        return self._colour(linear[None], alpha[None])

    def _colour(self, linear: Float[Tensor, "B 3 H W"], alpha: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 4 H W"]:
        """L, a, b and the weight of alpha, times alpha."""
        opaque = functional.pad(linear_to_lab(linear), (0, 0, 0, 0, 0, 1), value=self.config.alpha_weight)
        return opaque * alpha

    def _features(
        self, colour: Float[Tensor, "B 4 H W"], resolved: Float[Tensor, "B 4 H W"], branch: bool
    ) -> tuple[Float[Tensor, "B C H W"], Float[Tensor, "B H W"] | None]:
        """The features, and how much of each pixel's is its own resolved colour (None: all of it)."""
        if not branch:
            return functional.pad(resolved, (0, 0, 0, 0, 0, self.config.channels - 4)), None
        seen = self._seen(torch.cat([colour, resolved], 1))
        mixed, own = self._mixed(resolved, _cut(self.mix(seen), colour))
        correction = _cut(self.correct(seen), colour).float() * _UNIT
        gain = self.config.learned_gain
        lab, further = (mixed[:, :3] + correction[:, :3]) * gain, correction[:, 3:] * gain
        return torch.cat([lab, mixed[:, 3:], further], 1), own

    def _seen(self, colour: Float[Tensor, "B 8 H W"]) -> Float[Tensor, "B D H2 W2"]:
        """What the net knows of each pixel and of a margin of a cell at the top and left, one or two at the others."""
        height, width = colour.shape[2:]
        # whole cells and one more on every side: `detail` and `correct` pad with zeros, which stays in that margin
        margins = (_STRIDE, _STRIDE + -width % _STRIDE, _STRIDE, _STRIDE + -height % _STRIDE)
        colour = functional.pad(colour / _UNIT, margins, mode="replicate").contiguous(memory_format=torch.channels_last)
        context = functional.relu(self.enter(colour))
        for layer in self.context:
            context = context + functional.relu(layer(context))
        context = functional.interpolate(_shortened(self.leave(context)), scale_factor=_STRIDE, mode="bilinear")
        # in place: a fresh tensor of this size costs more than what is computed in it
        seen: Tensor = self.detail(colour).add_(context).relu_()
        return seen

    def _mixed(
        self, colour: Float[Tensor, "B 4 H W"], logits: Float[Tensor, "B 18 H W"]
    ) -> tuple[Float[Tensor, "B 4 H W"], Float[Tensor, "B H W"]]:
        """The colours after each round of taking the weighted mean of nine, and the weight of each pixel's own."""
        if not (self.training or torch.is_grad_enabled() or colour.is_cuda):
            pairs = [_mixed_by_kernel(one.numpy(), other.numpy()) for one, other in zip(colour, logits, strict=True)]
            return torch.stack([mixed for mixed, _ in pairs]), torch.stack([own for _, own in pairs])
        height, width = colour.shape[2:]
        own = torch.ones_like(logits[:, 0], dtype=torch.float32)
        for spacing, round_logits in zip(_SPACINGS, logits.float().chunk(len(_SPACINGS), 1), strict=True):
            weights = torch.softmax(round_logits, 1)
            if not self.training:
                weights = torch.where(weights < _LEAST_WEIGHT, 0.0, weights)
                weights = weights / weights.sum(1, keepdim=True)
            own = own * weights[:, 4]
            around = functional.pad(colour, (spacing,) * 4, mode="replicate")
            # differences, so that equal colours stay what they are to the last bit
            mixed = colour
            for place in range(9):
                if place != 4:
                    y, x = (place // 3) * spacing, (place % 3) * spacing
                    there = around[..., y : y + height, x : x + width]
                    mixed = mixed + weights[:, place : place + 1] * (there - colour)
            colour = mixed
        return colour, own

    def _rounded(self, features: Tensor) -> Tensor:
        return torch.round(features * self.config.feature_scale).clamp_(-LARGEST_VALUE, LARGEST_VALUE)


def _mixed_by_kernel(
    colour: Float[np.ndarray, "4 H W"], logits: Float[np.ndarray, "18 H W"]
) -> tuple[Float[Tensor, "4 H W"], Float[Tensor, "H W"]]:
    """`FeatureNet._mixed` of one image as inference wants it, on the CPU."""
    own = np.ones(colour.shape[1:], np.float32)
    rounds = np.split(np.moveaxis(logits, 0, 2), len(_SPACINGS), axis=2)
    for spacing, round_logits in zip(_SPACINGS, rounds, strict=True):
        mixed = np.empty(colour.shape, np.float32)
        mix = partial(_mix_kernels.mix, colour, round_logits, spacing, np.float32(_LEAST_WEIGHT), mixed, own)
        in_parts(colour.shape[1], mix, smallest=_ROWS_A_THREAD)
        colour = mixed
    return torch.from_numpy(colour), torch.from_numpy(own)


def _separable(width: int, dilation: int) -> nn.Sequential:
    """A 3×3 convolution of each channel by itself, then one of all channels at each place."""
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, padding_mode="replicate", groups=width),
        nn.Conv2d(width, width, 1),
    )


def _cut(values: Tensor, image: Tensor) -> Tensor:
    """Without the margins of `_seen`."""
    return values[..., _STRIDE : _STRIDE + image.shape[2], _STRIDE : _STRIDE + image.shape[3]]


def _shortened(values: Tensor) -> Tensor:
    """The values with the last 7 bits of their fractions cleared (Veltkamp's splitting).

    Bilinear weights at a stride of 4 are whole 64ths: with six bits to spare, weighting and adding equal values is
    exact and gives that value back.
    """
    values = values.float()
    shifted = values * 129.0
    return shifted - (shifted - values)


def _windows(length: int, longest: int, margin: int) -> Iterator[tuple[slice, slice]]:
    """Cuts 0..length into even tiles on cell borders: each as it is, and with `margin` more where there is as much."""
    tiles = -(-length // longest)
    step = -(-length // (tiles * _STRIDE)) * _STRIDE
    for start in range(0, length, step):
        stop = min(start + step, length)
        yield slice(start, stop), slice(max(start - margin, 0), min(stop + margin, length))
