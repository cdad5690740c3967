"""An entrant and a backbone → a model with one interface: pictures → tokens → answers, and a loss to learn by.

`FixedModel` has tokens that do not change, so that they can be kept; `LearnedModel` divides each picture by a net that
learns along. Of either, `tokens` is what the tokenizer does at inference, `answers` what the transformer does.
"""

from __future__ import annotations

import importlib
import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.differentiable import SoftDivision
from dhvt_vectorize.tokenizer.initial import initial_net, widened
from dhvt_vectorize.tokenizer.soft import own_regions
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer
from dhvt_vectorize.training.losses import token_segmentation
from dhvt_vectorize.training.samples import Sample
from dhvt_vectorize.training.tasks import LAB_UNIT, ClassifyTask, Division, LossWeights, SegmentTask
from dhvt_vectorize.vit.embedding import TokenEmbedding, premultiplied
from dhvt_vectorize.vit.heads import SegmentationHead, head_named
from dhvt_vectorize.vit.inputs import TokenInputs, joined
from dhvt_vectorize.vit.model import TokenTransformer
from dhvt_vectorize.vit.pretrained import load_backbone
from dhvt_vectorize.vit.reduction import Reduction, TokenMerging, TokenPruning
from dhvt_vectorize.vit.retrofit import retrofit
from dhvt_vectorize.vit.tokenizers import FixedPatches, HierarchicalRegions, ImageTokenizer

from ..dividers import with_alpha
from .config import SEGFORMERS, BackboneConfig, Entrant, Schedule
from .data import Picture, Truth

# logits of a picture's places, and the place of each pixel where pixels have classes
Answer = tuple[Tensor, Tensor | None]

_MEAN, _DEVIATION = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
# What DynamicViT's share of kept tokens weighs beside the task, as in the paper.
_PRUNING = 2.0


@dataclass(frozen=True, eq=False)
class Tokenized:
    """A picture's tokens.

    Attributes:
        inputs: what an embedding is told, in half precision.
        labels: int64 (H, W), who owns each pixel.
        picture: uint8 (H, W, 3), for a model that takes no tokens.
    """

    inputs: TokenInputs | None
    labels: Int64[Tensor, "H W"]
    picture: Tensor | None = None

    def __len__(self) -> int:
        """How many there are."""
        return int(self.labels.max()) + 1 if self.inputs is None else len(self.inputs)

    def told(self, device: torch.device) -> TokenInputs:
        """What an embedding is told, in single precision."""
        assert self.inputs is not None
        return self.inputs.to(device).to(torch.float32)


class Model(nn.Module):
    """What is trained and judged.

    Args:
        schedule: for the loss's smoothing, and who learns how fast.
        segments: whether every token gets an answer, rather than the picture.
        classes: how many there are.
    """

    fixed_epochs: float = math.inf
    """So many epochs of training a picture has the same tokens."""

    def __init__(self, schedule: Schedule, segments: bool, classes: int) -> None:
        super().__init__()
        self.schedule, self.segments, self.classes = schedule, segments, classes

    @abstractmethod
    def tokens(self, picture: Picture) -> Tokenized:
        """What the tokenizer makes of a picture."""

    @abstractmethod
    def answers(self, tokenized: Sequence[Tokenized]) -> list[Answer]:
        """Of each picture its logits (1, classes), or those of its places (M, classes) and the place of each pixel."""

    def loss(self, tokenized: Sequence[Tokenized], truths: Sequence[Truth]) -> Tensor:
        """What is minimised."""
        answers = self.answers(tokenized)
        if self.segments:
            return torch.stack([_segmentation(*each) for each in zip(answers, truths, strict=True)]).mean()
        logits = torch.cat([logits for logits, _ in answers])
        truth = torch.tensor(truths, device=logits.device)
        return functional.cross_entropy(logits, truth, label_smoothing=self.schedule.smoothing)

    def loss_of_pictures(self, pictures: Sequence[Picture], truths: Sequence[Truth], seed: int) -> Tensor:
        """The same where tokens change in training; `seed` is of what is drawn at random."""
        return self.loss([self.tokens(picture) for picture in pictures], truths)

    def groups(self, rate: float) -> list[dict[str, object]]:
        """Parameters with their learning rates; those of matrices decay."""
        return _groups(list(self.parameters()), rate)


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
        self.retrofitted = retrofit(model, self.tokenizer, most_tokens=most, batching=backbone.batching)
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
        return Tokenized(inputs.to(torch.float16).to("cpu"), labels)

    def _features(self, picture: Picture) -> Tensor | None:
        if not self.told_features:
            return None
        tokenizer = _net_of(self.tokenizer)
        values = tokenizer.pixel_features(with_alpha(picture), every_channel=True).values
        unit = tokenizer.config.feature_scale * LAB_UNIT
        return torch.from_numpy(values).permute(2, 0, 1).float() / unit

    def answers(self, tokenized: Sequence[Tokenized]) -> list[Answer]:
        """See `Model.answers`."""
        device = next(self.parameters()).device
        inputs = [each.told(device) for each in tokenized]
        if self.head is not None:
            labels = [each.labels.to(device) for each in tokenized]
            return list(self.head(self._states(inputs, self.head.depths), labels))
        if self.retrofitted is not None:
            return [(logits[None], None) for logits in self.retrofitted.answers(inputs)]
        return _of_images(self.transformer, self.embedding, inputs)

    def _states(self, inputs: Sequence[TokenInputs], depths: Sequence[int]) -> list[list[Tensor]]:
        if self.retrofitted is not None:
            return self.retrofitted.states(inputs, depths)
        return self.transformer.states(_vectors(self.embedding, inputs), depths)

    def groups(self, rate: float) -> list[dict[str, object]]:
        """See `Model.groups`; earlier blocks of a pretrained model may learn slower."""
        if self.retrofitted is None or self.schedule.layer_decay == 1:
            return super().groups(rate)
        decay = importlib.import_module("timm.optim").param_groups_layer_decay
        inner = self.retrofitted.model
        parts = decay(inner, self.schedule.weight_decay, layer_decay=self.schedule.layer_decay)
        within = {id(parameter) for parameter in inner.parameters()}
        return [
            *_groups([parameter for parameter in self.parameters() if id(parameter) not in within], rate),
            *({**part, "lr": rate * part["lr_scale"]} for part in parts),
        ]

    def loss(self, tokenized: Sequence[Tokenized], truths: Sequence[Truth]) -> Tensor:
        """See `Model.loss`."""
        loss = super().loss(tokenized, truths)
        if self.retrofitted is None and self.transformer.reduction_losses:
            loss = loss + _PRUNING * torch.stack(list(self.transformer.reduction_losses)).mean()
        return loss


