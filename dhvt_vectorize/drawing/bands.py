"""labels → labels in which the bands that a gradient was cut into are one face.

A tokenizer's regions have a colour each, so it cuts a gradient into bands; drawn apart, their edges show as pale lines.
Neighbours are candidates where the colour hardly steps across their border. Candidates are put together in the order of
these steps (Kruskal 1956), which gives a tree of unions; from its top down a union becomes one face where one paint,
flat or a gradient, and no borders describe its pixels in less than the paints and borders of its parts (`gradients`).

A posterised gradient leaves more than its bands do. A paint of three bands or more is therefore forgiven what the
rounding to such steps leaves, step² / 12. Limits: at most `MOST_FITS` unions are looked at, of smallest steps last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64, UInt8
from scipy.ndimage import binary_erosion, find_objects

from ..tokenizer._kernels import flat_zones
from .gradients import AXIS_NUMBERS, STOP_NUMBERS, description, fit_gradient, most_residual

MOST_STEP = 12.0  # levels across a border, of the channel that steps most
BORDER_NUMBERS = 6  # what a border adds to a description: a cubic
BANDS = 3  # from how many bands on a gradient counts as posterised
MOST_FITS = 16
LEAST_PIXELS = 24
ACROSS = 2  # pixels farther inside that tell what a face varies by
RIM = 2  # pixels along a union's own border that its neighbours may colour


def join_bands(
    labels: Int32[np.ndarray, "H W"],
    premultiplied: UInt8[np.ndarray, "H W 4"],
    part_residuals: Float64[np.ndarray, "K"],
    part_numbers: Float64[np.ndarray, "K"],
) -> Int32[np.ndarray, "H W"]:
    """Labels 0…K'−1 in raster order.

    Args:
        labels: 4-connected regions 0…K−1.
        premultiplied: the image's colours.
        part_residuals: what each region's own paint leaves a pixel, a sum of squares over channels.
        part_numbers: how many numbers that paint has.
    """
    faces = len(part_residuals)
    pairs, steps = soft_borders(labels, premultiplied, faces)
    if not len(pairs):
        return labels
    unions = _unions(pairs, steps, faces)
    pixels = np.bincount(labels.ravel(), minlength=faces)
    boxes = boxes_of(labels)
    face_of_region = np.arange(faces, dtype=np.int32)
    waiting = [node for node in range(len(unions) - 1, -1, -1) if unions[node].is_root]
    fits = 0
    while waiting and fits < MOST_FITS:
        union = unions[waiting.pop(0)]
        members = np.array(union.members)
        fits += 1
        parts = _parts_cost(pixels[members], part_residuals[members], part_numbers[members], labels.size)
        if _is_one(labels, premultiplied, members, boxes, int(pixels[members].sum()), union.step, parts):
            face_of_region[members] = members.min()
        else:
            waiting += [child for child in union.children if child is not None]
    if (face_of_region == np.arange(faces)).all():
        return labels
    return np.asarray(flat_zones(face_of_region[labels][..., None])[0])


def soft_borders(
    labels: Int32[np.ndarray, "H W"], colours: UInt8[np.ndarray, "H W 4"], faces: int
) -> tuple[Int64[np.ndarray, "P 2"], Float64[np.ndarray, "P"]]:
    """Pairs of neighbours that step by at most MOST_STEP levels, by ascending steps, and these steps.

    A step is what lies between two pixels that touch. An anti-aliased edge shares its contrast out to two such steps or
    three; so pixels farther apart may not differ by more either, over what they differ by within both faces.
    """
    keys, steps, edges = [], [], []
    for axis in (0, 1):
        ours, image = np.moveaxis(labels, axis, 0), np.moveaxis(colours, axis, 0)
        border = ours[:-1] != ours[1:]
        y, x = np.nonzero(border)
        a, b = ours[y, x].astype(np.int64), ours[y + 1, x].astype(np.int64)
        keys.append(np.minimum(a, b) * faces + np.maximum(a, b))
        step = _apart(image, y, y + 1, x)
        steps.append(step)
        edges.append(np.maximum(step, _edge(ours, image, y, x)))
    pair, place, sides = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
    mean, edge = (
        np.max([np.bincount(place, each[:, c], len(pair)) for c in range(4)], 0) / np.maximum(sides, 1)
        for each in (np.concatenate(steps), np.concatenate(edges))
    )
    soft = np.flatnonzero(edge <= MOST_STEP)
    soft = soft[np.argsort(mean[soft], kind="stable")]
    return np.stack([pair[soft] // faces, pair[soft] % faces], 1), mean[soft]


def _apart(
    image: UInt8[np.ndarray, "H W 4"],
    y: Int64[np.ndarray, "N"],
    other: Int64[np.ndarray, "N"],
    x: Int64[np.ndarray, "N"],
) -> Int64[np.ndarray, "N 4"]:
    """By how many levels the pixels (x, y) and (x, other) differ."""
    return np.asarray(np.abs(image[y, x].astype(np.int64) - image[other, x]))


def _edge(
    labels: Int32[np.ndarray, "H W"],
    image: UInt8[np.ndarray, "H W 4"],
    y: Int64[np.ndarray, "N"],
    x: Int64[np.ndarray, "N"],
) -> Int64[np.ndarray, "N 4"]:
    """How far the pixels on either side of a border's rims differ, over what pixels as far apart inside do; 0 where
    a face is too thin to tell, below 0 where it varies more. The border lies between rows y and y + 1."""
    rows = [y - RIM - ACROSS, y - RIM + 1, y + RIM, y + 1 + RIM + ACROSS]
    inside = (rows[0] >= 0) & (rows[3] < len(labels))
    rows = [np.clip(row, 0, len(labels) - 1) for row in rows]
    for row, near in zip(rows, (y, y, y + 1, y + 1), strict=True):
        inside &= labels[row, x] == labels[near, x]
    across = _apart(image, rows[1], rows[2], x)
    within = np.maximum(_apart(image, rows[0], rows[1], x), _apart(image, rows[2], rows[3], x))
    return np.where(inside[:, None], across - within, 0)


class _Union:
    """Regions put together by their smallest steps; `step` is the largest among these."""

    def __init__(self, members: list[int], children: tuple[int | None, int | None], step: float) -> None:
        self.members, self.children, self.step = members, children, step
        self.is_root = True


def _unions(pairs: Int64[np.ndarray, "P 2"], steps: Float64[np.ndarray, "P"], faces: int) -> list[_Union]:
    unions: list[_Union] = []
    root = list(range(faces))
    node_of_root: dict[int, int] = {}

    def found(face: int) -> int:
        while root[face] != face:
            root[face] = root[root[face]]
            face = root[face]
        return face

    for (a, b), step in zip(pairs.tolist(), steps.tolist(), strict=True):
        one, other = found(a), found(b)
        if one == other:
            continue
        children = node_of_root.get(one), node_of_root.get(other)
        members = [
            member
            for child, face in zip(children, (one, other), strict=True)
            for member in ([face] if child is None else unions[child].members)
        ]
        for child in children:
            if child is not None:
                unions[child].is_root = False
        root[other] = one
        node_of_root[one] = len(unions)
        unions.append(_Union(members, children, step))
    return unions


def _parts_cost(
    pixels: Int64[np.ndarray, "M"], residuals: Float64[np.ndarray, "M"], numbers: Float64[np.ndarray, "M"], image: int
) -> float:
    each = zip(pixels.tolist(), residuals.tolist(), numbers.tolist(), strict=True)
    cost = sum(description(n * left, n, 4, count + BORDER_NUMBERS, image) for n, left, count in each)
    return cost - description(0, 0, 4, BORDER_NUMBERS, image)  # the outermost border stays


def _is_one(
    labels: Int32[np.ndarray, "H W"],
    premultiplied: UInt8[np.ndarray, "H W 4"],
    members: Int64[np.ndarray, "M"],
    boxes: Sequence[tuple[slice, slice]],
    area: int,
    step: float,
    parts: float,
) -> bool:
    """Is one paint for all members, and no border between them, the shorter description?"""
    points, colours = inside_of(labels, premultiplied, members, boxes)
    if len(points) < LEAST_PIXELS:
        return False
    forgiven = step * step / 12 * 4 if len(members) >= BANDS else 0.0
    flat = float(colours.var(0).sum())
    if description(area * max(flat - forgiven, 0.0), area, 4, 3, labels.size) <= parts:
        return True
    most = most_residual(parts, area, 4, 3 + AXIS_NUMBERS + STOP_NUMBERS, labels.size) + forgiven
    fitted = fit_gradient(points, colours, labels.size, area, most)
    if fitted is None:
        return False
    _, left, numbers = fitted
    return description(area * max(left - forgiven, 0.0), area, 4, 3 + numbers, labels.size) <= parts


def boxes_of(labels: Int32[np.ndarray, "H W"]) -> list[tuple[slice, slice]]:
    """Every face's rows and columns."""
    return [(box[0], box[1]) for box in find_objects(labels + 1) if box is not None]


