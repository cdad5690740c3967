import numpy as np
import pytest

from dhvt_vectorize.training.samples import (
    Sample,
    numbered,
    random_square,
    randomly_mirrored,
    randomly_turned,
    unlabelled,
)


def coded(height: int, width: int) -> Sample:
    """A sample whose pixels carry their labels: red is the first map, green the second."""
    first = np.arange(height * width, dtype=np.int32).reshape(height, width) % 251
    image = np.stack([first, first // 2, first * 0, first * 0 + 255], 2).astype(np.uint8)
    return Sample("coded", image, np.stack([first, first // 2]))


def assert_together(sample: Sample) -> None:
    """Image and maps went the same way."""
    np.testing.assert_array_equal(np.moveaxis(sample.image[..., :2], 2, 0), sample.labels)
    assert sample.labels.dtype == np.int32
    assert sample.image.flags.c_contiguous
    assert sample.labels.flags.c_contiguous


def test_labels_are_numbered_from_zero_in_their_order_and_ignored_ones_stay():
    np.testing.assert_array_equal(numbered(np.array([[7, -1], [900, 3]])), [[1, -1], [2, 0]])
    np.testing.assert_array_equal(numbered(np.array([[-1, -1]])), [[-1, -1]])


@pytest.mark.parametrize("shape", [(30, 40), (10, 40), (30, 9), (3, 2), (16, 16)])
def test_a_square_comes_from_one_place_and_small_images_are_continued_as_in_a_mirror(shape):
    for seed in range(6):
        sample = random_square(coded(*shape), 16, np.random.default_rng(seed))
        assert sample.image.shape == (16, 16, 4)
        assert_together(sample)
    mirrored = np.pad(coded(3, 2).image, ((0, 13), (0, 14), (0, 0)), mode="symmetric")
    np.testing.assert_array_equal(random_square(coded(3, 2), 16, np.random.default_rng(0)).image, mirrored)


def test_squares_come_from_everywhere():
    corners = {random_square(coded(8, 9), 7, np.random.default_rng(seed)).labels[0, 0, 0] for seed in range(60)}
    assert corners == {0, 1, 2, 9, 10, 11}


def test_turns_are_the_eight_of_the_square_each_as_likely():
    sample = coded(5, 5)
    seen = [randomly_turned(sample, np.random.default_rng(seed)) for seed in range(400)]
    for turned in seen:
        assert_together(turned)
    kinds, counts = np.unique([turned.labels[0].ravel() for turned in seen], axis=0, return_counts=True)
    assert len(kinds) == 8
    assert counts.min() > 25


def test_mirrored_images_are_themselves_or_left_for_right():
    sample = coded(4, 6)
    seen = [randomly_mirrored(sample, np.random.default_rng(seed)) for seed in range(20)]
    for mirrored in seen:
        assert_together(mirrored)
        assert any(np.array_equal(mirrored.image, image) for image in (sample.image, sample.image[:, ::-1]))
    assert len({mirrored.image.tobytes() for mirrored in seen}) == 2


def test_samples_without_maps_can_be_cut_turned_and_numbered():
    sample = unlabelled(np.zeros((5, 7, 4), np.uint8), "bare", 3)
    changed = randomly_turned(random_square(sample, 6, np.random.default_rng(0)), np.random.default_rng(0)).numbered()
    assert (changed.image.shape, changed.labels.shape, changed.category) == ((6, 6, 4), (0, 6, 6), 3)