class LearnedModel(Model):
    """A transformer over regions whose net learns from its loss, through soft assignment and injected means."""

    def __init__(
        self, entrant: Entrant, backbone: BackboneConfig, schedule: Schedule, segments: bool, classes: int
    ) -> None:
        super().__init__(schedule, segments, classes)
        made = entrant.made()
        assert isinstance(made, HierarchicalRegions)
        if made.weights == "none":
            net = initial_net(TokenizerConfig(channels=entrant.channels))
        else:
            net = widened(DHVTokenizer.load(_weights(made), "cpu").features, entrant.channels)
        kind = _SegmentLearned if segments else _ClassifyLearned
        self.task = kind(net.requires_grad_(True), LossWeights(target_tokens=made.tokens), classes)
        self.task.smoothing, self.task.told_features = schedule.smoothing, entrant.features
        self.net_rate, self.fixed_epochs = entrant.net_rate, entrant.frozen_epochs
        told = net.config.channels if entrant.features else 0
        self.task.embedding, self.task.transformer = transformer_of(entrant, backbone, classes, told)
        if isinstance(self.task, _SegmentLearned):
            self.task.head = head_named(backbone.head, backbone.width, backbone.depth, classes)

    def tokens(self, picture: Picture) -> Tokenized:
        """See `Model.tokens`."""
        task = self.task
        with torch.no_grad():
            cut = partial(task._cut, random=np.random.default_rng(0))
            (division,) = task.divider([with_alpha(picture)], [cut], compact=True, owned=True)
            inputs = task.told(division)
        labels = division.near.ids[:, 0].view(picture.shape[:2])
        return Tokenized(inputs.to(torch.float16).to("cpu"), labels.cpu())

    def answers(self, tokenized: Sequence[Tokenized]) -> list[Answer]:
        """See `Model.answers`."""
        device = next(self.parameters()).device
        inputs = [each.told(device) for each in tokenized]
        if isinstance(self.task, _SegmentLearned):
            states = self.task.transformer.states(_vectors(self.task.embedding, inputs), self.task.head.depths)
            return list(self.task.head(states, [each.labels.to(device) for each in tokenized]))
        return _of_images(self.task.transformer, self.task.embedding, inputs)

    def loss_of_pictures(self, pictures: Sequence[Picture], truths: Sequence[Truth], seed: int) -> Tensor:
        """See `Model.loss_of_pictures`."""
        samples = [_sample(*each) for each in zip(pictures, truths, strict=True)]
        terms = self.task(samples, [np.random.default_rng([seed, place]) for place in range(len(samples))])
        loss: Tensor = terms["loss"]
        return loss

    def groups(self, rate: float) -> list[dict[str, object]]:
        """See `Model.groups`; the net learns at a rate of its own."""
        net = {id(parameter) for parameter in self.task.net.parameters()}
        beside = [parameter for parameter in self.task.parameters() if id(parameter) not in net]
        return [*_groups(beside, rate), *_groups(list(self.task.net.parameters()), rate * self.net_rate)]


