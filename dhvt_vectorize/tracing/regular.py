"""Outlines → Outlines in which closed arcs that are regular polygons or stars are exactly that.

A closed arc is one when its path is sides of one length, but for what anti-aliasing and JPEG cut off its corners, that
turn alike, or alike at every other corner. Such a shape is few numbers: all its sides' lines are at one distance from
the centre, and their normals are as many equal steps, or for a star pairs of steps, of a full turn apart. These numbers
are fitted to all sides at once, by Gauss and Newton's method on the distances of the sub-pixel polyline's points, and
corners are where neighbouring lines meet: the tip of a star, of which few pixels tell, is known as well as its sides.

The shape is taken where the points lie as close to it as they must to a path: within the tolerance, with a root mean
square of a third of that and not much more than if each side had a line of its own, and where no side, on average, lies
more than `MOST_OFF` to one side of its line. The arc's
segments are replaced, so that all who share it see the same corners. Limits: rectangles are `primitives`' work, so four
equal sides are only looked at where they are a star's; arcs that meet others at junctions are left as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from .outlines import Outlines, Segments
from .primitives import largest

LEAST_SIDE = 4.0  # pixels
LEAST_CORNERS, MOST_CORNERS = 3, 32
UNEVEN, SHORTENED = 1.25, 1.5  # the longest side over the shortest, but for pixels that the corners' may lack
STRAIGHT_ON = np.radians(5.0)
CUT_OFF = 0.25  # of the longest side: longer segments between sides are something else
FLAT_SHARE, FLAT = 0.06, 0.6  # of a curve's length, or pixels, the farthest that its handles lie off its chord
UNEVEN_TURN = np.radians(9.0)
MOST_OFF = 0.12  # pixels
WORSE, LEAST_RMS = 1.5, 0.04  # mean square beside that of lines free of each other, and pixels that are always allowed
BESIDE_CORNER = 2.0  # pixels
FARTHEST_CORNER = 2.5  # pixels from the nearest node of the path
RMS_SHARE = 1 / 3  # of the tolerance
UPRIGHT = 0.05  # pixels that a corner may move for a shape to be upright
ROUNDS = 4

Points = Float64[np.ndarray, "N 2"]


@dataclass(frozen=True)
class _Sides:
    """Lines of a path, one after another, that may be those of a regular shape.

    Attributes:
        ends: float64 (n, 2, 2).
        steps: float64 (n,), each side's normal is so much further round than the first's, where `spread` is 0.
        signs: float64 (n,), by how many `spread` it is further; zeros where the shape is no star.
        spread: radians, what there is to begin with.
    """

    ends: Float64[np.ndarray, "n 2 2"]
    steps: Float64[np.ndarray, "n"]
    signs: Float64[np.ndarray, "n"]
    spread: float


def with_regular_shapes(
    outlines: Outlines, points: Float64[np.ndarray, "P 2"], offsets: Int64[np.ndarray, "A1"], tolerance: float
) -> Outlines:
    """The outlines with closed arcs made regular where their polylines points[offsets[a]:offsets[a + 1]] are."""
    planar_map = outlines.planar_map
    closed = (planar_map.start < 0) & (planar_map.left >= 0) & (planar_map.right >= 0)
    counts = np.diff(outlines.offsets)
    candidates = np.flatnonzero(closed & (counts >= LEAST_CORNERS) & (counts <= 2 * MOST_CORNERS))
    candidates = candidates[~np.isin(candidates, list(outlines.primitives))]
    found = {}
    for arc in largest(candidates, np.diff(offsets)[candidates].astype(float)).tolist():
        path = slice(outlines.offsets[arc], outlines.offsets[arc + 1])
        inner = points[offsets[arc] : offsets[arc + 1] - 1]
        corners = regular_corners(inner, outlines.control_points[path], outlines.is_line[path], tolerance)
        if corners is not None:
            found[arc] = _polygon(corners), None
    return outlines.with_arcs(found) if found else outlines


def regular_corners(
    points: Points, control_points: Float64[np.ndarray, "S 4 2"], is_line: Bool[np.ndarray, "S"], tolerance: float
) -> Points | None:
    """The corners of the regular polygon or star that a closed polyline is, in the order of the path fitted to it."""
    sides = _sides(control_points[:, [0, 3]], is_line | _is_flat(control_points))
    if sides is None:
        return None
    along, off = _beside(points, sides.ends)
    # beside a corner anti-aliasing rounds the polyline
    margin = np.clip(BESIDE_CORNER / np.hypot(*(sides.ends[:, 1] - sides.ends[:, 0]).T), 0.1, 0.35)
    near = (along > margin) & (along < 1 - margin) & (np.abs(off) < tolerance + 1)
    off = np.where(near, np.abs(off), np.inf)
    which = np.flatnonzero(near.any(1))
    side = off[which].argmin(1)  # of two that meet in a narrow tip
    if len(np.unique(side)) < len(sides.ends):
        return None
    value = _fitted(points[which], side, sides)
    normals = _normals(value, sides)
    distances = _distances(points[which], normals[side], value)
    by_side = np.bincount(side, distances) / np.bincount(side)
    corners = _corners(_upright(value, sides), sides)
    nodes = control_points[:, 0]
    far = np.hypot(*(corners[:, None] - nodes[None]).transpose(2, 0, 1)).min(1).max()
    mean_square = float(np.mean(distances**2))
    is_close = np.abs(distances).max() <= tolerance and mean_square <= (RMS_SHARE * tolerance) ** 2
    is_as_good = mean_square <= WORSE * _by_lines_alone(points[which], side, sides) + LEAST_RMS**2
    is_even = np.abs(by_side).max() <= MOST_OFF
    return corners if is_close and is_as_good and is_even and far <= FARTHEST_CORNER else None


def _is_flat(control_points: Float64[np.ndarray, "S 4 2"]) -> Bool[np.ndarray, "S"]:
    """Cubics that hardly bend: noise may have been worth one, and the fit of all sides tells."""
    way = control_points[:, 3] - control_points[:, 0]
    to = control_points[:, 1:3] - control_points[:, :1]
    across = to[..., 0] * way[:, None, 1] - to[..., 1] * way[:, None, 0]
    length = np.maximum(np.hypot(*way.T), 1e-12)
    return np.asarray(np.abs(across).max(1) / length <= np.maximum(FLAT_SHARE * length, FLAT))


def _sides(ends: Float64[np.ndarray, "S 2 2"], is_line: Bool[np.ndarray, "S"]) -> _Sides | None:
    """The long lines of a path, if they have one length and turn as those of a regular shape do."""
    ends, is_line = _joined(ends, is_line)
    lengths = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    longest = lengths[is_line].max(initial=0.0)
    is_side = is_line & (lengths >= longest / UNEVEN - SHORTENED)
    count = int(is_side.sum())
    if longest < LEAST_SIDE or not LEAST_CORNERS <= count <= MOST_CORNERS or count == 4:
        return None
    if (lengths[~is_side] > CUT_OFF * longest).any():
        return None
    sides = ends[is_side]
    direction = np.angle((sides[:, 1] - sides[:, 0]) @ np.array([1, 1j]))
    turns = np.angle(np.exp(1j * (np.roll(direction, -1) - direction)))
    whole = 2 * np.pi * np.sign(turns.sum())
    if np.abs(turns - whole / count).max() <= UNEVEN_TURN:
        return _Sides(sides, whole / count * np.arange(count), np.zeros(count), 0.0)
    if count % 2:
        return None
    # the first of two sides that meet in a tip comes first
    if (turns[0] - turns[1]) * whole < 0:
        sides, turns = np.roll(sides, -1, 0), np.roll(turns, -1)
    tip, notch = turns[::2].mean(), turns[1::2].mean()
    even = max(np.abs(turns[::2] - tip).max(), np.abs(turns[1::2] - notch).max())
    if even > UNEVEN_TURN or abs(tip + notch - 2 * whole / count) > UNEVEN_TURN:
        return None
    pairs = np.arange(count) // 2
    return _Sides(sides, 2 * whole / count * pairs, np.tile([-1.0, 1.0], count // 2), float(tip / 2))


def _joined(
    ends: Float64[np.ndarray, "S 2 2"], is_line: Bool[np.ndarray, "S"]
) -> tuple[Float64[np.ndarray, "S2 2 2"], Bool[np.ndarray, "S2"]]:
    """A path's segments, lines that go on in one direction as one."""
    direction = np.angle((ends[:, 1] - ends[:, 0]) @ np.array([1, 1j]))
    turns = np.abs(np.angle(np.exp(1j * (direction - np.roll(direction, 1)))))
    begins = ~(is_line & np.roll(is_line, 1) & (turns < STRAIGHT_ON))
    if begins.all() or not begins.any():
        return ends, is_line
    first = np.flatnonzero(begins)
    last = np.roll(first, -1) - 1
    return np.stack([ends[first, 0], ends[last, 1]], 1), is_line[first]


