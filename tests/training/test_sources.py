import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from data_folders import FOLDERS, SIZES, write_classes, write_drawings, write_images, write_maps
from image_files import encoded, png
from PIL import Image

from dhvt_vectorize.errors import InputError, UsageError
from dhvt_vectorize.training.image_sources import grouped
from dhvt_vectorize.training.sources import MismatchedLabelsError, check_source, open_source

KINDS = pytest.mark.parametrize("kind", FOLDERS)


def opened(kind: str, folder: Path):
    write, task = FOLDERS[kind]
    return open_source(write(folder), task)


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def same(first, second) -> bool:
    images = np.array_equal(first.image, second.image) and np.array_equal(first.labels, second.labels)
    return images and (first.name, first.category) == (second.name, second.category)


# --- what every source does


@KINDS
def test_the_generator_alone_fixes_a_sample_in_this_and_any_other_process(kind, tmp_path):
    source = opened(kind, tmp_path)
    copied = pickle.loads(pickle.dumps(source))
    for index in range(len(source)):
        assert same(source.sample(index, random(4), 16), copied.sample(index, random(4), 16))
        assert source.name(index) == copied.name(index)
    different = [source.sample(0, random(seed), 16).image.tobytes() for seed in range(8)]
    assert len(set(different)) > 1


@KINDS
def test_a_square_has_the_size_and_types_of_the_contract(kind, tmp_path):
    source = opened(kind, tmp_path)
    for index in range(len(source)):
        sample = source.sample(index, random(index), 33)
        assert (sample.image.shape, sample.image.dtype) == ((33, 33, 4), np.uint8)
        assert (sample.labels.shape[1:], sample.labels.dtype) == ((33, 33), np.int32)
        assert (len(sample.labels) == 0) == (FOLDERS[kind][1] in ("reconstruct", "classify"))
        if FOLDERS[kind][1] == "regions":
            for labels in sample.labels:
                assert set(np.unique(labels)) - {-1} == set(range(labels.max() + 1))


@KINDS
def test_the_whole_item_uses_no_randomness(kind, tmp_path):
    source = opened(kind, tmp_path)
    generator = random()
    before = copy.deepcopy(generator.bit_generator.state)
    assert same(source.sample(0, generator, None), source.sample(0, random(9), None))
    assert generator.bit_generator.state == before


@KINDS
def test_the_check_reports_what_there_is(kind, tmp_path):
    source = opened(kind, tmp_path)
    report = check_source(source)
    assert report.items == len(source) > 0
    assert report.left_out == ()
    samples = [source.glance(index) for index in range(len(source))]
    assert report.sides == (min(min(s.image.shape[:2]) for s in samples), max(max(s.image.shape[:2]) for s in samples))
    assert report.label_maps == sum(len(sample.labels) for sample in samples)
    assert (report.regions is None) == (report.label_maps == 0)
    assert report.kind


# --- which source a path is


def test_an_unknown_task_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(UsageError, match="reconstruct, classify, segment, regions"):
        open_source(tmp_path, "paint")


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_of_textures_out_of_range_is_refused(share, tmp_path):
    with pytest.raises(UsageError, match="0 to 1"):
        open_source(write_drawings(tmp_path), "regions", texture=share)


@pytest.mark.parametrize("task", ["reconstruct", "classify", "segment", "regions"])
def test_an_empty_or_missing_folder_is_refused(task, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError, match=str(path)):
            open_source(path, task)


def test_images_without_a_single_label_map_are_refused_for_regions(tmp_path):
    with pytest.raises(InputError, match=r"no label maps; put NAME-0\.png beside NAME\.jpg"):
        open_source(write_images(tmp_path), "regions")


def test_drawings_hold_no_classes(tmp_path):
    with pytest.raises(InputError, match="nothing to segment with"):
        open_source(write_drawings(tmp_path), "segment")


def test_classes_are_the_sorted_names_of_the_folders_with_images(tmp_path):
    (write_classes(tmp_path) / "empty").mkdir()
    source = open_source(tmp_path, "classify")
    assert source.classes == check_source(source).classes == ("cats", "dogs")
    assert {source.name(i): source.sample(i, random(), 8).category for i in range(len(source))} == {
        "cats/x.png": 0,
        "cats/y.jpg": 0,
        "dogs/x.png": 1,
        "dogs/y.jpg": 1,
    }


def test_one_class_is_none(tmp_path):
    write_images(tmp_path / "cats")
    with pytest.raises(InputError, match="two or more"):
        open_source(tmp_path, "classify")


