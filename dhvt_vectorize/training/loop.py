"""The training loop: a task, data and settings → a checkpoint that `--weights` takes.

Step by step: a batch, its loss, its gradient, clipped; AdamW under a warm-up and a cosine. Every sample is drawn from a
generator of its own, fixed by (seed, epoch, place), so a run that was killed and resumed gives the same curve, and n
processes with batches of b give the same gradients as one with n·b (sums of gradients are exchanged after each step:
the net is small, one vector).

Beside the weights lies a folder `NAME.training`: `log.csv`, `last.pt` to resume from, `samples-STEP.png`, regions drawn
over validation images.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import distributed
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset

from ..errors import InputError, OutputError, UsageError, WeightsError
from ..output import write_atomically
from ..tokenizer.checkpoint import resolve_device, save_checkpoint
from ..tokenizer.tokenizer import DHVTokenizer
from .pictures import grid
from .samples import Sample
from .sources import Source
from .start import card
from .tasks import LossWeights, Task, task_named

Say = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Attributes:
        task: one of `tasks.TASKS`.
        steps: batches; each process works on its own of `batch_size`.
        batch_size: samples a step and process.
        size: side of a sample, in px.
        learning_rate: the greatest one, of the net; thresholds and temperatures learn 7 times as fast, a transformer a
            third as fast, and the net beside a transformer a tenth.
        seed: of everything random.
        device: as in `resolve_device`.
        precision: float32, or bfloat16 for convolutions and matrices (mixed precision, Micikevicius et al. 2018; with
            bfloat16's range no loss need be scaled). Features, distances and sums are float32 in either.
        workers: processes that make samples; 0 makes them in this one.
        clip: greatest norm of a step's gradient.
        validate_every: steps between validations.
        patience: validations without improvement after which training stops; None never stops early.
        weights: of the loss's terms.
    """

    task: str = "regions"
    steps: int = 2000
    batch_size: int = 4
    size: int = 128
    learning_rate: float = 3e-3
    seed: int = 0
    device: str = "auto"
    precision: str = "float32"
    workers: int = 0
    clip: float = 1.0
    validate_every: int = 250
    patience: int | None = None
    weights: LossWeights = field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        task_named(self.task)
        if self.precision not in _PRECISIONS:
            known = ", ".join(_PRECISIONS)
            raise UsageError("--precision", f"no such value {self.precision!r}", f"choose one of {known}")
        for name, lowest in _LEAST.items():
            value = getattr(self, name)
            if value is not None and value < lowest:
                flag = "--" + name.replace("_", "-")
                raise UsageError(flag, f"{value!r} is out of range", f"give a number from {lowest:g}")


_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_LEAST = {
    "steps": 1,
    "batch_size": 1,
    "size": 16,
    "learning_rate": 0.0,
    "workers": 0,
    "clip": 1e-6,
    "validate_every": 1,
    "patience": 1,
}
_FASTER, _SLOWER = 7.0, 1 / 3
_WARM_UP = 50
_COLDEST = 0.01
_SHOWN = 8