def _beside(
    points: Points, ends: Float64[np.ndarray, "n 2 2"]
) -> tuple[Float64[np.ndarray, "N n"], Float64[np.ndarray, "N n"]]:
    """Where points are along lines, 0 to 1, and how far from them."""
    way = ends[:, 1] - ends[:, 0]
    length = np.hypot(*way.T)
    to = points[:, None] - ends[None, :, 0]
    return (to * way).sum(2) / length**2, (to[..., 0] * way[:, 1] - to[..., 1] * way[:, 0]) / length


def _fitted(points: Points, side: Int64[np.ndarray, "N"], sides: _Sides) -> Float64[np.ndarray, "5"]:
    """Centre, the sides' distance from it, the angle of the first normal, and the spread, nearest to the points."""
    middles = sides.ends.mean(1)
    centre = middles.mean(0)
    way = sides.ends[:, 1] - sides.ends[:, 0]
    outward = way @ np.array([1, 1j]) * (-1j if _winding(sides) > 0 else 1j)
    # each side tells the first's angle: what is known of its own is taken off
    first = np.angle((outward / np.abs(outward) * np.exp(-1j * (sides.steps + sides.signs * sides.spread))).sum())
    value = np.array([*centre, 0.0, first, sides.spread])
    value[2] = _distances(middles, _normals(value, sides), value).mean()
    is_star = bool(sides.signs.any())
    for _ in range(ROUNDS):
        normals = _normals(value, sides)[side]
        turned = normals[:, [1, 0]] * (-1, 1)
        by_angle = ((points - value[:2]) * turned).sum(1)
        columns = [-normals[:, 0], -normals[:, 1], -np.ones(len(points)), by_angle]
        if is_star:
            columns.append(by_angle * sides.signs[side])
        step = np.linalg.lstsq(np.stack(columns, 1), -_distances(points, normals, value), rcond=None)[0]
        value[: len(step)] += step
    return value


