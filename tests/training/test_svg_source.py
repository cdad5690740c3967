from dataclasses import replace

import numpy as np
import pytest
from data_folders import DRAWINGS, write_drawings, write_images
from drawings import svg

from dhvt_vectorize.errors import InputError
from dhvt_vectorize.training.owners import whole_view, zones_of
from dhvt_vectorize.training.sources import open_source
from dhvt_vectorize.training.svg_source import SvgFolder
from dhvt_vectorize.training.twins import read_artwork


@pytest.fixture
def folder(tmp_path) -> SvgFolder:
    source = open_source(write_drawings(tmp_path), "regions")
    assert isinstance(source, SvgFolder)
    return source


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def flatness(sample) -> float:
    """Share of pixels whose right neighbour has exactly their colour."""
    return float((sample.image[:, 1:] == sample.image[:, :-1]).all(2).mean())


def test_the_whole_drawing_comes_clean_at_sizes_within_the_range(folder):
    seen = [folder.sample(index, random(0), None) for index in range(len(folder))]
    assert [sample.name for sample in seen] == list(DRAWINGS)
    for sample in seen:
        assert 48 <= max(sample.image.shape) <= 320
    assert len({sample.image.shape for sample in seen}) == len(seen)
    artwork = read_artwork(svg(DRAWINGS["a.svg"]), "a.svg")
    zones = zones_of(artwork, whole_view(artwork, max(seen[0].image.shape)), folder.supersampling)
    np.testing.assert_array_equal(seen[0].labels[0], zones.judged(zones.regions()))


def test_clean_labels_are_where_the_colours_are(folder):
    clean = replace(folder, degraded=0.0)
    for seed in range(12):
        sample = clean.sample(0, random(seed), 64)
        red, blue = ((sample.image == (*colour, 255)).all(2) for colour in ((255, 0, 0), (0, 0, 255)))
        assert np.unique(sample.labels[0][red]).size <= 1
        assert not np.intersect1d(sample.labels[0][red], sample.labels[0][blue]).size


def test_nobody_is_judged_by_pixels_that_two_shapes_own_alike(tmp_path):
    body = '<rect width="20" height="20" fill="#00f"/><rect x="4.5" y="3" width="6" height="9" fill="red"/>'
    (tmp_path / "half.svg").write_text(svg(body))
    source = replace(open_source(tmp_path, "regions"), sides=(20, 20))
    sample = source.sample(0, random(0), None)
    halves = ((sample.image > 0) & (sample.image < 255)).any(2)
    assert halves.sum() == 18
    np.testing.assert_array_equal(sample.labels[0] < 0, halves)


def test_degradation_leaves_less_flat_paint(folder):
    clean, worn = (
        np.mean([flatness(replace(folder, degraded=share).sample(1, random(seed), 64)) for seed in range(16)])
        for share in (0.0, 1.0)
    )
    assert clean > 0.9
    assert worn < clean - 0.2


def test_backgrounds_are_transparent_white_or_of_a_colour(folder):
    corners = {tuple(replace(folder, sides=(20, 24)).sample(1, random(s), 48).image[0, 0]) for s in range(30)}
    corners |= {tuple(replace(folder, sides=(20, 24)).sample(1, random(s), 48).image[-1, -1]) for s in range(30)}
    assert (0, 0, 0, 0) in corners
    assert (255, 255, 255, 255) in corners
    assert len(corners) > 6


def test_what_is_not_seen_against_the_background_is_no_region(tmp_path):
    (tmp_path / "white.svg").write_text(svg('<circle cx="10" cy="10" r="7" fill="#fff"/>'))
    source = replace(open_source(tmp_path, "regions"), degraded=0.0)
    for seed in range(12):
        sample = source.sample(0, random(seed), 64)
        flat = np.unique(sample.image.reshape(-1, 4), axis=0).shape[0] == 1
        assert (sample.labels.max() == 0) == flat


def test_sizes_are_spread_evenly_over_the_octaves(folder, monkeypatch):
    seen = []

    def noted(artwork, side):
        seen.append(side)
        return whole_view(artwork, side)

    monkeypatch.setattr("dhvt_vectorize.training.svg_source.whole_view", noted)
    for seed in range(200):
        folder.sample(0, random(seed), 8)
    octaves = np.log2(seen)
    assert min(seen) >= 48
    assert max(seen) <= 320
    assert np.median(octaves) == pytest.approx(np.log2(48 * 320) / 2, abs=0.3)


def test_the_share_of_textures_is_kept(folder):
    for share in (0.0, 0.5, 1.0):
        source = replace(folder, texture=share, degraded=0.0)
        textured = [flatness(source.sample(0, random(seed), 48)) < 0.5 for seed in range(40)]
        assert np.mean(textured) == pytest.approx(share, abs=0.2)


def test_a_place_with_something_to_tell_apart_is_looked_for(tmp_path):
    (tmp_path / "strip.svg").write_text(svg('<rect width="20" height="200" fill="red"/>', 200))
    source = replace(open_source(tmp_path, "regions"), sides=(200, 300), degraded=0.0)
    alone = [source.sample(0, random(seed), 96).labels.max() == 0 for seed in range(40)]
    # about one window in six shows the strip, so about half of the first four
    assert np.mean(alone) < 0.65


def test_a_file_gone_since_it_was_found_is_an_input_error(tmp_path):
    source = open_source(write_drawings(tmp_path), "regions")
    (tmp_path / "b.svg").unlink()
    with pytest.raises(InputError, match=r"b\.svg: cannot be read"):
        source.sample(1, random(0), 16)


def test_photographs_must_be_there(tmp_path):
    write_drawings(tmp_path / "drawings")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no photographs"):
        open_source(tmp_path / "drawings", "regions", photographs=tmp_path / "empty")
    source = open_source(
        tmp_path / "drawings", "regions", texture=1.0, photographs=write_images(tmp_path / "photographs")
    )
    assert [path.name for path in source.photographs] == ["x.png", "y.jpg"]
    assert source.sample(0, random(0), 48).image.shape == (48, 48, 4)
