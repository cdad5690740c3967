"""The superpixel benchmark: its figures against the shared definition of them, its methods, curves and verdicts."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from scipy.ndimage import distance_transform_edt

from benchmarks import devices, superpixels, tokenizer_costs
from benchmarks.ablation import DEPTHS, FIXED, open_ablation
from benchmarks.bsds import read_sample, sample_names
from benchmarks.claims import MISS, OK, UNKNOWN
from benchmarks.data import shared_folder
from benchmarks.dividers import METHODS, RAW_LAB, absent, open_dividers, search, spread_markers
from benchmarks.partitions import Judge, compactness, within_tolerance
from benchmarks.superpixel_claims import superpixel_claims
from benchmarks.superpixel_summary import Row, at_density, equal_density_table
from benchmarks.tokenizer_costs import TokenizerCosts, cost_claims
from dhvt_vectorize.errors import DhvtError, InputError, UsageError, WeightsError
from dhvt_vectorize.options import CRITERIA
from dhvt_vectorize.tokenizer.checkpoint import save_checkpoint
from dhvt_vectorize.tokenizer.initial import INITIAL_CARD, initial_net

DEFINITION = shared_folder() / "arena" / "superpixels.py"
SHARED_FIGURES = ("regions", "density", "recall", "asa", "ue", "ev")

needs_definition = pytest.mark.skipif(not DEFINITION.exists(), reason="the shared arena/superpixels.py is not there")
needs_bsds = pytest.mark.skipif(
    not (shared_folder() / "data" / "bsds500").exists(), reason="the shared data/bsds500 is not there"
)
needs_kodak = pytest.mark.skipif(
    not (shared_folder() / "data" / "kodak").exists(), reason="the shared data/kodak is not there"
)


@cache
def definition() -> ModuleType:
    spec = importlib.util.spec_from_file_location("arena_superpixels", DEFINITION)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def voronoi(height: int, width: int, count: int, seed: int) -> np.ndarray:
    """A label map of the pixels nearest to each of `count` random points; labels with gaps, not from 0 on."""
    points = np.random.default_rng(seed).uniform((0, 0), (height, width), (count, 2))
    rows, columns = np.mgrid[:height, :width]
    distances = (rows[..., None] - points[:, 0]) ** 2 + (columns[..., None] - points[:, 1]) ** 2
    return distances.argmin(axis=2) * 3 + 5


def quadrants(height: int = 48, width: int = 64, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A noisy picture of four colours, uint8 (H, W, 3), and the map of them."""
    truth = np.zeros((height, width), np.uint8)
    truth[height // 2 :] += 2
    truth[:, width // 2 :] += 1
    colours = np.array([(200, 40, 40), (40, 180, 60), (50, 60, 200), (230, 220, 90)])
    noise = np.random.default_rng(seed).normal(0, 6, (height, width, 3))
    return np.clip(np.rint(colours[truth] + noise), 0, 255).astype(np.uint8), truth


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an untrained tokenizer."""
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    net = initial_net()
    save_checkpoint(path, net, net.config, INITIAL_CARD)
    return path


def assert_figures_agree(image: np.ndarray, truths: list[np.ndarray], labels: np.ndarray) -> None:
    own = asdict(Judge(image, truths).figures(labels))
    expected = definition().figures(labels, [truth.astype(int) for truth in truths], image)
    assert {name: own[name] for name in SHARED_FIGURES} == pytest.approx(expected, rel=1e-12, abs=1e-12)


# --- figures --------------------------------------------------------------------------------------------------------


@needs_definition
@needs_bsds
@pytest.mark.parametrize("name", sample_names("test", 67) if shared_folder().joinpath("data/bsds500").exists() else [])
def test_figures_of_photographs_agree_with_the_shared_definition(name: str) -> None:
    sample = read_sample("test", name)
    (division,) = open_dividers(["lab-0.5"], [], [150])["lab-0.5"](sample.image)
    truths = list(sample.truths)
    assert_figures_agree(sample.image, truths, division.labels)
    assert_figures_agree(sample.image, truths, voronoi(*sample.image.shape[:2], count=40, seed=1))
    assert_figures_agree(sample.image, truths, truths[0])


@needs_definition
@given(
    st.integers(2, 9),
    st.integers(2, 9),
    st.randoms(use_true_random=False),
)
def test_figures_of_small_maps_agree_with_the_shared_definition(height: int, width: int, random: object) -> None:
    rng = np.random.default_rng(random.randrange(2**32))  # type: ignore[attr-defined]
    labels = rng.integers(0, 4, (height, width))
    # one region has no border, where the shared definition is undefined
    labels[0, :2] = 0, 1
    truths = [rng.integers(0, 3, (height, width)).astype(np.uint8), np.zeros((height, width), np.uint8)]
    assert_figures_agree(rng.integers(0, 256, (height, width, 3)).astype(np.uint8), truths, labels)


def test_a_persons_own_segmentation_is_perfect() -> None:
    image, truth = quadrants()
    figures = Judge(image, [truth]).figures(truth)
    assert (figures.regions, figures.recall, figures.asa, figures.ue) == (4, 1, 1, 0)


def test_one_region_recalls_nothing_and_explains_nothing() -> None:
    image, truth = quadrants()
    figures = Judge(image, [truth]).figures(np.zeros(truth.shape, int))
    assert (figures.regions, figures.density, figures.recall, figures.asa) == (1, 0, 0, 0.25)
    assert figures.ev == pytest.approx(0, abs=1e-12)


def test_reconstruction_and_explained_variation_are_those_of_the_mean_colours() -> None:
    image, truth = quadrants()
    labels = voronoi(*truth.shape, count=7, seed=3)
    values = image.astype(float)
    drawn = np.empty_like(values)
    for label in np.unique(labels):
        drawn[labels == label] = values[labels == label].mean(axis=0)
    figures = Judge(image, [truth]).figures(labels)
    error = ((values - drawn) ** 2).mean()
    assert figures.psnr == pytest.approx(10 * np.log10(255**2 / error))
    assert figures.ev == pytest.approx(1 - error / ((values - values.mean(axis=(0, 1))) ** 2).mean())


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_within_tolerance_is_a_distance_of_two_pixels(mask: np.ndarray) -> None:
    expected = distance_transform_edt(~mask) <= 2 if mask.any() else np.zeros_like(mask)
    np.testing.assert_array_equal(within_tolerance(mask), expected)


def test_compactness_follows_its_formula() -> None:
    squares = np.kron(np.arange(6).reshape(2, 3), np.ones((8, 8), int))
    assert compactness(squares, np.bincount(squares.ravel())) == pytest.approx(np.pi / 4)
    # one 3×10 rectangle and one 7×10: area-weighted 4πA/L²
    strips = np.repeat([0] * 3 + [1] * 7, 10).reshape(10, 10)
    expected = 0.3 * 4 * np.pi * 30 / 26**2 + 0.7 * 4 * np.pi * 70 / 34**2
    assert compactness(strips, np.bincount(strips.ravel())) == pytest.approx(expected)


@given(arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 3)))
def test_nothing_is_more_compact_than_a_square(labels: np.ndarray) -> None:
    labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    assert 0 < compactness(labels, np.bincount(labels.ravel())) <= np.pi / 4 + 1e-12


# --- data -----------------------------------------------------------------------------------------------------------


@needs_bsds
def test_every_nth_photograph_has_its_people() -> None:
    everything = sample_names("test")
    assert len(everything) == 200
    assert sample_names("test", 5) == everything[::5]
    assert sample_names("test", 20, 3) == [everything[0], everything[20], everything[40]]
    sample = read_sample("test", everything[0])
    assert len(sample.truths) > 2
    assert {truth.shape for truth in sample.truths} == {sample.image.shape[:2]}


def test_an_unknown_split_and_missing_data_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="train, val, test"):
        sample_names("validation")
    monkeypatch.setenv("DHVT_SHARED", str(tmp_path))
    with pytest.raises(InputError, match="set DHVT_SHARED"):
        sample_names("test")
    with pytest.raises(InputError, match="has no label maps"):
        read_sample("test", "100007")


# --- methods --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_a_method_divides_a_picture_into_its_parts(name: str, weights: Path) -> None:
    if name in absent([name]):
        pytest.skip(absent([name])[name])
    image, truth = quadrants()
    counts = [4, 12]
    ((opened, divide),) = open_dividers([name], [weights], counts).items()
    divisions = list(divide(image))
    assert opened == ("untrained" if name == "tokenizer" else name)
    assert [division.setting for division in divisions] == ["4", "12"]
    for division, count in zip(divisions, counts, strict=True):
        assert division.labels.shape == truth.shape
        assert division.seconds > 0
        assert len(np.unique(division.labels)) == pytest.approx(count, rel=0.5)
        if name not in ("slic", "felzenszwalb"):
            assert len(np.unique(division.labels)) == count
    assert Judge(image, [truth]).figures(divisions[0].labels).asa > (0.75 if "smooth" in name else 0.8)


def test_raw_lab_methods_differ_in_border_exponent_rims_smoothing_and_refinement() -> None:
    # a photograph, whose tokens have features of their own, with soft edges, on which the rim rule has something to say
    with Image.open(Path(__file__).parent.parent / "examples" / "photo.jpg") as photo:
        image = np.asarray(photo.resize((32, 24)).resize((64, 48), Image.Resampling.BILINEAR))
    opened = open_dividers(list(RAW_LAB), [], [30])
    maps = {name: next(iter(divide(image))).labels.tobytes() for name, divide in opened.items()}
    assert len(set(maps.values())) == len(maps)
    assert maps == {name: next(iter(divide(image))).labels.tobytes() for name, divide in opened.items()}


def test_methods_that_cannot_be_opened_are_named() -> None:
    with pytest.raises(UsageError, match="compact-watershed"):
        open_dividers(["quickshift"], [], [4])
    with pytest.raises(WeightsError):
        open_dividers(["tokenizer"], [Path("absent.safetensors")], [4])
    with pytest.raises(UsageError, match="names of their own"):
        open_dividers(["tokenizer"], [Path("a/one.safetensors"), Path("b/one.safetensors")], [4])


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_markers_are_as_many_as_asked_for_and_spread(height: int, width: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, max(1, height * width // 4)))
    markers = spread_markers(height, width, count)
    numbers = markers[markers > 0]
    assert len(numbers) <= count
    if height >= 4 and width >= 4:
        assert sorted(numbers) == list(range(1, count + 1))


@pytest.mark.parametrize("rising", [True, False])
@pytest.mark.parametrize("count", [40, 100, 700])
def test_a_search_comes_within_a_few_percent(rising: bool, count: int) -> None:
    def run(value: float) -> np.ndarray:
        regions = round(5 * value**0.7 if rising else 9000 / value**1.3)
        return np.arange(2000) % max(1, regions)

    division = search(run, count, 30.0, rising)
    assert len(np.unique(division.labels)) == pytest.approx(count, rel=0.03)
    assert division.setting == str(count)


def test_a_search_for_what_is_not_there_ends_with_the_nearest() -> None:
    division = search(lambda value: np.arange(100) % (50 if value > 7 else 20), 30, 1.0, True)
    assert len(np.unique(division.labels)) == 20


def test_the_ablation_has_every_criterion_at_every_depth(weights: Path) -> None:
    image, _ = quadrants()
    opened = open_ablation(weights, [4, 9])
    assert list(opened) == [FIXED, *CRITERIA]
    assert [division.labels.max() + 1 for division in opened[FIXED](image)] == [4, 9]
    for criterion in CRITERIA:
        divisions = {division.setting: division.labels.max() + 1 for division in opened[criterion](image)}
        assert list(divisions) == list(DEPTHS)
        # a deeper hierarchy may use larger regions
        counts = list(divisions.values())
        assert counts == sorted(counts, reverse=True)


# --- curves and verdicts --------------------------------------------------------------------------------------------


def row(method: str, setting: int, density: float, recall: float, asa: float) -> Row:
    return Row(method, str(setting), 1, {"density": density, "recall": recall, "asa": asa})


def test_a_figure_at_a_density_is_interpolated_and_never_extrapolated() -> None:
    rows = [row("a", 400, 0.2, 0.9, 0.96), row("a", 100, 0.1, 0.7, 0.93)]
    assert at_density(rows, "recall", 0.15) == pytest.approx(0.8)
    assert at_density(rows, "asa", 0.1) == 0.93
    assert at_density(rows, "recall", 0.2) == 0.9
    assert at_density(rows, "recall", 0.0999) is None
    assert at_density(rows, "recall", 0.2001) is None
    assert at_density([], "recall", 0.1) is None


def test_what_a_method_never_reaches_is_a_dash() -> None:
    table = equal_density_table([row("a", 100, 0.08, 0.7, 0.9), row("a", 200, 0.1, 0.8, 0.95)], "recall")
    assert [cell.strip() for cell in table.splitlines()[-1].split("|")[1:-1]] == ["a", "–", "0.7500", "–", "–"]


def verdicts(rows: list[Row]) -> dict[str, str]:
    return {claim.what: claim.verdict for claim in superpixel_claims(rows, "own")}


def test_superpixel_verdicts_follow_from_the_figures() -> None:
    own = [row("own", 100, 0.08, 0.80, 0.930), row("own", 200, 0.12, 0.86, 0.950)]
    lower = [row("slic", 100, 0.07, 0.70, 0.900), row("slic", 200, 0.13, 0.85, 0.949)]
    higher = [row("lab-0.5", 100, 0.09, 0.83, 0.931), row("lab-0.5", 200, 0.14, 0.90, 0.951)]
    found = verdicts([*own, *lower, *higher])
    assert {found[f"{figure} at 200"] for figure in ("asa", "recall", "density")} == {OK}
    for count in (100, 200):
        assert found[f"asa at {count}, of classical"] == OK
        assert found[f"recall at equal density at {count}, of classical"] == OK
        assert found[f"asa at {count}, of raw Lab at its best μ"] == MISS
        assert found[f"recall at equal density at {count}, of raw Lab at its best μ"] == MISS
        assert found[f"asa at {count}, of raw Lab with the rim rule"] == UNKNOWN
    worse = verdicts([row("own", 200, 0.121, 0.859, 0.9499)])
    assert {worse[f"{figure} at 200"] for figure in ("asa", "recall", "density")} == {MISS}


def test_equal_figures_are_not_above() -> None:
    rows = [row(name, count, count / 1000, count / 300, 0.9) for name in ("own", "ward") for count in (100, 200)]
    assert {verdict for what, verdict in verdicts(rows).items() if what.endswith("of classical")} == {MISS}


def test_curves_that_never_meet_are_not_compared() -> None:
    found = verdicts([row("own", 100, 0.05, 0.9, 0.9), row("ward", 100, 0.2, 0.95, 0.8)])
    assert found["recall at equal density at 100, of classical"] == UNKNOWN
    assert found["asa at 100, of classical"] == OK


def test_without_a_tokenizer_there_is_no_verdict() -> None:
    assert set(verdicts([row("slic", 200, 0.1, 0.9, 0.96)]).values()) == {UNKNOWN}


def costs(image: str, pixels: int, seconds: float, bytes_a_pixel: float) -> TokenizerCosts:
    return TokenizerCosts(image, pixels, seconds / 6, seconds / 2, seconds / 4, seconds / 8, seconds / 8, bytes_a_pixel)


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, OK), (1.3, MISS)])
def test_cost_verdicts_follow_from_the_figures(factor: float, verdict: str) -> None:
    measured = [
        costs("kodak", 768 * 512, 0.35 * factor, 1000),
        costs("1024", 2**20, 1.0, 200),
        costs("4096", 2**24, 16 * factor, 299 * factor),
    ]
    assert {claim.verdict for claim in cost_claims(measured)} == {verdict}
    assert {claim.verdict for claim in cost_claims([])} == {UNKNOWN}


@pytest.mark.slow
@needs_kodak
def test_devices_are_compared_on_the_same_squares(monkeypatch: pytest.MonkeyPatch, weights: Path) -> None:
    photographs = [np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8) for seed in range(2)]
    squares = devices.squares(photographs, 3, 24)
    assert [square.shape for square in squares] == [(24, 24, 3)] * 3
    assert any(
        (square == photographs[0][y : y + 24, x : x + 24]).all()
        for y in range(17)
        for x in range(37)
        for square in squares
    )
    assert devices.squares(photographs, 1, 80)[0].shape == (80, 80, 3)
    monkeypatch.setattr(devices, "BATCHES", ((3, 24),))
    (table,) = devices.tables(["cpu"], weights, photographs)
    row = table.splitlines()[-1].split("|")[1:-1]
    assert [cell.strip() for cell in row[:2]] == ["cpu", "3 of 24 px"]
    assert all(float(cell) > 0 for cell in row[2:])


def test_costs_are_those_of_all_stages(weights: Path) -> None:
    found = tokenizer_costs._measure(weights, "192")
    assert found.pixels == 192**2
    assert min(found.net, found.features, found.tree, found.selection, found.refinement) > 0
    assert found.seconds == pytest.approx(found.features + found.tree + found.selection + found.refinement)


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "shared" / "data" / "bsds500" / "val"
    folder.mkdir(parents=True)
    for number in range(3):
        image, truth = quadrants(seed=number)
        Image.fromarray(image).save(folder / f"{number}.jpg")
        for annotator in range(2):
            Image.fromarray(truth // (1 + annotator)).save(folder / f"{number}-{annotator}.png")
    monkeypatch.setenv("DHVT_SHARED", str(tmp_path / "shared"))
    return tmp_path


@pytest.mark.slow
def test_a_run_prints_its_tables_in_a_fixed_order(
    small_set: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = small_set / "table.json"
    methods = ["tokenizer", "lab-0.5", "compact-watershed"]
    chosen = ["--split", "val", "--counts", "4", "8", "--weights", str(weights), "--methods", *methods]
    superpixels.main([*chosen, "--ablation", "--json", str(table)])
    printed = " ".join(capsys.readouterr().out.split())
    record = json.loads(table.read_text())
    names = ["untrained", *methods[1:]]
    expected = [(name, count, str(image)) for image in range(3) for name in names for count in ("4", "8")]
    assert [(each["method"], each["setting"], each["image"]) for each in record["compared"]] == expected
    assert all(each["figures"]["asa"] > 0.5 for each in record["compared"])
    assert len(record["ablated"]) == 3 * (2 + len(CRITERIA) * len(DEPTHS))
    for heading in ("BSDS500 val, 3 photographs", "recall at equal density", "Criteria and depth", "Must show"):
        assert heading in printed
    assert "| lab-0.5 | 4 | 4.0 |" in printed


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (["--methods", "nonsense"], UsageError, "choose from"),
        (["--split", "nonsense"], UsageError, "choose from"),
        (["--every", "0"], UsageError, "from 1 on"),
        (["--counts", "-5"], UsageError, "from 1 on"),
        (["--split", "test"], InputError, "set DHVT_SHARED"),
        (["--split", "val", "--weights", "absent.safetensors"], WeightsError, "no such file"),
    ],
)
@pytest.mark.usefixtures("small_set")
def test_wrong_arguments_end_the_run_at_once(
    arguments: list[str], error: type[DhvtError], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        superpixels.main(arguments)
    assert ended.value.code == error.exit_code
    assert says in capsys.readouterr().err
