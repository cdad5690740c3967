"""Outlines + Paints → layers: which outlines are painted, in which order, so that nothing shows through between shapes.

Two shapes that share an edge exactly still show what is below, since each is anti-aliased against it. *Stacked* layers
therefore lie over one another, after a tree of the faces: a node's whole extent is painted with the paint of its
background child, then the other child on top, recursively: n faces, n shapes. A child that surrounds the other is the
background, else the larger one. The background's details come before the child on top, so that whatever lies in a
shape's holes is painted after it: every shape is one ring, its holes filled.

Translucent faces are painted alone and never under others; holes that show them, or nothing, stay open. *Cutout* layers
paint each face's own extent, in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64

from ..tokenizer.hierarchy import MergeTree
from ..tracing.pens import Cap, Join
from ..tracing.planar_map import PlanarMap
from . import _layer_kernels


@dataclass(frozen=True)
class Pen:
    """How a shape's rings are stroked, open where an end is not the start; its face's paint is the stroke's.

    Attributes:
        width: in pixels.
        cap, join: of ends and corners, as SVG names them.
        fill: the face whose paint fills them, −1 for none.
    """

    width: float
    cap: Cap
    join: Join
    fill: int = -1


@dataclass(frozen=True)
class Layers:
    """Shapes in painting order.

    Attributes:
        face: int32 (S,), the face whose paint shape s has.
        half_arcs: int32 (N,), ring by ring.
        ring_offsets: int64 (R+1,).
        shape_offsets: int64 (S+1,), the rings of shape s are shape_offsets[s] … shape_offsets[s + 1] − 1.
        details: int32 (S,), how many of the shapes that follow shape s are parts of what it is the ground of: those of
            the tree's node whose extent it first painted.
        pens: by shape, how it is stroked where it is not filled.
    """

    face: Int32[np.ndarray, "S"]
    half_arcs: Int32[np.ndarray, "N"]
    ring_offsets: Int64[np.ndarray, "R1"]
    shape_offsets: Int64[np.ndarray, "S1"]
    details: Int32[np.ndarray, "S"]
    pens: Mapping[int, Pen] = field(default_factory=dict)


@dataclass(frozen=True)
class _Order:
    """The painting order, over a tree of the faces.

    Attributes:
        nodes, faces: int32 (S,), the tree's node whose extent shape s paints, and the face whose paint it has.
        root_of_node: int32 (M,), see `_layer_kernels.opaque_roots`.
        enter, leave: int32 (M,), every node's interval of leaves, see `_layer_kernels.leaf_intervals`.
    """

    nodes: Int32[np.ndarray, "S"]
    faces: Int32[np.ndarray, "S"]
    root_of_node: Int32[np.ndarray, "M"]
    enter: Int32[np.ndarray, "M"]
    leave: Int32[np.ndarray, "M"]


@dataclass(frozen=True)
class _Rings:
    """Every ring of the shapes, before those that need not be drawn are left out.

    Attributes:
        face: int32 (S,), the face whose paint shape s has.
        half_arcs: int32 (N,), ring by ring.
        offsets: int64 (R+1,).
        shape: int32 (R,), ascending.
    """

    face: Int32[np.ndarray, "S"]
    half_arcs: Int32[np.ndarray, "N"]
    offsets: Int64[np.ndarray, "R1"]
    shape: Int32[np.ndarray, "R"]


def cutout_layers(planar_map: PlanarMap, tree: MergeTree, opacity: Float32[np.ndarray, "K"]) -> Layers:
    """Each painted face's own extent, holes open; `tree` has the faces as its leaves."""
    order = _painting_order(planar_map, tree, opacity >= 1.0)
    half_arcs, offsets = planar_map.half_arcs_by_face()
    lengths = np.diff(offsets)[order.faces]
    group_offsets = _offsets(lengths)
    gathered = np.repeat(offsets[order.faces] - group_offsets[:-1], lengths) + np.arange(len(half_arcs))
    rings = _Rings(order.faces, *planar_map.rings(half_arcs[gathered], group_offsets))
    return _layers(rings, opacity[rings.face[rings.shape]] > 0, order)


