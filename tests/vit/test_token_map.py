"""A picture of tokens shows each pixel in its token's colour."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from label_maps import connected_label_maps

from dhvt_vectorize.drawing.preview import render
from dhvt_vectorize.vit.token_map import mean_colours, ramp_colours, token_map


def _without_outlines(svg: str) -> str:
    assert 'stroke="#000"' in svg
    return svg.replace('stroke="#000"', 'stroke="none"').replace("<g ", '<g shape-rendering="crispEdges" ')


@settings(max_examples=25, deadline=None)
@given(connected_label_maps())
def test_every_pixel_is_painted_in_its_tokens_colour(labels: np.ndarray) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (labels.max() + 1, 3)).astype(np.uint8)
    height, width = labels.shape
    svg = token_map(labels, colours)
    assert svg.count("<path") == labels.max() + 1
    assert np.array_equal(render(_without_outlines(svg), width, height, (0, 0, 0)), colours[labels])


def test_mean_colours_are_those_of_the_pixels_over_white() -> None:
    labels = np.array([[0, 0], [1, 1]], np.int32)
    image = np.array([[[10, 20, 30], [30, 40, 50]], [[0, 0, 0], [255, 255, 255]]], np.uint8)
    assert mean_colours(image, labels).tolist() == [[20, 30, 40], [128, 128, 128]]
    clear = np.dstack([image, np.array([[255, 255], [0, 0]], np.uint8)])
    assert mean_colours(clear, labels).tolist() == [[20, 30, 40], [255, 255, 255]]


def test_greater_numbers_are_lighter() -> None:
    values = np.linspace(-3, 5, 30)
    lightness = ramp_colours(values) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0).all()
    assert np.array_equal(ramp_colours(values[::-1]), ramp_colours(values)[::-1])
    assert len(np.unique(ramp_colours(np.full(4, 7.0)), axis=0)) == 1


def test_colours_must_be_one_a_token() -> None:
    with pytest.raises(ValueError, match="2 colours for 1 tokens"):
        token_map(np.zeros((3, 3), np.int32), np.zeros((2, 3), np.uint8))
