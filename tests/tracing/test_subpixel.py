"""Sub-pixel placement against edges that are known: half-planes, discs and wedges, their coverage computed finely."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_maps import ZOO, connected_label_maps

from dhvt_vectorize.drawing.gradients import Gradient
from dhvt_vectorize.tracing._ramp_kernels import ramp_at
from dhvt_vectorize.tracing.planar_map import PlanarMap, trace_planar_map
from dhvt_vectorize.tracing.subpixel import _ramps, subpixel_polylines

SIZE, FINE = 24, 32
COLOURS = np.array([[240, 30, 60, 255], [20, 140, 220, 255], [250, 230, 90, 255], [0, 0, 0, 0]], float)

Shape = Callable[[np.ndarray, np.ndarray], np.ndarray]


def supersampled(
    shape: Shape, colours: np.ndarray = COLOURS, size: int = SIZE
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(labels, premultiplied pixels, face colours) of a picture that says which face each place (x, y) belongs to."""
    at = (np.arange(size * FINE) + 0.5) / FINE
    face = shape(at[None, :], at[:, None]) + np.zeros((size * FINE, size * FINE), int)
    present = np.unique(face)
    blocks = face.reshape(size, FINE, size, FINE)
    cover = np.stack([(blocks == k).mean((1, 3)) for k in present])
    pixels = np.rint(np.einsum("kyx,kc->yxc", cover, colours[present])).astype(np.uint8)
    return cover.argmax(0).astype(np.int32), pixels, colours[present].astype(np.float32)


def traced(shape: Shape, colours: np.ndarray = COLOURS, size: int = SIZE) -> tuple[PlanarMap, np.ndarray, np.ndarray]:
    labels, pixels, face_colours = supersampled(shape, colours, size)
    planar_map = trace_planar_map(labels)
    return (planar_map, *subpixel_polylines(planar_map, pixels, face_colours))


def inner_points(planar_map: PlanarMap, points: np.ndarray, offsets: np.ndarray, with_ends: bool = True) -> np.ndarray:
    """The points of all arcs between two faces."""
    arcs = np.flatnonzero((planar_map.left >= 0) & (planar_map.right >= 0))
    cut = 0 if with_ends else 1
    return np.concatenate([points[offsets[a] + cut : offsets[a + 1] - cut] for a in arcs])


