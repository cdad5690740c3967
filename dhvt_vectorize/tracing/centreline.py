"""Samples of a thin region's outline → chains of points along its middle, with corners, junctions and ends told apart.

The samples are triangulated (Delaunay). A chord between two of them is *even* if it is as long as the stroke is wide
and the outline runs alongside at both its ends. Even chords cut the region into zones: one with two chords is a stretch
of a stroke, or a corner where it is longer; one with a single chord is an end, one with three or more a junction. So no
branch has to be pruned. The middles of even chords are the chains' points: where the outline is off by some noise,
they are by half of it.

Where a stroke is much narrower than its pen two strokes touch, so that both end there.

At a corner a chain goes to where the directions of its two sides meet; at a junction the two that go on most nearly
straight are one chain, and what is left over ends on it. Method: after the chordal axis transform (Prasad,
"Morphological analysis of shapes", CNLS Newsletter 139, 1997). Limit: junctions closer than a width count as one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, pairwise
from math import dist

import numpy as np
import shapely
from jaxtyping import Bool, Float64, Int64

from . import _end_kernels, _stroke_kernels

EVEN, EVEN_PIXELS = 0.06, 0.25  # of its width, and in pixels, by which an even stroke varies
ALONGSIDE = 0.93  # cosine between a chord and the outline's normals at its ends
MOSTLY = 0.3  # of the samples: so many even chords at least
LONG = 0.5  # widths between two even chords from which on what lies between may turn
TURN_COS = np.cos(np.radians(20.0))  # of a corner at least,
FORK_COS = np.cos(np.radians(50.0))  # of one at a junction, where a bend is not seen,
BACK_COS = np.cos(np.radians(165.0))  # and at most
NECK, NECK_PIXELS = 0.7, 2.0  # of its width, and pixels less than it, below which a stroke is no longer one
FLAT = 0.13  # sine of the angle between a triangle's shortest and longest sides
SPUR = 0.5  # widths of even chords that are no arm of a junction
SHARP_COS = np.cos(np.radians(45.0))  # between the sides of a corner whose round join may have such
NEAR_END = 0.25  # widths before an end from which on no other point is needed: short lines would turn there
SPACING = 0.7  # pixels between the points of a chain, at least

Points = Float64[np.ndarray, "N 2"]


@dataclass(frozen=True)
class Chain:
    """A line along the middle of a stroke.

    Attributes:
        points: float64 (N, 2); of a closed one the last repeats the first.
        is_corner: bool (N,).
        is_closed: whether it is.
    """

    points: Points
    is_corner: Bool[np.ndarray, "N"]
    is_closed: bool


@dataclass(frozen=True)
class Centreline:
    """A region's middle.

    Attributes:
        chains: at least one; they end where the region does, or at the centres of its half circles.
        width: in pixels, the mean of the even chords.
        is_round: whether the ends of the region are nearer to half circles than to straight lines.
    """

    chains: tuple[Chain, ...]
    width: float
    is_round: bool


@dataclass(frozen=True)
class _Chords:
    """Even chords, and the zones into which they cut the region.

    Attributes:
        middle: float64 (C, 2).
        zones: int64 (C, 2), on both sides.
        of_zone: by zone, its chords.
        ends: of these, those of zones that are no plain stretch.
        width: their mean length across.
    """

    middle: Points
    zones: Int64[np.ndarray, "C 2"]
    of_zone: dict[int, list[int]]
    ends: dict[int, list[int]]
    width: float


@dataclass(frozen=True)
class _End:
    """A free end: where a flat one would be, where a round one's centre, the direction out of it, and by how much a
    straight line is a worse end than a half circle, in square pixels."""

    reach: np.ndarray
    centre: np.ndarray
    direction: np.ndarray
    rounder: float


@dataclass
class _Stretch:
    """Middles of chords from one zone to another: `zones`, where its ends go on (stretch, side), and the point beyond
    each."""

    middle: Points
    zones: tuple[int, int]
    onward: list[tuple[int, int] | None] = field(default_factory=lambda: [None, None])
    beyond: list[Points] = field(default_factory=lambda: [np.zeros((0, 2)), np.zeros((0, 2))])

    def ray(self, side: int, width: float) -> tuple[np.ndarray, np.ndarray]:
        """A point at its end, and the direction out of it."""
        x, y, along_x, along_y = self.leaving(side, width)
        return np.array([x, y]), np.array([along_x, along_y])

    def leaving(self, side: int, width: float) -> Float64[np.ndarray, "4"]:
        """See `_end_kernels.ray`."""
        return np.asarray(_end_kernels.ray(np.ascontiguousarray(self.middle[:: 1 if side else -1]), width))


def find_centreline(
    points: Points, normals: Points, offsets: Int64[np.ndarray, "R1"], traced: Points
) -> Centreline | None:
    """The middle of a region, or None where it is no stroke.

    Args:
        points, normals: samples of its outline, a quarter of its width apart at most, and the unit normals there that
            point into the region.
        offsets: of its rings among these, the outer one first.
        traced: float64 (M, 2), the points of its outline as traced.
    """
    rings = [points[a:b] for a, b in pairwise(offsets.tolist())]
    polygon = shapely.Polygon(rings[0], rings[1:])
    chords = _even_chords(points, normals, polygon)
    if chords is None or len(chords.middle) < 2:
        return None
    stretches = _without_spurs(_stretches(chords), chords.width)
    free: dict[tuple[int, int], _End] = {}
    for ends in _ends_by_zone(stretches).values():
        if min(len(stretches[number].middle) for number, _ in ends) < 2:
            return None
        if len(ends) == 1:
            number, side = ends[0]
            end = _end(stretches[number], side, traced, chords.width)
            if end is None:
                return None
            free[number, side] = end
        elif not _joined(stretches, ends, chords.width):
            return None
    is_round = sum(end.rounder for end in free.values()) > 0
    for (number, side), end in free.items():
        _lead_to(stretches[number], side, end, is_round, chords.width)
    chains = tuple(_chains(stretches))
    if any(len(chain.points) < (4 if chain.is_closed else 2) for chain in chains):
        return None
    return Centreline(chains, chords.width, is_round)


def line_through(points: Points) -> tuple[Float64[np.ndarray, "2"], Float64[np.ndarray, "2"]]:
    """The points' centre, and the direction of the line through it that is nearest to them."""
    centre = points.mean(0)
    x, y = (points - centre).T
    angle = 0.5 * np.arctan2(2 * (x @ y), x @ x - y @ y)
    return centre, np.array([np.cos(angle), np.sin(angle)])


