"""Straight outlines: pixel edges to the letter, and simplification that stays near and leaves no gap."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from label_drawings import flat_paints, outlines_of
from label_maps import ZOO, connected_label_maps, inside_even_odd
from polylines import arcs_of, farthest, resampled, sampled

from dhvt_vectorize.drawing.polygons import face_polygons
from dhvt_vectorize.tracing.outlines import Outlines
from dhvt_vectorize.tracing.planar_map import trace_planar_map
from dhvt_vectorize.tracing.polygons import pixel_outlines, simplified_polygons

maps = st.one_of(connected_label_maps(12), st.sampled_from(list(ZOO.values())))


def closed_rings(outlines: Outlines) -> list[list[np.ndarray]]:
    """Every face's rings as points, the first repeated at the end."""
    planar_map = outlines.planar_map
    order, offsets, groups = planar_map.rings(*planar_map.half_arcs_by_face())
    rings: list[list[np.ndarray]] = [[] for _ in range(planar_map.faces)]
    for r, face in enumerate(groups):
        controls, _ = outlines.ring(order[offsets[r] : offsets[r + 1]])
        rings[face].append(np.concatenate([controls[:, 0], controls[-1:, 3]]))
    return rings


@given(maps)
def test_pixel_outlines_filled_give_the_labels(labels: np.ndarray) -> None:
    outlines = pixel_outlines(trace_planar_map(labels))
    assert outlines.is_line.all()
    for face, rings in enumerate(closed_rings(outlines)):
        assert np.array_equal(inside_even_odd(rings, *labels.shape), labels == face)


@given(maps)
def test_pixel_outlines_have_no_point_between_two_sides_of_one_direction(labels: np.ndarray) -> None:
    outlines = pixel_outlines(trace_planar_map(labels))
    for a in range(outlines.planar_map.arcs):
        controls = outlines.control_points[outlines.offsets[a] : outlines.offsets[a + 1]]
        steps = np.sign(controls[:, 3] - controls[:, 0])
        assert (np.abs(steps).sum(1) == 1).all()
        assert (steps[1:] != steps[:-1]).any(1).all()


def curves() -> dict[str, np.ndarray]:
    angle = np.linspace(0, 2 * np.pi, 61)
    circle = 20 + 9 * np.stack([np.cos(angle), np.sin(angle)], 1)
    circle[-1] = circle[0]
    walk = np.cumsum(np.random.default_rng(7).normal(0, 1, (80, 2)), 0)
    return {
        "a circle": circle,
        "a walk": walk,
        "a closed walk": np.concatenate([walk, walk[:1]]),
        "a staircase": np.stack([np.repeat(np.arange(20.0), 2)[1:], np.repeat(np.arange(20.0), 2)[:-1]], 1),
    }


@pytest.mark.parametrize("tolerance", [0.05, 0.35, 1.0, 3.0])
@pytest.mark.parametrize("name", curves())
def test_simplified_arcs_stay_within_tolerance_both_ways(name: str, tolerance: float) -> None:
    polyline = curves()[name]
    outlines = simplified_polygons(*arcs_of(polyline), tolerance)
    assert farthest(polyline, sampled(outlines, 0)) <= tolerance + 0.02
    assert farthest(sampled(outlines, 0), resampled(polyline)) <= tolerance + 0.02


@pytest.mark.parametrize("name", curves())
def test_simplified_arcs_have_no_more_points_the_larger_the_tolerance_and_keep_their_ends(name: str) -> None:
    polyline = curves()[name]
    counts = []
    for tolerance in (0.01, 0.1, 0.5, 2.0):
        controls = simplified_polygons(*arcs_of(polyline), tolerance).control_points
        counts.append(len(controls))
        assert np.array_equal(controls[0, 0], polyline[0])
        assert np.array_equal(controls[-1, 3], polyline[-1])
        assert np.array_equal(controls[1:, 0], controls[:-1, 3])
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < counts[0]


