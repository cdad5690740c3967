"""Fewer tokens from block to block: ToMe merges alike ones, DynamicViT drops those that it takes for unimportant.

Both begin from as many tokens in every sample, as fixed patches give, and leave the first ones (CLS, registers) alone.
A reduction keeps no state of its own: `begin` makes it, each hook takes and returns it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ..errors import UsageError


@dataclass(frozen=True, eq=False)
class Reduced:
    """How far a batch is reduced.

    Attributes:
        size: (B, L), patches that each token stands for.
        kept: (B, L), 1 where a token is still wanted, with a gradient.
        losses: one for each time that tokens were chosen.
    """

    size: Float[Tensor, "B L"]
    kept: Float[Tensor, "B L"]
    losses: tuple[Tensor, ...] = field(default=())


class Reduction(nn.Module):
    """What may happen around a block; by itself it changes nothing."""

    def begin(self, values: Float[Tensor, "B L width"]) -> Reduced:
        """Every token stands for itself."""
        ones = values.new_ones(values.shape[:2])
        return Reduced(ones, ones)

    def before(self, depth: int, values: Tensor, state: Reduced) -> tuple[Tensor, Reduced]:
        """Called before the block numbered `depth`."""
        return values, state

    def within(self, depth: int, values: Tensor, keys: Tensor, state: Reduced) -> tuple[Tensor, Reduced]:
        """Called between attention and perceptron; `keys` are the attention's, (B, heads, L, each)."""
        return values, state

    def mask(self, state: Reduced) -> Tensor | None:
        """What is added to attention's logits."""
        return None

    def weight(self, state: Reduced) -> Tensor | None:
        """What multiplies attention's exponentials."""
        return None


class TokenMerging(Reduction):
    """In each block the `merged` most alike pairs become one token each, their mean weighted by size.

    Bipartite soft matching of ToMe (Bolya et al. 2023, arXiv 2210.09461): every second token proposes the most similar
    of the others, by the cosine of the keys' mean over heads; attention counts a token as often as it has patches.

    Args:
        merged: tokens fewer after each block; never more than half of them.
        prefix: tokens at the beginning that stay.
    """

    def __init__(self, merged: int, prefix: int = 1) -> None:
        super().__init__()
        if merged < 1:
            raise UsageError("merged", f"{merged} is out of range", "give a number from 1")
        self.merged, self.prefix = merged, prefix

    def mask(self, state: Reduced) -> Tensor | None:
        """See `Reduction.mask`."""
        return state.size.log()[:, None, None, :]

    def within(self, depth: int, values: Tensor, keys: Tensor, state: Reduced) -> tuple[Tensor, Reduced]:
        """See `Reduction.within`."""
        count = min(self.merged, (values.shape[1] - self.prefix) // 2)
        if count < 1:
            return values, state
        metric = functional.normalize(keys.mean(1)[:, self.prefix :], dim=-1)
        source, target = metric[:, ::2], metric[:, 1::2]
        closest, goal = (source @ target.mT).max(-1)
        order = closest.argsort(dim=-1, descending=True, stable=True)
        gone, stays = order[:, :count], order[:, count:].sort(-1).values
        goal = goal.gather(1, gone)

        def merge(tokens: Tensor) -> Tensor:
            first, rest = tokens[:, : self.prefix], tokens[:, self.prefix :]
            from_, to = rest[:, ::2], rest[:, 1::2]
            wide = goal[..., None].expand(-1, -1, tokens.shape[-1])
            sums = to.scatter_add(1, wide, _taken(from_, gone))
            return torch.cat([first, _taken(from_, stays), sums], 1)

        size = merge(state.size[..., None])
        return merge(values * state.size[..., None]) / size, replace(
            state, size=size[..., 0], kept=torch.ones_like(size[..., 0])
        )


class TokenPruning(Reduction):
    """Before some blocks a predictor says which tokens to keep: in training by masks that let gradients pass.

    DynamicViT (Rao et al. 2021, arXiv 2106.02034): the predictor sees each token and the mean of those kept. In
    training straight-through Gumbel-softmax samples decide, dropped tokens are not attended to, and the share of kept
    ones is drawn to its aim by the square of the difference; at inference those with the best scores are kept, as many
    as the aim says.

    Args:
        width: of a token's vector.
        share: of tokens kept each time.
        places: blocks before which tokens are dropped.
        prefix: tokens at the beginning that stay.
    """

    def __init__(self, width: int, share: float, places: tuple[int, ...], prefix: int = 1) -> None:
        super().__init__()
        if not 0 < share < 1:
            raise UsageError("share", f"{share} is out of range", "give a number between 0 and 1")
        self.share, self.places, self.prefix = share, places, prefix
        half = width // 2
        self.look = nn.ModuleList(nn.Sequential(nn.LayerNorm(width), nn.Linear(width, half), nn.GELU()) for _ in places)
        self.decide = nn.ModuleList(
            nn.Sequential(nn.Linear(2 * half, half), nn.GELU(), nn.Linear(half, 2)) for _ in places
        )

    def before(self, depth: int, values: Tensor, state: Reduced) -> tuple[Tensor, Reduced]:
        """See `Reduction.before`."""
        if depth not in self.places:
            return values, state
        stage = self.places.index(depth)
        kept = state.kept[:, self.prefix :, None]
        own = self.look[stage](values[:, self.prefix :])
        mean = (own * kept).sum(1, keepdim=True) / kept.sum(1, keepdim=True).clamp_min(1e-6)
        logits = self.decide[stage](torch.cat([own, mean.expand_as(own)], -1))
        if self.training:
            drawn = functional.gumbel_softmax(logits, hard=True)[..., 0] * kept[..., 0]
            aim = self.share ** (stage + 1)
            loss = (drawn.mean(1) - aim).square().mean()
            first = state.kept[:, : self.prefix]
            return values, replace(state, kept=torch.cat([first, drawn], 1), losses=(*state.losses, loss))
        count = max(1, round(self.share * own.shape[1]))
        score = logits[..., 0] - logits[..., 1]
        best = score.argsort(dim=-1, descending=True, stable=True)[:, :count].sort(-1).values
        values = torch.cat([values[:, : self.prefix], _taken(values[:, self.prefix :], best)], 1)
        return values, self.begin(values)

    def weight(self, state: Reduced) -> Tensor | None:
        """See `Reduction.weight`; a dropped token is seen by itself alone."""
        if not (self.training and state.losses):
            return None
        itself = torch.eye(state.kept.shape[1], device=state.kept.device)
        return state.kept[:, None, :] * (1 - itself) + itself


def _taken(tokens: Float[Tensor, "B L D"], numbers: Tensor) -> Float[Tensor, "B M D"]:
    return tokens.gather(1, numbers[..., None].expand(-1, -1, tokens.shape[-1]))
