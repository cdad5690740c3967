"""Features of photographs: what is drawn weighs colour as the config has it, tokens have theirs."""

from __future__ import annotations

import numpy as np
import pytest

from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.initial import initial_net
from dhvt_vectorize.tokenizer.token_features import drawn_features
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

CHANNELS = [0, 1, 2]


def features() -> np.ndarray:
    return np.random.default_rng(0).integers(-1600, 1600, (9, 7, 3)).astype(np.int32)


def test_colour_that_counts_as_much_as_lightness_changes_nothing() -> None:
    values = features()
    assert drawn_features(values, CHANNELS, TokenizerConfig()) is values


@pytest.mark.parametrize("weight", [0.3, 0.6, 2.0])
def test_colour_is_weighed_beside_lightness_and_all_of_it_counts_as_before(weight: float) -> None:
    values = features()
    weighed = drawn_features(values, CHANNELS, TokenizerConfig(drawn_colour=weight))
    factors = np.sqrt(3 / (1 + 2 * weight**2)) * np.array([1, weight, weight])
    assert (factors**2).sum() == pytest.approx(3)
    assert weighed == pytest.approx(values * factors, abs=0.5)
    assert weighed.dtype == np.int32


def test_channels_that_were_left_out_are_not_mistaken_for_others() -> None:
    values = features()[..., :2]
    left_out = drawn_features(values, [0, 2], TokenizerConfig(drawn_colour=0.5))
    assert (
        left_out == drawn_features(features()[..., [0, 1, 1]], CHANNELS, TokenizerConfig(drawn_colour=0.5))[..., :2]
    ).all()


def test_only_photographs_that_are_drawn_have_their_colour_weighed() -> None:
    plain, weighing = (
        DHVTokenizer(initial_net(config).eval(), config)
        for config in (TokenizerConfig(), TokenizerConfig(drawn_colour=0.5))
    )
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 4)).astype(np.uint8)
    pixels[..., 3] = 255
    for photograph, compact in ((True, False), (True, True), (False, False), (False, True)):
        found = [
            each.pixel_features(pixels, photograph=photograph, compact=compact).values for each in (plain, weighing)
        ]
        assert (found[0] != found[1]).any() == (photograph and not compact)
