"""Partition → PlanarMap: the borders of a label map as shared arcs between junctions.

Every border between two regions is traced once, along pixel sides, from junction to junction; a region's rings refer to
arcs with a direction. Whatever is done to an arc later is done once, so neighbours never drift apart.

A junction is a pixel corner where three regions meet, or four. Where four pixels meet crosswise and opposite ones are
of one region, that region passes and the borders only touch; of two such regions the one with the later label passes.
Method: crack following on the inter-pixel grid (Kovalevsky 1989). Limits: labels need not be connected, but a face then
has several outer rings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Int8, Int32, Int64

from . import _kernels


@dataclass(frozen=True)
class PlanarMap:
    """Junctions, arcs and faces. Half-arc 2a is arc a walked forward, 2a + 1 backward; a half-arc bounds the face on
    its left (walking east, left is above).

    Attributes:
        labels: int32 (H, W), the faces 0…K−1.
        points: int32 (P, 2), x and y of pixel corners; arc a is points[offsets[a]:offsets[a + 1]], a step a pixel side.
        offsets: int64 (A+1,).
        left, right: int32 (A,), the faces beside an arc, −1 outside the image.
        start, end: int32 (A,), junction ids, −1 for a closed arc (its last point repeats the first).
        heading: int8 (A, 2), direction of the first side from the start, and of the last side from the end, 0 east
            1 south 2 west 3 north.
        junctions: int32 (J, 2), x and y.
        leaving: int32 (J, 4), the half-arc leaving a junction in each direction, or −1.
    """

    labels: Int32[np.ndarray, "H W"]
    points: Int32[np.ndarray, "P 2"]
    offsets: Int64[np.ndarray, "A1"]
    left: Int32[np.ndarray, "A"]
    right: Int32[np.ndarray, "A"]
    start: Int32[np.ndarray, "A"]
    end: Int32[np.ndarray, "A"]
    heading: Int8[np.ndarray, "A 2"]
    junctions: Int32[np.ndarray, "J 2"]
    leaving: Int32[np.ndarray, "J 4"]

    @property
    def arcs(self) -> int:
        """Number of arcs A."""
        return len(self.left)

    @property
    def faces(self) -> int:
        """Number of faces K."""
        return int(self.labels.max()) + 1

    def arc(self, arc_id: int) -> Int32[np.ndarray, "N 2"]:
        """The pixel corners of one arc, in walking order."""
        return self.points[self.offsets[arc_id] : self.offsets[arc_id + 1]]

    def rings(
        self, half_arcs: Int[np.ndarray, "N"], group_offsets: Int[np.ndarray, "G1"]
    ) -> tuple[Int32[np.ndarray, "N"], Int64[np.ndarray, "R1"], Int32[np.ndarray, "R"]]:
        """Chain half-arcs into closed rings, group by group.

        Group g, half_arcs[group_offsets[g]:group_offsets[g + 1]], holds the half-arcs that have some set of faces on
        their left and not on their right. Returns the half-arcs in ring order, the rings' offsets and their groups.
        """
        order, offsets, groups = _kernels.chain_rings(
            np.asarray(half_arcs, np.int32),
            np.asarray(group_offsets, np.int64),
            self.start, self.end, self.heading, self.leaving,
        )  # fmt: skip
        return order, offsets, groups

    def half_arcs_by_face(self) -> tuple[Int32[np.ndarray, "N"], Int64[np.ndarray, "K1"]]:
        """The half-arcs that bound each face, as groups for `rings`."""
        half_arcs, offsets = _kernels.half_arcs_by_face(self.left, self.right, self.faces)
        return half_arcs, offsets

    def signed_areas(self) -> Int64[np.ndarray, "A2"]:
        """Twice the area each half-arc contributes to a ring: an outer ring's sum is positive, a hole's negative."""
        forward = _kernels.arc_areas(self.points, self.offsets)
        return np.stack([forward, -forward], 1).ravel()


def trace_planar_map(labels: Int[np.ndarray, "H W"]) -> PlanarMap:
    """The planar map of a label map with labels 0…K−1."""
    labels = np.ascontiguousarray(labels, np.int32)
    points, offsets, arcs, junctions = _kernels.trace_arcs(labels)
    left, right, start, end, first, last = (np.ascontiguousarray(column) for column in arcs.T)
    heading = np.stack([first, last], 1).astype(np.int8)
    leaving = _kernels.leaving_half_arcs(start, end, heading, len(junctions))
    return PlanarMap(labels, points, offsets, left, right, start, end, heading, junctions, leaving)
