"""What shares a path or a group, and that it cannot be seen."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_drawings import flat_paints, layers_of, outlines_of
from label_maps import ZOO, connected, connected_label_maps
from pictures import PICTURES, vectorizer

from dhvt_vectorize.drawing.arrangement import DEEPEST, Group, Path, arrange, paths_in, shape_boxes
from dhvt_vectorize.drawing.export.shapes import read_shapes
from dhvt_vectorize.drawing.layering import Layers
from dhvt_vectorize.drawing.preview import render
from dhvt_vectorize.drawing.svg import write_svg
from dhvt_vectorize.options import GROUPS, VectorizeOptions
from dhvt_vectorize.tracing.outlines import Outlines

SVG = "{http://www.w3.org/2000/svg}"
SMALL = st.sampled_from([4, 8, 200])


def parts(labels: np.ndarray, colours: int, seed: int, layering: str = "stacked", mode: str = "spline"):
    """Outlines, layers and paints of `colours` different colours, some neighbours alike."""
    random = np.random.default_rng(seed)
    table = random.integers(0, 256, (colours, 3))
    paints = flat_paints(table[random.integers(0, colours, labels.max() + 1)])
    outlines = outlines_of(labels, paints, mode)
    return outlines, layers_of(outlines.planar_map, paints, layering), paints


def keys(layers: Layers, paints) -> list[tuple[int, ...]]:
    return [tuple(paints.colours[face].tolist()) for face in layers.face]


def svg_in(group: str, outlines: Outlines, layers: Layers, paints, precision: int = 2) -> str:
    return write_svg(outlines, layers, paints, precision, "", "", group)


@given(
    connected_label_maps(), SMALL, st.integers(0, 99), st.sampled_from(GROUPS), st.sampled_from(["stacked", "cutout"])
)
def test_every_shape_is_drawn_once_in_an_order_that_shows_the_same(labels, colours, seed, group, layering) -> None:
    outlines, layers, paints = parts(labels, colours, seed, layering)
    paint = keys(layers, paints)
    order = [shape for path in paths_in(arrange(layers, outlines, paint, group)) for shape in path.shapes]
    assert sorted(order) == list(range(len(layers.face)))
    place = np.argsort(order)
    boxes = shape_boxes(layers, outlines)
    for one in range(len(order)):
        for other in range(one):
            if place[one] < place[other]:
                assert (boxes[one, 2:] <= boxes[other, :2]).any() or (boxes[other, 2:] <= boxes[one, :2]).any()


@given(connected_label_maps(), SMALL, st.integers(0, 99), st.sampled_from(GROUPS))
def test_a_path_has_one_paint(labels, colours, seed, group) -> None:
    outlines, layers, paints = parts(labels, colours, seed)
    paint = keys(layers, paints)
    for path in paths_in(arrange(layers, outlines, paint, group)):
        assert len({paint[shape] for shape in path.shapes}) == 1


@given(connected_label_maps(), st.integers(0, 99), st.sampled_from(["stacked", "cutout"]))
def test_groups_change_nothing_that_is_seen(labels, seed, layering) -> None:
    outlines, layers, paints = parts(labels, 200, seed, layering)
    assert len({tuple(colour) for colour in paints.colours.tolist()}) in range(labels.max() + 2)
    height, width = labels.shape
    drawn = {
        group: render(svg_in(group, outlines, layers, paints), 3 * width, 3 * height)
        for group in ("none", "tree", "color")
    }
    if len({*keys(layers, paints)}) == len(layers.face):
        assert np.array_equal(drawn["tree"], drawn["none"])
    assert np.abs(drawn["color"].astype(int) - drawn["none"]).max() <= 1


@pytest.mark.parametrize("name", PICTURES)
def test_a_grouped_picture_looks_the_same(name: str) -> None:
    draw_picture, options = PICTURES[name]
    drawings = {
        group: vectorizer().vectorize(draw_picture(), VectorizeOptions(**{**options_of(options), "group": group}))
        for group in GROUPS
    }
    for drawing in drawings.values():
        assert np.array_equal(drawing.preview(2), drawings["none"].preview(2))
        assert drawing.stats["shapes"] == drawings["none"].stats["shapes"]
    assert len(drawings["none"].to_svg()) <= min(len(drawing.to_svg()) for drawing in drawings.values())


def options_of(options: VectorizeOptions) -> dict[str, object]:
    return {name: getattr(options, name) for name in VectorizeOptions.names()}


def two_eyes() -> np.ndarray:
    """A face with two eyes and a pupil in each, and beside it a leaf."""
    labels = np.zeros((40, 60), int)
    y, x = np.mgrid[:40, :60] + 0.5
    labels[np.hypot(x - 20, y - 20) < 16] = 1
    for number, cx in enumerate((13, 27)):
        labels[np.hypot(x - cx, y - 17) < 5] = 2 + 2 * number
        labels[np.hypot(x - cx, y - 17) < 2] = 3 + 2 * number
    labels[np.hypot(x - 50, y - 20) < 6] = 6
    return connected(labels)


def drawing_of_two_eyes(group: str) -> str:
    labels = two_eyes()
    place = {(0, 0): (255, 255, 255), (7, 20): (250, 200, 150), (13, 13): (90, 140, 220), (13, 17): (10, 10, 10)}
    colours = np.zeros((7, 3), int)
    colours[labels[20, 50]] = (30, 150, 40)
    for (x, y), colour in {**place, (27, 13): place[13, 13], (27, 17): place[13, 17]}.items():
        colours[labels[y, x]] = colour
    paints = flat_paints(colours)
    outlines = outlines_of(labels, paints, "spline")
    return svg_in(group, outlines, layers_of(outlines.planar_map, paints, "stacked"), paints)


def test_shapes_of_one_paint_share_a_path_where_nothing_between_them_is_below() -> None:
    root = ElementTree.fromstring(drawing_of_two_eyes("none"))
    fills = [path.get("fill") for path in root.iter(f"{SVG}path")]
    assert len(fills) == len(set(fills)) == 5


def test_groups_by_colour_hold_the_paint_of_their_paths() -> None:
    root = ElementTree.fromstring(drawing_of_two_eyes("color"))
    groups = list(root.iter(f"{SVG}g"))
    assert [group.get("fill") for group in groups] == ["#5a8cdc", "#0a0a0a"]
    for group in groups:
        assert [path.get("fill") for path in group] == [None, None]


def test_groups_by_the_tree_hold_a_ground_and_its_parts() -> None:
    root = ElementTree.fromstring(drawing_of_two_eyes("tree"))

    def tree_of(element: ElementTree.Element) -> list:
        return [tree_of(child) if child.tag == f"{SVG}g" else child.get("fill") for child in element]

    drawn = [child for child in root if child.tag in (f"{SVG}g", f"{SVG}path")]
    tree = [tree_of(child) if child.tag == f"{SVG}g" else child.get("fill") for child in drawn]
    eye = ["#5a8cdc", "#0a0a0a"]
    assert tree[0] == "#fff"
    assert ["#fac896", eye, eye] in tree
    assert "#1e9628" in tree


def test_details_are_those_of_the_ground_they_lie_on() -> None:
    labels = two_eyes()
    paints = flat_paints(np.arange(21).reshape(7, 3) * 12)
    layers = layers_of(outlines_of(labels, paints).planar_map, paints, "stacked")
    face = labels[20, 6]
    assert layers.details[layers.face.tolist().index(labels[0, 0])] == 6
    assert layers.details[layers.face.tolist().index(face)] == 4
    assert layers.details[layers.face.tolist().index(labels[20, 50])] == 0


@pytest.mark.parametrize("name", ZOO)
def test_both_layerings_have_one_order_and_one_tree(name: str) -> None:
    labels = ZOO[name]
    paints = flat_paints(np.random.default_rng(1).integers(0, 256, (labels.max() + 1, 3)))
    planar_map = outlines_of(labels, paints).planar_map
    stacked, cutout = (layers_of(planar_map, paints, layering) for layering in ("stacked", "cutout"))
    assert np.array_equal(stacked.face, cutout.face)
    assert np.array_equal(stacked.details, cutout.details)


def test_a_tree_deeper_than_parsers_like_is_cut_and_loses_nothing() -> None:
    rings = 90
    y, x = np.mgrid[: 2 * rings + 1, : 2 * rings + 1]
    labels = (rings - np.maximum(abs(y - rings), abs(x - rings))).astype(np.int32)
    paints = flat_paints(np.random.default_rng(3).integers(0, 256, (labels.max() + 1, 3)))
    outlines = outlines_of(labels, paints)
    layers = layers_of(outlines.planar_map, paints, "stacked")
    items = arrange(layers, outlines, keys(layers, paints), "tree")

    def depth(items) -> int:
        return max((1 + depth(item.children) if isinstance(item, Group) else 0 for item in items), default=0)

    assert depth(items) < DEEPEST
    assert [path for path in paths_in(items)] == [Path((shape,)) for shape in range(len(layers.face))]
    nested, plain = (svg_in(group, outlines, layers, paints, 0) for group in ("tree", "none"))
    assert read_shapes(nested).shapes == read_shapes(plain).shapes
