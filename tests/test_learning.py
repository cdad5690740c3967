"""Curves of drawings: where they are read, and that the command measures what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import learning
from benchmarks.learning import DEFAULT, DETAILS, TRAINED, UNTRAINED, Point, at_segments, equal_table
from dhvt_vectorize.errors import DhvtError


def _point(segments: float, ssim: float, detail: float = DEFAULT) -> Point:
    return Point(detail, segments, segments / 10, ssim, 30.0)


CURVE = [_point(400, 0.97), _point(100, 0.9), _point(200, 0.95)]


def test_a_curve_goes_through_its_points_and_halfway_in_doublings_between_them() -> None:
    for point in CURVE:
        assert at_segments(CURVE, "ssim", point.segments) == pytest.approx(point.ssim)
    assert at_segments(CURVE, "ssim", 100 * 2**0.5) == pytest.approx(0.925)


@pytest.mark.parametrize("segments", [99, 401])
def test_beyond_its_ends_there_is_nothing_to_read(segments: float) -> None:
    assert at_segments(CURVE, "ssim", segments) is None
    assert at_segments([], "ssim", segments) is None


def test_the_trained_default_is_held_against_the_other_curve() -> None:
    own = [_point(50, 0.8, 0.3), _point(200, 0.96)]
    table = equal_table({("emoji-64", UNTRAINED): CURVE, ("emoji-64", TRAINED): own})
    assert "0.9600" in table
    assert "0.9500" in table
    assert "+0.0100" in table


@pytest.mark.slow
def test_the_command_draws_every_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        learning.pictures("kodak", 1)
    except DhvtError as error:
        pytest.skip(f"no photographs here: {error}")
    output = tmp_path / "points.json"
    learning.main(["--sets", "kodak", "--limit", "1", "--json", str(output)])
    rows = json.loads(output.read_text())
    assert [row[:2] for row in rows] == [["kodak", UNTRAINED], ["kodak", TRAINED]]
    assert all([point["detail"] for point in row[2]] == list(DETAILS) for row in rows)
    segments = [point["segments"] for point in rows[1][2]]
    assert segments == sorted(segments)
    assert "Trained at its default" in capsys.readouterr().out
