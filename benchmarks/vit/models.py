"""An entrant and a backbone → a model: `FixedModel` has tokens that do not change, so that they can be kept,
`SegFormerModel` takes none, and `LearnedModel` divides each picture by a net that learns along.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from dhvt_vectorize.tokenizer.soft import own_regions
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer
from dhvt_vectorize.training.tasks import LAB_UNIT
from dhvt_vectorize.vit.embedding import premultiplied
from dhvt_vectorize.vit.heads import head_named
from dhvt_vectorize.vit.inputs import TokenInputs
from dhvt_vectorize.vit.pretrained import load_backbone
from dhvt_vectorize.vit.retrofit import retrofit
from dhvt_vectorize.vit.tokenizers import FixedPatches, HierarchicalRegions, ImageTokenizer

from ..dividers import with_alpha
from .config import SEGFORMERS, BackboneConfig, Entrant, Schedule
from .data import Picture, Truth
from .learned import LearnedModel
from .model import Answer, Model, Tokenized, answers_of_images, groups_of, told, transformer_of, vectors_of

_MEAN, _DEVIATION = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
# What DynamicViT's share of kept tokens weighs beside the task, as in the paper.
_PRUNING = 2.0


class FixedModel(Model):
    """A transformer over the tokens of a fixed tokenizer, at random or pretrained."""

    def __init__(
        self, entrant: Entrant, backbone: BackboneConfig, schedule: Schedule, segments: bool, classes: int
    ) -> None:
        super().__init__(schedule, segments, classes)
        self.tokenizer = entrant.made()
        self.told_features = entrant.features
        self.retrofitted = None
        if backbone.pretrained is None:
            told = _net_of(self.tokenizer).config.channels if entrant.features else 0
            self.embedding, self.transformer = transformer_of(entrant, backbone, classes, told)
            self.head = head_named(backbone.head, backbone.width, backbone.depth, classes) if segments else None
            return
        model = load_backbone(backbone.pretrained, backbone.weights, num_classes=classes)
        most = 10**9 if segments else entrant.most_tokens
        self.retrofitted = retrofit(
            model, self.tokenizer, most_tokens=most, batching=backbone.batching, masked=entrant.hides(pretrained=True)
        )
        width, blocks = self.retrofitted.anatomy.prefix().shape[1], len(self.retrofitted.anatomy.blocks)
        self.head = head_named(backbone.head, width, blocks, classes) if segments else None

    def tokens(self, picture: Picture) -> Tokenized:
        """See `Model.tokens`."""
        labels = torch.from_numpy(self.tokenizer(picture)).long()
        with torch.no_grad():
            if self.retrofitted is None:
                inputs = self.embedding.inputs(_shown(picture), own_regions(labels), features=self._features(picture))
            else:
                colours = torch.from_numpy(picture.copy()).permute(2, 0, 1).float() / 255
                inputs = self.retrofitted.soft_inputs(colours.to(self.retrofitted.mean.device), own_regions(labels))
        return Tokenized(inputs.to(torch.float16).to(self.device), labels)

    def _features(self, picture: Picture) -> Tensor | None:
        if not self.told_features:
            return None
        tokenizer = _net_of(self.tokenizer)
        values = tokenizer.pixel_features(with_alpha(picture), every_channel=True).values
        unit = tokenizer.config.feature_scale * LAB_UNIT
        return torch.from_numpy(values).permute(2, 0, 1).float() / unit

    def answers(self, tokenized: Sequence[Tokenized]) -> list[Answer]:
        """See `Model.answers`."""
        inputs = told(tokenized)
        if self.head is not None:
            labels = [each.labels.to(self.device) for each in tokenized]
            return list(self.head(self._states(inputs, self.head.depths), labels))
        if self.retrofitted is not None:
            return [(logits[None], None) for logits in self.retrofitted.answers(inputs)]
        return answers_of_images(self.transformer, self.embedding, inputs)

    def _states(self, inputs: Sequence[TokenInputs], depths: Sequence[int]) -> list[list[Tensor]]:
        if self.retrofitted is not None:
            return self.retrofitted.states(inputs, depths)
        return self.transformer.states(vectors_of(self.embedding, inputs), depths)

    def groups(self, rate: float) -> list[dict[str, object]]:
        """See `Model.groups`; earlier blocks of a pretrained model may learn slower."""
        if self.retrofitted is None or self.schedule.layer_decay == 1:
            return super().groups(rate)
        decay = importlib.import_module("timm.optim").param_groups_layer_decay
        inner = self.retrofitted.model
        parts = decay(inner, self.schedule.weight_decay, layer_decay=self.schedule.layer_decay)
        within = {id(parameter) for parameter in inner.parameters()}
        return [
            *groups_of([parameter for parameter in self.parameters() if id(parameter) not in within], rate),
            *({**part, "lr": rate * part["lr_scale"]} for part in parts),
        ]

    def loss(self, tokenized: Sequence[Tokenized], truths: Sequence[Truth]) -> Tensor:
        """See `Model.loss`."""
        loss = super().loss(tokenized, truths)
        if self.retrofitted is None and self.transformer.reduction_losses:
            loss = loss + _PRUNING * torch.stack(list(self.transformer.reduction_losses)).mean()
        return loss


class SegFormerModel(Model):
    """SegFormer of transformers, at random, as a yardstick: no tokenizer, a class for every square of 4 px.

    Args:
        size: b0, b1 or b2 (Xie et al. 2021).
        schedule, classes: as of others.
    """

    def __init__(self, size: str, schedule: Schedule, classes: int) -> None:
        super().__init__(schedule, True, classes)
        transformers = importlib.import_module("transformers")
        widths = (32, 64, 160, 256) if size == "b0" else (64, 128, 320, 512)
        depths = (3, 4, 6, 3) if size == "b2" else (2, 2, 2, 2)
        decoder = 768 if size == "b2" else 256
        settings = transformers.SegformerConfig(
            hidden_sizes=widths, depths=depths, decoder_hidden_size=decoder, num_labels=classes
        )
        self.model = transformers.SegformerForSemanticSegmentation(settings)
        self.squares = FixedPatches(4)

    def tokens(self, picture: Picture) -> Tokenized:
        """See `Model.tokens`; the picture itself."""
        labels = torch.from_numpy(self.squares(picture)).long()
        return Tokenized(None, labels, torch.from_numpy(picture.copy()))

    def answers(self, tokenized: Sequence[Tokenized]) -> list[Answer]:
        """See `Model.answers`."""
        device = self.device
        pictures = torch.stack([each.picture for each in tokenized if each.picture is not None]).to(device)
        shown = (pictures.permute(0, 3, 1, 2).float() / 255 - _MEAN.to(device)) / _DEVIATION.to(device)
        height, width = shown.shape[2:]
        logits = functional.interpolate(self.model(shown).logits, (height, width), mode="bilinear")
        own = torch.arange(height * width, device=device).view(height, width)
        return [(each.flatten(1).T, own) for each in logits]


def model_of(entrant: Entrant, backbone: BackboneConfig, schedule: Schedule, *, segments: bool, classes: int) -> Model:
    """The model of an entrant, as torch's generator starts it."""
    if entrant.tokenizer in SEGFORMERS:
        return SegFormerModel(entrant.tokenizer.partition("-")[2], schedule, classes)
    kind = LearnedModel if entrant.trained else FixedModel
    backbone = replace(backbone, head=entrant.head or backbone.head)
    return kind(entrant, backbone, schedule, segments, classes)


def _shown(picture: Picture) -> Float[Tensor, "4 H W"]:
    return premultiplied(torch.from_numpy(with_alpha(picture)))


def _net_of(made: ImageTokenizer) -> DHVTokenizer:
    assert isinstance(made, HierarchicalRegions)
    opened: DHVTokenizer = made.opened()
    return opened
