"""Enlarged drawings come nearer to what they are at that size, JPEGs to what they were; all else stays."""

from __future__ import annotations

import numpy as np
import pytest
from degraded_drawings import SEEDS, SIDE, as_jpeg, blurred, decibels, drawing, enlarged, noisy
from PIL import Image

from dhvt_vectorize.tokenizer.features import FeatureNet
from dhvt_vectorize.tokenizer.initial import initial_net
from dhvt_vectorize.tokenizer.jpeg import before_jpeg
from dhvt_vectorize.tokenizer.restored import restored
from dhvt_vectorize.tokenizer.rims import premultiply
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer


@pytest.fixture(scope="module")
def shipped() -> FeatureNet:
    return DHVTokenizer.load(device="cpu").features


def _reduced(pixels: np.ndarray, factor: int) -> np.ndarray:
    return np.array(Image.fromarray(pixels).resize((SIDE // factor,) * 2, Image.Resampling.BOX))


def _at_size(small: np.ndarray) -> np.ndarray:
    return np.array(Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("factor", "gain"), [(2, 5.0), (3, 3.0), (4, 2.0)])
def test_an_enlarged_drawing_comes_nearer_to_what_it_is(
    seed: int, factor: int, gain: float, shipped: FeatureNet
) -> None:
    truth = drawing(seed)
    given = _at_size(_reduced(truth, factor))
    found, noise = restored(given, shipped)
    assert found.shape == given.shape
    assert noise == 0.0
    assert decibels(found, truth) > decibels(given, truth) + gain


@pytest.mark.parametrize("seed", SEEDS)
def test_what_shows_through_stays_as_clear(seed: int, shipped: FeatureNet) -> None:
    truth = drawing(seed)
    truth[..., 3] = np.where(truth[..., 0] > 200, 0, 180)
    given = _at_size(_reduced(truth, 2))
    found = restored(given, shipped)[0]
    apart = [decibels(premultiply(each), premultiply(truth)) for each in (given, found)]
    assert apart[1] > apart[0] + 2.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_jpeg_that_was_enlarged_is_undone_at_its_own_size(seed: int, shipped: FeatureNet) -> None:
    small = as_jpeg(drawing(seed))
    truth = restored(enlarged(before_jpeg(small, shipped.config)[0]), shipped)[0]
    found, noise = restored(enlarged(small), shipped)
    assert noise > 0
    # what comes back of the small picture is off by rounding, and so are its coefficients
    assert decibels(found, truth) > 35.0
    assert decibels(found, truth) > decibels(enlarged(small), truth) + 3.0


def test_ramps_stay_as_smooth_as_they_were(shipped: FeatureNet) -> None:
    ramp = np.full((40, 40, 4), 255, np.uint8)
    ramp[..., 0] = np.linspace(20, 230, 40)
    ramp[..., 1] = np.linspace(250, 90, 40)[:, None]
    given = np.array(Image.fromarray(ramp).resize((80, 80), Image.Resampling.BILINEAR))
    assert (restored(given, shipped)[0] == given).mean() > 0.97


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("change", [lambda pixels: pixels, blurred, noisy])
def test_all_else_stays_as_it_is(seed: int, change, shipped: FeatureNet) -> None:
    pixels = change(drawing(seed))
    assert restored(pixels, shipped)[0] is pixels


def test_a_net_that_has_not_learned_doubling_undoes_jpeg_alone() -> None:
    net, large, jpeg = initial_net(), enlarged(drawing(0)), as_jpeg(drawing(0))
    assert restored(large, net)[0] is large
    assert (restored(jpeg, net)[0] == before_jpeg(jpeg, net.config)[0]).all()
