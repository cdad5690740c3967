"""With `strokes` drawings have lines where a pen drew them: fewer nodes, as near to the truth as before."""

from __future__ import annotations

import io
import re
import time

import numpy as np
import pytest
import resvg_py
from pictures import vectorizer
from PIL import Image
from skimage.metrics import structural_similarity

from dhvt_vectorize.drawing.drawing import Drawing
from dhvt_vectorize.drawing.export import export
from dhvt_vectorize.drawing.export.shapes import read_shapes
from dhvt_vectorize.drawing.figures import count
from dhvt_vectorize.drawing.preview import render
from dhvt_vectorize.options import VectorizeOptions

WHITE = (255, 255, 255)
ICONS = {
    "a line": '<path d="M5 6L19 15"/>',
    "a chevron": '<path d="M6 9l6 6 6-6"/>',
    "an arrow": '<path d="M5 12h14M12 5l7 7-7 7"/>',
    "a cross": '<path d="M12 5v14M5 12h14"/>',
    "a ring": '<circle cx="12" cy="12" r="9"/>',
    "a frame": '<rect x="3" y="4" width="18" height="16" rx="2"/>',
    "a lens": '<circle cx="11" cy="11" r="8"/><path d="m21 21-4.3-4.3"/>',
}


def icon(body: str, size: int, page: str = "#fff", inside: str = "none") -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="{size}" height="{size}">'
        f'<rect width="24" height="24" fill="{page}"/><g fill="{inside}" stroke="#1d3557" stroke-width="2" '
        f'stroke-linecap="round" stroke-linejoin="round">{body}</g></svg>'
    )


def pixels(svg: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGBA"))


def drawn(svg: str, strokes: str = "auto", **options: object) -> Drawing:
    return vectorizer().vectorize(pixels(svg), VectorizeOptions(strokes=strokes, preset="logo", **options))


def likeness(drawing: Drawing, svg: str) -> float:
    """SSIM with the true drawing at four times the size."""
    shown = [render(one, 4 * drawing.width, 4 * drawing.height, WHITE) for one in (drawing.to_svg(), svg)]
    return float(structural_similarity(*shown, channel_axis=2, data_range=255))


@pytest.mark.parametrize("page", ["#fff", "none"])
@pytest.mark.parametrize("name", ICONS)
def test_icons_become_strokes_of_the_width_they_were_drawn_with(name: str, page: str) -> None:
    svg = icon(ICONS[name], 256, page)
    with_strokes, without = drawn(svg), drawn(svg, "never")
    widths = [float(width) for width in re.findall(r'stroke-width="([\d.]+)"', with_strokes.to_svg())]
    assert len(widths) == 1
    assert widths[0] == pytest.approx(2 * 256 / 24, abs=0.15)
    assert "stroke" not in without.to_svg()
    assert count(with_strokes.to_svg()).segments < count(without.to_svg()).segments
    assert likeness(with_strokes, svg) >= likeness(without, svg) - 0.001


@pytest.mark.parametrize("width", [1.4, 2.6])
def test_thin_lines_are_as_exact_as_the_bars_they_are_found_as(width: float) -> None:
    page = '<path d="M0 0h128v96H0z" fill="#fff"/>'
    line = f'<path d="M12.3 31.4L101.8 47.7" stroke="#1d3557" stroke-width="{width}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="128" height="96">{page}{line}</svg>'
    drawing = drawn(svg).to_svg()
    assert float(re.findall(r'stroke-width="([\d.]+)"', drawing)[0]) == pytest.approx(width, abs=0.06)
    assert re.findall(r'stroke="(#[0-9a-f]+)"', drawing) == ["#1d3557"]
    x, y, dx, dy = map(float, re.findall(r'd="M([\d.]+) ([\d.]+)l([-\d.]+) ([-\d.]+)"', drawing)[0])
    ends = sorted([(x, y), (x + dx, y + dy)])
    assert np.abs(np.array(ends) - [(12.3, 31.4), (101.8, 47.7)]).max() <= 0.15


def test_a_ring_around_another_colour_is_one_shape_of_two_paints() -> None:
    svg = icon(ICONS["a ring"], 128, "#ffffff", "#ffcc00")
    drawing = drawn(svg)
    assert count(drawing.to_svg()) == count(drawn(svg, "never").to_svg())._replace(
        shapes=2, segments=count(drawn(svg, "never").to_svg()).segments - 4
    )
    assert re.search(r'<circle [^>]*fill="#fc0"[^>]*stroke="#1d3557"', drawing.to_svg())


DASHED = '<path d="M4 4h16v14h-16z" stroke-dasharray="2 2" fill="#ffcc00"/>'
TABLE = '<rect x="3" y="4" width="18" height="16" rx="2"/><path d="M3 12h18M12 4v16"/>'


def test_a_dashed_frame_around_a_colour_is_a_shape_and_lines_on_top() -> None:
    svg = icon(DASHED, 320)
    with_strokes, without = drawn(svg), drawn(svg, "never")
    assert count(with_strokes.to_svg()).segments < 0.5 * count(without.to_svg()).segments
    assert likeness(with_strokes, svg) >= likeness(without, svg) - 0.001


def test_a_table_is_one_path_with_a_fill() -> None:
    svg = icon(TABLE, 320, inside="#ffcc00")
    with_strokes, without = drawn(svg), drawn(svg, "never")
    assert re.findall(r'fill="#fc0"[^>]*stroke="#1d3557"', with_strokes.to_svg())
    assert count(with_strokes.to_svg()).segments < 0.6 * count(without.to_svg()).segments
    assert likeness(with_strokes, svg) >= likeness(without, svg) - 0.001


@pytest.mark.parametrize("degrees", [150.0, 300.0, 350.0])
def test_what_is_below_shows_nowhere_between_a_ring_and_what_lies_around_it(degrees: float) -> None:
    end = 64 + 64j + 40 * np.exp(1j * np.radians(degrees))
    arc = f"M104 64A40 40 0 {int(degrees > 180)} 1 {end.real:.2f} {end.imag:.2f}"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="128" height="128"><path d="M0 0h128v128H0z" fill="#f92f60"/>'
        f'<path d="{arc}" fill="none" stroke="#321b41" stroke-width="10"/>'
        '<circle cx="64" cy="64" r="32" fill="#d3d3d3" stroke="#9b9b9b" stroke-width="6"/></svg>'
    )
    shown = render(drawn(svg).to_svg(), 1024, 1024, WHITE).astype(int)
    y, x = np.mgrid[:1024, :1024] - 511.5
    radius, angle = np.hypot(x, y) / 8, np.degrees(np.arctan2(y, x)) % 360
    border = (np.abs(radius - 35) < 1.5) & (np.abs(angle - degrees / 2) < degrees / 2 - 15)
    red = shown[..., 0] - shown[..., 2] > 40
    assert not red[border].any()


