import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fake_vectorizer import VECTORIZER
from PIL import Image

from dhvt_vectorize.batch.batch import default_output_folder, settings_digest
from dhvt_vectorize.cli import cli, commands
from dhvt_vectorize.errors import UsageError, WeightsError
from dhvt_vectorize.formats import FORMATS
from dhvt_vectorize.options import VectorizeOptions

TESTS = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
MANIFEST = "report-files/manifest.jsonl"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DHVT_DEBUG", raising=False)
    monkeypatch.setattr(commands, "VECTORIZER", VECTORIZER)
    monkeypatch.setenv("FAKE_VECTORIZER_LOADS", str(tmp_path / "loads"))


def make(*paths):
    """Images of different colours below `photos`; other files by their extension."""
    for number, path in enumerate(paths):
        target = Path("photos") / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix in (".png", ".jpg"):
            Image.new("RGB", (8 + number, 5), (20 * number % 256, 7, 7)).save(target)
        else:
            target.write_bytes(b"no image")


def run(*arguments, output="svgs", code=0):
    assert cli.main(["photos", "-o", output, *arguments]) == code


def svgs(folder="svgs"):
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.svg"))


def records(folder="svgs"):
    return [json.loads(line) for line in (Path(folder) / MANIFEST).read_text().splitlines()]


def loads():
    return Path("loads").read_text().splitlines() if Path("loads").exists() else []


def report(folder="svgs"):
    page = (Path(folder) / "report.html").read_text()
    return json.loads(re.search(r'<script type="application/json" id="document">(.*?)</script>', page, re.S)[1])


def nothing_half_written(folder="svgs"):
    assert not list(Path(folder).rglob("*.part"))
    assert not (Path(folder) / "report-files" / "partial").exists()
    for path in Path(folder).rglob("*.svg"):
        assert path.read_text().endswith("</svg>")


