"""Drawings to train on: of the train split, under licences that allow shipping, the same every time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import data, packages, training_data
from benchmarks.training_data import LICENCES, extract

BODY = '<path fill="#06c" d="M3 3h20v20h-20z"/>'


@pytest.fixture
def emoji(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every emoji set in the cache: 40 squares, one that is blank, one that holds text."""
    monkeypatch.setenv("DHVT_BENCH_CACHE", str(tmp_path / "cache"))
    icons = {f"square-{number}": {"body": BODY} for number in range(40)}
    icons |= {f"blank-{number}": {"body": ""} for number in range(9)}
    icons |= {f"text-{number}": {"body": "<text>no</text>"} for number in range(9)}
    for icon_set, version in data.ICON_SETS["emoji"].items():
        folder = tmp_path / "cache" / "packages" / f"{icon_set}-{version}" / "package"
        packages.write(folder / "icons.json", json.dumps({"icons": icons, "width": 32, "height": 32}))
    data._read_json.cache_clear()


def _written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.svg"))}


@pytest.mark.usefixtures("emoji")
def test_drawings_are_plain_of_the_train_split_and_of_sets_that_may_be_learned_from(tmp_path: Path) -> None:
    count = extract("emoji", tmp_path / "out", 1000, seed=0)
    written = _written(tmp_path / "out")
    assert count == len(written) > 60
    for name in written:
        kind, icon_set, file = name.split("/")
        assert kind == "emoji"
        assert icon_set in LICENCES
        assert file.startswith("square-")
        assert data.split_of(f"{icon_set}:{file.removesuffix('.svg')}") == "train"


@pytest.mark.usefixtures("emoji")
def test_a_seed_always_takes_the_same_ones(tmp_path: Path) -> None:
    for folder, seed in (("one", 0), ("again", 0), ("other", 1)):
        assert extract("emoji", tmp_path / folder, 10, seed) == 10
    assert _written(tmp_path / "one") == _written(tmp_path / "again")
    assert _written(tmp_path / "one").keys() != _written(tmp_path / "other").keys()


def test_share_alike_sets_are_left_out_and_every_other_has_a_licence() -> None:
    sets = {icon_set for sets in data.ICON_SETS.values() for icon_set in sets} | {"clipart"}
    assert sets - LICENCES.keys() == {"openmoji"}
    assert not any("SA" in licence for licence in LICENCES.values())


def test_what_is_missing_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DHVT_BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["training_data", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as stopped:
        training_data.main()
    assert stopped.value.code == 3
    assert "npm" in capsys.readouterr().err