def test_no_rasteriser_and_no_torch_is_loaded_before_a_drawing_is_drawn():
    code = """
import sys, dhvt_vectorize.training.sources, dhvt_vectorize.training.shards, dhvt_vectorize.training.svg_source
print(*sys.modules)"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert {"torch", "numba", "resvg_py", "shapely"}.isdisjoint(done.stdout.split())


# --- label maps


def test_label_maps_are_grouped_with_their_image_in_the_order_of_their_numbers():
    names = ["b-10.png", "b-2.png", "b.jpg", "a-1.png", "f/b-0.png", "f/b.png"]
    assert grouped(names) == [
        ("a-1.png", ()),
        ("b.jpg", ("b-2.png", "b-10.png")),
        ("f/b.png", ("f/b-0.png",)),
    ]


def test_image_and_maps_are_cut_and_turned_together(tmp_path):
    source = open_source(write_maps(tmp_path, annotators=1), "segment")
    for seed in range(5):
        sample = source.sample(0, random(seed), 40)
        np.testing.assert_array_equal(sample.image[..., 0], sample.labels[0])


def test_regions_are_numbered_anew_and_every_annotator_is_there(tmp_path):
    source = open_source(write_maps(tmp_path, annotators=3), "regions")
    sample = source.sample(0, random(), None)
    assert sample.labels.shape == (3, *SIZES["one"])
    np.testing.assert_array_equal(sample.image[..., 0], sample.labels[0] + 1)


def test_sixteen_bit_maps_are_read_exactly_and_their_highest_value_is_no_label(tmp_path):
    write_maps(tmp_path, annotators=0)
    for name, (height, width) in SIZES.items():
        values = np.array([300, 65535, 40000])[np.arange(height * width).reshape(height, width) % 3]
        (tmp_path / f"{name}-0.png").write_bytes(png(values, 16, 0))
    sample = open_source(tmp_path, "segment").sample(0, random(), None)
    assert sample.labels[0, 0, :3].tolist() == [300, -1, 40000]
    assert open_source(tmp_path, "regions").sample(0, random(), None).labels[0, 0, :3].tolist() == [0, -1, 1]


def test_255_is_no_class_but_may_be_a_region(tmp_path):
    write_maps(tmp_path, annotators=0)
    for name, size in SIZES.items():
        (tmp_path / f"{name}-0.png").write_bytes(encoded(np.full(size, 255, np.uint8), "PNG"))
    for task, label in (("segment", -1), ("regions", 0)):
        assert (open_source(tmp_path, task).sample(0, random(), None).labels == label).all()


def test_a_map_of_another_size_is_refused_with_both_names_and_sizes(tmp_path):
    write_maps(tmp_path)
    (tmp_path / "two-1.png").write_bytes(encoded(np.zeros((26, 19), np.uint8), "PNG"))
    with pytest.raises(MismatchedLabelsError, match=r"two-1.png.*two.png \(19 × 26 and 18 × 26 pixels\)"):
        check_source(open_source(tmp_path, "regions"))


def test_who_learns_doubling_is_shown_drawings_as_they_are_unless_told_otherwise(tmp_path):
    folder = write_drawings(tmp_path)
    shares = [
        open_source(folder, task, degraded=share)
        for task, share in (("doubling", None), ("doubling", 0.25), ("regions", None))
    ]
    given = [getattr(source, "_source", source).degraded for source in shares]
    assert given == [0.0, 0.25, 0.5]


def test_label_maps_are_no_images_to_reconstruct(tmp_path):
    source = open_source(write_maps(tmp_path), "reconstruct")
    assert [source.name(index) for index in range(len(source))] == ["one.png", "two.png"]


# --- what cannot be used


def test_items_that_cannot_be_used_are_named_with_the_reason_and_left_out(tmp_path):
    write_maps(tmp_path)
    (tmp_path / "broken.png").write_bytes((tmp_path / "one.png").read_bytes()[:60])
    (tmp_path / "broken-0.png").write_bytes((tmp_path / "one-0.png").read_bytes())
    write_images(tmp_path, ("bare.png", "cut.png", "painted.png"))
    (tmp_path / "cut-0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "painted-0.png").write_bytes((tmp_path / "bare.png").read_bytes())
    source = open_source(tmp_path, "regions")
    report = check_source(source)
    reasons = dict(report.left_out)
    assert set(reasons) == {"broken.png", "bare.png", "cut.png", "painted.png"}
    assert reasons["bare.png"] == "has no label map"
    assert reasons["painted.png"] == "is no label map but an image of mode RGB"
    assert report.items == len(source) == 2
    assert [source.name(index) for index in range(2)] == ["one.png", "two.png"]


def test_drawings_that_cannot_be_used_are_left_out_of_their_images_too(tmp_path):
    write_drawings(tmp_path)
    (tmp_path / "aa.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text/></svg>')
    for task in ("regions", "reconstruct"):
        source = open_source(tmp_path, task)
        report = check_source(source)
        assert report.left_out == (("aa.svg", "contains text"),)
        assert [source.name(index) for index in range(len(source))] == ["a.svg", "b.svg", "inner/c.svg"]
        assert source.sample(1, random(), None).name == "b.svg"


def test_flat_art_is_told_from_photographs(tmp_path):
    drawings, images = tmp_path / "drawings", tmp_path / "images"
    assert check_source(open_source(write_drawings(drawings), "regions")).photographs == 0
    images.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    for name, array in (("noise", noise), ("flat", np.zeros_like(noise))):
        Image.fromarray(array).save(images / f"{name}.png")
    assert check_source(open_source(images, "reconstruct")).photographs == 0.5


def test_a_folder_of_nothing_usable_is_refused(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no image")
    with pytest.raises(InputError, match="none can be used, the first because it is not an image"):
        check_source(open_source(tmp_path, "reconstruct"))
