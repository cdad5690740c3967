"""Outlines → Outlines in which closed arcs that are circles, ellipses or (rounded) rectangles are just that.

A closed arc is one when every point of its sub-pixel polyline lies within the tolerance of the primitive, as it does of
the path that the primitive replaces, and the points' root mean square distance is a third of that at most; of two that
do, the one of fewer numbers is taken unless the other is closer by more than its numbers' worth. The arc's segments are
replaced by the primitive's own (four cubics, four lines, or both), so that all who share the arc, and whatever reads
outlines, see the same curve; the writer names it where a shape is that one arc.

Circles and ellipses come from the moments of the area inside the polyline, a closed form: an ellipse of covariance C
has the area 4π√det C, a rectangle 12√det C, which tells at once what is worth a closer look. Rectangles come from the
four lines of the path; rounded ones from Gauss and Newton's method on the signed distance to a rounded box. Limits:
arcs that meet others at junctions are left as they are, and what is less than three pixels across is no rectangle here:
of so few pixels the outline tells too little, and `bars` looks at what they cover.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int64

from . import _primitive_kernels
from .outlines import Outlines, Primitive, Segments

KAPPA = 4 / 3 * (np.sqrt(2) - 1)  # handles of a quarter circle as a cubic
ELLIPSE_FROM, RECTANGLE_FROM, MOST = 0.985, 0.94, 1.01  # area over 4π√det C
# arcs, the largest of a picture, for each takes a fifth of a millisecond: of a screen of dots only so many are circles
MOST_LOOKED_AT = 2048
LEAST_POINTS = 8
RMS_SHARE = 1 / 3  # of the tolerance
PRICE = 0.006  # square pixels a number that a primitive needs, times ln n
LEAST_SIDE = 3.0
MOST_OFF = 0.2  # pixels that a corner of a path of four lines may lie off the rectangle's
ROUNDS, ENOUGH_POINTS = 6, 60  # of the search for a rounded rectangle

Points = Float64[np.ndarray, "N 2"]


@dataclass(frozen=True)
class _Candidate:
    """A primitive, how many numbers it needs, and the distances of points that tell how well it fits."""

    primitive: Primitive
    numbers: int
    distances: Float64[np.ndarray, "N"]

    @property
    def cost(self) -> float:
        """Sum of squares, and the price of its numbers."""
        price = PRICE * np.log(len(self.distances) + 1)
        return float(self.distances @ self.distances + price * self.numbers)

    def fits(self, tolerance: float) -> bool:
        """Are the distances within the tolerance, and most well within?"""
        if len(self.distances) < LEAST_POINTS // 2:
            return False
        mean_square = self.distances @ self.distances / len(self.distances)
        return bool(np.abs(self.distances).max() <= tolerance and mean_square <= (RMS_SHARE * tolerance) ** 2)


def with_primitives(
    outlines: Outlines, points: Float64[np.ndarray, "P 2"], offsets: Int64[np.ndarray, "A1"], tolerance: float
) -> Outlines:
    """The outlines with closed arcs as primitives where their polylines points[offsets[a]:offsets[a + 1]] are such."""
    planar_map = outlines.planar_map
    closed = (planar_map.start < 0) & (planar_map.left >= 0) & (planar_map.right >= 0)
    closed &= np.diff(offsets) > LEAST_POINTS
    found = {}
    for arc, moments in _promising(points, offsets, np.flatnonzero(closed)):
        path = slice(outlines.offsets[arc], outlines.offsets[arc + 1])
        inner = points[offsets[arc] : offsets[arc + 1] - 1]
        primitive = _primitive(inner, outlines.control_points[path], outlines.is_line[path], moments, tolerance)
        if primitive is not None:
            found[arc] = primitive
    return replaced(outlines, found) if found else outlines


def primitive_of(
    points: Points, control_points: Float64[np.ndarray, "S 4 2"], is_line: Bool[np.ndarray, "S"], tolerance: float
) -> Primitive | None:
    """The primitive that a closed polyline is, whose last point repeats its first, given the path fitted to it."""
    if len(points) <= LEAST_POINTS:
        return None
    for _, moments in _promising(points, np.array([0, len(points)]), np.zeros(1, np.int64)):
        return _primitive(points[:-1], control_points, is_line, moments, tolerance)
    return None


def _promising(
    points: Float64[np.ndarray, "P 2"], offsets: Int64[np.ndarray, "A1"], arcs: Int64[np.ndarray, "N"]
) -> Iterator[tuple[int, Float64[np.ndarray, "6"]]]:
    """The arcs whose area and moments are nearly those of an ellipse or a rectangle, with these."""
    moments = _primitive_kernels.area_moments(points, offsets, arcs)
    fullness = _fullness(moments)
    promising = np.flatnonzero((fullness >= RECTANGLE_FROM) & (fullness <= MOST))
    for k in largest(promising, moments[promising, 0]):
        yield int(arcs[k]), moments[k]


def largest(arcs: Int64[np.ndarray, "N"], sizes: Float64[np.ndarray, "N"]) -> Int64[np.ndarray, "M"]:
    """Of many arcs the MOST_LOOKED_AT largest, in the order that they are in."""
    return arcs[np.sort(np.argsort(-sizes, kind="stable")[:MOST_LOOKED_AT])]


def _fullness(moments: Float64[np.ndarray, "... 6"]) -> Float64[np.ndarray, "..."]:
    determinant = moments[..., 3] * moments[..., 5] - moments[..., 4] ** 2
    return np.asarray(moments[..., 0] / (4 * np.pi * np.sqrt(np.maximum(determinant, 1e-12))))


def _primitive(
    points: Points,
    control_points: Float64[np.ndarray, "S 4 2"],
    is_line: Bool[np.ndarray, "S"],
    moments: Float64[np.ndarray, "6"],
    tolerance: float,
) -> Primitive | None:
    area, centre, covariance = moments[0], moments[1:3], moments[[3, 4, 4, 5]].reshape(2, 2)
    round_ones = [_circle(points, centre), *_ellipses(points, centre, covariance)]
    best = _best(round_ones if _fullness(moments) >= ELLIPSE_FROM else [], tolerance)
    if best is None:
        best = _best(_rectangles(points, control_points, is_line, area, covariance), tolerance)
    return best


def _best(candidates: Sequence[_Candidate], tolerance: float) -> Primitive | None:
    fitting = [candidate for candidate in candidates if candidate.fits(tolerance)]
    return min(fitting, key=lambda candidate: candidate.cost).primitive if fitting else None


def _rectangles(
    points: Points,
    control_points: Float64[np.ndarray, "S 4 2"],
    is_line: Bool[np.ndarray, "S"],
    area: float,
    covariance: Float64[np.ndarray, "2 2"],
) -> list[_Candidate]:
    lines = control_points[is_line][:, [0, 3]]
    if len(is_line) == 4 == len(lines):
        found = _rectangle(points, lines)
    else:
        sides = lines[:, 1] - lines[:, 0]
        # one side runs along the longest line; where ends are round the path may have none, but then it is oblong
        longest = sides[np.hypot(*sides.T).argmax()] if len(sides) else np.linalg.eigh(covariance)[1][:, 1]
        found = _rounded(points, float(np.arctan2(longest[1], longest[0])), area)
    return [] if found is None else [found]


def _circle(points: Points, centre: Float64[np.ndarray, "2"]) -> _Candidate:
    radius = float(np.hypot(*(points - centre).T).mean())
    return _candidate(points, Primitive("circle", float(centre[0]), float(centre[1]), radius, radius), 3)


def _ellipses(
    points: Points, centre: Float64[np.ndarray, "2"], covariance: Float64[np.ndarray, "2 2"]
) -> list[_Candidate]:
    """The ellipse of these moments, and if it is nearly upright the upright one."""
    values, vectors = np.linalg.eigh(covariance)
    if values[0] <= 0:
        return []
    # an axis has no sign: between -90 and 90
    degrees = (float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))) + 90) % 180 - 90
    long, short = 2 * np.sqrt(values[1]), 2 * np.sqrt(values[0])
    # moments of a chain of chords miss what lies outside these: make up for it on average
    ellipse = Primitive("ellipse", float(centre[0]), float(centre[1]), float(long), float(short), degrees)
    outside = float(distances(points, ellipse).mean())
    ellipse = replace(ellipse, rx=ellipse.rx + outside, ry=ellipse.ry + outside)
    upright = _upright(ellipse)
    return [_candidate(points, ellipse, 5)] + ([] if upright is None else [_candidate(points, upright, 4)])


def _upright(primitive: Primitive) -> Primitive | None:
    """The primitive turned to the nearest axis, if that is less than ten degrees."""
    quarter = round(primitive.degrees / 90)
    if abs(primitive.degrees - 90 * quarter) > 10:
        return None
    rx, ry = (primitive.ry, primitive.rx) if quarter % 2 else (primitive.rx, primitive.ry)
    return replace(primitive, rx=rx, ry=ry, degrees=0.0)


def _rectangle(points: Points, lines: Float64[np.ndarray, "4 2 2"]) -> _Candidate | None:
    """The rectangle whose sides are four lines one after another, if these meet at right angles."""
    sides = lines[:, 1] - lines[:, 0]
    lengths = np.hypot(*sides.T)
    if lengths.min() < LEAST_SIDE:
        return None
    # sides of a rectangle have one direction once each is turned back by its quarter
    quarters = np.array([1, -1j, -1, 1j]) if _turn(sides[0], sides[1]) > 0 else np.array([1, 1j, -1, -1j])
    direction = ((sides[:, 0] + 1j * sides[:, 1]) * quarters).sum()
    degrees = float(np.degrees(np.angle(direction)))
    width, height = (lengths[0] + lengths[2]) / 2, (lengths[1] + lengths[3]) / 2
    centre = lines[:, 0].mean(0)
    rectangle = snapped(Primitive("rect", float(centre[0]), float(centre[1]), width / 2, height / 2, degrees))
    off = np.abs(_corners(rectangle)[:, None] - (lines[:, 0] @ np.array([1, 1j]))[None]).min(1).max()
    return _candidate(points, rectangle, 5) if off <= MOST_OFF else None


def _turn(a: np.ndarray, b: np.ndarray) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def _corners(rectangle: Primitive) -> np.ndarray:
    """The four corners of a rectangle as complex numbers x + iy."""
    turned = np.exp(1j * np.radians(rectangle.degrees))
    signs = np.array([1 + 1j, -1 + 1j, -1 - 1j, 1 - 1j])
    half = signs.real * rectangle.rx + 1j * signs.imag * rectangle.ry
    return np.asarray(rectangle.cx + 1j * rectangle.cy + turned * half)


def snapped(rectangle: Primitive) -> Primitive:
    """Upright where that moves no corner by more than a twentieth of a pixel; else an angle within 45° of upright."""
    quarter = round(rectangle.degrees / 90)
    rx, ry = (rectangle.ry, rectangle.rx) if quarter % 2 else (rectangle.rx, rectangle.ry)
    degrees = rectangle.degrees - 90 * quarter
    if abs(np.radians(degrees)) * np.hypot(rx, ry) <= 0.05:
        degrees = 0.0
    return replace(rectangle, rx=float(rx), ry=float(ry), degrees=float(degrees))


def _rounded(points: Points, angle: float, area: float) -> _Candidate | None:
    """The rounded rectangle nearest to the points, one side at about this angle."""
    turned = points @ _rotation(angle)
    low, high = turned.min(0), turned.max(0)
    half = (high - low) / 2
    # what the box has more than the area, its four corners are without
    radius = np.sqrt(max(0.0, 4 * half.prod() - area) / (4 - np.pi))
    if half.min() < LEAST_SIDE / 2 or radius > 1.2 * half.min() + 0.5:
        return None
    centre = _rotation(angle) @ ((low + high) / 2)
    value = np.array([*centre, *half, min(radius, half.min()), angle])
    some = points[:: 1 + len(points) // ENOUGH_POINTS]
    for _ in range(ROUNDS):
        distance, slope = _rounded_box(some, value)
        # a full round has no radius left to tell from its width: the ridge keeps such a step short
        step = np.linalg.solve(slope.T @ slope + 1e-6 * np.eye(6), -(slope.T @ distance))
        value = value + step
        value[4] = np.clip(value[4], 0.0, value[2:4].min())
        if np.abs(step).max() < 3e-3:
            break
    if value[2:4].min() < LEAST_SIDE / 2 or not np.isfinite(value).all():
        return None
    cx, cy, rx, ry, r, angle = map(float, value)
    # a corner of less than a pixel's radius is what anti-aliasing makes of a sharp one
    rounded = Primitive("rect", cx, cy, rx, ry, float(np.degrees(angle)), r if r >= 1 else 0.0)
    return _candidate(points, snapped(rounded), 6)


def rounded_as(rectangle: Primitive, points: Points) -> Primitive:
    """The rectangle with its corners as round as points on them say; its sides stay."""
    for _ in range(ROUNDS):
        value = np.array([rectangle.cx, rectangle.cy, rectangle.rx, rectangle.ry, rectangle.corner, 0.0])
        distance, slope = _rounded_box(points, value)
        slope = slope[:, 4]
        step = -float(distance @ slope) / max(float(slope @ slope), 1e-9)
        corner = float(np.clip(rectangle.corner + step, 0.0, min(rectangle.rx, rectangle.ry)))
        rectangle = replace(rectangle, corner=corner)
    return rectangle


def _rotation(angle: float) -> Float64[np.ndarray, "2 2"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


def _rounded_box(
    points: Points, value: Float64[np.ndarray, "6"]
) -> tuple[Float64[np.ndarray, "N"], Float64[np.ndarray, "N 6"]]:
    """Signed distances to a rounded box (centre, half sides, radius, angle), and their slopes by these numbers."""
    turn = _rotation(value[5])
    local = (points - value[:2]) @ turn
    sign = np.where(local < 0, -1.0, 1.0)
    q = np.abs(local) - value[2:4] + value[4]
    outside = np.maximum(q, 0)
    length = np.hypot(*outside.T)
    distance = length + np.minimum(q.max(1), 0) - value[4]
    axis = np.stack([q[:, 0] >= q[:, 1], q[:, 0] < q[:, 1]], 1).astype(float)
    normal = np.where(length[:, None] > 0, outside / np.maximum(length, 1e-12)[:, None], axis)
    local_normal = normal * sign
    slope = np.empty((len(points), 6))
    slope[:, :2] = -local_normal @ turn.T
    slope[:, 2:4] = -normal
    slope[:, 4] = normal.sum(1) - 1
    slope[:, 5] = local_normal[:, 0] * local[:, 1] - local_normal[:, 1] * local[:, 0]
    return distance, slope


def distances(points: Points, primitive: Primitive) -> Float64[np.ndarray, "N"]:
    """How far points lie outside a primitive, negative inside; near an ellipse to first order."""
    if primitive.kind == "rect":
        value = np.array(
            [primitive.cx, primitive.cy, primitive.rx, primitive.ry, primitive.corner, np.radians(primitive.degrees)]
        )
        return _rounded_box(points, value)[0]
    local = (points - (primitive.cx, primitive.cy)) @ _rotation(np.radians(primitive.degrees))
    scaled = local / (primitive.rx, primitive.ry)
    value = np.hypot(*scaled.T)
    slope = np.hypot(*(scaled / (primitive.rx, primitive.ry)).T)
    return np.asarray((value - 1) * value / np.maximum(slope, 1e-9))


def _candidate(points: Points, primitive: Primitive, numbers: int) -> _Candidate:
    distance = distances(points, primitive)
    if primitive.kind == "rect" and primitive.corner == 0:
        # beside a sharp corner anti-aliasing rounds the polyline, whatever the path
        at = points @ np.array([1, 1j])
        distance = distance[np.abs(at[:, None] - _corners(primitive)).min(1) > 1.5]
    return _Candidate(primitive, numbers, distance)


def replaced(outlines: Outlines, found: Mapping[int, Primitive]) -> Outlines:
    """The outlines with these arcs' segments made anew."""
    areas = outlines.planar_map.signed_areas()
    arcs = {}
    for arc, primitive in found.items():
        segments, is_line = segments_of(primitive)
        if areas[2 * arc] < 0:
            segments, is_line = segments[::-1, ::-1], is_line[::-1]
        arcs[arc] = (segments, is_line), primitive
    return outlines.with_arcs(arcs)


