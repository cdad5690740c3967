"""Files of every format read back: as text, by ezdxf, and where they are installed drawn by Ghostscript and poppler."""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_drawings import flat_paints, svg_of
from label_maps import connected_label_maps
from path_data import subpaths
from PIL import Image

from dhvt_vectorize.drawing.export import export
from dhvt_vectorize.drawing.export.shapes import Gradient, Shape, read_shapes
from dhvt_vectorize.drawing.figures import psnr
from dhvt_vectorize.drawing.preview import over, render
from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.formats import FORMATS

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("logo", "illustration", "photo", "pixel-art")
WHITE = (255, 255, 255)


def example(name: str) -> str:
    return (EXAMPLES / f"{name}.svg").read_text("utf-8")


def svg(content: str, width: int = 40, height: int = 30) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
    return f"{head}<title>a (title)</title>{content}</svg>"


def shapes(content: str) -> tuple[Shape, ...]:
    return read_shapes(svg(content)).shapes


# --- reading our own SVG


@given(connected_label_maps(), st.integers(0, 99))
def test_shapes_are_those_that_an_independent_parser_reads(labels: np.ndarray, seed: int) -> None:
    colours = np.random.default_rng(seed).integers(0, 256, (labels.max() + 1, 3))
    text = svg_of(labels, flat_paints(colours), "cutout", "spline")
    read = [
        [tuple((point, *segment)) for point, segment in zip(_starts(ring), ring.segments, strict=True)]
        for shape in read_shapes(text).shapes
        for ring in shape.subpaths
    ]
    expected = [ring for data in re.findall(r' d="([^"]*)"', text) for ring in subpaths(data)]
    assert len(read) == len(expected)
    for own, other in zip(read, expected, strict=True):
        # the line that closes a ring is left to `closed`
        flat = [np.ravel(np.array(segment, float)) for segment in other][: len(own)]
        assert len(other) - len(own) in (0, 1)
        assert all(np.allclose(np.ravel(a), b) for a, b in zip(own, flat, strict=True))


def _starts(ring) -> list:
    return [ring.start, *(segment[-1] for segment in ring.segments[:-1])]


@pytest.mark.parametrize(
    ("data", "end"),
    [
        ("M1 2 3 4z", (3, 4)),
        ("m1 2 3 4z", (4, 6)),
        ("M1 2H9V5z", (9, 5)),
        ("M1 2h9v5z", (10, 7)),
        ("M1 2C1 1 2 2 3 3S5 6 7 8z", (7, 8)),
        ("M1 2c1 1 2 2 3 3s5 6 7 8z", (11, 13)),
        ("M1 2l-.5.5-1-1e1z", (-0.5, -7.5)),
    ],
)
def test_every_form_of_a_command_ends_where_it_should(data: str, end: tuple[float, float]) -> None:
    ((subpath,),) = [shape.subpaths for shape in shapes(f'<path d="{data}"/>')]
    assert subpath.segments[-1][-1] == end
    assert subpath.closed


def test_a_smooth_cubic_begins_with_the_mirror_of_the_control_before() -> None:
    ((subpath,),) = [shape.subpaths for shape in shapes('<path d="M0 0c1 2 3 4 5 6s7 8 9 9"/>')]
    assert subpath.segments[1][0] == (7, 8)
    assert not subpath.closed


def test_a_groups_paint_is_inherited_and_nothing_unpainted_is_drawn() -> None:
    path = '<path d="M0 0h9v9z"/>'
    inner = f'<g fill="#abc" fill-opacity=".5">{path}<path d="M0 0h9v9z" fill="#000"/></g>'
    stroke = f'<g fill="none" stroke="#010203" stroke-width="2">{path}</g>'
    first, second, third = shapes(inner + stroke + f'<g fill="none">{path}</g>')
    assert (first.paint, first.opacity, first.stroke_width) == ((0xAA, 0xBB, 0xCC), 0.5, None)
    assert (second.paint, second.opacity) == ((0, 0, 0), 0.5)
    assert (third.paint, third.opacity, third.stroke_width) == ((1, 2, 3), 1, 2)


PRIMITIVES = (
    '<circle cx="15" cy="12" r="7"/>',
    '<ellipse cx="15" cy="12" rx="9" ry="4"/>',
    '<rect x="3" y="4" width="20" height="10"/>',
    '<rect x="3" y="4" width="20" height="10" rx="3"/>',
    '<rect x="3" y="4" width="20" height="10" rx="30" ry="2"/>',
    '<rect x="3" y="4" width="20" height="10" rx="3" transform="rotate(-20.5 13 9)"/>',
    '<ellipse cx="15" cy="12" rx="9" ry="4" transform="rotate(30 15 12)"/>',
)