def test_wedges_and_discs_stay_shapes() -> None:
    uneven = (
        '<path d="M4 11.5L20 8V16Z" fill="#1d3557" stroke="none"/>'
        '<circle cx="6" cy="19" r="3" fill="#c03" stroke="none"/>'
    )
    assert "stroke=" not in drawn(icon(uneven, 128)).to_svg()


@pytest.mark.parametrize("options", [{"layering": "cutout"}, {"mode": "polygon"}, {"mode": "pixel"}])
def test_cut_out_shapes_polygons_and_pixels_have_none(options: dict[str, str]) -> None:
    svg = icon(ICONS["an arrow"], 96)
    assert drawn(svg, **options).to_svg() == drawn(svg, "never", **options).to_svg()


@pytest.mark.parametrize("group", ["none", "color", "tree"])
def test_groups_change_nothing_that_is_seen(group: str) -> None:
    svg = icon("".join(ICONS[name] for name in ("a frame", "a cross")), 192)
    plain, grouped = drawn(svg).to_svg(), drawn(svg, group=group).to_svg()
    assert np.abs(render(plain, 192, 192, WHITE).astype(int) - render(grouped, 192, 192, WHITE)).max() <= 2


@pytest.mark.parametrize("options", [{"polish": 2}, {"colors": 2}, {"palette": ("#000000", "#ffffff")}])
def test_strokes_go_with_polishing_and_few_colours(options: dict[str, object]) -> None:
    svg = icon(ICONS["a chevron"], 128)
    drawing = drawn(svg, **options)
    assert "stroke-width" in drawing.to_svg()
    assert likeness(drawing, svg) > 0.9


def test_every_format_has_the_strokes_with_their_caps_and_joins() -> None:
    drawing = drawn(icon(ICONS["an arrow"], 256))
    (stroke,) = [shape for shape in read_shapes(drawing.to_svg()).shapes if shape.stroke_width is not None]
    assert (stroke.cap, stroke.join, stroke.is_trap) == ("round", "round", False)
    eps = export(drawing.to_svg(), "eps").content.decode()
    assert re.search(r"^[\d.]+ 1 1 s$", eps, re.MULTILINE)
    assert export(drawing.to_svg(), "pdf").content.startswith(b"%PDF")
    ezdxf = pytest.importorskip("ezdxf")
    dxf = export(drawing.to_svg(), "dxf")
    assert dxf.notes == ()  # traps are left out, strokes are not
    document = ezdxf.read(io.StringIO(dxf.content.decode()))
    widths = [line.dxf.const_width for line in document.modelspace().query("LWPOLYLINE") if line.dxf.const_width]
    assert widths == [pytest.approx(stroke.stroke_width)] * 2


def test_mazes_and_noise_take_bounded_time() -> None:
    random = np.random.default_rng(0)
    maze = np.repeat(np.repeat(random.integers(0, 2, (96, 96)), 2, 0), 2, 1) * 255
    maze[::4] = 0
    noise = random.integers(0, 256, (96, 96, 3))
    drawn(icon(ICONS["a line"], 64))  # everything is loaded and compiled
    for picture in (np.stack([maze] * 3, 2).astype(np.uint8), noise.astype(np.uint8)):
        begun = time.perf_counter()
        drawing = vectorizer().vectorize(picture, VectorizeOptions(strokes="auto", preset="logo"))
        assert drawing.seconds["strokes"] < 0.5 * (time.perf_counter() - begun) + 0.5
