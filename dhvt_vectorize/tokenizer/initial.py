"""The initial checkpoint: a tokenizer before any training, whose features are CIE Lab.

    python -m dhvt_vectorize.tokenizer.initial weights/dhvt-base.safetensors

writes the file that comes with the package, byte for byte: the settings are `TokenizerConfig`'s defaults, the hidden
layers PyTorch's own random start under a fixed seed, the last layer zero.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..errors import UsageError
from .checkpoint import save_checkpoint
from .config import TokenizerConfig
from .features import FeatureNet

SEED = 0
PARTS: dict[str, dict[str, Any]] = {
    "borders": {
        "border_width": 24,
        "token_border_exponent": 0.1,
        "token_compactness": 60.0,
        "token_border_tension": 0.4,
        "token_smoothing": 0.0,
    },
    "doubling": {"doubling_width": 32},
}
"""Parts that a net has only once they are to learn, and the settings of a tokenizer with each, where they differ.

Where texture is smoothed away between learned borders, nothing else need smooth it, and borders need not be short:
these were best on BSDS500 val.
"""
INITIAL_CARD = {
    "name": "dhvt-base",
    "trained_on": "nothing",
    "method": f"initialised under seed {SEED}, not trained: the last layer is zero, so that the features are CIE Lab "
    "(D65) and alpha, pixel by pixel, without any context",
    "scores": {},
    "license": "MIT",
}


def initial_net(config: TokenizerConfig | None = None, seed: int = SEED) -> FeatureNet:
    """An untrained net, the same for the same config and seed; leaves torch's random generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FeatureNet(config)


def widened(net: FeatureNet, channels: int) -> FeatureNet:
    """A net with the same features and further ones, which are 0 until they are learned.

    Raises:
        UsageError: fewer channels than the net has, or more than a net may have.
    """
    if channels < net.config.channels:
        raise UsageError("channels", f"{channels} are fewer than the net's {net.config.channels}", "ask for no fewer")
    wide = initial_net(replace(net.config, channels=channels))
    state = dict(net.state_dict())
    for name in ("correct.weight", "correct.bias"):
        further = torch.zeros(channels - net.config.channels, *state[name].shape[1:])
        state[name] = torch.cat([state[name], further.to(state[name])])
    wide.load_state_dict(state)
    return wide.to(net.correct.weight.device).train(net.training)


def with_part(net: FeatureNet, part: str, seed: int = SEED) -> FeatureNet:
    """The net with one of `PARTS`, which has yet to learn; a net that has it stays as it is."""
    if getattr(net, part) is not None:
        return net
    wide = initial_net(replace(net.config, **PARTS[part]), seed)
    wide.load_state_dict({**wide.state_dict(), **net.state_dict()})
    return wide.to(net.correct.weight.device).train(net.training)


def main() -> None:
    """Write the initial checkpoint to the path given on the command line."""
    parser = argparse.ArgumentParser(description="Write the initial checkpoint.")
    parser.add_argument("path", type=Path, help="the safetensors file to write")
    net = initial_net()
    save_checkpoint(parser.parse_args().path, net, net.config, INITIAL_CARD)


if __name__ == "__main__":
    main()
