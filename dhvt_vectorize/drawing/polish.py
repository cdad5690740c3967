"""Drawing's geometry and paints → the same nodes where the picture, drawn, comes nearer to the image.

Each round draws the picture, and every border point is pulled by what is left there. Where a border between colours a
(on its left) and b moves by δ to its right, the area that a covers grows by δ a unit of length (Reynolds' transport
theorem), so the sum of squares changes by 2 δ ∫ left · (a − b) ds. With a Gauss-Newton diagonal this gives a step for
every node and every handle's length. Nodes that arcs share are moved as one, handles go with their nodes and keep their
direction: so neighbours stay closed, smooth joins smooth, and the number of nodes stays. Level and upright lines stay
so, as do the image's frame and primitives; no node moves further than `FARTHEST`. Colours that only faces without an
inside have move by the mean that is left on them.

A round whose drawing is no better is tried again with a quarter of the step, then given up. Limits: what lies below
translucent shapes is drawn, but not moved for; a border that a later shape covers is pulled by what is drawn there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from ..tracing.outlines import Outlines
from .paints import Paints

FARTHEST = 0.5  # pixels from where a node began
LONGEST_STEP = 0.2  # pixels
STEP = 0.6  # of Gauss and Newton's: neighbouring nodes move too
STEPS = (1.0, 0.25)
LEAST_CURVATURE = 60.0  # squared levels times pixels: what is nearly invisible stays where it is
SAMPLES_A_PIXEL = 2
LEAST_CHANGE = 1.0  # levels a colour moves, or not at all

Draw = Callable[[Outlines, Paints], UInt8[np.ndarray, "H W 3"]]


@dataclass(frozen=True)
class _Samples:
    """Places along segments: segment, t, x and y, the length each stands for, and the right-hand normal."""

    segment: Int64[np.ndarray, "M"]
    t: Float64[np.ndarray, "M"]
    places: Float64[np.ndarray, "M 2"]
    length: Float64[np.ndarray, "M"]
    normal: Float64[np.ndarray, "M 2"]


def polish(
    outlines: Outlines,
    paints: Paints,
    image: UInt8[np.ndarray, "H W 3"],
    rounds: int,
    draw: Draw,
    recolour: bool = True,
) -> tuple[Outlines, Paints]:
    """Outlines and paints after at most `rounds` rounds, never worse than before.

    Args:
        outlines, paints: to begin from.
        image: what the drawing should look like, over white.
        rounds: at most so many.
        draw: what outlines and paints look like, over white.
        recolour: whether colours move too.
    """
    begun = outlines.control_points
    left = _left(draw(outlines, paints), image)
    for _ in range(rounds):
        step = _geometry_step(outlines, paints, left, begun)
        recoloured = _recoloured(outlines, paints, left) if recolour else paints
        for share in STEPS:
            moved = replace(outlines, control_points=outlines.control_points + share * step)
            after = _left(draw(moved, recoloured), image)
            if (after * after).sum() < (left * left).sum():
                outlines, paints, left = moved, recoloured, after
                break
        else:
            break
    return outlines, paints


def _left(drawn: UInt8[np.ndarray, "H W 3"], image: UInt8[np.ndarray, "H W 3"]) -> Float64[np.ndarray, "H W 3"]:
    return np.asarray(drawn.astype(np.float64) - image)


def _geometry_step(
    outlines: Outlines,
    paints: Paints,
    left: Float64[np.ndarray, "H W 3"],
    begun: Float64[np.ndarray, "S 4 2"],
) -> Float64[np.ndarray, "S 4 2"]:
    """How far every control point moves."""
    planar_map, controls = outlines.planar_map, outlines.control_points
    drawn = int(outlines.offsets[planar_map.arcs])  # segments beyond belong to layers alone
    samples = _samples(controls[:drawn])
    arc = np.repeat(np.arange(planar_map.arcs), np.diff(outlines.offsets[: planar_map.arcs + 1]))[samples.segment]
    step = _colours_at(planar_map.left[arc], samples.places, paints) - _colours_at(
        planar_map.right[arc], samples.places, paints
    )
    height, width = left.shape[:2]
    x, y = np.clip(samples.places.astype(np.int64), 0, (width - 1, height - 1)).T
    # a sample's pull along the normal, and how stiff it is
    pull = (left[y, x] * step).sum(1) * samples.length
    stiffness = (step * step).sum(1) * samples.length
    node, is_fixed = _nodes(outlines, begun)
    nodes = int(node.max()) + 1
    moved = np.zeros((nodes, 2))
    total, normal = np.zeros((nodes, 2)), np.zeros((nodes, 3))
    t = samples.t
    # a node carries its handle: the first two and the last two Bernstein polynomials together
    for end, share in ((0, (1 - t) ** 2 * (1 + 2 * t)), (1, t * t * (3 - 2 * t))):
        at = node[samples.segment, end]
        n, s = samples.normal, share * share * stiffness
        for axis in (0, 1):
            total[:, axis] += np.bincount(at, share * pull * n[:, axis], nodes)
        for k, product in enumerate((n[:, 0] ** 2, n[:, 0] * n[:, 1], n[:, 1] ** 2)):
            normal[:, k] += np.bincount(at, s * product, nodes)
    a, b, d = normal[:, 0] + LEAST_CURVATURE, normal[:, 1], normal[:, 2] + LEAST_CURVATURE
    det = a * d - b * b
    moved[:, 0] = -(d * total[:, 0] - b * total[:, 1]) / det
    moved[:, 1] = -(a * total[:, 1] - b * total[:, 0]) / det
    moved = np.where(is_fixed, 0.0, STEP * moved)
    moved *= np.minimum(1.0, LONGEST_STEP / np.maximum(np.hypot(*moved.T), 1e-12))[:, None]
    result = np.repeat(moved[node], 2, axis=1)
    result[:drawn] += _handles(outlines, samples, pull, stiffness, drawn)
    return result


def _handles(
    outlines: Outlines,
    samples: _Samples,
    pull: Float64[np.ndarray, "M"],
    stiffness: Float64[np.ndarray, "M"],
    drawn: int,
) -> Float64[np.ndarray, "D 4 2"]:
    """How far handles move along their own direction; lines and primitives have none to move."""
    controls = outlines.control_points[:drawn]
    fixed = outlines.is_line[:drawn].copy()
    for arc in outlines.primitives:
        fixed[outlines.offsets[arc] : outlines.offsets[arc + 1]] = True
    result = np.zeros((drawn, 4, 2))
    t = samples.t
    for inner, outer, share in ((1, 0, 3 * t * (1 - t) ** 2), (2, 3, 3 * t * t * (1 - t))):
        handle = controls[:, inner] - controls[:, outer]
        length = np.hypot(*handle.T)
        direction = handle / np.maximum(length, 1e-9)[:, None]
        along = share * (samples.normal * direction[samples.segment]).sum(1)
        total = np.bincount(samples.segment, along * pull, drawn)
        normal = np.bincount(samples.segment, along * along * stiffness, drawn) + LEAST_CURVATURE
        # never to less than half of what it is
        most = np.minimum(LONGEST_STEP, length / 2)
        by = np.clip(-STEP * total / normal, -most, most)
        result[:, inner] = np.where(fixed, 0.0, by)[:, None] * direction
    return result


def _samples(controls: Float64[np.ndarray, "D 4 2"]) -> _Samples:
    """Evenly in t, as many as the control polygon is long."""
    length = np.hypot(*np.diff(controls, axis=1).transpose(2, 0, 1)).sum(1)
    count = np.maximum(4, np.ceil(SAMPLES_A_PIXEL * length)).astype(np.int64)
    segment = np.repeat(np.arange(len(controls)), count)
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    t = (np.arange(len(segment)) - first[segment] + 0.5) / count[segment]
    p0, p1, p2, p3 = controls[segment].transpose(1, 0, 2)
    u, v = t[:, None], 1 - t[:, None]
    places = v**3 * p0 + 3 * v * v * u * p1 + 3 * v * u * u * p2 + u**3 * p3
    slope = 3 * (v * v * (p1 - p0) + 2 * v * u * (p2 - p1) + u * u * (p3 - p2))
    speed = np.maximum(np.hypot(*slope.T), 1e-9)
    # walking east, the right is below: y points down
    normal = np.stack([-slope[:, 1], slope[:, 0]], 1) / speed[:, None]
    return _Samples(segment, t, places, speed / count[segment], normal)


def _nodes(outlines: Outlines, begun: Float64[np.ndarray, "S 4 2"]) -> tuple[Int64[np.ndarray, "S 2"], np.ndarray]:
    """The node at each segment's start and end, one where these meet, and which way each node may not move."""
    controls, planar_map = outlines.control_points, outlines.planar_map
    ends = controls[:, [0, 3]].reshape(-1, 2)
    # arcs share their junctions' places to the bit, and so do pieces of an arc
    _, node = np.unique(ends, axis=0, return_inverse=True)
    node = node.reshape(-1, 2)
    is_fixed = np.zeros((int(node.max()) + 1, 2), bool)
    for axis in (0, 1):
        # a line level or upright keeps its other coordinate
        even = outlines.is_line & (np.abs(controls[:, 0, axis] - controls[:, 3, axis]) < 1e-9)
        is_fixed[node[even].ravel(), axis] = True
    far = np.hypot(*(controls - begun)[:, [0, 3]].transpose(2, 0, 1)) > FARTHEST - LONGEST_STEP
    still = far.any(1)
    frame = (planar_map.left < 0) | (planar_map.right < 0)
    for arc in [*np.flatnonzero(frame).tolist(), *outlines.primitives]:
        still[outlines.offsets[arc] : outlines.offsets[arc + 1]] = True
    is_fixed[node[still].ravel()] = True
    return node, is_fixed


