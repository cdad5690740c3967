import io
import sys

import pytest

from dhvt_vectorize.batch.batch import Counts
from dhvt_vectorize.cli import console
from dhvt_vectorize.cli.console import notices, progress, say, write_standard_output
from dhvt_vectorize.errors import OutputError


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_what_a_terminal_cannot_show_is_escaped(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stream)
    say("größe \udcff")
    assert stream.buffer.getvalue() == b"gr\\xf6\\xdfe \\udcff\n"


def test_a_closed_standard_error_is_no_reason_to_fail(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    say("unheard")
    with progress(1, quiet=False) as show:
        show(Counts(done=1))
    assert capsys.readouterr().out == ""


def test_a_closed_standard_output_is_an_output_error(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError):
        write_standard_output(["text"])


@pytest.mark.parametrize("quiet", [False, True])
def test_every_notice_is_said_once_unless_quiet(capsys, quiet):
    tell = notices(quiet=quiet)
    for line in ("one", "two", "one"):
        tell(line)
    assert capsys.readouterr().err == ("" if quiet else "one\ntwo\n")


def test_progress_in_a_file_is_a_plain_line_now_and_then(monkeypatch, capsys):
    now = 100.0
    monkeypatch.setattr(console.time, "monotonic", lambda: now)
    with progress(300, quiet=False) as show:
        for second in range(1, 26):
            now = 100.0 + second
            show(Counts(done=3 * second, skipped=second, failed=second))
    assert capsys.readouterr().err.splitlines() == [
        "50 of 300 files, 5.0 a second, 10 failed, 0:50 min left",
        "100 of 300 files, 5.0 a second, 20 failed, 0:40 min left",
    ]


def test_progress_on_a_terminal_shows_count_failures_and_time(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress(4, quiet=False) as show:
        for done in range(1, 4):
            show(Counts(done=done, failed=1))
    assert "4/4" in terminal.getvalue()
    assert "1 failed" in terminal.getvalue()
    assert "a second" in terminal.getvalue()


def test_quiet_progress_shows_nothing(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress(4, quiet=True) as show:
        show(Counts(done=4))
    assert terminal.getvalue() == ""
