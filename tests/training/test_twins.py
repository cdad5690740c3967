import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from drawings import ALONG_THE_SHAPE, GRADIENT, IN_USER_SPACE, RED_ON_BLUE, regions, svg, zones

from dhvt_vectorize.drawing.preview import render as render_file
from dhvt_vectorize.errors import InputError
from dhvt_vectorize.training.owners import render, whole_view
from dhvt_vectorize.training.twins import read_artwork

HALVES = '<rect width="10" height="20" {}/><rect x="10" width="10" height="20" {}/>'


def count(body: str) -> int:
    return int(regions(body).max()) + 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('<filter id="f"/>', "a filter"),
        ('<mask id="m"/>', "a mask"),
        ('<g><image href="a.png"/></g>', "an embedded image"),
        ("<text>words</text>", "text"),
    ],
)
def test_what_a_flat_twin_cannot_show_is_refused_by_reason(body, reason):
    with pytest.raises(InputError, match=f"odd.svg: contains {reason};"):
        read_artwork(svg(body), "odd.svg")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("<svg", "is not well-formed XML"),
        (b"\xff\xfe\x00", "is not well-formed XML"),
        ("", "is not well-formed XML"),
        ("<html/>", "is not an SVG file"),
        ('<svg xmlns="http://www.w3.org/2000/svg"/>', "has no size"),
        ('<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="50%"/>', "has no size"),
        ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 0 10"/>', "has no size"),
    ],
)
def test_what_is_no_drawing_is_refused_with_its_name(text, cause):
    with pytest.raises(InputError, match=f"odd.svg: {cause}"):
        read_artwork(text, "odd.svg")


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="30" height="40"', (30, 40)),
        ('width="1in" height="72pt"', (96, 96)),
        ('width="25.4mm" height="2.54cm" viewBox="0 0 5 5"', (96, 96)),
        ('width="30px" viewBox="0 0 10 20"', (30, 60)),
        ('height="30" viewBox="0 0 10 20"', (15, 30)),
        ('width="100%" height="100%" viewBox="0,0,7,8"', (7, 8)),
    ],
)
def test_the_size_follows_from_lengths_and_view_box(attributes, size):
    artwork = read_artwork(f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}/>', "a.svg")
    assert (artwork.width, artwork.height) == pytest.approx(size)


@pytest.mark.parametrize(
    "attributes",
    ['width="60" height="40"', 'width="60" height="40" preserveAspectRatio="xMinYMin slice"', 'width="60" height="60"'],
)
def test_a_whole_drawing_looks_as_the_file_does(attributes):
    body = RED_ON_BLUE + '<rect x="50%" y="2" width="25%" height="3" fill="#0f0" opacity=".5"/><title>words</title>'
    text = svg(body, attributes=attributes)
    artwork = read_artwork(text, "a.svg")
    ours = render(artwork, whole_view(artwork, 60))
    np.testing.assert_array_equal(ours, render_file(text, *ours.shape[1::-1]))


def test_a_file_that_forgot_the_namespace_is_drawn_all_the_same():
    with_it = read_artwork(svg(RED_ON_BLUE), "a.svg")
    without = read_artwork(f'<svg viewBox="0 0 20 20">{RED_ON_BLUE}</svg>', "a.svg")
    np.testing.assert_array_equal(*(render(artwork, whole_view(artwork, 20)) for artwork in (with_it, without)))


def test_entities_editors_attributes_and_a_declared_encoding_are_understood():
    head = '<?xml version="1.0" encoding="ISO-8859-1"?><!DOCTYPE svg [<!ENTITY red "#ff0000">]>'
    text = f'{head}<svg xmlns="http://www.w3.org/2000/svg" xmlns:e="urn:editor" e:note="\xe9" viewBox="0 0 9 9">'
    artwork = read_artwork(f'{text}<rect e:x="1" width="9" height="9" fill="&red;"/></svg>'.encode("latin-1"), "a.svg")
    assert (render(artwork, whole_view(artwork, 9)) == (255, 0, 0, 255)).all()
    assert "editor" not in artwork.drawing


@pytest.mark.parametrize(
    "paint",
    [
        'fill="url(#g)"',
        "fill=\"url( '#g' ) red\"",
        'style="stroke:none; fill: url(#g)"',
        'style="fill:url(&quot;#g&quot;);fill-opacity:1"',
        'class="shaded"',
    ],
)
def test_a_gradient_is_one_zone_however_it_is_named(paint):
    rules = "<style>.other{fill:red} .shaded{opacity:1;fill:url(#g)}</style>"
    assert count(f'{rules}{IN_USER_SPACE}<rect width="20" height="20" {paint}/>') == 1


def test_a_gradient_of_a_stroke_is_one_zone_too():
    body = '<path d="M0 10H20" stroke="url(#g)" stroke-width="4"/>'
    assert len(zones(IN_USER_SPACE + body).colours) == 2


def test_shapes_that_share_a_gradient_in_user_space_are_one_region():
    assert count(IN_USER_SPACE + HALVES.format('fill="url(#g)"', 'fill="url(#g)"')) == 1


def test_shapes_that_each_have_the_gradient_to_themselves_are_two_regions():
    assert count(ALONG_THE_SHAPE + HALVES.format('fill="url(#g)"', 'fill="url(#g)"')) == 2


def test_units_and_stops_are_inherited_from_the_gradient_referred_to():
    derived = '<linearGradient id="h" xlink:href="#g" x2="5"/>'
    assert count(IN_USER_SPACE + derived + HALVES.format('fill="url(#h)"', 'fill="url(#h)"')) == 1
    circular = '<linearGradient id="a" href="#b"/><linearGradient id="b" href="#a"/>'
    assert count(circular + HALVES.format('fill="url(#a)"', 'fill="url(#b)"')) == 1


def test_a_gradient_and_the_flat_colours_beside_it_stay_apart():
    body = ALONG_THE_SHAPE + HALVES.format('fill="url(#g)"', 'fill="#9e3779"')
    twin = read_artwork(svg(body), "a.svg").twin
    assert twin.count("#9e3779") == 1
    assert count(body) == 2


def test_below_a_translucent_gradient_regions_stay_apart():
    veil = GRADIENT.format(units="").replace("<stop", '<stop stop-opacity=".5"')
    below = HALVES.format('fill="red"', 'fill="blue"')
    assert count(f'{veil}{below}<rect y="10" width="20" height="10" fill="url(#g)"/>') == 4


@pytest.mark.parametrize("server", ['<stop stop-opacity="0"/>', '<stop style="stop-opacity:0%"/>', ""])
def test_a_gradient_that_shows_nothing_owns_nothing(server):
    body = f'<linearGradient id="g">{server}</linearGradient><rect width="20" height="20" fill="url(#g)"/>'
    assert zones(body).colours.tolist() == [0]


def test_a_pattern_is_one_zone():
    pattern = '<pattern id="g" width=".1" height=".1"><rect width="1" height="1" fill="red"/></pattern>'
    assert count(pattern + '<rect width="20" height="20" fill="url(#g)"/>') == 1


def test_the_twin_leaves_clips_alone():
    body = '<clipPath id="c"><rect width="5" height="20"/></clipPath><rect width="20" height="20" clip-path="url(#c)"/>'
    twin = read_artwork(svg(body), "a.svg").twin
    assert [e.get("clip-path") for e in ElementTree.fromstring(twin).iter() if e.get("clip-path")] == ["url(#c)"]
    assert (regions(body) == np.where(np.arange(20) < 5, 0, 1)[None]).all()
