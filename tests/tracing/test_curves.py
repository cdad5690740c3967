"""Curves are measured, not believed: sampled densely and compared with the polyline they were fitted to."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polylines import arcs_of, farthest, resampled, sampled
from scipy.spatial import cKDTree

from dhvt_vectorize.tracing.curves import fit_curves
from dhvt_vectorize.tracing.outlines import Outlines

TOLERANCES = [0.05, 0.1, 0.2, 0.35, 0.8, 2.0]
SAMPLING = 0.01  # what the dense sampling itself may miss


def ellipse(rx: float, ry: float, spacing: float = 1.0) -> np.ndarray:
    n = max(8, round(np.pi * (rx + ry) / spacing))
    angle = np.linspace(0, 2 * np.pi, n + 1)
    points = np.stack([30 + rx * np.cos(angle), 30 + ry * np.sin(angle)], 1)
    points[-1] = points[0]
    return points


def spiral() -> np.ndarray:
    angle = np.linspace(1, 5 * np.pi, 220)
    return np.stack([40 + 2 * angle * np.cos(angle), 40 + 2 * angle * np.sin(angle)], 1)


def wave(noise: float = 0.0) -> np.ndarray:
    x = np.arange(0, 120.0)
    y = 20 + 8 * np.sin(x / 9) + np.random.default_rng(3).normal(0, noise, len(x)) if noise else 20 + 8 * np.sin(x / 9)
    return np.stack([x, y], 1)


def regular_polygon(sides: int, radius: float = 20.0, turn: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(polyline, corners): points half a pixel off the corners and a pixel apart, as tracing gives them."""
    angle = turn + np.arange(sides) * 2 * np.pi / sides
    corners = 30 + radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    points = []
    for a, b in zip(corners, np.roll(corners, -1, 0), strict=True):
        length = np.linalg.norm(b - a)
        points.append(a + (b - a) * (np.arange(0.5, length, 1.0) / length)[:, None])
    line = np.concatenate(points)
    return np.concatenate([line, line[:1]]), corners


SMOOTH = {
    "a circle": ellipse(20, 20),
    "a small circle": ellipse(3, 3),
    "an ellipse": ellipse(25, 9),
    "a thin ellipse": ellipse(25, 3),
    "a spiral": spiral(),
    "a wave": wave(),
    "a noisy wave": wave(0.15),
}


def fitted(polyline: np.ndarray, tolerance: float) -> Outlines:
    return fit_curves(*arcs_of(polyline), tolerance)


def segments(outlines: Outlines) -> int:
    return len(outlines.control_points)


@pytest.mark.parametrize("tolerance", TOLERANCES)
@pytest.mark.parametrize("name", SMOOTH)
def test_every_point_of_a_smooth_polyline_is_within_tolerance_of_the_curve_but_for_lone_ones(
    name: str, tolerance: float
) -> None:
    outlines = fitted(SMOOTH[name], tolerance)
    assert_near(SMOOTH[name], outlines, tolerance)


@pytest.mark.parametrize("tolerance", TOLERANCES)
@pytest.mark.parametrize("name", [name for name in SMOOTH if name != "a noisy wave"])
def test_the_curve_does_not_stray_between_the_points(name: str, tolerance: float) -> None:
    outlines = fitted(SMOOTH[name], tolerance)
    chord = 0.15  # how far a chord a pixel long may lie inside the tightest of these bends
    assert farthest(sampled(outlines, 0), resampled(SMOOTH[name])) <= 1.5 * tolerance + chord


@pytest.mark.parametrize("name", SMOOTH)
def test_a_larger_tolerance_never_takes_many_more_segments_and_in_the_end_far_fewer(name: str) -> None:
    counts = [segments(fitted(SMOOTH[name], tolerance)) for tolerance in TOLERANCES]
    assert counts[-1] < counts[0] or counts[0] <= 4
    assert all(later <= earlier + 2 for earlier, later in pairwise(counts)), counts


def test_a_circle_takes_few_cubics() -> None:
    assert segments(fitted(SMOOTH["a circle"], 0.35)) <= 4
    assert not fitted(SMOOTH["a circle"], 0.35).is_line.any()


@pytest.mark.parametrize("name", ["a circle", "a small circle", "an ellipse", "a thin ellipse"])
def test_a_smooth_closed_arc_has_smooth_joins_at_its_start_too(name: str) -> None:
    outlines = fitted(SMOOTH[name], 0.2)
    controls = outlines.control_points
    if outlines.is_line.any():
        pytest.skip("lines within tolerance meet at their own angles")
    for before, after in zip(controls, np.roll(controls, -1, 0), strict=True):
        assert np.array_equal(before[3], after[0])
        arriving, leaving = before[3] - before[2], after[1] - after[0]
        cosine = arriving @ leaving / (np.linalg.norm(arriving) * np.linalg.norm(leaving))
        assert cosine > np.cos(np.radians(3.1))


