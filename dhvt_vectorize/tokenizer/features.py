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
  rule left a mixture that of its side. Weights below `LEAST_WEIGHT` count as none, so that a pixel that is sure takes
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

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Int32, UInt8
from torch import Tensor, nn
from torch.nn import functional

from ..errors import InputError
from . import _colour_kernels, _mix_kernels
from .border_net import BorderNet
from .colour import LINEAR_OF_BYTE, TABLES, UNIT_OF_BYTE, linear_to_lab, srgb_to_linear
from .config import TokenizerConfig
from .doubling_net import DoublingNet
from .mixing import LEAST_WEIGHT, ROWS_A_THREAD, SPACINGS, Rows, mixed
from .parts import in_parts
from .rim_net import RimNet
from .tiles import Window, tiles

LARGEST_VALUE = 2**15 - 1
"""No |value| of a feature map is larger, so that its square fits 30 bits and 64-bit sums of squares never overflow."""

_STRIDE = 4  # pixels a side of a context cell
_UNIT = 100.0  # Lab units that the branch counts as one
_DILATIONS = (1, 2)  # of the context's convolutions, in turn
# what a pixel's own weight begins with: e^4 : 8, so that at inference no neighbour reaches the least weight
_OWN_LOGIT = 4.0
_TILE_PIXELS, _STRIP_PIXELS = 2**19, 2**16


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
    """The pixel-wise embedding that is trained.

    `rims`, if there, is the net that resolves the image it takes, `borders` the one that sees where things end,
    `doubling` the one that undoes enlarging.

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
        self.mix = nn.Conv2d(detail, 9 * len(SPACINGS), 1)
        self.correct = nn.Conv2d(detail, config.channels - 1, 3, padding=1)
        with torch.no_grad():
            for layer in (self.mix, self.correct):
                layer.weight.zero_()
                assert layer.bias is not None
                layer.bias.zero_()
            assert self.mix.bias is not None
            self.mix.bias.view(len(SPACINGS), 9)[:, 4] = _OWN_LOGIT
        self.rims = RimNet(config.rim_width) if config.rim_width else None
        self.borders = BorderNet(config.border_width) if config.border_width else None
        self.doubling = DoublingNet(config.doubling_width) if config.doubling_width else None

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
        return self._features(self.colours(image), self.colours(resolved), branch)[0]

    def colours(self, image: Float[Tensor, "B 4 H W"]) -> Float[Tensor, "B 4 H W"]:
        """L, a, b and `alpha_weight`, each times alpha, of sRGB + straight alpha in 0..1."""
        return self._colour(srgb_to_linear(image[:, :3].float()), image[:, 3:].float())

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
            tile_pixels: the branch works through the image in tiles of about this many pixels, each with as much around
                it as it sees. That bounds the memory; the values are the same. None: enough that what is around a tile
                costs little.

        Raises:
            InputError: not uint8 (H, W, 4), or no pixels.
        """
        resolved = pixels if resolved is None else resolved
        for image in (pixels, resolved):
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 4 or image.size == 0:
                raise InputError("<array>", f"is {image.dtype} of shape {image.shape}", "give uint8 (H, W, 4) pixels")
        pixels, resolved = np.ascontiguousarray(pixels), np.ascontiguousarray(resolved)
        height, width = pixels.shape[:2]
        values = np.empty((height, width, self.config.channels), np.int32)
        is_rim = np.zeros((height, width), bool)
        found = FeatureMap(values, is_rim, self.config.feature_scale)
        if not (branch and self.is_trained):
            self._write_colours(resolved, found)
            return found
        tile_pixels = tile_pixels or _TILE_PIXELS
        write = self._write_tile_on_the_device if self.correct.weight.is_cuda else self._write_tile
        pixel_like: dict[bytes, tuple[slice, slice]] = {}
        for tile in tiles(pixels, resolved, tile_pixels, self.sight, _STRIDE):
            looked_at, colour = tile, b""
            if tile.is_plain:
                # all over it the features are those of one pixel of this colour by itself
                looked_at = tile.first_pixel
                colour = pixels[looked_at.place].tobytes() + resolved[looked_at.place].tobytes()
            if colour not in pixel_like:
                write(pixels[looked_at.seen], resolved[looked_at.seen], looked_at.rows, looked_at.columns, found)
            if tile.is_plain:
                place = pixel_like.setdefault(colour, looked_at.place)
                values[tile.place], is_rim[tile.place] = values[place], is_rim[place]
        return found

    @property
    def is_trained(self) -> bool:
        """Whether the branch does anything."""
        return bool(self.mix.weight.any() or any(parameter.any() for parameter in self.correct.parameters()))

    @property
    def learned_rims(self) -> RimNet | None:
        """The net that decides who owns a rim pixel; None while the hand-made rule does."""
        return self.rims if self.rims is not None and self.rims.is_trained else None

    @property
    def learned_borders(self) -> BorderNet | None:
        """The net that sees where people would draw borders; None while there is none that has learned."""
        return self.borders if self.borders is not None and self.borders.is_trained else None

    @property
    def learned_doubling(self) -> DoublingNet | None:
        """The net that undoes enlarging; None while there is none that has learned."""
        return self.doubling if self.doubling is not None and self.doubling.is_trained else None

    def border_strengths(self, pixels: UInt8[np.ndarray, "H W 4"]) -> UInt8[np.ndarray, "2 H W"] | None:
        """How strong a border lies to the left of each pixel and above it, see `BorderNet.strengths`; None: no net."""
        net = self.learned_borders
        return None if net is None else net.strengths(self._colour_of_bytes(pixels))

    @property
    def sight(self) -> int:
        """How many pixels to each side a feature can depend on, rounded up to whole context cells."""
        # the context's convolutions, one cell for the enlargement, one for `detail`, `correct` and the neighbours
        cells = sum(_DILATIONS[layer % len(_DILATIONS)] for layer in range(self.config.context_depth))
        return _STRIDE * (cells + 3)

    def _write_colours(self, pixels: UInt8[np.ndarray, "H W 4"], found: FeatureMap) -> None:
        """Features without the branch."""
        work = (pixels, TABLES, *self._integers(), found.values)
        in_parts(len(pixels), lambda first, last: _colour_kernels.write_values(first, last, *work), ROWS_A_THREAD)

    def _integers(self) -> tuple[np.float32, np.float32, np.float32]:
        config = self.config
        return np.float32(config.alpha_weight), np.float32(config.feature_scale), np.float32(LARGEST_VALUE)

    def _write_tile(
        self,
        pixels: UInt8[np.ndarray, "H W 4"],
        resolved: UInt8[np.ndarray, "H W 4"],
        rows: Window,
        columns: Window,
        found: FeatureMap,
    ) -> None:
        """Features of a tile, on the CPU: convolutions by torch, what each pixel does for itself by kernels."""
        shown, given = self._shown(pixels, resolved)
        context = self._context(shown)
        rows_of_correct = self._rows_of_correct()
        top, left = rows.start - rows.seen.start, columns.start - columns.seen.start
        place = (rows.start - top, columns.start - left)
        window = (left, left + columns.stop - columns.start, *place)
        gain = np.float32(self.config.learned_gain)
        scales = (np.float32(_UNIT), gain, *self._integers()[1:], window, (found.values, found.is_rim))
        # strip by strip: full-size tensors, of which there are several, stay small enough to be used again
        for first, last in _strips(top, top + rows.stop - rows.start, pixels.shape[1]):
            # with a cell above and below, in which what pads the convolutions stays
            cells = slice(first // _STRIDE, -(-last // _STRIDE) + 2)
            seen = self._seen(shown[:, :, cells.start * _STRIDE : cells.stop * _STRIDE], context[:, :, cells])
            logits, correction = (_as_pixels(layer(seen)[0]) for layer in (self.mix, rows_of_correct))
            mixture = mixed(given, Rows(logits, first - _STRIDE, _STRIDE), first, last)
            work = (mixture, first, correction, first - _STRIDE, _STRIDE, *scales)
            in_parts(last - first, partial(_write_rows, first, work), ROWS_A_THREAD)

    def _rows_of_correct(self) -> nn.Conv2d:
        """`correct` with the answers of its three rows side by side, yet to be summed, the bias among the middle one's.

        Libraries compute sixteen channels at a time: twelve of 1×3 take them less than half the time of four of 3×3.
        """
        inner, outer = self.correct.in_channels, self.correct.out_channels
        layer = nn.Conv2d(inner, 3 * outer, (1, 3), padding=(0, 1), device="meta")
        weight = self.correct.weight.permute(2, 0, 1, 3).reshape(3 * outer, inner, 1, 3)
        bias = functional.pad(cast(Tensor, self.correct.bias), (outer, outer))
        layer.weight, layer.bias = (nn.Parameter(each, requires_grad=False) for each in (weight, bias))
        return layer

    def _shown(
        self, pixels: UInt8[np.ndarray, "H W 4"], resolved: UInt8[np.ndarray, "H W 4"]
    ) -> tuple[Float[Tensor, "1 8 H2 W2"], Float[np.ndarray, "5 H W"]]:
        """What the convolutions are shown, and what pixels are mixed from, see `mixing`."""
        height, width = pixels.shape[:2]
        left, right, top, bottom = _margins(height, width)
        shape = (1, 8, top + height + bottom, left + width + right)
        # an array of torch's own: where its memory or strides are another's, convolutions may round otherwise
        shown = torch.empty(shape, memory_format=torch.channels_last)
        given = np.empty((5, height, width), np.float32)
        unit, alpha_weight = np.float32(_UNIT), self._integers()[0]
        work = (pixels, resolved, _STRIDE, TABLES, alpha_weight, unit, _as_pixels(shown[0]), given)
        in_parts(shape[2], lambda first, last: _colour_kernels.write_input(first, last, *work), ROWS_A_THREAD)
        return shown, given

    def _write_tile_on_the_device(
        self,
        pixels: UInt8[np.ndarray, "H W 4"],
        resolved: UInt8[np.ndarray, "H W 4"],
        rows: Window,
        columns: Window,
        found: FeatureMap,
    ) -> None:
        """The same by torch alone, where the weights are."""
        colour, given = (self._colour_of_bytes(one) for one in (pixels, resolved))
        features, own = self._features(colour, given, branch=True)
        top, left = rows.start - rows.seen.start, columns.start - columns.seen.start
        inner = np.s_[0, ..., top : top + rows.stop - rows.start, left : left + columns.stop - columns.start]
        place = np.s_[rows.start : rows.stop, columns.start : columns.stop]
        rounded = torch.round(features[inner] * self.config.feature_scale).clamp_(-LARGEST_VALUE, LARGEST_VALUE)
        found.values[place] = rounded.permute(1, 2, 0).cpu().numpy()
        assert own is not None
        found.is_rim[place] = (own[inner] < 0.5).cpu().numpy()

    def _colour_of_bytes(self, pixels: UInt8[np.ndarray, "H W 4"]) -> Float[Tensor, "1 4 H W"]:
        device = self.correct.weight.device
        planes = torch.from_numpy(np.require(pixels, requirements=["W"])).to(device).permute(2, 0, 1).contiguous().int()
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
        shown = functional.pad(torch.cat([colour, resolved], 1) / _UNIT, _margins(*colour.shape[2:]), mode="replicate")
        shown = shown.contiguous(memory_format=torch.channels_last)
        seen = self._seen(shown, self._context(shown))
        mean, own = self._mixed(resolved, _cut(self.mix(seen), colour))
        correction = _cut(self.correct(seen), colour).float() * _UNIT
        gain = self.config.learned_gain
        lab, further = (mean[:, :3] + correction[:, :3]) * gain, correction[:, 3:] * gain
        return torch.cat([lab, mean[:, 3:], further], 1), own

    def _context(self, shown: Float[Tensor, "B 8 H2 W2"]) -> Float[Tensor, "B D H3 W3"]:
        """What the net knows of each cell, given colours with `_margins`, in its units, channels last."""
        context = functional.relu(self.enter(shown))
        for layer in self.context:
            context = context + functional.relu(layer(context))
        return _shortened(self.leave(context))

    def _seen(
        self, shown: Float[Tensor, "B 8 H2 W2"], context: Float[Tensor, "B D H3 W3"]
    ) -> Float[Tensor, "B D H2 W2"]:
        """What the net knows of each pixel and of the margins."""
        enlarged = functional.interpolate(context, scale_factor=_STRIDE, mode="bilinear")
        # in place: a fresh tensor of this size costs more than what is computed in it
        seen: Tensor = self.detail(shown).add_(enlarged).relu_()
        return seen

    def _mixed(
        self, colour: Float[Tensor, "B 4 H W"], logits: Float[Tensor, "B 18 H W"]
    ) -> tuple[Float[Tensor, "B 4 H W"], Float[Tensor, "B H W"]]:
        """The colours after each round of taking the weighted mean of nine, and the weight of each pixel's own."""
        if not (self.training or torch.is_grad_enabled() or colour.is_cuda):
            given = functional.pad(colour, (0, 0, 0, 0, 0, 1), value=1.0).numpy()
            images = zip(given, map(_as_pixels, logits), strict=True)
            both = torch.from_numpy(np.stack([mixed(one, Rows(other)) for one, other in images]))
            return both[:, :4], both[:, 4]
        height, width = colour.shape[2:]
        own = torch.ones_like(logits[:, 0], dtype=torch.float32)
        for spacing, round_logits in zip(SPACINGS, logits.float().chunk(len(SPACINGS), 1), strict=True):
            weights = torch.softmax(round_logits, 1)
            if not self.training:
                weights = torch.where(weights < LEAST_WEIGHT, 0.0, weights)
                weights = weights / weights.sum(1, keepdim=True)
            own = own * weights[:, 4]
            around = functional.pad(colour, (spacing,) * 4, mode="replicate")
            # differences, so that equal colours stay what they are to the last bit
            mean = colour
            for place in range(9):
                if place != 4:
                    y, x = (place // 3) * spacing, (place % 3) * spacing
                    there = around[..., y : y + height, x : x + width]
                    mean = mean + weights[:, place : place + 1] * (there - colour)
            colour = mean
        return colour, own


def _write_rows(top: int, work: tuple[Any, ...], first: int, last: int) -> None:
    """Write the features of rows `first`…`last` − 1 of a strip that begins at `top`."""
    _mix_kernels.write_values(top + first, top + last, *work)


def _as_pixels(planes: Float[Tensor, "C H W"]) -> Float[np.ndarray, "H W C"]:
    """An image's planes as an array of pixels; no copy where they are channels-last."""
    return np.ascontiguousarray(planes.permute(1, 2, 0).numpy())


def _separable(width: int, dilation: int) -> nn.Sequential:
    """A 3×3 convolution of each channel by itself, then one of all channels at each place."""
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, padding_mode="replicate", groups=width),
        nn.Conv2d(width, width, 1),
    )


