"""The benchmark measures what it says: splits, pictures, adversarial images, peers, the table and its verdicts."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from benchmarks import compare, data, packages
from benchmarks.adversarial import MAKERS
from benchmarks.claims import MISS, OK, UNKNOWN, Measurements, claims
from benchmarks.costs import AdversarialTime, StartTimes
from benchmarks.packages import Package, fetch
from benchmarks.peers import IMAGETRACER, PEERS, Drawn, open_peer
from benchmarks.pictures import DEGRADATIONS, Picture, black_and_white, degraded, rasterize, set_names
from benchmarks.runs import Result
from benchmarks.scoring import Figures, conflation, psnr, render
from benchmarks.summary import TRUTH as TRUTH_NAME
from benchmarks.summary import Row, summarize, truth_row
from dhvt_vectorize.errors import InputError, UsageError

TRUTH = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 48"><path d="M8 6h30v30H8z" fill="#036"/>'
    '<circle cx="44" cy="28" r="14" fill="#fc0"/></svg>'
)


def picture(set_name: str = "emoji-64", name: str = "made:up") -> Picture:
    return Picture(set_name, name, rasterize(TRUTH, 64), TRUTH)


# --- data -----------------------------------------------------------------------------------------------------------


def test_the_split_is_the_first_hex_digit_of_the_names_sha1() -> None:
    splits = {"0": "test", "1": "reserved", "f": "tune"}
    for number in range(200):
        key = f"icon-{number}"
        expected = splits.get(hashlib.sha1(key.encode()).hexdigest()[0], "train")
        assert {data.split_of(name) for name in (key, f"noto:{key}", f"a/b/{key}.svg")} == {expected}


@pytest.mark.parametrize("kind", data.KINDS)
def test_tuning_samples_are_of_the_tune_split_and_of_their_size(kind: str) -> None:
    names = data.listed_names(kind, "tune")
    assert len(set(names)) == len(names) == data.TUNING_SAMPLE[kind]
    assert {data.split_of(name) for name in names} == {"tune"}


@pytest.mark.parametrize("kind", data.KINDS)
def test_test_lists_are_of_the_test_split(kind: str) -> None:
    if not (data.shared_folder() / "arena" / "lists").exists():
        pytest.skip("the shared arena/lists are not there")
    assert {data.split_of(name) for name in data.listed_names(kind, "test")} == {"test"}


@pytest.mark.parametrize("kind", data.KINDS)
def test_a_split_holds_its_list(kind: str) -> None:
    if not (packages.cache_folder() / "tune" / kind).exists():
        pytest.skip("the drawings are not in the cache; `python -m benchmarks.data` fetches them")
    everything = {artwork.name: artwork.svg for artwork in data.artworks(kind, "tune")}
    sample = data.listed(kind, "tune")
    assert all(everything[artwork.name] == artwork.svg for artwork in sample)


def test_unknown_kinds_and_splits_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="emoji, icons, clipart"):
        data.listed("photos")
    with pytest.raises(UsageError, match="test, reserved, tune, train"):
        data.artworks("emoji", "validation")


def test_drawings_that_were_not_fetched_are_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DHVT_BENCH_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"60 emoji are missing; run `python -m benchmarks.data`"):
        data.listed("emoji", "tune")


def test_an_icon_is_wrapped_in_its_own_view(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DHVT_BENCH_CACHE", str(tmp_path))
    folder = tmp_path / "packages" / f"noto-{data.ICON_SETS['emoji']['noto']}" / "package"
    icons = {"wide": {"body": "<path/>", "width": 40, "left": -2}, "plain": {"body": "<g/>"}}
    packages.write(folder / "icons.json", json.dumps({"icons": icons, "width": 32, "height": 24}))
    monkeypatch.setitem(data.ICON_SETS, "emoji", {"noto": data.ICON_SETS["emoji"]["noto"]})
    views = {art.name: art.svg for split in data.SPLITS for art in data.artworks("emoji", split)}
    assert 'width="40" height="24" viewBox="-2 0 40 24"><path/></svg>' in views["noto:wide"]
    assert 'width="32" height="24" viewBox="0 0 32 24"><g/></svg>' in views["noto:plain"]


def test_a_missing_package_client_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DHVT_BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    for package, program in ((Package.npm("a", "1"), "npm"), (Package.debian("b"), "apt-get")):
        with pytest.raises(InputError, match=f"{program}: is not installed"):
            fetch(package, lambda _: None)
    assert list((tmp_path / "packages").iterdir()) == []


def test_a_package_that_is_there_is_not_fetched_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DHVT_BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "packages" / "a-1").mkdir(parents=True)
    said: list[str] = []
    fetch(Package.npm("@scope/a", "1"), said.append)
    assert said == []


# --- pictures and adversarial images --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(("width", "height"), [(64, 48), (37, 61), (1, 1)])
def test_adversarial_images_have_their_size_and_never_change(name: str, width: int, height: int) -> None:
    image = MAKERS[name](width, height)
    assert image.shape == (height, width, 3)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, MAKERS[name](width, height))


def test_adversarial_images_hurt_as_they_say() -> None:
    specks, board, flat = (MAKERS[name](200, 200).astype(int) for name in ("specks", "checkerboard", "flat"))
    assert (specks != 128).any(axis=2).mean() == pytest.approx(0.1, abs=0.01)
    assert (np.abs(np.diff(board, axis=0)) == 255).all()
    assert (np.abs(np.diff(board, axis=1)) == 255).all()
    assert np.ptp(flat, axis=(0, 1)).tolist() == [0, 0, 0]
    line_art = MAKERS["line art"](200, 200)
    assert len(np.unique(line_art)) > 2
    assert line_art.mean() > 128


def test_a_drawing_is_rasterized_within_its_long_side() -> None:
    raster = rasterize(TRUTH, 128)
    assert raster.shape == (96, 128, 3)
    np.testing.assert_array_equal(raster[0, 0], (255, 255, 255))


def test_black_and_white_has_both_and_nothing_else() -> None:
    assert np.unique(black_and_white(rasterize(TRUTH, 64))).tolist() == [0, 255]
    assert np.unique(black_and_white(np.full((4, 4, 3), 90, np.uint8))).tolist() == [255]


@pytest.mark.parametrize("how", DEGRADATIONS)
def test_a_degraded_picture_changes_a_little_and_always_alike(how: str) -> None:
    first, again = (degraded(picture(), how) for _ in range(2))
    assert first.set_name == f"emoji-64 {how}"
    assert first.truth == TRUTH
    np.testing.assert_array_equal(first.raster, again.raster)
    height, width = first.raster.shape[:2]
    assert 20 < psnr(render(TRUTH, width, height, (255, 255, 255)), first.raster) < 45


def test_sets_are_kinds_at_their_sizes() -> None:
    assert set_names(["kodak", "emoji", "icons"], [64, 512]) == ["kodak", "emoji-64", "emoji-512", "icons-64"]
    assert set_names(["clipart"]) == ["clipart-512"]
    with pytest.raises(UsageError, match="kodak, emoji, icons, clipart, bw"):
        set_names(["logos"])
    with pytest.raises(UsageError, match="64, 128, 256, 512"):
        set_names(["emoji"], [100])


# --- peers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_draws_what_it_is_given(name: str) -> None:
    raster = rasterize(TRUTH, 128)
    raster = black_and_white(raster) if name.startswith("potrace") else raster
    with ExitStack() as resources:
        try:
            trace = open_peer(name, resources)
        except InputError as error:
            pytest.skip(str(error))
        drawn, upright = trace(raster), trace(np.ascontiguousarray(raster[:, :64]))
    assert drawn.seconds > 0
    assert psnr(render(drawn.svg, 128, 96, (255, 255, 255)), raster) > 18
    assert psnr(render(upright.svg, 64, 96, (255, 255, 255)), raster[:, :64]) > 18


def test_an_unknown_peer_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"vtracer, vtracer best, vtracer-1\.0, .*, potrace best"):
        open_peer("inkscape", ExitStack())


def test_a_peer_that_was_not_fetched_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DHVT_BENCH_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=f"{IMAGETRACER.folder_name}: the package is not in the cache"):
        open_peer("imagetracerjs", ExitStack())


# --- summary and verdicts -------------------------------------------------------------------------------------------


def result(tool: str, psnr: float, shapes: int = 100, set_name: str = "kodak", **more: object) -> Result:
    figures = Figures(psnr, 0.9, shapes, 10 * shapes, 100 * shapes, 50, 0.005)
    return Result(tool, set_name, "01", seconds=psnr / 100, figures=figures, **more)  # type: ignore[arg-type]


def test_a_row_is_the_mean_of_the_pictures_that_have_figures() -> None:
    failed = Result("vtracer", "kodak", "02", failure="ValueError: no")
    (row,) = summarize([result("vtracer", 20, 10), result("vtracer", 30, 40), failed])
    assert (row.pictures, row.failures) == (3, 1)
    assert (row.mean["psnr"], row.highest["shapes"], row.median["seconds"]) == (25, 40, 0.25)
    assert row.mean["psnr4x"] is None


def test_true_drawings_are_counted_for_comparison() -> None:
    row = truth_row([picture(), picture(name="another")])
    assert row is not None
    assert (row.mean["shapes"], row.mean["segments"], row.mean["bytes"]) == (2, 7, len(TRUTH))
    assert row.mean["conflation"] == conflation(TRUTH, 64, 48)
    assert truth_row([Picture("kodak", "01", rasterize(TRUTH, 64))]) is None


def test_nothing_measured_means_no_verdict() -> None:
    assert {claim.verdict for claim in claims(Measurements())} == {UNKNOWN}


def verdicts(measured: Measurements) -> dict[str, str]:
    return {claim.what: claim.verdict for claim in claims(measured)}


def test_a_verdict_follows_from_the_figures() -> None:
    good = [result("project --regions 256", 25.8, 281), result("project", 26, 90), result("vtracer", 26, 100)]
    bad = [result("project --regions 256", 25.7, 282), result("project", 25.9, 100), result("vtracer", 26, 100)]
    names = [
        "kodak, 256 regions: mean PSNR in dB",
        "kodak, 256 regions: shapes, of the worst image",
        "kodak, default: mean PSNR, of vtracer",
        "kodak, default: mean shapes, of vtracer",
        "kodak, default: mean bytes, of vtracer",
    ]
    for results, verdict in ((good, OK), (bad, MISS)):
        found = verdicts(Measurements(summarize(results)))
        assert {found[name] for name in names} == {verdict}


@pytest.mark.parametrize(
    ("set_name", "lines", "true"), [("emoji-256", 6, 100), ("icons-256", 6, 100), ("clipart-512", 3, 75)]
)
def test_drawings_are_held_against_the_true_ones_by_the_median(set_name: str, lines: int, true: int) -> None:
    """Of the segments, and of their ratios."""
    good = Figures(34, 0.9, 15, 150, 1, 1, 0.0029, 30, 0.981, 1.5, 1.5)
    worse = Figures(33.9, 0.9, 16, 151, 1, 1, 0.0031, 30, 0.95, 1.6, 2.1)
    outlier = Figures(34, 0.9, 90, 900, 1, 1, 0.0029, 30, 0.981, 9.0, 9.0)
    truth = Row(set_name, TRUTH_NAME, 3, 0, {"conflation": 0.0}, {"segments": true}, {})
    for figures, verdict in (([good, good, outlier], OK), ([worse] * 3, MISS)):
        rows = summarize(Result("project", set_name, str(n), figures=one) for n, one in enumerate(figures))
        found = [claim for claim in claims(Measurements([truth, *rows])) if claim.what.startswith(f"{set_name}: ")]
        found = [claim for claim in found if "vtracer" not in claim.what]
        assert len(found) == lines
        assert {claim.verdict for claim in found} == {verdict}


def test_a_failed_picture_is_a_miss() -> None:
    results = [result("project --regions 256", 40), Result("project --regions 256", "kodak", "02", failure="no")]
    assert verdicts(Measurements(summarize(results)))["kodak, 256 regions: mean PSNR in dB"] == MISS


def test_costs_are_held_against_their_bounds() -> None:
    def measured(factor: float) -> Measurements:
        base = AdversarialTime("photograph", (1, 4), (1, 1))
        hurt = AdversarialTime("specks", (3 * factor, 12 * factor**2), (3 * factor, 3 * factor**2))
        return Measurements((), StartTimes(0.3 * factor, 3 * factor, {}), (base, hurt), {"photograph": 1023 * factor})

    for factor, verdict in ((0.9, OK), (1.3, MISS)):
        found = verdicts(measured(factor))
        assert {name: found[name] for name in found if name.startswith(("start", "memory", "adversarial"))} == {
            "start: --help, seconds": verdict,
            "start: a 256-px emoji, whole process, seconds": verdict,
            "memory at 4 MP: bytes a pixel, of the worst image": verdict,
            "adversarial, 1 MP: times a photograph, of the worst": verdict,
            "adversarial, 4 MP: times a photograph, of the worst": verdict,
            "adversarial: seconds a pixel at 4 MP over 1 MP, of the worst": verdict,
        }


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def one_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "pictures", lambda name, limit=None: [picture(name)])


def run_compare(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    compare.main(["--sections", "sets", "--sets", "emoji", "--sizes", "64", *arguments])
    return capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("one_picture")
def test_a_run_prints_every_tool_and_keeps_what_it_drew(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("vtracer")
    table = tmp_path / "table.json"
    printed = run_compare(capsys, "--tools", "project", "vtracer", "--json", str(table), "--out", str(tmp_path))
    record = json.loads(table.read_text())
    assert [each["tool"] for each in record["results"]] == ["project", "vtracer"]
    assert all(each["failure"] is None and each["figures"]["psnr4x"] > 10 for each in record["results"])
    assert record["results"][0]["stages"]
    for tool in ("project", "vtracer"):
        assert f"| emoji-64 | {tool}" in " ".join(printed.split())
        assert "<svg" in (tmp_path / "emoji-64" / tool / "made_up.svg").read_text()
    assert "## Must show" in printed


@pytest.mark.slow
@pytest.mark.usefixtures("one_picture")
def test_a_tool_that_fails_is_reported_and_the_others_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PEERS, "autotrace", lambda *_: lambda image: Drawn("<svg><image/></svg>", 0.1))
    monkeypatch.setitem(PEERS, "imagetracerjs", lambda *_: lambda image: Drawn(TRUTH, 0.1))
    monkeypatch.setitem(PEERS, "vtracer", _not_installed)
    printed = run_compare(capsys, "--tools", "vtracer", "autotrace", "imagetracerjs")
    assert "Left out: vtracer (vtracer: is not installed; install it)" in printed
    assert "Failed: autotrace on emoji-64 made:up: ForbiddenElementError: <image> in the drawing" in printed
    assert "108.13" in printed


def _not_installed(*_: object) -> None:
    raise InputError("vtracer", "is not installed", "install it")


@pytest.mark.parametrize("option", ["--sections", "--sets", "--tools"])
def test_an_unknown_name_ends_the_run_with_the_known_ones(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        compare.main([option, "nonsense"])
    assert ended.value.code == UsageError.exit_code
    assert "choose from" in capsys.readouterr().err