@pytest.mark.parametrize("turn", [0.0, 7.0, 20.0, 30.0, 45.0])
@pytest.mark.parametrize("sides", [3, 4])
def test_corners_are_where_the_true_sides_meet(sides: int, turn: float) -> None:
    polyline, corners = regular_polygon(sides, turn=np.radians(turn))
    outlines = fitted(polyline, 0.2)
    ends = outlines.control_points[:, 0]
    assert segments(outlines) == sides
    assert outlines.is_line.all()
    for corner in corners:
        assert np.linalg.norm(ends - corner, axis=1).min() < 0.05


@pytest.mark.parametrize("tolerance", TOLERANCES)
@pytest.mark.parametrize("sides", [3, 4, 5, 6])
def test_a_polygon_fits_its_polyline(sides: int, tolerance: float) -> None:
    polyline, _ = regular_polygon(sides)
    assert farthest(polyline, sampled(fitted(polyline, tolerance), 0)) <= tolerance + SAMPLING


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0, np.inf])
def test_a_straight_polyline_is_one_line(slope: float) -> None:
    along = np.arange(0, 30.0)
    direction = np.array([1, slope]) / np.hypot(1, slope) if np.isfinite(slope) else np.array([0.0, 1.0])
    outlines = fitted(5 + along[:, None] * direction, 0.1)
    assert segments(outlines) == 1
    assert outlines.is_line.all()


@pytest.mark.parametrize("where", [20, 44, 45, 70])
@pytest.mark.parametrize("by", [0.6, 0.7])
def test_a_point_that_strays_alone_costs_no_piece(where: int, by: float) -> None:
    """Where a neighbour's colour misled one point by more than the tolerance, the edge goes on as before."""
    line, angle = np.stack([np.arange(0, 90.0), np.full(90, 20.0)], 1), np.linspace(0, 1.5, 90)
    for polyline in (line, 10 + 60 * np.stack([np.cos(angle), np.sin(angle)], 1)):
        strayed = polyline.copy()
        strayed[where, 1] += by
        assert segments(fitted(strayed, 0.45)) == segments(fitted(polyline, 0.45))


def test_two_points_that_leave_the_way_together_are_followed() -> None:
    line = np.stack([np.arange(0, 90.0), np.full(90, 20.0)], 1)
    line[44:46, 1] += 0.8
    assert farthest(line, sampled(fitted(line, 0.45), 0)) <= 0.45 + SAMPLING


@pytest.mark.parametrize("turn", [5.0, 8.0])
def test_two_bends_that_meet_at_a_slight_angle_are_two_pieces(turn: float) -> None:
    """A common direction there would fit neither."""
    angle, tilt = np.linspace(0, 1.2, 73), np.radians(turn)
    right = 60 * np.stack([np.sin(angle), np.cos(angle) - 1], 1)
    left = right * (-1, 1) @ np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    outlines = fitted(80 + np.concatenate([left[:0:-1], right]), 0.2)
    assert segments(outlines) == 2


@pytest.mark.parametrize("name", ["a spiral", "a wave", "a noisy wave"])
def test_the_ends_of_an_open_arc_do_not_move(name: str) -> None:
    outlines = fitted(SMOOTH[name], 0.8)
    assert np.array_equal(outlines.control_points[0, 0], SMOOTH[name][0])
    assert np.array_equal(outlines.control_points[-1, 3], SMOOTH[name][-1])


def test_an_arc_on_the_frame_keeps_every_point_and_stays_straight() -> None:
    frame = np.array([[0.0, 0], [10, 0], [10, 5], [0, 5], [0, 0]])
    outlines = fit_curves(*arcs_of(frame, on_frame=True), 20.0)
    assert outlines.is_line.all()
    assert np.array_equal(outlines.control_points[:, 0], frame[:-1])


def test_arcs_are_fitted_one_by_one() -> None:
    lines = [SMOOTH["a wave"], SMOOTH["a circle"], SMOOTH["a spiral"]]
    together = fit_curves(*arcs_of(*lines), 0.35)
    apart = [fitted(line, 0.35) for line in lines]
    assert np.array_equal(together.control_points, np.concatenate([one.control_points for one in apart]))
    assert np.diff(together.offsets).tolist() == [segments(one) for one in apart]


DEGENERATE = {
    "two points": [[1, 1], [4, 2]],
    "two equal points": [[1, 1], [1, 1]],
    "three equal points": [[1, 1], [1, 1], [1, 1]],
    "repeated points": [[1, 1], [1, 1], [2, 1], [2, 1], [2, 1], [3, 4], [3, 4]],
    "there and back": [[1, 1], [2, 1], [3, 1], [2, 1], [1, 1]],
    "a loop of two": [[1, 1], [2, 2], [1, 1]],
    "a loop of three": [[1, 1], [2, 1], [2, 2], [1, 1]],
    "a tiny loop": [[1.5, 1], [2, 1.5], [1.5, 2], [1, 1.5], [1.5, 1]],
    "a loop in one place": [[1, 1]] * 9,
    "a jump": [[0, 0], [1, 0], [2, 0], [300, 0], [301, 1], [302, 0]],
}


