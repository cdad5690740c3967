"""Round corners of one to a few pixels between straight sides: drawn round, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from jaxtyping import Float64
from polylines import sampled

from dhvt_vectorize.drawing.preview import render
from dhvt_vectorize.tracing._fillet_kernels import rounded_arcs
from dhvt_vectorize.tracing.curves import fit_curves
from dhvt_vectorize.tracing.outlines import Outlines
from dhvt_vectorize.tracing.planar_map import PlanarMap, trace_planar_map
from dhvt_vectorize.tracing.subpixel import subpixel_polylines

SIZE, SIDE = 96, 44.0
INK = (0x11, 0x22, 0x33)
Points = Float64[np.ndarray, "N 2"]


def wedge(half: float, radius: float, rng: np.random.Generator) -> tuple[shapely.Polygon, Points]:
    """A wedge whose sides leave its tip at `half` degrees from its middle, the tip round, turned and placed anyhow; and
    where its sides meet."""
    angle, turn = np.radians(half), rng.uniform(0, 2 * np.pi)
    tip = SIZE / 2 + 28 * np.array([np.cos(turn), np.sin(turn)]) + rng.uniform(-0.5, 0.5, 2)
    sweep = np.linspace(-1, 1, 64) * (np.pi / 2 - angle)
    arc = radius * np.stack([np.cos(sweep) - 1 / np.sin(angle), np.sin(sweep)], 1)
    far = SIDE * np.array([[-np.cos(angle), np.sin(angle)], [-np.cos(angle), -np.sin(angle)]])
    turned = np.concatenate([arc, far]) @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return shapely.Polygon(turned + tip), tip


def traced(shape: shapely.Polygon) -> tuple[PlanarMap, Points, np.ndarray]:
    """The polylines of a shape that is drawn on white."""
    path = "M" + "L".join(f"{x:.4f} {y:.4f}" for x, y in shape.exterior.coords)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}"><path fill="#112233" d="{path}"/></svg>'
    pixels = render(svg, SIZE, SIZE, (255, 255, 255))
    planar_map = trace_planar_map((pixels[..., 0] < 140).astype(np.int32))
    colours = np.array([(255, 255, 255, 255), (*INK, 255)], np.float32)
    opaque = np.dstack([pixels, np.full((SIZE, SIZE), 255, np.uint8)])
    return planar_map, *subpixel_polylines(planar_map, opaque, colours)


def fillets(planar_map: PlanarMap, points: Points, offsets: np.ndarray, tolerance: float = 0.45) -> int:
    is_frame = (planar_map.left < 0) | (planar_map.right < 0)
    return int(rounded_arcs(points, offsets, planar_map.start, is_frame, tolerance)[2].sum()) // 2


def drawn(outlines: Outlines) -> shapely.Polygon:
    inner = (outlines.planar_map.left >= 0) & (outlines.planar_map.right >= 0)
    return shapely.Polygon(sampled(outlines, int(np.flatnonzero(inner)[0])))


@pytest.mark.parametrize("radius", [1.5, 2.0, 3.0])
@pytest.mark.parametrize("half", [15.0, 25.0, 45.0])
def test_a_round_corner_is_drawn_round(half: float, radius: float) -> None:
    """Most of what a sharp corner would have too much is not there, in the mean of several places."""
    rng = np.random.default_rng(1)
    angle = np.radians(half)
    sharp = radius**2 * (1 / np.tan(angle) - np.pi / 2 + angle)
    wrong = []
    for _ in range(12):
        shape, tip = wedge(half, radius, rng)
        near = shapely.Point(tip).buffer(2 * radius / np.sin(angle) + 2)
        fitted = drawn(fit_curves(*traced(shape), 0.45))
        wrong.append(fitted.symmetric_difference(shape).intersection(near).area)
    assert np.mean(wrong) <= 0.1 * sharp + 0.4


@pytest.mark.parametrize("half", [15.0, 25.0, 45.0, 60.0, 75.0])
def test_a_sharp_corner_is_none(half: float) -> None:
    rng = np.random.default_rng(2)
    assert sum(fillets(*traced(wedge(half, 0.0, rng)[0])) for _ in range(12)) <= 1


@pytest.mark.parametrize("radius", [4.0, 7.0, 9.0, 12.0, 20.0, 40.0])
def test_a_circle_has_none(radius: float) -> None:
    rng = np.random.default_rng(3)
    centres = SIZE / 2 + rng.uniform(-0.5, 0.5, (8, 2))
    assert sum(fillets(*traced(shapely.Point(centre).buffer(radius, 64))) for centre in centres) == 0


def test_a_wheel_of_many_straight_sides_keeps_its_points() -> None:
    """Every side is a run that ends where the next begins; none turns enough for a fillet."""
    turn = np.linspace(0, 2 * np.pi, 401)
    corners = 400 * np.stack([np.cos(turn), np.sin(turn)], 1)
    share = np.arange(5)[:, None] / 5
    sides = [corners[k] + share * (corners[k + 1] - corners[k]) for k in range(400)]
    points = np.concatenate([*sides, corners[:1]])
    rounded, offsets, is_end = rounded_arcs(points, np.array([0, len(points)]), np.array([-1]), np.zeros(1, bool), 0.45)
    assert not is_end.any()
    assert sorted(map(tuple, rounded[:-1])) == sorted(map(tuple, points[:-1]))
    assert offsets.tolist() == [0, len(points)]


def test_a_fillet_goes_on_from_its_sides() -> None:
    """Between both lines and the bend there is no kink that could be seen."""
    shape, _ = wedge(45.0, 3.0, np.random.default_rng(4))
    outlines = fit_curves(*traced(shape), 0.45)
    inner = int(np.flatnonzero((outlines.planar_map.left >= 0) & (outlines.planar_map.right >= 0))[0])
    controls = outlines.control_points[outlines.offsets[inner] : outlines.offsets[inner + 1]]
    lines = outlines.is_line[outlines.offsets[inner] : outlines.offsets[inner + 1]]
    assert sorted(lines) == [False, True, True, True]
    bend = int(np.flatnonzero(~lines)[0])
    before, after = controls[bend - 1], controls[(bend + 1) % len(controls)]
    for leaving, arriving in (
        (controls[bend, 1] - controls[bend, 0], before[3] - before[0]),
        (after[3] - after[0], controls[bend, 3] - controls[bend, 2]),
    ):
        cosine = leaving @ arriving / np.hypot(*leaving) / np.hypot(*arriving)
        assert cosine >= np.cos(np.radians(0.5))


def test_points_that_no_fillet_explains_within_tolerance_stay() -> None:
    shape, _ = wedge(45.0, 2.0, np.random.default_rng(5))
    planar_map, points, offsets = traced(shape)
    assert fillets(planar_map, points, offsets) == 1
    assert fillets(planar_map, points, offsets, tolerance=0.02) == 0
