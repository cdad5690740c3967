"""Golden pairs: each tests/golden/*.png gives the SVG beside it, and the comparison fails when it should.

After a change that is meant to change drawings, look at them and write them anew:

    UPDATE_GOLDEN=1 python -m pytest tests/test_golden.py
"""

from __future__ import annotations

import os
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from golden_svg import TOLERANCE, differences
from pictures import PICTURES, vectorizer
from PIL import Image

GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_gives_the_svg_beside_it(name: str) -> None:
    draw_picture, options = PICTURES[name]
    image, svg = GOLDEN / f"{name}.png", GOLDEN / f"{name}.svg"
    if UPDATE:
        buffer = BytesIO()
        Image.fromarray(draw_picture()).save(buffer, "PNG", optimize=True)
        image.write_bytes(buffer.getvalue())
    drawing = vectorizer().vectorize(image, options)
    if UPDATE:
        drawing.save(svg)
    found = differences(drawing.to_svg(), svg.read_text("utf-8"))
    assert not found, "\n".join(["see this file's head to write it anew", *found])


@pytest.mark.parametrize("name", PICTURES)
def test_the_golden_drawings_look_like_their_pictures(name: str) -> None:
    """A golden drawing that was written without looking at it is caught here."""
    draw_picture, options = PICTURES[name]
    drawing = vectorizer().vectorize(draw_picture(), options)
    assert np.array_equal(drawing.raster.pixels, np.asarray(Image.open(GOLDEN / f"{name}.png").convert("RGBA")))
    assert drawing.stats["psnr"] > 25


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.svg").read_text("utf-8")


def with_path_data(svg: str, place: int, change) -> str:
    """The SVG with the path data of one path changed."""
    paths = list(re.finditer(r' d="([^"]*)"', svg))
    match = paths[place]
    return svg[: match.start(1)] + change(match[1]) + svg[match.end(1) :]


def nudged(data: str, by: float) -> str:
    """Path data whose last relative command ends elsewhere: the start stays, so it is a point that moved."""
    moved = re.sub(r"^([Mm])(-?[\d.]+)", lambda match: f"{match[1]}{float(match[2]) + by:g}", data)
    assert moved != data
    return moved


@pytest.mark.parametrize("name", PICTURES)
def test_a_drawing_does_not_differ_from_itself(name: str) -> None:
    assert differences(golden(name), golden(name)) == []


def test_the_order_of_attributes_and_a_hundredth_of_a_pixel_do_not_count() -> None:
    svg = golden("target")
    turned = re.sub(r'<path (d="[^"]*") (fill="[^"]*")', r"<path \2 \1", svg)
    assert turned != svg
    assert differences(svg, turned) == []
    assert differences(svg, with_path_data(svg, 0, lambda data: nudged(data, TOLERANCE / 2))) == []


@pytest.mark.parametrize("place", [0, -1])
@pytest.mark.parametrize("name", PICTURES)
def test_a_moved_path_is_a_difference(name: str, place: int) -> None:
    svg = golden(name)
    assert any("away" in line for line in differences(svg, with_path_data(svg, place, lambda data: nudged(data, 0.05))))


def test_a_moved_point_inside_a_path_is_a_difference() -> None:
    svg = golden("signature")

    def moved(data: str) -> str:
        """One step of a cubic's control point longer by a twentieth."""
        return re.sub(r"c(-?\d*\.?\d+)", lambda match: f"c{float(match[1]) + 0.05:.2f}", data, count=1)

    changed = with_path_data(svg, -1, moved)
    assert changed != svg
    assert differences(svg, changed)


def test_a_changed_colour_is_a_difference() -> None:
    svg = golden("target")
    colour = re.findall(r'fill="(#\w+)"', svg)[-1]
    assert differences(svg, svg.replace(colour, "#123456")) == [f"<circle> fill: {colour!r} is '#123456'"]


def test_a_moved_or_grown_circle_is_a_difference() -> None:
    svg = golden("target")
    for number in ("cx", "r"):
        assert differences(svg, re.sub(rf' {number}="(\d+)', lambda match: f"{match[0]}1", svg, count=1))


def test_a_changed_opacity_is_a_difference() -> None:
    svg = golden("badge")
    assert "fill-opacity" in svg
    assert differences(svg, re.sub(r' fill-opacity="[^"]*"', "", svg)) == ["<path> 'fill-opacity' is in one alone"]
    assert differences(svg, re.sub(r'fill-opacity="[^"]*"', 'fill-opacity="0.49"', svg))


def test_a_changed_gradient_is_a_difference() -> None:
    svg = golden("sky")
    assert differences(svg, re.sub(r'stop-color="#\w+"', 'stop-color="#123"', svg, count=1))
    assert differences(svg, re.sub(r'y2="[^"]*"', 'y2="1"', svg, count=1))


def test_a_dropped_path_and_a_dropped_subpath_are_differences() -> None:
    svg = golden("target")
    assert differences(svg, re.sub(r"<path [^>]*/>", "", svg, count=1))
    changed = with_path_data(golden("badge"), -1, lambda data: re.sub("[Mm][^Mm]*$", "", data))
    assert differences(golden("badge"), changed)


def test_a_swapped_order_is_a_difference() -> None:
    svg = golden("target")
    circles = re.findall(r"<circle [^>]*/>", svg)
    swapped = svg.replace(circles[0], "@").replace(circles[1], circles[0]).replace("@", circles[1])
    assert differences(svg, swapped)


def test_a_changed_size_or_title_is_a_difference() -> None:
    svg = golden("target")
    assert differences(svg, svg.replace('width="48"', 'width="49"'))
    assert differences(svg, svg.replace("<title>target", "<title>other"))
