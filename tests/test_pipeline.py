"""The whole pipeline: every option does what it says, odd images come out right, and the same is always the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from path_data import tokens
from pictures import badge, drawn, heart, photograph, pick, signature, sky, target, vectorizer
from PIL import Image

from benchmarks.geometry import averaged
from benchmarks.geometry_shapes import make_shape
from dhvt_vectorize.drawing.drawing import Drawing
from dhvt_vectorize.errors import InputError
from dhvt_vectorize.options import CRITERIA, PRESETS, VectorizeOptions
from dhvt_vectorize.pipeline import choose_preset

REPOSITORY = Path(__file__).resolve().parents[1]


def draw(image, **options) -> Drawing:
    return vectorizer().vectorize(image, VectorizeOptions(**options))


def fills(drawing: Drawing) -> set[str]:
    return set(re.findall(r'<path [^>]*fill="([^"]*)"', drawing.to_svg()))


def areas(drawing: Drawing) -> np.ndarray:
    return np.bincount(drawing.outlines.planar_map.labels.ravel())


def path_data(drawing: Drawing) -> list[str]:
    return re.findall(r' d="([^"]*)"', drawing.to_svg())


def opaque(image: np.ndarray) -> np.ndarray:
    return np.concatenate([image, np.full((*image.shape[:2], 1), 255, np.uint8)], 2)


# ---- regions and detail


@pytest.mark.parametrize("regions", [1, 2, 3, 17, 100, 333])
def test_as_many_regions_as_asked(regions: int) -> None:
    drawing = draw(photograph(), regions=regions, min_area=0)
    assert drawing.regions == regions
    assert drawing.notes == ()


def test_an_image_of_fewer_regions_gives_what_it_has_and_says_so() -> None:
    image = np.zeros((6, 6, 3), np.uint8)
    image[:, 3:] = 255
    drawing = draw(image, regions=50, min_area=0)
    assert drawing.regions == 2
    assert drawing.notes == ("the image has only 2 regions, fewer than the 50 asked for",)


def test_a_constant_image_is_one_region_two_halves_two_and_an_anti_aliased_disc_two() -> None:
    halves = np.full((40, 40, 3), 30, np.uint8)
    halves[20:] = 220
    disc = drawn(lambda x, y: pick((True, (20, 40, 90)), (np.hypot(x - 20.2, y - 19.7) < 11, (250, 200, 120))), 40, 40)
    for image, regions in ((halves[:20], 1), (halves, 2), (disc, 2)):
        assert draw(image, preset="illustration").regions == regions


def test_more_detail_is_never_fewer_shapes() -> None:
    counts = [draw(photograph(), detail=detail, min_area=0).stats["shapes"] for detail in np.linspace(0, 1, 9)]
    assert counts == sorted(counts)
    assert counts[0] < 10 < 100 < counts[-1]


def test_no_region_is_smaller_than_the_least_area() -> None:
    assert areas(draw(photograph(), regions=400, min_area=0)).min() < 9
    for least in (9, 60, 2000):
        assert areas(draw(photograph(), regions=400, min_area=least)).min() >= least
    assert draw(photograph(), min_area=1_000_000).regions == 1


def test_the_depth_limits_how_coarse_a_region_may_be() -> None:
    counts = [draw(photograph(), max_depth=depth, min_area=0).regions for depth in (1, 2, 3, 32)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]
    assert counts[-1] == draw(photograph(), min_area=0).regions


def test_every_criterion_selects_regions_of_its_own() -> None:
    counts = {criterion: draw(photograph(), criterion=criterion, min_area=0).regions for criterion in CRITERIA}
    # a penalty of 2 a parameter is below ln N
    assert counts["aic"] > counts["bic"]
    assert len(set(counts.values())) >= 3


# ---- colours and fills


@pytest.mark.parametrize("colours", [1, 2, 3, 8, 40])
def test_at_most_as_many_colours_as_asked(colours: int) -> None:
    drawing = draw(photograph(), colors=colours, fill="flat")
    assert 1 <= len(fills(drawing)) <= colours
    assert len(fills(drawing)) == colours or colours == 40


def test_only_the_palettes_colours_are_used() -> None:
    palette = ("#112233", "#aabbcc", "#ff8800", "#fefefe")
    assert fills(draw(photograph(), palette=palette)) <= {"#123", "#abc", "#f80", "#fefefe"}
    assert len(fills(draw(photograph(), palette=palette))) > 1


def test_a_fixed_palette_leaves_no_gradient() -> None:
    assert "Gradient" not in draw(sky(), colors=5, fill="gradient", preset="illustration").to_svg()


def test_the_bw_preset_draws_in_black_and_white() -> None:
    assert fills(draw(sky(), preset="bw")) <= {"#000", "#fff"}


def test_gradients_are_drawn_where_they_are_asked_for() -> None:
    shaded = {
        fill: len(draw(sky(), fill=fill, preset="illustration").paints.gradients)
        for fill in ("flat", "auto", "gradient")
    }
    assert shaded["flat"] == 0 < shaded["auto"] <= shaded["gradient"]
    assert "Gradient" not in draw(sky(), fill="flat").to_svg()


def test_a_gradient_is_nearer_a_ramp_than_a_flat_colour() -> None:
    flat, shaded = (draw(sky(), fill=fill, regions=8).stats["psnr"] for fill in ("flat", "auto"))
    assert shaded > flat + 1.5


# ---- outlines


def test_a_polygon_drawing_has_lines_alone_and_a_pixel_drawing_whole_steps_along_the_axes() -> None:
    assert all("c" in data for data in path_data(draw(target(), mode="spline"))[1:])
    assert not any("c" in data for data in path_data(draw(target(), mode="polygon", preset="logo")))
    pixel = "".join(path_data(draw(target(), mode="pixel", preset="logo")))
    assert not set(pixel) & set("lc.")


def test_a_pixel_drawing_shows_every_region_in_one_colour_to_the_pixel() -> None:
    drawing = draw(photograph(), mode="pixel", fill="flat", regions=150)
    shown = drawing.paints.colours[drawing.outlines.planar_map.labels]
    assert np.array_equal(drawing.preview()[..., :3], shown)


@pytest.mark.parametrize("layering", ["stacked", "cutout"])
def test_pixel_art_comes_back_to_the_pixel(layering: str) -> None:
    drawing = draw(heart(), layering=layering)
    assert drawing.options.preset == "pixel-art"
    assert np.array_equal(drawing.preview(), heart())


@pytest.mark.parametrize("mode", ["spline", "polygon"])
def test_a_larger_tolerance_takes_fewer_segments(mode: str) -> None:
    counts = [
        draw(photograph(), mode=mode, regions=80, tolerance=tolerance).stats["segments"]
        for tolerance in (0.05, 0.35, 1.0, 4.0)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < counts[0] / 2


@pytest.mark.parametrize("precision", range(7))
def test_coordinates_have_at_most_the_asked_decimals(precision: int) -> None:
    drawing = draw(target(), precision=precision)
    numbers = [t for data in path_data(drawing) for t in tokens(data) if not t.isalpha()]
    numbers += re.findall(r' (?:cx|cy|r)="([^"]*)"', drawing.to_svg())
    assert max(len(number.partition(".")[2]) for number in numbers) == precision


def test_stacked_shapes_hide_the_page_where_cutout_ones_show_it() -> None:
    alphas = {layering: draw(target(), layering=layering).preview(1)[..., 3] for layering in ("stacked", "cutout")}
    assert (alphas["stacked"] == 255).all()
    assert (alphas["cutout"] < 255).any()


# ---- odd images


def odd_images() -> dict[str, np.ndarray]:
    random = np.random.default_rng(4)
    long = np.zeros((10, 10_000, 4), np.uint8)
    long[..., 3] = 255
    long[..., :3] = random.integers(0, 256, (100, 3)).repeat(100, 0)
    clear = np.zeros((20, 30, 4), np.uint8)
    return {
        "one pixel": np.array([[[12, 200, 77, 255]]], np.uint8),
        "one translucent pixel": np.array([[[200, 100, 0, 128]]], np.uint8),
        "one colour": np.full((33, 17, 4), (250, 1, 99, 255), np.uint8),
        "fully transparent": clear,
        "a row": opaque(np.repeat(random.integers(0, 256, (1, 6, 3), dtype=np.uint8), 10, 1)),
        "a column": opaque(np.repeat(random.integers(0, 256, (6, 1, 3), dtype=np.uint8), 10, 0)),
        "two pixels": opaque(np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)),
        "10,000 by 10": long,
        "10 by 10,000": np.ascontiguousarray(long.transpose(1, 0, 2)),
    }


@pytest.mark.parametrize("mode", [None, "spline", "pixel"])
@pytest.mark.parametrize("name", odd_images())
def test_odd_images_are_drawn_as_they_are(name: str, mode: str | None) -> None:
    image = odd_images()[name]
    drawing = draw(image, mode=mode, min_area=0, detail=1.0)
    height, width = image.shape[:2]
    assert f'viewBox="0 0 {width} {height}"' in drawing.to_svg()
    shown = drawing.preview().astype(int)
    assert shown.shape == image.shape
    assert np.abs(shown[..., 3] - image[..., 3]).max() <= 1
    assert np.abs(shown[..., :3] - image[..., :3]).max() <= 3


def test_a_fully_transparent_image_draws_nothing() -> None:
    drawing = draw(odd_images()["fully transparent"])
    assert drawing.stats["shapes"] == 0
    assert len(drawing.faces) == 1
    assert drawing.faces[0].opacity == 0


def test_a_translucent_area_stays_as_translucent_as_it_was() -> None:
    shown = draw(badge(), preset="illustration").preview()
    assert shown[15, 50].tolist() == pytest.approx([20, 120, 220, 128], abs=3)
    assert shown[26, 22, 3] == 0
    assert shown[2, 2, 3] == 0


# ---- sources


def test_every_kind_of_source_gives_the_same_drawing(tmp_path: Path) -> None:
    image = target()
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    file = tmp_path / "a<b>&'c.png"
    file.write_bytes(buffer.getvalue())
    sources = [image, Image.fromarray(image), buffer.getvalue(), file, str(file), image.astype(float) / 255]
    drawings = [draw(source) for source in sources]
    assert len({tuple(path_data(drawing)) for drawing in drawings}) == 1
    assert "<title>a&lt;b&gt;&amp;'c</title>" in drawings[3].to_svg()


def test_an_array_given_is_left_as_it_was() -> None:
    image = photograph()
    before = image.copy()
    draw(image)
    assert np.array_equal(image, before)


def test_an_image_of_too_many_pixels_is_refused() -> None:
    with pytest.raises(InputError):
        draw(np.zeros((10, 11, 3), np.uint8), max_pixels=109)
    assert draw(np.zeros((10, 11, 3), np.uint8), max_pixels=110).regions == 1


# ---- presets


def test_the_preset_is_chosen_by_the_picture() -> None:
    logo = np.kron(target(), np.ones((4, 4, 1), np.uint8))
    assert choose_preset(heart()) == "pixel-art"
    assert choose_preset(logo) == "illustration"
    assert choose_preset(opaque(averaged(make_shape("circle", 24, True)))) == "illustration"
    assert choose_preset(opaque(photograph())) == "photo"
    scan = np.repeat(np.where(averaged(make_shape("star", 160, True))[..., :1] > 127, 255, 0).astype(np.uint8), 3, 2)
    assert choose_preset(opaque(scan)) == "bw"
    scan[0, 0] = 254
    assert choose_preset(opaque(scan)) != "bw"


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_draws_every_picture(preset: str) -> None:
    for image in (target(), badge(), photograph((40, 30)), signature()):
        drawing = draw(image, preset=preset)
        assert drawing.options.preset == preset
        assert drawing.stats["psnr"] > 6


# ---- the same again

PROGRAM = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests"]
from pictures import photograph, vectorizer
from dhvt_vectorize.options import VectorizeOptions
svg = vectorizer().vectorize(photograph(), VectorizeOptions(regions=120)).to_svg()
sys.stdout.buffer.write(svg.encode())
"""


def test_the_same_image_is_the_same_bytes_in_another_process() -> None:
    here = draw(photograph(), regions=120).to_svg().encode()
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(REPOSITORY)], capture_output=True, env=environment, check=True
    )
    assert done.stdout == here


def test_threads_may_share_a_vectorizer() -> None:
    images = [photograph((60, 40)), photograph((50, 61)), target(), badge()] * 3
    alone = [draw(image).to_svg() for image in images]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda image: draw(image).to_svg(), images)) == alone