def inside_of(
    labels: Int32[np.ndarray, "H W"],
    premultiplied: UInt8[np.ndarray, "H W 4"],
    faces: Int64[np.ndarray, "M"],
    boxes: Sequence[tuple[slice, slice]],
    is_rim: Bool[np.ndarray, "H W"] | None = None,
) -> tuple[Float64[np.ndarray, "N 2"], Float64[np.ndarray, "N 4"]]:
    """Centres and colours of the pixels well inside the faces' union, those given as rims left out.

    Args:
        labels, premultiplied: the faces, and the image's colours.
        faces: those of the union.
        boxes: every face's rows and columns.
        is_rim: pixels to leave out.
    """
    rows, columns = (
        slice(min(boxes[face][axis].start for face in faces), max(boxes[face][axis].stop for face in faces))
        for axis in (0, 1)
    )
    # with a rim of what lies around, so that only the image's frame cuts the union off
    top, left = max(rows.start - RIM, 0), max(columns.start - RIM, 0)
    is_member = np.zeros(len(boxes), bool)
    is_member[faces] = True
    union = is_member[labels[top : rows.stop + RIM, left : columns.stop + RIM]]
    # what the image cuts off has no other colour beyond
    inside = binary_erosion(union, iterations=RIM, border_value=1)
    y, x = np.nonzero(inside)
    y, x = y + top, x + left
    if is_rim is not None:
        clear = ~is_rim[y, x]
        y, x = y[clear], x[clear]
    return np.stack([x + 0.5, y + 0.5], 1), premultiplied[y, x].astype(np.float64)