def segments_of(primitive: Primitive) -> Segments:
    """A primitive's segments, walked so that it lies on the left (in y-down images, counter-clockwise as seen)."""
    rx, ry = primitive.rx, primitive.ry
    ax, ay = (rx, ry) if primitive.kind != "rect" else (primitive.corner, primitive.corner)
    segments, is_line = [], []
    # quarters in walking order: from the right by the top to the left, and back by the bottom
    for sx, sy, upright in ((1, -1, True), (-1, -1, False), (-1, 1, True), (1, 1, False)):
        corner = np.array([sx * (rx - ax), sy * (ry - ay)])
        side, cap = np.array([sx * ax, 0.0]), np.array([0.0, sy * ay])
        first, last = (side, cap) if upright else (cap, side)
        if ax > 0:
            segments.append(corner + np.array([first, first + KAPPA * last, last + KAPPA * first, last]))
            is_line.append(False)
        onward = np.array([-sx * (rx - ax), sy * (ry - ay)]) if upright else np.array([sx * (rx - ax), -sy * (ry - ay)])
        begin, end = corner + last, onward + last
        if np.abs(end - begin).max() > 1e-9:
            segments.append(np.array([begin, begin, end, end]))
            is_line.append(True)
    turned = np.array(segments) @ _rotation(np.radians(primitive.degrees)).T
    return turned + np.array([primitive.cx, primitive.cy]), np.array(is_line)
