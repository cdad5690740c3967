"""Cut-out shapes that reach below their neighbours: no hairlines, and nothing where nothing may be."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_drawings import flat_paints, layers_of, outlines_of
from label_maps import connected, connected_label_maps
from path_data import subpaths
from pictures import sky, target, vectorizer

from dhvt_vectorize.drawing.preview import render
from dhvt_vectorize.drawing.svg import write_svg
from dhvt_vectorize.drawing.trapping import _after, _bezier, _shortened, traps
from dhvt_vectorize.options import VectorizeOptions

SVG = "{http://www.w3.org/2000/svg}"
WIDTHS = (0.1, 0.5, 1.0)
NOTHING = 0.01  # levels on average: a renderer rounds


def discs() -> np.ndarray:
    y, x = np.mgrid[:40, :60] + 0.5
    labels = np.zeros((40, 60), int)
    labels[np.hypot(x - 18, y - 20) < 14] = 1
    labels[np.hypot(x - 24, y - 18) < 6] = 2
    labels[x > 40 + 5 * np.sin(y / 6)] = 3
    return connected(labels)


def drawn(labels: np.ndarray, paints, trap: float | None, mode: str = "spline", precision: int = 2) -> str:
    outlines = outlines_of(labels, paints, mode)
    layers = layers_of(outlines.planar_map, paints, "cutout")
    return write_svg(outlines, layers, paints, precision, "", "", "none", trap)


def hairlines(svg: str, scale: float = 1.37) -> float:
    """How much of the page shows, on average, 0…255."""
    root = ElementTree.fromstring(svg)
    size = [round(float(root.get(name, 0)) * scale) for name in ("width", "height")]
    return float((255 - render(svg, *size)[..., 3].astype(float)).mean())


def colours(labels: np.ndarray, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (labels.max() + 1, 3))


@pytest.mark.parametrize("mode", ["spline", "polygon", "pixel"])
def test_the_page_shows_through_hairlines_that_traps_close(mode: str) -> None:
    labels = discs()
    paints = flat_paints(colours(labels))
    shown = [hairlines(drawn(labels, paints, trap, mode)) for trap in (None, 0.25, 0.5, 1.0)]
    assert shown[0] > 0.5
    assert shown[0] > shown[1] > shown[2]
    assert shown[3] < NOTHING


@given(connected_label_maps(), st.integers(0, 99), st.sampled_from(["spline", "polygon", "pixel"]))
def test_nothing_shows_through_any_map_of_opaque_faces(labels: np.ndarray, seed: int, mode: str) -> None:
    assert hairlines(drawn(labels, flat_paints(colours(labels, seed)), 1.0, mode), 3) < NOTHING


@pytest.mark.parametrize("trap", WIDTHS)
def test_a_shape_reaches_below_those_painted_after_it_and_over_none(trap: float) -> None:
    """Pixels that lie whole in one face keep its colour."""
    labels = discs()
    paints = flat_paints(colours(labels))
    plain, trapped = (render(drawn(labels, paints, width), 60, 40) for width in (None, trap))
    whole = (plain[..., 3] == 255) & (plain[..., :3] == paints.colours[labels]).all(2)
    assert whole.mean() > 0.8
    assert np.array_equal(plain[whole], trapped[whole])


@given(connected_label_maps(), st.integers(0, 99), st.sampled_from(WIDTHS))
def test_opaque_pixels_stay_as_they_are_whatever_lies_around(labels: np.ndarray, seed: int, trap: float) -> None:
    random = np.random.default_rng(seed)
    paints = flat_paints(colours(labels, seed), random.choice([0.0, 0.5, 1.0, 1.0, 1.0], labels.max() + 1))
    height, width = labels.shape
    plain, trapped = (render(drawn(labels, paints, w, "pixel", 0), 3 * width, 3 * height) for w in (None, trap))
    opaque = plain[..., 3] == 255
    assert np.array_equal(plain[opaque], trapped[opaque])


def test_an_edge_has_the_colours_it_should_have_and_not_the_pages() -> None:
    labels = np.repeat(np.int32([[0] * 5 + [1] * 5]), 10, axis=0)
    paints = flat_paints(np.array([[255, 0, 0], [0, 0, 255]]))
    # at 1.5 times the size the edge runs through the middle of a pixel
    plain, trapped = (render(drawn(labels, paints, trap, "pixel"), 15, 15)[7, 7] for trap in (None, 0.5))
    assert plain[3] < 255
    assert trapped[3] == 255
    assert abs(int(trapped[0]) - 128) <= 2
    assert trapped[1] == 0


def test_strokes_come_before_all_shapes_in_one_group_and_one_path_a_paint() -> None:
    labels = discs()
    root = ElementTree.fromstring(drawn(labels, flat_paints(colours(labels)), 0.5))
    first = next(child for child in root if child.tag in (f"{SVG}g", f"{SVG}path"))
    assert (first.get("fill"), first.get("stroke-width"), first.get("stroke-linecap")) == ("none", "1", "round")
    strokes = [path.get("stroke") for path in first]
    assert len(strokes) == len(set(strokes)) >= 2
    for path in first:
        assert subpaths(path.get("d", ""), closed=False)
    assert all(path.get("stroke") is None for path in root.iter(f"{SVG}path") if path not in list(first))


def test_nothing_is_written_where_there_is_nothing_to_trap() -> None:
    labels = np.zeros((4, 5), np.int32)
    paints = flat_paints(colours(labels))
    assert drawn(labels, paints, 0.5) == drawn(labels, paints, None)


@pytest.mark.parametrize("opacity", [0.0, 0.5])
def test_what_is_not_opaque_gets_no_trap_and_none_shows_in_it(opacity: float) -> None:
    labels = discs()
    opacities = np.ones(labels.max() + 1)
    opacities[labels[0, 0]] = opacity
    paints = flat_paints(colours(labels), opacities)
    plain, trapped = (render(drawn(labels, paints, trap), 180, 120) for trap in (None, 1.0))
    inside = np.kron(labels == labels[0, 0], np.ones((3, 3), bool)) & (plain[..., 3] == round(255 * opacity))
    assert inside.mean() > 0.3
    assert np.array_equal(plain[inside], trapped[inside])


def test_strokes_end_before_a_face_that_is_not_opaque() -> None:
    labels = np.repeat(np.int32([[0, 0, 0, 1, 1, 1]]), 12, axis=0)
    labels[6:] = 2
    outlines = outlines_of(labels, flat_paints(np.zeros((3, 3))))
    paints = flat_paints(np.zeros((3, 3)), np.array([1, 1, 0]))
    layers = layers_of(outlines.planar_map, paints, "cutout")
    (trap,) = [traps(outlines, layers, paints.opacity, 0.5)]
    assert trap.control_points[:, :, 1].min() == 0
    assert trap.control_points[:, :, 1].max() == 5
    assert len(trap.face) == 1


def test_a_chain_that_is_shortened_loses_its_first_pixels_and_nothing_else() -> None:
    cubic = np.array([[0, 0], [0, 4], [3, 6], [8, 6]], float)
    line = np.array([[8, 6], [8, 6], [8, 10], [8, 10]], float)
    points, lines = np.stack([cubic, line]), np.array([False, True])
    t = np.linspace(0, 1, 2001)[:, None]
    length = np.hypot(*np.diff(_bezier(t, cubic), axis=0).T).sum()
    for cut in (0.5, 3.0, length - 0.1):
        rest, kept = _shortened(points, lines, cut)
        assert kept.tolist() == [False, True]
        assert np.hypot(*np.diff(_bezier(t, rest[0]), axis=0).T).sum() == pytest.approx(length - cut, abs=0.05)
        assert np.array_equal(rest[1], line)
    rest, kept = _shortened(points, lines, length + 1)
    assert kept.tolist() == [True]
    assert rest[0][[0, 3]] == pytest.approx(np.array([[8, 7], [8, 10]]), abs=0.05)
    assert len(_shortened(points, lines, length + 5)[0]) == 0


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_rest_of_a_cubic_is_the_same_curve(at: float, t: float) -> None:
    cubic = np.array([[0, 0], [1, 5], [7, -3], [8, 6]], float)
    there = _bezier(np.array([[at + t * (1 - at)]]), cubic)
    assert _bezier(np.array([[t]]), _after(at, cubic)) == pytest.approx(there, abs=1e-9)


@pytest.mark.parametrize("picture", [target, sky])
def test_a_picture_with_traps_is_as_near_to_its_image_as_a_stacked_one(picture) -> None:
    image = picture()
    options = {"preset": "illustration", "layering": "cutout"}
    cutout = vectorizer().vectorize(image, VectorizeOptions(**options))
    trapped = vectorizer().vectorize(image, VectorizeOptions(**options, trap=0.5))
    stacked = vectorizer().vectorize(image, VectorizeOptions(preset="illustration"))
    assert trapped.stats["psnr"] > cutout.stats["psnr"]
    # stacked shapes need not end at each other's borders
    assert trapped.stats["psnr"] > stacked.stats["psnr"] - 2.0
    assert re.search(r'<g [^>]*stroke-width="1"', trapped.to_svg())
