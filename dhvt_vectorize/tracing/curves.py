"""polylines → Outlines of lines and cubic Béziers, every arc whole, within a tolerance.

Corners first: points where the border turns sharply, and as sharply seen closer up (on a bend, half the distance is
half the turn); a corner moves to where the lines through its sides meet. Between corners the fewest cubics that a
split-and-join search finds: least squares with Newton reparametrisation (Schneider, "An algorithm for automatically
fitting digitized curves", Graphics Gems 1990), split at the worst point, joins smooth, then neighbours joined again
where one piece does. What is nearly straight becomes a line. Every polyline point lies within `tolerance` of its piece,
but for points at a corner, which moves by up to 1.5 pixels to where its sides meet.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from . import _curve_kernels
from .outlines import Outlines
from .planar_map import PlanarMap


def fit_curves(
    planar_map: PlanarMap,
    points: Float64[np.ndarray, "P 2"],
    offsets: Int64[np.ndarray, "A1"],
    tolerance: float,
) -> Outlines:
    """Fit every arc's polyline within `tolerance` pixels; the image's frame stays straight."""
    is_frame = (planar_map.left < 0) | (planar_map.right < 0)
    control_points, is_line, segment_offsets = _curve_kernels.fit_arcs(
        points, offsets, planar_map.start, is_frame, float(tolerance)
    )
    return Outlines(planar_map, control_points, is_line, segment_offsets)
