"""A model and pictures → what it learned: its accuracy or mIoU on pictures it has not seen.

All models see the same pictures in the same order under the same seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import binary_erosion
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dhvt_vectorize.errors import InputError

from .config import DataConfig, Schedule
from .data import IGNORED, Picture, Pictures, Truth
from .model import Model, Tokenized

Say = Callable[[str], None]


@dataclass(frozen=True)
class Score:
    """What was measured of a trained model.

    Attributes:
        quality: accuracy, or mean intersection over union, 0…1.
        oracle: the same if every token had its best class; 1 where whole pictures are classified.
        boundary: mean intersection over union of what lies near the borders of classes (boundary IoU, Cheng et al.
            2021, arXiv 2103.16562: within 2 % of the diagonal); 0 where whole pictures are classified.
        tokens: mean number a picture.
    """

    quality: float
    oracle: float
    tokens: float
    boundary: float = 0.0


class Feed:
    """Pictures with their truths, tokens kept as far as they may be.

    Args:
        pictures: where they come from.
        model: whose tokens.
        config: whether tokens are kept, and whether pictures are mirrored.
    """

    def __init__(self, pictures: Pictures, model: Model, config: DataConfig) -> None:
        self.pictures, self.model = pictures, model
        self.keep = config.keep
        self.kept: dict[tuple[int, bool], Tokenized] = {}

    def tokens(self, index: int, mirrored: bool = False, *, keep: bool = True) -> Tokenized:
        """A picture's tokens; those that do not stay what they are must not be kept."""
        if not (keep and self.keep):
            return self.model.tokens(self.picture(index, mirrored))
        if (index, mirrored) not in self.kept:
            self.kept[index, mirrored] = self.model.tokens(self.picture(index, mirrored))
        return self.kept[index, mirrored]

    def picture(self, index: int, mirrored: bool = False) -> Picture:
        """A picture."""
        picture = self.pictures.picture(index)
        return np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture

    def truth(self, index: int, mirrored: bool = False) -> Truth:
        """What is true of it."""
        truth = self.pictures.truth(index)
        return np.ascontiguousarray(truth[:, ::-1]) if mirrored and not isinstance(truth, int) else truth


