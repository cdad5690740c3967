"""Tokens of a clip: in one piece in space and time, the same in frames that are, and followed where something moves."""

from __future__ import annotations

import numpy as np
import pytest
import skimage
from flat_shapes import opaque
from scipy import ndimage

from dhvt_vectorize.errors import InputError
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer
from dhvt_vectorize.tokenizer.video import tokenize_video


@pytest.fixture(scope="module")
def tokenizer() -> DHVTokenizer:
    return DHVTokenizer.load(device="cpu")


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return skimage.data.astronaut()[:64, 180:260]


def _moving_square(frames: int = 6, step: int = 3) -> np.ndarray:
    clip = np.full((frames, 40, 60, 3), (240, 240, 230), np.uint8)
    for number, frame in enumerate(clip):
        frame[12:24, 5 + step * number : 17 + step * number] = (180, 30, 40)
    return clip


def test_one_frame_has_the_tokens_of_an_image_before_borders_are_refined(
    tokenizer: DHVTokenizer, photograph: np.ndarray
) -> None:
    features = tokenizer.pixel_features(opaque(photograph), compact=True)
    tree = tokenizer.merge_tree(features, compact=True)
    for choice in ({"regions": 30}, {"criterion": "bic"}):
        np.testing.assert_array_equal(
            tokenize_video(tokenizer, [photograph], **choice)[0], tokenizer.select(tree, **choice).labels
        )


def test_frames_that_are_the_same_have_the_same_tokens(tokenizer: DHVTokenizer, photograph: np.ndarray) -> None:
    labels = tokenize_video(tokenizer, [photograph] * 4, regions=40)
    assert labels.shape == (4, 64, 80)
    assert np.array_equal(np.unique(labels), np.arange(40))
    assert all(np.array_equal(labels[0], frame) for frame in labels[1:])


def test_what_moves_is_one_token_all_the_way(tokenizer: DHVTokenizer) -> None:
    clip = _moving_square()
    labels = tokenize_video(tokenizer, clip, regions=2)
    is_square = (clip == (180, 30, 40)).all(3)
    assert len(np.unique(labels[is_square])) == 1
    assert len(np.unique(labels[~is_square])) == 1
    assert labels[is_square][0] != labels[~is_square][0]


def test_a_cut_gives_new_tokens(tokenizer: DHVTokenizer) -> None:
    one, other = np.full((20, 20, 3), 30, np.uint8), np.full((20, 20, 3), 220, np.uint8)
    labels = tokenize_video(tokenizer, [one, one, other, other], regions=2)
    assert labels[:2].max() == labels[:2].min() == 0
    assert labels[2:].max() == labels[2:].min() == 1


def test_tokens_are_in_one_piece_in_space_and_time(tokenizer: DHVTokenizer, photograph: np.ndarray) -> None:
    clip = [np.roll(photograph, 2 * number, 1)[:, 10:70] for number in range(4)]
    labels = tokenize_video(tokenizer, clip, regions=50)
    sixfold = ndimage.generate_binary_structure(3, 1)
    for token in range(50):
        assert ndimage.label(labels == token, sixfold)[1] == 1
    # they live on: far fewer than four times those of a frame begin anew
    lives = [len(np.unique(np.nonzero(labels == token)[0])) for token in range(50)]
    assert np.mean(lives) > 2


def test_frames_of_several_sizes_are_refused(tokenizer: DHVTokenizer) -> None:
    for frames in ([], [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)]):
        with pytest.raises(InputError, match="one size"):
            tokenize_video(tokenizer, frames)