def way_along(points: Points) -> Float64[np.ndarray, "N"]:
    """How far it is from the first point to each, along the polyline."""
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])


def _even_chords(points: Points, normals: Points, polygon: shapely.Polygon) -> _Chords | None:
    from scipy.spatial import Delaunay

    mesh = Delaunay(points)
    shapely.prepare(polygon)
    inside = shapely.contains_xy(polygon, *points[mesh.simplices].mean(1).T)
    middle, zones, width = _stroke_kernels.even_chords(
        points, normals, mesh.simplices, mesh.neighbors, inside, (FLAT, ALONGSIDE, EVEN, EVEN_PIXELS, NECK, NECK_PIXELS)
    )
    if len(middle) < MOSTLY * len(points):
        return None
    of_zone: dict[int, list[int]] = {}
    for chord, pair in enumerate(zones.tolist()):
        for zone in pair:
            of_zone.setdefault(zone, []).append(chord)
    places = middle.tolist()
    ends = {
        zone: found
        for zone, found in of_zone.items()
        if len(found) != 2 or dist(places[found[0]], places[found[1]]) > LONG * width
    }
    return _Chords(middle, zones, of_zone, ends, width)


def _stretches(chords: _Chords) -> list[_Stretch]:
    """Chords in walking order, from a zone of `chords.ends` to another, or round and round."""
    zones = chords.zones.tolist()
    waiting = dict.fromkeys(range(len(chords.middle)))
    found = []

    def walk(chord: int, zone: int) -> tuple[list[int], int]:
        """From a chord over a plain zone to the next, until there is none."""
        walked = []
        while chord in waiting:
            del waiting[chord]
            walked.append(chord)
            one, other = zones[chord]
            zone = other if zone == one else one
            if zone in chords.ends:
                return walked, zone
            first, second = chords.of_zone[zone]
            chord = second if first == chord else first
        return walked, -1

    for zone, ends in chords.ends.items():
        for chord in ends:
            if chord in waiting:
                walked, last = walk(chord, zone)
                found.append(_Stretch(chords.middle[walked], (zone, last)))
    for chord in list(waiting):
        if chord in waiting:
            walked, _ = walk(chord, zones[chord][0])
            found.append(_Stretch(chords.middle[walked], (-1, -1)))
    return found


