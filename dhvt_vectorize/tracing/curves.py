"""polylines → Outlines of lines and cubic Béziers, every arc whole, within a tolerance.

Fillets first: where two straight sides meet in a round corner of a radius between one and a few pixels, points along it
take the place of the few that were traced there (`_fillet_kernels`). Then corners: points where the border turns
sharply, and as sharply seen closer up (on a bend, half the distance is half the turn). Between corners a stretch is cut
into pieces, each as long as one line or cubic stays within the tolerance; then every cut moves to where the two pieces
beside it cost least. A piece's cost is its description's: the sum of squares, and for a cubic the price of its numbers,
so what is straight or nearly so becomes a line. A piece that two describe better by more than a piece's price is cut
once more. Cubics begin as least squares with Newton reparametrisation (Schneider, "An algorithm for automatically
fitting digitized curves", Graphics Gems 1990) and end by Gauss-Newton steps on the distances themselves. A smooth
closed arc begins where one of its pieces does.

Then the nodes are placed by the fits: a corner where its sides' lines meet, a smooth join on the line beside it and in
its direction; lines that are level, upright or diagonal within their own scatter become so. The pieces are fitted once
more between these, turning a little at their ends if need be, and split where that fails. Every polyline point lies
within `tolerance` of its piece, but for single ones whose neighbours lie much nearer, which something beside the edge
misled: these lie within twice that. A corner moves to where its sides meet, by up to four pixels if it is sharp, and
takes the points beside it along.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64

from . import _corner_kernels, _cut_kernels, _fillet_kernels, _node_kernels, _piece_kernels
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
    rounded, offsets, is_end = _fillet_kernels.rounded_arcs(points, offsets, planar_map.start, is_frame, tolerance)
    sharpened, is_corner, is_cut = _corner_kernels.sharpened_arcs(rounded, offsets, planar_map.start, is_frame, is_end)
    fitted = fit_between_corners(sharpened, offsets, planar_map.start, is_frame, is_corner, tolerance, is_cut)
    return Outlines(planar_map, *fitted)


def fit_between_corners(
    points: Float64[np.ndarray, "P 2"],
    offsets: Int64[np.ndarray, "A1"],
    start: Int32[np.ndarray, "A"],
    is_frame: Bool[np.ndarray, "A"],
    is_corner: Bool[np.ndarray, "P"],
    tolerance: float,
    is_cut: Bool[np.ndarray, "P"] | None = None,
) -> tuple[Float64[np.ndarray, "S 4 2"], Bool[np.ndarray, "S"], Int64[np.ndarray, "A1"]]:
    """Fit polylines whose corners are known, and with them all places where a piece has to end (`is_cut`; None: the
    corners). `start` is negative for closed ones, which begin at such a place if they have any. Returns control points,
    line flags and offsets as in `Outlines`."""
    cut, firsts, is_straight, sides, piece_offsets = _cut_kernels.cut_arcs(
        points, offsets, start, is_frame, is_corner if is_cut is None else is_cut, tolerance
    )
    placed, tangents, has_tangent = _node_kernels.place_nodes(
        cut, offsets, firsts, is_straight, sides, piece_offsets, start, is_frame, is_corner, tolerance
    )
    control_points, is_line, segment_offsets = _piece_kernels.fit_pieces(
        placed, offsets, firsts, is_straight, piece_offsets, tangents, has_tangent, is_frame, tolerance
    )
    return control_points, is_line, segment_offsets