class Trainer:
    """One run of training, from wherever it stands to its end.

    Args:
        task: the net and what is learned beside it.
        settings: how.
        training: samples to learn from.
        validation: samples to measure on, or None.
        output: the weights file; the run's folder lies beside it.
    """

    def __init__(
        self, task: Task, settings: TrainingSettings, training: Source, validation: Source | None, output: Path
    ) -> None:
        self.task = task.to(resolve_device(settings.device))
        self.settings = settings
        self.training, self.validation = training, validation
        self.output = output
        self.folder = output.with_suffix(".training")
        self.step = 0
        self.history: list[dict[str, float]] = []
        net, beside = (
            list(task.net.parameters()),
            [*task.thresholds.parameters(), *task.divider.assignment.parameters()],
        )
        known = {id(parameter) for parameter in net + beside}
        head = [parameter for parameter in task.parameters() if id(parameter) not in known]
        rate = settings.learning_rate
        self.optimizer = torch.optim.AdamW(
            [
                {"params": net, "weight_decay": 1e-4, "lr": rate * task.net_rate},
                {"params": beside, "weight_decay": 0.0, "lr": rate * _FASTER},
                *([{"params": head, "weight_decay": 1e-2, "lr": rate * _SLOWER}] if head else []),
            ]
        )
        self.schedule = LambdaLR(self.optimizer, self._warmth)

    @property
    def first_process(self) -> bool:
        """Whether this process writes files."""
        return _rank() == 0

    def run(self, say: Say = lambda _: None) -> None:
        """Train to the last step, telling `say` the terms of every step; then write the weights.

        Raises:
            InputError: the loss of a batch is not a number; the message names its samples.
            OutputError: a file cannot be written.
        """
        if self.first_process:
            self._make_folder()
        self.task.train()
        best, since = np.inf, 0
        for batch, random in self._batches():
            start = time.perf_counter()
            with _repeatable():
                terms = self.learn(batch, random)
            self.step += 1
            row = {"step": float(self.step), **terms, "images_a_second": len(batch) / (time.perf_counter() - start)}
            self.history.append(row)
            say(row)
            if self.step % self.settings.validate_every == 0 or self.step == self.settings.steps:
                if self.validation is not None:
                    row["validation"] = self.validate()
                    self._picture()
                    best, since = (row["validation"], 0) if row["validation"] < best else (best, since + 1)
                self.save()
                if self.settings.patience is not None and since >= self.settings.patience:
                    break
        self.task.eval()

    def learn(self, batch: Sequence[Sample], random: Sequence[np.random.Generator]) -> dict[str, float]:
        """One step on one batch; the terms of its loss."""
        self.optimizer.zero_grad(set_to_none=True)
        precision = _PRECISIONS[self.settings.precision]
        device = next(self.task.parameters()).device.type
        with torch.autocast(device, precision, enabled=precision != torch.float32):
            terms = self.task(batch, random)
        loss = terms["loss"]
        if not torch.isfinite(loss):
            names = ", ".join(sample.name for sample in batch)
            raise InputError(
                names, f"the loss of this batch is {loss.item()}", "lower --learning-rate, or leave it out"
            )
        loss.backward()
        _average_gradients(self.task)
        torch.nn.utils.clip_grad_norm_(self.task.parameters(), self.settings.clip)
        self.optimizer.step()
        self.schedule.step()
        return {name: float(value.detach()) for name, value in terms.items()}

    @torch.no_grad()
    def validate(self) -> float:
        """Mean loss over the validation samples, each cut from the same place every time."""
        assert self.validation is not None
        self.task.eval()
        total = 0.0
        for index in range(len(self.validation)):
            sample = self.validation.sample(index, _generator(0, 0, index), self.settings.size)
            total += float(self.task([sample], [_generator(0, 1, index)])["loss"])
        self.task.train()
        return total / len(self.validation)

    def _picture(self) -> None:
        """Draw the regions of the first validation samples, where validation sees them."""
        if not self.first_process:
            return
        assert self.validation is not None
        wanted = self.settings.weights.target_tokens
        regions = None if wanted is None else max(1, round(wanted))
        shown = range(min(_SHOWN, len(self.validation)))
        samples = [self.validation.sample(index, _generator(0, 0, index), self.settings.size) for index in shown]
        self.task.eval()
        content = grid(
            DHVTokenizer(self.task.net, self.task.net.config),
            samples,
            regions,
        )
        self.task.train()
        write_atomically(self.folder / f"samples-{self.step}.png", content)

    def save(self) -> None:
        """Write what resuming needs, and the log."""
        if not self.first_process:
            return
        import io

        state = {
            "settings": asdict(self.settings),
            "step": self.step,
            "task": self.task.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "history": self.history,
        }
        content = io.BytesIO()
        torch.save(state, content)
        write_atomically(self.folder / "last.pt", content.getvalue())
        write_atomically(self.folder / "log.csv", _as_csv(self.history))

    def resume(self) -> None:
        """Go on from where the run's folder says it stood; a folder without a checkpoint is a beginning.

        Raises:
            WeightsError: the checkpoint cannot be read, or is of other settings.
        """
        path = self.folder / "last.pt"
        if not path.exists():
            return
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise WeightsError(path, "cannot be read", "delete it, or train without --resume") from error
        if state["settings"] != asdict(self.settings):
            raise WeightsError(path, "was written under other settings", "give the same ones, or leave out --resume")
        self.task.load_state_dict(state["task"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.step, self.history = state["step"], state["history"]

    def write_weights(self, data: str, origin: str) -> str:
        """Write the trained net with a card that names data and origin; returns the file's SHA-256."""
        last = self.history[-self.settings.validate_every :]
        scores = {name: float(np.mean([row[name] for row in last if name in row])) for name in last[-1]}
        about = card(self.output.stem, data, origin, self.settings, scores)
        return save_checkpoint(self.output, self.task.net, self.task.net.config, about)

    def _batches(self) -> Iterator[tuple[list[Sample], list[np.random.Generator]]]:
        """The batches from this step on; every process takes its share of each."""
        places = _places(self.training, self.settings, self.step)
        loader = DataLoader(
            _Drawn(self.training, self.settings, places),
            batch_size=self.settings.batch_size,
            collate_fn=list,
            num_workers=self.settings.workers,
            multiprocessing_context="spawn" if self.settings.workers else None,
        )
        for pairs in loader:
            yield [sample for sample, _ in pairs], [_generator(*seeds) for _, seeds in pairs]

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(self.folder, "cannot be made", "give another -o") from error

    def _warmth(self, step: int) -> float:
        progress = min(1.0, step / self.settings.steps)
        rising = min(1.0, (step + 1) / _WARM_UP)
        return float(rising * (_COLDEST + (1 - _COLDEST) * 0.5 * (1 + np.cos(np.pi * progress))))


class _Drawn(Dataset[tuple[Sample, tuple[int, int, int]]]):
    """Samples by place in the run: (epoch, index) → the sample, and the seeds of what its loss draws."""

    def __init__(self, source: Source, settings: TrainingSettings, places: list[tuple[int, int]]) -> None:
        self.source, self.settings, self.places = source, settings, places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, place: int) -> tuple[Sample, tuple[int, int, int]]:
        epoch, index = self.places[place]
        seed = self.settings.seed
        sample = self.source.sample(index, _generator(seed, 2 * epoch, index), self.settings.size)
        return sample, (seed, 2 * epoch + 1, index)


def _places(source: Source, settings: TrainingSettings, done: int) -> list[tuple[int, int]]:
    """(epoch, item) of every sample this process has still to see, each epoch in an order of its own."""
    world, rank = _world(), _rank()
    a_step = settings.batch_size * world
    needed = settings.steps * a_step
    places: list[tuple[int, int]] = []
    epoch = 0
    while len(places) < needed:
        order = _generator(settings.seed, epoch, -1).permutation(len(source))
        places += [(epoch, int(index)) for index in order]
        epoch += 1
    steps = [places[start : start + a_step] for start in range(done * a_step, needed, a_step)]
    return [place for step in steps for place in step[rank * settings.batch_size : (rank + 1) * settings.batch_size]]


def _generator(seed: int, epoch: int, index: int) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, index + 1])


def _average_gradients(task: torch.nn.Module) -> None:
    """The mean over all processes, exchanged as one vector; parameters without a gradient count as zero."""
    if _world() == 1:
        return
    parameters = [parameter for parameter in task.parameters() if parameter.requires_grad]
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    vector = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(vector)
    vector /= _world()
    for parameter, gradient in zip(parameters, torch.split(vector, [p.numel() for p in parameters]), strict=True):
        parameter.grad = gradient.view_as(parameter).clone()


@contextmanager
def _repeatable() -> Iterator[None]:
    """Sums in a fixed order, so that a resumed run gives the same bytes; kernels without one warn (some on CUDA)."""
    before = torch.are_deterministic_algorithms_enabled()
    warning = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warning)


def join_processes() -> None:
    """Take part in a group of processes if `torchrun` started one."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def _world() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def _rank() -> int:
    return distributed.get_rank() if distributed.is_initialized() else 0


def _as_csv(history: list[dict[str, float]]) -> bytes:
    import io

    names = list(dict.fromkeys(name for row in history for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue().encode()
