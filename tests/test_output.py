import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from dhvt_vectorize.errors import OutputError
from dhvt_vectorize.output import check_target, make_folder, write_atomically


@pytest.mark.parametrize(
    ("content", "written"),
    [(b"\x00\xff", b"\x00\xff"), ("größe", "größe".encode()), (iter(["a", "ß", ""]), "aß".encode()), ("", b"")],
)
def test_content_is_written_as_it_is(tmp_path, content, written):
    write_atomically(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == written
    assert os.listdir(tmp_path) == ["file"]


def test_a_failure_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path):
    def pieces():
        yield "new"
        raise failure

    (tmp_path / "file").write_text("old")
    for failure in (ValueError("no more"), KeyboardInterrupt()):
        with pytest.raises(type(failure)):
            write_atomically(tmp_path / "file", pieces())
        assert (tmp_path / "file").read_text() == "old"
        assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
def test_a_disk_that_refuses_is_an_output_error_that_names_the_file(tmp_path, monkeypatch, code):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError) as caught:
        write_atomically(tmp_path / "file", "content")
    assert str(tmp_path / "file") in str(caught.value)
    assert os.strerror(code) in str(caught.value)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["", "missing/file", "there/file", "x" * 300])
def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path, name):
    (tmp_path / "there").write_text("a file")
    with pytest.raises(OutputError):
        write_atomically(tmp_path / name, "content")
    assert os.listdir(tmp_path) == ["there"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_permissions_are_the_umask_s_for_a_new_file_and_stay_for_an_old_one(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new", "content")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    (tmp_path / "new").chmod(0o600)
    write_atomically(tmp_path / "new", "again")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_a_link_is_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "file")
    write_atomically(tmp_path / "link", "content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "elsewhere" / "file").read_text() == "content"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_atomically(tmp_path / "pipe", "content")
    reader.join()
    assert read == [b"content"]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_the_partial_file_lies_where_it_is_told_to(tmp_path):
    (tmp_path / "partial").mkdir()

    def pieces():
        yield "content"
        assert os.listdir(tmp_path) == ["partial"]
        assert len(os.listdir(tmp_path / "partial")) == 1

    write_atomically(tmp_path / "file", pieces(), partial_folder=tmp_path / "partial")
    assert (tmp_path / "file").read_text() == "content"
    assert os.listdir(tmp_path / "partial") == []


def test_a_target_is_checked_before_any_work(tmp_path):
    (tmp_path / "file").write_text("mine")
    check_target(tmp_path / "new", force=False)
    check_target(tmp_path / "file", force=True)
    check_target(Path(os.devnull), force=False)
    for target, force in ((tmp_path / "file", False), (tmp_path, True), (tmp_path / "no" / "file", True)):
        with pytest.raises(OutputError):
            check_target(target, force=force)


def test_folders_are_made_down_to_the_last(tmp_path):
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    for target in ("file", "file/below"):
        with pytest.raises(OutputError):
            make_folder(tmp_path / target)
