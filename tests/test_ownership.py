"""Ownership figures: what they are on maps whose answer is known, and that the command measures what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from benchmarks import ownership
from benchmarks.ownership import (
    CLEAN,
    HAND_MADE,
    Ownership,
    as_rasterized,
    measured,
    owned,
    owners,
    ownership_claims,
    slivers,
)
from benchmarks.pictures import Picture, rasterize
from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer
from dhvt_vectorize.training.owners import render
from dhvt_vectorize.training.twins import read_artwork

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"><path fill="#06c" d="M3 3h20v20h-20z"/>'
    '<circle cx="27" cy="18" r="8" fill="#e40"/></svg>'
)

label_maps = arrays.arrays(np.int32, (7, 9), elements=st.integers(0, 4)).map(
    lambda labels: np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)
)


@given(label_maps)
def test_a_map_owns_itself_and_one_region_owns_the_commonest(labels: np.ndarray) -> None:
    assert owned(labels, labels) == 1
    assert owned(np.zeros_like(labels), labels) == np.bincount(labels.ravel()).max() / labels.size


@given(label_maps, label_maps)
def test_more_regions_never_own_less(labels: np.ndarray, true: np.ndarray) -> None:
    finer = np.unique(labels * 10 + true, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)
    assert owned(finer, true) == 1
    assert owned(labels, true) <= 1


@given(label_maps, label_maps)
def test_pixels_without_an_owner_are_not_judged(labels: np.ndarray, true: np.ndarray) -> None:
    judged = true.copy()
    judged[0] = -1
    assert owned(labels, judged) == owned(labels[1:], true[1:])


def test_a_rim_is_a_sliver_and_a_true_hairline_is_none() -> None:
    true = np.zeros((12, 12), np.int32)
    true[:, 6:] = 1
    rim = true.copy()
    rim[:, 6] = 2
    assert slivers(true, true) == 0
    assert slivers(rim, true) == 1
    assert slivers(rim, rim) == 0
    assert slivers(true, rim) == 0


def test_a_region_of_two_by_two_pixels_is_no_sliver() -> None:
    true, labels = np.zeros((6, 6), np.int32), np.zeros((6, 6), np.int32)
    labels[2:4, 2:4] = 1
    assert slivers(labels, true) == 0
    labels[3, 3] = 0
    assert slivers(labels, true) == 1


def test_the_owners_of_a_drawing_are_its_shapes_and_the_tokenizer_finds_them() -> None:
    picture = Picture("emoji-80", "two shapes", rasterize(SVG, 80), SVG)
    true = owners(picture)
    assert true.shape == (60, 80)
    assert true.max() == 2
    assert true[20, 10] != true[36, 54] != true[1, 1]
    figures = measured(DHVTokenizer.load(device="cpu"), picture, true)
    assert figures == Ownership(3, 3, pytest.approx(1, abs=2e-3), pytest.approx(1, abs=2e-3), 0)


@given(st.floats(5, 60), st.floats(5, 60), st.integers(30, 90))
@settings(max_examples=30, deadline=None)
def test_a_drawing_of_any_size_is_judged_where_it_was_rasterized(width: float, height: float, side: int) -> None:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 10 10" '
        'preserveAspectRatio="none"><path fill="#06c" d="M1 1l8 2-3 6z"/></svg>'
    )
    raster = rasterize(svg, side)
    artwork = read_artwork(svg, "a triangle")
    seen = render(artwork, as_rasterized(artwork, *raster.shape[:2])).astype(np.float64)
    opacity = seen[..., 3:] / 255
    # anti-aliasing is to 1 / 256 of a pixel's side
    np.testing.assert_allclose(seen[..., :3] * opacity + 255 * (1 - opacity), raster, atol=3)


def _figures(owned_at_2k: float) -> list[Ownership]:
    return [Ownership(3, 3, 1.0, owned_at_2k, 0)]


@pytest.mark.parametrize(
    ("how", "error", "verdict"), [(CLEAN, 0.03, "ok"), ("jpeg", 0.03, "MISS"), ("jpeg", 0.02, "ok")]
)
def test_a_third_of_the_errors_must_go_on_degraded_pictures_alone(how: str, error: float, verdict: str) -> None:
    results = {(f"emoji-64 {how}", HAND_MADE): _figures(0.97), (f"emoji-64 {how}", "mine"): _figures(1 - error)}
    (claim,) = ownership_claims(results, "mine")
    assert claim.verdict == verdict
    (unmeasured,) = ownership_claims(results, "other")
    assert unmeasured.verdict == "not measured"


def test_the_command_measures_every_set_with_every_tokenizer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ownership, "pictures", lambda name, limit, split: [Picture(name, "x", rasterize(SVG, 64), SVG)])
    weights = Path("weights/dhvt-base.safetensors").resolve()
    file = tmp_path / "figures.json"
    arguments = [
        "--sets",
        "emoji",
        "--sizes",
        "64",
        "--degraded",
        "jpeg",
        "--weights",
        str(weights),
        "--json",
        str(file),
    ]
    ownership.main(arguments)
    shown = capsys.readouterr().out
    assert "emoji-64 jpeg" in shown
    assert "dhvt-base" in shown
    rows = json.loads(file.read_text())
    assert [(name, tokenizer) for name, tokenizer, _ in rows] == [
        (f"emoji-64 {how}", tokenizer)
        for how in ("clean", "jpeg")
        for tokenizer in ("raw Lab", HAND_MADE, f"{HAND_MADE}, chroma", f"{HAND_MADE}, JPEG undone", "dhvt-base")
    ]


def test_an_unknown_degradation_ends_with_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        ownership.main(["--degraded", "fax"])
    assert stopped.value.code == UsageError.exit_code
    assert "fax" in capsys.readouterr().err
