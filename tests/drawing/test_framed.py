"""What the picture's frame cuts is one element all the same: rounded squares and circles as large as the picture."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
import resvg_py
from PIL import Image

from dhvt_vectorize import VectorizeOptions, Vectorizer

INK, INNER = "#242938", "#1ed760"
ICON = '<rect width="{0}" height="{0}" rx="{1}" fill="#242938"/><circle cx="{2}" cy="{2}" r="{3}" fill="#1ed760"/>'


@pytest.fixture(scope="module")
def vectorizer() -> Vectorizer:
    return Vectorizer(device="cpu")


def rasterized(body: str, size: int, ground: str = "") -> np.ndarray:
    below = f'<rect width="100%" height="100%" fill="{ground}"/>' if ground else ""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}">{below}{body}</svg>'
    return np.asarray(Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGBA"))


def icon(size: int, radius: float) -> str:
    return ICON.format(size, radius, size / 2, 0.3 * size)


def drawn(vectorizer: Vectorizer, pixels: np.ndarray, **options: object) -> str:
    return vectorizer.vectorize(pixels, VectorizeOptions(**options)).to_svg()  # type: ignore[arg-type]


def rectangle(svg: str) -> dict[str, float]:
    """Numbers of the rectangle in the icon's ink."""
    (element,) = re.findall(rf'<rect [^>]*fill="{INK}"[^>]*>', svg)
    return {name: float(value) for name, value in re.findall(r'(\w+)="(-?[\d.]+)"', element)}


@pytest.mark.parametrize("ground", ["", "#fff", "#f2c"])
@pytest.mark.parametrize(("size", "share"), [(64, 0.25), (128, 0.15), (128, 0.3), (256, 0.23), (256, 0.45)])
def test_a_rounded_square_as_large_as_the_picture(vectorizer: Vectorizer, size: int, share: float, ground: str) -> None:
    svg = drawn(vectorizer, rasterized(icon(size, share * size), size, ground))
    found = rectangle(svg)
    assert [found[name] for name in ("x", "y", "width", "height")] == [0, 0, size, size]
    assert found["rx"] == pytest.approx(share * size, abs=0.4)
    assert "transform" not in svg
    assert len(re.findall("<(path|rect|circle)", svg)) == (3 if ground else 2)


def test_a_circle_as_large_as_the_picture_on_nothing(vectorizer: Vectorizer) -> None:
    svg = drawn(vectorizer, rasterized('<circle cx="64" cy="64" r="64" fill="#242938"/>', 128))
    assert re.search(rf'<circle [^>]*fill="{INK}" r="(63.9|64)', svg)


@pytest.mark.parametrize("group", ["none", "tree", "color"])
def test_it_looks_as_the_picture_does(vectorizer: Vectorizer, group: str) -> None:
    pixels = rasterized(icon(128, 30), 128, "#fff")
    svg = drawn(vectorizer, pixels, group=group)
    shown = np.asarray(Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGB"))
    off = np.abs(shown.astype(int) - pixels[..., :3])
    assert off.mean() < 0.2
    assert (off.max(2) > 40).sum() <= 4


@pytest.mark.parametrize(
    "body",
    [
        icon(128, 30) + '<rect x="100" y="100" width="28" height="28" fill="#c33"/>',  # one corner is another's
        icon(128, 30) + '<path d="M0 0L50 0L0 50Z" fill="#c33"/>',  # another shape ends at a corner's border
        '<path d="M30 0H128V98Q128 128 98 128H0V30Q0 0 30 0" fill="#242938"/>',  # two corners are sharp
    ],
)
def test_what_is_not_a_primitive_stays_a_path(vectorizer: Vectorizer, body: str) -> None:
    svg = drawn(vectorizer, rasterized(body, 128, "#fff"))
    assert not re.search(rf'<rect [^>]*fill="{INK}"', svg)


def test_corners_of_several_colours_stay_on_top(vectorizer: Vectorizer) -> None:
    corner = '<rect width="64" height="64" fill="#c33"/>'
    svg = drawn(vectorizer, rasterized(corner + icon(128, 30), 128, "#fff"))
    assert not re.search(rf'<rect [^>]*fill="{INK}"', svg)
