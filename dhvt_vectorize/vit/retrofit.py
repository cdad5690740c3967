"""A pretrained Vision Transformer + a tokenizer → the same transformer over tokens of any shape and number.

In: images in sRGB, 0..1. Out: the model's answers. The pretrained projection embeds each token's crop, and a token's
place is the mean of the pretrained position embeddings of the cells that its pixels lie in: over a uniform partition
into the model's own patches, with nothing injected, the outputs are the original's. Crops are whole, as the patches
that the model knows, or masked: then they show a learned picture (at first the mean colour) where they show what is not
the token's.

What is learned lies in the model, whose own state dict stays loadable, and in that one picture.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int32
from torch import Tensor, nn

from ..errors import InputError, UsageError, WeightsError
from ..output import write_atomically
from ..tokenizer.batches import pad, unpad
from ..tokenizer.soft import NearRegions, own_regions
from .anatomy import anatomy_of
from .inputs import TokenInputs, joined, token_inputs, truncated
from .model import in_buckets
from .tokenizers import ImageTokenizer, described, tokenizer_named, tokens_of

BATCHING = ("padded", "bucketed")
_WEIGHTS, _SETTINGS = "model.safetensors", "retrofit.json"


class RetrofittedTransformer(nn.Module):
    """A pretrained model that takes tokens; made by `retrofit`.

    Attributes:
        model: the pretrained model, unchanged.
        elsewhere: (3, side, side), what crops show in place of other tokens, in the model's normalised colours.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, model: nn.Module, tokenizer: ImageTokenizer, **settings: Any) -> None:
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.anatomy = anatomy_of(model)
        self.settings = settings
        self.most_tokens = settings.get("most_tokens") or self.anatomy.pretrained_tokens
        self.keep, self.batching = settings.get("keep", "size"), settings.get("batching", "padded")
        self.masked = settings.get("masked", False)
        if self.batching not in BATCHING:
            raise UsageError("batching", f"no such value {self.batching!r}", f"choose one of {', '.join(BATCHING)}")
        mean, deviation = self.anatomy.normalisation
        like = next(model.parameters())
        self.register_buffer("mean", like.new_tensor(settings.get("mean") or mean)[:, None, None], persistent=False)
        self.register_buffer(
            "deviation", like.new_tensor(settings.get("std") or deviation)[:, None, None], persistent=False
        )
        self.elsewhere = nn.Parameter(like.new_zeros(3, self.anatomy.side, self.anatomy.side))

    def forward(
        self, images: Float[Tensor, "B 3 H W"], labels: Sequence[Int32[np.ndarray, "H W"]] | None = None
    ) -> Tensor:
        """The model's answers: logits if it classifies, else pooled features.

        Args:
            images: sRGB in 0..1.
            labels: who owns each pixel, where that is known already; else the tokenizer divides the images.
        """
        return self.answers(self.inputs(images, labels))

    def features(
        self, images: Float[Tensor, "B 3 H W"], labels: Sequence[Int32[np.ndarray, "H W"]] | None = None
    ) -> list[Float[Tensor, "L width"]]:
        """What the last norm gives of each image: CLS and registers first, then a vector a token.

        Where there were more tokens than `most_tokens`, those that stayed, in their order.
        """
        return self.encoded(self.inputs(images, labels))

    def inputs(
        self, images: Float[Tensor, "B 3 H W"], labels: Sequence[Int32[np.ndarray, "H W"]] | None = None
    ) -> list[TokenInputs]:
        """What is told of each image's tokens; the same every time, so that it can be kept."""
        if images.dim() != 4 or images.shape[1] != 3:
            raise InputError("images", f"a tensor of shape {tuple(images.shape)}", "give (B, 3, H, W), in 0..1")
        maps = self.divide(images) if labels is None else labels
        near = [own_regions(torch.from_numpy(np.ascontiguousarray(each)).to(images.device)) for each in maps]
        return [self.soft_inputs(image, each) for image, each in zip(images, near, strict=True)]

    def soft_inputs(
        self, image: Float[Tensor, "3 H W"], near: NearRegions, share: Float[Tensor, "N 8"] | None = None
    ) -> TokenInputs:
        """The same of one image whose pixels belong to regions by shares, through which a gradient passes."""
        normalised = (image - self.mean) / self.deviation
        places = self.anatomy.places(*image.shape[1:])
        cells = (1, 1) if places is None else (places.shape[0], places.shape[1])
        found = token_inputs(normalised, near, share, side=self.anatomy.side, cells=cells)
        return found if len(found) <= self.most_tokens else found.chosen(truncated(found, self.most_tokens, self.keep))

    def divide(self, images: Float[Tensor, "B 3 H W"]) -> list[Int32[np.ndarray, "H W"]]:
        """Who owns each pixel, as the tokenizer says."""
        pixels = (images.detach().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        return tokens_of(self.tokenizer, [np.ascontiguousarray(each) for each in pixels])

    def answers(self, inputs: Sequence[TokenInputs]) -> Tensor:
        """The answers for what `inputs` told."""
        vectors = self._vectors(inputs)
        if self.batching == "bucketed":
            return torch.stack(in_buckets(vectors, lambda group: list(self._answers(group))))
        return self._answers(vectors)

    def encoded(self, inputs: Sequence[TokenInputs]) -> list[Float[Tensor, "L width"]]:
        """The features for what `inputs` told."""
        vectors = self._vectors(inputs)
        return in_buckets(vectors, self._unpadded) if self.batching == "bucketed" else self._unpadded(vectors)

    def _vectors(self, inputs: Sequence[TokenInputs]) -> list[Tensor]:
        """Prefix and tokens of each image, embedded."""
        tokens, anatomy = joined(inputs), self.anatomy
        pictures = tokens.shown(self.elsewhere) if self.masked else tokens.picture
        vectors = anatomy.project(pictures.to(self.elsewhere.dtype))
        rows, columns = tokens.place.shape[1:]
        places = anatomy.places(rows * anatomy.side, columns * anatomy.side)
        if places is not None:
            vectors = vectors + tokens.place.flatten(1).to(vectors) @ places.flatten(0, 1)
        prefix = anatomy.prefix()
        return [torch.cat([prefix, part]) for part in torch.split(vectors, [len(each) for each in inputs])]

    def states(self, inputs: Sequence[TokenInputs], depths: Sequence[int]) -> list[list[Float[Tensor, "K width"]]]:
        """Each image's tokens alone, without CLS, after some blocks, counted from 1; of the last one normalised."""
        values, exists = pad(self._vectors(inputs))
        prefix = len(self.anatomy.prefix())
        after = self.anatomy.encode(values, None if exists.all() else exists, depths)[:-1]
        return [[tokens[prefix:] for tokens in unpad(each, exists)] for each in after]

    def _padded(self, vectors: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        values, exists = pad(vectors)
        return self.anatomy.encode(values, None if exists.all() else exists)[-1], exists

    def _answers(self, vectors: Sequence[Tensor]) -> Tensor:
        return self.anatomy.answer(*self._padded(vectors))

    def _unpadded(self, vectors: Sequence[Tensor]) -> list[Tensor]:
        return unpad(*self._padded(vectors))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write weights and settings into a folder, which `load_retrofitted` reads.

        Raises:
            OutputError: it cannot be written.
        """
        from safetensors.torch import save

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        state = {name: value.detach().cpu().contiguous().clone() for name, value in self.state_dict().items()}
        settings = {"model": type(self.model).__name__, "tokenizer": described(self.tokenizer), **self.settings}
        write_atomically(folder / _WEIGHTS, save(state))
        write_atomically(folder / _SETTINGS, (json.dumps(settings, indent=2) + "\n").encode())


def retrofit(
    model: nn.Module,
    tokenizer: ImageTokenizer,
    *,
    most_tokens: int | None = None,
    keep: str = "size",
    batching: str = "padded",
    masked: bool = False,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> RetrofittedTransformer:
    """A pretrained Vision Transformer over the tokens of a tokenizer.

    Args:
        model: timm's VisionTransformer (ViT, DeiT, DINOv2) or NaFlexVit, or transformers' ViT or Dinov2.
        tokenizer: from `tokenizer_named`.
        most_tokens: of an image, CLS and registers not counted; None is as many as the model was trained with.
        keep: which tokens stay where there are more: the largest ("size") or the most informative ("information").
        batching: padded to the longest, or bucketed: padded in groups of about equal counts.
        masked: whether crops hide what is not the token's, which no pretrained model has seen.
        mean, std: of the colours (0..1) that the model takes; None is as its library says.

    Raises:
        UsageError: a model of no known kind, or an unknown choice.
    """
    named = {"most_tokens": most_tokens, "keep": keep, "batching": batching, "masked": masked, "mean": mean, "std": std}
    return RetrofittedTransformer(model, tokenizer, **named)


def load_retrofitted(folder: str | Path, model: nn.Module) -> RetrofittedTransformer:
    """What `save_pretrained` wrote.

    Args:
        folder: where it was written.
        model: of the same kind and size, with any weights; those of the folder replace them.

    Raises:
        WeightsError: files are missing or damaged, or of another model.
    """
    from safetensors.torch import load_file

    folder = Path(folder)
    try:
        settings = json.loads((folder / _SETTINGS).read_text())
        state = load_file(folder / _WEIGHTS)
    except Exception as error:
        raise WeightsError(folder, "holds no retrofitted model", "give a folder that save_pretrained wrote") from error
    tokenizer = settings.pop("tokenizer")
    kind = settings.pop("model")
    made = retrofit(model, tokenizer_named(tokenizer["name"], tokenizer["options"]), **settings)
    try:
        made.load_state_dict(state)
    except RuntimeError as error:
        remedy = "give a model of the same kind and size"
        raise WeightsError(folder, f"holds weights of another {kind}", remedy) from error
    return made