def train(model: Model, feed: Feed, schedule: Schedule, seed: int, *, flip: bool, say: Say = lambda _: None) -> None:
    """Train in place.

    Raises:
        InputError: the loss is not a number.
    """
    model.train()
    optimizer = torch.optim.AdamW(model.groups(schedule.learning_rate), weight_decay=schedule.weight_decay)
    batches = -(-len(feed.pictures) // schedule.batch_size)
    warmth = _warmth(batches * schedule.epochs, schedule.warm_up)
    rate = LambdaLR(optimizer, warmth)
    average = _averaged(model, schedule.ema)
    for epoch in range(schedule.epochs):
        total = 0.0
        for number, batch in enumerate(_batches(len(feed.pictures), schedule.batch_size, [seed, epoch], flip)):
            truths = [feed.truth(*each) for each in batch]
            if epoch < model.fixed_epochs:
                loss = model.loss([feed.tokens(*each) for each in batch], truths)
            else:
                pictures = [feed.picture(*each) for each in batch]
                loss = model.loss_of_pictures(pictures, truths, seed + number + epoch * batches)
            if not torch.isfinite(loss):
                raise InputError(f"epoch {epoch + 1}", f"the loss is {loss.item()}", "lower the learning rate")
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            rate.step()
            if average is not None:
                average.update_parameters(model)
            total += float(loss.detach())
        say(f"epoch {epoch + 1} of {schedule.epochs}, loss {total / batches:.4f}")
    if average is not None:
        model.load_state_dict(average.module.state_dict())
    model.eval()


@torch.no_grad()
def judge(model: Model, feed: Feed, batch_size: int) -> Score:
    """How good a trained model is."""
    model.eval()
    indices = range(len(feed.pictures))
    table = np.zeros((2, model.classes, model.classes), np.int64)
    near = np.zeros((2, model.classes), np.int64)
    tokens = 0
    for start in range(0, len(indices), batch_size):
        batch = indices[start : start + batch_size]
        tokenized = [feed.tokens(index, keep=math.isinf(model.fixed_epochs)) for index in batch]
        tokens += sum(len(each) for each in tokenized)
        for index, each, (logits, places) in zip(batch, tokenized, model.answers(tokenized), strict=True):
            truth = feed.truth(index)
            if isinstance(truth, int):
                table[:, truth, int(logits.argmax())] += 1
                continue
            assert places is not None
            named, labels = logits.argmax(1)[places].cpu().numpy(), each.labels.numpy()
            table[0] += confusion(truth, named, model.classes)
            table[1] += confusion(truth, best_classes(labels, truth, model.classes)[labels], model.classes)
            near += boundary_overlap(truth, named, model.classes)
    quality = mean_iou if model.segments else accuracy
    oracle = mean_iou(table[1]) if model.segments else 1.0
    there = table[0].sum(1) > 0
    boundary = float(np.mean(near[0, there] / np.maximum(near[1, there], 1))) if model.segments else 0.0
    return Score(quality(table[0]), oracle, tokens / len(indices), boundary)


def confusion(truth: np.ndarray, named: np.ndarray, classes: int) -> np.ndarray:
    """int64 (classes, classes): how many pixels of each class were named as which; those not judged left out."""
    judged = truth != IGNORED
    pairs = truth[judged].astype(np.int64) * classes + named[judged]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def boundary_overlap(truth: np.ndarray, named: np.ndarray, classes: int) -> np.ndarray:
    """int64 (2, classes): pixels in both bands along a class's inner border, as it is and as named, and in either."""
    judged = truth != IGNORED
    reach = max(1, round(0.02 * math.hypot(*truth.shape)))
    counts = np.zeros((2, classes), np.int64)
    for number in np.union1d(truth[judged], named[judged]):
        one, other = (_band(values == number, reach) & judged for values in (truth, named))
        counts[:, number] = (one & other).sum(), (one | other).sum()
    return counts


def _band(mask: np.ndarray, reach: int) -> np.ndarray:
    band: np.ndarray = mask & ~binary_erosion(mask, iterations=reach)
    return band


def best_classes(labels: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """The class that most of a token's judged pixels have; the first of equals."""
    judged = truth != IGNORED
    count = int(labels.max()) + 1
    pairs = labels[judged].astype(np.int64) * classes + truth[judged]
    best: np.ndarray = np.bincount(pairs, minlength=count * classes).reshape(count, classes).argmax(1)
    return best


def accuracy(table: np.ndarray) -> float:
    """The share that is named right."""
    return float(np.trace(table) / max(1, table.sum()))


def mean_iou(table: np.ndarray) -> float:
    """Mean over the classes that are there of intersection over union."""
    inter = np.diag(table)
    union = table.sum(0) + table.sum(1) - inter
    present = table.sum(1) > 0
    return float(np.mean(inter[present] / union[present])) if present.any() else 0.0


def _batches(count: int, size: int, seed: Sequence[int], flip: bool) -> Iterator[list[tuple[int, bool]]]:
    """Every picture once, and whether it is mirrored."""
    random = np.random.default_rng(seed)
    order = random.permutation(count)
    mirrored = random.integers(2, size=count) == 1 if flip else np.zeros(count, bool)
    for start in range(0, count, size):
        yield [(int(index), bool(mirrored[index])) for index in order[start : start + size]]


def _averaged(model: Model, decay: float) -> AveragedModel | None:
    if not decay:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]


def _warmth(steps: int, rising: float) -> Callable[[int], float]:
    up = max(1, round(steps * rising))

    def warmth(step: int) -> float:
        if step < up:
            return (step + 1) / up
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - up) / max(1, steps - up))))

    return warmth