def _margins(height: int, width: int) -> tuple[int, int, int, int]:
    """What `_seen` is shown to the left, right, top and bottom of an image.

    A cell on every side, and what whole cells lack: `detail` and `correct` pad with zeros, which stays in that margin.
    """
    return _STRIDE, _STRIDE + -width % _STRIDE, _STRIDE, _STRIDE + -height % _STRIDE


def _cut(values: Tensor, image: Tensor) -> Tensor:
    """Without the margins."""
    return values[..., _STRIDE : _STRIDE + image.shape[2], _STRIDE : _STRIDE + image.shape[3]]


def _shortened(values: Tensor) -> Tensor:
    """The values with the last 7 bits of their fractions cleared (Veltkamp's splitting).

    Bilinear weights at a stride of 4 are whole 64ths: with six bits to spare, weighting and adding equal values is
    exact and gives that value back.
    """
    values = values.float()
    shifted = values * 129.0
    return shifted - (shifted - values)


def _strips(first: int, last: int, width: int) -> Iterator[tuple[int, int]]:
    """Cuts rows first…last of so many pixels into strips that begin where `first` does in a cell."""
    rows = max(_STRIDE, _STRIP_PIXELS // width // _STRIDE * _STRIDE)
    for top in range(first, last, rows):
        yield top, min(top + rows, last)
