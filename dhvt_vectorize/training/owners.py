"""SVG drawing → pixels, and the exact owner of every pixel.

In: an `Artwork` (see `twins`) and a `View`, the window of it to look at. Out: the anti-aliased image, and `Zones`: the
flat twin drawn with crisp edges, S × S points a pixel, points of one colour being one zone. A pixel is owned by the
zone that covers most of its points, and 4-connected pixels of one owner are one region. So shapes of one paint that
touch are one region, a translucent overlay is a region of its own, and so is what nothing covers. Where two zones cover
equally many points, the one whose colour comes first keeps regions connected, but nobody is to be judged by that pixel.

Limits: a stroke much thinner than a pixel owns a crumb here and there, or nothing; borders at which nothing can be
seen (a gradient that starts with its neighbour's colour) are zones' borders too, `merge_unseen` takes them out.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Int32, UInt8, UInt32
from PIL.PngImagePlugin import PngImageFile
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.measure import label

from ..errors import InputError
from .twins import SVG, Artwork

# the colour of what nothing covers, the lowest of all
NOTHING = 0


@dataclass(frozen=True)
class View:
    """A window into a drawing, in pixels.

    Attributes:
        drawing: the whole drawing's (width, height), not always whole numbers.
        left, top, width, height: the window, in its whole pixels.
    """

    drawing: tuple[float, float]
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Zones:
    """Who covers the points of each pixel.

    Attributes:
        colours: uint32 (Z,), each zone's RGBA as in memory, rising; 0 is where nothing is drawn.
        owner: int32 (H, W), the zone that owns each pixel.
        mixed: int (M,), the flat indices of the pixels that more than one zone covers.
        points: int32 (M, S²), the zones of their points.
        tied: int (T,), the flat indices of the pixels whose commonest zones are several.
    """

    colours: UInt32[np.ndarray, " Z"]
    owner: Int32[np.ndarray, "H W"]
    mixed: Int32[np.ndarray, " M"]
    points: Int32[np.ndarray, "M S2"]
    tied: Int32[np.ndarray, " T"]

    def regions(self) -> Int32[np.ndarray, "H W"]:
        """The 4-connected pixels of one owner, numbered 0…K−1 in the order of their first pixels."""
        # scikit-image is typed here and there; as a plain callable it passes either way
        connected: Callable[..., Any] = label
        regions: Int32[np.ndarray, "H W"] = connected(self.owner, background=-1, connectivity=1).astype(np.int32) - 1
        return regions

    def coverage_mean(self, colours: Float32[np.ndarray, "Z C"]) -> Float32[np.ndarray, "H W C"]:
        """What zones of the given colours show in each pixel: their mean, weighted by coverage."""
        image: Float32[np.ndarray, "H W C"] = colours[self.owner]
        image.reshape(-1, colours.shape[1])[self.mixed] = colours[self.points].mean(1)
        return image

    def placed(self, size: int, top: int, left: int) -> Zones:
        """The same zones on a square of `size` pixels a side, nothing around them."""
        shift = int(self.colours[0] != NOTHING)
        height, width = self.owner.shape
        owner = np.zeros((size, size), np.int32)
        owner[top : top + height, left : left + width] = self.owner + shift
        colours = np.concatenate([np.full(shift, NOTHING, np.uint32), self.colours])

        def there(pixels: Int32[np.ndarray, " N"]) -> Int32[np.ndarray, " N"]:
            row, column = np.divmod(pixels, width)
            return ((row + top) * size + column + left).astype(np.int32)

        return Zones(colours, owner, there(self.mixed), self.points + np.int32(shift), there(self.tied))

    def judged(self, regions: Int32[np.ndarray, "H W"]) -> Int32[np.ndarray, "H W"]:
        """Regions of these zones, −1 at the pixels that several zones own alike."""
        labels = regions.copy()
        labels.ravel()[self.tied] = -1
        return labels


def whole_view(artwork: Artwork, side: float) -> View:
    """The whole of a drawing whose longer side has `side` pixels."""
    scale = side / max(artwork.width, artwork.height)
    width, height = (max(1, round(length * scale)) for length in (artwork.width, artwork.height))
    return View((width, height), 0, 0, width, height)


def render(artwork: Artwork, view: View, size: tuple[int, int] | None = None) -> UInt8[np.ndarray, "height width 4"]:
    """The drawing in a window, anti-aliased.

    Args:
        artwork: the drawing.
        view: the window.
        size: (width, height) of the result in pixels; None is the window's.

    Returns:
        uint8, sRGB with straight alpha; where alpha is 0 the colour is 0.

    Raises:
        InputError: resvg cannot draw it.
    """
    return _drawn(artwork.drawing, artwork, view, size or (view.width, view.height), crisp=False)


def zones_of(artwork: Artwork, view: View, supersampling: int) -> Zones:
    """The zones in a window, from `supersampling`² points a pixel.

    Raises:
        InputError: resvg cannot draw it.
    """
    size = (view.width * supersampling, view.height * supersampling)
    drawn = _drawn(artwork.twin, artwork, view, size, crisp=True)
    return zones_of_points(drawn.view(np.uint32)[..., 0], supersampling)


def zones_of_points(points: UInt32[np.ndarray, "SH SW"], supersampling: int) -> Zones:
    """The zones of colours given for `supersampling`² points a pixel.

    Args:
        points: one number a colour; supersampling rows and columns make a pixel.
        supersampling: S, at least 1.
    """
    # the check of a data set draws nothing, and needs no compiler
    from ._owner_kernels import majorities

    height, width = (side // supersampling for side in points.shape)
    blocks = points.reshape(height, supersampling, width, supersampling).swapaxes(1, 2)
    pixels = blocks.reshape(height * width, supersampling**2)
    mixed = np.flatnonzero((pixels[:, 1:] != pixels[:, :1]).any(1)).astype(np.int32)
    owner = pixels[:, 0].copy()
    owner[mixed], tied = majorities(np.sort(pixels[mixed], 1))
    colours, zones = np.unique(np.concatenate([owner, pixels[mixed].ravel()]), return_inverse=True)
    zones = zones.astype(np.int32)
    return Zones(
        colours.astype(np.uint32),
        zones[: owner.size].reshape(height, width),
        mixed,
        zones[owner.size :].reshape(mixed.size, supersampling**2),
        mixed[tied],
    )


def merge_unseen(
    labels: Int32[np.ndarray, "H W"], image: UInt8[np.ndarray, "H W 4"], least_contrast: float
) -> Int32[np.ndarray, "H W"]:
    """Join neighbouring regions whose common border cannot be seen in the clean image.

    The contrast at a place of the border is the largest difference among the premultiplied channels between the pixels
    one step away from it on either side, where these belong to the same two regions; a border's is the median
    over it, which the end of an outline beside it does not move.

    Args:
        labels: regions 0…K−1.
        image: what is seen of them.
        least_contrast: borders below it go, in levels of 255.

    Returns:
        Labels 0…K'−1 in the order of the given ones.
    """
    count = int(labels.max()) + 1
    alpha = image[..., 3:].astype(np.int32)
    seen = np.concatenate([image[..., :3] * alpha // 255, alpha], 2)
    across = _border_contrasts(labels, seen)
    down = _border_contrasts(labels.T, seen.swapaxes(0, 1))
    first, second, contrast = (np.concatenate(pair) for pair in zip(across, down, strict=True))
    key = first.astype(np.int64) * count + second
    order = np.lexsort((contrast, key))
    borders, begin, places = np.unique(key[order], return_index=True, return_counts=True)
    unseen = borders[contrast[order][begin + places // 2] < least_contrast]
    if not unseen.size:
        return labels
    joins = coo_array((np.ones(unseen.size), (unseen // count, unseen % count)), shape=(count, count))
    # numbered by the first region of each component, so by the order of the given labels
    joined: Int32[np.ndarray, " K"] = connected_components(joins, directed=False)[1]
    merged: Int32[np.ndarray, "H W"] = joined.astype(np.int32)[labels]
    return merged


def _border_contrasts(
    labels: Int32[np.ndarray, "H W"], seen: Int32[np.ndarray, "H W 4"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(lower label, higher label, contrast) at each place where a pixel's right neighbour has another label."""
    row, column = np.nonzero(labels[:, 1:] != labels[:, :-1])
    left, right = labels[row, column], labels[row, column + 1]
    beyond_left, beyond_right = np.maximum(column - 1, 0), np.minimum(column + 2, labels.shape[1] - 1)
    at_left = np.where(labels[row, beyond_left] == left, beyond_left, column)
    at_right = np.where(labels[row, beyond_right] == right, beyond_right, column + 1)
    contrast = np.abs(seen[row, at_left] - seen[row, at_right]).max(1)
    return np.minimum(left, right), np.maximum(left, right), contrast


