"""`dhvt-vectorize train`: every task ends in weights that draw, and every defect of data or arguments in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from data_folders import write_classes, write_drawings, write_images, write_maps, write_shards

from dhvt_vectorize.cli import cli
from dhvt_vectorize.cli.train import TASK_NAMES
from dhvt_vectorize.tokenizer.checkpoint import load_checkpoint
from dhvt_vectorize.training import sources
from dhvt_vectorize.training.tasks import TASKS

SHORT = ("--steps", "2", "--size", "32", "--batch-size", "2", "--device", "cpu", "--quiet")
DATA: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "regions from drawings": ("regions", write_drawings),
    "regions from label maps": ("regions", write_maps),
    "regions from shards": ("regions", write_shards),
    "borders": ("borders", write_maps),
    "reconstruct": ("reconstruct", write_images),
    "classify": ("classify", write_classes),
    "segment": ("segment", lambda folder: write_maps(folder, annotators=1)),
}


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    assert text.startswith("error: ")
    return text


def test_the_command_line_the_data_and_the_losses_know_the_same_tasks() -> None:
    assert set(TASK_NAMES) == set(TASKS) == set(sources.TASKS)


@pytest.mark.parametrize("kind", DATA)
def test_every_task_ends_in_weights_that_draw(kind: str) -> None:
    task, write = DATA[kind]
    data = write(Path("data"))
    assert cli.main(["train", str(data), "--task", task, "-o", "mine.safetensors", *SHORT]) == 0
    assert task in load_checkpoint(Path("mine.safetensors"), "cpu").card["method"]
    assert Path("mine.training/log.csv").read_text().count("\n") == 3
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)).save("a.png")
    assert cli.main(["a.png", "-o", "a.svg", "--weights", "mine.safetensors", "--quiet"]) == 0
    assert Path("a.svg").read_text().endswith("</svg>\n")


def test_what_the_data_holds_is_said_and_what_cannot_be_read_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    write_classes(Path("data"))
    Path("data/cats/broken.png").write_bytes(b"no image")
    arguments = ["train", "data", "--task", "classify", "-o", "mine.safetensors", *SHORT[:-1]]
    assert cli.main(arguments) == 0
    said = capsys.readouterr().err
    assert "4 images in a folder a class" in said
    assert "2 classes" in said
    assert "left out: cats/broken.png" in said


def _empty(folder: Path) -> None:
    folder.mkdir()


def _broken(folder: Path) -> None:
    folder.mkdir()
    for name in ("a.png", "b.jpg"):
        (folder / name).write_bytes(b"no image")


def _one_class(folder: Path) -> None:
    write_images(folder / "cats")


def _maps_of_another_size(folder: Path) -> None:
    write_maps(folder)
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(folder / "one-0.png")


def _coloured_maps(folder: Path) -> None:
    write_images(folder, ("a.jpg",))
    Image.new("RGB", (28, 24)).save(folder / "a-0.png")


def _damaged_shard(folder: Path) -> None:
    folder.mkdir()
    (folder / "0.tar").write_bytes(b"no shard" * 100)


def _unlabelled(folder: Path) -> None:
    write_images(folder)


# what is wrong: (task, writer of the data or None, words of the error, exit code)
DEFECTS: dict[str, tuple[str, Callable[[Path], object] | None, str, int]] = {
    "nothing there": ("regions", None, "no such file or folder", 3),
    "an empty folder": ("regions", _empty, "holds nothing to regions with", 3),
    "an empty folder of classes": ("classify", _empty, "holds 0 folders with images", 3),
    "broken images alone": ("reconstruct", _broken, "none can be used", 3),
    "a single class": ("classify", _one_class, "holds 1 folders with images", 3),
    "no label maps": ("segment", _unlabelled, "no label maps", 3),
    "label maps of another size": ("regions", _maps_of_another_size, "one-0.png", 3),
    "label maps in colour": ("regions", _coloured_maps, "mode RGB", 3),
    "a damaged shard": ("regions", _damaged_shard, "0.tar", 3),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_data_that_cannot_be_learned_from_is_refused_in_one_line(
    defect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    task, write, words, code = DEFECTS[defect]
    if write is not None:
        write(Path("data"))
    assert cli.main(["train", "data", "--task", task, "-o", "mine.safetensors", *SHORT]) == code
    assert words in one_line(capsys.readouterr().err)
    assert not Path("mine.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--task", "paint"], "paint"),
        (["--steps", "0"], "--steps"),
        (["--epochs", "0"], "--epochs"),
        (["--batch-size", "0"], "--batch-size"),
        (["--size", "3"], "--size"),
        (["--channels", "2"], "channels"),
        (["--texture", "2"], "--texture"),
        (["--degraded", "-1"], "--degraded"),
        (["--precision", "half"], "--precision"),
        (["--patience", "0"], "--patience"),
    ],
)
def test_arguments_out_of_range_are_refused_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_drawings(Path("data"))
    assert cli.main(["train", "data", "-o", "mine.safetensors", *arguments, "--quiet"]) == 2
    assert words in one_line(capsys.readouterr().err)


def test_validation_of_other_classes_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    write_classes(Path("data"))
    write_images(Path("other/birds"))
    write_images(Path("other/cats"))
    arguments = ["train", "data", "--task", "classify", "--validation", "other", "-o", "mine.safetensors", *SHORT]
    assert cli.main(arguments) == 2
    assert "other classes" in one_line(capsys.readouterr().err)


def test_an_existing_file_and_another_run_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    write_images(Path("data"))
    arguments = ["train", "data", "--task", "reconstruct", "-o", "mine.safetensors", *SHORT]
    assert cli.main(arguments) == 0
    before = Path("mine.safetensors").read_bytes()
    assert cli.main(arguments) == 5
    assert "--force" in one_line(capsys.readouterr().err)
    assert cli.main([*arguments, "--force"]) == 5
    assert "--resume" in one_line(capsys.readouterr().err)
    assert cli.main([*arguments, "--resume"]) == 0
    assert Path("mine.safetensors").read_bytes() == before
