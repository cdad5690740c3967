"""Paints against pictures whose colours are known: rims, exact ramps, noise, alpha."""

from __future__ import annotations

import numpy as np
import pytest

from dhvt_vectorize.drawing.paints import Paints, fit_paints


def no_rim(labels: np.ndarray) -> np.ndarray:
    return np.zeros(labels.shape, bool)


def opaque(colours: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 4) of colours (H, W, 3)."""
    return np.concatenate([np.rint(colours), np.full((*colours.shape[:2], 1), 255)], 2).astype(np.uint8)


def one_face(colours: np.ndarray, fill: str) -> Paints:
    labels = np.zeros(colours.shape[:2], np.int32)
    return fit_paints(labels, opaque(colours), no_rim(labels), fill)


def ramp(degrees: float, first: tuple, last: tuple, size: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """(colours, direction): a linear ramp across a disc's box, from `first` to `last` over the whole diagonal."""
    y, x = np.mgrid[:size, :size] + 0.5
    direction = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    t = ((x - size / 2) * direction[0] + (y - size / 2) * direction[1]) / (size * 1.5) + 0.5
    return np.array(first) + t[..., None] * (np.array(last) - np.array(first, float)), direction


def axis_of(paints: Paints, face: int) -> np.ndarray:
    gradient = paints.gradients[face]
    return np.array(gradient.end) - np.array(gradient.start)


