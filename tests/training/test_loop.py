"""Training runs: they learn, resume to the same curve, agree over processes, stop where they must."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dhvt_vectorize.errors import InputError, UsageError, WeightsError
from dhvt_vectorize.tokenizer.checkpoint import load_checkpoint
from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.features import FeatureNet
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer
from dhvt_vectorize.training.loop import Trainer, TrainingSettings
from dhvt_vectorize.training.samples import Sample
from dhvt_vectorize.training.sources import Source
from dhvt_vectorize.training.tasks import TASKS, LossWeights, Task, task_named

SIZE = 32
CONFIG = TokenizerConfig(
    channels=5, context_width=8, context_depth=2, detail_width=8, rim_width=8, border_width=6, doubling_width=4
)
PARTS = ("rims", "borders", "doubling")


class Discs(Source):
    """Noisy discs on a ground of another texture; the disc is one region, the ground another."""

    def __init__(self, count: int = 6, noise: float = 25.0) -> None:
        self.noise = noise
        self.items = list(range(count))
        self.kind = "discs"
        self.classes = ("even", "odd")

    def name(self, index: int) -> str:
        return f"disc {index}"

    def sample(self, index: int, random: np.random.Generator, size: int | None) -> Sample:
        side = size or SIZE
        y, x = np.indices((side, side))
        centre = np.random.default_rng(index).uniform(0.3, 0.7, 2) * side
        inside = np.hypot(y - centre[0], x - centre[1]) < side * 0.3
        grey = 128 + np.where(inside, 20, -20) + random.normal(0, self.noise, (side, side))
        image = np.full((side, side, 4), 255, np.uint8)
        image[..., :3] = np.clip(grey, 0, 255)[..., None]
        return Sample(self.name(index), image, inside.astype(np.int32)[None], index % 2)


def _net(seed: int = 0) -> FeatureNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FeatureNet(CONFIG)


def _trainer(folder: Path, **settings: object) -> Trainer:
    defaults = TrainingSettings(steps=6, batch_size=2, size=SIZE, device="cpu", validate_every=3)
    chosen = replace(defaults, **settings)  # type: ignore[arg-type]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        task = task_named(chosen.task)(_net(), chosen.weights, 2)
    return Trainer(task, chosen, Discs(), Discs(2), folder / "w.safetensors")


def _curve(trainer: Trainer) -> list[float]:
    return [row["loss"] for row in trainer.history]


@pytest.mark.parametrize("task", sorted(TASKS))
def test_every_tasks_loss_reaches_the_net_and_moves_it(task: str, tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, task=task, weights=LossWeights(target_tokens=4.0))
    before = {name: value.clone() for name, value in trainer.task.named_parameters()}
    trainer.run()
    after = dict(trainer.task.named_parameters())
    # a layer that is zero at first passes nothing on in the first step, and does from then on
    of_net = "divider.net."
    net = {name: (after[name] != value).any() for name, value in before.items() if name.startswith(of_net)}
    alone = {part: {name for name in net if name.startswith(f"{of_net}{part}.")} for part in PARTS}
    for part, names in alone.items():
        assert names
        assert all(net[name] == (task == part or (task, part) == ("regions", "rims")) for name in names)
    assert all(net[name] == (task not in alone) for name in set(net).difference(*alone.values()))
    others = {task} if task in alone else {"borders", "count", "tokens"}
    assert others | {"loss"} <= set(trainer.history[-1])


@pytest.mark.parametrize("task", sorted(TASKS))
def test_half_precision_costs_nearly_the_same_and_learns(task: str, tmp_path: Path) -> None:
    curves = []
    for precision in ("float32", "bfloat16"):
        trainer = _trainer(tmp_path / precision, task=task, precision=precision, weights=LossWeights(target_tokens=4.0))
        trainer.run()
        assert all(parameter.dtype == torch.float32 for parameter in trainer.task.parameters())
        curves.append(_curve(trainer))
    whole, half = curves
    assert half != whole
    assert half[0] == pytest.approx(whole[0], rel=0.02)
    assert np.isfinite(half).all()


def test_one_batch_can_be_learned_by_heart(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, steps=60, learning_rate=1e-2)
    batch = [Discs().sample(0, np.random.default_rng(0), SIZE)] * 2
    losses = [trainer.learn(batch, [np.random.default_rng(i) for i in (1, 2)])["loss"] for _ in range(60)]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


def test_the_regulariser_alone_brings_the_count_to_the_target(tmp_path: Path) -> None:
    steps, target = 250, 12.0
    trainer = _trainer(tmp_path, steps=steps, weights=LossWeights(0.0, 1.0, target))
    trainer.task._task_terms = lambda *_: {"loss": torch.zeros(())}  # type: ignore[method-assign,assignment]
    batch = [Discs().sample(index, np.random.default_rng(0), SIZE) for index in (0, 1)]
    counts = [trainer.learn(batch, [np.random.default_rng(i) for i in (1, 2)])["tokens"] for _ in range(steps)]
    assert abs(np.log(counts[0] / target)) > np.log(2)
    assert abs(np.log(np.mean(counts[-5:]) / target)) < np.log(1.25)


@pytest.mark.parametrize("task", ["classify", "segment"])
def test_a_transformer_task_learns_a_batch_by_heart(task: str, tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, task=task, steps=220, weights=LossWeights(target_tokens=6.0))
    batch = [Discs(noise=1.0).sample(index, np.random.default_rng(0), SIZE) for index in range(4)]
    rows = [trainer.learn(batch, [np.random.default_rng(i) for i in range(4)]) for _ in range(220)]
    assert np.mean([row["accuracy"] for row in rows[-20:]]) > 0.9
    assert np.mean([row["accuracy"] for row in rows[:3]]) < 0.9


@pytest.mark.parametrize("task", ["classify", "segment"])
def test_a_transformer_task_needs_two_classes(task: str) -> None:
    with pytest.raises(UsageError, match="1 cannot be told apart"):
        task_named(task)(_net(), None, 1)


@pytest.mark.parametrize("task", sorted(TASKS))
def test_validation_draws_its_regions(task: str, tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, task=task, steps=2, validate_every=2)
    trainer.run()
    with Image.open(trainer.folder / "samples-2.png") as picture:
        assert picture.size == (2 * (SIZE + 4), 2 * (SIZE + 4))


def test_a_resumed_run_gives_the_curve_of_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = _trainer(tmp_path / "whole")
    whole.run()

    class Killed(Exception):
        pass

    def kill(row: dict[str, float]) -> None:
        if row["step"] == 5:
            raise Killed

    first = _trainer(tmp_path / "parts")
    with pytest.raises(Killed):
        first.run(kill)
    second = _trainer(tmp_path / "parts")
    second.resume()
    assert second.step == 3
    second.run()
    assert _curve(second) == _curve(whole)
    for one, other in zip(whole.task.parameters(), second.task.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_run_of_other_settings_is_not_resumed(tmp_path: Path) -> None:
    _trainer(tmp_path).run()
    with pytest.raises(WeightsError, match="other settings"):
        _trainer(tmp_path, learning_rate=1e-4).resume()


def test_a_damaged_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path)
    trainer.run()
    (trainer.folder / "last.pt").write_bytes(b"no checkpoint")
    with pytest.raises(WeightsError, match=r"last\.pt"):
        _trainer(tmp_path).resume()


def test_a_loss_that_is_no_number_stops_with_the_batch_named(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path)
    with torch.no_grad():
        trainer.task.net.correct.weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(InputError, match=r"disc \d, disc \d"):
        trainer.run()


def test_training_stops_early_without_improvement(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, steps=40, validate_every=1, patience=2, learning_rate=0.0)
    trainer.run()
    assert trainer.step == 3


def test_a_sample_costs_the_same_in_any_batch() -> None:
    task = task_named("regions")(_net()).train()
    samples = [Discs().sample(index, np.random.default_rng(index), SIZE) for index in range(3)]

    def losses(order: list[int]) -> float:
        return float(task([samples[i] for i in order], [np.random.default_rng(i) for i in order])["loss"].detach())

    alone = [losses([index]) for index in range(3)]
    assert losses([2, 0, 1]) == pytest.approx(np.mean(alone), rel=1e-5)


def test_the_weights_load_where_weights_are_asked_for(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path)
    trainer.run()
    trainer.write_weights("discs", "an untrained net")
    checkpoint = load_checkpoint(trainer.output, "cpu")
    assert checkpoint.config == CONFIG
    assert checkpoint.card["trained_on"] == "discs"
    assert checkpoint.card["scores"]["loss"] == pytest.approx(np.mean(_curve(trainer)[-3:]))
    sample = Discs().sample(0, np.random.default_rng(0), None)
    assert DHVTokenizer.load(trainer.output, "cpu").partition(sample.image, regions=5).regions == 5


def test_the_log_has_a_line_a_step(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path)
    trainer.run()
    lines = (trainer.folder / "log.csv").read_text().splitlines()
    assert len(lines) == 1 + trainer.step
    assert {"step", "loss", "validation"} <= set(lines[0].split(","))


@pytest.mark.parametrize(
    ("name", "value"), [("task", "draw"), ("steps", 0), ("batch_size", 0), ("size", 8), ("precision", "half")]
)
def test_settings_out_of_range_are_refused(name: str, value: object) -> None:
    with pytest.raises(UsageError):
        TrainingSettings(**{name: value})  # type: ignore[arg-type]


def test_an_abstract_task_says_so() -> None:
    with pytest.raises(NotImplementedError):
        Task(_net())([Discs().sample(0, np.random.default_rng(0), SIZE)], [np.random.default_rng(0)])


_PROCESS = """
import json, sys
from pathlib import Path
from test_loop import _trainer
from dhvt_vectorize.training.loop import join_processes, _rank
join_processes()
trainer = _trainer(Path(sys.argv[1]), steps=1, batch_size=int(sys.argv[2]))
trainer.run()
if _rank() == 0:
    print(json.dumps([float(p.grad.double().sum()) for p in trainer.task.net.parameters() if p.requires_grad]))
    print(json.dumps([p.grad.flatten().tolist()[:50] for p in trainer.task.net.parameters() if p.requires_grad]))
"""


@pytest.mark.slow
def test_two_processes_give_the_gradients_of_one_with_the_double_batch(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = Path(__file__).parent

    def start(rank: int, world: int, batch: int) -> subprocess.Popen[str]:
        group = {"RANK": str(rank), "WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        path = os.pathsep.join([str(here), str(here.parents[1])])
        environment = {**os.environ, **group, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", _PROCESS, str(tmp_path / f"{world}"), str(batch)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    two = [start(rank, 2, 2) for rank in (0, 1)]
    outputs = [process.communicate(timeout=240)[0] for process in two]
    one = start(0, 1, 4).communicate(timeout=240)[0]
    assert outputs[1] == ""
    for mine, theirs in zip(outputs[0].splitlines(), one.splitlines(), strict=True):
        for a, b in zip(json.loads(mine), json.loads(theirs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
