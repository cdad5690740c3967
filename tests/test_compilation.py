import subprocess
import sys
from pathlib import Path

import pytest
import resvg_py
from filelock import FileLock

from dhvt_vectorize import compilation, compile_kernels, kernel_cache, rehearsal
from dhvt_vectorize.kernel_cache import COMPILING, on_compilation

ROOT = Path(__file__).parents[1]
REHEARSED_THEN_DRAWN = """if True:
    import sys
    from numba.core.dispatcher import Dispatcher
    from dhvt_vectorize import Vectorizer, compilation, rehearsal

    def compiled():
        modules = [module for name, module in sys.modules.items() if name.startswith("dhvt_vectorize.")]
        kernels = {value for module in modules for value in vars(module).values() if isinstance(value, Dispatcher)}
        return {f"{kernel.__module__}.{kernel.__name__} {types}" for kernel in kernels for types in kernel.signatures}

    for part in compilation.PARTS:
        getattr(rehearsal, part)()
    rehearsed = compiled()
    vectorizer = Vectorizer()
    drawings = [vectorizer.vectorize(image) for image in sys.argv[1:]]
    assert drawings[-1].layers.pens
    print(*sorted(compiled() - rehearsed), sep="\\n")
"""


@pytest.fixture
def processes(monkeypatch):
    """Those that are started for parts that are missing; they run `program`, which a test may change."""
    started = Processes()
    monkeypatch.setattr(compilation, "_missing", lambda: [] if started else ["rehearse_regions", "rehearse_drawing"])
    monkeypatch.setattr(compilation, "_process", started.start)
    return started


class Processes(list):
    program = "pass"

    def start(self, part):
        self.append(subprocess.Popen([sys.executable, "-c", self.program], stdin=subprocess.PIPE))
        return self[-1]


def alive(process):
    return process.poll() is None


LINES = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 24" width="320" height="160">
<path d="M0 0h48v24H0z" fill="#fff"/><g fill="none" stroke="#1d3557" stroke-width="2">
<path d="M5 12h14M12 5l7 7-7 7"/><circle cx="33" cy="12" r="9" fill="#fc0"/><path d="M28 12c3-8 6 8 10 0"/></g></svg>"""


@pytest.mark.slow
def test_drawing_the_examples_and_lines_needs_no_kernel_that_is_not_rehearsed(tmp_path):
    images = [str(ROOT / "examples" / name) for name in ("logo.png", "illustration.png", "photo.jpg", "pixel-art.png")]
    (tmp_path / "lines.png").write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=LINES)))
    images.append(str(tmp_path / "lines.png"))
    command = [sys.executable, "-c", REHEARSED_THEN_DRAWN, *images]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("part", compilation.PARTS)
def test_every_part_is_rehearsed_and_ends_with_a_kernel_that_is_kept(part):
    assert callable(getattr(rehearsal, part))
    assert compilation._kernel(*compilation.PARTS[part]).stats.cache_path


def test_a_kernel_is_kept_once_it_has_been_compiled_and_until_its_source_changes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(kernel_cache.config, "CACHE_DIR", str(tmp_path / "cache"))
    source = "from dhvt_vectorize.kernel_cache import njit\n@njit(cache=True)\ndef kernel(value):\n    return value\n"
    (tmp_path / "kept_kernels.py").write_text(source)
    from kept_kernels import kernel

    assert not kernel_cache.is_kept(kernel)
    kernel(1)
    assert kernel_cache.is_kept(kernel)
    (tmp_path / "kept_kernels.py").write_text(source + "\n# changed")
    del sys.modules["kept_kernels"]
    from kept_kernels import kernel

    assert not kernel_cache.is_kept(kernel)


def test_whoever_listens_is_told_and_all_parts_are_waited_for(processes):
    processes.program = "import time; time.sleep(0.2)"
    told = []
    with on_compilation(told.append):
        compile_kernels()
    assert told == [COMPILING]
    assert [process.returncode for process in processes] == [0, 0]


def test_where_nothing_is_missing_no_process_is_started_and_nothing_is_told(processes, monkeypatch):
    monkeypatch.setattr(compilation, "_missing", list)
    told = []
    with on_compilation(told.append):
        compile_kernels()
    assert not told
    assert not processes


def test_a_process_that_dies_is_no_reason_to_fail(processes):
    processes.program = "import os; os.abort()"
    compile_kernels()
    assert len(processes) == 2


def test_no_more_is_waited_than_is_allowed(processes, monkeypatch):
    processes.program = "import time; time.sleep(600)"
    monkeypatch.setattr(compilation, "LONGEST", 0.1)
    compile_kernels()
    assert not any(map(alive, processes))


def test_an_interruption_ends_all_processes(processes, monkeypatch):
    processes.program = "import time; time.sleep(600)"

    def interrupted(self, timeout=None):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compile_kernels()
    assert len(processes) == 2
    assert not any(map(alive, processes))


def test_where_processes_cannot_be_started_nothing_is_lost(monkeypatch, processes):
    def refused(part):
        raise OSError("no more processes")

    monkeypatch.setattr(compilation, "_process", refused)
    compile_kernels()


def test_one_program_compiles_and_others_wait_for_it(processes, monkeypatch):
    monkeypatch.setattr(compilation, "LONGEST", 0.1)
    with FileLock(compilation._cache() / "compilation.lock"):
        compile_kernels()
    assert not processes


def test_a_program_that_is_one_file_with_its_interpreter_does_not_start_itself(processes, monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    compile_kernels()
    assert not processes


def rehearsing(code, **keep):
    """A real process whose part is `code`."""
    program = f"from dhvt_vectorize import compilation, rehearsal\ndef part():\n    {code}\n"
    program += "rehearsal.part = part\ncompilation._rehearse('part')"
    return subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, cwd=ROOT, **keep)


def test_a_process_ends_when_its_part_is_done():
    assert rehearsing("pass", stderr=subprocess.PIPE).wait(60) == 0


def test_a_process_ends_when_the_program_that_started_it_is_gone():
    process = rehearsing("import time; time.sleep(600)")
    process.stdin.close()
    assert process.wait(60) == 1


def test_a_process_finds_the_package_where_this_one_does_and_says_nothing(capfd, tmp_path, monkeypatch):
    (tmp_path / "numba.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    process = compilation._process("no such part")
    assert process.wait(60) == 1  # it has come as far as to look for the part
    assert capfd.readouterr() == ("", "")
