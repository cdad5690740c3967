from dataclasses import replace

import numpy as np
import pytest
from drawings import RED_ON_BLUE, regions, svg, zones
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from dhvt_vectorize.errors import InputError
from dhvt_vectorize.training.owners import (
    View,
    Zones,
    merge_unseen,
    render,
    whole_view,
    zones_of,
    zones_of_points,
)
from dhvt_vectorize.training.twins import Artwork, read_artwork

LABELS = arrays.arrays(np.int32, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 3))


def majority(block: np.ndarray) -> int:
    values, counts = np.unique(block, return_counts=True)
    return int(values[counts.argmax()])


def has_several_commonest(block: np.ndarray) -> bool:
    counts = np.unique(block, return_counts=True)[1]
    return int((counts == counts.max()).sum()) > 1


def rgba(zone_map: Zones) -> np.ndarray:
    return zone_map.colours.view(np.uint8).reshape(-1, 4)


# --- points to owners


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.randoms(use_true_random=False))
def test_the_owner_is_the_commonest_of_a_pixels_points_and_of_equally_common_the_first(height, width, s, seeded):
    points = np.array([[seeded.choice((0, 7, 9, 2**32 - 1)) for _ in range(width * s)] for _ in range(height * s)])
    found = zones_of_points(points.astype(np.uint32), s)
    blocks = points.reshape(height, s, width, s).swapaxes(1, 2)
    expected = [[majority(block) for block in row] for row in blocks]
    np.testing.assert_array_equal(found.colours[found.owner], expected)
    several = [[has_several_commonest(block) for block in row] for row in blocks]
    np.testing.assert_array_equal(found.judged(found.owner) < 0, several)


@given(st.integers(1, 4), st.randoms(use_true_random=False))
def test_mixed_pixels_keep_all_their_points_and_coverage_is_their_share(s, seeded):
    points = np.array([[seeded.choice((3, 5, 8)) for _ in range(3 * s)] for _ in range(2 * s)], np.uint32)
    found = zones_of_points(points, s)
    shown = found.coverage_mean(found.colours[:, None].astype(np.float32))
    np.testing.assert_allclose(shown[..., 0], points.reshape(2, s, 3, s).mean((1, 3)), rtol=1e-6)


@given(LABELS)
def test_regions_are_the_4_connected_parts_of_one_owner_numbered_from_the_first_pixel(owner):
    points = owner.astype(np.uint32)
    found = zones_of_points(points, 1).regions()
    parts = sum(ndimage.label(owner == zone)[1] for zone in np.unique(owner))
    firsts = np.unique(found, return_index=True)[1]
    assert found.max() + 1 == parts
    assert (np.diff(firsts) > 0).all()
    for region in range(parts):
        assert np.unique(owner[found == region]).size == 1


def test_zones_placed_in_a_larger_square_have_nothing_around_them():
    found = zones('<rect width="20" height="9.4" fill="red"/><rect y="9.4" width="20" height="11" fill="blue"/>')
    placed = found.placed(32, 5, 7)
    inside = (slice(5, 25), slice(7, 27))
    np.testing.assert_array_equal(placed.colours[placed.owner][inside], found.colours[found.owner])
    assert np.count_nonzero(placed.colours[placed.owner]) == 400
    colours, before = (z.coverage_mean(rgba(z).astype(np.float32)) for z in (placed, found))
    np.testing.assert_array_equal(colours[inside], before)


def test_zones_placed_elsewhere_are_tied_where_they_were():
    found = zones('<rect width="20" height="9.5" fill="red"/><rect y="9.5" width="20" height="11" fill="blue"/>')
    placed = found.placed(32, 5, 7)
    tied = placed.judged(placed.owner) < 0
    assert tied.sum() == 20
    assert tied[14, 7:27].all()


# --- drawings to owners


@given(st.integers(1, 79).filter(lambda quarter: quarter % 4 != 2))
def test_a_pixel_belongs_to_whom_most_of_it_belongs(quarter):
    edge = quarter / 4
    body = f'<rect width="{edge}" height="20" fill="red"/><rect x="{edge}" width="20" height="20" fill="#00f"/>'
    found = zones(body)
    red = (rgba(found)[found.owner] == (255, 0, 0, 255)).all(2)
    np.testing.assert_array_equal(red, np.broadcast_to(np.arange(20) + 0.5 < edge, (20, 20)))


@pytest.mark.parametrize("wish", ["", 'shape-rendering="geometricPrecision"', 'style="shape-rendering:auto;"'])
def test_the_twin_has_no_colours_but_the_paints(wish):
    clip = '<clipPath id="c"><circle cx="9" cy="9" r="8.7"/></clipPath>'
    overlay = f'<g {wish} clip-path="url(#c)"><path {wish} d="M1 2L19 7L3 17Z" fill="#0f0" fill-opacity=".5"/></g>'
    assert len(zones(clip + RED_ON_BLUE + overlay, 97).colours) == 4
    artwork = read_artwork(svg(clip + RED_ON_BLUE + overlay), "a.svg")
    assert len(np.unique(render(artwork, whole_view(artwork, 97)).reshape(-1, 4), axis=0)) > 40


