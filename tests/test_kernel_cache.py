import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from dhvt_vectorize import kernel_cache
from dhvt_vectorize.kernel_cache import COMPILING, on_compilation

ROOT = Path(__file__).parents[1]
KERNELS = sorted(ROOT.glob("dhvt_vectorize/**/*_kernels.py"))
CACHE_OF_A_KERNEL = """
import sys
kernels = sys.modules["dhvt_vectorize.tokenizer._kernels"]
print(kernels.flat_zones.stats.cache_path)
"""
ENTRIES = {
    "Vectorizer": "from dhvt_vectorize import Vectorizer; Vectorizer()",
    "DHVTokenizer": "from dhvt_vectorize import DHVTokenizer; DHVTokenizer.load()",
    "a stage": "from dhvt_vectorize.tokenizer.hierarchy import build_merge_tree",
}


def python(code, **environment):
    """Run `code` where numba may keep kernels in $NUMBA_CACHE_DIR alone: as where all else is read-only."""
    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    settings = {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator", **environment}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env={**inherited, **settings}, capture_output=True, text=True, check=False)


# --- where kernels are kept


@pytest.mark.parametrize("entry", ENTRIES)
def test_where_numba_finds_no_place_for_kernels_a_private_one_is_made(tmp_path, entry):
    first, second = (python(ENTRIES[entry] + CACHE_OF_A_KERNEL, TMPDIR=str(tmp_path)) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout  # kept for the next process
    (folder,) = tmp_path.glob("dhvt-vectorize-kernels-*")
    assert Path(first.stdout).is_relative_to(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_numba_itself_refuses_where_it_finds_no_place_so_that_these_tests_can_fail(tmp_path):
    (tmp_path / "kernels.py").write_text("from numba import njit\n@njit(cache=True)\ndef kernel(): pass\n")
    refused = python("import kernels", PYTHONPATH=str(tmp_path), TMPDIR=str(tmp_path))
    assert "no locator available" in refused.stderr


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_every_module_of_kernels_takes_njit_from_where_a_place_is_found(path):
    assert "from ..kernel_cache import njit\n" in path.read_text(encoding="utf-8")


def test_kernels_are_nowhere_else():
    modules = set(ROOT.glob("dhvt_vectorize/**/*.py")) - {*KERNELS, Path(kernel_cache.__file__)}
    assert not [path for path in modules if re.search(r"(?m)^\s*(from|import) numba", path.read_text(encoding="utf-8"))]


def test_the_folder_that_the_user_names_is_used(tmp_path):
    found = python(ENTRIES["a stage"] + CACHE_OF_A_KERNEL, NUMBA_CACHE_DIR=str(tmp_path / "mine"), TMPDIR=str(tmp_path))
    assert Path(found.stdout).is_relative_to(tmp_path / "mine"), found.stderr


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


# --- kernels of several files


def test_a_kernel_is_compiled_again_when_a_file_changes_whose_kernels_it_calls(tmp_path):
    lower, upper = tmp_path / "lower_kernels.py", tmp_path / "upper_kernels.py"
    start = "from dhvt_vectorize.kernel_cache import njit\n"
    declare = "@njit(cache=True)\ndef {}():\n    return {}\n"
    upper.write_text(f"{start}from lower_kernels import low\n{declare.format('high', 'low() + 1')}")

    def answer(value):
        lower.write_text(start + declare.format("low", value))
        folders = {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}", "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        done = python("from upper_kernels import high; print(high(), sum(high.stats.cache_hits.values()))", **folders)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    assert answer(10) == ["11", "0"]
    assert answer(200) == ["201", "0"]


def test_a_kernel_is_not_compiled_again_when_nothing_has_changed(tmp_path):
    code = "import numpy as np\nfrom dhvt_vectorize.tracing import _cut_kernels as p\n"
    code += "p.deviation_from_line(np.zeros((2, 2)), 0, 1, 1, 0.0, 0.0, 1.0, 0.0)\n"
    code += "print(sum(p.deviation_from_line.stats.cache_hits.values()))"
    answers = [python(code, NUMBA_CACHE_DIR=str(tmp_path)).stdout for _ in range(2)]
    assert answers == ["0\n", "1\n"]


# --- word of compiling


def test_compiling_is_told_once_and_using_what_is_compiled_is_not():
    @numba.njit
    def double(value):
        return 2 * value

    told = []
    with on_compilation(told.append):
        assert double(1) == 2
        assert double(1.5) == 3
    assert told == [COMPILING]
    with on_compilation(told.append):
        assert double(2) == 4
    assert told == [COMPILING]


def test_whether_kernels_are_in_the_cache_decides_what_is_told_however_much_else_is_there(tmp_path):
    draw_digits = """if True:
        from dhvt_vectorize.kernel_cache import on_compilation
        with on_compilation(print):
            import numpy as np
            from dhvt_vectorize.drawing import _path_kernels
            for number in (12, 12.0):
                _path_kernels._digits(np.zeros(9, np.uint8), 0, number, 0)
    """

    def told():
        done = python(draw_digits, NUMBA_CACHE_DIR=str(tmp_path))
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    assert told() == [COMPILING]
    assert told() == []
    missing, _ = sorted(tmp_path.rglob("*.nbc"))
    missing.unlink()
    assert told() == [COMPILING]
    assert told() == []