@pytest.mark.parametrize("offset", [-3.3, 0.0, 0.27, 0.5, 4.9])
@pytest.mark.parametrize("degrees", [0, 3, 10, 22, 30, 45, 58, 75, 90, 135, 161, 200, 290])
@pytest.mark.parametrize("second", [1, 3])
def test_points_lie_on_the_line_that_bounds_a_half_plane(degrees: float, offset: float, second: int) -> None:
    """Within 0.05 px; near the image's frame, where less is seen of a border that runs along it, within 0.35."""
    nx, ny = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))

    def away(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return nx * (x - SIZE / 2) + ny * (y - SIZE / 2) - offset

    planar_map, points, offsets = traced(lambda x, y: np.where(away(x, y) > 0, second, 0))
    border = inner_points(planar_map, points, offsets)
    x, y = border.T
    middle = (np.minimum(x, y) > 2) & (np.maximum(x, y) < SIZE - 2)
    assert middle.sum() >= 8
    error = np.abs(away(x, y))
    assert error[middle].max() <= 0.05
    assert error.max() <= 0.35
    assert error.mean() <= 0.03


@pytest.mark.parametrize("kind", ["linear", "radial"])
@pytest.mark.parametrize("degrees", [0, 10, 30, 58, 90, 135])
def test_beside_a_gradient_an_edge_lies_where_the_gradients_own_colour_says(degrees: float, kind: str) -> None:
    nx, ny = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    gradient = Gradient(
        kind, (4.0, 2.0), (22.0, 20.0), (0.0, 0.4, 1.0), ((90, 70, 60, 255), (130, 120, 90, 255), (170, 140, 150, 255))
    )  # type: ignore[arg-type]

    def away(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return nx * (x - SIZE / 2) + ny * (y - SIZE / 2) - 0.27

    labels, _, _ = supersampled(lambda x, y: np.where(away(x, y) > 0, 1, 0))
    at = (np.arange(SIZE * FINE) + 0.5) / FINE
    x, y = (axis.ravel() for axis in np.meshgrid(at, at))
    fine = np.where((away(x, y) > 0)[:, None], gradient.at(np.stack([x, y], 1)), [10, 10, 20, 255])
    pixels = np.rint(fine.reshape(SIZE, FINE, SIZE, FINE, 4).mean((1, 3))).astype(np.uint8)
    colours = np.array([[10, 10, 20, 255], pixels[labels == 1].mean(0)], np.float32)
    planar_map = trace_planar_map(labels)

    def error(*gradients: dict[int, Gradient]) -> np.ndarray:
        x, y = inner_points(planar_map, *subpixel_polylines(planar_map, pixels, colours, *gradients)).T
        return np.abs(away(x, y))[(np.minimum(x, y) > 2) & (np.maximum(x, y) < SIZE - 2)]

    assert error({1: gradient}).max() <= 0.06
    assert error().max() > 2 * error({1: gradient}).max()


@given(
    st.sampled_from(["linear", "radial"]),
    st.lists(st.floats(0, 1), min_size=1, max_size=6, unique=True),
    st.integers(0, 2**32 - 1),
)
def test_the_kernels_gradient_is_the_drawings(kind: str, offsets: list[float], seed: int) -> None:
    random = np.random.default_rng(seed)
    colours = tuple(tuple(map(int, random.integers(0, 256, 4))) for _ in offsets)
    start, end = (tuple(map(float, random.uniform(0, 30, 2))) for _ in range(2))
    gradient = Gradient(kind, start, end, tuple(sorted(offsets)), colours)  # type: ignore[arg-type]
    ramp_of, ramps = _ramps({2: gradient}, 4)
    assert ramp_of.tolist() == [-1, -1, 0, -1]
    places, found = random.uniform(-5, 35, (50, 2)), np.empty((50, 4))
    for place, out in zip(places, found, strict=True):
        ramp_at(ramps[0], *place, out)
    # premultiplied colours are interpolated here, straight ones there: between stops of one alpha it is the same
    expected = gradient.at(places)
    expected[:, :3] *= expected[:, 3:] / 255
    apart = np.ptp([colour[3] for colour in colours])
    np.testing.assert_allclose(found, expected, atol=1e-6 if not apart else apart / 4 + 1)


@pytest.mark.parametrize(("cx", "cy"), [(12.0, 12.0), (12.31, 11.7), (11.5, 12.5)])
@pytest.mark.parametrize("radius", [3.0, 4.6, 8.0])
def test_points_lie_on_the_circle_that_bounds_a_disc(radius: float, cx: float, cy: float) -> None:
    planar_map, points, offsets = traced(lambda x, y: ((x - cx) ** 2 + (y - cy) ** 2 < radius**2).astype(int))
    x, y = inner_points(planar_map, points, offsets).T
    error = np.hypot(x - cx, y - cy) - radius
    # an edge crosses a pixel as a bend, whose sagitta is 1 / (8 r)
    assert np.abs(error).max() <= 0.06 + 0.5 / radius
    assert abs(error.mean()) <= 0.06
    assert np.sqrt((error**2).mean()) <= 0.04 + 0.25 / radius


@pytest.mark.parametrize("turn", [0.0, 12.0, 25.0, 40.0, 71.0])
@pytest.mark.parametrize(("cx", "cy"), [(12.0, 12.0), (12.4, 11.7)])
def test_a_junction_of_three_half_planes_is_near_where_they_meet(turn: float, cx: float, cy: float) -> None:
    def sector(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (np.degrees(np.arctan2(y - cy, x - cx)) - turn) % 360 // 120

    planar_map, points, offsets = traced(lambda x, y: sector(x, y).astype(int))
    x, y = planar_map.junctions.T
    (inner,) = np.flatnonzero((x > 0) & (x < SIZE) & (y > 0) & (y < SIZE))
    ends = [points[offsets[a]] for a in np.flatnonzero(planar_map.start == inner)]
    ends += [points[offsets[a + 1] - 1] for a in np.flatnonzero(planar_map.end == inner)]
    assert len(ends) == 3
    assert np.ptp(ends, axis=0).max() == 0
    assert np.hypot(ends[0][0] - cx, ends[0][1] - cy) <= 0.05


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("straight_through", "bound"), [(False, 0.05), (True, 0.3)])
def test_a_junction_lies_where_its_straight_arcs_meet(seed: int, straight_through: bool, bound: float) -> None:
    """Three sectors about any place; of two whose sides are nearly one line the crossing is surer than the place."""
    random = np.random.default_rng(seed)
    cx, cy = 12 + random.uniform(-1, 1, 2)
    through = np.array([0, np.pi, np.pi + random.uniform(0.7, 2.4)])
    steps = through if straight_through else np.arange(3) * 2 * np.pi / 3
    wobble = 0 if straight_through else random.uniform(-0.35, 0.35, 3)
    sides = np.sort((random.uniform(0, 2 * np.pi) + steps + wobble) % (2 * np.pi))

    def sector(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.searchsorted(sides, np.arctan2(y - cy, x - cx) % (2 * np.pi)) % 3

    planar_map, points, offsets = traced(sector)
    x, y = planar_map.junctions.T
    (inner,) = np.flatnonzero((x > 0) & (x < SIZE) & (y > 0) & (y < SIZE))
    first = np.flatnonzero(planar_map.start == inner)
    px, py = points[offsets[first[0]]] if len(first) else points[offsets[planar_map.end.tolist().index(inner) + 1] - 1]
    assert np.hypot(px - cx, py - cy) <= bound


@pytest.mark.parametrize("turn", [0.3, 1.1, 2.6, 5.2])
@pytest.mark.parametrize("degrees", [15, 18, 21, 25])
def test_a_wedge_ends_at_its_tip(degrees: float, turn: float) -> None:
    """Though for pixels before that it is too narrow for any to be its own: a border that another covers at a slant."""
    cx, cy, size = 40.2, 39.7, 80
    inner = np.array([turn, turn + np.radians(degrees), turn + np.pi])

    def face(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.searchsorted(inner - turn, (np.arctan2(y - cy, x - cx) - turn) % (2 * np.pi), "right") - 1

    planar_map, points, offsets = traced(face, size=size)
    x, y = planar_map.junctions.T
    (junction,) = np.flatnonzero((x > 0) & (x < size) & (y > 0) & (y < size))
    ends = np.array([points[offsets[a]] for a in np.flatnonzero(planar_map.start == junction)])
    ends = ends if len(ends) else np.array([points[offsets[planar_map.end.tolist().index(junction) + 1] - 1]])
    assert np.hypot(*(ends[0] - (cx, cy))) <= 1.2
    # and no border bends on the way there
    away = inner_points(planar_map, points, offsets) - (cx, cy)
    off = np.abs(np.outer(away[:, 0], np.sin(inner)) - np.outer(away[:, 1], np.cos(inner))).min(1)
    middle = (np.abs(away) < size / 2 - 4).all(1)
    assert off[middle].max() <= 0.3


def test_a_border_that_runs_straight_through_a_junction_stays_straight() -> None:
    planar_map, points, offsets = traced(lambda x, y: np.where(x < 11.6, 0, np.where(y < 12.2, 1, 2)))
    through = [a for a in range(planar_map.arcs) if {planar_map.left[a], planar_map.right[a]} in ({0, 1}, {0, 2})]
    assert len(through) == 2
    for a in through:
        assert np.abs(points[offsets[a] : offsets[a + 1], 0] - 11.6).max() <= 0.1


def test_a_region_too_thin_for_an_inside_takes_its_own_colour() -> None:
    """A bar of three pixels' width or so: either edge is where its coverage says."""
    planar_map, points, offsets = traced(lambda x, y: ((x > 9.25) & (x < 12.7)).astype(int))
    x = inner_points(planar_map, points, offsets)[:, 0]
    assert np.abs(x[x < 11] - 9.25).max() <= 0.08
    assert np.abs(x[x > 11] - 12.7).max() <= 0.08


def test_faces_of_nearly_one_colour_keep_the_pixels_edge() -> None:
    labels = np.zeros((8, 8), np.int32)
    labels[:, 4:] = 1
    pixels = np.full((8, 8, 4), 200, np.uint8)
    pixels[:, 4:] += 3
    planar_map = trace_planar_map(labels)
    points, offsets = subpixel_polylines(planar_map, pixels, np.array([[200.0] * 4, [203.0] * 4], np.float32))
    assert (inner_points(planar_map, points, offsets)[:, 0] == 4).all()


maps = st.one_of(connected_label_maps(12), st.sampled_from(list(ZOO.values())))


@given(maps, st.integers(0, 2**32 - 1))
def test_whatever_the_colours_the_frame_stays_and_no_point_moves_more_than_a_pixel(
    labels: np.ndarray, seed: int
) -> None:
    random = np.random.default_rng(seed)
    planar_map = trace_planar_map(labels)
    height, width = labels.shape
    pixels = random.integers(0, 256, (height, width, 4)).astype(np.uint8)
    colours = random.uniform(0, 255, (planar_map.faces, 4)).astype(np.float32)
    points, offsets = subpixel_polylines(planar_map, pixels, colours)
    assert np.isfinite(points).all()
    assert len(offsets) == planar_map.arcs + 1
    assert (np.diff(offsets) >= 2).all()
    for a in range(planar_map.arcs):
        arc, corners = points[offsets[a] : offsets[a + 1]], planar_map.arc(a)
        if planar_map.left[a] < 0 or planar_map.right[a] < 0:
            x, y = arc.T
            assert np.all((x == 0) | (x == width) | (y == 0) | (y == height))
        elif planar_map.start[a] < 0:
            assert np.array_equal(arc[0], arc[-1])
        middles = (corners[1:] + corners[:-1]) / 2
        nearest = np.abs(arc[1:-1, None] - np.concatenate([middles, corners])[None]).max(2).min(1, initial=9)
        assert (nearest <= 1 + 1e-9).all()
    for j, place in enumerate(planar_map.junctions):
        starts = points[offsets[:-1][planar_map.start == j]]
        ends = points[offsets[1:][planar_map.end == j] - 1]
        meeting = np.concatenate([starts, ends])
        assert (meeting == meeting[0]).all()
        assert np.abs(meeting[0] - place).max() <= 1
