"""Outlines + Paints → layers: which outlines are painted, in which order, so that nothing shows through between shapes.

Two shapes that share an edge exactly still show what is below, since each is anti-aliased against it. *Stacked* layers
therefore lie over one another, after a tree of the faces: a node's whole extent is painted with the paint of its
background child, then the other child on top, recursively: n faces, n shapes. A child that surrounds the other is the
background, else the larger one. The background's details come before the child on top, so that whatever lies in a
shape's holes is painted after it: every shape is one ring, its holes filled.

Translucent faces are painted alone and never under others; holes that show them, or nothing, stay open. *Cutout* layers
paint each face's own extent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64

from ..tokenizer.hierarchy import MergeTree
from ..tracing.planar_map import PlanarMap
from . import _layer_kernels


@dataclass(frozen=True)
class Layers:
    """Shapes in painting order.

    Attributes:
        face: int32 (S,), the face whose paint shape s has.
        half_arcs: int32 (N,), ring by ring.
        ring_offsets: int64 (R+1,).
        shape_offsets: int64 (S+1,), the rings of shape s are shape_offsets[s] … shape_offsets[s + 1] − 1.
    """

    face: Int32[np.ndarray, "S"]
    half_arcs: Int32[np.ndarray, "N"]
    ring_offsets: Int64[np.ndarray, "R1"]
    shape_offsets: Int64[np.ndarray, "S1"]


def cutout_layers(planar_map: PlanarMap, opacity: Float32[np.ndarray, "K"]) -> Layers:
    """Each painted face's own extent, holes open."""
    half_arcs, group_offsets = planar_map.half_arcs_by_face()
    faces = np.arange(planar_map.faces, dtype=np.int32)
    order, offsets, groups = planar_map.rings(half_arcs, group_offsets)
    return _layers(planar_map, faces, order, offsets, groups, np.ones(len(groups), bool), opacity[faces] > 0)


def stacked_layers(planar_map: PlanarMap, tree: MergeTree, opacity: Float32[np.ndarray, "K"]) -> Layers:
    """Overlapping shapes after `tree`, whose leaves are the faces."""
    opaque = opacity >= 1.0
    roots, group_of_node = _layer_kernels.opaque_roots(tree.left, tree.right, tree.parent, opaque)
    enter, leave = _layer_kernels.leaf_intervals(tree.left, tree.right)
    box = _layer_kernels.node_boxes(planar_map.labels, tree.left, tree.right)
    neighbours, offsets = _layer_kernels.face_adjacency(planar_map.left, planar_map.right, planar_map.faces)
    nodes, faces = _layer_kernels.painting_order(
        tree.left, tree.right, tree.pixels, roots, enter, leave, box, neighbours, offsets
    )
    half_arcs, group_offsets = _layer_kernels.half_arcs_of_nodes(
        planar_map.left, planar_map.right, tree.parent, nodes, enter, leave
    )
    order, ring_offsets, groups = planar_map.rings(half_arcs, group_offsets)
    areas = np.add.reduceat(planar_map.signed_areas()[order], ring_offsets[:-1])
    keep = areas > 0
    translucent = ~opaque[faces]
    keep |= translucent[groups]
    if not opaque.all():
        _keep_open_holes(planar_map, order, ring_offsets, groups, areas, keep, nodes, faces, opaque, group_of_node)
    return _layers(planar_map, faces, order, ring_offsets, groups, keep, opacity[faces] > 0)


def _keep_open_holes(
    planar_map: PlanarMap,
    order: Int32[np.ndarray, "N"],
    ring_offsets: Int64[np.ndarray, "R1"],
    groups: Int32[np.ndarray, "R"],
    areas: Int64[np.ndarray, "R"],
    keep: Bool[np.ndarray, "R"],
    nodes: Int32[np.ndarray, "S"],
    faces: Int32[np.ndarray, "S"],
    opaque: Bool[np.ndarray, "K"],
    group_of_node: Int32[np.ndarray, "M"],
) -> None:
    """Keep a shape's hole if something inside it is not painted on top of it: a face of another opaque group, or one
    that is not opaque."""
    group_of_face = np.where(opaque, group_of_node[: len(opaque)], -1).astype(np.int32)
    for r in np.flatnonzero((areas < 0) & ~keep):
        ring = order[ring_offsets[r] : ring_offsets[r + 1]]
        inside = _layer_kernels.faces_inside(planar_map.labels, planar_map.points, planar_map.offsets, ring)
        own = group_of_face[faces[groups[r]]]
        keep[r] = bool((group_of_face[inside] != own).any())


def _layers(
    planar_map: PlanarMap,
    faces: Int32[np.ndarray, "S"],
    order: Int32[np.ndarray, "N"],
    ring_offsets: Int64[np.ndarray, "R1"],
    groups: Int32[np.ndarray, "R"],
    keep_ring: Bool[np.ndarray, "R"],
    painted: Bool[np.ndarray, "S"],
) -> Layers:
    """The kept rings of the painted shapes."""
    keep_ring = keep_ring & painted[groups]
    lengths = np.diff(ring_offsets)
    half_arcs = order[np.repeat(keep_ring, lengths)]
    rings_of_shape = np.bincount(groups[keep_ring], minlength=len(faces))[painted]
    return Layers(faces[painted], half_arcs, _offsets(lengths[keep_ring]), _offsets(rings_of_shape))


def _offsets(lengths: np.ndarray) -> Int64[np.ndarray, "N1"]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
