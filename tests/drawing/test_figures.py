from __future__ import annotations

import math

import numpy as np
import pytest

from dhvt_vectorize.drawing.figures import FORBIDDEN_ELEMENTS, Count, ForbiddenElementError, count, psnr

HEAD = '<svg xmlns="http://www.w3.org/2000/svg">'


def test_a_path_of_two_islands_is_two_shapes() -> None:
    assert count(f'{HEAD}<path d="M0 0h1v1zM5 5l1 1 1-1 0 5z"/></svg>') == Count(shapes=2, segments=5)


def test_a_definition_counts_where_it_is_used() -> None:
    svg = f'{HEAD}<defs><circle id="c" r="1"/></defs><use href="#c"/><use href="#c"/></svg>'
    assert count(svg) == Count(shapes=2, segments=8)


def test_groups_nested_deeper_than_python_calls_are_counted() -> None:
    depth = 5000
    assert count(HEAD + "<g>" * depth + "<rect/>" + "</g>" * depth + "</svg>") == Count(1, 4)


@pytest.mark.parametrize("name", sorted(FORBIDDEN_ELEMENTS))
def test_a_forbidden_element_is_named(name: str) -> None:
    with pytest.raises(ForbiddenElementError, match=f"<{name}> in the drawing"):
        count(f"{HEAD}<g><{name}/></g></svg>")


def test_an_unknown_path_command_is_named() -> None:
    with pytest.raises(ValueError, match="unknown path command 'k'"):
        count(f'{HEAD}<path d="M0 0k1"/></svg>')


def test_broken_xml_is_a_syntax_error() -> None:
    with pytest.raises(SyntaxError):
        count(f"{HEAD}<path></svg>")


def test_psnr_of_an_error_of_one_level_is_that_of_its_formula() -> None:
    image = np.full((4, 5, 3), 100, np.uint8)
    assert psnr(image + np.uint8(1), image) == pytest.approx(20 * math.log10(255))


def test_psnr_does_not_wrap_around_below_zero() -> None:
    dark, light = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    assert psnr(dark, light) == psnr(light, dark) == pytest.approx(0)


def test_psnr_of_equal_images_is_finite() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    assert psnr(image, image) == pytest.approx(108.13, abs=0.01)


def test_psnr_refuses_images_of_different_sizes() -> None:
    with pytest.raises(ValueError, match=r"\(2, 2, 3\) and \(1, 2, 3\)"):
        psnr(np.zeros((2, 2, 3), np.uint8), np.zeros((1, 2, 3), np.uint8))
