"""A model and pictures → what an answer costs: arithmetic, time and memory.

Arithmetic is counted by torch's own counter over embedding and transformer, a multiplication and an addition as two;
the tokenizer's is not counted, its time is. Memory is what training keeps for the way back, per picture.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from .data import Picture, Truth
from .model import Model, Tokenized

_RUNS = 3


@dataclass(frozen=True)
class Cost:
    """What a picture costs.

    Attributes:
        gigaflops: of embedding and transformer.
        tokenizer_rate: pictures a second, one after another; crops and places are the tokenizer's work.
        backbone_rate: pictures a second, in one batch.
        megabytes: kept for the way back.
        parameters: of all that is trained.
    """

    gigaflops: float
    tokenizer_rate: float
    backbone_rate: float
    megabytes: float
    parameters: int


def cost(model: Model, pictures: Sequence[Picture], truths: Sequence[Truth]) -> Cost:
    """Measured on a batch of pictures; of time, the best of a few runs."""
    model.eval()
    tokenized = [model.tokens(picture) for picture in pictures]
    with torch.no_grad():
        tokenizing = _seconds(lambda: [model.tokens(picture) for picture in pictures])
        answering = _seconds(lambda: model.answers(tokenized))
    return Cost(
        flops(model, tokenized) / len(pictures) / 1e9,
        len(pictures) / tokenizing,
        len(pictures) / answering,
        _kept(model, pictures, truths) / len(pictures) / 2**20,
        sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
    )


def flops(model: Model, tokenized: Sequence[Tokenized]) -> int:
    """Of the answers, each picture by itself, so that nothing is spent on padding."""
    model.eval()
    # only as plain products attention is seen by the counter on every device
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        for each in tokenized:
            model.answers([each])
    return int(counter.get_total_flops())


def _seconds(work: Callable[[], object]) -> float:
    """Of the best of `_RUNS` runs, after one that may compile and load."""
    work()
    seconds = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _kept(model: Model, pictures: Sequence[Picture], truths: Sequence[Truth]) -> int:
    """Bytes that the loss keeps for its gradient, parameters not counted, shared memory counted once."""
    known = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    model.train()
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model.loss_of_pictures(pictures, truths, 0)
    model.eval()
    del loss
    return sum(kept.values())
