"""Strokes are recovered from the outlines of what a pen drew, and from nothing else."""

from __future__ import annotations

import time

import numpy as np
import pytest
import shapely

from dhvt_vectorize.tracing.outlines import Primitive, flattened
from dhvt_vectorize.tracing.primitives import segments_of
from dhvt_vectorize.tracing.strokes import Stroke, fit_stroke, line_of

TOLERANCE = 0.45
NOISE = 0.03  # pixels, as anti-aliasing leaves


def fitted(polygon: shapely.Polygon, nodes: int = 1000, noise: float = NOISE) -> Stroke | None:
    """The stroke found for a polygon whose outline is known at points a pixel apart, with some noise."""
    random = np.random.default_rng(0)
    polylines = []
    for number, ring in enumerate([polygon.exterior, *polygon.interiors]):
        # with y down the region lies on the left of an outer ring that is clockwise in numbers
        along = ring.reverse() if ring.is_ccw == (number == 0) else ring
        at = shapely.line_interpolate_point(along, np.arange(0.5, along.length, 1.0))
        points = shapely.get_coordinates(at)
        points += random.normal(0, noise, points.shape)
        polylines.append(np.concatenate([points, points[:1]]))
    return fit_stroke(nodes, [points[:-1] for points in polylines], TOLERANCE)


def pen(points: list[tuple[float, float]], width: float, cap: str = "round", join: str = "round") -> shapely.Polygon:
    """What a pen covers along a polyline."""
    return shapely.LineString(points).buffer(width / 2, cap_style=cap, join_style=join, mitre_limit=4)


def ends_of(stroke: Stroke) -> np.ndarray:
    points, _ = stroke.chains[0]
    ends = np.array([points[0, 0], points[-1, 3]])
    return ends[np.lexsort(ends.T)]


@pytest.mark.parametrize("width", [2.0, 3.3, 6.0, 11.0])
@pytest.mark.parametrize("angle", [0.0, 17.0, 45.0, 71.0, 90.0])
@pytest.mark.parametrize("cap", ["round", "flat"])
def test_a_line_keeps_its_ends_and_its_width_and_its_caps(width: float, angle: float, cap: str) -> None:
    half = 40 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    a, b = np.array([60.3, 58.8]) - half, np.array([60.3, 58.8]) + half
    stroke = fitted(pen([tuple(a), tuple(b)], width, cap))
    assert stroke is not None
    assert stroke.nodes == 2
    assert stroke.width == pytest.approx(width, abs=0.1)
    true = np.array([a, b])
    if width >= 3:  # of two pixels' width an end has too few points to tell
        assert np.abs(ends_of(stroke) - true[np.lexsort(true.T)]).max() <= 0.2
        assert stroke.cap == ("round" if cap == "round" else "butt")
    axis = np.array([-half[1], half[0]]) / 40
    assert np.abs((ends_of(stroke) - [60.3, 58.8]) @ axis).max() <= 0.1


@pytest.mark.parametrize("join", ["round", "mitre"])
@pytest.mark.parametrize("degrees", [60.0, 90.0])
def test_a_corner_is_where_the_pen_turned_with_the_join_it_had(join: str, degrees: float) -> None:
    turned = np.radians(degrees)
    corner = (60.2, 40.7)
    end = (60.2 + 45 * np.cos(turned), 40.7 + 45 * np.sin(turned))
    stroke = fitted(pen([(105.2, 40.7), corner, end], 10.0, join=join))
    assert stroke is not None
    assert stroke.nodes == 3
    assert stroke.join == ("miter" if join == "mitre" else "round")
    assert stroke.width == pytest.approx(10.0, abs=0.1)
    assert np.hypot(*(stroke.chains[0][0][0, 3] - corner)) <= 0.2


@pytest.mark.parametrize("radius", [12.0, 40.0])
def test_an_even_ring_is_a_circle_along_its_middle(radius: float) -> None:
    centre = shapely.Point(60.3, 58.8)
    ring = centre.buffer(radius + 2.5, quad_segs=64) - centre.buffer(radius - 2.5, quad_segs=64)
    stroke = fitted(ring)
    assert stroke is not None
    primitive = stroke.primitives[0]
    assert primitive is not None
    assert primitive.kind == "circle"
    assert primitive.rx == pytest.approx(radius, abs=0.1)
    assert stroke.width == pytest.approx(5.0, abs=0.1)


def test_a_cross_is_two_lines_and_an_arrow_a_line_and_a_chevron() -> None:
    cross = shapely.union_all([pen([(20, 60), (100, 60)], 8), pen([(60, 20), (60, 100)], 8)])
    stroke = fitted(cross)
    assert stroke is not None
    assert [len(points) for points, _ in stroke.chains] == [1, 1]
    arrow = shapely.union_all([pen([(20, 60), (100, 60)], 8), pen([(65, 25), (100, 60), (65, 95)], 8)])
    stroke = fitted(arrow)
    assert stroke is not None
    assert sorted(len(points) for points, _ in stroke.chains) == [1, 2]


def test_a_wide_cross_is_two_lines_too() -> None:
    cross = shapely.union_all([pen([(60, 160), (260, 160)], 60), pen([(160, 60), (160, 260)], 60)])
    stroke = fitted(cross)
    assert stroke is not None
    assert [len(points) for points, _ in stroke.chains] == [1, 1]


