"""Elements of primitives: drawn they look as the path of the same segments does, and only whole shapes become one."""

from __future__ import annotations

import re

import numpy as np
import pytest
import svgwrite
from pictures import vectorizer

from dhvt_vectorize import VectorizeOptions
from dhvt_vectorize.drawing.figures import count
from dhvt_vectorize.drawing.preview import render
from dhvt_vectorize.drawing.primitives import element
from dhvt_vectorize.tracing.outlines import Primitive

PRIMITIVES = [
    Primitive("circle", 30.25, 28.5, 12, 12),
    Primitive("ellipse", 30, 28, 20.5, 9, 25),
    Primitive("rect", 30, 28, 20, 9.25),
    Primitive("rect", 30, 28, 20, 9, -30, 3.5),
]


@pytest.mark.parametrize("primitive", PRIMITIVES)
def test_an_element_covers_the_points_inside_its_primitive(primitive: Primitive) -> None:
    from dhvt_vectorize.tracing.primitives import distances

    document = svgwrite.Drawing(size=(64, 64), debug=False)
    document.add(element(document, primitive, 2, {"fill": "#000"}))
    alpha = render(document.tostring(), 64, 64)[..., 3]
    y, x = np.mgrid[:64, :64] + 0.5
    distance = distances(np.stack([x.ravel(), y.ravel()], 1), primitive).reshape(64, 64)
    assert (alpha[distance < -0.8] == 255).all()
    assert (alpha[distance > 0.8] == 0).all()


def test_whole_numbers_have_no_point_and_what_is_upright_no_transform() -> None:
    document = svgwrite.Drawing(debug=False)
    text = element(document, PRIMITIVES[2], 2, {"fill": "#000"}).tostring()
    assert text == '<rect fill="#000" height="18.5" width="40" x="10" y="18.75" />'


def test_a_disc_on_paper_is_a_circle_in_the_svg_and_a_round_polygon_among_the_faces() -> None:
    y, x = np.mgrid[:96, :96] + 0.5
    cover = np.clip(20.5 - np.hypot(x - 48.3, y - 40.7), 0, 1)[..., None]
    image = np.rint(cover * (200, 30, 60) + (1 - cover) * (250, 250, 240)).astype(np.uint8)
    drawing = vectorizer().vectorize(image, VectorizeOptions(preset="illustration"))
    (tag,) = re.findall(r"<circle[^>]*>", drawing.to_svg())
    cx, cy, r = (float(re.search(rf' {name}="([^"]*)"', tag)[1]) for name in ("cx", "cy", "r"))
    assert (cx, cy, r) == pytest.approx((48.3, 40.7, 20), abs=0.03)
    assert count(drawing.to_svg()).segments == 3 + 4
    disc = min(drawing.faces, key=lambda face: face.polygon.area).polygon
    assert disc.area == pytest.approx(np.pi * 400, rel=0.02)