@pytest.mark.parametrize("content", PRIMITIVES)
def test_a_primitive_is_read_as_the_curves_that_look_like_it(content: str) -> None:
    (shape,) = shapes(content)
    (subpath,) = shape.subpaths
    points = [subpath.start, *(point for segment in subpath.segments for point in segment)]
    commands = [f"M{points[0][0]} {points[0][1]}"]
    commands += ["LC"[len(s) // 3] + " ".join(f"{x} {y}" for x, y in s) for s in subpath.segments]
    drawn = svg(f'<path d="{"".join(commands)}z"/>')
    assert psnr(render(drawn, 160, 120, WHITE), render(svg(content), 160, 120, WHITE)) > 45


@pytest.mark.parametrize(
    "content",
    [
        '<text x="1">a</text>',
        "<image/>",
        '<path d="M0 0h1" transform="scale(2)"/>',
        '<path d="M0 0h1" transform="rotate(30)"/>',
        '<path d="M0 0h1v1z" fill-rule="evenodd"/>',
        '<path d="M0 0a1 1 0 0 0 2 2"/>',
        '<path d="M0 0h1v1z" fill="red"/>',
    ],
)
def test_what_this_project_does_not_write_is_refused_rather_than_lost(content: str) -> None:
    with pytest.raises(ValueError, match=r"this project|wri"):
        shapes(content)


# --- files


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_drawing_gives_the_same_bytes(name: str) -> None:
    assert export(example("illustration"), name) == export(example("illustration"), name)


def test_a_dxf_is_the_same_bytes_in_another_process() -> None:
    pytest.importorskip("ezdxf", reason="ezdxf is not installed: no DXF is written")
    code = "import sys; from dhvt_vectorize.drawing.export import export; "
    code += "sys.stdout.buffer.write(export(sys.argv[1], 'dxf').content)"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(EXAMPLES.parent)}
        command = [sys.executable, "-c", code, svg(MIXED)]
        done = subprocess.run(command, capture_output=True, check=True, env=environment)
        assert done.stdout == export(svg(MIXED), "dxf").content


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match="svg, svgz, png, pdf, eps, dxf"):
        export(svg(""), "ai")


def test_svg_and_svgz_hold_the_text_and_png_the_picture() -> None:
    text = example("pixel-art")
    assert export(text, "svg").content.decode() == text
    packed = export(text, "svgz").content
    assert gzip.decompress(packed).decode() == text
    assert packed[4:8] == bytes(4)  # no time
    with Image.open(io.BytesIO(export(text, "png").content)) as picture:
        assert np.array_equal(np.asarray(picture.convert("RGBA")), render(text, 32, 32))


GRADIENT = (
    '<defs><linearGradient id="g" gradientUnits="userSpaceOnUse" x1="2" y1="3" x2="30" y2="20">'
    '<stop offset="0" stop-color="#f00"/><stop offset="1" stop-color="#00f"/></linearGradient></defs>'
)
TRAPPED = GRADIENT + (
    '<g fill="none" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">'
    '<path d="M20 3c9 9-9 15 0 25" stroke="url(#g)"/><path d="M5 5h9v9" stroke="#060"/></g>'
)
MIXED = GRADIENT + (
    '<path d="M0 0h26v30h-26z" fill="url(#g)"/><path d="M5 5h18v10h-18zM8 8v4h8v-4z" fill="#0f0"/>'
    '<circle cx="33" cy="20" r="6" fill="#123456" fill-opacity="0.5"/>'
)


SHADED = (
    '<defs><radialGradient id="r" gradientUnits="userSpaceOnUse" cx="14" cy="12" r="16">'
    '<stop offset="0.1" stop-color="#fd2"/><stop offset="0.5" stop-color="#e33"/>'
    '<stop offset="1" stop-color="#236"/></radialGradient>'
    '<linearGradient id="f" gradientUnits="userSpaceOnUse" x1="0" y1="0" x2="0" y2="30"><stop'
    ' offset="0" stop-color="#062"/><stop offset="1" stop-color="#062" stop-opacity="0.1"/></linearGradient></defs>'
    '<path d="M0 0h17v30h-17z" fill="url(#r)"/><circle cx="28" cy="16" r="10" fill="url(#f)"/>'
    '<path d="M2 20h9v9z" fill="#0af"/>'
)


def test_a_gradients_stops_reach_from_0_to_1_and_its_mean_is_theirs() -> None:
    ring, fading, _ = (shape.paint for shape in shapes(SHADED))
    assert isinstance(ring, Gradient)
    assert isinstance(fading, Gradient)
    assert [stop.offset for stop in ring.stops] == [0, 0.1, 0.5, 1]
    assert (ring.radius, ring.fades, fading.radius, fading.fades) == (16, False, 0, True)
    assert fading.mean == (0, 0x66, 0x22)
    assert fading.opacity == pytest.approx(0.55)


