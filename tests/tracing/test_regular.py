"""Regular polygons and stars are recovered from polylines with known corners; what is not regular stays what it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polylines import arcs_of, resampled

from dhvt_vectorize.tracing.curves import fit_curves
from dhvt_vectorize.tracing.outlines import Outlines
from dhvt_vectorize.tracing.regular import with_regular_shapes

NOISE = 0.06  # pixels
TOLERANCE = 0.45
CORNERS = {"a triangle": (3, 1.0), "a pentagon": (5, 1.0), "a hexagon": (6, 1.0), "an octagon": (8, 1.0)}
STARS = {"five tips": (10, 0.45), "six tips": (12, 0.577), "four tips": (8, 0.4), "eight tips": (16, 0.5)}


def corners_of(count: int, radius: float, inner: float = 1.0, turn: float = 0.3) -> np.ndarray:
    """The corners of a regular polygon, or, where every other corner is further in, of a star."""
    angles = turn + 2 * np.pi * np.arange(count) / count
    reach = np.where(np.arange(count) % 2, inner * radius, radius)
    return np.stack([60.3 + reach * np.cos(angles), 59.8 + reach * np.sin(angles)], 1)


def outlined(corners: np.ndarray, noise: float = 0.0, seed: int = 0, blunt: float = 0.5) -> tuple[Outlines, Outlines]:
    """The path fitted to points about a pixel apart, none within `blunt` px of a corner, and the same made regular."""
    points = resampled(np.concatenate([corners, corners[:1]]), 1.0)
    points = points[np.hypot(*(points[:, None] - corners[None]).transpose(2, 0, 1)).min(1) >= blunt]
    points += np.random.default_rng(seed).normal(0, noise, points.shape) if noise else 0.0
    planar_map, points, offsets = arcs_of(np.concatenate([points, points[:1]]))
    path = fit_curves(planar_map, points, offsets, TOLERANCE)
    return path, with_regular_shapes(path, points, offsets, TOLERANCE)


def error(outlines: Outlines, corners: np.ndarray) -> float:
    """How far the corners are from the nodes, at most, either way."""
    apart = np.hypot(*(outlines.control_points[:, 0][:, None] - corners[None]).transpose(2, 0, 1))
    return float(max(apart.min(0).max(), apart.min(1).max()))


@pytest.mark.parametrize("noise", [0.0, NOISE])
@pytest.mark.parametrize("radius", [16.0, 50.0])
@pytest.mark.parametrize("name", [*CORNERS, *STARS])
def test_corners_are_recovered(name: str, radius: float, noise: float) -> None:
    count, inner = (CORNERS | STARS)[name]
    corners = corners_of(count, radius, inner)
    for seed in range(4):
        _, regular = outlined(corners, noise, seed)
        assert len(regular.is_line) == count
        assert regular.is_line.all()
        assert error(regular, corners) < (0.15 if noise else 0.02)


@pytest.mark.parametrize("name", ["four tips", "five tips", "six tips"])
def test_a_tip_of_which_pixels_do_not_tell_is_known_by_the_sides(name: str) -> None:
    count, inner = STARS[name]
    corners = corners_of(count, 70, inner)
    path, regular = outlined(corners, NOISE, blunt=1.8)
    assert error(regular, corners) < 0.15
    assert error(path, corners) > 2 * error(regular, corners)


@given(st.sampled_from([*CORNERS.values(), *STARS.values()]), st.floats(0, 6.3), st.floats(30, 55), st.booleans())
@settings(max_examples=40)
def test_whatever_the_turn_and_size_and_walk(shape: tuple[int, float], turn: float, radius: float, back: bool) -> None:
    corners = corners_of(shape[0], radius, shape[1], turn)[:: -1 if back else 1]
    path, regular = outlined(corners)
    assert error(regular, corners) < 0.06  # an upright shape may be turned upright, which moves corners by 0.05
    area = [_area(each.control_points[:, 0]) for each in (path, regular)]
    assert area[0] * area[1] > 0


@given(st.integers(0, 10**6), st.sampled_from([*CORNERS.values(), *STARS.values()]))
@settings(max_examples=40)
def test_what_is_not_regular_keeps_its_corners(seed: int, shape: tuple[int, float]) -> None:
    random = np.random.default_rng(seed)
    corners = corners_of(shape[0], 50, shape[1])
    corners += random.uniform(0.8, 2.0, (len(corners), 1)) * np.sign(random.normal(size=corners.shape))
    path, regular = outlined(corners)
    assert error(regular, corners) <= max(error(path, corners), 0.5)


def test_a_rhombus_and_a_rectangle_are_left_to_others() -> None:
    for corners in (corners_of(4, 40), corners_of(4, 40, 0.5)):
        path, regular = outlined(corners)
        np.testing.assert_array_equal(path.control_points, regular.control_points)


def test_a_nearly_upright_triangle_is_upright() -> None:
    _, regular = outlined(corners_of(3, 50, turn=-np.pi / 2 + 0.0006), 0.02)
    nodes = regular.control_points[:, 0]
    level = np.sort(nodes[:, 1])[1:]
    assert level[0] == pytest.approx(level[1], abs=1e-9)


def _area(nodes: np.ndarray) -> float:
    x, y = nodes.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
