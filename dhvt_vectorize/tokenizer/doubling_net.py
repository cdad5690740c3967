"""DoublingNet: a drawing at half its size → the drawing, its edges as sharp as they were.

In: premultiplied sRGB in 0..1. Out: four pixels for each.

An anti-aliased pixel says how much of it each of two colours covers, not where; its neighbours say where (the learned
super-resolution of Dong et al. 2016). Each of the four pixels is a mean of the 3×3 pixels around, with weights that are
predicted (a kernel prediction network, Bako et al. 2017), so that what is plain stays so exactly. Then all four are
shifted until their mean is the pixel that they were (back-projection, Irani & Peleg 1991), as far as the colours around
go: no colour is invented.

The last layer begins at the weights of bilinear interpolation. Only drawings that were enlarged are shown to the net,
and of these only what is not plain; it has 39,000 parameters at a width of 32.
"""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from .tiles import tiles

DEPTH = 5
"""3×3 convolutions, each of which widens the sight by a pixel."""
_AROUND = 9
_HALF = 0.5  # colours are 0 in the middle of their range
_RARELY = math.exp(-3.5)  # the weight that interpolation gives to none, at first
_TILE_PIXELS = 2**15


class DoublingNet(nn.Module):
    """The net; `width` is its channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(4 if place == 0 else width, width, 3) for place in range(DEPTH))
        self.weigh = nn.Conv2d(width, 4 * _AROUND, 1)
        with torch.no_grad():
            self.weigh.weight.zero_()
            cast(Tensor, self.weigh.bias).copy_(_interpolating().log().flatten())

    @property
    def is_trained(self) -> bool:
        """Whether it is more than interpolation."""
        return bool(self.weigh.weight.any())

    def forward(self, image: Float[Tensor, "B 4 h w"]) -> Float[Tensor, "B 4 H W"]:
        """The image at twice its size."""
        batch, channels, height, width = image.shape
        found = functional.pad((image - _HALF) / _HALF, (DEPTH,) * 4, mode="replicate")
        for layer in self.layers:
            found = functional.silu(layer(found))
        weights = torch.softmax(self.weigh(found).float().view(batch, 4, _AROUND, height, width), 2)
        around = functional.unfold(functional.pad(image, (1,) * 4, mode="replicate"), 3)
        around = around.view(batch, channels, 1, _AROUND, height, width)
        quarters = (around * weights[:, None]).sum(3)
        quarters = quarters + (image[:, :, None] - quarters.mean(2, keepdim=True))
        quarters = torch.minimum(torch.maximum(quarters, around.amin(3)), around.amax(3))
        return functional.pixel_shuffle(quarters.flatten(1, 2), 2)

    @torch.inference_mode()
    def doubled(self, premultiplied: UInt8[np.ndarray, "h w 4"]) -> UInt8[np.ndarray, "H W 4"]:
        """The picture at twice its size; what is plain costs nothing."""
        device = self.weigh.weight.device
        height, width = premultiplied.shape[:2]
        found = np.empty((2 * height, 2 * width, 4), np.uint8)
        for tile in tiles(premultiplied, premultiplied, _TILE_PIXELS, DEPTH, 1):
            parts = tile.rows, tile.columns
            place = tuple(slice(2 * part.start, 2 * part.stop) for part in parts)
            if tile.is_plain:
                found[place] = premultiplied[tile.rows.start, tile.columns.start]
                continue
            seen = torch.from_numpy(np.ascontiguousarray(premultiplied[tile.seen])).to(device)
            answer = self(seen.permute(2, 0, 1)[None].float() / 255)[0]
            levels = torch.round(answer * 255).byte().permute(1, 2, 0).cpu().numpy()
            top, left = (2 * (part.start - part.seen.start) for part in parts)
            rows, columns = (2 * (part.stop - part.start) for part in parts)
            found[place] = levels[top : top + rows, left : left + columns]
        return found


def _interpolating() -> Float[Tensor, "2 2 3 3"]:
    """The weights of bilinear interpolation, of each of the four pixels over the nine around, none quite 0."""
    along = torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.75, 0.25]])
    return (along[:, None, :, None] * along[None, :, None, :]).clamp(min=_RARELY)