def _by_lines_alone(points: Points, side: Int64[np.ndarray, "N"], sides: _Sides) -> float:
    """The mean square of what is left of the points if each side has a line of its own."""
    left = 0.0
    for number in range(len(sides.ends)):
        own = points[side == number]
        left += float(np.linalg.svd(own - own.mean(0), compute_uv=False)[-1] ** 2) if len(own) > 2 else 0.0
    return left / len(points)


def _winding(sides: _Sides) -> float:
    x, y = sides.ends[:, 0].T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())


def _normals(value: Float64[np.ndarray, "5"], sides: _Sides) -> Points:
    angles = value[3] + sides.steps + sides.signs * value[4]
    return np.stack([np.cos(angles), np.sin(angles)], 1)


def _distances(points: Points, normals: Points, value: Float64[np.ndarray, "5"]) -> Float64[np.ndarray, "N"]:
    """How far points lie outside the lines with these normals."""
    out: Float64[np.ndarray, "N"] = ((points - value[:2]) * normals).sum(1) - value[2]
    return out


def _upright(value: Float64[np.ndarray, "5"], sides: _Sides) -> Float64[np.ndarray, "5"]:
    """The shape turned to where an axis of symmetry is upright or level, if that moves its corners by a hair."""
    # axes of symmetry are half a step of the normals apart, and one goes through the first side's middle or tip
    step = np.pi / len(np.unique(sides.steps))
    quarters = [value[3] - angle for angle in np.arange(4) * np.pi / 2]
    off = min((float(np.remainder(each + step / 2, step) - step / 2) for each in quarters), key=abs)
    radius = np.hypot(*(_corners(value, sides) - value[:2]).T).max()
    return value - np.array([0, 0, 0, off, 0]) if abs(off) * radius <= UPRIGHT else value


def _corners(value: Float64[np.ndarray, "5"], sides: _Sides) -> Points:
    """Where each side meets the next."""
    angles = value[3] + sides.steps + sides.signs * value[4]
    following = np.roll(angles, -1)
    # between two lines at one distance the corner is half-way
    half = np.angle(np.exp(1j * (following - angles))) / 2
    middle, reach = angles + half, value[2] / np.cos(half)
    return np.asarray(value[:2] + np.stack([np.cos(middle), np.sin(middle)], 1) * reach[:, None])


def _polygon(corners: Points) -> Segments:
    following = np.roll(corners, -1, 0)
    return np.stack([corners, corners, following, following], 1), np.ones(len(corners), bool)
