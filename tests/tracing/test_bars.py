"""Bars drawn with known numbers are recovered from their pixels, and nothing else becomes one."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import shapely
from PIL import Image
from shapely import affinity

from dhvt_vectorize.tracing import _bar_kernels
from dhvt_vectorize.tracing.bars import TEMPLATES, with_bars
from dhvt_vectorize.tracing.curves import fit_curves
from dhvt_vectorize.tracing.outlines import Primitive
from dhvt_vectorize.tracing.planar_map import trace_planar_map
from dhvt_vectorize.tracing.subpixel import subpixel_polylines

PAPER, INK = np.array([246.0, 242.0, 233.0, 255.0]), np.array([29.0, 95.0, 168.0, 255.0])
SIZE = 64
Found = tuple[Primitive | None, dict[int, np.ndarray]]


def covered(bar: Primitive) -> np.ndarray:
    """The share of every pixel that a bar covers."""
    if bar.corner:
        shape = shapely.LineString([(-bar.rx + bar.ry, 0), (bar.rx - bar.ry, 0)]).buffer(bar.ry, quad_segs=64)
    else:
        shape = shapely.box(-bar.rx, -bar.ry, bar.rx, bar.ry)
    shape = affinity.translate(affinity.rotate(shape, bar.degrees, origin=(0, 0)), bar.cx, bar.cy)
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.asarray(shapely.area(shapely.intersection(shapely.box(x, y, x + 1, y + 1), shape)))


def painted(share: np.ndarray, ink: np.ndarray = INK, paper: np.ndarray = PAPER) -> np.ndarray:
    return np.rint(paper + share[..., None] * (ink - paper)).astype(np.uint8)


def found_in(
    pixels: np.ndarray, labels: np.ndarray, colours: list[np.ndarray], gradients: tuple[int, ...] = ()
) -> Found:
    """The one bar that is found where the faces are known, and the colours that are told."""
    planar_map = trace_planar_map(labels)
    face_colours = np.array(colours, np.float32)
    points, offsets = subpixel_polylines(planar_map, pixels, face_colours)
    curves = fit_curves(planar_map, points, offsets, 0.45)
    outlines, told = with_bars(curves, points, offsets, pixels, face_colours, gradients)
    assert len(outlines.primitives) <= 1
    return next(iter(outlines.primitives.values()), None), told


def recovered(share: np.ndarray, pixels: np.ndarray | None = None) -> Found:
    """The bar found in a picture of it; as a tokenizer would tell, its face is what is covered most."""
    pixels = painted(share) if pixels is None else pixels
    labels = (share > min(0.45, 0.6 * share.max())).astype(np.int32)
    return found_in(pixels, labels, [PAPER, pixels[labels == 1].astype(float).mean(0)])


def jpeg(pixels: np.ndarray, quality: int = 75) -> np.ndarray:
    held = io.BytesIO()
    Image.fromarray(pixels[..., :3]).save(held, "JPEG", quality=quality)
    return np.asarray(Image.open(held).convert("RGBA"))


def errors(found: Primitive, true: Primitive) -> np.ndarray:
    """Of centre, length, width, and the ends' places by the angle."""
    if (found.rx > found.ry) != (true.rx > true.ry):
        found = replace(found, rx=found.ry, ry=found.rx, degrees=found.degrees + 90)
    turn = np.radians((found.degrees - true.degrees + 90) % 180 - 90)
    off = found.cx - true.cx, found.cy - true.cy, 2 * (found.rx - true.rx), 2 * (found.ry - true.ry)
    return np.abs([*off, turn * true.rx])


@pytest.mark.parametrize("degrees", [0.0, 3.0, 30.0, 45.0, 77.0, -30.0])
@pytest.mark.parametrize("width", [1.5, 2.0, 2.6, 3.0, 4.0, 5.5])
def test_a_bar_is_recovered_to_hundredths_of_a_pixel(width: float, degrees: float) -> None:
    for cx, cy, length in ((32.0, 32.0, 40.0), (32.37, 31.71, 24.3), (31.52, 32.9, 15.0)):
        true = Primitive("rect", cx, cy, length / 2, width / 2, degrees)
        if degrees == 0 and width < 2.2 and cy % 1 != 0.9:
            continue  # two rows, which do not tell width from contrast
        found, _ = recovered(covered(true))
        assert found is not None
        assert errors(found, true).max() <= 0.03
        assert found.corner == 0


