"""What repeats is drawn by `<use>`: fewer bytes, and what is seen, in every format, is what was seen without."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import resvg_py
from pictures import vectorizer
from PIL import Image

from dhvt_vectorize.drawing.drawing import Drawing, draw
from dhvt_vectorize.drawing.export import export
from dhvt_vectorize.drawing.export.shapes import read_shapes
from dhvt_vectorize.drawing.figures import count
from dhvt_vectorize.drawing.preview import render
from dhvt_vectorize.formats import FORMATS
from dhvt_vectorize.options import VectorizeOptions

HEART = "M0 8C-9 2-12-3-7-8-4-10-1-9 0-6 1-9 4-10 7-8c5 5 2 10-7 16z"
GRADIENT = '<linearGradient id="a"><stop stop-color="#f00"/><stop offset="1" stop-color="#ff0"/></linearGradient>'


def page(body: str) -> np.ndarray:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 128" width="256" height="256">'
        f'<defs>{GRADIENT}</defs><rect width="128" height="128" fill="#fff8e8"/>{body}</svg>'
    )
    return np.asarray(Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGBA"))


def hearts(*paints: str) -> str:
    """Twelve hearts, no two at the same part of a pixel, painted in turn."""
    places = [(18.13 + 29.17 * (n % 4), 24.31 + 37.23 * (n // 4), paints[n % len(paints)]) for n in range(12)]
    return "".join(f'<path transform="translate({x} {y})" d="{HEART}" {paint}/>' for x, y, paint in places)


PAGES = {
    "hearts of one colour": hearts('fill="#c1121f"'),
    "hearts of two colours": hearts('fill="#c1121f"', 'fill="#003049"'),
    "outlined hearts": hearts('fill="none" stroke="#003049" stroke-width="1.5"'),
    "translucent hearts in gradients": hearts('fill="url(#a)" fill-opacity=".6"', 'fill="#003049"'),
}
OPTIONS = [
    {},
    {"group": "color"},
    {"group": "tree"},
    {"layering": "cutout"},
    {"layering": "cutout", "trap": 0.5},
    {"strokes": "auto"},
]


@cache
def drawn(name: str, repeat: str = "auto", **options: object) -> Drawing:
    return vectorizer().vectorize(page(PAGES[name]), VectorizeOptions(repeat=repeat, preset="illustration", **options))


def without_uses(drawing: Drawing) -> str:
    """The same outlines, layers and paints, written without `<use>`."""
    options = replace(drawing.options, repeat="never")
    parts = drawing.raster, options, drawing.outlines, drawing.layers, drawing.paints
    return draw(*parts, (), {}).to_svg()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", PAGES)
def test_uses_draw_what_the_shapes_would_in_no_more_bytes(name: str, options: dict[str, object]) -> None:
    drawing = drawn(name, **options)
    used, plain = drawing.to_svg(), without_uses(drawing)
    assert len(used) < len(plain) if "<use" in used else used == plain
    assert count(used) == count(plain)
    # where a curve crosses one of resvg's 16 samples a pixel is settled in its last bits, which a move can turn
    for size in (256, 700):
        shown = [render(svg, size, size).astype(int) for svg in (used, plain)]
        off = np.abs(shown[0] - shown[1]).max(2)
        assert off.max() <= 32
        assert (off > 0).mean() < 1e-4


@pytest.mark.parametrize("name", ["hearts of one colour", "hearts of two colours"])
@pytest.mark.parametrize("group", ["none", "color", "tree"])
def test_hearts_that_were_traced_apart_become_one_and_are_no_farther_from_the_image(name: str, group: str) -> None:
    repeated, plain = drawn(name, group=group), drawn(name, "never", group=group)
    assert repeated.to_svg().count("<use") >= 6
    assert len(repeated.to_svg()) < 0.85 * len(plain.to_svg())
    assert repeated.stats["psnr"] >= plain.stats["psnr"]
    assert repeated.stats["shapes"] == plain.stats["shapes"]


@pytest.mark.parametrize("name", PAGES)
def test_other_formats_paint_the_same_shapes(name: str) -> None:
    pytest.importorskip("ezdxf")
    drawing = drawn(name)
    used, plain = drawing.to_svg(), without_uses(drawing)

    def painted(svg: str) -> list[tuple[object, ...]]:
        rings = [(shape, one) for shape in read_shapes(svg).shapes for one in shape.subpaths]
        points = [np.round([one.start, *(point for s in one.segments for point in s)], 6) for _, one in rings]
        return sorted(
            (str(shape.paint), shape.stroke_width or 0, *at.ravel().tolist())
            for (shape, _), at in zip(rings, points, strict=True)
        )

    assert painted(used) == painted(plain)
    for file_format in FORMATS:
        assert export(used, file_format).content


def test_sprites_of_pixel_art_are_used_again() -> None:
    sprite = np.zeros((12, 12), bool)
    sprite[::2] = sprite[:, 5:7] = True
    sprite[2, 0] = sprite[6, 11] = False
    art = np.full((64, 64, 3), 240, np.uint8)
    for x, y in ((2, 2), (22, 5), (44, 3), (3, 24), (26, 40), (47, 45)):
        art[y : y + 12, x : x + 12][sprite] = (20, 60, 120)
    options = VectorizeOptions(preset="pixel-art")
    plain = vectorizer().vectorize(art, options).to_svg()
    used = vectorizer().vectorize(art, replace(options, repeat="auto")).to_svg()
    assert "<use" in used
    assert len(used) < len(plain)
    np.testing.assert_array_equal(render(used, 256, 256), render(plain, 256, 256))


def test_where_nothing_repeats_nothing_changes() -> None:
    body = f'<path transform="translate(40 40)" d="{HEART}" fill="#c1121f"/><circle cx="90" cy="80" r="17"/>'
    repeated, plain = (
        vectorizer().vectorize(page(body), VectorizeOptions(repeat=repeat, preset="logo")).to_svg()
        for repeat in ("auto", "never")
    )
    assert repeated == plain


def test_the_same_image_gives_the_same_bytes() -> None:
    first, again = (
        vectorizer().vectorize(page(PAGES["hearts of two colours"]), VectorizeOptions(repeat="auto")).to_svg()
        for _ in range(2)
    )
    assert first == again