def test_a_fading_gradient_is_told_of_where_a_format_has_none() -> None:
    assert export(svg(SHADED), "eps").notes == ("EPS has no transparency: 1 shape got the colour they have over white",)


def page_of(pdf: bytes) -> str:
    stream = re.search(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)
    assert stream is not None
    return zlib.decompress(stream[1]).decode()


def test_a_pdf_has_one_page_of_the_pictures_size_in_points_with_its_curves_paints_and_opacities() -> None:
    pdf = export(svg(MIXED), "pdf").content
    assert b"/MediaBox [0 0 30 22.5]" in pdf
    assert b"/Title (a \\(title\\))" in pdf
    assert b"/ShadingType 2" in pdf
    assert b"/ca 0.5" in pdf
    page = page_of(pdf)
    assert "0.75 0 0 -0.75 0 22.5 cm" in page
    assert page.split().count("f") == 3
    assert page.split().count("c") == 4
    assert "0 1 0 rg" in page
    # after a translucent shape comes none, but before it everything is opaque
    assert page.split().count("gs") == 1
    assert "Date" not in pdf.decode("latin-1")


def test_an_opaque_shape_after_a_translucent_one_is_opaque_in_a_pdf() -> None:
    path = '<path d="M0 0h9v9z" fill="#111"{}/>'
    page = page_of(export(svg(path.format(' fill-opacity="0.3"') + path.format("")), "pdf").content)
    assert re.findall(r"/(o\d+) gs", page) == ["o300", "o1000"]


def test_an_eps_has_its_box_and_shows_translucent_colours_over_white() -> None:
    exported = export(svg(MIXED), "eps")
    text = exported.content.decode("ascii")
    assert text.startswith("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 30 23\n%%HiResBoundingBox: 0 0 30 22.5\n")
    assert "\n0.5353 0.602 0.6686 k\n" in text  # half of #123456, half of white
    assert "2 [2 3 30 20] [1 0 0] [0 0 1] e g" in text
    assert exported.notes == ("EPS has no transparency: 1 shape got the colour they have over white",)
    assert max(map(len, text.splitlines())) <= 255
    assert export(svg('<path d="M0 0h9v9z"/>'), "eps").notes == ()


@pytest.fixture(scope="module")
def read_dxf():
    ezdxf = pytest.importorskip("ezdxf", reason="ezdxf is not installed: no DXF is written")

    def read(content: bytes):
        document = ezdxf.read(io.StringIO(content.decode("utf-8")))
        assert not document.audit().errors
        return document

    return read


def test_a_dxf_has_a_layer_a_colour_a_hatch_a_shape_and_an_outline_a_ring(read_dxf) -> None:
    exported = export(svg(MIXED), "dxf")
    document = read_dxf(exported.content)
    kinds = [entity.dxftype() for entity in document.modelspace()]
    assert kinds == ["HATCH", "LWPOLYLINE", "HATCH", "LWPOLYLINE", "LWPOLYLINE", "HATCH", "CIRCLE"]
    assert [entity.dxf.layer for entity in document.modelspace()][::2] == ["7f007f", "00ff00", "00ff00", "123456"]
    for entity in document.modelspace():
        assert document.layers.get(entity.dxf.layer).rgb == tuple(bytes.fromhex(entity.dxf.layer))
        assert (entity.dxf.color, entity.rgb) == (256, None)  # by layer
    hatches = list(document.modelspace().query("HATCH"))
    assert [len(hatch.paths) for hatch in hatches] == [1, 2, 1]
    assert [round(hatch.transparency, 1) for hatch in hatches] == [0, 0, 0.5]
    assert exported.notes == ("DXF has no such gradients: 1 shape got their mean colour",)


def test_a_dxf_has_y_upwards_and_its_splines_are_the_curves(read_dxf) -> None:
    from ezdxf import bbox

    document = read_dxf(export(svg('<path d="M10 5c8 0 8 20 0 20h-5v-20z"/>'), "dxf").content)
    (spline,) = document.modelspace().query("SPLINE")
    assert spline.closed
    t = np.linspace(0, 1, 5)
    x, y = 10 + 8 * 3 * (t * (1 - t) ** 2 + t * t * (1 - t)), 30 - (5 + 20 * (3 * t * t * (1 - t) + t**3))
    places = np.array([[point.x, point.y] for point in spline.flattening(0.001)])
    for place in np.stack([x, y], 1):
        assert np.hypot(*(places - place).T).min() < 0.2
    extent = bbox.extents(document.modelspace())
    assert (extent.extmin.x, extent.extmin.y, extent.extmax.y) == pytest.approx((5, 5, 25), abs=1e-6)


