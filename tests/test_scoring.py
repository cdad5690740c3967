"""The project's figures against the shared definition of them, `arena/score.py`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from functools import cache
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.data import cache_folder, listed, shared_folder
from benchmarks.peers import open_peer
from benchmarks.pictures import rasterize
from benchmarks.scoring import ForbiddenElementError, conflation, count, render, score

DEFINITION = shared_folder() / "arena" / "score.py"

pytestmark = pytest.mark.skipif(not DEFINITION.exists(), reason="the shared arena/score.py is not there")

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 40 30">'
PATHS = {
    "every absolute command": "M5 5L20 5H30V20C30 25 25 25 20 25S10 25 10 20Q5 20 5 15T5 10A3 3 0 0 1 5 5Z",
    "every relative command": "m5 5l15 0h10v15c0 5-5 5-10 5s-10 0-10-5q-5 0-5-5t0-5a3 3 0 0 1 0-5z",
    "repeats without a letter": "M1 1 9 1 9 9 1 9z m20 0 5 0 0 5z L1 2 3 4 5 6 C1 2 3 4 5 6 7 8 9 10 11 12 H1 2 3 V4 5",
    "compact numbers": "M1.5.5L20.5-.5.5.25-1-2-3e0-4zm.5.5.5.5c0-.5.5-1 1-1s1 .5 1 1z",
    "scientific numbers": "M1e1 2E0L3.5e+1 1e-2 1.25e1,20z",
    "commas and line breaks": "M 1,2\n\tL 3 ,4 , 5,6\r\nZ",
    "a point after the last digit": "M1. 2.L30. 2. 30. 20.z",
    "several subpaths, some open": "M1 1H9V9zM20 20h5M3 20v5h5z",
    "only moves": "M1 1M2 2m3 3",
    "arcs that repeat": "M10 10a5 5 0 1 0 10 0 5 5 0 1 0-10 0z",
    "no data": "",
}
DRAWINGS = {
    "primitives": '<rect width="9" height="9" rx="2"/><circle r="4"/><ellipse rx="3" ry="2"/><line x2="9"/>'
    '<polygon points="0,0 9,0 9,9"/><polyline points="1-1.5.5 2 3,4"/>',
    "nested groups": '<g fill="red"><g><path d="M0 0h9v9z"/><g/></g><a><path d="M9 9h9v9zM1 1h2"/></a></g>',
    "use of a definition": '<defs><path id="a" d="M0 0h9v9z"/></defs><use href="#a"/><use xlink:href="#a" x="9"/>',
    "use of a group": '<g id="g"><rect id="r" width="3" height="3"/></g><use href="#g"/><use href="#r"/>',
    "use of nothing": '<use href="#absent"/><use/><rect width="3" height="3"/>',
    "a chain of uses": '<rect id="r" width="3" height="3"/><use id="u" href="#r"/><use id="v" href="#u"/>',
    "use of itself": '<g id="g"><rect width="3" height="3"/><use href="#g"/></g>',
    "a symbol": '<symbol id="s"><path d="M0 0h9v9z"/></symbol><use href="#s"/><use href="#s"/>',
    "a symbol in definitions": '<defs><symbol id="s"><rect width="2" height="2"/></symbol></defs><use href="#s"/>',
    "clip paths and gradients": '<clipPath id="c"><rect width="9" height="9"/></clipPath><linearGradient id="l">'
    '<stop offset="0"/></linearGradient><rect width="9" height="9" clip-path="url(#c)" fill="url(#l)"/>',
    "words": "<title>M0 0h1</title><desc>d</desc><metadata><x/></metadata><style>path{}</style><path d='M0 0h9v9z'/>",
    "forbidden elements out of sight": '<defs><filter id="f"/><pattern id="p"/></defs><rect width="9" height="9"/>',
    "comments and instructions": "<!-- <image/> --><?page break?><path d='M0 0h9v9z'/>",
    "nothing": "",
}
FORBIDDEN = {
    "image": '<image href="data:,"/>',
    "pattern": '<pattern id="p"/>',
    "filter": '<g><filter id="f"/></g>',
    "mask": "<g><g><mask/></g></g>",
    "text": "<text>word</text>",
    "foreignObject": "<switch><foreignObject/><rect/></switch>",
    "by use": '<defs><image id="i"/></defs><use href="#i"/>',
}


@cache
def definition() -> ModuleType:
    pytest.importorskip("lxml")
    spec = importlib.util.spec_from_file_location("arena_score", DEFINITION)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def svg_of(content: str) -> str:
    return f"{HEAD}{content}</svg>"


def assert_all_figures_agree(svg: str, raster: np.ndarray, truth: str | None = None) -> None:
    own = {name: value for name, value in asdict(score(svg, raster, truth)).items() if value is not None}
    own = {name: value for name, value in own.items() if not name.endswith("_ratio")}
    assert own == pytest.approx(definition().score(svg, raster, truth), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("data", PATHS.values(), ids=PATHS)
def test_path_data_counts_as_defined(data: str) -> None:
    svg = svg_of(f'<path d="{data}"/>')
    assert count(svg) == definition().count(svg)


@pytest.mark.parametrize("content", DRAWINGS.values(), ids=DRAWINGS)
def test_elements_count_as_defined(content: str) -> None:
    assert count(svg_of(content)) == definition().count(svg_of(content))


@pytest.mark.parametrize("content", FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_the_definition_forbids_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="in the drawing"):
        definition().count(svg_of(content))
    with pytest.raises(ForbiddenElementError, match="in the drawing"):
        count(svg_of(content))


_numbers = st.one_of(
    st.integers(-999, 999).map(str),
    st.floats(-99, 99).map("{:.2f}".format),
    st.floats(-1, 1).map(lambda value: f"{value:.2f}".replace("0.", ".")),
    st.floats(-99, 99).map("{:.1e}".format),
)


@st.composite
def path_data(draw: Callable[..., str]) -> str:
    """Path data that begins with a move, every command with one to three sets of numbers."""
    arity = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "Z": 0}
    letters = ["M", *draw(st.lists(st.sampled_from(sorted(arity)), max_size=8))]
    data = ""
    for letter in letters:
        size = arity[letter] * draw(st.integers(1, 3))
        numbers = draw(st.lists(_numbers, min_size=size, max_size=size))
        separator = draw(st.sampled_from([" ", ",", " , ", "\n"]))
        data += draw(st.sampled_from([letter, letter.lower()])) + separator.join(numbers)
    return data


@given(path_data())
def test_any_path_data_counts_as_defined(data: str) -> None:
    svg = svg_of(f'<path d="{data}"/>')
    assert count(svg) == definition().count(svg)


def test_all_figures_agree_on_shapes_that_abut() -> None:
    truth = svg_of('<path d="M0 0h40v30z" fill="#c00"/><path d="M0 0v30h40z" fill="#00c" opacity=".7"/>')
    drawn = svg_of('<path d="M0 0h39v30z" fill="#b00"/><circle cx="9.3" cy="20" r="8" fill="#00c"/>')
    raster = rasterize(truth, 40)
    assert conflation(truth, 40, 30) > 0
    assert_all_figures_agree(drawn, raster, truth)
    assert_all_figures_agree(drawn, raster)


def test_all_figures_agree_where_the_aspect_ratio_differs() -> None:
    assert_all_figures_agree(svg_of('<circle cx="15" cy="15" r="9"/>'), np.full((31, 50, 3), 200, np.uint8))


def test_all_figures_agree_on_a_drawing_of_vtracer() -> None:
    pytest.importorskip("vtracer")
    truth = svg_of('<circle cx="15" cy="15" r="9" fill="#fa0"/><path d="M20 5l15 20h-9z" fill="#046"/>')
    raster = rasterize(truth, 96)
    with ExitStack() as resources:
        drawn = open_peer("vtracer", resources)(raster).svg
    assert count(drawn).shapes > 1
    assert_all_figures_agree(drawn, raster, truth)


@pytest.mark.parametrize("kind", ["emoji", "icons", "clipart"])
def test_listed_drawings_count_as_defined(kind: str) -> None:
    if not (cache_folder() / "test" / kind).exists():
        pytest.skip("the drawings are not in the cache; `python -m benchmarks.data` fetches them")
    agreed = 0
    for artwork in listed(kind):
        try:
            expected = definition().count(artwork.svg)
        except ValueError:
            with pytest.raises(ForbiddenElementError):
                count(artwork.svg)
            continue
        assert count(artwork.svg) == expected, artwork.name
        agreed += 1
    assert agreed > 30


def test_rendering_agrees_over_a_page_and_with_alpha() -> None:
    svg = svg_of('<circle cx="15" cy="15" r="9" fill="#fa0" fill-opacity=".4"/>')
    for background in (None, (255, 0, 255)):
        np.testing.assert_array_equal(render(svg, 80, 60, background), definition().render(svg, 80, 60, background))


def test_ratios_are_counts_over_those_of_the_true_drawing() -> None:
    one, two = svg_of('<path d="M1 1h9v9z"/>'), svg_of('<path d="M1 1h9v9z"/><circle cx="20" cy="20" r="5"/>')
    raster = render(two, 40, 30, (255, 255, 255))
    figures = score(one, raster, two)
    assert (figures.shapes_ratio, figures.segments_ratio) == (1 / 2, 2 / 6)
    uncountable = score(one, raster, svg_of("<text>no</text>"))
    assert (uncountable.shapes_ratio, uncountable.segments_ratio) == (None, None)
