"""A photograph taken anew: of another size, in other light, its labels in their places."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dhvt_vectorize.training.views import NEAREST, retaken


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