def test_touching_shapes_of_one_paint_are_one_region_and_diagonal_ones_two():
    square = '<rect x="{}" y="{}" width="5" height="5" fill="red"/>'
    assert regions(square.format(0, 0) + square.format(5, 0)).max() == 1
    assert regions(square.format(0, 0) + square.format(5, 5)).max() == 2


def test_a_translucent_overlay_is_a_region_of_its_own():
    found = regions('<rect width="20" height="20" fill="red"/><rect width="9" height="9" fill="#00f" opacity=".4"/>')
    np.testing.assert_array_equal(found, np.where(np.add.outer(np.arange(20) > 8, np.arange(20) > 8), 1, 0))


def test_the_coverage_of_flat_paints_rebuilds_the_anti_aliased_image():
    artwork = read_artwork(svg(RED_ON_BLUE + '<path d="M2 3L17 5L9 18Z" fill="#fe0"/>'), "a.svg")
    view = whole_view(artwork, 90)
    found = zones_of(artwork, view, 4)
    residual = np.abs(found.coverage_mean(rgba(found).astype(np.float32)) - render(artwork, view)).max(2)
    assert residual.ravel()[np.setdiff1d(np.arange(90 * 90), found.mixed)].max() <= 1
    assert np.median(residual.ravel()[found.mixed]) <= 1


def test_a_window_shows_what_the_whole_shows_there():
    # straight edges: the rasteriser cuts curves at its canvas, and then follows them a quarter of a step differently
    body = '<rect width="20" height="20" fill="#0000ff"/><path d="M4 3L16 8L7 18Z" fill="#ff0000"/>'
    artwork = read_artwork(svg(body, attributes='width="40" height="30"'), "a.svg")
    whole = whole_view(artwork, 200)
    assert whole == View((200, 150), 0, 0, 200, 150)
    part = replace(whole, left=61, top=30, width=50, height=64)
    np.testing.assert_array_equal(render(artwork, part), render(artwork, whole)[30:94, 61:111])
    owner, whole_owner = (z.colours[z.owner] for z in (zones_of(artwork, view, 3) for view in (part, whole)))
    np.testing.assert_array_equal(owner, whole_owner[30:94, 61:111])


def test_a_view_can_be_rendered_at_another_size():
    artwork = read_artwork(svg(RED_ON_BLUE), "a.svg")
    assert render(artwork, whole_view(artwork, 30), (17, 11)).shape == (11, 17, 4)


def test_what_resvg_cannot_draw_is_an_input_error():
    with pytest.raises(InputError, match="cannot be drawn"):
        render(Artwork(4, 4, "<rect", "<rect"), View((4, 4), 0, 0, 4, 4))


# --- borders that cannot be seen


def painted(labels: np.ndarray, colours: list[tuple[int, ...]]) -> np.ndarray:
    return np.array(colours, np.uint8)[labels]


@given(LABELS)
def test_no_border_is_lost_where_every_colour_is_another(owner):
    labels = zones_of_points(owner.astype(np.uint32), 1).regions()
    image = painted(owner, [(0, 0, 0, 0), (0, 0, 0, 255), (90, 0, 0, 255), (90, 80, 0, 255)])
    np.testing.assert_array_equal(merge_unseen(labels, image, 30), labels)


@given(LABELS)
def test_regions_of_one_colour_become_the_regions_of_the_picture(owner):
    labels = zones_of_points(owner.astype(np.uint32), 1).regions()
    twice = painted(owner, [(9, 9, 9, 255), (9, 9, 9, 255), (200, 9, 9, 255), (200, 9, 9, 255)])
    expected = zones_of_points((owner // 2).astype(np.uint32), 1).regions()
    np.testing.assert_array_equal(merge_unseen(labels, twice, 4), expected)


def test_a_faint_step_is_a_border_only_above_the_least_contrast():
    labels = np.repeat(np.arange(3, dtype=np.int32), 4)[None].repeat(5, 0)
    image = painted(labels, [(100, 100, 100, 255), (103, 100, 100, 255), (140, 100, 100, 255)])
    assert merge_unseen(labels, image, 4).max() == 1
    np.testing.assert_array_equal(merge_unseen(labels, image, 3), labels)


def test_contrast_is_looked_for_beyond_the_blurred_rim():
    labels = np.repeat(np.arange(2, dtype=np.int32), 4)[None].repeat(5, 0)
    row = np.array([100, 100, 100, 104, 106, 110, 110, 110], np.uint8)
    image = np.broadcast_to(row[None, :, None], (5, 8, 4)).copy()
    image[..., 3] = 255
    np.testing.assert_array_equal(merge_unseen(labels, image, 9), labels)


def test_the_colour_of_what_is_transparent_makes_no_border():
    labels = np.repeat(np.arange(2, dtype=np.int32), 4)[None].repeat(5, 0)
    assert merge_unseen(labels, painted(labels, [(0, 0, 0, 0), (255, 255, 255, 0)]), 4).max() == 0
    assert merge_unseen(labels, painted(labels, [(0, 0, 0, 0), (0, 0, 0, 255)]), 4).max() == 1
