"""A Vision Transformer of timm or transformers → its parts, as a retrofit needs them.

Known by what they are made of, not by their class: timm's VisionTransformer (ViT, DeiT, DINOv2, with or without
registers or a distillation token), timm's NaFlexVit, and transformers' ViT and Dinov2 with or without a classifier.
No part is copied or changed: an anatomy calls the model's own modules.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from ..errors import UsageError

Colours = tuple[float, float, float]
_IMAGENET: tuple[Colours, Colours] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALVES: tuple[Colours, Colours] = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


class Anatomy(ABC):
    """The parts of a model.

    Attributes:
        model: the model itself.
        side: of a patch, in px.
        normalisation: mean and standard deviation of the colours (0..1) that the model takes.
    """

    side: int
    normalisation: tuple[Colours, Colours]

    def __init__(self, model: Any) -> None:
        self.model = model

    @abstractmethod
    def project(self, pictures: Float[Tensor, "K 3 side side"]) -> Float[Tensor, "K width"]:
        """Patches as the pretrained projection embeds them, without places."""

    @abstractmethod
    def places(self, height: int, width: int) -> Float[Tensor, "rows columns width"] | None:
        """The pretrained position embedding of each cell of an image of this size, in px; None if there is none."""

    @abstractmethod
    def prefix(self) -> Float[Tensor, "P width"]:
        """CLS, registers and whatever else comes before the patches, with their own position embeddings."""

    @property
    @abstractmethod
    def blocks(self) -> nn.ModuleList:
        """The transformer's blocks."""

    @abstractmethod
    def enter(self, values: Float[Tensor, "B L width"]) -> Tensor:
        """What is done before the first block."""

    @abstractmethod
    def step(self, block: nn.Module, values: Float[Tensor, "B L width"], mask: Tensor | None) -> Tensor:
        """One block, with what is added to the logits of attention."""

    @abstractmethod
    def leave(self, values: Float[Tensor, "B L width"]) -> Tensor:
        """The last norm."""

    def encode(
        self, values: Float[Tensor, "B L width"], exists: Bool[Tensor, "B L"] | None, depths: Sequence[int] = ()
    ) -> list[Tensor]:
        """What the last norm gives, and before it in the list what some blocks do, counted from 1.

        Args:
            values: prefix and tokens.
            exists: tokens that do not exist are not attended to; None: all do.
            depths: the blocks; of the last one the norm's result.
        """
        mask, values, after = _added(exists, values), self.enter(values), {}
        for depth, block in enumerate(self.blocks, 1):
            values = self.step(block, values, mask)
            after[depth] = values
        after[len(self.blocks)] = self.leave(values)
        return [*(after[depth] for depth in depths), after[len(self.blocks)]]

    @abstractmethod
    def answer(self, encoded: Float[Tensor, "B L width"], exists: Bool[Tensor, "B L"]) -> Tensor:
        """The model's answer: logits if it classifies, else its pooled features."""

    @property
    @abstractmethod
    def pretrained_tokens(self) -> int:
        """How many patches the model was made for."""


def anatomy_of(model: nn.Module) -> Anatomy:
    """The anatomy of a model.

    Raises:
        UsageError: a model of no known kind, or whose attention knows of places on a grid.
    """
    relative = any("relative_position" in name or "rel_pos" in name for name, _ in model.named_parameters())
    if relative or getattr(model, "rope", None) is not None:
        cause = "has rotary or relative positions, which belong to a grid of patches"
        raise UsageError(type(model).__name__, cause, "give a model whose positions are added to its patches")
    if hasattr(model, "embeds") and hasattr(model, "blocks"):
        return NaFlexAnatomy(model)
    if hasattr(model, "patch_embed") and hasattr(model, "blocks") and hasattr(model, "pos_embed"):
        return TimmAnatomy(model)
    base = getattr(model, getattr(model, "base_model_prefix", ""), model)
    if hasattr(getattr(base, "embeddings", None), "patch_embeddings"):
        return TransformersAnatomy(model)
    raise UsageError(
        type(model).__name__,
        "is no Vision Transformer that can be retrofitted",
        "give timm's VisionTransformer or NaFlexVit, or transformers' ViT or Dinov2",
    )


class _Timm(Anatomy):
    """What timm's two models have in common."""

    @property
    def blocks(self) -> nn.ModuleList:
        """See `Anatomy.blocks`."""
        blocks: nn.ModuleList = self.model.blocks
        return blocks

    def step(self, block: nn.Module, values: Tensor, mask: Tensor | None) -> Tensor:
        """See `Anatomy.step`."""
        stepped: Tensor = block(values, attn_mask=mask)
        return stepped

    def leave(self, values: Tensor) -> Tensor:
        """See `Anatomy.leave`."""
        left: Tensor = self.model.norm(values)
        return left


