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
def test_colour_is_weighed_and_lightness_is_not(weight: float) -> None:
    values = features()
    weighed = drawn_features(values, CHANNELS, TokenizerConfig(drawn_colour=weight))
    assert (weighed[..., 0] == values[..., 0]).all()
    assert weighed[..., 1:] == pytest.approx(values[..., 1:] * weight, abs=0.5)
    assert weighed.dtype == np.int32


def test_channels_that_were_left_out_are_not_mistaken_for_others() -> None:
    values = features()[..., :2]
    weighed = drawn_features(values, [0, 2], TokenizerConfig(drawn_colour=0.5))
    assert weighed[..., 1] == pytest.approx(values[..., 1] * 0.5, abs=0.5)


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