def test_a_circle_is_one_in_a_dxf_and_an_ellipse_none(read_dxf) -> None:
    content = '<circle cx="12" cy="10" r="6"/><ellipse cx="28" cy="10" rx="6" ry="4"/>'
    document = read_dxf(export(svg(content), "dxf").content)
    (circle,) = document.modelspace().query("CIRCLE")
    assert (circle.dxf.center.x, circle.dxf.center.y, circle.dxf.radius) == (12, 20, 6)
    assert len(document.modelspace().query("SPLINE")) == 1
    assert len(document.modelspace().query("HATCH")) == 2


def test_an_island_of_the_same_paint_inside_a_shape_is_no_hole_in_a_dxf(read_dxf) -> None:
    data = "M0 0h30v30h-30zM5 5v20h20v-20zM10 10h9v9h-9zM31 1h5v5h-5z"
    hatches = read_dxf(export(svg(f'<path d="{data}"/>'), "dxf").content).modelspace().query("HATCH")
    assert [len(hatch.paths) for hatch in hatches] == [2, 1, 1]


def test_a_hole_that_comes_before_its_ring_is_a_hole_in_a_dxf(read_dxf) -> None:
    data = "M5 5v20h20v-20zM0 0h30v30h-30zM31 1h5v5h-5z"
    hatches = read_dxf(export(svg(f'<path d="{data}"/>'), "dxf").content).modelspace().query("HATCH")
    assert [len(hatch.paths) for hatch in hatches] == [2, 1]


@pytest.mark.parametrize("name", ["logo", "illustration", "pixel-art"])
def test_a_dxf_drawn_by_ezdxf_looks_like_the_drawing(name: str, read_dxf) -> None:
    """Its gradients as their means, which the illustration shows: its sky is one shape."""
    from ezdxf.addons.drawing import Frontend, RenderContext, config, layout
    from ezdxf.addons.drawing.svg import SVGBackend
    from ezdxf.math import BoundingBox2d

    picture = read_shapes(example(name))
    size = int(picture.width), int(picture.height)
    document, backend = read_dxf(export(example(name), "dxf").content), SVGBackend()
    white = config.Configuration(background_policy=config.BackgroundPolicy.WHITE, lineweight_scaling=0)
    Frontend(RenderContext(document), backend, config=white).draw_layout(document.modelspace())
    page = layout.Page(*size, layout.Units.mm, layout.Margins(0, 0, 0, 0))
    whole = {"settings": layout.Settings(fit_page=False, scale=1), "render_box": BoundingBox2d([(0, 0), size])}
    drawn = re.sub(r'(width|height)="([\d.]+)mm"', r'\1="\2"', backend.get_string(page, **whole), count=2)
    assert psnr(render(drawn, *size, WHITE), render(example(name), *size, WHITE)) > 28


# --- drawn by others


def fine(command: list[str], picture: Path, size: tuple[int, int], scale: int) -> np.ndarray:
    """What a program draws at `scale` times the size, averaged: it may fill pixels that a shape only touches."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    with Image.open(picture) as drawn:
        assert abs(drawn.width - scale * size[0]) <= 1
        assert abs(drawn.height - scale * size[1]) <= 1
        return np.asarray(drawn.convert("RGB").resize(size, Image.Resampling.BOX))


@pytest.mark.parametrize("name", [*NAMES, "mixed", "trapped", "shaded"])
@pytest.mark.parametrize(("program", "file_format"), [("gs", "pdf"), ("gs", "eps"), ("pdftoppm", "pdf")])
def test_other_programs_draw_the_file_as_resvg_draws_the_svg(
    name: str, program: str, file_format: str, tmp_path: Path
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    text = example(name) if name in NAMES else svg({"mixed": MIXED, "trapped": TRAPPED, "shaded": SHADED}[name])
    scale = 4 if name in NAMES else 16
    source, target, resolution = tmp_path / f"a.{file_format}", tmp_path / "a.png", str(96 * scale)
    source.write_bytes(export(text, file_format).content)
    if program == "gs":
        command = ["gs", "-q", "-dBATCH", "-dNOPAUSE", "-dSAFER", "-dEPSCrop", "-sDEVICE=png16m"]
        command += [f"-r{resolution}", f"-sOutputFile={target}", str(source)]
    else:
        command = ["pdftoppm", "-png", "-r", resolution, "-singlefile", str(source), str(target.with_suffix(""))]
    picture = read_shapes(text)
    size = int(picture.width), int(picture.height)
    expected = np.asarray(over(Image.fromarray(render(text, *size)), WHITE))
    assert psnr(fine(command, target, size, scale), expected) > 34


@pytest.mark.parametrize("name", NAMES)
def test_the_paints_of_the_examples_survive_reading(name: str) -> None:
    text = example(name)
    read = read_shapes(text).shapes
    assert len(read) == len(re.findall("<(path|circle|ellipse|rect) ", text))
    assert sum(isinstance(shape.paint, Gradient) for shape in read) == len(re.findall(r'fill="url', text))
