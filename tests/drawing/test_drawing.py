"""What a drawing tells of itself, and what it leaves on the disk."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import shapely
from pictures import badge, heart, photograph, sky, target, vectorizer
from PIL import Image

from dhvt_vectorize.drawing.drawing import Drawing
from dhvt_vectorize.drawing.export import export
from dhvt_vectorize.drawing.figures import count, psnr
from dhvt_vectorize.drawing.preview import over, render
from dhvt_vectorize.errors import OutputError, UsageError
from dhvt_vectorize.formats import FORMATS
from dhvt_vectorize.options import VectorizeOptions

MODES = ["spline", "polygon", "pixel"]
WHITE = (255, 255, 255)


def draw(image: np.ndarray, **options) -> Drawing:
    return vectorizer().vectorize(image, VectorizeOptions(**options))


def on_white(image: np.ndarray) -> np.ndarray:
    return np.asarray(over(Image.fromarray(image), WHITE))


def labels_of(drawing: Drawing) -> np.ndarray:
    return drawing.outlines.planar_map.labels


def test_the_figures_are_those_of_the_svg() -> None:
    image = badge()
    drawing = draw(image, preset="illustration")
    stats = drawing.stats
    svg = drawing.to_svg()
    assert (stats["width"], stats["height"]) == (64, 50) == (drawing.width, drawing.height)
    assert (stats["shapes"], stats["segments"]) == tuple(count(svg))
    assert stats["bytes"] == len(svg.encode())
    assert stats["regions"] == drawing.regions == labels_of(drawing).max() + 1
    assert stats["psnr"] == pytest.approx(psnr(render(svg, 64, 50, WHITE), on_white(image)), abs=1e-3)
    assert stats["preset"] == "illustration"
    assert json.loads(json.dumps(stats)) == stats


def test_the_seconds_of_every_stage_are_told_in_order() -> None:
    stages = ["decode", "features", "merge tree", "partition", "paints", "outlines", "layers", "strokes", "svg"]
    seconds = draw(target()).stats["seconds"]
    assert list(seconds) == stages
    assert all(0 <= value < 60 for value in seconds.values())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("picture", [target, badge, sky, photograph])
def test_faces_cover_the_image_once(picture, mode: str) -> None:
    drawing = draw(picture(), mode=mode, preset="illustration")
    faces = drawing.faces
    assert len(faces) == drawing.regions
    height, width = labels_of(drawing).shape
    signed = sum(face.polygon.area for face in faces)
    assert signed == pytest.approx(height * width, rel=1e-3 if mode == "spline" else 1e-9)
    covered = shapely.unary_union([shapely.make_valid(face.polygon) for face in faces])
    assert covered.area == pytest.approx(height * width, rel=1e-3)


def test_faces_come_in_the_order_of_the_labels_with_their_paint() -> None:
    drawing = draw(heart())
    labels = labels_of(drawing)
    assert drawing.options.preset == "pixel-art"
    for k, face in enumerate(drawing.faces):
        inside = labels == k
        assert face.polygon.area == inside.sum()
        y, x = np.argwhere(inside)[0]
        assert face.polygon.contains(shapely.Point(x + 0.5, y + 0.5))
        red, green, blue, alpha = drawing.raster.pixels[y, x]
        assert face.opacity == alpha / 255
        assert face.gradient is None
        if alpha:
            full = face.color if len(face.color) == 7 else "#" + "".join(2 * c for c in face.color[1:])
            assert full == f"#{red:02x}{green:02x}{blue:02x}"


def test_a_face_with_a_gradient_tells_its_ends() -> None:
    ramp = np.zeros((40, 60, 3), np.uint8)
    ramp[..., 0] = np.linspace(20, 240, 60)
    (face, *_) = draw(ramp, regions=1, preset="illustration").faces
    assert face.gradient is not None
    ends = zip((face.gradient.start, face.gradient.end), face.gradient.colours, strict=True)
    ((x1, y1), first), ((x2, y2), last) = sorted(ends)
    assert x1 < 10
    assert x2 > 50
    assert y1 == pytest.approx(y2, abs=0.5)
    assert first[0] < 80 < 180 < last[0]


@pytest.mark.parametrize(("scale", "size"), [(1.0, (50, 64)), (4.0, (200, 256)), (0.5, (25, 32)), (0.001, (1, 1))])
def test_a_preview_has_the_scaled_size(scale: float, size: tuple[int, int]) -> None:
    pixels = draw(badge()).preview(scale)
    assert pixels.shape == (*size, 4)
    assert pixels.dtype == np.uint8


def test_a_preview_at_full_size_is_near_the_image() -> None:
    image = badge()
    drawn = draw(image, preset="illustration").preview()
    assert psnr(np.asarray(over(Image.fromarray(drawn), WHITE)), on_white(image)) > 28
    assert (drawn[0, 0] == 0).all()


def test_the_regions_image_marks_borders_and_leaves_the_rest() -> None:
    image = target()
    drawing = draw(image)
    marked = drawing.regions_image()
    labels = np.pad(labels_of(drawing), 1, mode="edge")
    inside = np.ones(image.shape[:2], bool)
    for dy in range(3):
        for dx in range(3):
            inside &= labels[dy : dy + 48, dx : dx + 48] == labels[1:-1, 1:-1]
    assert marked.shape == (48, 48, 3)
    assert marked.dtype == np.uint8
    assert np.array_equal(marked[inside], on_white(image)[inside])
    beside_each_other = labels_of(drawing)[:, 1:] != labels_of(drawing)[:, :-1]
    is_marked = (marked == [255, 0, 102]).all(2)
    assert (is_marked[:, 1:] | is_marked[:, :-1])[beside_each_other].all()


def test_one_region_has_no_border_to_mark() -> None:
    image = np.full((5, 7, 4), (10, 200, 30, 255), np.uint8)
    assert np.array_equal(draw(image).regions_image(), image[..., :3])


def test_a_saved_drawing_is_its_text_and_replaces_what_was_there(tmp_path: Path) -> None:
    target_file = tmp_path / "out.svg"
    target_file.write_text("old")
    drawing = draw(heart())
    drawing.save(target_file)
    assert target_file.read_text("utf-8") == drawing.to_svg()
    drawing.save(str(target_file))
    assert os.listdir(tmp_path) == ["out.svg"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_drawing_is_saved_in_the_format_of_its_name_or_the_one_chosen(name: str, tmp_path: Path) -> None:
    drawing = draw(heart())
    drawing.save(tmp_path / f"out.{name}")
    assert (tmp_path / f"out.{name}").read_bytes() == export(drawing.to_svg(), name).content
    drawing.save(tmp_path / "out", name)
    assert (tmp_path / "out").read_bytes() == export(drawing.to_svg(), name).content


def test_a_drawing_is_not_saved_under_a_name_of_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="svgz"):
        draw(heart()).save(tmp_path / "out.ai")
    assert os.listdir(tmp_path) == []


def test_a_drawing_that_cannot_be_saved_leaves_nothing(tmp_path: Path) -> None:
    drawing = draw(heart())
    with pytest.raises(OutputError, match="nowhere"):
        drawing.save(tmp_path / "nowhere" / "out.svg")
    folder = tmp_path / "folder.svg"
    folder.mkdir()
    with pytest.raises(OutputError, match=r"folder\.svg"):
        drawing.save(folder)
    assert os.listdir(tmp_path) == ["folder.svg"]
    assert os.listdir(folder) == []


def test_a_drawing_knows_the_options_it_was_made_with() -> None:
    drawing = draw(target(), preset="photo", tolerance=0.5)
    assert drawing.options.preset == "photo"
    assert drawing.options.tolerance == 0.5
    assert drawing.options.precision == 1
    assert None not in (drawing.options.mode, drawing.options.fill, drawing.options.min_area, drawing.options.detail)
