"""Polishing: nearer to the image, with the same nodes, and nothing that was exact is lost."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dhvt_vectorize import VectorizeOptions, Vectorizer
from dhvt_vectorize.drawing.drawing import Drawing
from dhvt_vectorize.drawing.polish import FARTHEST


@pytest.fixture(scope="module")
def vectorizer() -> Vectorizer:
    return Vectorizer()


def blobs(seed: int = 3) -> np.ndarray:
    """Smooth shapes that touch, anti-aliased: uint8 (96, 96, 3)."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (768, 768), (245, 240, 230))
    pen = ImageDraw.Draw(image)
    for colour in ((200, 60, 50), (40, 90, 180), (240, 190, 60), (30, 120, 90)):
        centre, (two, three) = random.uniform(250, 520, 2), random.uniform(0, 2 * np.pi, 2)
        around = np.linspace(0, 2 * np.pi, 400)
        radius = 180 + 50 * np.cos(2 * around + two) + 25 * np.cos(3 * around + three)
        pen.polygon(
            [tuple(centre + r * np.array([np.cos(a), np.sin(a)])) for a, r in zip(around, radius, strict=True)], colour
        )
    return np.asarray(image.resize((96, 96), Image.Resampling.BOX))


def target() -> np.ndarray:
    """A disc and a rectangle off the grid: uint8 (64, 64, 3)."""
    image = Image.new("RGB", (1024, 1024), (255, 255, 255))
    pen = ImageDraw.Draw(image)
    pen.ellipse((120, 133, 520, 533), (200, 30, 40))
    pen.rectangle((600, 617, 901, 940), (20, 60, 160))
    return np.asarray(image.resize((64, 64), Image.Resampling.BOX))


def drawn(vectorizer: Vectorizer, image: np.ndarray, polish: int, **options) -> Drawing:
    return vectorizer.vectorize(image, VectorizeOptions(polish=polish, preset="illustration", **options))


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_the_drawing_is_nearer_with_the_same_nodes(vectorizer: Vectorizer, seed: int) -> None:
    plain, polished = (drawn(vectorizer, blobs(seed), rounds) for rounds in (0, 6))
    assert polished.stats["psnr"] > plain.stats["psnr"] + 1
    assert polished.stats["shapes"] == plain.stats["shapes"]
    assert len(polished.outlines.control_points) == len(plain.outlines.control_points)


@pytest.mark.parametrize("layering", ["stacked", "cutout"])
def test_more_rounds_are_never_worse(vectorizer: Vectorizer, layering: str) -> None:
    figures = [drawn(vectorizer, blobs(), rounds, layering=layering).stats["psnr"] for rounds in (0, 1, 3, 9)]
    assert figures == sorted(figures)


def test_no_node_goes_far_and_shared_arcs_stay_closed(vectorizer: Vectorizer) -> None:
    plain, polished = (drawn(vectorizer, blobs(), rounds).outlines for rounds in (0, 12))
    moved = np.hypot(*(polished.control_points - plain.control_points)[:, [0, 3]].transpose(2, 0, 1))
    assert 0.02 < moved.max() <= FARTHEST + 1e-9
    for first, last in zip(polished.offsets[:-1], polished.offsets[1:], strict=True):
        arc = polished.control_points[first:last]
        assert np.array_equal(arc[1:, 0], arc[:-1, 3])
    planar_map, ends = polished.planar_map, polished.control_points
    places: dict[int, set[tuple[float, float]]] = {}
    for arc in range(planar_map.arcs):
        start, end = ends[polished.offsets[arc], 0], ends[polished.offsets[arc + 1] - 1, 3]
        places.setdefault(int(planar_map.start[arc]), set()).add(tuple(start))
        places.setdefault(int(planar_map.end[arc]), set()).add(tuple(end))
    places.pop(-1, None)
    assert places
    assert all(len(there) == 1 for there in places.values())


def test_smooth_joins_stay_smooth(vectorizer: Vectorizer) -> None:
    def turns(outlines) -> np.ndarray:
        """Angle between cubics that follow one another in an arc."""
        found = []
        for first, last in zip(outlines.offsets[:-1], outlines.offsets[1:], strict=True):
            for k in range(first, last - 1):
                if not outlines.is_line[k : k + 2].any():
                    a = outlines.control_points[k, 3] - outlines.control_points[k, 2]
                    b = outlines.control_points[k + 1, 1] - outlines.control_points[k + 1, 0]
                    found.append(np.arctan2(a[0] * b[1] - a[1] * b[0], a @ b))
        return np.array(found)

    plain, polished = (turns(drawn(vectorizer, blobs(), rounds).outlines) for rounds in (0, 6))
    smooth = np.abs(plain) < 1e-3
    assert smooth.any()
    assert np.abs(polished[smooth]).max() < 5e-3


def test_primitives_and_the_frame_stay_as_they_are(vectorizer: Vectorizer) -> None:
    plain, polished = (drawn(vectorizer, target(), rounds) for rounds in (0, 6))
    assert len(plain.outlines.primitives) == 2
    assert polished.outlines.primitives == plain.outlines.primitives
    assert np.array_equal(polished.outlines.control_points, plain.outlines.control_points)


def test_a_palette_stays_the_only_one_and_colours_of_thin_faces_come_nearer(vectorizer: Vectorizer) -> None:
    palette = ("#c83c40", "#285ab4", "#f0be3c", "#1e785a", "#f5f0f0")
    given = {tuple(bytes.fromhex(colour[1:])) for colour in palette}
    polished = drawn(vectorizer, blobs(), 4, palette=palette)
    assert {tuple(colour) for colour in polished.paints.colours.tolist()} <= given
    assert polished.stats["psnr"] > drawn(vectorizer, blobs(), 0, palette=palette).stats["psnr"]


def test_exact_colours_stay_exact(vectorizer: Vectorizer) -> None:
    plain, polished = (drawn(vectorizer, blobs(), rounds).paints.colours for rounds in (0, 6))
    assert np.abs(plain.astype(int) - polished).max() <= 1


def test_the_same_image_gives_the_same_bytes(vectorizer: Vectorizer) -> None:
    assert drawn(vectorizer, blobs(), 3).to_svg() == drawn(vectorizer, blobs(), 3).to_svg()
