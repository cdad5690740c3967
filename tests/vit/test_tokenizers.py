"""Each tokenizer covers an image with tokens numbered 0…K−1, as many as it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.vit.tokenizers import TOKENIZERS, QuadtreePatches, described, tokenizer_named, tokens_of


def _photograph(height: int = 48, width: int = 56) -> np.ndarray:
    random = np.random.default_rng(5)
    smooth = ndimage.gaussian_filter(random.normal(0, 1, (height, width, 3)), (3, 3, 0))
    return np.uint8(255 * (smooth - smooth.min()) / np.ptp(smooth))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("name", TOKENIZERS)
def test_every_tokenizer_numbers_its_tokens_and_gives_the_same_twice(name: str, channels: int) -> None:
    image = np.dstack([_photograph(), np.full((48, 56), 255, np.uint8)])[..., :channels]
    tokenizer = tokenizer_named(name)
    labels = tokenizer(image)
    assert labels.shape == (48, 56)
    assert labels.dtype == np.int32
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))
    assert np.array_equal(labels, tokenizer(image))


@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_tokens_of_several_images_are_those_of_each(name: str) -> None:
    images = [_photograph(), _photograph(30, 40), _photograph()[::-1].copy()]
    tokenizer = tokenizer_named(name, None if name == "patches" else {"tokens": 9})
    for labels, image in zip(tokens_of(tokenizer, images), images, strict=True):
        np.testing.assert_array_equal(labels, tokenizer(image))


def test_patches_are_the_squares_of_a_grid_in_rows() -> None:
    labels = tokenizer_named("patches", {"side": 16})(_photograph(32, 48))
    assert np.array_equal(labels, np.kron(np.arange(6).reshape(2, 3), np.ones((16, 16), int)))
    assert tokenizer_named("patches", {"side": 16})(_photograph(33, 48)).max() == 8


def test_a_quadtree_is_fine_where_there_is_something_to_see() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[:8, :8] = np.random.default_rng(0).integers(0, 255, (8, 8, 3))
    labels = QuadtreePatches(tokens=13, least=2)(image)
    assert labels.max() + 1 == 13
    assert len(np.unique(labels[32:, 32:])) == 1
    assert len(np.unique(labels[:8, :8])) == 4


def test_quadtree_tokens_are_rectangles_and_never_more_than_asked_for() -> None:
    for tokens in (1, 4, 30):
        labels = QuadtreePatches(tokens=tokens, least=2)(_photograph())
        assert labels.max() < tokens
        boxes = ndimage.find_objects(labels + 1)
        assert all((labels[box] == number).all() for number, box in enumerate(boxes))


def test_a_plain_image_is_one_quadtree_token_and_one_region() -> None:
    plain = np.full((20, 20, 3), 90, np.uint8)
    assert QuadtreePatches()(plain).max() == 0
    assert tokenizer_named("dhvt", {"weights": "none"})(plain).max() == 0


def test_the_hierarchy_gives_exactly_as_many_tokens_as_asked_for_and_never_more_than_the_most() -> None:
    image = _photograph()
    assert tokenizer_named("dhvt", {"tokens": 30})(image).max() == 29
    free = tokenizer_named("dhvt", {"detail": 0.8})(image).max() + 1
    assert tokenizer_named("dhvt", {"detail": 0.8, "most": int(free) - 2})(image).max() + 1 == free - 2
    assert tokenizer_named("dhvt", {"detail": 0.6})(image).max() + 1 < free


def test_a_tokenizer_can_be_written_down_and_made_again() -> None:
    for name in TOKENIZERS:
        description = described(tokenizer_named(name))
        assert tokenizer_named(description["name"], description["options"]) == tokenizer_named(name)


def test_unknown_names_and_options_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="patches, quadtree, slic, dhvt"):
        tokenizer_named("voronoi")
    with pytest.raises(UsageError, match="tokens, least"):
        tokenizer_named("quadtree", {"number": 3})
    with pytest.raises(UsageError, match="from 1"):
        tokenizer_named("patches", {"side": 0})
