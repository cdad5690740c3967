"""Closed outlines that are alike but for their place → one outline at all these places, where that draws as well.

The twelve dots of an icon are each traced a little differently. Two outlines are alike if, their centroids laid on one
another, they are nowhere farther apart than twice the fit's tolerance, as two may be that each keep it. Where most of
such a set are primitives of a kind, their numbers are averaged; else the one is taken that differs least in area from
all others. Rounded to the grid of the drawing it is laid on every member's centroid, by whole steps of that grid, so
that `sharing` finds them equal. What is drawn then is held against the image, by the sum of squared differences in each
member's box and a pixel around it: as many members take the common outline, those first that gain most, as leave the
sum over them no greater than it was. A set of one is none. Limits: outlines that turn or mirror one another are not
alike, nor are such as meet others at junctions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from jaxtyping import Float64, UInt8

from ..tracing.outlines import Outlines, Primitive, Segments, flattened
from ..tracing.primitives import segments_of
from .layering import Layers

CHORDS = 8  # that a cubic becomes where outlines are compared

RgbArray = UInt8[np.ndarray, "H W 3"]


@dataclass(frozen=True)
class _Closed:
    """A closed arc: its number, what it is, and its shape about its centroid."""

    arc: int
    segments: Segments
    primitive: Primitive | None
    area: float
    centroid: Float64[np.ndarray, "2"]
    ring: shapely.LinearRing

    @property
    def kind(self) -> Hashable:
        """Equal for primitives whose numbers can be averaged, and for all that are none."""
        return None if self.primitive is None else (self.primitive.kind, self.primitive.corner > 0)

    def is_like(self, other: _Closed, tolerance: float) -> bool:
        """Are the two, one laid on the other, nowhere farther apart than this?"""
        # signs tell which way round they go
        if abs(self.area - other.area) > tolerance * max(self.ring.length, other.ring.length):
            return False
        return bool(shapely.hausdorff_distance(self.ring, other.ring, densify=0.05) <= tolerance)


def with_repeats(
    outlines: Outlines,
    layers: Layers,
    image: RgbArray,
    drawn: Callable[[Outlines], RgbArray],
    tolerance: float,
    precision: int,
) -> Outlines:
    """The outlines, those that are alike as one outline at their places where the drawing is as near to the image.

    Args:
        outlines, layers: the drawing.
        image: what it shall look like, over white.
        drawn: outlines → their drawing over white.
        tolerance: how far an outline may lie from the traced edge, in pixels.
        precision: decimals of a coordinate.
    """
    sets = _sets(_closed_arcs(outlines, layers), 2 * tolerance)
    placed = [_placed(members, 10.0**precision) for members in sets]
    tried = {arc: one for places in placed for arc, one in places.items()}
    if not tried:
        return outlines
    before, after = (_squares(drawn(one), image) for one in (outlines, outlines.with_arcs(tried)))
    kept: dict[int, tuple[Segments, Primitive | None]] = {}
    for members, places in zip(sets, placed, strict=True):
        boxes = [_box(one, before.shape) for one in members]
        rises = np.array([after[box].sum() - before[box].sum() for box in boxes])
        order = np.argsort(rises, kind="stable")
        good = order[: int((np.cumsum(rises[order]) <= 0).sum())]
        if len(good) > 1:
            kept |= {members[k].arc: places[members[k].arc] for k in good}
    return outlines.with_arcs(kept) if kept else outlines


def _closed_arcs(outlines: Outlines, layers: Layers) -> list[_Closed]:
    """The arcs that are drawn and end where they start."""
    found = []
    for arc in np.unique(layers.half_arcs // 2).tolist():
        part = slice(outlines.offsets[arc], outlines.offsets[arc + 1])
        controls, is_line = outlines.control_points[part], outlines.is_line[part]
        if not len(controls) or (controls[0, 0] != controls[-1, 3]).any():
            continue
        points = flattened(controls, is_line, CHORDS)
        if len(points) < 3:
            continue
        x, y = (points - points[0]).T
        cross = x * np.roll(y, -1) - np.roll(x, -1) * y
        area = float(cross.sum() / 2)
        if area == 0:
            continue
        middle = np.array([((x + np.roll(x, -1)) * cross).sum(), ((y + np.roll(y, -1)) * cross).sum()]) / (6 * area)
        centroid = points[0] + middle
        ring = shapely.LinearRing(points - centroid)
        found.append(_Closed(arc, (controls, is_line), outlines.primitives.get(arc), area, centroid, ring))
    return found


def _sets(arcs: Sequence[_Closed], tolerance: float) -> list[list[_Closed]]:
    """Those that are like the first of their set; none alone."""
    sets: list[list[_Closed]] = []
    for arc in arcs:
        alike = next((members for members in sets if members[0].is_like(arc, tolerance)), None)
        if alike is None:
            sets.append([arc])
        else:
            alike.append(arc)
    return [members for members in sets if len(members) > 1]


def _placed(members: Sequence[_Closed], scale: float) -> dict[int, tuple[Segments, Primitive | None]]:
    """For every arc of a set their common outline at its place."""
    commonest, _ = Counter(one.kind for one in members).most_common(1)[0]
    typical = [one for one in members if one.kind == commonest]
    anchor = np.rint(typical[0].centroid * scale) / scale
    if typical[0].primitive is not None:
        mean = _mean_primitive([one.primitive for one in typical if one.primitive is not None], anchor, scale)
        segments = segments_of(mean)
        if typical[0].area > 0:
            segments = segments[0][::-1, ::-1], segments[1][::-1]
    else:
        middle = _middle(members)
        controls = np.rint((middle.segments[0] - middle.centroid + anchor) * scale) / scale
        mean, segments = None, (controls, middle.segments[1])
    placed = {}
    for one in members:
        step = np.rint((one.centroid - anchor) * scale) / scale
        moved = None if mean is None else replace(mean, cx=mean.cx + float(step[0]), cy=mean.cy + float(step[1]))
        placed[one.arc] = ((segments[0] + step, segments[1]), moved)
    return placed


def _middle(members: Sequence[_Closed]) -> _Closed:
    """The one that has the least area in which it differs from the others, each laid on it."""
    areas = [shapely.buffer(shapely.Polygon(one.ring), 0) for one in members]
    differing = [sum(shapely.symmetric_difference(one, other).area for other in areas) for one in areas]
    return members[int(np.argmin(differing))]


def _mean_primitive(primitives: Sequence[Primitive], anchor: Float64[np.ndarray, "2"], scale: float) -> Primitive:
    """Of their numbers the means on the grid, the centre where the anchor is."""
    sizes = np.mean([(one.rx, one.ry, one.corner) for one in primitives], 0)
    rx, ry, corner = (np.rint(sizes * scale) / scale).tolist()
    return replace(primitives[0], cx=float(anchor[0]), cy=float(anchor[1]), rx=rx, ry=ry, corner=corner)


def _squares(drawing: RgbArray, image: RgbArray) -> Float64[np.ndarray, "H W"]:
    return np.asarray(((drawing.astype(np.float64) - image) ** 2).sum(2))


def _box(one: _Closed, shape: Sequence[int]) -> tuple[slice, slice]:
    """The pixels in which the arc is, and one around them."""
    x0, y0, x1, y1 = (np.array(one.ring.bounds).reshape(2, 2) + one.centroid).ravel()
    rows = slice(max(0, int(np.floor(y0)) - 1), min(shape[0], int(np.ceil(y1)) + 1))
    return rows, slice(max(0, int(np.floor(x0)) - 1), min(shape[1], int(np.ceil(x1)) + 1))
