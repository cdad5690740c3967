"""DoublingNet keeps what each pixel was, sees no farther than it says, learns, and is left out until it has."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from degraded_drawings import decibels, drawing
from torch.nn import functional

from dhvt_vectorize.tokenizer import doubling_net
from dhvt_vectorize.tokenizer.doubling_net import DEPTH, DoublingNet
from dhvt_vectorize.tokenizer.features import FeatureNet
from dhvt_vectorize.tokenizer.initial import initial_net, with_part
from dhvt_vectorize.training.views import halved

WIDTH = 6


def _net(*, answering: bool = True) -> DoublingNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = DoublingNet(WIDTH).eval()
        if answering:
            torch.nn.init.normal_(net.weigh.weight, std=2.0)
    return net


def _pixels(height: int, width: int) -> np.ndarray:
    """Premultiplied, and plain to the right of its first 20 columns."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)
    pixels[..., :3] = np.minimum(pixels[..., :3], pixels[..., 3:])
    pixels[:, 20:] = (10, 20, 30, 200)
    return pixels


def test_an_untrained_net_nearly_interpolates() -> None:
    net, ramp = _net(answering=False), torch.linspace(0.1, 0.9, 12).expand(1, 4, 9, 12)
    interpolated = functional.interpolate(ramp, scale_factor=2, mode="bilinear")
    # the weights that are none in interpolation are 3 % each at first
    assert (net(ramp) - interpolated)[..., 2:-2].abs().max() < 0.02
    assert not net.is_trained


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (7, 4), (30, 50)])
def test_four_pixels_mean_what_the_one_was_where_the_colours_around_allow_it(size: tuple[int, int]) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        image = torch.rand(2, 4, *size)
    large = _net()(image)
    assert large.shape == (2, 4, 2 * size[0], 2 * size[1])
    padded = functional.pad(image, (1,) * 4, mode="replicate")
    highest, lowest = functional.max_pool2d(padded, 3, 1), -functional.max_pool2d(-padded, 3, 1)
    darker, lighter = (functional.interpolate(each, scale_factor=2) for each in (lowest, highest))
    assert (large >= darker).all()
    assert (large <= lighter).all()
    bounded = functional.max_pool2d(((large == darker) | (large == lighter)).float(), 2).bool()
    off = (functional.avg_pool2d(large, 2) - image).abs()
    assert (off * ~bounded).max() < 1e-5


def test_what_is_plain_stays_so_exactly() -> None:
    pixels = _pixels(40, 60)
    large = _net().doubled(pixels)
    assert large.shape == (80, 120, 4)
    assert (large[:, 2 * 21 :] == pixels[0, -1]).all()
    assert (large[:, :40] != np.repeat(np.repeat(pixels[:, :20], 2, 0), 2, 1)).any()


def test_a_picture_in_tiles_is_the_picture_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, net = np.tile(_pixels(90, 60), (1, 5, 1)), _net()
    tiled = []
    for size in (2**30, 2**10):
        monkeypatch.setattr(doubling_net, "_TILE_PIXELS", size)
        tiled.append(net.doubled(pixels).astype(int))
    # sums in another order: a value next to a tie may round the other way
    assert np.abs(tiled[0] - tiled[1]).max() <= 1
    assert (tiled[0] != tiled[1]).mean() < 0.001


def test_it_sees_no_farther_than_it_says() -> None:
    image = torch.rand(1, 4, 41, 41, requires_grad=True)
    _net()(image)[0, :, 40:42, 40:42].square().sum().backward()
    assert image.grad is not None
    seen = image.grad[0].abs().amax(0).nonzero()
    assert int(seen.min()) >= 20 - DEPTH
    assert int(seen.max()) <= 20 + DEPTH


def test_until_it_has_learned_it_is_left_out() -> None:
    assert FeatureNet().doubling is None
    net = with_part(initial_net(), "doubling")
    assert net.doubling is not None
    assert net.learned_doubling is None


def test_it_learns_how_a_drawing_looks_at_twice_the_size() -> None:
    half, whole = halved(drawing(0), None)
    net = _net(answering=False).train()
    image, wanted = (torch.from_numpy(each).permute(2, 0, 1)[None].float() / 255 for each in (half, whole))
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(80):
        optimizer.zero_grad()
        (net(image) - wanted).square().mean().backward()
        optimizer.step()
    interpolated = functional.interpolate(image, scale_factor=2, mode="bilinear")[0].permute(1, 2, 0).numpy() * 255
    assert decibels(net.eval().doubled(half), whole) > decibels(interpolated, whole) + 3.0