def _ends_by_zone(stretches: list[_Stretch]) -> dict[int, list[tuple[int, int]]]:
    """By zone, the stretches that end there, and at which side; what goes round and round ends nowhere."""
    found: dict[int, list[tuple[int, int]]] = {}
    for number, stretch in enumerate(stretches):
        for side, zone in enumerate(stretch.zones):
            if zone >= 0:
                found.setdefault(zone, []).append((number, side))
    return found


def _without_spurs(stretches: list[_Stretch], width: float) -> list[_Stretch]:
    """Without what seems to end just beyond where two others meet, and is the round join of their sharp corner."""
    at_zone = _ends_by_zone(stretches)
    spurs = set()
    for number, stretch in enumerate(stretches):
        free, zone = sorted(stretch.zones, key=lambda zone: len(at_zone.get(zone, ())))
        is_arm = len(at_zone.get(free, ())) == 1 and len(at_zone[zone]) == 3
        if not is_arm or np.hypot(*np.ptp(stretch.middle, 0)) > SPUR * width:
            continue
        (_, one), (_, other) = (stretches[n].ray(side, width) for n, side in at_zone[zone] if n != number)
        if one @ other > SHARP_COS:
            spurs.add(number)
    return [stretch for number, stretch in enumerate(stretches) if number not in spurs]


def _end(stretch: _Stretch, side: int, traced: Points, width: float) -> _End | None:
    """How a stretch ends there, or None where no end is seen."""
    leaving = stretch.leaving(side, width)
    found = _end_kernels.end_of(traced, leaving, width)
    return None if np.isnan(found[0]) else _End(found[:2], found[2:4], leaving[2:], float(found[4]))


def _lead_to(stretch: _Stretch, side: int, end: _End, is_round: bool, width: float) -> None:
    """Let a stretch end where its cap's centre is, or its flat end; nothing of the way there may lie beyond."""
    to = end.centre if is_round else end.reach
    offset = stretch.middle - to
    beyond = (offset @ end.direction > -NEAR_END * width) & (np.hypot(*offset.T) <= width)
    beyond[0 if side else -1] = False
    stretch.middle = stretch.middle[~beyond]
    stretch.beyond[side] = to[None]


def _joined(stretches: list[_Stretch], ends: list[tuple[int, int]], width: float) -> bool:
    """Lead the ends at a corner or junction on to one another, the straightest first; False where they do not meet."""
    rays = {end: stretches[end[0]].ray(end[1], width) for end in ends}
    pairs = sorted(combinations(ends, 2), key=lambda pair: float(rays[pair[0]][1] @ rays[pair[1]][1]))
    place = None
    left = list(ends)
    for one, other in pairs:
        if one not in left or other not in left:
            continue
        (a, along_a), (b, along_b) = rays[one], rays[other]
        straight = -float(along_a @ along_b)
        corner = None
        if straight < (TURN_COS if len(ends) == 2 else FORK_COS):
            corner = _crossing(a, along_a, b, along_b) if straight > BACK_COS else None
            if corner is None:
                return False
            stretches[one[0]].beyond[one[1]] = corner[None]
        stretches[one[0]].onward[one[1]], stretches[other[0]].onward[other[1]] = other, one
        left = [end for end in left if end not in (one, other)]
        if place is None:
            place = (a, b - a, corner)
    for end in left:
        assert place is not None
        a, along, corner = place
        to = corner if corner is not None else _crossing(*rays[end], a, along)
        if to is None or np.hypot(*(to - rays[end][0])) > 2 * width:
            return False
        stretches[end[0]].beyond[end[1]] = to[None]
    return True


