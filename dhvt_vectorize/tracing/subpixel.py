"""PlanarMap + image → polylines through the places where the anti-aliasing says the edges are.

On an arc between colours L and R a rim pixel is p = t·L + (1 − t)·R, and t is the area the left side covers. Along the
axis that crosses a pixel side, the sum of these areas is where the edge crosses: exact for straight edges when the
sides are flat. Each pixel side gives one point, moved along that axis; sides nearly along the border's normal (the jogs
of a staircase) are left out. Side colours come from up to three pixels deep, or from the region's own paint where the
pixels there agree with it or the region is too thin. A point or two that stick out by less than a pixel from a straight
stretch are moved onto it.

Junctions go to where the lines meet that their arcs begin as, by least squares over the points past the few where three
colours mix. Where an arc begins as no line, or the lines miss each other, they go to the mean of their arcs' nearest
points, or onto the line of the two arcs that run straight through; on the image's frame, to where the arc that ends
there crosses it. Arcs on the frame stay on it. A region that ends between two others at an acute angle goes on to its
tip, past pixels of which it covers too little for any to be its own (`_wedge_kernels`). Limits: but for that no point
moves more than a pixel; strokes thinner than two pixels keep the width their pixels have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64, UInt8

from . import _ramp_kernels, _subpixel_kernels, _wedge_kernels
from .planar_map import PlanarMap

if TYPE_CHECKING:
    from ..drawing.gradients import Gradient


def subpixel_polylines(
    planar_map: PlanarMap,
    pixels: UInt8[np.ndarray, "H W 4"],
    face_colours: Float32[np.ndarray, "K 4"],
    gradients: Mapping[int, Gradient] | None = None,
) -> tuple[Float64[np.ndarray, "P 2"], Int64[np.ndarray, "A1"]]:
    """Points (x, y) and offsets of every arc's polyline; a closed arc's last point repeats its first.

    Args:
        planar_map: the borders.
        pixels: premultiplied colours.
        face_colours: each face's colour, premultiplied, 0…255.
        gradients: of the faces that have more than that colour.
    """
    ramp_of, ramps = _ramps(gradients or {}, len(face_colours))
    points, offsets = _subpixel_kernels.edge_points(
        planar_map.labels, planar_map.points, planar_map.offsets, planar_map.left, planar_map.right,
        planar_map.start, pixels, face_colours, ramp_of, ramps,
    )  # fmt: skip
    height, width = planar_map.labels.shape
    _subpixel_kernels.place_junctions(
        points, offsets, planar_map.start, planar_map.end, planar_map.left, planar_map.right,
        planar_map.junctions, planar_map.leaving, height, width,
    )  # fmt: skip
    kept = _wedge_kernels.sharpen_wedges(points, offsets, planar_map.left, planar_map.right, planar_map.leaving)
    return points[kept], np.concatenate([[0], np.cumsum(kept)])[offsets]


def _ramps(gradients: Mapping[int, Gradient], faces: int) -> tuple[Int32[np.ndarray, "K"], Float64[np.ndarray, "G N"]]:
    """The gradients as their kernel takes them, and each face's place among them, −1 where it has none."""
    ramp_of = np.full(faces, -1, np.int32)
    ramps = np.zeros((len(gradients), _ramp_kernels.NUMBERS))
    for place, (face, gradient) in enumerate(gradients.items()):
        ramp_of[face] = place
        stops = len(gradient.offsets)
        colours = np.array(gradient.colours, float)
        colours[:, :3] *= colours[:, 3:] / 255
        ramps[place, :6] = gradient.kind == "radial", *gradient.start, *gradient.end, stops
        ramps[place, _ramp_kernels.OFFSETS : _ramp_kernels.OFFSETS + stops] = gradient.offsets
        ramps[place, _ramp_kernels.COLOURS : _ramp_kernels.COLOURS + 4 * stops] = colours.ravel()
    return ramp_of, ramps
