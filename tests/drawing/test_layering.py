"""The oracle of layers: a label map drawn with pixel edges shows, in every pixel, its face's own paint and no other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_drawings import flat_paints, image_of, layers_of, outlines_of, svg_of
from label_maps import ZOO, connected, connected_label_maps
from skimage.draw import disk

from dhvt_vectorize.drawing.figures import count
from dhvt_vectorize.drawing.paints import Paints
from dhvt_vectorize.drawing.preview import render

LAYERINGS = ["stacked", "cutout"]
labels_of_any_kind = st.one_of(connected_label_maps(12), st.sampled_from(list(ZOO.values())))
seeds = st.integers(0, 2**32 - 1)


def random_paints(faces: int, seed: int, opacities: tuple[float, ...]) -> Paints:
    """Colours of which many repeat, so that shapes of one paint meet and share a path."""
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (random.integers(2, 9), 3))
    return flat_paints(palette[random.integers(0, len(palette), faces)], random.choice(opacities, faces))


def assert_shown(labels: np.ndarray, paints: Paints, layering: str) -> None:
    height, width = labels.shape
    drawn = render(svg_of(labels, paints, layering), width, height)
    expected = image_of(labels, paints)
    assert np.array_equal(drawn[..., 3], expected[..., 3])
    # a translucent colour was stored premultiplied, in whole levels
    near = np.where(expected[..., 3:] == 255, 0, 4)
    assert (np.abs(drawn[..., :3].astype(int) - expected[..., :3]) <= near).all()


@pytest.mark.parametrize("layering", LAYERINGS)
@given(labels_of_any_kind, seeds)
@settings(max_examples=150)
def test_opaque_faces_each_show_their_colour(layering: str, labels: np.ndarray, seed: int) -> None:
    assert_shown(labels, random_paints(labels.max() + 1, seed, (1.0,)), layering)


@pytest.mark.parametrize("layering", LAYERINGS)
@given(labels_of_any_kind, seeds)
@settings(max_examples=150)
def test_transparent_faces_stay_open(layering: str, labels: np.ndarray, seed: int) -> None:
    assert_shown(labels, random_paints(labels.max() + 1, seed, (1.0, 1.0, 0.0)), layering)


@pytest.mark.parametrize("layering", LAYERINGS)
@given(labels_of_any_kind, seeds)
@settings(max_examples=150)
def test_translucent_faces_let_nothing_but_the_page_through(layering: str, labels: np.ndarray, seed: int) -> None:
    assert_shown(labels, random_paints(labels.max() + 1, seed, (1.0, 0.6, 0.0, 0.35)), layering)


@pytest.mark.parametrize("opacities", [(1.0,), (1.0, 0.0), (0.6, 0.0)])
@pytest.mark.parametrize("layering", LAYERINGS)
@pytest.mark.parametrize("name", ZOO)
def test_awkward_maps_show_every_face(name: str, layering: str, opacities: tuple[float, ...]) -> None:
    for seed in range(3):
        assert_shown(ZOO[name], random_paints(ZOO[name].max() + 1, seed, opacities), layering)


@pytest.mark.parametrize("layering", LAYERINGS)
def test_a_map_of_many_faces_shows_every_one(layering: str) -> None:
    blocks = np.random.default_rng(1).integers(0, 3, (20, 30))
    labels = connected(np.kron(blocks, np.ones((2, 2), int)) * (np.arange(60) % 7 > 0))
    assert_shown(labels, random_paints(labels.max() + 1, 2, (1.0, 1.0, 1.0, 0.5, 0.0)), layering)


@given(labels_of_any_kind, seeds)
def test_stacked_opaque_faces_are_one_ring_each(labels: np.ndarray, seed: int) -> None:
    paints = random_paints(labels.max() + 1, seed, (1.0,))
    layers = layers_of(outlines_of(labels, paints).planar_map, paints, "stacked")
    assert sorted(layers.face.tolist()) == list(range(labels.max() + 1))
    assert np.diff(layers.shape_offsets).tolist() == [1] * len(layers.face)
    assert count(svg_of(labels, paints)).shapes == labels.max() + 1


@pytest.mark.parametrize("layering", LAYERINGS)
@given(labels_of_any_kind, seeds)
def test_every_painted_face_is_one_shape(layering: str, labels: np.ndarray, seed: int) -> None:
    paints = random_paints(labels.max() + 1, seed, (1.0, 0.5, 0.0))
    layers = layers_of(outlines_of(labels, paints).planar_map, paints, layering)
    assert sorted(layers.face.tolist()) == np.flatnonzero(paints.opacity > 0).tolist()


@given(labels_of_any_kind, seeds, st.sampled_from(["spline", "polygon"]))
def test_no_page_shows_between_stacked_shapes_of_any_outline(labels: np.ndarray, seed: int, mode: str) -> None:
    paints = random_paints(labels.max() + 1, seed, (1.0,))
    height, width = labels.shape
    assert (render(svg_of(labels, paints, "stacked", mode), 3 * width, 3 * height)[..., 3] == 255).all()


def test_the_page_shows_between_cutout_shapes_and_not_between_stacked_ones() -> None:
    labels = np.zeros((40, 40), np.int32)
    labels[disk((20, 20), 13)] = 1
    labels[disk((20, 20), 6)] = 2
    paints = flat_paints(np.array([[250, 240, 230], [200, 30, 40], [20, 90, 160]]))
    showing = {
        layering: (255 - render(svg_of(labels, paints, layering, "spline"), 40, 40)[..., 3].astype(int)).mean()
        for layering in LAYERINGS
    }
    assert showing["stacked"] == 0
    assert showing["cutout"] > 1


def test_a_surrounding_face_is_painted_before_what_lies_in_its_holes_even_where_it_is_smaller() -> None:
    labels = np.zeros((9, 9), np.int32)
    labels[1:8, 1:8] = 1
    labels[2:7, 2:7] = 2  # 25 pixels in a frame of 24
    paints = flat_paints(np.array([[0, 0, 0], [255, 0, 0], [254, 0, 0]]))
    layers = layers_of(outlines_of(labels, paints).planar_map, paints, "stacked")
    assert layers.face.tolist() == [0, 1, 2]
