"""Training sees what the tokenizer will see: the same features, rims and trees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.draw import disk

from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.features import FeatureNet
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer
from dhvt_vectorize.training.samples import unlabelled
from dhvt_vectorize.training.tasks import as_tokenized, merge_tree


def _disc(side: int = 40) -> np.ndarray:
    """An anti-aliased disc on a flat ground."""
    large = np.zeros((side * 4, side * 4), float)
    large[disk((side * 2, side * 2), side * 1.3)] = 1
    cover = large.reshape(side, 4, side, 4).mean((1, 3))[..., None]
    image = np.full((side, side, 4), 255, np.uint8)
    image[..., :3] = np.rint(cover * (200, 30, 60) + (1 - cover) * (20, 120, 90))
    return image


@pytest.mark.parametrize("rims", [False, True])
def test_a_sample_in_training_has_the_features_and_the_tree_of_inference(rims: bool) -> None:
    config = TokenizerConfig(rim_rule=rims)
    net = FeatureNet(config).eval()
    image = _disc()
    inferred = DHVTokenizer(net, config)
    wanted = inferred.pixel_features(image)
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        features, zones = as_tokenized(net(tensor)[0], unlabelled(image, "disc"), config)
    values = torch.round(features * config.feature_scale).permute(1, 2, 0).int().numpy()
    np.testing.assert_array_equal(values[..., :3], wanted.values)  # alpha is the same everywhere, and left out there
    assert wanted.is_rim.any() == rims
    trained, drawn = merge_tree(features, zones, config, compact=True), inferred.merge_tree(wanted, compact=True)
    np.testing.assert_array_equal(trained.leaf_of_pixel, drawn.leaf_of_pixel)
    np.testing.assert_array_equal(trained.left, drawn.left)
    assert (trained.leaves == 2) == rims


def test_the_gradient_of_a_rim_reaches_its_owner() -> None:
    image = _disc()
    features = torch.zeros(4, 40, 40, requires_grad=True)
    given, zones = as_tokenized(features, unlabelled(image, "disc"), TokenizerConfig())
    assert zones.max() == 1
    given.sum().backward()
    assert features.grad is not None
    assert features.grad.sum() == features.numel()
    assert (features.grad == 0).any()
    assert features.grad.max() > 1