def test_arcs_are_simplified_one_by_one() -> None:
    lines = list(curves().values())
    together = simplified_polygons(*arcs_of(*lines), 0.35)
    apart = [simplified_polygons(*arcs_of(line), 0.35) for line in lines]
    assert np.array_equal(together.control_points, np.concatenate([one.control_points for one in apart]))
    assert np.diff(together.offsets).tolist() == [len(one.control_points) for one in apart]


def test_a_closed_arc_keeps_a_triangle_at_any_tolerance_that_is_smaller_than_it() -> None:
    outlines = simplified_polygons(*arcs_of(curves()["a circle"]), 8.0)
    assert len(outlines.control_points) >= 3


@given(maps, st.sampled_from(["pixel", "polygon", "spline"]), st.sampled_from([0.05, 0.35, 1.5]))
def test_the_faces_of_every_mode_cover_the_image_without_gap_or_overlap(
    labels: np.ndarray, mode: str, tolerance: float
) -> None:
    """Signed areas of the faces' rings add up to the image's: every inner arc is there once in each direction."""
    faces = labels.max() + 1
    paints = flat_paints(np.random.default_rng(0).integers(0, 256, (faces, 3)))
    outlines = outlines_of(labels, paints, mode, tolerance)
    total = sum(signed_area(ring) for rings in closed_rings_flattened(outlines) for ring in rings)
    assert total == pytest.approx(labels.size, abs=1e-6)


def closed_rings_flattened(outlines: Outlines, chords: int = 8) -> list[list[np.ndarray]]:
    """Every face's rings as points, cubics as chords."""
    planar_map = outlines.planar_map
    order, offsets, groups = planar_map.rings(*planar_map.half_arcs_by_face())
    rings: list[list[np.ndarray]] = [[] for _ in range(planar_map.faces)]
    t = np.arange(chords)[:, None] / chords
    for r, face in enumerate(groups):
        controls, lines = outlines.ring(order[offsets[r] : offsets[r + 1]])
        points = [
            p[:1]
            if line
            else (1 - t) ** 3 * p[0] + 3 * (1 - t) ** 2 * t * p[1] + 3 * (1 - t) * t * t * p[2] + t**3 * p[3]
            for p, line in zip(controls, lines, strict=True)
        ]
        rings[face].append(np.concatenate(points))
    return rings


def signed_area(ring: np.ndarray) -> float:
    """Positive where the face is on the left (y down)."""
    x, y = ring.T
    return float((np.roll(x, -1) * y - x * np.roll(y, -1)).sum() / 2)


@given(maps)
def test_pixel_faces_as_polygons_are_valid_disjoint_and_cover_the_image(labels: np.ndarray) -> None:
    polygons = face_polygons(pixel_outlines(trace_planar_map(labels)), 8)
    assert [polygon.area for polygon in polygons] == np.bincount(labels.ravel()).tolist()
    height, width = labels.shape
    assert shapely.unary_union([shapely.make_valid(p) for p in polygons]).equals(shapely.box(0, 0, width, height))


@pytest.mark.parametrize("mode", ["polygon", "spline"])
def test_faces_of_a_picture_as_polygons_leave_no_gap(mode: str) -> None:
    y, x = np.mgrid[:60, :60]
    labels = np.zeros((60, 60), np.int32)
    labels[(x - 25) ** 2 + (y - 28) ** 2 < 400] = 1
    labels[(x - 30) ** 2 + (y - 26) ** 2 < 100] = 2
    labels[x + y > 90] = 3
    paints = flat_paints(np.array([[250, 250, 250], [200, 30, 40], [20, 90, 160], [10, 120, 40]]))
    polygons = face_polygons(outlines_of(labels, paints, mode), 8)
    assert all(polygon.is_valid for polygon in polygons)
    union = shapely.unary_union(polygons)
    assert union.area == pytest.approx(3600, abs=1e-6)
    assert sum(polygon.area for polygon in polygons) == pytest.approx(3600, abs=1e-6)
    for polygon, pixels in zip(polygons, np.bincount(labels.ravel()), strict=True):
        assert polygon.area == pytest.approx(pixels, rel=0.03)
