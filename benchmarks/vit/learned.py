"""A transformer over regions whose net learns from its loss."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor
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
from dhvt_vectorize.vit.inputs import TokenInputs
from dhvt_vectorize.vit.tokenizers import HierarchicalRegions

from ..dividers import with_alpha
from .config import BackboneConfig, Entrant, Schedule
from .data import Picture, Truth
from .model import Answer, Model, Tokenized, answers_of_images, groups_of, told, transformer_of, vectors_of


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

    def train(self, mode: bool = True) -> LearnedModel:
        """As of any module; but the net finds the features, and so the regions, that it finds in use."""
        super().train(mode)
        self.task.net.eval()
        return self

    def tokens(self, picture: Picture) -> Tokenized:
        """See `Model.tokens`."""
        task = self.task
        with torch.no_grad():
            cut = partial(task._cut, random=np.random.default_rng(0))
            (division,) = task.divider([with_alpha(picture)], [cut], compact=True, owned=True)
            inputs = task.told(division)
        labels = division.near.ids[:, 0].view(picture.shape[:2])
        return Tokenized(inputs.to(torch.float16), labels.cpu())

    def answers(self, tokenized: Sequence[Tokenized]) -> list[Answer]:
        """See `Model.answers`."""
        inputs = told(tokenized)
        if isinstance(self.task, _SegmentLearned):
            states = self.task.transformer.states(vectors_of(self.task.embedding, inputs), self.task.head.depths)
            return list(self.task.head(states, [each.labels.to(self.device) for each in tokenized]))
        return answers_of_images(self.task.transformer, self.task.embedding, inputs)

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
        return [*groups_of(beside, rate), *groups_of(list(self.task.net.parameters()), rate * self.net_rate)]


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


def _sample(picture: Picture, truth: Truth) -> Sample:
    image = with_alpha(picture)
    if isinstance(truth, int):
        return Sample("", image, np.empty((0, *image.shape[:2]), np.int32), truth)
    return Sample("", image, truth[None])


def _weights(made: HierarchicalRegions) -> str | None:
    return None if made.weights == "default" else made.weights
