from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dhvt_vectorize import VectorizeOptions, Vectorizer
from dhvt_vectorize.drawing.figures import psnr
from dhvt_vectorize.drawing.preview import render

EXAMPLES = Path(__file__).parents[1] / "examples"
IMAGES = sorted(path for path in EXAMPLES.iterdir() if path.suffix in (".png", ".jpg"))
# the last digit of a float, and with it a region of a photograph, may differ between processors
SAME_DB = 40.0


@pytest.fixture(scope="module")
def vectorizer():
    return Vectorizer()


def likeness(svg, other, image):
    """PSNR in dB between two SVGs of the same image, over white."""
    with Image.open(image) as opened:
        width, height = opened.size
    first, second = (render(text, width, height, (255, 255, 255)) for text in (svg, other))
    return float(psnr(np.asarray(first), np.asarray(second)))


def test_every_example_has_its_svg_and_its_licence():
    licences = (EXAMPLES / "README.md").read_text("utf-8")
    assert [image.suffix for image in IMAGES].count(".jpg") == 1
    assert len(IMAGES) == 4
    for image in IMAGES:
        assert image.with_suffix(".svg").is_file()
        assert f"| `{image.name}` |" in licences


@pytest.mark.slow
@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_the_svg_beside_an_example_is_what_the_tool_makes_of_it(image, vectorizer):
    kept = image.with_suffix(".svg").read_text("utf-8")
    made = vectorizer.vectorize(image).to_svg()
    assert kept == made or likeness(kept, made, image) > SAME_DB, "make it again as examples/README.md tells"


def test_pixel_art_is_known_as_such_and_drawn_pixel_for_pixel(vectorizer):
    drawing = vectorizer.vectorize(EXAMPLES / "pixel-art.png")
    assert drawing.stats["preset"] == "pixel-art"
    assert drawing.stats["psnr"] > 60


@pytest.mark.slow
def test_a_slightly_different_drawing_is_told_from_the_example(vectorizer):
    image = EXAMPLES / "photo.jpg"
    coarser = vectorizer.vectorize(image, VectorizeOptions(detail=0.65)).to_svg()
    assert likeness(image.with_suffix(".svg").read_text("utf-8"), coarser, image) < SAME_DB