@pytest.mark.parametrize("width", [0.8, 1.0, 1.3])
@pytest.mark.parametrize("degrees", [20.0, 35.0, -60.0])
def test_of_a_slanted_hairline_width_and_colour_are_told_though_no_pixel_shows_it(width: float, degrees: float) -> None:
    true = Primitive("rect", 32.2, 31.7, 21.0, width / 2, degrees)
    share = covered(true)
    pixels = painted(share)
    # faces whose parts touch at corners alone are what a tokenizer must join
    labels = (share > 0.15).astype(np.int32)
    found, told = found_in(pixels, labels, [PAPER, pixels[labels == 1].astype(float).mean(0)])
    assert found is not None
    assert errors(found, true)[[0, 1, 4]].max() <= 0.03
    assert errors(found, true)[2:4].max() <= 0.08
    assert np.abs(told[1] - INK).max() <= 15


@pytest.mark.parametrize("cy", [32.5, 32.21, 31.8, 32.35])
def test_an_upright_hairline_is_a_pixel_wide_where_its_rows_allow_it(cy: float) -> None:
    true = Primitive("rect", 32.3, cy, 20.0, 0.5)
    found, told = recovered(covered(true))
    assert found is not None
    assert errors(found, true).max() <= 0.04
    assert np.abs(told.get(1, INK) - INK).max() <= 6


def test_two_even_rows_are_a_line_of_two_pixels_unless_another_face_has_the_colour_of_one() -> None:
    line = Primitive("rect", 32.3, 32.0, 20.0, 0.5)
    found, told = recovered(covered(line))
    assert found is not None
    assert found.ry == pytest.approx(1.0, abs=0.01)
    assert not told
    share = covered(line)
    labels = (share > 0.45).astype(np.int32)
    share[4:12, 4:60] = 1
    labels[4:12, 4:60] = 2
    pixels = painted(share)
    found, told = found_in(pixels, labels, [PAPER, pixels[labels == 1].astype(float).mean(0), INK])
    assert found is not None
    assert errors(found, line).max() <= 0.02
    assert np.array_equal(told[1], INK)


def test_where_nothing_is_behind_a_hairline_it_is_opaque() -> None:
    true = Primitive("rect", 32.3, 32.0, 20.0, 0.5)
    share = covered(true)
    pixels, labels = painted(share, INK, np.zeros(4)), (share > 0.45).astype(np.int32)
    found, told = found_in(pixels, labels, [np.zeros(4), pixels[labels == 1].astype(float).mean(0)])
    assert found is not None
    assert errors(found, true).max() <= 0.02
    assert told[1] == pytest.approx(INK, abs=2)


@pytest.mark.parametrize("width", [2.5, 3.0, 4.0])
@pytest.mark.parametrize("degrees", [0.0, 25.0])
def test_round_ends_are_told_from_square_ones(width: float, degrees: float) -> None:
    true = Primitive("rect", 32.3, 31.8, 15.0, width / 2, degrees, width / 2)
    found, _ = recovered(covered(true))
    assert found is not None
    assert found.corner == pytest.approx(min(found.rx, found.ry))
    assert errors(found, true).max() <= 0.05


@pytest.mark.parametrize("degrees", [0.0, 30.0, 60.0])
@pytest.mark.parametrize("width", [2.0, 3.0, 4.0])
def test_jpeg_costs_a_bar_less_than_a_quarter_of_a_pixel(width: float, degrees: float) -> None:
    true = Primitive("rect", 32.37, 31.71, 20.0, width / 2, degrees)
    share = covered(true)
    found, _ = recovered(share, jpeg(painted(share)))
    assert found is not None
    assert errors(found, true).max() <= 0.25


