"""One block of a pre-norm Vision Transformer, over padded, packed, weighted or merging tokens.

After ViT (Dosovitskiy et al. 2021, arXiv 2010.11929). Attention is PyTorch's own; where samples of different lengths
lie end to end it runs over a nested tensor, so that no arithmetic is spent on padding.
"""

from __future__ import annotations

import warnings

import torch
from jaxtyping import Float, Int32
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Multi-head self-attention.

    Args:
        width: of a token's vector.
        heads: they divide `width`.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self, values: Float[Tensor, "B L width"], mask: Tensor | None = None, weight: Tensor | None = None
    ) -> tuple[Float[Tensor, "B L width"], Float[Tensor, "B heads L each"]]:
        """Mixed values, and the keys.

        Args:
            values: the tokens.
            mask: added to the logits, or false where a key is not to be seen; broadcast to (B, heads, L, L).
            weight: (B, L, L) that multiplies the exponentials of the logits, with a gradient.
        """
        query, key, value = self._heads(values)
        if weight is None:
            mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        else:
            logits = query @ key.mT / query.shape[-1] ** 0.5
            shares = (logits - logits.amax(-1, keepdim=True).detach()).exp() * weight[:, None]
            mixed = shares / shares.sum(-1, keepdim=True).clamp_min(1e-6) @ value
        return self.out(mixed.transpose(1, 2).flatten(2)), key

    def packed(self, values: Float[Tensor, "T width"], boundaries: Int32[Tensor, "B1"]) -> Float[Tensor, "T width"]:
        """The same of samples end to end, each attending to itself alone."""
        parts = self.qkv(values).view(len(values), 3, self.heads, -1).unbind(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that nested tensors are a prototype
            query, key, value = (
                torch.nested.nested_tensor_from_jagged(part.contiguous(), boundaries.long()).transpose(1, 2)
                for part in parts
            )
            mixed = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2)
        out: Tensor = self.out(mixed.values().flatten(1))
        return out

    def _heads(self, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch, length, _ = values.shape
        query, key, value = self.qkv(values).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        return query, key, value


class Block(nn.Module):
    """Attention and a perceptron, each on normalised values and added to them.

    Args:
        width: of a token's vector.
        heads: of attention.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm_perceptron = nn.LayerNorm(width)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def attend(self, values: Tensor, mask: Tensor | None = None, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The block's first half, and the keys of its attention."""
        mixed, keys = self.attention(self.norm_attention(values), mask, weight)
        return values + mixed, keys

    def think(self, values: Tensor) -> Tensor:
        """The block's second half."""
        after: Tensor = values + self.perceptron(self.norm_perceptron(values))
        return after

    def packed(self, values: Float[Tensor, "T width"], boundaries: Int32[Tensor, "B1"]) -> Float[Tensor, "T width"]:
        """The block over samples end to end."""
        return self.think(values + self.attention.packed(self.norm_attention(values), boundaries))
