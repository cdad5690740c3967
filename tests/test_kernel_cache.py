import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from fake_vectorizer import VECTORIZER
from PIL import Image

from dhvt_vectorize import commands, kernel_cache
from dhvt_vectorize.console import COMPILING

ROOT = Path(__file__).parents[1]
LOAD_KERNELS = "import dhvt_vectorize.tracing._kernels as kernels; print(kernels.trace_arcs.stats.cache_path)"


def python(code, **environment):
    """Run `code` where numba may keep kernels in $NUMBA_CACHE_DIR alone: as where all else is read-only."""
    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    settings = {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator", **environment}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env={**inherited, **settings}, capture_output=True, text=True, check=False)


def test_where_numba_finds_no_place_for_kernels_a_private_one_is_made(tmp_path):
    assert "no locator available" in python(LOAD_KERNELS, TMPDIR=str(tmp_path)).stderr
    ensured = "from dhvt_vectorize.kernel_cache import ensure_kernel_cache as e; e();" + LOAD_KERNELS
    first, second = (python(ensured, TMPDIR=str(tmp_path)) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout  # kept for the next process
    (folder,) = tmp_path.iterdir()
    assert Path(first.stdout).is_relative_to(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_folder_that_the_user_names_is_used(tmp_path):
    ensured = "from dhvt_vectorize.kernel_cache import ensure_kernel_cache as e; e();" + LOAD_KERNELS
    assert Path(python(ensured, NUMBA_CACHE_DIR=str(tmp_path)).stdout).is_relative_to(tmp_path)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="users have no numbers here")
@pytest.mark.parametrize("planted", ["link", "file", "open folder"])
def test_a_private_folder_that_others_may_have_filled_is_not_used(tmp_path, monkeypatch, planted):
    monkeypatch.setattr(kernel_cache.tempfile, "tempdir", str(tmp_path))
    theirs = tmp_path / f"dhvt-vectorize-kernels-{os.getuid()}"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if planted == "link":
        theirs.symlink_to(elsewhere)
    elif planted == "file":
        theirs.touch()
    else:
        theirs.mkdir()
        theirs.chmod(0o777)
    ours = kernel_cache._private_folder()
    assert ours not in (theirs, elsewhere)
    assert stat.S_IMODE(ours.stat().st_mode) == 0o700


def test_kernels_count_as_compiled_once_the_last_stage_has_left_some(tmp_path):
    ask = "from dhvt_vectorize.kernel_cache import kernels_are_compiled as ask; print(ask());"
    compile_last = (
        "import numpy as np; from dhvt_vectorize.drawing import _path_kernels as last;"
        "last._digits(np.zeros(9, np.uint8), 0, 12, 0);"
    )
    answers = python(ask + compile_last + ask, NUMBA_CACHE_DIR=str(tmp_path))
    assert answers.stdout.split() == ["False", "True"], answers.stderr


@pytest.mark.parametrize(("compiled", "quiet", "told"), [(False, False, 1), (False, True, 0), (True, False, 0)])
def test_a_folder_run_says_that_its_workers_will_compile(tmp_path, monkeypatch, capsys, compiled, quiet, told):
    Image.new("RGB", (6, 4)).save(tmp_path / "image.png")
    monkeypatch.setattr(commands, "VECTORIZER", VECTORIZER)
    monkeypatch.setattr(commands, "kernels_are_compiled", lambda: compiled)
    commands.convert(commands.Request(str(tmp_path), output=str(tmp_path / "out"), quiet=quiet, jobs=1))
    assert capsys.readouterr().err.count(COMPILING) == told
