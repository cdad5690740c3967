import json

import pytest

from dhvt_vectorize.batch.manifest import Manifest, Record
from dhvt_vectorize.errors import OutputError


def record(name, status="done", **others):
    return Record(input=name, output=name + ".svg", status=status, **others)


def test_records_are_there_as_soon_as_they_are_appended(tmp_path):
    with Manifest(tmp_path / "m", keep=False) as manifest:
        for number in range(3):
            manifest.append(record(f"{number}.png"))
            assert len((tmp_path / "m").read_text().splitlines()) == number + 1


def test_the_latest_record_of_an_input_counts(tmp_path):
    with Manifest(tmp_path / "m", keep=False) as manifest:
        manifest.append(record("a", "failed", error="no"))
        manifest.append(record("b"))
        offset = manifest.append(record("a", digest="1"))
        assert manifest.latest("a") == (offset, record("a", digest="1"))
        assert manifest.latest("c") is None
    with Manifest(tmp_path / "m", keep=True) as manifest:
        assert manifest.latest("a") == (offset, record("a", digest="1"))
        assert manifest.read(offset)["digest"] == "1"


def test_a_new_manifest_forgets_the_old_one(tmp_path):
    for _ in range(2):
        with Manifest(tmp_path / "m", keep=False) as manifest:
            assert manifest.latest("a") is None
            manifest.append(record("a"))
    assert len((tmp_path / "m").read_text().splitlines()) == 1


@pytest.mark.parametrize("name", ["a b", "ü\u2028", 'quote"\\', "two\nlines", "raw \udcff byte", "</script>"])
def test_any_file_name_comes_back(tmp_path, name):
    with Manifest(tmp_path / "m", keep=False) as manifest:
        manifest.append(record(name))
    with Manifest(tmp_path / "m", keep=True) as manifest:
        assert manifest.latest(name)[1] == record(name)


def test_a_manifest_torn_anywhere_keeps_what_is_whole_and_can_be_gone_on_with(tmp_path):
    with Manifest(tmp_path / "m", keep=False) as manifest:
        manifest.append(record("a"))
        manifest.append(record("b", figures={"shapes": 3}))
    whole = (tmp_path / "m").read_bytes()
    first = whole.index(b"\n") + 1
    for length in range(len(whole) + 1):
        (tmp_path / "m").write_bytes(whole[:length])
        with Manifest(tmp_path / "m", keep=True) as manifest:
            assert (manifest.latest("a") is not None) == (length >= first)
            assert (manifest.latest("b") is not None) == (length == len(whole))
            offset = manifest.append(record("c"))
            assert manifest.read(offset) == record("c")
        with Manifest(tmp_path / "m", keep=True) as manifest:
            assert manifest.latest("c") == (offset, record("c"))


@pytest.mark.parametrize("line", ["[]", "null", "{}", '{"input": "a"}', "\x00\x00", "\udcff"])
def test_a_line_that_is_no_record_is_passed_over(tmp_path, line):
    text = line + "\n" + json.dumps(record("a")) + "\n"
    (tmp_path / "m").write_bytes(text.encode("utf-8", "surrogateescape"))
    with Manifest(tmp_path / "m", keep=True) as manifest:
        assert manifest.latest("a")[1] == record("a")


def test_a_manifest_that_cannot_be_written_is_an_output_error(tmp_path):
    with pytest.raises(OutputError):
        Manifest(tmp_path / "missing" / "m", keep=True)
    with pytest.raises(OutputError):
        Manifest(tmp_path, keep=True)


def test_a_full_disk_is_an_output_error(tmp_path):
    (tmp_path / "m").symlink_to("/dev/full")
    with Manifest(tmp_path / "m", keep=False) as manifest, pytest.raises(OutputError, match="No space left"):
        manifest.append(record("a"))
