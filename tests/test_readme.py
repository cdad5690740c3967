"""Every command and sample of the README is run, in a folder that looks like a new copy of the repository.

What would install something finds a stand-in that does nothing; what would take long is run short: pytest collects, the
benchmark shows its help.
"""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from options_table import README, with_current_tables

from dhvt_vectorize.errors import DhvtError

ROOT = README.parent
TEXT = README.read_text("utf-8")
COMMANDS = re.findall(r"^```bash\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
SAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)

# the programs of a virtual environment: those of the one these tests run in, with this repository's package
STAND_INS = {
    "dhvt-vectorize": 'exec "$REAL_PYTHON" -m dhvt_vectorize "$@"',
    "pip": ":",
    "python": """
        case "$*" in
            "-m venv "*) test "$3" = .venv ;;
            "-m pytest"*) cd "$REPOSITORY" && exec "$REAL_PYTHON" "$@" --collect-only --quiet tests/test_options.py ;;
            "-m benchmarks."*) exec "$REAL_PYTHON" "$@" --help ;;
            *) exec "$REAL_PYTHON" "$@" ;;
        esac
    """,
}
STAND_INS["python3"] = STAND_INS["python"]


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A folder with what the README's commands refer to, and stand-ins for what they run."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", "examples", ignore=shutil.ignore_patterns("*.svg"))
    for name in ("constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, name)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, script in STAND_INS.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("REAL_PYTHON", sys.executable)
    monkeypatch.setenv("REPOSITORY", str(ROOT))
    return tmp_path


def bash(commands):
    # as typed: one command after the other, and none may fail
    done = subprocess.run(["bash", "-e", "-c", commands], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def targets(commands):
    """What the commands say they write, with -o or to a file after >."""
    return re.findall(r"(?:-o|--preview|>) ([\w./-]*\w[\w./-]*)", commands)


@pytest.mark.slow
@pytest.mark.parametrize("commands", COMMANDS)
def test_commands_run_and_write_what_they_name(copy, commands):
    bash(commands)
    for target in map(Path, targets(commands)):
        assert target.exists(), target
        for svg in target.rglob("*.svg") if target.is_dir() else [target]:
            if svg.suffix == ".svg":
                assert ElementTree.parse(svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_a_command_that_fails_is_noticed(copy):
    with pytest.raises(AssertionError):
        bash("dhvt-vectorize no-such-file.png\ntrue")


def test_what_is_installed_exists():
    installs = re.findall(r"\bpip install ([^&\n]*)", "".join(COMMANDS))
    assert installs
    optional = (ROOT / "pyproject.toml").read_text("utf-8").partition("[project.optional-dependencies]")[2]
    for arguments in installs:
        for extra in re.findall(r"\.\[(\w+)\]", arguments):
            assert f"\n{extra} = [" in optional
        for constraints in re.findall(r"-c (\S+)", arguments):
            assert "torch==" in (ROOT / constraints).read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES)
def test_python_samples_run(copy, sample):
    printed = subprocess.run([sys.executable, "-c", sample], capture_output=True, text=True, check=True).stdout
    assert "(400, 600) 196" in printed
    assert ElementTree.parse("photo.svg").getroot().get("width") == "600"


def test_there_are_commands_and_a_sample_to_run():
    assert len(COMMANDS) >= 5
    assert len(SAMPLES) == 1


def test_the_tables_are_those_of_the_command_line():
    assert with_current_tables(TEXT) == TEXT, "run: PYTHONPATH=. python tests/options_table.py"


def test_the_test_command_is_the_one_that_continuous_integration_runs():
    commands = [line for block in COMMANDS for line in block.splitlines() if "pytest" in line]
    assert commands == [(ROOT / ".ci" / "run").read_text().splitlines()[-1].removeprefix("exec ")]


def test_links_and_pictures_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT):
        assert (ROOT / target).exists(), target


def test_the_first_screen_has_a_command_and_a_picture():
    first_screen = "\n".join(TEXT.splitlines()[:20])
    assert "dhvt-vectorize examples/" in first_screen
    assert re.search(r"!\[.+\]\(docs/.+\.png\)", first_screen)


def test_the_exit_codes_are_those_of_the_errors():
    paragraph = TEXT[TEXT.index("the exit code is 0") :].partition("\n\n")[0]
    codes = {kind.exit_code for kind in [DhvtError, *DhvtError.__subclasses__()]}
    assert {int(code) for code in re.findall(r"\b\d+\b", paragraph)} == {0, 130, *codes}
