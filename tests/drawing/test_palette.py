"""Fewer colours: how many are left, which faces get which, and that faces become one where they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_drawings import flat_paints, image_of
from label_maps import ZOO, connected, connected_label_maps

from dhvt_vectorize.drawing.palette import reduce_colours

maps = st.one_of(connected_label_maps(), st.sampled_from(list(ZOO.values())))


def random_colours(faces: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (faces, 3))


@given(maps, st.integers(1, 6), st.integers(0, 999))
def test_at_most_as_many_colours_as_asked_are_left(labels: np.ndarray, colours: int, seed: int) -> None:
    paints = flat_paints(random_colours(labels.max() + 1, seed))
    new_labels, new_colours = reduce_colours(labels, paints, colours, None)
    assert len(np.unique(new_colours, axis=0)) <= colours
    assert len(new_colours) == new_labels.max() + 1


@given(maps, st.integers(1, 6), st.integers(0, 999))
def test_new_faces_are_connected_and_differ_from_their_neighbours(labels: np.ndarray, colours: int, seed: int) -> None:
    paints = flat_paints(random_colours(labels.max() + 1, seed))
    new_labels, new_colours = reduce_colours(labels, paints, colours, None)
    assert np.array_equal(connected(new_labels), new_labels)
    shown = new_colours[new_labels].astype(int)
    for axis in (0, 1):
        beside = np.diff(new_labels, axis=axis) != 0
        # clusters of different faces may round to one colour, but do not in these
        assert (np.abs(np.diff(shown, axis=axis)).max(2)[beside] > 0).all() or colours > 3


@given(maps, st.integers(0, 999))
def test_enough_colours_change_nothing_but_join_equal_neighbours(labels: np.ndarray, seed: int) -> None:
    paints = flat_paints(
        np.array([[0, 0, 0], [255, 0, 0], [0, 90, 255]])[random_colours(labels.max() + 1, seed)[:, 0] % 3]
    )
    new_labels, new_colours = reduce_colours(labels, paints, 3, None)
    assert np.array_equal(new_colours[new_labels], paints.colours[labels])


@given(maps, st.integers(0, 999))
def test_a_palette_given_is_the_only_one_used_and_each_face_takes_the_nearest(labels: np.ndarray, seed: int) -> None:
    paints = flat_paints(random_colours(labels.max() + 1, seed) // 64 * 85)
    palette = ("#000000", "#ff0000", "#00ff00", "#0000ff", "#ffffff")
    new_labels, new_colours = reduce_colours(labels, paints, None, palette)
    allowed = {tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5)) for colour in palette}
    assert {tuple(colour) for colour in new_colours.tolist()} <= allowed
    exact = np.array([tuple(colour) in allowed for colour in paints.colours.tolist()])
    kept = exact[labels]
    assert np.array_equal(new_colours[new_labels][kept], paints.colours[labels][kept])


def test_nearest_is_nearest_to_the_eye() -> None:
    labels = np.arange(3, dtype=np.int32)[None]
    paints = flat_paints(np.array([[200, 200, 190], [130, 20, 20], [10, 10, 60]]))
    _, colours = reduce_colours(labels, paints, None, ("#ffffff", "#ff0000", "#000000"))
    assert colours.tolist() == [[255, 255, 255], [255, 0, 0], [0, 0, 0]]


def test_large_areas_weigh_more() -> None:
    labels = np.zeros((10, 10), np.int32)
    labels[0, 0] = 1
    paints = flat_paints(np.array([[100, 100, 100], [140, 140, 140]]))
    new_labels, colours = reduce_colours(labels, paints, 1, None)
    assert new_labels.max() == 0
    assert np.abs(colours[0].astype(int) - 100).max() <= 1


def test_a_speck_takes_no_colour_from_a_large_area() -> None:
    labels = np.zeros((10, 10), np.int32)
    labels[5:] = 1
    labels[0, 0] = 2
    paints = flat_paints(np.array([[100, 100, 100], [130, 130, 130], [255, 255, 255]]))
    new_labels, colours = reduce_colours(labels, paints, 2, None)
    assert colours[new_labels[9, 9]].tolist() != colours[new_labels[1, 9]].tolist()


def test_faces_of_different_opacity_do_not_become_one_and_transparent_ones_take_no_colour() -> None:
    labels = np.arange(4, dtype=np.int32)[None]
    paints = flat_paints(np.array([[9, 9, 9], [9, 9, 9], [250, 0, 0], [9, 9, 9]]), np.array([1.0, 0.5, 0.0, 0.0]))
    new_labels, colours = reduce_colours(labels, paints, 1, None)
    assert new_labels.tolist() == [[0, 1, 2, 2]]
    assert colours[:2].tolist() == [[9, 9, 9], [9, 9, 9]]


@pytest.mark.parametrize("colours", [1, 3, 8])
def test_the_same_faces_give_the_same_colours(colours: int) -> None:
    labels = np.arange(200, dtype=np.int32).reshape(10, 20)
    paints = flat_paints(random_colours(200, 5))
    first, second = (reduce_colours(labels, paints, colours, None) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert len(np.unique(first[1], axis=0)) == colours


def test_more_colours_are_nearer_the_image() -> None:
    labels = np.arange(400, dtype=np.int32).reshape(20, 20)
    paints = flat_paints(random_colours(400, 6))
    image = image_of(labels, paints)[..., :3].astype(float)
    errors = []
    for colours in (1, 2, 4, 8, 16, 64):
        new_labels, new_colours = reduce_colours(labels, paints, colours, None)
        errors.append(((new_colours[new_labels] - image) ** 2).mean())
    assert errors == sorted(errors, reverse=True)
