"""Bands of gradients become one face, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
from label_maps import connected

from dhvt_vectorize.drawing.gradients import Gradient
from dhvt_vectorize.drawing.paints import fit_paints, joined_faces

SIZE = 80
Y, X = np.mgrid[:SIZE, :SIZE] + 0.5
LINEAR = Gradient("linear", (5.0, 0.0), (70.0, 40.0), (0.0, 1.0), ((30, 60, 200, 255), (250, 200, 80, 255)))
RADIAL = Gradient("radial", (40.0, 36.0), (90.0, 36.0), (0.0, 1.0), ((250, 240, 180, 255), (200, 40, 20, 255)))


def painted(gradient: Gradient) -> np.ndarray:
    return np.rint(gradient.at(np.stack([X.ravel(), Y.ravel()], 1))).reshape(SIZE, SIZE, 4).astype(np.uint8)


def cut(pixels: np.ndarray, bands: int) -> np.ndarray:
    """Connected regions of about as many brightnesses."""
    light = pixels[..., :3].astype(float).sum(2)
    edges = np.linspace(light.min(), light.max() + 1, bands + 1)
    return connected(np.digitize(light, edges)).astype(np.int32)


def joined(labels: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    return joined_faces(labels, pixels, np.zeros(labels.shape, bool), gradients=True)


@pytest.mark.parametrize("bands", [2, 5, 12])
@pytest.mark.parametrize("gradient", [LINEAR, RADIAL])
def test_the_bands_of_a_gradient_become_one_face(gradient: Gradient, bands: int) -> None:
    pixels = painted(gradient)
    assert cut(pixels, bands).max() > 0
    labels = joined(cut(pixels, bands), pixels)
    assert labels.max() == 0
    paints = fit_paints(labels, pixels, np.zeros(labels.shape, bool), "auto", closely=True)
    shown = paints.gradients[0].at(np.stack([X.ravel(), Y.ravel()], 1)).reshape(SIZE, SIZE, 4)
    assert np.abs(shown - pixels).max() <= 2


@pytest.mark.parametrize("step", [4, 8])
def test_the_steps_of_a_posterised_gradient_become_one_face(step: int) -> None:
    pixels = painted(LINEAR)
    pixels[..., :3] = np.minimum(np.rint(pixels[..., :3] / step) * step, 255)
    labels = connected(pixels[..., 0].astype(int) // step).astype(np.int32)
    assert labels.max() > 8
    assert joined(labels, pixels).max() == 0


@pytest.mark.parametrize("step", [6, 10, 40])
def test_flat_neighbours_stay_apart_however_alike(step: int) -> None:
    labels = (X > 30).astype(np.int32)
    pixels = np.full((SIZE, SIZE, 4), 255, np.uint8)
    pixels[..., :3] = np.where(labels[..., None] == 1, 120 + step, 120)
    assert joined(labels, pixels).max() == 1


@pytest.mark.parametrize("step", [14, 18, 22])
@pytest.mark.parametrize("rings", [1, 2])
def test_flat_neighbours_whose_edge_is_anti_aliased_stay_apart(step: int, rings: int) -> None:
    """Two pixels that touch differ by little there, and a gradient of several stops would do; it is an edge."""
    away = np.hypot(X - 40.3, Y - 39.6)
    radii = [20.0, 28.0][:rings]
    share = sum(np.clip(radius + 0.5 - away, 0, 1) for radius in radii)
    labels = sum((away < radius).astype(np.int32) for radius in radii)
    pixels = np.full((SIZE, SIZE, 4), 255, np.uint8)
    pixels[..., :3] = np.rint(120 + step * share)[..., None]
    assert joined(np.asarray(labels), pixels).max() == rings


def test_a_shape_on_a_gradient_stays_and_the_gradient_is_one_around_it() -> None:
    pixels = painted(LINEAR)
    disc = np.hypot(X - 40, Y - 40) < 12
    pixels[disc] = (20, 20, 20, 255)
    labels = connected(np.where(disc, -1, cut(painted(LINEAR), 6))).astype(np.int32)
    after = joined(labels, pixels)
    assert after.max() == 1
    assert np.array_equal(after == after[40, 40], disc)


def test_two_gradients_that_meet_stay_two() -> None:
    one, other = painted(LINEAR), painted(RADIAL)
    left = X < 40
    pixels = np.where(left[..., None], one, other)
    labels = connected(np.where(left, cut(one, 5), 100 + cut(other, 5))).astype(np.int32)
    after = joined(labels, pixels)
    assert after.max() == 1
    assert np.array_equal(after == after[0, 0], left)
