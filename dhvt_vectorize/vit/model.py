"""Vectors of tokens → one answer an image, or one a token: a small pre-norm Vision Transformer.

In: for each sample its own number of vectors. Out: logits. Samples are padded to the longest with a mask, padded in
buckets of about equal counts, or packed end to end: the answers are the same, and neither padding nor neighbours change
one. After ViT (Dosovitskiy et al. 2021, arXiv 2010.11929), with registers (Darcet et al. 2024, arXiv 2309.16588).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import UsageError
from ..tokenizer.batches import buckets, pack, pad, unpad
from .blocks import Block
from .reduction import Reduction

BATCHING = ("padded", "bucketed", "packed")


class TokenTransformer(nn.Module):
    """A transformer over sets of tokens.

    Args:
        width: of a token's vector.
        depth: blocks.
        heads: of attention; they divide `width`.
        answers: logits out.
        registers: learned tokens beside the summary (CLS) token, that nothing is read from.
        batching: how samples are put together, one of `BATCHING`.
        reduction: what makes tokens fewer from block to block; its samples all have as many.

    Raises:
        UsageError: an unknown batching, or a reduction of packed samples.
    """

    def __init__(
        self,
        width: int,
        depth: int,
        heads: int,
        answers: int,
        *,
        registers: int = 0,
        batching: str = "padded",
        reduction: Reduction | None = None,
    ) -> None:
        super().__init__()
        if batching not in BATCHING:
            raise UsageError("batching", f"no such value {batching!r}", f"choose one of {', '.join(BATCHING)}")
        if reduction is not None and batching != "padded":
            raise UsageError("batching", f"{batching} samples cannot be reduced", "choose padded")
        self.batching = batching
        self.prefix = nn.Parameter(torch.randn(1 + registers, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, answers)
        self.reduction = reduction
        self.reduction_losses: tuple[Tensor, ...] = ()

    def of_images(self, samples: Sequence[Float[Tensor, "K width"]]) -> Float[Tensor, "B answers"]:
        """One row of logits a sample, read from the summary token."""
        summaries = torch.stack([values[0] for values in self.encoded(samples)])
        logits: Tensor = self.head(self.norm(summaries))
        return logits

    def of_tokens(self, samples: Sequence[Float[Tensor, "K width"]]) -> list[Float[Tensor, "K answers"]]:
        """One row of logits a token.

        Raises:
            UsageError: tokens are reduced on the way.
        """
        if self.reduction is not None:
            raise UsageError("reduction", "leaves no answer for each token", "ask for one an image, or reduce nothing")
        return [self.head(self.norm(values[len(self.prefix) :])) for values in self.encoded(samples)]

    def states(
        self, samples: Sequence[Float[Tensor, "K width"]], depths: Sequence[int]
    ) -> list[list[Float[Tensor, "K width"]]]:
        """Each sample's tokens after some blocks, counted from 1; of the last block, normalised.

        Raises:
            UsageError: tokens are reduced on the way.
        """
        if self.reduction is not None:
            raise UsageError("reduction", "leaves not every token", "reduce nothing")
        values, exists = pad([torch.cat([self.prefix, sample]) for sample in samples])
        mask = None if exists.all() else exists[:, None, None, :]
        after: dict[int, list[Tensor]] = {}
        for depth, block in enumerate(self._blocks, 1):
            values = block.think(block.attend(values, mask)[0])
            shown = self.norm(values) if depth == len(self.blocks) else values
            after[depth] = [sample[len(self.prefix) :] for sample in unpad(shown, exists)]
        return [after[depth] for depth in depths]

    def encoded(self, samples: Sequence[Float[Tensor, "K width"]]) -> list[Float[Tensor, "M width"]]:
        """What becomes of each sample's summary, registers and tokens, in this order, before the last norm."""
        whole = [torch.cat([self.prefix, sample]) for sample in samples]
        if self.batching == "packed":
            packed = pack(whole)
            values = packed.values
            for block in self._blocks:
                values = block.packed(values, packed.boundaries)
            return list(torch.split(values, packed.boundaries.diff().tolist()))
        if self.batching == "bucketed":
            return in_buckets(whole, self._padded)
        return self._padded(whole) if self.reduction is None else self._reduced(whole, self.reduction)

    @property
    def _blocks(self) -> list[Block]:
        return cast(list[Block], list(self.blocks))

    def _padded(self, whole: Sequence[Tensor]) -> list[Tensor]:
        values, exists = pad(whole)
        mask = None if exists.all() else exists[:, None, None, :]
        for block in self._blocks:
            values = block.think(block.attend(values, mask)[0])
        return unpad(values, exists)

    def _reduced(self, whole: Sequence[Tensor], reduction: Reduction) -> list[Tensor]:
        if len({len(sample) for sample in whole}) > 1:
            raise UsageError("reduction", "samples have different numbers of tokens", "use it with fixed patches")
        values = torch.stack(list(whole))
        state = reduction.begin(values)
        for depth, block in enumerate(self._blocks):
            values, state = reduction.before(depth, values, state)
            values, keys = block.attend(values, reduction.mask(state), reduction.weight(state))
            values, state = reduction.within(depth, values, keys, state)
            values = block.think(values)
        self.reduction_losses = state.losses
        return list(values)


def in_buckets(
    samples: Sequence[Tensor], work: Callable[[Sequence[Tensor]], list[Tensor]], waste: float = 0.25
) -> list[Tensor]:
    """The results of `work` on samples grouped by length, in the samples' order."""
    results: dict[int, Tensor] = {}
    for group in buckets([len(sample) for sample in samples], waste):
        results.update(zip(group, work([samples[number] for number in group]), strict=True))
    return [results[number] for number in range(len(samples))]
