"""Simpler covered borders change nothing that shows: the layers drawn with them and without are compared."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_drawings import flat_paints, layers_of, outlines_of
from label_maps import connected_label_maps

from dhvt_vectorize.drawing.cover import simplify_covered
from dhvt_vectorize.drawing.figures import count
from dhvt_vectorize.drawing.paints import Paints
from dhvt_vectorize.drawing.preview import render
from dhvt_vectorize.drawing.svg import write_svg

TIP = 0.8 + 1  # pixels from a junction within which the centre of a pixel may lie that a trusted end touches


def drawn_twice(labels: np.ndarray, paints: Paints, mode: str) -> tuple[str, str, np.ndarray]:
    """The drawing as layers are, and with covered borders simplified; the junctions."""
    outlines = outlines_of(labels, paints, mode)
    layers = layers_of(outlines.planar_map, paints, "stacked")
    simpler = simplify_covered(outlines, layers, paints.opacity)
    plain, simple = (write_svg(o, each, paints, 2, "", "") for o, each in ((outlines, layers), simpler))
    return plain, simple, outlines.planar_map.junctions


def split_disc(size: int = 64) -> np.ndarray:
    """A disc on paper, its lower part another face: the larger part's shape is the whole disc."""
    y, x = np.mgrid[:size, :size] + 0.5
    inside = (x - size / 2) ** 2 + (y - size / 2) ** 2 < (0.4 * size) ** 2
    return np.where(inside, np.where(y > 0.6 * size, 2, 1), 0).astype(np.int32)


@given(connected_label_maps(24), st.integers(0, 2**32 - 1), st.sampled_from([(1.0,), (1.0, 1.0, 0.5, 0.0)]))
@settings(max_examples=40)
def test_pixels_away_from_junctions_show_the_same_paint(labels: np.ndarray, seed: int, opacities: tuple) -> None:
    random = np.random.default_rng(seed)
    faces = labels.max() + 1
    paints = flat_paints(random.integers(0, 256, (faces, 3)), random.choice(opacities, faces))
    plain, simple, junctions = drawn_twice(labels, paints, "pixel")
    height, width = labels.shape
    before, after = (render(svg, width, height).astype(int) for svg in (plain, simple))
    y, x = np.nonzero(np.abs(before - after).max(2) > 1)
    if len(x):
        away = np.hypot(x[:, None] + 0.5 - junctions[:, 0], y[:, None] + 0.5 - junctions[:, 1]).min(1)
        assert away.max() <= TIP


@pytest.mark.parametrize("size", [64, 80, 100, 128])
def test_a_border_that_is_drawn_twice_becomes_one_short_way_beneath(size: int) -> None:
    paints = flat_paints(np.array([[250, 250, 250], [200, 40, 40], [40, 60, 200]]))
    plain, simple, _ = drawn_twice(split_disc(size), paints, "spline")
    assert count(simple).shapes == count(plain).shapes
    assert count(simple).segments < count(plain).segments
    before, after = (render(svg, 256, 256).astype(int) for svg in (plain, simple))
    # what was seen of the lower shape's colour along the border it shared is gone, and nothing else has changed
    assert (np.abs(before - after).max(2) > 2).mean() < 0.01
    assert np.abs(after[..., 3] - 255).max() == 0


@pytest.mark.parametrize("width", [40, 48, 60])
def test_a_straight_border_from_frame_to_frame_stays_straight(width: int) -> None:
    """A flag's stripes remain rectangles."""
    stripes = np.repeat(np.arange(3, dtype=np.int32), 16)[:, None].repeat(width, 1)
    paints = flat_paints(np.array([[20, 90, 200], [0, 0, 0], [250, 250, 250]]))
    _, simple, _ = drawn_twice(stripes, paints, "spline")
    assert count(simple).segments == 3 * 3  # their closing lines are not counted
    assert "c" not in "".join(re.findall(r' d="([^"]*)"', simple)).lower()


def test_the_same_layers_give_the_same_ways() -> None:
    paints = flat_paints(np.array([[250, 250, 250], [200, 40, 40], [40, 60, 200]]))
    assert drawn_twice(split_disc(), paints, "spline")[:2] == drawn_twice(split_disc(), paints, "spline")[:2]
