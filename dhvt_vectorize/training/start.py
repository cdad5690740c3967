"""What a run starts from and what its weights say of themselves.

In: weights to begin with, or none; the run's settings and results. Out: a net, and the card of a checkpoint.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..tokenizer.checkpoint import load_checkpoint
from ..tokenizer.config import TokenizerConfig
from ..tokenizer.features import FeatureNet
from ..tokenizer.initial import PARTS, initial_net, with_part

if TYPE_CHECKING:
    from .loop import TrainingSettings


def starting_net(task: str, init: Path | None, channels: int | None, seed: int) -> tuple[FeatureNet, str]:
    """The net to train for a task, and in words where it comes from.

    Raises:
        WeightsError: `init` cannot be used.
        UsageError: `channels` are out of range, or others than `init` has.
    """
    net, origin = _net(init, channels, seed)
    return (with_part(net, task, seed) if task in PARTS else net), origin


def _net(init: Path | None, channels: int | None, seed: int) -> tuple[FeatureNet, str]:
    if init is None:
        config = TokenizerConfig() if channels is None else TokenizerConfig(channels=channels)
        return initial_net(config, seed), f"an untrained net under seed {seed}"
    checkpoint = load_checkpoint(init, "cpu")
    if channels not in (None, checkpoint.config.channels):
        raise UsageError("--channels", f"{init} has {checkpoint.config.channels}", "leave it out")
    return checkpoint.net, f"{init.name}, SHA-256 {checkpoint.sha256}"


def card(name: str, data: str, origin: str, settings: TrainingSettings, last: dict[str, float]) -> dict[str, Any]:
    """What a checkpoint says of itself: what it was trained on, how, and the terms of the last steps."""
    return {
        "name": name,
        "trained_on": data,
        "method": f"task {settings.task}, {settings.steps} steps of {settings.batch_size}, from {origin}",
        "settings": asdict(settings),
        "scores": last,
    }