def _crossing(a: np.ndarray, along_a: np.ndarray, b: np.ndarray, along_b: np.ndarray) -> np.ndarray | None:
    """Where two lines meet, if they do so at an angle."""
    cross = along_a[0] * along_b[1] - along_a[1] * along_b[0]
    if abs(cross) < 0.2 * np.hypot(*along_a) * np.hypot(*along_b):
        return None
    t = ((b - a)[0] * along_b[1] - (b - a)[1] * along_b[0]) / cross
    return np.asarray(a + t * along_a)


def _chains(stretches: list[_Stretch]) -> list[Chain]:
    """The stretches as they lead on to one another."""
    waiting = dict.fromkeys(range(len(stretches)))
    found = []

    def walk(number: int, side: int) -> tuple[list[Points], list[int]]:
        """Points and corners from a stretch's `side` on."""
        parts: list[Points] = []
        corners: list[int] = []
        count = 0
        while number in waiting:
            del waiting[number]
            stretch = stretches[number]
            out = 1 - side
            parts.append(_spaced(stretch.middle[:: 1 if out else -1]))
            count += len(parts[-1])
            onward = stretch.onward[out]
            beyond = stretch.beyond[out]
            if onward is not None and not len(beyond):
                beyond = stretches[onward[0]].beyond[onward[1]]
            if onward is not None and len(beyond):
                corners.append(count)
            parts.append(beyond)
            count += len(beyond)
            if onward is None:
                break
            number, side = onward
        return parts, corners

    for number, stretch in enumerate(stretches):
        for side in (0, 1):
            if number in waiting and stretch.onward[side] is None and stretch.zones != (-1, -1):
                parts, corners = walk(number, side)
                shift = len(stretch.beyond[side])
                found.append(_chain([stretch.beyond[side], *parts], [c + shift for c in corners], False))
    for number in list(waiting):
        if number in waiting:
            found.append(_chain(*walk(number, 0), True))
    return found


def _chain(parts: list[Points], corners: list[int], closed: bool) -> Chain:
    points = np.concatenate(parts)
    is_corner = np.zeros(len(points), bool)
    is_corner[corners] = True
    if closed:
        first = corners[0] if corners else 0
        points, is_corner = np.roll(points, -first, 0), np.roll(is_corner, -first)
        points, is_corner = np.concatenate([points, points[:1]]), np.append(is_corner, is_corner[0])
    return Chain(*with_straight_ways(points, is_corner, closed), closed)


def with_straight_ways(
    points: Points, is_corner: Bool[np.ndarray, "N"], closed: bool
) -> tuple[Points, Bool[np.ndarray, "N"]]:
    """With points on the straight ways to corners and open ends, where there are no chords."""
    straight = is_corner[:-1] | is_corner[1:]
    if not closed:
        straight[[0, -1]] = True
    length = np.hypot(*np.diff(points, axis=0).T)
    counts = np.where(straight, np.maximum(1, np.floor(length)), 1).astype(int)
    index = np.repeat(np.arange(len(counts)), counts)
    t = ((np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)) / counts[index])[:, None]
    filled = points[index] * (1 - t) + points[index + 1] * t
    corners = is_corner[index] & (t[:, 0] == 0)
    return np.concatenate([filled, points[-1:]]), np.append(corners, is_corner[-1])


def _spaced(points: Points) -> Points:
    """The points without those that are closer than SPACING along the way; the first and the last stay."""
    if len(points) < 3:
        return points
    way = way_along(points)
    step = np.floor(way / SPACING)
    keep = np.append(True, np.diff(step) > 0)
    keep[-1] = True
    return np.asarray(points[keep])