class _Learned:
    """Tokens are told of as in `FixedModel`: by crops and places, and features where these are wanted."""

    draws_count = False  # each cut has exactly as many tokens as are wanted
    embedding: TokenEmbedding
    smoothing = 0.0
    told_features = False

    def told(self, of: SoftDivision) -> TokenInputs:
        """See `TransformerTask.told`."""
        features = of.features / LAB_UNIT if self.told_features else None
        return self.embedding.inputs(premultiplied(of.image), of.near, of.share, features)


class _ClassifyLearned(_Learned, ClassifyTask):
    def _task_terms(self, divisions: Sequence[Division]) -> dict[str, Tensor]:
        logits = self.transformer.of_images(self._vectors(divisions))
        truth = torch.tensor([of.category for of in divisions], device=logits.device)
        return {"loss": functional.cross_entropy(logits, truth, label_smoothing=self.smoothing)}


class _SegmentLearned(_Learned, SegmentTask):
    head: SegmentationHead

    def _task_terms(self, divisions: Sequence[Division]) -> dict[str, Tensor]:
        states = self.transformer.states(self._vectors(divisions), self.head.depths)
        labels = [of.near.ids[:, 0].view(of.image.shape[1:]) for of in divisions]
        losses = []
        for (logits, places), of in zip(self.head(states, labels), divisions, strict=True):
            # where each token has an answer, its soft members say what is true of it
            near = own_regions(places, len(logits)) if self.head.dense else of.near
            share = torch.ones_like(near.squared_distance) if self.head.dense else of.share
            losses.append(token_segmentation(logits, of.labels, near, share)["loss"])
        return {"loss": torch.stack(losses).mean()}


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
        device = next(self.parameters()).device
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


def transformer_of(
    entrant: Entrant, backbone: BackboneConfig, classes: int, features: int
) -> tuple[TokenEmbedding, TokenTransformer]:
    """Embedding, which is told of so many features, and transformer that start at random."""
    embedding = TokenEmbedding(
        backbone.width, side=backbone.side, place=backbone.place, gradient=False, features=features
    )
    transformer = TokenTransformer(
        backbone.width,
        backbone.depth,
        backbone.heads,
        classes,
        registers=backbone.registers,
        batching=backbone.batching,
        reduction=_reduction(entrant, backbone),
    )
    return embedding, transformer


def _reduction(entrant: Entrant, backbone: BackboneConfig) -> Reduction | None:
    if entrant.reduction is None:
        return None
    options = dict(entrant.reduction)
    prefix = 1 + backbone.registers
    if options.pop("kind") == "tome":
        return TokenMerging(**options, prefix=prefix)
    places = tuple(options.pop("places"))
    return TokenPruning(backbone.width, places=places, **options, prefix=prefix)


def _vectors(embedding: TokenEmbedding, inputs: Sequence[TokenInputs]) -> list[Tensor]:
    return list(torch.split(embedding(joined(inputs)), [len(each) for each in inputs]))


def _of_images(transformer: TokenTransformer, embedding: TokenEmbedding, inputs: Sequence[TokenInputs]) -> list[Answer]:
    return [(logits[None], None) for logits in transformer.of_images(_vectors(embedding, inputs))]


def _segmentation(answer: Answer, truth: Truth) -> Tensor:
    logits, places = answer
    assert places is not None
    near = own_regions(places, len(logits))
    maps = torch.from_numpy(np.asarray(truth, np.int32))[None].to(logits.device)
    return token_segmentation(logits, maps, near, torch.ones_like(near.squared_distance))["loss"]


def _shown(picture: Picture) -> Float[Tensor, "4 H W"]:
    return premultiplied(torch.from_numpy(with_alpha(picture)))


def _sample(picture: Picture, truth: Truth) -> Sample:
    image = with_alpha(picture)
    if isinstance(truth, int):
        return Sample("", image, np.empty((0, *image.shape[:2]), np.int32), truth)
    return Sample("", image, truth[None])


def _net_of(made: ImageTokenizer) -> DHVTokenizer:
    assert isinstance(made, HierarchicalRegions)
    opened: DHVTokenizer = made.opened()
    return opened


def _weights(made: HierarchicalRegions) -> str | None:
    return None if made.weights == "default" else made.weights


def _groups(parameters: list[nn.Parameter], rate: float) -> list[dict[str, object]]:
    matrices = [parameter for parameter in parameters if parameter.requires_grad and parameter.dim() > 1]
    others = [parameter for parameter in parameters if parameter.requires_grad and parameter.dim() <= 1]
    return [{"params": matrices, "lr": rate}, {"params": others, "lr": rate, "weight_decay": 0.0}]
