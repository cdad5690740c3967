"""Primitives are recovered from polylines with known numbers, and are emitted only where they fit as a path must."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polylines import arcs_of, farthest, sampled

from dhvt_vectorize.tracing.curves import fit_curves
from dhvt_vectorize.tracing.outlines import Outlines, Primitive
from dhvt_vectorize.tracing.primitives import distances, with_primitives

NOISE = 0.04  # pixels, as anti-aliasing leaves


def polyline_of(primitive: Primitive, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Points about a pixel apart on a primitive's outline, half a pixel off any corner."""
    turn = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], 1)
    if primitive.kind == "rect":
        half = np.array([primitive.rx, primitive.ry])
        fine = np.sign(circle) * (half - primitive.corner) + primitive.corner * circle
    else:
        fine = circle * (primitive.rx, primitive.ry)
    fine = np.concatenate([fine, fine[:1]])
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(fine, axis=0).T))])
    at = np.arange(0.5, length[-1], 1.0)
    points = np.stack([np.interp(at, length, fine[:, axis]) for axis in (0, 1)], 1)
    c, s = np.cos(np.radians(primitive.degrees)), np.sin(np.radians(primitive.degrees))
    points = points @ np.array([[c, s], [-s, c]]) + (primitive.cx, primitive.cy)
    points += np.random.default_rng(seed).normal(0, noise, points.shape) if noise else 0.0
    return np.concatenate([points, points[:1]])


def recovered(polyline: np.ndarray, tolerance: float = 0.35) -> tuple[Outlines, Primitive | None]:
    planar_map, points, offsets = arcs_of(polyline)
    outlines = with_primitives(fit_curves(planar_map, points, offsets, tolerance), points, offsets, tolerance)
    return outlines, outlines.primitives.get(0)


TRUE = {
    "a circle": Primitive("circle", 30.3, 28.7, 17.2, 17.2),
    "a small circle": Primitive("circle", 30.3, 28.7, 3.1, 3.1),
    "an upright ellipse": Primitive("ellipse", 30.3, 28.7, 21.0, 9.5),
    "a turned ellipse": Primitive("ellipse", 30.3, 28.7, 21.0, 9.5, 33.0),
    "an upright rectangle": Primitive("rect", 30.3, 28.7, 21.0, 9.5),
    "a turned rectangle": Primitive("rect", 30.3, 28.7, 21.0, 14.5, 17.0),
    "a rounded rectangle": Primitive("rect", 30.3, 28.7, 21.0, 14.5, 0.0, 6.0),
    "a turned rounded rectangle": Primitive("rect", 30.3, 28.7, 21.0, 14.5, -20.0, 6.0),
    "a capsule": Primitive("rect", 30.3, 28.7, 21.0, 8.0, 0.0, 8.0),
}


@pytest.mark.parametrize("noise", [0.0, NOISE])
@pytest.mark.parametrize("name", TRUE)
def test_a_primitive_is_recovered_from_its_points(name: str, noise: float) -> None:
    true = TRUE[name]
    outlines, found = recovered(polyline_of(true, noise))
    assert found is not None
    assert found.kind == true.kind
    for number in ("cx", "cy", "rx", "ry"):
        assert getattr(found, number) == pytest.approx(getattr(true, number), abs=0.05)
    assert found.degrees == pytest.approx(true.degrees, abs=0.3)
    assert found.corner == pytest.approx(true.corner, abs=0.15)
    curve = sampled(outlines, 0)
    assert np.abs(distances(curve, found)).max() <= 0.01 * max(found.rx, found.ry)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("name", TRUE)
def test_a_primitives_segments_are_one_closed_chain_in_the_arcs_direction(name: str, backward: bool) -> None:
    polyline = polyline_of(TRUE[name])[:: -1 if backward else 1]
    outlines, found = recovered(polyline)
    assert found is not None
    controls = outlines.control_points
    assert np.allclose(controls[:, 3], np.roll(controls[:, 0], -1, 0))
    lines = controls[outlines.is_line]
    assert np.array_equal(lines[:, 0], lines[:, 1])
    assert np.array_equal(lines[:, 2], lines[:, 3])
    curve = sampled(outlines, 0)
    assert np.sign(area(curve)) == np.sign(area(polyline))
    assert abs(area(curve)) == pytest.approx(abs(area(polyline)), rel=0.02)


def area(points: np.ndarray) -> float:
    x, y = points.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


@given(
    st.floats(4, 30), st.floats(0.3, 1), st.floats(0, 180), st.integers(0, 1000), st.sampled_from([0.1, 0.35, 0.8]),
    st.sampled_from(["ellipse", "rect"]),
)  # fmt: skip
@settings(max_examples=60)
def test_every_point_lies_within_tolerance_of_what_is_drawn(
    rx: float, share: float, degrees: float, seed: int, tolerance: float, kind: str
) -> None:
    """But beside a corner that is drawn sharp, which anti-aliasing cannot be told from a small radius."""
    true = Primitive(kind, 40.0, 40.0, rx, max(2.5, share * rx), degrees, 0.4 * share * rx if kind == "rect" else 0.0)
    polyline = polyline_of(true, NOISE / 2, seed)
    outlines, found = recovered(polyline, tolerance)
    if found is None:
        return
    drawn = sampled(outlines, 0)
    if found.kind == "rect" and found.corner == 0:
        corners = outlines.control_points[:, 0]
        from_corner = np.hypot(*(polyline[:, None] - corners).T).min(0)
        assert farthest(polyline[from_corner <= 1.5], drawn) <= 1.0
        polyline = polyline[from_corner > 1.5]
    assert farthest(polyline, drawn) <= tolerance + 0.002 * rx + 0.01


@pytest.mark.parametrize("bump", [0.6, 1.5, 4.0])
def test_a_circle_with_a_bump_beyond_the_tolerance_stays_a_path(bump: float) -> None:
    turn = np.linspace(0, 2 * np.pi, 121)
    radius = 20 + bump * np.exp(-((turn - 2) ** 2) / 0.02)
    polyline = 30 + np.stack([radius * np.cos(turn), radius * np.sin(turn)], 1)
    polyline[-1] = polyline[0]
    assert recovered(polyline)[1] is None


@pytest.mark.parametrize("sides", [3, 5, 6])
def test_a_regular_polygon_stays_a_path(sides: int) -> None:
    corners = 30 + 20 * np.stack([np.cos(t := np.arange(sides + 1) * 2 * np.pi / sides), np.sin(t)], 1)
    fine = np.concatenate([a + (b - a) * np.linspace(0.02, 0.98, 20)[:, None] for a, b in pairwise(corners)])
    assert recovered(np.concatenate([fine, fine[:1]]))[1] is None


def test_open_arcs_and_the_frame_are_left_alone() -> None:
    circle = polyline_of(TRUE["a circle"])
    for polyline, on_frame in ((circle[:-3], False), (circle, True)):
        planar_map, points, offsets = arcs_of(polyline, on_frame=on_frame)
        fitted = fit_curves(planar_map, points, offsets, 0.35)
        assert with_primitives(fitted, points, offsets, 0.35) is fitted