def _drawn(
    nested: str, artwork: Artwork, view: View, size: tuple[int, int], crisp: bool
) -> UInt8[np.ndarray, "height width 4"]:
    # a machine that trains on packed samples needs no rasteriser
    import resvg_py

    scale = artwork.width / view.drawing[0], artwork.height / view.drawing[1]
    window = (view.left * scale[0], view.top * scale[1], view.width * scale[0], view.height * scale[1])
    text = (
        f'<svg xmlns="{SVG}" width="{size[0]}" height="{size[1]}" preserveAspectRatio="none" '
        f'viewBox="{" ".join(map(repr, window))}">{nested}</svg>'
    )
    try:
        png = resvg_py.svg_to_bytes(
            svg_string=text,
            skip_system_fonts=True,
            shape_rendering="crisp_edges" if crisp else "geometric_precision",
        )
    except ValueError as error:
        raise InputError("<svg>", f"cannot be drawn ({error})", "repair it or leave it out") from error
    with PngImageFile(io.BytesIO(bytes(png))) as encoded:
        drawn = np.array(encoded.convert("RGBA"))
    if drawn.shape[:2] != size[::-1]:
        # resvg rounds a size like any length; ours are whole numbers
        raise InputError("<svg>", f"was drawn at {drawn.shape[1]} × {drawn.shape[0]} pixels", "leave it out")
    return drawn
