"""A thin region's outline → the stroke that draws it: chains along its middle, a width, a cap and a join.

A region is thin if it is longer than wide, by area and perimeter. Quick looks across it, from points of its outline,
tell most of what is no stroke: it is not about as wide from most points, or narrower from some, as no pen is. Its
middle (`centreline`) is fitted by lines and cubics as any outline is (`curves`); a closed one may be a primitive. The
ends tell the cap, and of two joins the one is taken whose stroke lies nearer to the outline. A stroke is taken if it
has fewer nodes than the outline, the traced points lie near the stroke's outline, most well within the tolerance, and
the two differ by little area. The farthest may lie somewhat farther than a path's: at a small cap or corner tracing is
less exact than the pen.

A row of dashes, which touch where their ends are round, is one stroke of many lines, and where the row is closed a
way around leads through all of them. Limit: a region of strokes of several widths is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from jaxtyping import Bool, Float64, Int64

from . import _stroke_kernels
from .centreline import Centreline, Chain, Points, find_centreline, line_through, with_straight_ways
from .curves import fit_between_corners
from .outlines import Primitive, Segments, flattened
from .pens import MITER_LIMIT, Cap, Join
from .primitives import primitive_of, segments_of

LEAST_LENGTH, LEAST_FLAT = 1.6, 4.0  # widths, and of a line with straight ends
LEAST_WIDTH = 0.8  # pixels; thinner lines are drawn as faint ones of a pixel by some viewers
SAMPLES_A_WIDTH, MOST_SPACING = 3.2, 2.5
TANGENT = 1.5  # pixels either side over which the outline's direction is taken
MOST_SAMPLES = 4000  # of a region that is looked at
MOST_CHORDS = 64  # that a cubic becomes
MOSTLY_BESIDE = 0.7  # of the outline, half a width from the middle: all but corners and straight ends
LEAST_NODES = 2  # of a stroke
LEAST_MEAN, MOST_MEAN = 0.7, 1.15  # of the width across most places, the width that area and perimeter tell
RAYS = 48  # looks across a region, about
MOST_NARROWER, MOST_WIDER = 0.06, 0.5  # shares of them
ENOUGH_POINTS = 160  # of the outline, about, that are compared
FARTHEST, RMS_SHARE = 2.0, 0.4  # of the tolerance
MIDDLE = 0.6  # of the tolerance: a middle is known better than an outline, and its fit's error adds to what is left
LEAST_DASHES, MOST_GAP = 3, 2.0  # of a ring, and widths between the middles of two
ROUND = 0.25  # pixels that a corner's radius may be less than half a bar's width for a half circle
SNAP = 0.12  # pixels that an end moves for its line to be level, upright or diagonal

JOINS: tuple[Join, ...] = ("miter", "round")


@dataclass(frozen=True)
class Stroke:
    """What a pen draws.

    Attributes:
        chains: control points and line flags of each, as in `Outlines`; one whose end is its start is closed.
        primitives: of each chain, what it is if it is one.
        width: in pixels.
        cap, join: of its ends and its corners.
        around: a closed line through all chains where they are a row of dashes.
    """

    chains: tuple[Segments, ...]
    primitives: tuple[Primitive | None, ...]
    width: float
    cap: Cap
    join: Join
    around: Segments | None = None

    @property
    def nodes(self) -> int:
        """Of all chains; a primitive counts as a path of its segments."""
        return sum(len(points) + (not _is_closed(points)) for points, _ in self.chains)

    def fill(self) -> shapely.Geometry | None:
        """What is inside its chains, which SVG closes, or None where they overlap."""
        return _inside([_flat(points, is_line) for points, is_line in self.chains])

    def fill_around(self) -> shapely.Geometry | None:
        """What is inside `around`, None where there is none."""
        return None if self.around is None else _inside([_flat(*self.around)])

    def is_short(self) -> bool:
        """Is it a single line with straight ends that would as well be a rectangle?"""
        (points, is_line), *others = self.chains
        if others or len(points) > 1 or not is_line[0] or self.cap != "butt":
            return False
        return bool(np.hypot(*(points[0, 3] - points[0, 0])) < LEAST_FLAT * self.width)

    def polygon(self) -> shapely.Geometry:
        """What it covers, curves as chords."""
        lines = []
        for points, is_line in self.chains:
            along = _flat(points, is_line)
            if _is_closed(points):
                lines.append(shapely.LinearRing(along))
            else:
                lines.append(shapely.LineString(np.concatenate([along, points[-1:, 3]])))
        cap = "flat" if self.cap == "butt" else "round"
        join = "mitre" if self.join == "miter" else "round"
        parts = shapely.buffer(
            lines,
            self.width / 2,
            quad_segs=_chords(np.pi / 4 * self.width),
            cap_style=cap,
            join_style=join,
            mitre_limit=MITER_LIMIT,
        )
        return shapely.union_all(parts)


def is_thin(area: float, perimeter: float) -> bool:
    """Whether a region of this area and perimeter could be a stroke of some length."""
    width = _mean_width(area, perimeter)
    return width >= LEAST_WIDTH and area >= LEAST_LENGTH * width * width


def line_of(bar: Primitive) -> Stroke | None:
    """The line that draws a rectangle with square ends or half circles, or None where it is another primitive or short.

    A bar is known better than its traced points tell (see `bars`).
    """
    short, long = sorted((bar.rx, bar.ry))
    is_round = short - bar.corner <= ROUND
    if bar.kind != "rect" or not (is_round or bar.corner == 0):
        return None
    angle = np.radians(bar.degrees if bar.rx >= bar.ry else bar.degrees + 90)
    half = (long - short if is_round else long) * np.array([np.cos(angle), np.sin(angle)])
    centre = np.array([bar.cx, bar.cy])
    line = np.array([[centre - half, centre - half, centre + half, centre + half]])
    stroke = Stroke(((line, np.ones(1, bool)),), (None,), 2 * short, "round" if is_round else "butt", JOINS[0])
    return None if stroke.is_short() else stroke


def fit_stroke(nodes: int, polylines: Sequence[Points], tolerance: float) -> Stroke | None:
    """The stroke that draws a region, or None where there is none of fewer nodes that fits.

    Args:
        nodes: of the region's outline.
        polylines: the traced points of its rings, the region on their left, the outer ring first, no point repeated.
        tolerance: how far these may lie from the stroke's outline, in pixels.
    """
    if nodes <= LEAST_NODES or min(map(len, polylines)) < 4:
        return None
    traced, offsets = np.concatenate(polylines), np.cumsum([0, *map(len, polylines)], dtype=np.int64)
    centreline = _middle_of(traced, offsets)
    if centreline is None:
        return None
    # enough of them to compare
    step, middle = 1 + len(traced) // ENOUGH_POINTS, np.concatenate([chain.points for chain in centreline.chains])
    if _stroke_kernels.share_beside(traced, step, middle, centreline.width, FARTHEST * tolerance) < MOSTLY_BESIDE:
        return None
    fitted = _fitted(centreline, tolerance)
    if fitted is None or fitted.nodes >= nodes or fitted.is_short():
        return None
    polygon = shapely.Polygon(polylines[0], polylines[1:])
    # strokes that touch at a point may be traced as crossing there
    return _verified(fitted, traced[::step], polygon if polygon.is_valid else shapely.make_valid(polygon), tolerance)


def _middle_of(traced: Points, offsets: Int64[np.ndarray, "R1"]) -> Centreline | None:
    """The middle of what could be a stroke, as far as quick looks tell."""
    area, perimeter = _stroke_kernels.area_and_perimeter(traced, offsets)
    width = _mean_width(area, perimeter)
    spacing = min(MOST_SPACING, width / SAMPLES_A_WIDTH)
    if not is_thin(area, perimeter) or perimeter / spacing > MOST_SAMPLES or not _is_even(traced, offsets, width):
        return None
    points, normals, rings = _stroke_kernels.samples(traced, offsets, spacing, TANGENT)
    return find_centreline(points, normals, rings, traced)


def _verified(fitted: Stroke, traced: Points, polygon: shapely.Geometry, tolerance: float) -> Stroke | None:
    """The stroke with the join that suits the traced points best, or None where they or the area are too far off."""
    joins = JOINS if any(len(points) > 1 for points, _ in fitted.chains) else JOINS[:1]
    strokes = [replace(fitted, join=join) for join in joins]
    drawn = [stroke.polygon() for stroke in strokes]
    off = [_distance(traced, covered) for covered in drawn]
    nearest = min(range(len(joins)), key=lambda k: float(off[k] @ off[k]))
    if np.sqrt(np.mean(off[nearest] ** 2)) > RMS_SHARE * tolerance or off[nearest].max() > FARTHEST * tolerance:
        return None
    # the other way round: nothing is drawn that is not there
    surplus = drawn[nearest].symmetric_difference(polygon).area
    return strokes[nearest] if surplus <= RMS_SHARE * tolerance * polygon.length else None


def _flat(points: Float64[np.ndarray, "S 4 2"], is_line: Bool[np.ndarray, "S"]) -> Points:
    """The starts of chords that lie within a fortieth of a pixel of a path."""
    return flattened(points, is_line, _chords(float(np.hypot(*np.diff(points, axis=1).T).sum(0).max())))


def _chords(length: float) -> int:
    """How many chords a quarter of a circle of this length takes."""
    return int(min(MOST_CHORDS, np.ceil(np.sqrt(8 * length)) + 1))


def _inside(lines: Sequence[Points]) -> shapely.Geometry | None:
    """The polygons that lines enclose, None where they overlap, for then their directions would count."""
    polygons = [shapely.Polygon(line) for line in lines if len(line) > 2]
    polygons = [polygon for polygon in polygons if polygon.area > 0]
    if not all(polygon.is_valid for polygon in polygons):
        return None
    whole = shapely.union_all(polygons)
    return whole if whole.area > 0.999 * sum(polygon.area for polygon in polygons) else None


def _around(chains: Sequence[Chain], width: float, tolerance: float) -> Segments | None:
    """The closed line through open chains, each of which ends near the next, if they are a ring of dashes."""
    if len(chains) < LEAST_DASHES or any(chain.is_closed for chain in chains):
        return None
    ends = np.concatenate([chain.points[[0, -1]] for chain in chains])
    apart = np.hypot(*np.moveaxis(ends[:, None] - ends, 2, 0))
    own = np.arange(len(ends))
    apart[own, own] = apart[own, own ^ 1] = np.inf
    nearest = apart.argmin(1)
    if (nearest[nearest] != own).any() or apart[own, nearest].max() > MOST_GAP * width:
        return None
    parts, corners, end = [], [], 0
    while True:
        chain, step = chains[end // 2], -1 if end % 2 else 1
        parts.append(chain.points[::step])
        corners.append(chain.is_corner[::step])
        end = int(nearest[end ^ 1])
        if end == 0:
            break
    if len(parts) < len(chains):
        return None
    points, is_corner = with_straight_ways(
        np.concatenate([*parts, parts[0][:1]]), np.append(np.concatenate(corners), False), True
    )
    controls, is_line, _ = fit_between_corners(
        points, np.array([0, len(points)]), np.array([-1], np.int32), np.zeros(1, bool), is_corner, tolerance
    )
    return controls, is_line


def _is_even(points: Points, offsets: Int64[np.ndarray, "R1"], mean_width: float) -> bool:
    """Whether a region is about as wide from most points of its outline, and hardly anywhere narrower, for a pen is
    not: a quick look before a long one."""
    width, narrower, wider = _stroke_kernels.evenness(points, offsets, 1 + len(points) // RAYS)
    is_wide_on_average = LEAST_MEAN * width <= mean_width <= MOST_MEAN * width
    return bool(is_wide_on_average and narrower <= MOST_NARROWER and wider <= MOST_WIDER)


def _mean_width(area: float, perimeter: float) -> float:
    """The width of a stroke with round ends of this area and perimeter."""
    return float((perimeter - np.sqrt(max(0.0, perimeter**2 - 4 * np.pi * area))) / np.pi)


def _distance(points: Points, polygon: shapely.Geometry) -> Float64[np.ndarray, "N"]:
    boundary = polygon.boundary
    shapely.prepare(boundary)
    return np.asarray(shapely.distance(shapely.points(points), boundary))


def _fitted(centreline: Centreline, tolerance: float) -> Stroke | None:
    width = centreline.width
    cap: Cap = "round" if centreline.is_round else "butt"
    chains = [chain.points for chain in centreline.chains]
    offsets = np.cumsum([0, *map(len, chains)], dtype=np.int64)
    closed = np.array([chain.is_closed for chain in centreline.chains])
    controls, is_line, segments = fit_between_corners(
        np.concatenate(chains), offsets, np.where(closed, -1, 0).astype(np.int32), np.zeros(len(chains), bool),
        np.concatenate([chain.is_corner for chain in centreline.chains]), MIDDLE * tolerance,
    )  # fmt: skip
    fitted: list[Segments] = []
    primitives: list[Primitive | None] = []
    for k, points in enumerate(chains):
        part = slice(segments[k], segments[k + 1])
        path, lines = controls[part].copy(), is_line[part]
        if closed[k] and len(path) < 3 and lines.any():
            return None
        primitive = primitive_of(points, path, lines, tolerance) if closed[k] else None
        if primitive is None and not closed[k]:
            if len(path) == 1 and lines[0]:
                _straighten(path[0], points[1:-1])
            _snap_ends(path, lines)
        primitives.append(primitive)
        fitted.append((path, lines) if primitive is None else segments_of(primitive))
    around = _around(centreline.chains, width, tolerance)
    return Stroke(tuple(fitted), tuple(primitives), width, cap, "miter", around)


def _straighten(line: Float64[np.ndarray, "4 2"], points: Points) -> None:
    """Move the ends of a line onto the line nearest to all its points, of which each alone is less sure."""
    if len(points) > 2:
        centre, direction = line_through(points)
        line[:] = centre + ((line - centre) @ direction)[:, None] * direction


def _snap_ends(path: Float64[np.ndarray, "S 4 2"], is_line: Bool[np.ndarray, "S"]) -> None:
    """Move the ends of an open path by at most SNAP so that its first and last lines are level, upright or diagonal."""
    for segment, end in ((0, 0), (-1, 3)):
        if not is_line[segment]:
            continue
        node = path[segment, 3 - end]
        offset = path[segment, end] - node
        angle = np.arctan2(offset[1], offset[0])
        near = np.round(angle / (np.pi / 4)) * np.pi / 4
        direction = np.round([np.cos(near), np.sin(near)], 12)
        snapped = node + direction * (offset @ direction)
        if np.hypot(*(snapped - path[segment, end])) <= SNAP * (2 if len(path) == 1 else 1):
            path[segment, [end, 2 if end else 1]] = snapped


def _is_closed(points: Float64[np.ndarray, "S 4 2"]) -> bool:
    return bool((points[0, 0] == points[-1, 3]).all())
