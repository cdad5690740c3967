"""Gradients against ramps whose colours are known: linear, radial, of several stops, posterised, noisy, fading."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dhvt_vectorize.drawing.gradients import Gradient, fit_gradient

SIZE = 96
Y, X = np.mgrid[:SIZE, :SIZE] + 0.5
DISC = np.hypot(X - SIZE / 2, Y - SIZE / 2) < SIZE / 2 - 4
PLACES = np.stack([X[DISC], Y[DISC]], 1)


def premultiplied(colours: np.ndarray) -> np.ndarray:
    """Rounded as in an image."""
    rgba = np.rint(colours)
    return np.rint(np.column_stack([rgba[:, :3] * rgba[:, 3:] / 255, rgba[:, 3]]))


def fitted(truth: Gradient, change=lambda colours: colours) -> Gradient:
    found = fit_gradient(PLACES, change(premultiplied(truth.at(PLACES))), SIZE * SIZE)
    assert found is not None
    return found[0]


def off(one: Gradient, other: Gradient) -> np.ndarray:
    """Levels by which their premultiplied colours differ, a pixel."""
    a, b = one.at(PLACES), other.at(PLACES)
    a[:, :3] *= a[:, 3:] / 255
    b[:, :3] *= b[:, 3:] / 255
    return np.abs(a - b).max(1)


def assert_recovered(found: Gradient, truth: Gradient, most: float = 3.0) -> None:
    """To within a level; at the very ends of the face, where few pixels tell, within `most`."""
    levels = off(found, truth)
    assert np.quantile(levels, 0.97) <= 1.0
    assert levels.max() <= most


channel = st.integers(0, 255)
colour = st.tuples(channel, channel, channel, st.just(255))


@settings(deadline=None, max_examples=60)
@given(colour, colour, st.floats(0, 360))
def test_a_linear_gradient_is_recovered_to_within_a_colour_level(first, last, degrees: float) -> None:
    c, s = np.cos(np.radians(degrees)) * SIZE / 2, np.sin(np.radians(degrees)) * SIZE / 2
    truth = Gradient("linear", (SIZE / 2 - c, SIZE / 2 - s), (SIZE / 2 + c, SIZE / 2 + s), (0.0, 1.0), (first, last))
    assert_recovered(fitted(truth), truth)


@settings(deadline=None, max_examples=60)
@given(colour, colour, st.floats(20, 76), st.floats(20, 76))
def test_a_radial_gradient_is_recovered_to_within_a_colour_level(first, last, cx: float, cy: float) -> None:
    # of a few levels there is a band each, which tell of no centre
    assume(np.ptp([first, last], axis=0).max() >= 20)
    truth = Gradient("radial", (cx, cy), (cx + 80.0, cy), (0.0, 1.0), (first, last))
    found = fitted(truth)
    # a circle's outermost ring in a face's corner is a pixel or two
    assert_recovered(found, truth, 6.0)
    if np.ptp([first, last], axis=0).max() >= 60:
        assert found.kind == "radial"
        assert np.hypot(found.start[0] - cx, found.start[1] - cy) < 0.5


@pytest.mark.parametrize("kind", ["linear", "radial"])
@pytest.mark.parametrize("middle", [0.3, 0.5, 0.7])
def test_a_stop_between_is_found_and_no_more_stops_than_there_are(kind, middle: float) -> None:
    colours = ((30, 60, 200, 255), (192, 64, 128, 255), (250, 200, 80, 255))
    truth = Gradient(kind, (8.0, 30.0), (88.0, 60.0), (0.0, middle, 1.0), colours)
    found = fitted(truth)
    assert found.kind == kind
    assert_recovered(found, truth)
    assert len(found.offsets) == 3


def test_one_opacity_is_no_gradient_of_opacity_and_a_fading_one_is_recovered() -> None:
    even = Gradient("linear", (0.0, 0.0), (96.0, 0.0), (0.0, 1.0), ((30, 60, 200, 128), (200, 60, 30, 128)))
    assert not fitted(even).fades
    fading = Gradient("linear", (0.0, 0.0), (0.0, 96.0), (0.0, 1.0), ((30, 60, 200, 250), (30, 60, 200, 10)))
    found = fitted(fading)
    assert found.fades
    assert_recovered(found, fading)
    assert np.abs(np.array(found.colours)[:, :3] - (30, 60, 200)).max() <= 2


@pytest.mark.parametrize("step", [4, 8])
def test_a_posterised_gradient_has_the_stops_of_the_one_it_was(step: int) -> None:
    truth = Gradient("radial", (48.0, 48.0), (96.0, 48.0), (0.0, 1.0), ((30, 60, 200, 255), (250, 200, 80, 255)))

    def posterised(colours: np.ndarray) -> np.ndarray:
        return np.column_stack([np.rint(colours[:, :3] / step) * step, colours[:, 3]])

    found = fitted(truth, posterised)
    assert len(found.offsets) == 2
    assert off(found, truth).max() <= step / 2


def test_noise_moves_a_gradient_little() -> None:
    truth = Gradient("radial", (40.0, 52.0), (110.0, 52.0), (0.0, 1.0), ((30, 60, 200, 255), (250, 200, 80, 255)))
    random = np.random.default_rng(3)

    def noisy(colours: np.ndarray) -> np.ndarray:
        return np.clip(
            colours + np.append(random.normal(0, 4, (len(colours), 3)), np.zeros((len(colours), 1)), 1), 0, 255
        )

    found = fitted(truth, noisy)
    assert found.kind == "radial"
    assert off(found, truth).max() <= 4


def test_too_few_pixels_have_no_gradient() -> None:
    assert fit_gradient(PLACES[:4], np.full((4, 4), 255.0), 100) is None
