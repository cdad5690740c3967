"""Tiles cover an image, and a plain one is answered as the net would answer it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhvt_vectorize.tokenizer import features
from dhvt_vectorize.tokenizer.tiles import Tile, Window, tiles
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

MARGIN, STRIDE = 48, 4


def _discs(height: int, width: int, seed: int) -> np.ndarray:
    """A few discs on paper, so that much is of one colour."""
    random = np.random.default_rng(seed)
    image = np.full((height, width, 4), 255, np.uint8)
    y, x = np.mgrid[:height, :width]
    for _ in range(3):
        top, left, radius = random.integers(0, height), random.integers(0, width), random.integers(3, 40)
        image[(y - top) ** 2 + (x - left) ** 2 < radius**2, :3] = random.integers(0, 256, 3)
    return image


@given(st.integers(1, 700), st.integers(1, 700), st.integers(12, 18), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_every_pixel_is_in_one_tile_and_what_is_seen_of_plain_ones_has_one_colour(
    height: int, width: int, log_pixels: int, seed: int
) -> None:
    image = _discs(height, width, seed)
    covered = np.zeros((height, width), int)
    for tile in tiles(image, image, 2**log_pixels, MARGIN, STRIDE):
        covered[tile.place] += 1
        for part, length in ((tile.rows, height), (tile.columns, width)):
            assert part.start % STRIDE == 0
            assert part.seen == slice(max(0, part.start - MARGIN), min(part.stop + MARGIN, length))
        assert tile.is_plain == (np.ptp(image[tile.seen], (0, 1)) == 0).all()
    assert (covered == 1).all()


def test_a_drawing_of_paper_for_the_most_is_hardly_looked_at() -> None:
    image = _discs(1500, 1500, 0)
    looked_at = sum(tile.cost for tile in tiles(image, image, 2**19, MARGIN, STRIDE))
    assert looked_at < 0.4 * image.shape[0] * image.shape[1]


def test_where_every_part_has_an_edge_tiles_are_as_large_as_may_be() -> None:
    image = np.random.default_rng(0).integers(0, 256, (600, 600, 4), np.uint8)
    assert len(list(tiles(image, image, 2**19, MARGIN, STRIDE))) == 1


@pytest.mark.parametrize("seed", range(3))
def test_plain_tiles_have_the_features_that_the_net_gives_them(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    net = DHVTokenizer.load(device="cpu").features
    image = _discs(500, 900, seed)
    assert any(tile.is_plain for tile in tiles(image, image, 2**16, net.sight, STRIDE))
    found = net.feature_map(image, tile_pixels=2**16)
    all_of_it = (Window(0, length, slice(0, length)) for length in image.shape[:2])
    monkeypatch.setattr(features, "tiles", lambda *_: [Tile(*all_of_it, is_plain=False)])
    whole = net.feature_map(image)
    np.testing.assert_array_equal(found.values, whole.values)
    np.testing.assert_array_equal(found.is_rim, whole.is_rim)