def painted(paints: Paints, face: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient's colours at places, as SVG draws them."""
    places = np.stack([x.ravel(), y.ravel()], 1)
    return paints.gradients[face].at(places)[:, :3].reshape(*x.shape, 3)


def test_a_flat_colour_is_the_mean_of_the_inside() -> None:
    labels = np.zeros((12, 12), np.int32)
    labels[:, 6:] = 1
    colours = np.where(labels[..., None] == 0, [200, 40, 90], [10, 220, 130]).astype(float)
    colours[:, 5] = colours[:, 6] = 255  # what lies beside a border does not count
    random = np.random.default_rng(0).integers(-3, 4, (12, 4, 1))
    colours[:, :4] += random
    paints = fit_paints(labels, opaque(colours), no_rim(labels), "flat")
    assert np.abs(paints.colours.astype(int) - [[200, 40, 90], [10, 220, 130]]).max() <= 1
    assert (paints.opacity == 1).all()
    assert not paints.gradients


def test_rim_pixels_do_not_count_even_where_they_lie_inside() -> None:
    labels = np.zeros((10, 10), np.int32)
    colours = np.full((10, 10, 3), 100.0)
    is_rim = np.zeros((10, 10), bool)
    is_rim[3:7, 3:7] = True
    colours[is_rim] = 255
    paints = fit_paints(labels, opaque(colours), is_rim, "flat")
    assert paints.colours.tolist() == [[100, 100, 100]]


def test_a_face_all_rim_takes_the_mean_of_all_its_pixels() -> None:
    labels = np.zeros((1, 4), np.int32)
    colours = np.array([[[0, 0, 0], [100, 0, 0], [100, 0, 0], [200, 40, 0]]], float)
    paints = fit_paints(labels, opaque(colours), np.ones((1, 4), bool), "flat")
    assert paints.colours.tolist() == [[100, 10, 0]]


def test_a_line_a_pixel_wide_has_its_own_colour_and_not_its_rims() -> None:
    labels = np.zeros((9, 9), np.int32)
    labels[4] = 1
    colours = np.where(labels[..., None] == 1, 20.0, 240.0) + np.zeros(3)
    paints = fit_paints(labels, opaque(colours), no_rim(labels), "flat")
    assert paints.colours[:, 0].tolist() == [240, 20]


@pytest.mark.parametrize("fill", ["auto", "gradient"])
@pytest.mark.parametrize("degrees", [0, 17, 45, 90, 130, 163])
def test_a_linear_ramp_is_recovered(degrees: float, fill: str) -> None:
    colours, direction = ramp(degrees, (250, 30, 60), (40, 200, 180))
    paints = one_face(colours, fill)
    assert list(paints.gradients) == [0]
    axis = axis_of(paints, 0)
    assert abs(axis @ direction) / np.linalg.norm(axis) > np.cos(np.radians(1))
    y, x = np.mgrid[:40, :40] + 0.5
    reached = np.abs((x - 20) * direction[0] + (y - 20) * direction[1]) <= np.linalg.norm(axis) / 2
    assert reached.mean() > 0.8
    assert np.abs(painted(paints, 0, x, y) - colours)[reached].max() <= 1.5
    assert paints.colours[0].tolist() == pytest.approx(colours.mean((0, 1)), abs=1)


def test_each_face_has_its_own_gradient() -> None:
    first, _ = ramp(0, (0, 0, 0), (255, 0, 0))
    second, _ = ramp(90, (0, 255, 0), (0, 0, 255))
    labels = np.zeros((40, 40), np.int32)
    labels[:, 20:] = 1
    colours = np.where(labels[..., None] == 0, first, second)
    paints = fit_paints(labels, opaque(colours), no_rim(labels), "auto")
    assert len(paints.gradients) == len(paints.colours)
    axes = np.stack([axis_of(paints, face) for face in (0, 1)])
    assert abs(axes[0, 1]) < 0.05 * abs(axes[0, 0])
    assert abs(axes[1, 0]) < 0.05 * abs(axes[1, 1])


@pytest.mark.parametrize("fill", ["auto", "gradient"])
def test_a_flat_face_has_no_gradient(fill: str) -> None:
    assert not one_face(np.full((30, 30, 3), 77.0), fill).gradients


@pytest.mark.parametrize("deviation", [4, 12, 30])
def test_noise_is_no_gradient_where_it_has_to_pay(deviation: float) -> None:
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(0, deviation, (30, 30, 3))
        assert not one_face(np.clip(128 + noise, 0, 255), "auto").gradients


def test_a_ramp_under_noise_still_pays() -> None:
    colours, direction = ramp(30, (200, 60, 60), (60, 60, 200))
    noisy = np.clip(colours + np.random.default_rng(1).normal(0, 8, colours.shape), 0, 255)
    paints = one_face(noisy, "auto")
    assert len(paints.gradients) == len(paints.colours)
    axis = axis_of(paints, 0)
    assert abs(axis @ direction) / np.linalg.norm(axis) > np.cos(np.radians(5))


def test_the_flat_option_gives_no_gradient_and_gradient_takes_what_auto_leaves() -> None:
    colours, _ = ramp(0, (100, 100, 100), (110, 100, 100), size=4)
    given = {fill: bool(one_face(colours, fill).gradients) for fill in ("flat", "auto", "gradient")}
    assert given == {"flat": False, "auto": False, "gradient": True}
    steep, _ = ramp(0, (0, 0, 0), (255, 255, 255))
    assert not one_face(steep, "flat").gradients


@pytest.mark.parametrize(
    ("alpha", "opacity"), [(0, 0.0), (3, 0.0), (64, 0.25), (128, 0.5), (200, 0.78), (252, 1.0), (255, 1.0)]
)
def test_alpha_becomes_opacity_and_the_colour_is_straight_again(alpha: int, opacity: float) -> None:
    straight = np.array([200.0, 100, 40])
    pixels = np.zeros((6, 6, 4), np.uint8)
    pixels[..., :3] = np.rint(straight * alpha / 255)
    pixels[..., 3] = alpha
    labels = np.zeros((6, 6), np.int32)
    paints = fit_paints(labels, pixels, no_rim(labels), "auto")
    assert paints.opacity.tolist() == pytest.approx([opacity], abs=0.005)
    if opacity > 0:
        assert np.abs(paints.colours[0] - straight).max() <= 0.5 * 255 / alpha + 0.5
        assert paints.premultiplied[0].tolist() == pytest.approx([*(straight * opacity), 255 * opacity], abs=1.5)
    else:
        assert not paints.premultiplied.any()


def test_a_transparent_face_has_no_gradient() -> None:
    labels = np.zeros((20, 20), np.int32)
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[..., 0] = np.arange(20) % 4
    pixels[..., 3] = 4
    assert not fit_paints(labels, pixels, no_rim(labels), "gradient").gradients


def test_a_translucent_ramp_has_the_stops_of_its_straight_colours() -> None:
    colours, _ = ramp(0, (255, 0, 0), (0, 0, 255))
    pixels = np.concatenate([np.rint(colours / 2), np.full((40, 40, 1), 128)], 2).astype(np.uint8)
    labels = np.zeros((40, 40), np.int32)
    paints = fit_paints(labels, pixels, no_rim(labels), "auto")
    assert len(paints.gradients) == len(paints.colours)
    y, x = np.mgrid[:40, 4:36] + 0.5
    assert np.abs(painted(paints, 0, x, y) - colours[:, 4:36]).max() <= 4
