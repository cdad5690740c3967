"""Layers + Outlines → layers that go simpler ways wherever what is painted later covers their border.

In stacked layers a shape's border is often covered: a face painted later has the same border on that side. Drawn
twice, such a border costs twice the segments, and where both shapes are anti-aliased against it the lower one's colour
shows through. Here each such run of a ring, from junction to junction, becomes a line, or the fewest cubics (one or
two), that lead from its start to its end beneath the cover: on the inner side beneath one face, so that no border
between two later shapes loses what lies below it; on the outer side beneath whatever is painted later. Ways along the
border, a little deeper, are tried first, then ways that swing clear of it: where a cover is narrow at its ends, or its
border winds.

Nothing that shows is changed: every pixel between the old border and the new one belongs to a face whose opaque shape
is painted later, and the new border keeps 0.7 pixels inside; within 1.5 pixels of its ends it keeps inside, and within
0.8 pixels, where the label map cannot tell, it is trusted. Limit: a run is taken whole or arc by arc.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from ..tracing.outlines import Outlines
from . import _cover_kernels
from .layering import Layers


def simplify_covered(outlines: Outlines, layers: Layers, opacity: Float32[np.ndarray, "K"]) -> tuple[Outlines, Layers]:
    """The layers with simpler covered borders, and the outlines with the arcs that these take, added at the end."""
    planar_map = outlines.planar_map
    rank_of_face = np.full(planar_map.faces, -1, np.int32)
    rank_of_face[layers.face] = np.arange(len(layers.face))
    rank_of_face[opacity < 1] = -1
    half_arcs, ring_offsets, control_points, counts = _cover_kernels.simpler_ways(
        planar_map.labels, planar_map.points, planar_map.offsets, planar_map.left, planar_map.right,
        outlines.control_points, outlines.is_line, outlines.offsets,
        layers.half_arcs, layers.ring_offsets, layers.shape_offsets, rank_of_face, opacity[layers.face] >= 1,
    )  # fmt: skip
    is_line = (control_points[:, 0] == control_points[:, 1]).all(1) & (
        control_points[:, 2] == control_points[:, 3]
    ).all(1)
    extended = Outlines(
        planar_map,
        np.concatenate([outlines.control_points, control_points]),
        np.concatenate([outlines.is_line, is_line]),
        np.concatenate([outlines.offsets, outlines.offsets[-1] + np.cumsum(counts)]),
        outlines.primitives,
    )
    return extended, replace(layers, half_arcs=half_arcs, ring_offsets=ring_offsets)