def _colours_at(face: np.ndarray, places: Float64[np.ndarray, "M 2"], paints: Paints) -> Float64[np.ndarray, "M 3"]:
    """The faces' colours at places, over white; white beyond the image."""
    opacity = np.where(face >= 0, paints.opacity[face], 0.0)[:, None].astype(np.float64)
    colours = paints.colours[face].astype(np.float64)
    for number, gradient in paints.gradients.items():
        on = np.flatnonzero(face == number)
        if len(on):
            there = gradient.at(places[on])
            colours[on] = there[:, :3]
            if gradient.fades:
                opacity[on] = there[:, 3:] / 255
    return np.asarray(opacity * colours + (1 - opacity) * 255)


def _recoloured(outlines: Outlines, paints: Paints, left: Float64[np.ndarray, "H W 3"]) -> Paints:
    """Opaque colours of thin faces moved by the mean that is left on them; that of an inside is known better."""
    labels = outlines.planar_map.labels
    faces = len(paints.colours)
    inside = np.ones(labels.shape, bool)
    for axis in (0, 1):
        beside = np.diff(labels, axis=axis) != 0
        first, second = ([slice(None)] * axis + [part] for part in (slice(None, -1), slice(1, None)))
        inside[tuple(first)] &= ~beside
        inside[tuple(second)] &= ~beside
    is_thin = np.bincount(labels[inside], minlength=faces) == 0
    thin = is_thin[labels]
    pixels = np.bincount(labels[thin], minlength=faces)
    sums = np.stack([np.bincount(labels[thin], left[thin][:, c], faces) for c in range(3)], 1)
    _, paint = np.unique(paints.colours, axis=0, return_inverse=True)
    paint = paint.ravel()
    # a colour that an inside has too is known, and so is a gradient
    known = np.zeros(faces, bool)
    known[paint[~is_thin]] = True
    total = np.bincount(paint, pixels, faces)
    mean = np.stack([np.bincount(paint, sums[:, c], faces) for c in range(3)], 1) / np.maximum(total, 1)[:, None]
    change = np.rint(np.where(np.abs(mean) >= LEAST_CHANGE, -mean, 0.0))[paint]
    change[known[paint] | (paints.opacity < 1)] = 0
    return replace(paints, colours=np.clip(paints.colours + change, 0, 255).astype(np.uint8))
