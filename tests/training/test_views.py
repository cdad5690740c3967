"""An image as it might have been too: of another size, in other light, halved, its labels in their places."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dhvt_vectorize.training.views import NEAREST, halved, retaken


def _halves(height: int = 40, width: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    """Dark to the left, light to the right, two regions; half transparent."""
    labels = (torch.arange(width) >= width // 2).int().expand(1, height, width)
    image = (0.3 + 0.4 * labels.float()).expand(1, 3, height, width)
    return torch.cat([image, torch.full((1, 1, height, width), 0.5)], 1), labels


@pytest.mark.parametrize("seed", range(8))
def test_size_and_light_change_and_labels_stay_with_what_they_name(seed: int) -> None:
    image, labels = _halves()
    changed, places = retaken(image, labels, np.random.default_rng(seed))
    height, width = changed.shape[2:]
    assert places.shape == (1, height, width)
    assert 40 / NEAREST - 1 <= height <= 40 * NEAREST + 1
    assert width == pytest.approx(height * 60 / 40, abs=1.5)
    assert (changed[:, 3] - 0.5).abs().max() < 1e-6
    assert 0 <= changed.min() <= changed.max() <= 1
    assert set(places.unique().tolist()) == {0, 1}
    # away from the border, where sizes mix, each half is one colour, the right one the lighter
    dark, light = (changed[0, :3, 5, column] for column in (width // 4, 3 * width // 4))
    assert (light > dark).all()
    assert places[0, 5, width // 4] == 0
    assert places[0, 5, 3 * width // 4] == 1
    assert abs(int(places[0, 5].argmax()) - width / 2) <= 1


def test_one_generator_gives_one_view_and_others_give_others() -> None:
    image, labels = _halves()
    first, again, other = (retaken(image, labels, np.random.default_rng(seed))[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.equal(first, other)
    assert torch.equal(image, _halves()[0])


def _premultiplied(height: int, width: int) -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)
    pixels[..., :3] = np.minimum(pixels[..., :3], pixels[..., 3:])
    return pixels


@pytest.mark.parametrize("size", [(2, 2), (8, 12), (9, 13)])
def test_half_an_image_has_the_means_of_fours(size: tuple[int, int]) -> None:
    pixels = _premultiplied(*size)
    half, whole = halved(pixels, None)
    height, width = size[0] // 2, size[1] // 2
    assert (whole == pixels[: 2 * height, : 2 * width]).all()
    means = whole.reshape(height, 2, width, 2, 4).mean((1, 3))
    # rounded once along each axis
    assert np.abs(half - means).max() <= 1.0


def test_at_random_it_is_reduced_in_several_ways_and_in_other_colours() -> None:
    pixels = _premultiplied(16, 16)
    found = [halved(pixels, np.random.default_rng(seed)) for seed in range(24)]
    assert len({half.tobytes() for half, _ in found}) > 12
    for half, whole in found:
        assert half.shape == (8, 8, 4)
        assert (whole[..., 3] == pixels[..., 3]).all()
        assert (whole[..., :3] <= whole[..., 3:]).all()
        opposite = whole[..., 3:] - whole[..., :3]
        assert any((np.sort(each, 2) == np.sort(pixels[..., :3], 2)).all() for each in (whole[..., :3], opposite))
    again = halved(pixels, np.random.default_rng(0))
    assert (again[0] == found[0][0]).all()
