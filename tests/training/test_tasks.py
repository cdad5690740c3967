"""Training sees what the tokenizer will see: the same features, rims and trees."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from skimage.draw import disk

from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.differentiable import SoftDivider, merge_trees, rim_owners, zones_to_learn
from dhvt_vectorize.tokenizer.features import FeatureNet
from dhvt_vectorize.tokenizer.initial import widened
from dhvt_vectorize.tokenizer.rims import in_owners_colours, premultiply, resolve_rims
from dhvt_vectorize.tokenizer.selection import cut_into
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer
from dhvt_vectorize.training.samples import unlabelled
from dhvt_vectorize.training.tasks import ClassifyTask, Division


def _disc(side: int = 40) -> np.ndarray:
    """An anti-aliased disc on a flat ground."""
    large = np.zeros((side * 4, side * 4), float)
    large[disk((side * 2, side * 2), side * 1.3)] = 1
    cover = large.reshape(side, 4, side, 4).mean((1, 3))[..., None]
    image = np.full((side, side, 4), 255, np.uint8)
    image[..., :3] = np.rint(cover * (200, 30, 60) + (1 - cover) * (20, 120, 90))
    return image


def _resolved(image: np.ndarray, net: FeatureNet) -> np.ndarray:
    """With rim pixels in their owners' colours."""
    return in_owners_colours(image, rim_owners(image, net))


def _taught() -> FeatureNet:
    """A net that corrects colours a little."""
    net = FeatureNet(TokenizerConfig()).eval()
    with torch.no_grad():
        net.correct.weight.normal_(0, 0.002, generator=torch.Generator().manual_seed(0))
    return net


@pytest.mark.parametrize("rims", [False, True])
def test_a_sample_in_training_has_the_features_and_without_rims_the_tree_of_inference(rims: bool) -> None:
    config = TokenizerConfig(rim_rule=rims)
    net = FeatureNet(config).eval()
    with torch.no_grad():
        net.correct.weight.normal_(0, 0.002, generator=torch.Generator().manual_seed(0))
    sample = unlabelled(_disc(), "disc")
    inferred = DHVTokenizer(net, config)
    wanted = inferred.pixel_features(sample.image)
    resolved = _resolved(sample.image, net)
    tensors = (torch.from_numpy(each).permute(2, 0, 1)[None].float() / 255 for each in (sample.image, resolved))
    with torch.no_grad():
        features = net(*tensors)[0]
    values = torch.round(features * config.feature_scale).permute(1, 2, 0).int().numpy()
    assert (values[..., 3] == values[0, 0, 3]).all()  # alpha is the same everywhere, and is left out
    owner = resolve_rims(premultiply(sample.image)) if rims else np.arange(values.shape[0] * values.shape[1])
    kept = np.delete(values, 3, 2).reshape(-1, 4)[owner].reshape(wanted.values.shape)
    # a convolution's sums may be added in another order: of a value next to a tie that is seen
    off = np.abs(kept - wanted.values)
    assert off.max() <= 1
    assert (off > 0).mean() <= 0.001
    assert wanted.is_rim.any() == rims
    if rims:
        return  # from here on a rim pixel is its owner's, and in training its own
    channels = [channel for channel in range(values.shape[2]) if channel != 3]
    features[channels] = torch.from_numpy(wanted.values).permute(2, 0, 1) / config.feature_scale
    zones = zones_to_learn(sample.image, resolved)
    (trained,) = merge_trees([features], [zones], [sample.image], [premultiply(sample.image)], net, compact=True)
    drawn = inferred.merge_tree(wanted, compact=True)
    np.testing.assert_array_equal(trained.leaf_of_pixel, drawn.leaf_of_pixel)
    np.testing.assert_array_equal(trained.left, drawn.left)


