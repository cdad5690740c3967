"""The SVG read back: by XML parsers, by a path parser of the tests' own, by a second process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import lxml.etree
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_drawings import flat_paints, layers_of, outlines_of, svg_of
from label_maps import ZOO, connected, connected_label_maps
from path_data import subpaths, tokens

from dhvt_vectorize.drawing.export.shapes import read_shapes
from dhvt_vectorize.drawing.figures import FORBIDDEN_ELEMENTS, count
from dhvt_vectorize.drawing.gradients import Gradient
from dhvt_vectorize.drawing.layering import Layers
from dhvt_vectorize.drawing.paints import Paints
from dhvt_vectorize.drawing.preview import render
from dhvt_vectorize.drawing.svg import common_grid, hex_colour, write_svg
from dhvt_vectorize.tracing.outlines import Outlines

SVG = "{http://www.w3.org/2000/svg}"
REPOSITORY = Path(__file__).resolve().parents[2]


def blobs(size: int = 24, seed: int = 5) -> np.ndarray:
    """Round regions with holes."""
    y, x = np.mgrid[:size, :size]
    random = np.random.default_rng(seed)
    labels = np.zeros((size, size), int)
    for k in range(1, 6):
        cx, cy, r = random.uniform((3, 3, 2), (size - 3, size - 3, size / 3))
        labels[(x - cx) ** 2 + (y - cy) ** 2 < r * r] = k
    return connected(labels)


def distinct_paints(faces: int) -> Paints:
    return flat_paints(np.array([[(k * 37) % 256, (k * 91 + 13) % 256, k % 256] for k in range(faces)]))


def ring_on_grid(outlines: Outlines, layers: Layers, ring: int, precision: int) -> list[tuple]:
    """The segments that must be drawn: rounded to the grid, the vanishing ones left out, collinear lines joined."""
    half_arcs = layers.half_arcs[layers.ring_offsets[ring] : layers.ring_offsets[ring + 1]]
    points, lines = outlines.ring(half_arcs)
    expected: list[tuple] = []
    for controls, is_line in zip(np.rint(points * 10.0**precision).astype(int).tolist(), lines, strict=True):
        corners = [tuple(Fraction(v, 10**precision) for v in point) for point in controls]
        if len(set(corners)) > 1:
            expected.append((corners[0], corners[3]) if is_line else tuple(corners))
    return joined(expected)


def joined(segments: list[tuple]) -> list[tuple]:
    """Lines that go straight on are one line, round the start too."""

    def goes_on(a: tuple, b: tuple) -> bool:
        if len(a) == 4 or len(b) == 4:
            return False
        (ax, ay), (bx, by) = [(end[0] - start[0], end[1] - start[1]) for start, end in (a, b)]
        return ax * by == ay * bx and ax * bx + ay * by > 0

    merged: list[tuple] = []
    for segment in segments:
        if merged and goes_on(merged[-1], segment):
            merged[-1] = (merged[-1][0], segment[1])
        else:
            merged.append(segment)
    if len(merged) > 2 and goes_on(merged[-1], merged[0]):
        merged[0] = (merged.pop()[0], merged[0][1])
    return merged


def paths_of(svg: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg.encode()).iter(f"{SVG}path"))


@pytest.mark.parametrize("mode", ["spline", "polygon", "pixel"])
@pytest.mark.parametrize("precision", range(7))
@pytest.mark.parametrize("layering", ["stacked", "cutout"])
def test_path_data_read_back_gives_the_rounded_control_points(mode: str, precision: int, layering: str) -> None:
    labels = blobs()
    paints = distinct_paints(labels.max() + 1)
    outlines = outlines_of(labels, paints, mode, 0.2)
    layers = layers_of(outlines.planar_map, paints, layering)
    svg = write_svg(outlines, layers, paints, precision, "", "")
    read = [ring for path in paths_of(svg) for ring in subpaths(path.get("d", ""))]
    expected = [ring_on_grid(outlines, layers, ring, precision) for ring in range(len(layers.ring_offsets) - 1)]
    assert read == [ring for ring in expected if ring]


@given(connected_label_maps(), st.integers(0, 6), st.sampled_from(["spline", "polygon"]), st.integers(0, 99))
def test_path_data_of_any_map_reads_back(labels: np.ndarray, precision: int, mode: str, seed: int) -> None:
    faces = labels.max() + 1
    paints = distinct_paints(faces)
    outlines = outlines_of(labels, paints, mode)
    # points off the image too, so that starts and steps are negative, and others that round to nothing
    random = np.random.default_rng(seed)
    place = random.normal(0, 1, 2)
    moved = outlines.control_points * random.choice([0.02, 0.4, 1.0, 30.0]) + place
    outlines = Outlines(outlines.planar_map, moved, outlines.is_line, outlines.offsets)
    layers = layers_of(outlines.planar_map, paints, "cutout")
    svg = write_svg(outlines, layers, paints, precision, "", "")
    read = [ring for path in paths_of(svg) for ring in subpaths(path.get("d", ""))]
    expected = [ring_on_grid(outlines, layers, ring, precision) for ring in range(len(layers.ring_offsets) - 1)]
    assert read == [ring for ring in expected if ring]


@pytest.mark.parametrize("precision", range(7))
def test_numbers_have_no_needless_digit_and_commands_no_needless_space(precision: int) -> None:
    labels = blobs()
    paints = distinct_paints(labels.max() + 1)
    outlines = outlines_of(labels, paints, "spline")
    svg = write_svg(outlines, layers_of(outlines.planar_map, paints, "cutout"), paints, precision, "", "")
    for path in paths_of(svg):
        data = path.get("d", "")
        for number in filter(lambda token: not token.isalpha(), tokens(data)):
            assert re.fullmatch(r"-?(0|[1-9]\d*|[1-9]\d*\.\d*[1-9]|\.\d*[1-9])", number), number
            assert len(number.partition(".")[2]) <= precision
            assert number != "-0"
        assert not re.search(r" [-A-Za-z]|[A-Za-z] | $|\.\d* {2,}|,|\.\d+ \.", data)
        # a command goes on without its letter
        assert not re.search(r"([lhvcLHVC])[^A-Za-z]*\1|M[^A-Za-z]*L|m[^A-Za-z]*l", data)


def written(ring: list[tuple], relative: bool) -> str:
    """A ring in path data with commands of one form alone, as short as that allows."""
    data = command = ""
    for number, (start, *points) in enumerate([((0, 0), ring[0][0]), *ring]):
        kind = "m" if number == 0 else "l" if len(points) == 1 else "c"
        if kind == "l":
            if number == len(ring) and points[0] == ring[0][0]:
                break
            kind = "h" if points[0][1] == start[1] else "v" if points[0][0] == start[0] else "l"
        taken = {"h": [0], "v": [1]}.get(kind, [0, 1])
        if kind != command:
            data += kind if relative or kind == "m" else kind.upper()
        command = "l" if kind == "m" else kind
        for point in points:
            for axis in taken:
                text = f"{float(point[axis] - (start[axis] if relative else 0)):.6f}".rstrip("0").rstrip(".")
                text = re.sub(r"^(-?)0\.", r"\1.", text)
                apart = data[-1].isdigit() and text[0] != "-" and not (text[0] == "." and re.search(r"\.\d*$", data))
                data += " " * apart + text
    return data + "z"


@pytest.mark.parametrize("precision", range(4))
@pytest.mark.parametrize("mode", ["spline", "polygon", "pixel"])
def test_path_data_is_no_longer_than_it_would_be_with_relative_or_absolute_commands_alone(
    mode: str, precision: int
) -> None:
    labels = blobs(60)
    paints = distinct_paints(labels.max() + 1)
    outlines = outlines_of(labels, paints, mode)
    svg = write_svg(outlines, layers_of(outlines.planar_map, paints, "cutout"), paints, precision, "", "")
    shorter = 0
    for path in paths_of(svg):
        data = path.get("d", "")
        rings = subpaths(data)
        for relative in (True, False):
            alone = "".join(written(ring, relative) for ring in rings)
            assert len(data) <= len(alone), (data, alone)
            shorter += len(data) < len(alone)
    assert shorter


def test_a_shared_arc_is_written_to_the_same_places_by_both_faces() -> None:
    labels = blobs()
    paints = distinct_paints(labels.max() + 1)
    svg = svg_of(labels, paints, "cutout", "spline")
    points = [
        {point for ring in subpaths(path.get("d", "")) for segment in ring for point in segment}
        for path in paths_of(svg)
    ]
    inner = [p for own in points for p in own if 0 < p[0] < labels.shape[1] and 0 < p[1] < labels.shape[0]]
    assert len(inner) > 20
    alone = [p for p in set(inner) if inner.count(p) == 1]
    assert not alone


@pytest.mark.parametrize("name", ZOO)
def test_the_document_is_valid_and_has_the_images_size(name: str) -> None:
    labels = ZOO[name]
    height, width = labels.shape
    svg = svg_of(labels, distinct_paints(labels.max() + 1))
    root = lxml.etree.fromstring(svg.encode())
    assert root.tag == f"{SVG}svg"
    assert root.get("viewBox") == f"0 0 {width} {height}"
    assert (root.get("width"), root.get("height")) == (str(width), str(height))
    assert root.get("version") == "1.1"
    assert svg.startswith('<?xml version="1.0" encoding="utf-8"?>')


def test_nothing_is_drawn_but_paths_and_nothing_forbidden_is_there() -> None:
    labels = blobs()
    root = ElementTree.fromstring(svg_of(labels, gradient_paints(labels.max() + 1)).encode())
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert names <= {"svg", "title", "desc", "metadata", "description", "defs", "linearGradient", "stop", "g", "path"}
    assert not names & FORBIDDEN_ELEMENTS


@pytest.mark.parametrize("title", ['a<b>&"c', "plain", "", "Größe ☃ 画", "]]>", "a 'quote'"])
def test_any_title_comes_back_as_it_was(title: str) -> None:
    labels = ZOO["two columns"]
    paints = distinct_paints(labels.max() + 1)
    outlines = outlines_of(labels, paints)
    layers = layers_of(outlines.planar_map, paints, "stacked")
    root = ElementTree.fromstring(write_svg(outlines, layers, paints, 0, title, f"about {title}").encode())
    assert (root.findtext(f"{SVG}title") or "") == title
    assert root.findtext(f"{SVG}metadata/{{http://purl.org/dc/elements/1.1/}}description") == f"about {title}"


@pytest.mark.parametrize(
    ("colour", "text"),
    [
        ((255, 255, 255), "#fff"),
        ((0, 0, 0), "#000"),
        ((17, 34, 51), "#123"),
        ((17, 34, 50), "#112232"),
        ((0, 1, 0), "#000100"),
    ],
)
def test_colours_are_as_short_as_they_can_be(colour: tuple[int, int, int], text: str) -> None:
    assert hex_colour(np.array(colour, np.uint8)) == text


def gradient_paints(faces: int) -> Paints:
    paints = distinct_paints(faces)
    colours = ((255, 0, 0, 255), (0, 0, 254, 255))
    gradients = {
        face: Gradient("linear", (1.25, 2.0), (20.0, face), (0.0, 1.0), colours) for face in range(0, faces, 2)
    }
    return replace(paints, gradients=gradients)


def test_a_gradient_is_defined_once_and_drawn_from_stop_to_stop() -> None:
    labels = np.zeros((1, 100), np.int32)
    paints = flat_paints(np.zeros((1, 3)))
    ramp = Gradient("linear", (20.0, 0.5), (80.0, 0.5), (0.0, 1.0), ((255, 0, 0, 255), (0, 0, 255, 255)))
    paints = replace(paints, gradients={0: ramp})
    svg = svg_of(labels, paints)
    root = ElementTree.fromstring(svg.encode())
    (gradient,) = root.iter(f"{SVG}linearGradient")
    assert gradient.get("gradientUnits") == "userSpaceOnUse"
    assert [float(gradient.get(name, "nan")) for name in ("x1", "x2")] == [20, 80]
    (path,) = paths_of(svg)
    assert path.get("fill") == f"url(#{gradient.get('id')})"
    row = render(svg, 100, 1)[0].astype(int)
    t = np.clip((np.arange(100) + 0.5 - 20) / 60, 0, 1)
    assert np.abs(row[:, 0] - 255 * (1 - t)).max() <= 3
    assert np.abs(row[:, 2] - 255 * t).max() <= 3


RINGS = Gradient(
    "radial", (50.0, 20.0), (50.0, 60.0), (0.1, 0.4, 1.0), ((9, 8, 200, 255), (250, 9, 9, 255), (9, 240, 9, 255))
)
FADING = Gradient(
    "linear", (10.0, 0.0), (90.0, 0.0), (0.0, 0.5, 1.0), ((200, 30, 0, 255), (200, 30, 0, 40), (0, 30, 200, 0))
)


@pytest.mark.parametrize("gradient", [RINGS, FADING])
def test_a_gradient_looks_as_its_stops_say(gradient: Gradient) -> None:
    opacity = np.array([0.99 if gradient.fades else 1.0])
    paints = replace(flat_paints(np.zeros((1, 3)), opacity), gradients={0: gradient})
    drawn = render(svg_of(np.zeros((40, 100), np.int32), paints), 100, 40).astype(float)
    y, x = np.mgrid[:40, :100] + 0.5
    expected = gradient.at(np.stack([x.ravel(), y.ravel()], 1)).reshape(40, 100, 4)
    assert np.abs(drawn[..., 3] - expected[..., 3]).max() <= 1.5
    off = np.abs(drawn[..., :3] - expected[..., :3]) * expected[..., 3:] / 255
    assert off.max() <= 2.5  # resvg keeps premultiplied colours in bytes


def test_faces_of_one_gradient_share_its_definition() -> None:
    paints = replace(flat_paints(np.zeros((2, 3))), gradients={0: RINGS, 1: RINGS})
    labels = np.repeat([[0, 1]], 20, 0).repeat(20, 1).astype(np.int32)
    assert svg_of(labels, paints).count("<radialGradient") == 1


def test_every_gradient_used_is_defined_and_every_one_defined_is_used() -> None:
    labels = blobs()
    svg = svg_of(labels, gradient_paints(labels.max() + 1))
    defined = re.findall(r'id="(\w+)"', svg)
    assert len(defined) == len(set(defined)) > 1
    assert set(re.findall(r"url\(#(\w+)\)", svg)) == set(defined)


def test_translucent_faces_have_a_fill_opacity_and_opaque_ones_none() -> None:
    labels = ZOO["two columns"]
    faces = labels.max() + 1
    opacity = np.where(np.arange(faces) % 2, 0.35, 1.0)
    written = [
        path.get("fill-opacity") for path in paths_of(svg_of(labels, flat_paints(np.zeros((faces, 3)), opacity)))
    ]
    assert set(written) == {None, "0.35"}


@pytest.mark.parametrize("factor", [1, 2, 3, 8, 16])
def test_enlarged_pixel_art_is_drawn_on_the_grid_it_was_made_on(factor: int) -> None:
    labels = blobs()
    enlarged = labels.repeat(factor, 0).repeat(factor, 1)
    paints = distinct_paints(labels.max() + 1)
    outlines = outlines_of(enlarged, paints)
    assert common_grid(outlines, paints) == factor
    layers = layers_of(outlines.planar_map, paints, "stacked")
    svg = write_svg(outlines, layers, paints, 0, "title", "description", grid=factor)
    small = svg_of(labels, paints)
    assert [path.get("d") for path in paths_of(svg)] == [path.get("d") for path in paths_of(small)]
    side = len(enlarged)
    drawn = render(svg, side, side)
    assert np.array_equal(drawn, render(small, 24, 24).repeat(factor, 0).repeat(factor, 1))
    read = read_shapes(svg)
    assert max(point[0] for shape in read.shapes for ring in shape.subpaths for (point,) in ring.segments) == side


def test_neighbours_in_the_painting_order_with_one_paint_share_a_path() -> None:
    labels = ZOO["a checkerboard"]
    svg = svg_of(labels, flat_paints(np.full((labels.max() + 1, 3), 7)))
    assert len(paths_of(svg)) == 1
    assert count(svg).shapes == labels.max() + 1


PROGRAM = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests", sys.argv[1] + "/tests/drawing"]
from test_svg import blobs, gradient_paints
from label_drawings import svg_of
labels = blobs()
sys.stdout.buffer.write(svg_of(labels, gradient_paints(labels.max() + 1), "stacked", "spline").encode())
"""


def test_the_same_drawing_is_the_same_bytes_in_another_process() -> None:
    labels = blobs()
    here = svg_of(labels, gradient_paints(labels.max() + 1), "stacked", "spline").encode()
    assert here == svg_of(labels, gradient_paints(labels.max() + 1), "stacked", "spline").encode()
    for seed in ("1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(REPOSITORY)], capture_output=True, env=environment, check=True
        )
        assert done.stdout == here
