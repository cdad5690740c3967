"""The benchmark of known geometry measures what it says: exact drawings have no error, moved ones have the move's."""

from __future__ import annotations

import re

import numpy as np
import pytest

from benchmarks.claims import MISS, OK, UNKNOWN
from benchmarks.geometry import Recovered, geometry_claims, geometry_table, recover
from benchmarks.geometry_shapes import SHAPES, centroid, make_shape
from benchmarks.svg_outlines import outlines

CIRCLE = '<circle cx="30" cy="20" r="10"/>'
SAME_CIRCLES = {
    "a circle": CIRCLE,
    "an ellipse": '<ellipse cx="30" cy="20" rx="10" ry="10"/>',
    "a rounded square": '<rect x="20" y="10" width="20" height="20" rx="10"/>',
    "a moved circle": '<circle cx="10" cy="15" r="10" transform="translate(20 5)"/>',
    "a turned circle": '<circle cx="30" cy="20" r="10" transform="rotate(33 30 20)"/>',
    "a path": '<path d="M40 20c0 5.523-4.477 10-10 10s-10-4.477-10-10 4.477-10 10-10S40 14.477 40 20z"/>',
}


def svg(content: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">{content}</svg>'


@pytest.mark.parametrize("name", SAME_CIRCLES)
def test_a_circle_is_read_alike_however_it_is_written(name: str) -> None:
    (outline,) = outlines(svg(SAME_CIRCLES[name]))
    assert np.abs(np.hypot(*(outline.samples - (30, 20)).T) - 10).max() < 0.01
    assert outline.segments == 4


def test_a_turned_rectangle_and_a_path_of_lines_have_the_same_corners() -> None:
    rectangle = '<rect x="10" y="10" width="20" height="10" transform="rotate(90 20 15)"/>'
    corners = sorted(map(tuple, np.round(outlines(svg(rectangle))[0].samples, 6)))
    (path,) = outlines(svg('<path d="M15 5h10v20H15z"/>'))
    assert sorted(map(tuple, np.round(path.nodes, 6))) == [(15, 5), (15, 25), (25, 5), (25, 25)]
    assert {corner for corner in corners} >= set(map(tuple, path.nodes))


@pytest.mark.parametrize("content", ['<path d="M0 0A5 5 0 0 1 9 9z"/>', '<circle r="3" transform="skewX(3)"/>'])
def test_what_is_not_read_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="is not read here"):
        outlines(svg(content))


def as_lines(shape_svg: str, shape_points: list[np.ndarray]) -> str:
    data = "".join("M" + "L".join(f"{x:.4f} {y:.4f}" for x, y in points) + "z" for points in shape_points)
    return re.sub(r' d="[^"]*"', f' d="{data}"', shape_svg)


@pytest.mark.parametrize("on_grid", [True, False])
@pytest.mark.parametrize("name", SHAPES)
def test_the_true_outline_has_no_error_and_a_moved_one_has_the_moves(name: str, on_grid: bool) -> None:
    shape = make_shape(name, 64, on_grid)
    hole = np.flatnonzero(np.hypot(*np.diff(shape.points, axis=0).T) > 1)
    rings = np.split(shape.points, hole + 1)
    exact = recover(shape, as_lines(shape.svg, rings))
    assert max(exact[figure] for figure in ("centre", "radius", "width", "corner", "outline")) < 0.03
    moved = recover(shape, as_lines(shape.svg, [ring + np.array([0.3, 0.4]) for ring in rings]))
    assert moved["centre"] == pytest.approx(0.5, abs=0.01)
    if len(shape.corners):
        assert moved["corner"] == pytest.approx(0.5, abs=0.02)


def test_a_circle_too_large_by_a_tenth_of_a_pixel_has_that_radius_error() -> None:
    shape = make_shape("circle", 64, True)
    larger = re.sub("<path.*?/>", '<circle cx="32" cy="32" r="24.1"/>', shape.svg)
    found = recover(shape, larger)
    assert found["radius"] == pytest.approx(0.1, abs=0.005)
    assert found["elements"] == "1 circle"
    assert found["nodes"] == shape.nodes == 4


def test_an_empty_drawing_has_infinite_error() -> None:
    shape = make_shape("circle", 64, True)
    assert recover(shape, svg(""))["centre"] == np.inf


def test_the_centroid_of_a_square_is_its_middle() -> None:
    assert centroid(np.array([[1.0, 1], [3, 1], [3, 3], [1, 3]])).tolist() == [2, 2]


def row(error: float, state: str = "clean", nodes: int = 4) -> Recovered:
    return Recovered("circle", 256, "on", state, "1 circle", nodes, 4, error, 0, 0, 0, 0)


def test_the_bars_hold_for_the_worst_shape() -> None:
    verdicts = [claim.verdict for claim in geometry_claims([row(0.04), row(0.06), row(0.2, "jpeg")])]
    assert verdicts == [MISS, OK, OK]
    assert [claim.verdict for claim in geometry_claims([row(0.04, nodes=5)])] == [OK, UNKNOWN, MISS]
    assert [claim.verdict for claim in geometry_claims([])] == [UNKNOWN] * 3
    assert "| circle" in geometry_table([row(0.04)])
