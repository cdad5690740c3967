"""Vectors of tokens → one answer an image, or one a token: a small pre-norm Vision Transformer.

In: for each sample its own number of vectors. Out: logits. Samples are padded to the longest with a mask, so that
neither padding nor neighbours change an answer. After ViT (Dosovitskiy et al. 2021, arXiv 2010.11929).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..tokenizer.batches import pad, unpad


class TokenTransformer(nn.Module):
    """A transformer over sets of tokens.

    Args:
        width: of a token's vector.
        depth: blocks.
        heads: of attention; they divide `width`.
        answers: logits out.
    """

    def __init__(self, width: int, depth: int, heads: int, answers: int) -> None:
        super().__init__()
        self.summary = nn.Parameter(torch.randn(1, width) * 0.02)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, answers)

    def of_images(self, samples: Sequence[Float[Tensor, "K width"]]) -> Float[Tensor, "B answers"]:
        """One row of logits a sample, read from the summary token."""
        return torch.stack([answers[0] for answers in self._answers(samples)])

    def of_tokens(self, samples: Sequence[Float[Tensor, "K width"]]) -> list[Float[Tensor, "K answers"]]:
        """One row of logits a token."""
        return [answers[1:] for answers in self._answers(samples)]

    def _answers(self, samples: Sequence[Tensor]) -> list[Tensor]:
        values, exists = pad([torch.cat([self.summary, sample]) for sample in samples])
        for block in self.blocks:
            values = block(values, src_key_padding_mask=~exists)
        return [self.head(self.norm(sample)) for sample in unpad(values, exists)]
