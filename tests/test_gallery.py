"""The gallery: where nodes lie, which pictures are shown, and a page that needs nothing but itself."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from benchmarks import gallery
from benchmarks.gallery import PART, SCALE, choose, page, worst_part
from benchmarks.nodes import nodes
from benchmarks.pictures import Picture, rasterize
from benchmarks.runs import Result
from benchmarks.scoring import score

TRUTH = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="64" viewBox="0 0 96 64">'
    '<path d="M8 6h50v40H8z" fill="#036"/><circle cx="74" cy="40" r="14" fill="#fc0"/></svg>'
)


def svg(content: str, head: str = 'width="96" height="64"') -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {head}>{content}</svg>'


def drawn(name: str, content: str = "", truth: bool = True) -> tuple[Picture, list[Result]]:
    picture = Picture("emoji-96", name, rasterize(TRUTH, 96), TRUTH if truth else None)
    text = svg(content)
    figures = score(text, picture.raster, picture.truth)
    return picture, [
        Result("project", picture.set_name, name, text, 0.1, {}, figures),
        Result("vtracer", picture.set_name, name, failure="RuntimeError: <b>no</b>"),
    ]


GOOD = '<path d="M8 6h50v40H8z" fill="#036"/><path d="M60 40a14 14 0 0 1 28 0 14 14 0 0 1-28 0" fill="#fc0"/>'
BAD = '<path d="M8 6h50v40H8z" fill="#036"/>'


# --- nodes


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<path d="M1 2h3v4l-1 1z"/>', [(1, 2), (4, 2), (4, 6), (3, 7)]),
        ('<path d="m1 2 3 4 1 1zm1 1L9 9"/>', [(1, 2), (4, 6), (5, 7), (2, 3), (9, 9)]),
        ('<path d="M0 0C1 1 2 2 3 3s1 1 4 4Q1 1 5 5t1 1"/>', [(0, 0), (3, 3), (7, 7), (5, 5), (6, 6)]),
        ('<path d="M0 0a5 5 0 0 1 3 4A5 5 0 0 0 1e1 2"/>', [(0, 0), (3, 4), (10, 2)]),
        ('<path d="M1 1.5.5.25"/>', [(1, 1.5), (0.5, 0.25)]),
        ('<polygon points="1,2 3,4 5,6"/>', [(1, 2), (3, 4), (5, 6)]),
        ('<circle cx="5" cy="6" r="2"/>', [(7, 6), (5, 8), (3, 6), (5, 4)]),
        ('<rect x="1" y="2" width="3" height="4"/>', [(1, 2), (4, 2), (4, 6), (1, 6)]),
        ('<g transform="translate(10,20)"><path d="M1 2" transform="scale(2)"/></g>', [(12, 24)]),
        ('<path d="M1 2" transform="matrix(0 1 -1 0 5 6)"/>', [(3, 7)]),
        ('<path d="M1 2" transform="translate(0,64) scale(1,-1)"/>', [(1, 62)]),
        ('<rect x="1" y="2" width="4" height="2" transform="rotate(90 3 3)"/>', [(4, 1), (4, 5), (2, 5), (2, 1)]),
        ('<path d="M1 2" transform="rotate(90)"/>', [(-2, 1)]),
        ('<defs><path d="M1 2"/></defs>', []),
    ],
)
def test_nodes_are_the_ends_of_all_segments(content: str, expected: list[tuple[float, float]]) -> None:
    found = nodes(svg(content))
    assert sorted(map(tuple, found.round(9).tolist())) == sorted(expected)


def test_a_view_box_is_scaled_to_the_size() -> None:
    assert nodes(svg('<path d="M1 2"/>', 'width="96" height="64" viewBox="-1 0 48 32"')).tolist() == [[4, 4]]


@pytest.mark.parametrize("content", ['<path d="M1 2B3 4"/>', '<path d="M1 2" transform="skewX(3)"/>'])
def test_what_is_not_read_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="is not read"):
        nodes(svg(content))


# --- pictures


def test_named_pictures_come_first_and_then_the_worst() -> None:
    good, bad, named = drawn("a:good", GOOD), drawn("b:bad", BAD), drawn("c:clock", GOOD)
    failed = (drawn("d:failed")[0], [Result("project", "emoji-96", "d:failed", failure="no")])
    shown = choose([good, bad, named, failed], ["clock"], 2)
    assert [picture.name for picture, _ in shown] == ["c:clock", "d:failed", "b:bad"]
    assert choose([good, bad], [], 0) == []


@pytest.mark.parametrize("truth", [True, False])
def test_the_part_shown_is_where_the_drawing_is_wrong(truth: bool) -> None:
    picture, results = drawn("b:bad", BAD, truth)
    left, top = worst_part(picture, results[0].svg)
    assert left <= 74 <= left + PART
    assert top <= 40 <= top + PART
    assert 0 <= left <= 96 - PART
    assert 0 <= top <= 64 - PART


def test_a_picture_smaller_than_a_part_is_shown_from_its_corner() -> None:
    small = Picture("emoji-16", "a", np.zeros((11, 16, 3), np.uint8))
    assert worst_part(small, svg("", 'width="16" height="11"')) == (0, 0)


# --- the page


class Links(HTMLParser):
    """Every address in a page, and its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.elements: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]


def test_a_page_holds_all_that_it_shows() -> None:
    text = page([drawn("<b>&", GOOD), drawn("b:bad", BAD, truth=False)], 7)
    links = Links(text)
    assert links.addresses
    assert all(address.startswith("data:image/png;base64,") for address in links.addresses)
    assert "script" not in links.elements
    assert not re.search(r"url\(|@import|http", re.sub(r'="data:[^"]*"', "", text))
    assert "&lt;b&gt;&amp;" in text
    assert "RuntimeError: &lt;b&gt;no&lt;/b&gt;" in text
    assert "2 of 7 pictures" in text


def test_a_row_has_a_crop_of_the_pixels_the_truth_and_every_tool_with_its_nodes() -> None:
    text = page([drawn("b:bad", BAD)], 1)
    sources = re.findall(r'<div class="crop"><img alt="([^"]*)" src="data:image/png;base64,([^"]*)">', text)
    assert [name for name, _ in sources] == ["pixels", "true SVG", "project"]
    sizes = {name: Image.open(io.BytesIO(base64.b64decode(data))).size for name, data in sources}
    assert sizes == {"pixels": (PART, PART), "true SVG": (SCALE * PART,) * 2, "project": (SCALE * PART,) * 2}
    picture, results = drawn("b:bad", BAD)
    left, top = worst_part(picture, results[0].svg)
    near = [
        (x, y) for x, y in ((8, 6), (58, 6), (58, 46), (8, 46)) if left <= x <= left + PART and top <= y <= top + PART
    ]
    assert re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', text) == [(f"{x - left:.2f}", f"{y - top:.2f}") for x, y in near]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--tools", "vtracer"], "--tools: lacks project"),
        (["--tools", "inkscape"], "choose from project"),
        (["--sets", "dogs"], "choose from kodak"),
        (["--limit", "0"], "--limit: 0 is out of range"),
        (["--worst", "-1"], "--worst: -1 is out of range"),
    ],
)
def test_a_wrong_argument_is_one_line_and_exit_code_2(arguments, told, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        gallery.main(arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
