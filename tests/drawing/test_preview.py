from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from dhvt_vectorize.drawing.preview import over, render, render_png

HALF_RED = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"><path d="M0 0h4v4H0z" fill="#f00" '
    'fill-opacity=".5"/></svg>'
)


def test_pixels_keep_colour_and_alpha_where_there_is_no_background() -> None:
    pixels = render(HALF_RED, 8, 4)
    assert pixels.shape == (4, 8, 4)
    assert pixels.dtype == np.uint8
    assert pixels[0, 0].tolist() == [255, 0, 0, 128]
    assert pixels[0, 7, 3] == 0


def test_a_background_shows_through_by_what_alpha_leaves() -> None:
    pixels = render(HALF_RED, 8, 4, (0, 0, 255))
    assert pixels.shape == (4, 8, 3)
    assert pixels[0, 0].tolist() == pytest.approx([128, 0, 127], abs=1)
    assert pixels[0, 7].tolist() == [0, 0, 255]


def test_a_size_of_another_ratio_is_reached_exactly() -> None:
    assert render(HALF_RED, 21, 33).shape == (33, 21, 4)


def test_a_drawing_without_a_wanted_size_has_its_own() -> None:
    with Image.open(io.BytesIO(render_png(HALF_RED))) as image:
        assert image.size == (8, 4)


def test_something_else_than_an_svg_is_refused() -> None:
    with pytest.raises(ValueError, match=r"."):
        render("word", 8, 8)


def test_over_leaves_no_alpha() -> None:
    assert over(Image.new("RGBA", (2, 2), (0, 0, 0, 0)), (1, 2, 3)).getpixel((0, 0)) == (1, 2, 3)
