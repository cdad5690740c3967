"""Tokens of an image → a picture of them: SVG, a path a token with its outline, painted with what is to be seen.

What is painted is each token's mean colour, or a number of its own: its level in the hierarchy, or what a transformer
pays attention to. Numbers go from dark to light along a ramp of even lightness steps (viridis, van der Walt and Smith
2015, at five places).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int32, UInt8

from ..tracing.planar_map import trace_planar_map

_RAMP = np.array([[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]], float)
_OUTLINE = 0.6
"""Width of outlines, in thousandths of the image's longer side."""


def mean_colours(image: UInt8[np.ndarray, "H W C"], labels: Int32[np.ndarray, "H W"]) -> UInt8[np.ndarray, "K 3"]:
    """Each token's mean colour, over white where the image is transparent."""
    pixels = image.reshape(-1, image.shape[2]).astype(float)
    if pixels.shape[1] == 4:
        alpha = pixels[:, 3:] / 255
        pixels = pixels[:, :3] * alpha + 255 * (1 - alpha)
    ids, count = labels.ravel(), np.bincount(labels.ravel())
    sums = np.stack([np.bincount(ids, channel) for channel in pixels.T], 1)
    means: np.ndarray = np.rint(sums / count[:, None]).astype(np.uint8)
    return means


def ramp_colours(values: Float[np.ndarray, "K"]) -> UInt8[np.ndarray, "K 3"]:
    """A colour for each number, dark for the least and light for the greatest; equal ones are all dark."""
    values = np.asarray(values, float)
    span = float(np.ptp(values)) or 1.0
    place = (values - values.min()) / span * (len(_RAMP) - 1)
    colours = [np.interp(place, range(len(_RAMP)), channel) for channel in _RAMP.T]
    rounded: np.ndarray = np.rint(np.stack(colours, 1)).astype(np.uint8)
    return rounded


def token_map(labels: Int32[np.ndarray, "H W"], colours: UInt8[np.ndarray, "K 3"]) -> str:
    """The picture, as SVG text of the image's size; path k is token k.

    Args:
        labels: who owns each pixel, 0…K−1.
        colours: of each token.

    Raises:
        ValueError: there is not one colour a token.
    """
    planar = trace_planar_map(labels)
    if len(colours) != planar.faces:
        raise ValueError(f"{len(colours)} colours for {planar.faces} tokens")
    height, width = labels.shape
    order, offsets, groups = planar.rings(*planar.half_arcs_by_face())
    rings: list[list[str]] = [[] for _ in range(planar.faces)]
    for begin, end, face in zip(offsets, offsets[1:], groups, strict=False):
        points = [planar.arc(half // 2)[:: -1 if half % 2 else 1][:-1] for half in order[begin:end]]
        rings[face].append(_ring(np.concatenate(points)))
    line = max(height, width) * _OUTLINE / 1000
    paths = "".join(
        f'<path fill="#{red:02x}{green:02x}{blue:02x}" d="{"".join(parts)}"/>\n'
        for (red, green, blue), parts in zip(colours, rings, strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f'<g fill-rule="evenodd" stroke="#000" stroke-opacity=".5" stroke-width="{line:.3g}">\n{paths}</g>\n</svg>\n'
    )


def _ring(points: Int32[np.ndarray, "N 2"]) -> str:
    """A closed ring of pixel corners, without those in the middle of a straight side."""
    steps = np.roll(points, -1, 0) - points
    corners = points[(steps != np.roll(steps, 1, 0)).any(1)]
    return "M" + "L".join(f"{x} {y}" for x, y in corners) + "Z"
