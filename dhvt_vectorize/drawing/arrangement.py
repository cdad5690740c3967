"""Shapes in painting order → the paths that draw them, alone or in groups.

none    Shapes of one paint share a path: those that follow one another, and with them later ones if nothing painted
        there or since touches the same pixels, so that what is seen stays the same. The smallest file.
color   The same order, but each shape is a path of its own, and those that would share one are a group with its paint.
        Only those that follow one another and touch still share one, for apart they would show a seam.
tree    A group for every node of the merge tree that a shape is the ground of: the ground first, then its details,
        nested. The painting order is the tree's own, so nothing moves; nothing is joined either. A group of everything
        says nothing and is left out; below DEEPEST levels shapes stay side by side, since parsers bound the depth.

Whether two shapes may touch the same pixels is judged by the boxes of their control points, widened to whole pixels.
Limit: with `tree`, touching shapes of one paint can show the seam that is not there in a common path.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TypeAlias

import numpy as np
from jaxtyping import Int32

from ..tracing.outlines import Outlines
from ..tracing.pens import MITER_LIMIT
from . import _layer_kernels
from .layering import Layers

DEEPEST = 48


@dataclass(frozen=True)
class Path:
    """Shapes, by number, that are drawn as one path."""

    shapes: tuple[int, ...]


@dataclass(frozen=True)
class Group:
    """Paths and groups, first to last; `one_paint` where all have that of the first."""

    children: tuple[Path | Group, ...]
    one_paint: bool = False


Item: TypeAlias = Path | Group


def arrange(layers: Layers, outlines: Outlines, paints: Sequence[Hashable], group: str) -> list[Item]:
    """What to draw, first to last.

    Args:
        layers, outlines: the shapes.
        paints: of each shape; equal where they look the same everywhere.
        group: none, color or tree, as `options.GROUPS`.
    """
    if group == "tree":
        return _without_outermost(list(_nested(layers.details, 0, len(paints), 1)))
    runs = runs_of_one_paint(shape_boxes(layers, outlines), paints)
    if group == "none":
        return [Path(tuple(chain(*run))) for run in runs]
    return [Group(tuple(Path(tuple(shapes)) for shapes in run), one_paint=True) for run in runs]


def paths_in(items: Sequence[Item]) -> Iterator[Path]:
    """The paths of all items, first to last."""
    for item in items:
        if isinstance(item, Path):
            yield item
        else:
            yield from paths_in(item.children)


def shape_boxes(layers: Layers, outlines: Outlines) -> Int32[np.ndarray, "S 4"]:
    """Every shape's x0, y0, x1, y1 in whole pixels, the far ends excluded: no other pixel is touched by it."""
    if not len(layers.face):
        return np.zeros((0, 4), np.int32)
    points = outlines.control_points.reshape(-1, 2)
    low, high = (reduce.reduceat(points, 4 * outlines.offsets[:-1]) for reduce in (np.minimum, np.maximum))
    arcs, begins = layers.half_arcs // 2, layers.ring_offsets[layers.shape_offsets[:-1]]
    boxes = [np.minimum.reduceat(np.floor(low[arcs]), begins), np.maximum.reduceat(np.ceil(high[arcs]), begins)]
    for shape, pen in layers.pens.items():
        reach = int(np.ceil(pen.width / 2 * (MITER_LIMIT if pen.join == "miter" else 1)))
        boxes[0][shape] -= reach
        boxes[1][shape] += reach
    return np.concatenate(boxes, 1).astype(np.int32)


def runs_of_one_paint(boxes: Int32[np.ndarray, "S 4"], paints: Sequence[Hashable]) -> list[list[list[int]]]:
    """Runs of shapes of one paint that can be drawn at the place of the first; in each, those that stay together."""
    runs: list[list[list[int]]] = []
    last_of_paint: dict[Hashable, int] = {}
    run_of_shape = np.zeros(len(paints), np.int64)
    for paint, following in groupby(range(len(paints)), key=lambda shape: paints[shape]):
        shapes = list(following)
        run = last_of_paint.get(paint, -1)
        if run < 0 or any(
            _layer_kernels.meets_later_run(boxes, shape, shapes[0], run_of_shape, run) for shape in shapes
        ):
            run = len(runs)
            runs.append([])
        runs[run] += _touching(shapes, boxes)
        run_of_shape[shapes] = last_of_paint[paint] = run
    return runs


def _touching(shapes: Sequence[int], boxes: Int32[np.ndarray, "S 4"]) -> list[list[int]]:
    """The shapes in sets, such that no two of different sets meet; sets by their last shapes."""
    if len(shapes) == 1:
        return [list(shapes)]
    own = boxes[shapes]
    last = _layer_kernels.touching_sets(own, np.argsort(own[:, 0], kind="stable"))
    sets: dict[int, list[int]] = {one: [] for one in np.unique(last).tolist()}
    for shape, one in zip(shapes, last.tolist(), strict=True):
        sets[one].append(shape)
    return list(sets.values())


def meets(box: Int32[np.ndarray, "4"], others: Int32[np.ndarray, "N 4"]) -> bool:
    """Whether a box has a pixel with any of the others in common."""
    return bool(((others[:, :2] < box[2:]) & (box[:2] < others[:, 2:])).all(1).any())


def _nested(details: Int32[np.ndarray, "S"], first: int, last: int, depth: int) -> Iterator[Item]:
    shape = first
    while shape < last:
        after = shape + 1 + int(details[shape])
        if after == shape + 1 or depth == DEEPEST:
            yield Path((shape,))
            shape += 1
        else:
            yield Group((Path((shape,)), *_nested(details, shape + 1, after, depth + 1)))
            shape = after


def _without_outermost(items: list[Item]) -> list[Item]:
    return list(items[0].children) if len(items) == 1 and isinstance(items[0], Group) else items
