"""pixels → the pixel each one takes its feature from: anti-aliased rims go to the region that owns them.

A pixel on the edge between two flat regions shows a mixture of their colours and would become a thin region of its own.
Here it takes the feature of the side that covers more of it. A pixel is *interior* if it lies in a 2×2 block of nearly
equal pixels, or in two of a row along the image's frame. Any other pixel looks along eight rays for the first interior
pixel within two steps; if two of these on opposite sides mix to its colour, it is a rim, and the nearer of the two
colours owns it. On flat art, what no such mixture explains, beside flat ground, is taken for a stroke too thin to have
an interior: the pixel near by that lies farthest from the ground in the same direction is the stroke's core, and owns
the pixels that show enough of its colour; the ground owns the others. So is what a shape within a pixel of the frame
leaves there, a mixture that changes slowly along the frame and is no interior. A pixel without flat ground beside it
(texture) keeps its own feature. Colours are mixed as renderers do: premultiplied, in sRGB.

This is the hand-made yardstick. Which of the two sides owns a rim can be learned (`rim_net`); the rays then reach
farther, since the net also tells which pairs are none. A FeatureNet sees the image as it is and as it is resolved here,
and is trained on what that leaves. That it takes rims over entirely was tried: drawings lost 0.003 in SSIM at equal
segments.
Limits: edges blurred over more than about four pixels, and junctions of three regions, are resolved only in part, and
so is ground at the frame that is thinner than about two fifths of a pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int32, UInt8

from . import _rim_kernels
from .kind import noise_level
from .parts import in_parts

if TYPE_CHECKING:
    from .rim_net import RimNet

# Two pixels are nearly equal if no channel differs by more than this many levels; noisy images get a wider margin.
EQUAL_LEVELS, EQUAL_LEVELS_NOISY = 5, 16
# Above this noise thin structures are taken for no strokes: the rule would cost photographs 0.3 dB (Kodak at 1,024
# regions), and gains nothing on JPEG and noisy drawings.
STROKE_NOISE = 0.0
# Steps from a rim to its sides, at most: by the rule alone, and where a net decides.
REACH, REACH_LEARNED = 2, 3
_ROWS_A_THREAD = 32


@dataclass(frozen=True, eq=False)
class Rims:
    """Pixels that show a mixture of two others' colours, by flat index (y·W + x).

    Attributes:
        pixels: int32 (n,), in raster order.
        near, far: int32 (n,), the two others, the one that the hand-made rule chooses first.
        strokes: whether the two are a thin stroke's core, which may be the pixel itself, and its ground, rather than
            interior pixels of two regions.
    """

    pixels: Int32[np.ndarray, "n"]
    near: Int32[np.ndarray, "n"]
    far: Int32[np.ndarray, "n"]
    strokes: bool


def resolve_rims(
    premultiplied: UInt8[np.ndarray, "H W 4"], noise: float | None = None, net: RimNet | None = None
) -> Int32[np.ndarray, "H W"]:
    """For each pixel the flat index (y·W + x) of the pixel whose feature it takes: its own, unless it is a rim.

    Args:
        premultiplied: the image.
        noise: its `noise_level`, for whoever knows it already.
        net: decides between a rim's two sides; None takes the one that the rule chooses.
    """
    if net is None:
        return _resolved(premultiplied, noise, REACH, lambda rims: rims.near)
    return _resolved(premultiplied, noise, REACH_LEARNED, partial(net.owners, premultiplied))


def rims_to_learn(premultiplied: UInt8[np.ndarray, "H W 4"], labels: Int32[np.ndarray, "H W"]) -> list[Rims]:
    """The rims that a net decides on, of either kind, where `labels` say who owns each pixel."""
    label = labels.ravel()
    found = []

    def true_owners(rims: Rims) -> Int32[np.ndarray, "n"]:
        found.append(rims)
        own, near, far = label[rims.pixels], label[rims.near], label[rims.far]
        return np.where(own == near, rims.near, np.where(own == far, rims.far, rims.pixels))

    _resolved(premultiplied, None, REACH_LEARNED, true_owners)
    return found


def _resolved(
    premultiplied: UInt8[np.ndarray, "H W 4"],
    noise: float | None,
    reach: int,
    decide: Callable[[Rims], Int32[np.ndarray, "n"]],
) -> Int32[np.ndarray, "H W"]:
    """The owners; `decide` gives those of rims between regions, and then, on flat art, of those of strokes."""
    noise = noise_level(premultiplied) if noise is None else noise
    margin = int(np.clip(3 * noise, EQUAL_LEVELS, EQUAL_LEVELS_NOISY))
    shape, flat_art = premultiplied.shape[:2], noise <= STROKE_NOISE
    interior, near, far = np.zeros(shape, bool), np.empty(shape, np.int32), np.empty(shape, np.int32)
    in_parts(
        shape[0],
        lambda first, last: _rim_kernels.add_blocks(first, last, premultiplied, margin, interior),
        _ROWS_A_THREAD,
    )
    _rim_kernels.add_frame(premultiplied, margin, flat_art, interior)
    in_parts(
        shape[0],
        lambda first, last: _rim_kernels.sides(first, last, premultiplied, interior, margin, reach, near, far),
        _ROWS_A_THREAD,
    )
    owner = np.arange(interior.size, dtype=np.int32).reshape(shape)
    rims = _rims(near, far, strokes=False)
    owner.ravel()[rims.pixels] = decide(rims)
    if flat_art:
        rims = _rims(*_rim_kernels.stroke_sides(premultiplied, interior, owner, margin), strokes=True)
        owner.ravel()[rims.pixels] = decide(rims)
        # a core may itself have found a purer one
        _rim_kernels.follow(owner)
    return owner


def _rims(near: Int32[np.ndarray, "H W"], far: Int32[np.ndarray, "H W"], *, strokes: bool) -> Rims:
    pixels = np.flatnonzero(near >= 0).astype(np.int32)
    return Rims(pixels, near.ravel()[pixels], far.ravel()[pixels], strokes)


def in_owners_colours(
    pixels: UInt8[np.ndarray, "H W 4"], owner: Int32[np.ndarray, "H W"]
) -> UInt8[np.ndarray, "H W 4"]:
    """The picture with every pixel as its owner is."""
    # four bytes taken as one number: four times as fast
    numbers = np.ascontiguousarray(pixels).view(np.uint32).reshape(-1)
    taken: UInt8[np.ndarray, "H W 4"] = numbers[owner].view(np.uint8).reshape(pixels.shape)
    return taken


def premultiply(pixels: UInt8[np.ndarray, "H W 4"]) -> UInt8[np.ndarray, "H W 4"]:
    """Colour × alpha, rounded; the alpha unchanged."""
    if (pixels[..., 3] == 255).all():
        return pixels
    product: UInt8[np.ndarray, "H W 4"] = _rim_kernels.premultiply(pixels)
    return product


def straight(premultiplied: UInt8[np.ndarray, "H W 4"]) -> UInt8[np.ndarray, "H W 4"]:
    """What `premultiply` takes to these pixels; no colour where nothing shows."""
    alpha = premultiplied[..., 3:].astype(np.uint32)
    if (alpha == 255).all():
        return premultiplied
    colour = (premultiplied[..., :3] * np.uint32(255) + alpha // 2) // np.maximum(alpha, 1)
    return np.concatenate([np.minimum(colour, 255).astype(np.uint8), premultiplied[..., 3:]], 2)