def test_a_loss_on_a_rim_reaches_the_colour_of_its_owner_alone() -> None:
    """What a rim pixel shows is its owner's colour; the image as it is only tells the net what to do with it."""
    net = FeatureNet(TokenizerConfig())
    sample = unlabelled(_disc(), "disc")
    image = torch.from_numpy(sample.image).permute(2, 0, 1)[None].float() / 255
    resolved = torch.from_numpy(_resolved(sample.image, net)).permute(2, 0, 1)[None].float() / 255
    for tensor in (image, resolved):
        tensor.requires_grad_()
    net(image, resolved).square().sum().backward()
    assert image.grad is not None
    assert resolved.grad is not None
    assert not image.grad.any()
    assert resolved.grad.any()


def test_in_training_a_rim_pixel_is_a_zone_of_its_own() -> None:
    image = _disc()
    resolved = _resolved(image, FeatureNet())
    assert zones_to_learn(resolved, resolved).max() == 1
    assert zones_to_learn(image, resolved).max() > 20


def test_what_a_transformer_learns_by_has_the_regions_of_the_tokenizer_before_borders_are_refined() -> None:
    image, net = _disc(), _taught()
    tokenizer = DHVTokenizer(net, net.config)
    features = tokenizer.pixel_features(image, compact=True)
    wanted = tokenizer.merge_tree(features, compact=True)
    with torch.inference_mode():
        (division,) = SoftDivider(net)([image], [partial(cut_into, regions=2)], compact=True, owned=True)
    np.testing.assert_array_equal(division.tree.leaf_of_pixel, wanted.leaf_of_pixel)
    np.testing.assert_array_equal(division.tree.left, wanted.left)
    values = torch.round(division.features * net.config.feature_scale).permute(1, 2, 0).numpy()
    # alpha is the same everywhere; sums in another order may round one value in thousands to the next step
    off = np.abs(values[..., [0, 1, 2, 4]] - features.values)
    assert off.max() <= 1
    assert np.count_nonzero(off) <= 0.001 * off.size
    assert division.near.ids[:, 0].unique().tolist() == [0, 1]


def test_a_criterion_prices_in_training_the_channels_that_it_prices_in_use() -> None:
    """Alpha, and what is not learned yet, are the same everywhere: in training they had made every token dearer."""
    random = np.random.default_rng(0)
    image = np.full((40, 40, 4), 255, np.uint8)
    image[..., :3] = np.kron(random.integers(2, 254, (5, 5, 3)), np.ones((8, 8, 1)))
    image[..., :3] += random.integers(0, 3, (40, 40, 3), np.uint8)
    net = widened(_taught(), 12)
    tokenizer = DHVTokenizer(net, net.config)
    wanted = tokenizer.merge_tree(tokenizer.pixel_features(image, compact=True), compact=True)
    task = ClassifyTask(net, classes=2)
    with torch.no_grad():
        (division,) = task.divider([image], [partial(task._cut, random=random)], compact=True, owned=True)
    assert division.tree.sums.shape[1] == wanted.sums.shape[1] == 4
    selected = tokenizer.select(wanted)
    np.testing.assert_array_equal(division.near.ids[:, 0].view(40, 40).numpy(), selected.labels)
    assert selected.regions > 10
    _, expected = task._relaxed(Division(**vars(division), labels=torch.zeros(0, 40, 40).int(), category=None))
    assert 0.5 < float(expected) / selected.regions < 2


def test_a_widened_net_finds_the_same_features_and_further_ones_that_can_be_learned() -> None:
    net = _taught()
    wide = widened(net, 9)
    image = torch.rand(1, 4, 20, 24, generator=torch.Generator().manual_seed(1))
    features = wide(image)
    torch.testing.assert_close(features[:, :5], net(image))
    assert features.shape[1] == 9
    assert not features[:, 5:].any()
    features[:, 5:].sum().backward()
    assert wide.correct.weight.grad is not None
    assert wide.correct.weight.grad[4:].any()
    with pytest.raises(UsageError, match="fewer"):
        widened(wide, 5)
