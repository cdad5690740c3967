"""Tokens of several images → one batch: padded with a mask, sorted into buckets, or packed end to end.

In: one tensor (K_b, …) an image, K_b its own number of tokens. Out: a tensor that a transformer takes. Nothing is
computed from one image for another, so a sample's tokens do not depend on its neighbours or its place. Where there is
room for fewer tokens than an image has, `most_important` says which stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int32, Int64
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Packed:
    """Samples end to end, as variable-length attention takes them.

    Attributes:
        values: (ΣK_b, …).
        boundaries: int32 (B + 1,), where each sample begins, and the end (cu_seqlens).
    """

    values: Float[Tensor, "T *D"]
    boundaries: Int32[Tensor, "B1"]

    @property
    def longest(self) -> int:
        """The greatest number of tokens of a sample."""
        return int(self.boundaries.diff().max()) if len(self.boundaries) > 1 else 0

    def samples(self) -> list[Float[Tensor, "K *D"]]:
        """The samples apart again."""
        return list(torch.split(self.values, self.boundaries.diff().tolist()))

    def nested(self) -> Tensor:
        """A nested tensor (B, ragged, …) over the same memory."""
        return torch.nested.nested_tensor_from_jagged(self.values, self.boundaries.long())


def pack(samples: Sequence[Float[Tensor, "K *D"]]) -> Packed:
    """Samples of any numbers of tokens, end to end."""
    counts = torch.tensor([0, *(len(sample) for sample in samples)], dtype=torch.int32, device=samples[0].device)
    return Packed(torch.cat(list(samples)), counts.cumsum(0, dtype=torch.int32))


def pad(
    samples: Sequence[Float[Tensor, "K *D"]], length: int | None = None
) -> tuple[Float[Tensor, "B L *D"], Bool[Tensor, "B L"]]:
    """Samples side by side, zeros after each one's last token, and where tokens are.

    Args:
        samples: of equal shapes but for the number of tokens.
        length: L; None is the greatest number of tokens.

    Raises:
        ValueError: a sample has more tokens than `length`.
    """
    longest = max(len(sample) for sample in samples)
    length = longest if length is None else length
    if longest > length:
        raise ValueError(f"a sample has {longest} tokens, more than the {length} there is room for")
    first = samples[0]
    padded = first.new_zeros(len(samples), length, *first.shape[1:])
    exists = torch.zeros(len(samples), length, dtype=torch.bool, device=first.device)
    for place, sample in enumerate(samples):
        padded[place, : len(sample)] = sample
        exists[place, : len(sample)] = True
    return padded, exists


def unpad(padded: Float[Tensor, "B L *D"], exists: Bool[Tensor, "B L"]) -> list[Float[Tensor, "K *D"]]:
    """The samples that `pad` put side by side."""
    return [sample[there] for sample, there in zip(padded, exists, strict=True)]


def most_important(importance: Float[Tensor, "K"], most: int) -> Int64[Tensor, "M"]:
    """The numbers of the `most` tokens that matter most, in their order; all where there are no more than that.

    Of equally important tokens those with lower numbers stay.
    """
    if len(importance) <= most:
        return torch.arange(len(importance), device=importance.device)
    return importance.argsort(descending=True, stable=True)[:most].sort().values


def buckets(counts: Sequence[int], waste: float = 0.25) -> list[list[int]]:
    """Samples grouped by their number of tokens, so that padding a group to its longest wastes little.

    Args:
        counts: tokens of each sample.
        waste: greatest share of a group's padded tokens that stand for nothing, 0 to 1; 0 groups equal counts alone.

    Returns:
        The samples' numbers, each once; groups by rising count, and within a group by count, then number.
    """
    groups: list[list[int]] = []
    total = 0
    for sample in sorted(range(len(counts)), key=lambda number: (counts[number], number)):
        if groups and total + counts[sample] >= (1 - waste) * counts[sample] * (len(groups[-1]) + 1):
            groups[-1].append(sample)
            total += counts[sample]
        else:
            groups.append([sample])
            total = counts[sample]
    return groups
