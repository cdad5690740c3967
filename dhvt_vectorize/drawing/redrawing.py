"""Layers → Layers with some shapes drawn by chains of their own: what a pen or one element draws.

The chains are arcs beyond the planar map's, as those of covered borders are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..tracing.outlines import Outlines, Primitive, Segments
from .layering import Layers, Pen


@dataclass(frozen=True)
class Redrawn:
    """What is drawn in a shape's place: a face's paint, chains with what they are if they are primitives, and a pen."""

    face: int
    chains: tuple[Segments, ...]
    primitives: tuple[Primitive | None, ...]
    pen: Pen | None = None


def with_redrawn(
    outlines: Outlines, layers: Layers, redrawn: Mapping[int, Redrawn], needless: Collection[int]
) -> tuple[Outlines, Layers]:
    """Outlines with the chains added at the end, and layers that draw them, without the shapes that are `needless`."""
    controls, lines, primitives = [outlines.control_points], [outlines.is_line], dict(outlines.primitives)
    offsets = outlines.offsets.tolist()
    rings: list[list[int]] = []
    shape_offsets = [0]
    kept = [shape for shape in range(len(layers.face)) if shape not in needless]
    faces, pens = layers.face.copy(), {}
    for number, shape in enumerate(kept):
        pen = layers.pens.get(shape)
        if shape in redrawn:
            new = redrawn[shape]
            faces[shape], pen = new.face, new.pen
            for (points, is_line), primitive in zip(new.chains, new.primitives, strict=True):
                arc = len(offsets) - 1
                rings.append([2 * arc])
                controls.append(points)
                lines.append(is_line)
                offsets.append(offsets[-1] + len(points))
                if primitive is not None:
                    primitives[arc] = primitive
        else:
            rings += rings_of(layers, shape)
        if pen is not None:
            pens[number] = pen
        shape_offsets.append(len(rings))
    gone = np.array([shape in needless for shape in range(len(layers.face))])
    before = np.concatenate([[0], np.cumsum(gone)])
    shapes = np.array(kept)
    details = layers.details[shapes]
    # of its details some are gone
    details = details - (before[shapes + 1 + details] - before[shapes + 1])
    extended = Outlines(
        outlines.planar_map, np.concatenate(controls), np.concatenate(lines), np.array(offsets, np.int64), primitives
    )
    return extended, replace(
        layers,
        face=faces[shapes],
        half_arcs=np.array([h for ring in rings for h in ring], np.int32),
        ring_offsets=np.cumsum([0, *map(len, rings)], dtype=np.int64),
        shape_offsets=np.array(shape_offsets, np.int64),
        details=details.astype(np.int32),
        pens=pens,
    )


def rings_of(layers: Layers, shape: int) -> list[list[int]]:
    """A shape's rings of half-arcs."""
    first, last = layers.shape_offsets[shape : shape + 2].tolist()
    return [layers.half_arcs[slice(*layers.ring_offsets[ring : ring + 2])].tolist() for ring in range(first, last)]