@pytest.mark.parametrize("tolerance", [0.01, 0.35, 20.0])
@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_polylines_give_finite_chained_segments(name: str, tolerance: float) -> None:
    polyline = np.array(DEGENERATE[name], float)
    outlines = fitted(polyline, tolerance)
    assert_whole(polyline, outlines)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=2, max_size=30),
    st.booleans(),
    st.sampled_from([0.01, 0.1, 0.35, 2.0, 20.0]),
)
def test_any_polyline_gives_finite_chained_segments(points: list, closed: bool, tolerance: float) -> None:
    polyline = np.array(points + points[:1] if closed else points, float)
    assert_whole(polyline, fitted(polyline, tolerance))


@given(st.integers(0, 2**32 - 1), st.integers(3, 60), st.floats(0.05, 1.0), st.booleans(), st.sampled_from(TOLERANCES))
def test_any_meandering_polyline_is_fitted_within_tolerance_but_for_its_corners(
    seed: int, count: int, bend: float, closed: bool, tolerance: float
) -> None:
    """A corner moves to where its sides meet, up to 4 px where it is sharp, and takes the points beside it along."""
    random = np.random.default_rng(seed)
    angle = np.cumsum(random.normal(0, bend, count))
    polyline = 50 + np.cumsum(np.stack([np.cos(angle), np.sin(angle)], 1), 0)
    if closed:
        polyline = np.concatenate([polyline, resampled(np.stack([polyline[-1], polyline[0]]), 1.0)[1:-1], polyline[:1]])
    outlines = fitted(polyline, tolerance)
    assert_whole(polyline, outlines)
    curve = sampled(outlines, 0)
    assert farthest(polyline, curve) <= tolerance + 4 + SAMPLING
    corners = corners_of(outlines)
    moved = cKDTree(corners).query(polyline)[0] <= 4 + SAMPLING if len(corners) else np.zeros(len(polyline), bool)
    if not moved.all():
        assert_near(polyline, outlines, tolerance, ~moved)


def assert_near(polyline: np.ndarray, outlines: Outlines, tolerance: float, which: np.ndarray | None = None) -> None:
    """Points lie within tolerance of the curve; or, where neither neighbour is beyond it, within twice that."""
    off = cKDTree(sampled(outlines, 0)).query(polyline)[0]
    off = off if which is None else np.where(which, off, 0.0)
    assert off.max() <= 2 * tolerance + SAMPLING
    beyond = np.flatnonzero(off > tolerance + SAMPLING)
    assert not (np.diff(beyond) == 1).any()


def corners_of(outlines: Outlines) -> np.ndarray:
    """The joints of the one arc at which it turns by more than two degrees."""
    controls = outlines.control_points
    distinct = [segment[np.r_[True, np.any(np.diff(segment, axis=0) != 0, 1)]] for segment in controls]
    leaving = np.array([each[1] - each[0] if len(each) > 1 else (1.0, 0.0) for each in distinct])
    arriving = np.array([each[-1] - each[-2] if len(each) > 1 else (1.0, 0.0) for each in distinct])
    before = np.roll(arriving, 1, 0)
    cosine = (before * leaving).sum(1) / (np.hypot(*before.T) * np.hypot(*leaving.T))
    return np.asarray(controls[cosine < np.cos(np.radians(2.0)), 0])


def assert_whole(polyline: np.ndarray, outlines: Outlines) -> None:
    """Finite; segments chain, lines repeat their ends, and the arc begins and ends where the polyline does."""
    controls = outlines.control_points
    assert len(controls) == len(outlines.is_line) == outlines.offsets[-1] >= 1
    assert np.isfinite(controls).all()
    assert np.array_equal(controls[1:, 0], controls[:-1, 3])
    lines = controls[outlines.is_line]
    assert np.array_equal(lines[:, 0], lines[:, 1])
    assert np.array_equal(lines[:, 2], lines[:, 3])
    if np.array_equal(polyline[0], polyline[-1]):
        assert np.array_equal(controls[0, 0], controls[-1, 3])
    else:
        assert np.array_equal(controls[0, 0], polyline[0])
        assert np.array_equal(controls[-1, 3], polyline[-1])


@pytest.mark.parametrize("radius", [60.0, 90.0, 134.0])
def test_a_corner_between_two_arcs_lies_where_the_arcs_meet(radius: float) -> None:
    """Not where the lines through the points beside it do, which bends make differ."""
    turn = np.linspace(0, np.pi / 3, int(radius))[1:]
    right = np.stack([radius * np.cos(turn) - radius / 2, radius * np.sin(turn)], 1)
    tip = np.array([0.0, radius * np.sin(np.pi / 3)])
    # the last points are what anti-aliasing makes of a tip
    right = right[np.hypot(*(right - tip).T) > 1.2]
    polyline = 150 + np.concatenate([right, [tip - (0, 0.2)], right[::-1] * (-1, 1)])
    fitted = fit_curves(*arcs_of(polyline), 0.45)
    nodes = fitted.control_points[:, 0]
    assert np.hypot(*(nodes - 150 - tip).T).min() <= 0.03
