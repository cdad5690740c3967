"""A TOML file → what is compared: data, backbones, entrants (a tokenizer each), and how they are trained.

[data]                          see `DataConfig`
[backbones.NAME]                see `BackboneConfig`; each entrant is trained with each of them
[schedule]                      see `Schedule`
[entrants."NAME"]               tokenizer = "patches" | "quadtree" | "slic" | "dhvt" | …, and what else `Entrant` has
[entrants."NAME".options]       the tokenizer's own, see `dhvt_vectorize.vit.tokenizers`
[entrants."NAME".reduction]     kind = "tome", merged = N, or kind = "dynamicvit", share = X, places = [...]
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from dhvt_vectorize.errors import InputError, UsageError
from dhvt_vectorize.vit.tokenizers import ImageTokenizer, tokenizer_named

# from Python 3.11 on it comes with Python
toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
SEGFORMERS = ("segformer-b0", "segformer-b1", "segformer-b2")
KINDS = ("classes", "emoji", "segmentation", "scenes")
CONFIGS = Path(__file__).parent / "configs"
Made = TypeVar("Made")


@dataclass(frozen=True)
class DataConfig:
    """What is learned from.

    Attributes:
        kind: classes (a folder a class), emoji (their Unicode groups), segmentation (images and class maps), or scenes
            (emoji over photographs).
        train, test: classes: a folder of folders, or a zip file of the same; segmentation: a folder of images. Relative
            paths begin at the shared folder, see `benchmarks.data`.
        train_maps, test_maps: segmentation: folders of PNG class maps with the images' names.
        first_class: segmentation: value of the first class in the maps; lower ones, and 255, are not judged.
        size: side of an image, in px; images are resized until their shorter side fits, and cut to a square.
        train_limit, test_limit: at most so many images, evenly spread; None is all, or 1,000 scenes.
        keep: whether all tokens of a fixed tokenizer are kept in memory; else they are made anew each time.
        flip: whether images are mirrored at random, left for right.
        choosing: emoji: judged on are names kept out of those to learn from, to choose settings by, and not the test's.
    """

    kind: str
    size: int
    train: str = ""
    test: str = ""
    train_maps: str = ""
    test_maps: str = ""
    first_class: int = 0
    train_limit: int | None = None
    test_limit: int | None = None
    keep: bool = True
    flip: bool = False
    choosing: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError("data.kind", f"no such value {self.kind!r}", f"choose one of {', '.join(KINDS)}")
        if self.choosing and self.kind != "emoji":
            raise UsageError("data.choosing", f"{self.kind} have no such split", "leave it out")

    @property
    def segments(self) -> bool:
        """Whether every pixel has a class, rather than every image."""
        return self.kind in ("segmentation", "scenes")


@dataclass(frozen=True)
class BackboneConfig:
    """The transformer.

    Attributes:
        width, depth, heads, registers: of one that starts at random.
        side: of a crop, in px.
        place: histogram, or centroid.
        pretrained: timm/MODEL or transformers/OWNER/MODEL, which is retrofitted; all else is then its own.
        weights: a file or folder to load it from.
        batching: padded, bucketed, or (at random only) packed.
        head: of a segmentation, see `dhvt_vectorize.vit.heads`.
    """

    width: int = 128
    depth: int = 4
    heads: int = 4
    registers: int = 0
    side: int = 8
    place: str = "histogram"
    pretrained: str | None = None
    weights: str | None = None
    batching: str = "padded"
    head: str = "perceptron"


@dataclass(frozen=True)
class Schedule:
    """How everyone is trained: AdamW under a warm-up and a cosine, gradients clipped to a norm of 1.

    Attributes:
        epochs: passes over the data.
        batch_size: images a step.
        learning_rate: the greatest one.
        weight_decay: of matrices.
        warm_up: share of the steps with a rising rate.
        smoothing: of labels, where images are classified.
        ema: those judged are the exponential moving average of the weights with this decay, e.g. 0.999; 0 is none.
        layer_decay: of a pretrained backbone of timm: how much slower each block learns than the next; 1 is not.
        seeds: one training each; the same for all, so that differences can be paired.
    """

    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warm_up: float = 0.1
    smoothing: float = 0.1
    ema: float = 0.0
    layer_decay: float = 1.0
    seeds: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Entrant:
    """A tokenizer in the comparison.

    Attributes:
        tokenizer: its name, see `dhvt_vectorize.vit.tokenizers`; or, for a segmentation, segformer-b0, b1 or b2, which
            is a model of its own, without tokens or the backbone.
        options: its attributes.
        trained: dhvt alone: its net is trained along, with a price on borders where there are no edges.
        features: dhvt alone: whether embeddings are told the means and variances of the net's features.
        channels: of the net's features, where it is trained along; those that its weights lack begin at 0.
        frozen_epochs: of a net that is trained along, before it begins to learn; its tokens are kept until then.
        net_rate: of a net that is trained along, as a share of the learning rate.
        reduction: what makes tokens fewer in the transformer, of images of equal counts.
        most_tokens: of a pretrained backbone; None is what it was trained with.
        start: an entrant before this one, from whose trained weights of the same seed this one goes on.
        masked: whether crops hide what is not the token's; None is only where nothing was learned from whole patches.
        epochs, batch_size, learning_rate: instead of the schedule's.
        head: of a segmentation, instead of the backbone's.
    """

    tokenizer: str
    options: Mapping[str, Any] = field(default_factory=dict)
    trained: bool = False
    features: bool = False
    channels: int = 5
    frozen_epochs: int = 0
    net_rate: float = 0.1
    reduction: Mapping[str, Any] | None = None
    most_tokens: int | None = None
    start: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    masked: bool | None = None
    head: str | None = None

    def __post_init__(self) -> None:
        if self.tokenizer not in SEGFORMERS:
            self.made()
        for option in ("trained", "features"):
            if getattr(self, option) and self.tokenizer != "dhvt":
                raise UsageError(option, f"{self.tokenizer} has no net", "leave it out, or take dhvt")
        if self.reduction is not None and self.reduction.get("kind") not in ("tome", "dynamicvit"):
            raise UsageError("reduction", f"no such kind in {dict(self.reduction)}", "choose tome or dynamicvit")

    def hides(self, pretrained: bool) -> bool:
        """Whether crops are masked."""
        return self.start is None and not pretrained if self.masked is None else self.masked

    def made(self) -> ImageTokenizer:
        """The tokenizer."""
        return tokenizer_named(self.tokenizer, self.options)


@dataclass(frozen=True)
class Comparison:
    """All that a file says."""

    data: DataConfig
    backbones: Mapping[str, BackboneConfig]
    schedule: Schedule
    entrants: Mapping[str, Entrant]


def read_config(path: Path) -> Comparison:
    """What a file compares.

    Raises:
        InputError: it is missing, or no TOML.
        UsageError: a table or a name in it is unknown, or a value out of its range.
    """
    try:
        content = toml.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(path, "cannot be read", f"give a file, or one of {', '.join(shipped())}") from error
    except ValueError as error:
        raise InputError(path, f"is no TOML: {error}", "correct it") from error
    for table in content:
        if table not in ("data", "backbones", "schedule", "entrants"):
            raise UsageError(f"[{table}]", "is no table of a comparison", "see benchmarks/vit/config.py")
    schedule = dict(content.get("schedule", {}))
    schedule["seeds"] = tuple(schedule.get("seeds", (0,)))
    comparison = Comparison(
        _made(DataConfig, "data", content.get("data", {})),
        {name: _made(BackboneConfig, f"backbones.{name}", table) for name, table in content["backbones"].items()},
        _made(Schedule, "schedule", schedule),
        {name: _made(Entrant, f"entrants.{name}", table) for name, table in content.get("entrants", {}).items()},
    )
    named = [backbone.pretrained for backbone in comparison.backbones.values()]
    pretrained = any(named)
    if comparison.schedule.layer_decay != 1 and not all(name and name.startswith("timm/") for name in named):
        raise UsageError("schedule.layer_decay", "takes backbones of timm", "leave it out, or name them as pretrained")
    before: list[str] = []
    for name, entrant in comparison.entrants.items():
        if entrant.start is not None and entrant.start not in before:
            raise UsageError(f"entrants.{name}.start", f"{entrant.start!r} is no entrant before it", "name one that is")
        before.append(name)
        if pretrained and (entrant.trained or entrant.reduction or entrant.features):
            raise UsageError(name, "takes a backbone that starts at random", "leave out pretrained, or this entrant")
        if entrant.tokenizer in SEGFORMERS and not comparison.data.segments:
            raise UsageError(name, "names classes of pixels, not of pictures", "leave it out")
        if comparison.data.segments and entrant.reduction:
            raise UsageError(name, "leaves no token for every pixel", "leave it out of a segmentation")
    return comparison


def shipped() -> list[str]:
    """The names of the files that come with the benchmark."""
    return sorted(path.name for path in CONFIGS.glob("*.toml"))


def _made(kind: type[Made], name: str, table: Mapping[str, Any]) -> Made:
    known = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    for option in table:
        if option not in known:
            raise UsageError(f"{name}.{option}", "is unknown", f"choose from {', '.join(known)}")
    try:
        return kind(**table)
    except TypeError as error:
        raise UsageError(f"[{name}]", str(error).partition(") ")[2], "add it") from error