@pytest.mark.parametrize("bend", [0.8, 1.5, 3.0])
def test_a_bent_line_is_no_bar(bend: float) -> None:
    at = (np.arange(SIZE * 8) + 0.5) / 8
    x, y = np.meshgrid(at, at)
    inside = (np.abs(x - 32) <= 20) & (np.abs(y - 32 - bend * ((x - 32) / 20) ** 2) <= 1.2)
    assert recovered(inside.reshape(SIZE, 8, SIZE, 8).mean((1, 3)))[0] is None


def test_a_wedge_is_no_bar_nor_one_in_two_colours_nor_one_of_a_gradient() -> None:
    at = (np.arange(SIZE * 8) + 0.5) / 8
    x, y = np.meshgrid(at, at)
    inside = (np.abs(x - 32) <= 20) & (np.abs(y - 32) <= 1.5 + (x - 32) / 40)
    assert recovered(inside.reshape(SIZE, 8, SIZE, 8).mean((1, 3)))[0] is None
    share = covered(Primitive("rect", 32.0, 32.3, 20.0, 1.5))
    pixels = painted(share)
    pixels[:, 32:] = painted(share, 0.5 * INK + 0.5 * PAPER)[:, 32:]
    assert recovered(share, pixels)[0] is None
    colours = [PAPER, INK]
    labels = (share > 0.45).astype(np.int32)
    assert found_in(painted(share), labels, colours)[0] is not None
    assert found_in(painted(share), labels, colours, gradients=(1,))[0] is None


@pytest.mark.parametrize("half_width", [2.0, 2.5])
def test_a_lens_near_other_things_is_no_bar(half_width: float) -> None:
    """What stands beside it is no noise that would excuse how little a bar explains."""
    y, x = np.mgrid[:SIZE, :SIZE]
    bend = np.linspace(-1, 1, 65)
    edge = np.stack([24 * bend, half_width * (1 - bend**2)], 1)
    lens = shapely.Polygon(np.concatenate([edge, -edge])).buffer(0)
    lens = affinity.translate(affinity.rotate(lens, 88, origin=(0, 0)), 30.3, 31.6)
    wall = shapely.box(35, 0, SIZE, SIZE)
    squares = shapely.box(x, y, x + 1, y + 1)
    share, other = (np.asarray(shapely.area(shapely.intersection(squares, shape))) for shape in (lens, wall))
    pixels = painted(share + other)
    labels = np.where(other > 0.5, 2, share > 0.5).astype(np.int32)
    assert found_in(pixels, labels, [PAPER, INK, INK])[0] is None


def test_a_bar_on_a_sloped_colour_is_recovered() -> None:
    true = Primitive("rect", 32.37, 31.71, 20.0, 1.2, 20.0)
    share = covered(true)[..., None]
    slope = PAPER - np.arange(SIZE)[:, None, None] * (1.5, 1.0, 0.5, 0.0)
    pixels = np.rint(share * INK + (1 - share) * slope).astype(np.uint8)
    found, _ = recovered(share[..., 0], pixels)
    assert found is not None
    assert errors(found, true).max() <= 0.03


@pytest.mark.parametrize("ends", TEMPLATES)
def test_slopes_of_the_coverage_are_what_differences_tell(ends: str) -> None:
    bar = np.array([15.31, 14.77, 0.4, 8.3, 1.7, 0.9])
    y, x = np.mgrid[:30, :30]
    pixels = np.stack([x.ravel(), y.ravel()], 1)
    weights = np.cos(0.4 * pixels[:, 0]) + np.sin(0.3 * pixels[:, 1])

    def residuals(numbers: np.ndarray) -> np.ndarray:
        return np.asarray(_bar_kernels.normal_equations(pixels, weights, numbers, TEMPLATES[ends], 0.0)[2])

    half_circles = (4 - np.pi) * bar[4] ** 2 if ends == "round" else 0.0
    assert (weights - residuals(bar)).sum() == pytest.approx(0.9 * (4 * bar[3] * bar[4] - half_circles), rel=2e-3)
    _, product, left = _bar_kernels.normal_equations(pixels, weights, bar, TEMPLATES[ends], 0.0)
    for k in range(6):
        step = 1e-5 * np.eye(6)[k]
        slope = (residuals(bar + step) - residuals(bar - step)) / 2e-5
        assert -(slope @ left) == pytest.approx(product[k], rel=1e-4, abs=1e-4)
