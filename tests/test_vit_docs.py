"""The page for researchers: its samples and commands run, and print what they say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from vit_libraries import library

from dhvt_vectorize.cli import cli

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "vit.md").read_text("utf-8")
SAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
COMMANDS = [
    line for block in re.findall(r"^```bash\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE) for line in block.splitlines()
]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def in_a_folder_with_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").mkdir()
    shutil.copy(ROOT / "examples" / "photo.jpg", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES, ids=["scratch", "pretrained", "pictures", "video"])
def test_samples_run_and_print_what_they_say(sample: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "timm/" in sample:
        library("timm")
    exec(compile(sample, "docs/vit.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    said = re.findall(r"^print\(.*\)  # (.*)$", sample, re.MULTILINE)
    assert len(printed) == len(said)
    assert all(line == words for line, words in zip(printed, said, strict=True) if words[0] in "t([0123456789")


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command: str) -> None:
    program, *arguments = command.split()
    if program == "dhvt-vectorize":
        assert cli.main(arguments) == 0
        assert Path(arguments[arguments.index("-o") + 1]).exists()
        return
    assert (ROOT / "benchmarks" / "vit" / "configs" / arguments[2]).exists()
    assert program == "python"
    subprocess.run([sys.executable, *arguments[:2], "--help"], cwd=ROOT, check=True, capture_output=True)


def test_there_are_samples_and_commands_to_run() -> None:
    assert len(SAMPLES) == 4
    assert len(COMMANDS) == 4
