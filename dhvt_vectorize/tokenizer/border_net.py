"""BorderNet: how sure it is that a person would draw a border, for every side that two pixels share.

In: L, a, b and `alpha_weight`, each times alpha. Out: logits of two sides a pixel: to its left, and above it.

Colours alone cannot say what parts two things: a zebra's stripes are of one animal, and a grey bird may sit on a grey
branch. People can, and mark it; where they did (BSDS500's label maps, Arbeláez et al. 2011) a net learns to tell. It
looks at half the resolution and at 1/4, 1/8 and 1/16, where it sees far, and brings what it found back step by step
(a U-Net, Ronneberger et al. 2015, of ConvNeXt's blocks, Liu et al. 2022). Each resolution learns to answer by itself,
too (HED, Xie & Tu 2015); the finest answer is the net's. Sides, not pixels, so that an answer has a direction: along a
border pixels belong together, across it they do not.

The last layer begins at zero: an untrained net is equally unsure everywhere, and is left out.

Limits: 300,000 parameters at a width of 24, so no shipped weights have it: it is for those who train on label maps.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from .tiles import windows

STRENGTHS = 64
"""How strong the strongest border is, in integers."""
SIDES = 2
"""Of a pixel, those that are its own: to its left, above it."""

# channels of the resolutions 1/2, 1/4, …, as multiples of the width, and blocks on the way down
_WIDTHS, _BLOCKS = (1.0, 5 / 3, 8 / 3, 4.0), (1, 2, 3, 3)
_AT_FIRST = 0.1  # of what a block adds
_COARSEST = 2 ** len(_WIDTHS)
# parts of an image that are looked at one by one, and how far beyond: whole cells of the coarsest resolution
_TILE_SIDE, _MARGIN = 1024, 256
_CENTRES, _UNIT = (50.0, 0.0, 0.0, 250.0), 50.0  # of colours, and what counts as one


class BorderNet(nn.Module):
    """The net; `width` is its channels at half the resolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [round(width * share) for share in _WIDTHS]
        finer = [4, *widths[:-1]]
        self.enter = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=2, padding=1) for before, after in zip(finer, widths, strict=True)
        )
        self.down = nn.ModuleList(
            nn.Sequential(*(_Block(each, 5) for _ in range(blocks)))
            for each, blocks in zip(widths, _BLOCKS, strict=True)
        )
        self.leave = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(widths))
        self.up = nn.ModuleList(_Block(each, 3) for each in widths[:-1])
        # the finest knows of the four pixels that are one of its own, the others of all below them at once
        self.answers = nn.ModuleList(
            nn.Conv2d(each, 4 * SIDES if place == 0 else SIDES, 3 if place == 0 else 1, padding=int(place == 0))
            for place, each in enumerate(widths)
        )
        with torch.no_grad():
            for parameter in self.answers.parameters():
                parameter.zero_()

    @property
    def is_trained(self) -> bool:
        """Whether it says anything."""
        return any(bool(parameter.any()) for parameter in self.answers[0].parameters())

    def forward(self, colour: Float[Tensor, "B 4 H W"]) -> list[Float[Tensor, "B 2 H W"]]:
        """Logits of each resolution, the finest, which is the net's, first."""
        height, width = colour.shape[2:]
        centres = torch.tensor(_CENTRES, device=colour.device)[:, None, None]
        margins = (0, -width % _COARSEST, 0, -height % _COARSEST)
        found = functional.pad((colour - centres) / _UNIT, margins, mode="replicate")
        seen = []
        for enter, blocks in zip(self.enter, self.down, strict=True):
            found = blocks(functional.silu(enter(found)))
            seen.append(found)
        answers = [_enlarged(self.answers[-1](found), _COARSEST)]
        for place in reversed(range(len(self.up))):
            found = self.up[place](seen[place] + _enlarged(self.leave[place](found), 2))
            answer = self.answers[place](found)
            answers.insert(0, _enlarged(answer, 2 ** (place + 1)) if place else functional.pixel_shuffle(answer, 2))
        return [answer[..., :height, :width].float() for answer in answers]

    @torch.inference_mode()
    def strengths(
        self, colour: Float[Tensor, "1 4 H W"], side: int = _TILE_SIDE, margin: int = _MARGIN
    ) -> UInt8[np.ndarray, "2 H W"]:
        """How sure the net is of each border, 0…`STRENGTHS`, in parts of some `side` px with a margin around.

        A small image is one part. What a part has beyond its margin it does not see.
        """
        height, width = colour.shape[2:]
        found = np.empty((SIDES, height, width), np.uint8)
        for rows in windows(0, height, side, margin, _COARSEST, height):
            for columns in windows(0, width, side, margin, _COARSEST, width):
                sureness = self._sureness(colour[:, :, rows.seen, columns.seen])
                strengths = torch.round(sureness * STRENGTHS).to(torch.uint8).cpu().numpy()
                y, x = (slice(part.start - part.seen.start, part.stop - part.seen.start) for part in (rows, columns))
                found[:, rows.start : rows.stop, columns.start : columns.stop] = strengths[:, y, x]
        return found

    def _sureness(self, colour: Float[Tensor, "1 4 H W"]) -> Float[Tensor, "2 H W"]:
        """0…1, the mean of what the net says to the image and to its mirror image: better than either."""
        image, mirrored = (
            torch.sigmoid(self(each.contiguous(memory_format=torch.channels_last))[0][0])
            for each in (colour, colour.flip(3))
        )
        above = mirrored[1].flip(1)
        # what is to the left of a pixel is to the right of it in a mirror, and so the next one's
        left = functional.pad(mirrored[0].flip(1)[:, :-1], (1, 0))
        return (image + torch.stack([left, above])) / 2


class _Block(nn.Module):
    """What is around each place, and then all channels there, added to what was known; hardly anything at first."""

    def __init__(self, width: int, reach: int) -> None:
        super().__init__()
        self.around = nn.Conv2d(width, width, reach, padding=reach // 2, groups=width)
        self.widen = nn.Conv2d(width, 2 * width, 1)
        self.narrow = nn.Conv2d(2 * width, width, 1)
        with torch.no_grad():
            self.narrow.weight.mul_(_AT_FIRST)
            assert self.narrow.bias is not None
            self.narrow.bias.zero_()

    def forward(self, found: Tensor) -> Tensor:
        added: Tensor = self.narrow(functional.silu(self.widen(self.around(found))))
        return found + added


def _enlarged(values: Tensor, times: int) -> Tensor:
    return functional.interpolate(values, scale_factor=times, mode="bilinear")
