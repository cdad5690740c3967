"""What is trained and judged: pictures → tokens → answers, and a loss to learn by; the base of all entrants' models.

Of each, `tokens` is what the tokenizer does at inference, `answers` what the transformer does.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor, nn
from torch.nn import functional

from dhvt_vectorize.tokenizer.soft import own_regions
from dhvt_vectorize.training.losses import token_segmentation
from dhvt_vectorize.vit.embedding import TokenEmbedding
from dhvt_vectorize.vit.inputs import TokenInputs, joined
from dhvt_vectorize.vit.model import TokenTransformer
from dhvt_vectorize.vit.reduction import Reduction, TokenMerging, TokenPruning

from .config import BackboneConfig, Entrant, Schedule
from .data import Picture, Truth

# logits of a picture's places, and the place of each pixel where pixels have classes
Answer = tuple[Tensor, Tensor | None]


@dataclass(frozen=True, eq=False)
class Tokenized:
    """A picture's tokens.

    Attributes:
        inputs: what an embedding is told, in half precision, where the model is.
        labels: int64 (H, W), who owns each pixel.
        picture: uint8 (H, W, 3), for a model that takes no tokens.
    """

    inputs: TokenInputs | None
    labels: Int64[Tensor, "H W"]
    picture: Tensor | None = None

    def __len__(self) -> int:
        """How many there are."""
        return int(self.labels.max()) + 1 if self.inputs is None else len(self.inputs)


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

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return next(self.parameters()).device

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
        return groups_of(list(self.parameters()), rate)


def transformer_of(
    entrant: Entrant, backbone: BackboneConfig, classes: int, features: int
) -> tuple[TokenEmbedding, TokenTransformer]:
    """Embedding, which is told of so many features, and transformer that start at random."""
    embedding = TokenEmbedding(
        backbone.width,
        side=backbone.side,
        place=backbone.place,
        gradient=False,
        features=features,
        masked=entrant.hides(pretrained=False),
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


def told(tokenized: Sequence[Tokenized]) -> list[TokenInputs]:
    """What an embedding is told of each picture, in single precision."""
    inputs = [each.inputs for each in tokenized if each.inputs is not None]
    return joined(inputs).to(torch.float32).parted([len(each) for each in inputs])


def vectors_of(embedding: TokenEmbedding, inputs: Sequence[TokenInputs]) -> list[Tensor]:
    return list(torch.split(embedding(joined(inputs)), [len(each) for each in inputs]))


def answers_of_images(
    transformer: TokenTransformer, embedding: TokenEmbedding, inputs: Sequence[TokenInputs]
) -> list[Answer]:
    return [(logits[None], None) for logits in transformer.of_images(vectors_of(embedding, inputs))]


def groups_of(parameters: list[nn.Parameter], rate: float) -> list[dict[str, object]]:
    matrices = [parameter for parameter in parameters if parameter.requires_grad and parameter.dim() > 1]
    others = [parameter for parameter in parameters if parameter.requires_grad and parameter.dim() <= 1]
    return [{"params": matrices, "lr": rate}, {"params": others, "lr": rate, "weight_decay": 0.0}]


def _segmentation(answer: Answer, truth: Truth) -> Tensor:
    logits, places = answer
    assert places is not None
    near = own_regions(places, len(logits))
    maps = torch.from_numpy(np.asarray(truth, np.int32))[None].to(logits.device)
    return token_segmentation(logits, maps, near, torch.ones_like(near.squared_distance))["loss"]