class TimmAnatomy(_Timm):
    """timm's VisionTransformer."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.side = _square(model.patch_embed.patch_size)
        self.normalisation = _timm_normalisation(model)
        grid = model.patch_embed.grid_size
        self.grid = (int(grid[0]), int(grid[1]))

    def project(self, pictures: Tensor) -> Tensor:
        """See `Anatomy.project`."""
        embedded: Tensor = self.model.patch_embed.norm(self.model.patch_embed.proj(pictures).flatten(1))
        return embedded

    def places(self, height: int, width: int) -> Tensor | None:
        """See `Anatomy.places`."""
        if self.model.pos_embed is None:
            return None
        grid = self.model.pos_embed[0, -self.grid[0] * self.grid[1] :].view(*self.grid, -1)
        return _resized(grid, (height // self.side, width // self.side), antialias=True)

    def prefix(self) -> Tensor:
        """See `Anatomy.prefix`."""
        none = self.model.patch_embed.proj.weight.new_zeros(1, 0, self.model.embed_dim)
        names = ("cls_token", "dist_token", "reg_token")
        tokens = [token for name in names if (token := getattr(self.model, name, None)) is not None]
        first: Tensor = torch.cat([none, *tokens], 1)[0]
        if self.model.pos_embed is None or self.model.no_embed_class:
            return first
        first = first + self.model.pos_embed[0, : len(first)]
        return first

    def enter(self, values: Tensor) -> Tensor:
        """See `Anatomy.enter`."""
        entered: Tensor = self.model.norm_pre(self.model.pos_drop(values))
        return entered

    def answer(self, encoded: Tensor, exists: Tensor) -> Tensor:
        """See `Anatomy.answer`."""
        model = self.model
        kind = getattr(model, "global_pool", "token")
        answer: Tensor
        if kind == "token" or exists.all():
            answer = model.forward_head(encoded)
            return answer
        if kind not in ("avg", "avgmax", "max"):
            raise UsageError("global_pool", f"{kind!r} cannot pool different numbers of tokens", "use token or avg")
        first = 0 if model.pool_include_prefix else model.num_prefix_tokens
        pooled = _pooled(encoded[:, first:], exists[:, first:], kind)
        answer = model.head(model.head_drop(model.fc_norm(pooled)))
        return answer

    @property
    def pretrained_tokens(self) -> int:
        """See `Anatomy.pretrained_tokens`."""
        return self.grid[0] * self.grid[1]


class NaFlexAnatomy(_Timm):
    """timm's NaFlexVit, with a learned, a factorised or no position embedding."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        embeds = model.embeds
        self.side = _square(embeds.patch_size)
        self.normalisation = _timm_normalisation(model)
        self.grid = tuple(int(length) for length in embeds.pos_embed_grid_size or (0, 0))

    def project(self, pictures: Tensor) -> Tensor:
        """See `Anatomy.project`."""
        embeds = self.model.embeds
        if embeds.is_linear:
            pictures = pictures.permute(0, 2, 3, 1) if embeds.channels_last else pictures
            flat = pictures.flatten(1)
            embedded = embeds.proj(flat if embeds.norm_input is None else embeds.norm_input(flat))
        else:
            embedded = embeds.proj(pictures).flatten(1)
        normed: Tensor = embeds.norm(embedded)
        return normed

    def places(self, height: int, width: int) -> Tensor | None:
        """See `Anatomy.places`."""
        embeds, size = self.model.embeds, (height // self.side, width // self.side)
        if embeds.pos_embed_type == "none":
            return None
        # the model's own code adds places to what it is given, for any grid
        start: Tensor = embeds.proj.weight.new_zeros(1, size[0] * size[1], embeds.embed_dim)
        if embeds.pos_embed_type == "learned":
            embeds._apply_learned_pos_embed(start, grid_size=list(size))
        else:
            embeds._apply_factorized_pos_embed(start, grid_size=list(size))
        return start[0].view(*size, -1)

    def prefix(self) -> Tensor:
        """See `Anatomy.prefix`."""
        embeds = self.model.embeds
        tokens = [token[0] for token in (embeds.cls_token, embeds.reg_token) if token is not None]
        return torch.cat([embeds.proj.weight.new_zeros(0, embeds.embed_dim), *tokens])

    def enter(self, values: Tensor) -> Tensor:
        """See `Anatomy.enter`."""
        entered: Tensor = self.model.norm_pre(self.model.embeds.pos_drop(values))
        return entered

    def answer(self, encoded: Tensor, exists: Tensor) -> Tensor:
        """See `Anatomy.answer`."""
        answer: Tensor = self.model.forward_head(encoded, patch_valid=exists[:, self.model.num_prefix_tokens :])
        return answer

    @property
    def pretrained_tokens(self) -> int:
        """See `Anatomy.pretrained_tokens`."""
        return self.grid[0] * self.grid[1]


class TransformersAnatomy(Anatomy):
    """transformers' ViT and Dinov2, bare or with a classifier."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.base = getattr(model, model.base_model_prefix, model)
        embeddings = self.base.embeddings
        self.side = _square(embeddings.patch_embeddings.patch_size)
        self.dinov2 = model.config.model_type == "dinov2"
        self.normalisation = _IMAGENET if self.dinov2 else _HALVES
        image = embeddings.patch_embeddings.image_size
        self.grid = (int(image[0]) // self.side, int(image[1]) // self.side)
        self.layers: nn.ModuleList = self.base.layers if hasattr(self.base, "layers") else self.base.encoder.layer
        if "attention_mask" not in inspect.signature(self.layers[0].forward).parameters:
            raise UsageError("transformers", "its layers take no attention mask", "install 5.24 or newer")

    def project(self, pictures: Tensor) -> Tensor:
        """See `Anatomy.project`."""
        embedded: Tensor = self.base.embeddings.patch_embeddings.projection(pictures).flatten(1)
        return embedded

    def places(self, height: int, width: int) -> Tensor | None:
        """See `Anatomy.places`."""
        grid = self.base.embeddings.position_embeddings[0, 1:].view(*self.grid, -1)
        return _resized(grid, (height // self.side, width // self.side), antialias=False)

    def prefix(self) -> Tensor:
        """See `Anatomy.prefix`."""
        embeddings = self.base.embeddings
        first: Tensor = embeddings.cls_token[0] + embeddings.position_embeddings[0, :1]
        return first

    @property
    def blocks(self) -> nn.ModuleList:
        """See `Anatomy.blocks`."""
        return self.layers

    def enter(self, values: Tensor) -> Tensor:
        """See `Anatomy.enter`."""
        entered: Tensor = self.base.embeddings.dropout(values)
        return entered

    def step(self, block: nn.Module, values: Tensor, mask: Tensor | None) -> Tensor:
        """See `Anatomy.step`."""
        stepped: Tensor = block(values, mask)
        return stepped

    def leave(self, values: Tensor) -> Tensor:
        """See `Anatomy.leave`."""
        left: Tensor = self.base.layernorm(values)
        return left

    def answer(self, encoded: Tensor, exists: Tensor) -> Tensor:
        """See `Anatomy.answer`."""
        summary = encoded[:, 0]
        classifier = getattr(self.model, "classifier", None)
        if classifier is None:
            pooler = getattr(self.base, "pooler", None)
            pooled: Tensor = summary if pooler is None else pooler(encoded)
            return pooled
        if self.dinov2:
            summary = torch.cat([summary, _pooled(encoded[:, 1:], exists[:, 1:], "avg")], 1)
        logits: Tensor = classifier(summary)
        return logits

    @property
    def pretrained_tokens(self) -> int:
        """See `Anatomy.pretrained_tokens`."""
        return self.grid[0] * self.grid[1]


def _square(size: Any) -> int:
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if sides[0] != sides[1]:
        raise UsageError("patch_size", f"{sides[0]} × {sides[1]} is no square", "give a model of square patches")
    return int(sides[0])


def _timm_normalisation(model: Any) -> tuple[Colours, Colours]:
    settings = getattr(model, "pretrained_cfg", None) or {}
    return tuple(settings.get("mean", _HALVES[0])), tuple(settings.get("std", _HALVES[1]))


def _resized(grid: Float[Tensor, "rows columns width"], size: tuple[int, int], *, antialias: bool) -> Tensor:
    """Position embeddings for another grid, as the libraries themselves make them."""
    if tuple(grid.shape[:2]) == size or 0 in size:
        return grid
    planes = grid.permute(2, 0, 1)[None].float()
    resized = functional.interpolate(planes, size, mode="bicubic", align_corners=False, antialias=antialias)
    return resized[0].permute(1, 2, 0).to(grid.dtype)


def _added(exists: Bool[Tensor, "B L"] | None, values: Tensor) -> Float[Tensor, "B 1 1 L"] | None:
    """What is added to logits, so that nothing is attended to that does not exist."""
    if exists is None:
        return None
    least = torch.finfo(values.dtype).min
    return torch.zeros_like(exists, dtype=values.dtype).masked_fill(~exists, least)[:, None, None, :]


def _pooled(values: Float[Tensor, "B L width"], exists: Bool[Tensor, "B L"], kind: str) -> Float[Tensor, "B width"]:
    there = exists[..., None]
    mean = (values * there).sum(1) / there.sum(1).clamp_min(1)
    if kind == "avg":
        return mean
    greatest = values.masked_fill(~there, -torch.inf).amax(1)
    return greatest if kind == "max" else (mean + greatest) / 2