def start(*arguments):
    """The command line as a process that hears Ctrl-C, also where these tests run with it ignored."""
    command = [sys.executable, str(TESTS / "fake_vectorizer.py"), "photos", "-o", "svgs", *arguments]
    return subprocess.Popen(
        command,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for_records(count, running):
    deadline = time.monotonic() + 60
    while not Path("svgs", MANIFEST).exists() or len(Path("svgs", MANIFEST).read_text().splitlines()) < count:
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def processes_of(group):
    """The commands of a process group's live processes (Linux)."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, pgrp = status.read_text().rpartition(")")[2].split()[:3]
            if int(pgrp) == group and state != "Z":
                found.append(status.with_name("cmdline").read_text())
    return found


def all_end_within(seconds, group):
    deadline = time.monotonic() + seconds
    while left := processes_of(group):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


# --- a whole folder


def test_a_folder_is_mirrored(capsys):
    make("a.png", "sub/b.jpg", "sub/deep er/c.png", "notes.txt", ".hidden.png")
    run()
    assert svgs() == ["a.svg", "sub/b.svg", "sub/deep er/c.svg"]
    assert "3 converted, 0 known already, 0 failed" in capsys.readouterr().err
    nothing_half_written()


def test_without_an_output_a_folder_goes_beside_itself():
    make("a.png")
    assert cli.main(["photos/"]) == 0
    assert svgs("photos-svg") == ["a.svg"]
    os.chdir("photos")
    assert cli.main([".", "--resume"]) == 0
    assert len(records("../photos-svg")) == 1
    with pytest.raises(UsageError):
        default_output_folder(Path("/"))


def test_images_of_one_name_get_svgs_of_their_own():
    make("a.png", "a.jpg", "b.png")
    run("--jobs", "2")
    assert svgs() == ["a.jpg.svg", "a.png.svg", "b.svg"]


def test_patterns_limit_and_recursion_choose_the_images():
    make("a.png", "b.jpg", "c.png", "sub/d.png")
    run("--glob", "*.png", "--limit", "2", output="one")
    assert svgs("one") == ["a.svg", "c.svg"]
    run("--no-recursive", output="two")
    assert svgs("two") == ["a.svg", "b.svg", "c.svg"]
    run("--glob", "b.*", "--glob", "sub/*", output="three")
    assert svgs("three") == ["b.svg", "sub/d.svg"]


def test_an_output_folder_inside_the_input_is_not_read_again():
    make("a.png")
    for _ in range(2):
        run("--resume", output="photos/svgs")
    assert svgs("photos/svgs") == ["a.svg"]
    assert len(records("photos/svgs")) == 1


def test_svgs_can_lie_among_their_images():
    make("a.png", "sub/b.png")
    for _ in range(2):
        run("--resume", output="photos")
    assert svgs("photos") == ["a.svg", "sub/b.svg"]
    assert len(records("photos")) == 2


def test_each_worker_loads_one_vectorizer_and_shares_the_cores():
    make(*(f"{number}.png" for number in range(8)))
    run("--jobs", "2")
    loaded = [line.split() for line in loads()]
    assert 1 <= len(loaded) <= 2
    assert len({pid for pid, _ in loaded}) == len(loaded)
    assert str(os.getpid()) not in {pid for pid, _ in loaded}
    assert {int(threads) for _, threads in loaded} == {max(1, len(os.sched_getaffinity(0)) // 2)}


# --- files that fail


def test_broken_files_are_listed_with_their_reason_and_the_others_are_done(capsys):
    make("a.png", "b.png", "bug.png", "huge.png", "z.png")
    Path("photos/b.png").write_bytes(Path("photos/b.png").read_bytes()[:40])
    Path("photos/empty.png").touch()
    Path("photos/gone.png").symlink_to("nowhere")
    run(code=7)
    assert svgs() == ["a.svg", "z.svg"]
    lines = capsys.readouterr().err.splitlines()
    listed = [line for line in lines if line.startswith("failed: ")]
    names = ["b.png", "bug.png", "empty.png", "gone.png", "huge.png"]
    assert [re.match(r"failed: photos/(\S+): .+; .+", line)[1] for line in listed] == names
    assert lines[-1].startswith("error: photos: 5 of 7 files failed")
    nothing_half_written()


@pytest.mark.parametrize("name", ["c crash.png", "c killed.png"])
def test_a_worker_that_dies_is_one_failed_file(name, capsys):
    make("a.png", "b.png", name, "d.png", "e.png")
    run("--jobs", "1", code=7)
    assert svgs() == ["a.svg", "b.svg", "d.svg", "e.svg"]
    assert len(loads()) == 2
    listed = [line for line in capsys.readouterr().err.splitlines() if line.startswith("failed: ")]
    assert len(listed) == 1
    assert f"photos/{name}: its worker process" in listed[0]
    assert ("SIGKILL" in listed[0]) == (name == "c killed.png")


def test_a_last_worker_that_dies_ends_the_batch_properly():
    make("crash.png")
    run(code=7)
    assert [record["status"] for record in records()] == ["failed"]


def test_the_traceback_of_a_defect_is_shown_on_request(capsys, monkeypatch):
    make("bug.png")
    monkeypatch.setenv("DHVT_DEBUG", "1")
    run(code=7)
    assert "Traceback" in capsys.readouterr().err


def test_weights_that_cannot_be_loaded_end_the_batch(capsys):
    make("a.png", "b.png")
    Path("weights").write_bytes(b"wrong")
    run("--weights", "weights", code=4)
    assert capsys.readouterr().err.count("\n") == 1
    assert svgs() == []
    nothing_half_written()
    run(code=0)


def test_a_folder_without_images_is_an_input_error(capsys):
    make("notes.txt")
    run(code=3)
    assert "holds no image" in capsys.readouterr().err
    assert not Path("svgs").exists()


def test_an_output_folder_that_is_a_file_is_an_output_error():
    make("a.png")
    Path("svgs").write_text("mine")
    run(code=5)
    assert Path("svgs").read_text() == "mine"


# --- what is there already


def test_a_second_run_is_refused_unless_told_what_to_do(capsys):
    make("a.png")
    run()
    before = Path("svgs/a.svg").stat().st_mtime_ns
    run(code=5)
    line = capsys.readouterr().err.splitlines()[-1]
    assert "--resume" in line
    assert "--force" in line
    assert Path("svgs/a.svg").stat().st_mtime_ns == before
    run("--force")
    assert len(records()) == 1
    assert Path("svgs/a.svg").stat().st_mtime_ns > before


def test_an_svg_of_another_origin_is_kept_unless_forced():
    make("a.png", "b.png")
    Path("svgs").mkdir()
    Path("svgs/a.svg").write_text("mine")
    run("--resume", code=7)
    assert Path("svgs/a.svg").read_text() == "mine"
    assert svgs() == ["a.svg", "b.svg"]
    run("--force")
    assert "<svg" in Path("svgs/a.svg").read_text()


def test_resume_does_what_is_new_changed_failed_or_gone_and_nothing_else(capsys):
    make("same.png", "changed.png", "gone.png", "broken.png", "moved.png")
    Path("photos/broken.png").write_bytes(b"")
    run(code=7)
    make("same.png", "new.png")  # same.png is written again with the same content
    Image.new("RGB", (3, 3)).save("photos/changed.png")
    Image.new("RGB", (4, 4)).save("photos/broken.png")
    Path("svgs/gone.svg").unlink()
    Path("photos/moved.png").rename("photos/elsewhere.png")
    before = len(records())
    run("--resume", "--jobs", "1")
    assert [record["input"] for record in records()[before:]] == [
        "broken.png",
        "changed.png",
        "elsewhere.png",
        "gone.png",
        "new.png",
    ]
    assert "5 converted, 1 known already, 0 failed" in capsys.readouterr().err
    assert 'width="3"' in Path("svgs/changed.svg").read_text()
    assert [result["input"] for result in report()["results"]] == sorted(path.name for path in Path("photos").iterdir())


def test_resume_with_nothing_left_to_do_loads_no_vectorizer():
    make("a.png", "b.png")
    run()
    loaded = loads()
    run("--resume")
    assert loads() == loaded
    assert len(records()) == 2


def test_resume_with_other_options_does_everything_again():
    make("a.png", "b.png")
    run("--mode", "polygon")
    run("--resume", "--mode", "pixel")
    assert len(records()) == 4
    assert "pixel" in Path("svgs/a.svg").read_text()


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_is_converted_to_any_format_and_each_file_is_known_by_its_own(name):
    make("a.png", "a.jpg", "sub/b.jpg")
    run("--format", name)
    outputs = {result["output"] for result in report()["results"]}
    assert outputs == {f"a.png.{name}", f"a.jpg.{name}", f"sub/b.{name}"}
    before = {output: Path("svgs", output).stat().st_mtime_ns for output in outputs}
    run("--format", name, "--resume")
    assert before == {output: Path("svgs", output).stat().st_mtime_ns for output in outputs}
    other = "svg" if name != "svg" else "pdf"
    run("--format", other, "--resume")
    assert {result["output"] for result in report()["results"]} == {
        f"a.png.{other}",
        f"a.jpg.{other}",
        f"sub/b.{other}",
    }


def test_the_report_shows_what_a_browser_cannot_show_as_a_small_picture():
    make("a.png")
    run("--format", "pdf")
    (result,) = report()["results"]
    with Image.open(Path("svgs") / result["picture"]) as picture:
        assert picture.size == (8, 5)
    run("--format", "svg", "--force")
    assert "picture" not in report()["results"][0]


def test_a_folder_of_another_format_goes_beside_its_images():
    make("a.png")
    assert cli.main(["photos", "--format", "eps"]) == 0
    assert Path("photos-eps/a.eps").is_file()


def test_settings_differ_by_options_and_by_the_content_of_the_weights():
    Path("one").write_bytes(b"1")
    Path("same").write_bytes(b"1")
    Path("two").write_bytes(b"2")
    options = VectorizeOptions()
    assert settings_digest(options, "one") == settings_digest(VectorizeOptions(), "same")
    others = [
        settings_digest(options, "one"),
        settings_digest(options, "two"),
        settings_digest(options, None),
        settings_digest(VectorizeOptions(palette=("#000000",)), "one"),
    ]
    assert len(set(others)) == len(others)
    with pytest.raises(WeightsError):
        settings_digest(options, "missing")


def test_two_runs_give_the_same_svgs():
    make("a.png", "b.png")
    run(output="one")
    run("--jobs", "1", output="two")
    for name in ("a.svg", "b.svg"):
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()


# --- ended in the middle


def test_a_batch_that_is_killed_can_be_resumed():
    make(*(f"{number:02d} slow.png" for number in range(12)))
    running = start("--jobs", "2")
    wait_for_records(3, running)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    kept = len(records())
    assert 3 <= kept < 12
    with open(Path("svgs", MANIFEST), "ab") as manifest:
        manifest.write(b'{"input": "torn')  # the worst moment to be killed
    Path("svgs/report-files/partial").mkdir(exist_ok=True)
    Path("svgs/report-files/partial/.dhvt-0.part").write_text("<svg")
    before = {name: Path("svgs", name).stat().st_mtime_ns for name in svgs()}
    running = start("--resume", "--jobs", "2")
    _, messages = running.communicate(timeout=60)
    assert running.returncode == 0, messages
    assert f"{12 - kept} converted, {kept} known already" in messages
    assert len(svgs()) == 12
    untouched = [name for name, when in before.items() if Path("svgs", name).stat().st_mtime_ns == when]
    assert len(untouched) >= kept
    nothing_half_written()


def test_the_workers_of_a_killed_batch_end_by_themselves():
    make(*(f"{number:02d} slow.png" for number in range(12)))
    running = start("--jobs", "2")
    wait_for_records(1, running)
    running.kill()
    running.wait()
    all_end_within(20, running.pid)
    assert len(svgs()) < 12
    assert not list(Path("svgs").rglob("*.part"))


@pytest.mark.parametrize("whom", ["everyone, as a terminal does", "the main process"])
def test_ctrl_c_ends_at_once_and_leaves_nothing_half_written(whom):
    make(*(f"{number:02d} slow.png" for number in range(40)))
    running = start("--jobs", "2")
    wait_for_records(2, running)
    started = time.monotonic()
    if whom == "the main process":
        running.send_signal(signal.SIGINT)
    else:
        os.killpg(running.pid, signal.SIGINT)
    _, messages = running.communicate(timeout=20)
    assert time.monotonic() - started < 5
    assert running.returncode == 130
    assert messages == "error: interrupted\n"
    # of the workers none is left; Python's resource tracker ends when it sees that its parent has
    assert not [command for command in processes_of(running.pid) if "spawn_main" in command]
    all_end_within(2, running.pid)
    nothing_half_written()
    assert 2 <= len(records()) < 40
    assert {record["output"] for record in records()} <= set(svgs())
    assert len(svgs()) < 40


def test_ctrl_c_while_the_workers_start_is_quiet_too():
    make(*(f"{number:02d} slow.png" for number in range(6)))
    running = start("--jobs", "2")
    while not Path("svgs", MANIFEST).exists():
        assert running.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    os.killpg(running.pid, signal.SIGINT)
    _, messages = running.communicate(timeout=20)
    assert (running.returncode, messages) == (130, "error: interrupted\n")
    # of the workers none is left; Python's resource tracker ends when it sees that its parent has
    assert not [command for command in processes_of(running.pid) if "spawn_main" in command]
    all_end_within(2, running.pid)
    nothing_half_written()


# --- what is shown


def test_figures_of_a_folder_are_json_on_standard_output(capsys):
    make("a.png", "b.png")
    Path("photos/c.png").touch()
    run("--json", code=7)
    shown = json.loads(capsys.readouterr().out)
    assert {name: shown[name] for name in ("input", "output", "files", "done", "skipped", "failed")} == {
        "input": "photos",
        "output": "svgs",
        "files": 3,
        "done": 2,
        "skipped": 0,
        "failed": 1,
    }
    assert [result["input"] for result in shown["results"]] == ["a.png", "b.png", "c.png"]
    assert shown["results"] == report()["results"]
    assert shown["results"][0]["figures"]["bytes"] == Path("svgs/a.svg").stat().st_size
    assert "error" in shown["results"][2]


def test_quiet_is_silent_but_for_errors(capsys):
    make("a.png")
    run("--quiet")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")
    Path("photos/b.png").touch()
    run("--quiet", "--resume", code=7)
    assert [line.partition(": ")[0] for line in capsys.readouterr().err.splitlines()] == ["failed", "error"]


@pytest.mark.parametrize(
    "name",
    [
        "a b.png",
        "größe.png",
        "<b>&amp;\"'.png",
        "new\nline.png",
        "</script>.png",
        "javascript:1.png",
        "100%#?.png",
        b"\xff.png",
    ],
)
def test_any_file_name_is_converted_and_shown(name, capsys):
    make("plain.png")
    name = os.fsdecode(name)
    target = Path("photos", name)
    target.parent.mkdir(exist_ok=True)
    os.rename("photos/plain.png", target)
    run("--json")
    assert svgs() == [name.removesuffix(".png") + ".svg"]
    results = json.loads(capsys.readouterr().out)["results"]
    assert [result["input"] for result in results] == [name]
    assert report()["results"] == results
    thumbnail = Path("svgs") / results[0]["thumbnail"]
    with Image.open(thumbnail) as image:
        assert image.size == (8, 5)


def test_the_report_links_only_to_files_that_are_there():
    make("a.png", "sub/b.png", "bug.png")
    run(code=7)
    page = report()
    for result in page["results"]:
        assert (Path("svgs") / page["originals"] / result["input"]).is_file()
        if result["status"] == "done":
            assert (Path("svgs") / result["output"]).is_file()
            assert (Path("svgs") / result["thumbnail"]).is_file()
    assert not re.search(r"(https?:)?//[a-z]", Path("svgs/report.html").read_text().replace("http://www.w3.org", ""))


@pytest.mark.parametrize(("name", "flags", "told"), [("compile", [], 1), ("compile", ["--quiet"], 0), ("image", [], 0)])
def test_it_is_said_once_that_the_workers_compile(capsys, name, flags, told):
    make(*(f"{name}-{number}.png" for number in range(4)))
    run("--jobs", "2", *flags)
    assert capsys.readouterr().err.count("compiling the kernels") == told


@pytest.mark.slow
def test_a_folder_is_vectorized_and_resumed_by_the_vectorizer_itself(monkeypatch, capsys):
    monkeypatch.setattr(commands, "VECTORIZER", "dhvt_vectorize.pipeline:Vectorizer")
    make("a.png", "sub/b.png", "c.png")
    Path("photos/c.png").write_bytes(b"broken")
    run("--jobs", "2", code=7)
    assert svgs() == ["a.svg", "sub/b.svg"]
    assert 'width="8"' in Path("svgs/a.svg").read_text()
    figures = report()["results"][0]["figures"]
    assert (figures["width"], figures["height"], figures["regions"]) == (8, 5, 1)
    run("--resume", code=7)
    assert "0 converted, 2 known already, 1 failed" in capsys.readouterr().err
