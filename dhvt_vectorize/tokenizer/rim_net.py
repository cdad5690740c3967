"""RimNet: which of its two sides owns a rim pixel, learned.

In: the rim pixels of an image and, for each, the two pixels whose colours mix to its own (`rims`). Out: the owner of
each, or that it is neither's.

Method: every colour around a rim pixel is projected onto the way from the one side's colour to the other's. That leaves
the far side's share, a number that no longer knows what the colours are; the square of shares around the pixel is
turned and mirrored until all rims run alike. A perceptron with two hidden layers reads them. One pixel's share says
where an edge runs as exactly as the renderer drew it, and less so where it was enlarged or compressed; a stretch of the
edge says more. The net is evaluated at rim pixels alone, one in ten or fewer, and costs little beside a convolution.

The last layer begins at zero but for a bias towards the nearer colour: an untrained net is the hand-made rule.

Limits: a pixel is assigned to one of two sides; junctions are resolved as far as one of them is the owner.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Float32, Int32, UInt8
from torch import Tensor, nn
from torch.nn import functional

from . import _rim_view_kernels
from .parts import in_parts
from .rims import Rims, rims_to_learn

NEAR, FAR, NEITHER = 0, 1, 2
# The square that is seen reaches this many pixels to each side.
SIGHT = 4
_INPUTS = (2 * SIGHT + 1) ** 2 + 10
_NARROWER = 2 / 3  # the second hidden layer, beside the first
_NEAR_LOGIT = 3.0
_RIMS_A_THREAD = 2048
_RIMS_AT_ONCE = 2**16  # bounds the memory


class RimNet(nn.Module):
    """The net; `width` is that of its first hidden layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(_INPUTS, width)
        self.second = nn.Linear(width, max(1, round(width * _NARROWER)))
        self.last = nn.Linear(self.second.out_features, 3)
        with torch.no_grad():
            self.last.weight.zero_()
            self.last.bias.copy_(torch.tensor([_NEAR_LOGIT, 0.0, 0.0]))

    @property
    def is_trained(self) -> bool:
        """Whether it is more than the hand-made rule."""
        return bool(self.last.weight.any())

    def forward(self, views: Float[Tensor, "n inputs"]) -> Float[Tensor, "n 3"]:
        """Logits of NEAR, FAR and NEITHER."""
        hidden = functional.relu(self.second(functional.relu(self.first(views))))
        logits: Tensor = self.last(hidden)
        return logits

    @torch.inference_mode()
    def owners(self, premultiplied: UInt8[np.ndarray, "H W 4"], rims: Rims) -> Int32[np.ndarray, "n"]:
        """The flat index of each rim pixel's owner: its near side, its far side, or itself where it is neither's."""
        device = self.last.weight.device
        owners = np.empty(len(rims.pixels), np.int32)
        for start in range(0, len(rims.pixels), _RIMS_AT_ONCE):
            part = np.s_[start : start + _RIMS_AT_ONCE]
            some = Rims(rims.pixels[part], rims.near[part], rims.far[part], rims.strokes)
            choice = self(torch.from_numpy(rim_views(premultiplied, some)).to(device)).argmax(1).cpu().numpy()
            owners[part] = np.choose(choice, (some.near, some.far, some.pixels))
        return owners


def rim_views(premultiplied: UInt8[np.ndarray, "H W 4"], rims: Rims) -> Float32[np.ndarray, "n inputs"]:
    """What the net sees of each rim pixel; `_rim_view_kernels.views` says what that is."""
    out = np.empty((len(rims.pixels), _INPUTS), np.float32)
    write = partial(_rim_view_kernels.views, premultiplied, rims.pixels, rims.near, rims.far, rims.strokes, SIGHT, out)
    in_parts(len(out), write, smallest=_RIMS_A_THREAD)
    return out


def ownership_loss(
    net: RimNet, premultiplied: UInt8[np.ndarray, "H W 4"], labels: Int32[np.ndarray, "A H W"]
) -> Float[Tensor, ""]:
    """Cross-entropy of rim pixels' owners, the mean over all rims of all annotators; 0 where no pixel is judged.

    Args:
        net: with a gradient.
        premultiplied: the image.
        labels: who owns each pixel, −1 where nobody is to be judged.
    """
    device = net.last.weight.device
    views, targets = [], []
    for label in labels:
        for rims in rims_to_learn(premultiplied, label):
            own, near, far = (label.ravel()[place] for place in (rims.pixels, rims.near, rims.far))
            target = np.where(own == near, NEAR, np.where(own == far, FAR, NEITHER))
            views.append(rim_views(premultiplied, rims)[own >= 0])
            targets.append(target[own >= 0])
    judged = sum(len(target) for target in targets)
    if judged == 0:
        return net.last.bias.new_zeros(())
    logits = net(torch.from_numpy(np.concatenate(views)).to(device))
    return functional.cross_entropy(logits, torch.from_numpy(np.concatenate(targets)).to(device))