def stacked_layers(planar_map: PlanarMap, tree: MergeTree, opacity: Float32[np.ndarray, "K"]) -> Layers:
    """Overlapping shapes after `tree`, whose leaves are the faces."""
    opaque = opacity >= 1.0
    order = _painting_order(planar_map, tree, opaque)
    half_arcs, group_offsets = _layer_kernels.half_arcs_of_nodes(
        planar_map.left, planar_map.right, tree.parent, order.nodes, order.enter, order.leave
    )
    rings = _Rings(order.faces, *planar_map.rings(half_arcs, group_offsets))
    face = rings.face[rings.shape]
    hole = np.add.reduceat(planar_map.signed_areas()[rings.half_arcs], rings.offsets[:-1]) < 0
    keep = ~hole | ~opaque[face]
    if not opaque.all():
        group_of_face = np.where(opaque, order.root_of_node[: len(opaque)], -1).astype(np.int32)
        keep |= _open_holes(planar_map, rings, ~keep, group_of_face)
    return _layers(rings, keep & (opacity[face] > 0), order)


def _painting_order(planar_map: PlanarMap, tree: MergeTree, opaque: Bool[np.ndarray, "K"]) -> _Order:
    roots, root_of_node = _layer_kernels.opaque_roots(tree.left, tree.right, tree.parent, opaque)
    enter, leave = _layer_kernels.leaf_intervals(tree.left, tree.right)
    box = _layer_kernels.node_boxes(planar_map.labels, tree.left, tree.right)
    neighbours, offsets = _faces_beside(planar_map)
    larger_first = roots[np.argsort(-tree.pixels[roots], kind="stable")]
    nodes, faces = _layer_kernels.painting_order(
        tree.left, tree.right, tree.pixels, larger_first, enter, leave, box, neighbours, offsets
    )
    return _Order(nodes, faces, root_of_node, enter, leave)


def _faces_beside(planar_map: PlanarMap) -> tuple[Int32[np.ndarray, "N"], Int64[np.ndarray, "K1"]]:
    """The faces beside each face's arcs, with repeats, −1 for the outside, and the faces' offsets among them."""
    half_arcs, offsets = planar_map.half_arcs_by_face()
    face_on_right = np.stack([planar_map.right, planar_map.left], 1).ravel()
    return face_on_right[half_arcs], offsets


def _open_holes(
    planar_map: PlanarMap,
    rings: _Rings,
    candidates: Bool[np.ndarray, "R"],
    group_of_face: Int32[np.ndarray, "K"],
) -> Bool[np.ndarray, "R"]:
    """The candidates with something inside that is not painted on top of their shape: a face of another opaque group,
    or one that is not opaque (group −1)."""
    open_holes = np.zeros(len(candidates), bool)
    for r in np.flatnonzero(candidates):
        ring = rings.half_arcs[rings.offsets[r] : rings.offsets[r + 1]]
        inside = _layer_kernels.faces_inside(planar_map.labels, planar_map.points, planar_map.offsets, ring)
        open_holes[r] = (group_of_face[inside] != group_of_face[rings.face[rings.shape[r]]]).any()
    return open_holes


def _layers(rings: _Rings, keep: Bool[np.ndarray, "R"], order: _Order) -> Layers:
    """The kept rings, and the shapes that have any."""
    lengths = np.diff(rings.offsets)
    half_arcs = rings.half_arcs[np.repeat(keep, lengths)]
    rings_of_shape = np.bincount(rings.shape[keep], minlength=len(rings.face))
    drawn = rings_of_shape > 0
    nodes = order.nodes[drawn]
    details = _details(order.enter[nodes], order.leave[nodes])
    return Layers(rings.face[drawn], half_arcs, _offsets(lengths[keep]), _offsets(rings_of_shape[drawn]), details)


def _details(enter: Int32[np.ndarray, "S"], leave: Int32[np.ndarray, "S"]) -> Int32[np.ndarray, "S"]:
    """For each interval, how many of those that follow lie in it; they come depth first, so these follow at once."""
    details = np.zeros(len(enter), np.int32)
    open_shapes: list[int] = []
    for shape, leaf in enumerate([*enter.tolist(), -1]):
        while open_shapes and not enter[open_shapes[-1]] <= leaf < leave[open_shapes[-1]]:
            ground = open_shapes.pop()
            details[ground] = shape - ground - 1
        open_shapes.append(shape)
    return details


def _offsets(lengths: np.ndarray) -> Int64[np.ndarray, "N1"]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