@pytest.mark.parametrize("degrees", [150.0, 160.0])
def test_the_round_join_of_a_sharp_corner_is_no_arm_of_its_own(degrees: float) -> None:
    turned = np.radians(degrees)
    end = (60.2 - 130 * np.cos(turned), 60.7 + 130 * np.sin(turned))
    stroke = fitted(pen([(190.2, 60.7), (60.2, 60.7), end], 14.0))
    assert stroke is not None
    assert [len(points) for points, _ in stroke.chains] == [2]
    assert stroke.join == "round"
    assert np.hypot(*(stroke.chains[0][0][0, 3] - [60.2, 60.7])) <= 0.3


@pytest.mark.parametrize("cap", ["round", "flat"])
def test_a_short_line_is_a_stroke_if_its_ends_are_round(cap: str) -> None:
    assert (fitted(pen([(50, 60), (60, 60)], 10.0, cap)) is not None) == (cap == "round")


def test_dashes_that_touch_are_lines_and_a_way_around_leads_through_them() -> None:
    count, radius, width = 16, 80.0, 16.0
    # as long as the gaps, so that round ends touch
    turn = 2 * np.pi / count
    dashes = []
    for k in range(count):
        angles = k * turn + np.linspace(0, turn - 0.98 * width / radius, 20)
        dashes.append(pen([(100 + radius * np.cos(a), 100 + radius * np.sin(a)) for a in angles], width))
    stroke = fitted(shapely.union_all(dashes))
    assert stroke is not None
    assert [len(points) for points, _ in stroke.chains] == [1] * count
    assert stroke.cap == "round"
    assert stroke.width == pytest.approx(width, abs=0.15)
    assert (
        stroke.polygon().symmetric_difference(shapely.union_all(dashes)).area <= 0.1 * shapely.union_all(dashes).length
    )
    inside = stroke.fill_around()
    assert inside is not None
    assert inside.area == pytest.approx(np.pi * radius**2, rel=0.01)


def test_what_is_not_even_is_no_stroke() -> None:
    centre = shapely.Point(60, 60)
    uneven = {
        "a wedge": shapely.Polygon([(20, 58), (100, 52), (100, 68), (20, 62)]),
        "a disc": centre.buffer(30),
        "a square": shapely.box(30, 30, 80, 80),
        "a ring off its centre": centre.buffer(40) - shapely.Point(63, 60).buffer(32),
        "a crescent": centre.buffer(40) - shapely.Point(75, 60).buffer(38),
        "a dumb-bell": shapely.union_all([pen([(20, 60), (100, 60)], 5), shapely.Point(60, 60).buffer(12)]),
    }
    assert [name for name, polygon in uneven.items() if fitted(polygon) is not None] == []


@pytest.mark.parametrize("width", [3.0, 7.0])
def test_a_stroke_covers_what_the_outline_encloses_and_has_fewer_nodes(width: float) -> None:
    t = np.linspace(0, 2 * np.pi, 200)
    wave = pen([tuple(point) for point in np.stack([20 + 25 * t, 60 + 20 * np.sin(t)], 1)], width)
    stroke = fitted(wave)
    assert stroke is not None
    assert stroke.polygon().symmetric_difference(wave).area <= 0.15 * wave.length
    assert stroke.nodes <= 6


@pytest.mark.parametrize("sides", [(40.0, 1.6), (1.6, 40.0), (9.0, 2.0)])
@pytest.mark.parametrize("degrees", [0.0, 17.0, 45.0, -31.0])
@pytest.mark.parametrize("cap", ["round", "butt"])
def test_a_bar_is_the_line_that_covers_it(sides: tuple[float, float], degrees: float, cap: str) -> None:
    bar = Primitive("rect", 60.3, 58.8, *sides, degrees, min(sides) if cap == "round" else 0.0)
    stroke = line_of(bar)
    assert stroke is not None
    assert stroke.nodes == 2
    assert stroke.cap == cap
    covered = shapely.Polygon(flattened(*segments_of(bar), 32))
    assert stroke.polygon().symmetric_difference(covered).area <= 0.005 * covered.length


@pytest.mark.parametrize(
    "primitive",
    [
        Primitive("circle", 60, 60, 20, 20),
        Primitive("ellipse", 60, 60, 40, 2),
        Primitive("rect", 60, 60, 9, 3),
        Primitive("rect", 60, 60, 40, 3, corner=1.5),
    ],
    ids=["a circle", "an ellipse", "a short bar", "a bar with round corners"],
)
def test_other_primitives_are_no_lines(primitive: Primitive) -> None:
    assert line_of(primitive) is None


def test_a_long_spiral_is_looked_at_in_bounded_time() -> None:
    t = np.linspace(0, 60 * np.pi, 9000)
    spiral = pen([tuple(point) for point in np.stack([500 + 2.5 * t * np.cos(t), 500 + 2.5 * t * np.sin(t)], 1)], 2.0)
    assert fitted(pen([(20, 60), (100, 60)], 8)) is not None  # kernels are compiled
    points = shapely.get_coordinates(spiral.exterior.reverse())[:-1]
    begun = time.perf_counter()
    assert fit_stroke(len(points), [points], TOLERANCE) is None
    assert time.perf_counter() - begun < 2


def test_no_stroke_has_as_many_nodes_as_the_outline() -> None:
    line = pen([(20, 60), (100, 60)], 8)
    assert fitted(line, nodes=3) is not None
    assert fitted(line, nodes=2) is None
