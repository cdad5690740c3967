"""The comparison of tokenizers: its files, data and counters, and whole runs on tiny copies of the data's layouts."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from skimage.color import rgb2lab
from vit_libraries import library

from benchmarks.data import ICON_SETS
from benchmarks.vit import models, training
from benchmarks.vit.__main__ import run
from benchmarks.vit.config import (
    CONFIGS,
    BackboneConfig,
    Comparison,
    DataConfig,
    Entrant,
    Schedule,
    read_config,
    shipped,
)
from benchmarks.vit.data import IGNORED, pictures_of, squared
from benchmarks.vit.learned import LearnedModel
from benchmarks.vit.measure import flops
from benchmarks.vit.model import Model
from benchmarks.vit.models import FixedModel, model_of
from benchmarks.vit.results import difference
from benchmarks.vit.speed import table
from benchmarks.vit.training import Feed, Score, best_classes, boundary_overlap, confusion, judge, mean_iou, train
from dhvt_vectorize.errors import InputError, UsageError

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = BackboneConfig(width=16, depth=2, heads=2, side=4)
SHORT = Schedule(epochs=1, batch_size=4, learning_rate=2e-3, seeds=(0, 1))


def _picture(random: np.random.Generator, kind: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A disc or a square somewhere on a plain ground, and where it is."""
    y, x = np.indices((size, size)) - random.integers(size // 3, 2 * size // 3, (2, 1, 1))
    inside = y**2 + x**2 < (size // 4) ** 2 if kind else np.maximum(abs(y), abs(x)) < size // 5
    colours = random.integers(0, 256, (2, 3))
    return np.where(inside[..., None], colours[0], colours[1]).astype(np.uint8), inside


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """ImageNet's layout: train and val, a folder a class, files `.JPEG`."""
    random = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        for kind, name in enumerate(("n01440764", "n01443537")):
            folder = tmp_path / "imagenet" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                picture, _ = _picture(random, kind, 24)
                Image.fromarray(picture).resize((30, 24)).save(folder / f"{name}_{number}.JPEG", quality=95)
    return tmp_path / "imagenet"


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """ADE20K's layout: images and annotations, training and validation, 0 is unlabelled."""
    random = np.random.default_rng(1)
    for split, count in (("training", 4), ("validation", 2)):
        for folder in ("images", "annotations"):
            (tmp_path / folder / split).mkdir(parents=True)
        for number in range(count):
            picture, inside = _picture(random, number % 2, 24)
            labels = np.where(inside, 2, 1).astype(np.uint8)
            labels[:3] = 0
            Image.fromarray(picture).save(tmp_path / "images" / split / f"ADE_{number}.jpg", quality=95)
            Image.fromarray(labels).save(tmp_path / "annotations" / split / f"ADE_{number}.png")
    return tmp_path


def _data(folder: Path, **changed: object) -> DataConfig:
    return DataConfig("classes", 24, str(folder / "train"), str(folder / "val"), flip=True, **changed)


def _scenes(folder: Path) -> DataConfig:
    parts = {"train": "images/training", "test": "images/validation"}
    maps = {"train_maps": "annotations/training", "test_maps": "annotations/validation"}
    return DataConfig(
        "segmentation", 24, first_class=1, **{name: str(folder / path) for name, path in {**parts, **maps}.items()}
    )


ENTRANTS = {
    "patches": Entrant("patches", {"side": 8}),
    "quadtree": Entrant("quadtree", {"tokens": 10, "least": 2}),
    "slic": Entrant("slic", {"tokens": 8}),
    "tome": Entrant("patches", {"side": 8}, reduction={"kind": "tome", "merged": 2}),
    "dynamicvit": Entrant("patches", {"side": 8}, reduction={"kind": "dynamicvit", "share": 0.5, "places": [1]}),
    "frozen": Entrant("dhvt", {"most": 16}),
    "trained": Entrant("dhvt", {"tokens": 6, "weights": "none"}, trained=True),
}


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_comparison_can_be_read(name: str) -> None:
    comparison = read_config(CONFIGS / name)
    assert len(comparison.entrants) >= 4
    assert next(iter(comparison.entrants)) in ("fixed patches", "fixed count, 52")
    assert len(comparison.schedule.seeds) >= 3


def test_the_ablation_has_every_criterion_and_the_depths_one_to_four() -> None:
    options = [entrant.options for entrant in read_config(CONFIGS / "emoji-ablation.toml").entrants.values()]
    assert {each.get("criterion") for each in options if "max_depth" not in each} == {None, "bic", "aic", "aicc", "mdl"}
    assert [each["max_depth"] for each in options if "max_depth" in each] == [1, 2, 3, 4]


@pytest.mark.slow
def test_everyone_can_be_compared_by_classes_and_a_second_run_trains_no_more(classes: Path, tmp_path: Path) -> None:
    comparison = Comparison(_data(classes), {"small": SMALL}, SHORT, ENTRANTS)
    printed = run(comparison, "tiny", tmp_path / "results.json")
    rows = [line.split("|")[1].strip() for line in printed.splitlines()[3:]]
    assert rows == list(ENTRANTS)
    before = json.loads((tmp_path / "results.json").read_text())
    assert {len(seeds) for seeds in before["scores"].values()} == {2}
    assert before["costs"]["patches"]["gigaflops"] > before["costs"]["tome"]["gigaflops"]
    again = run(replace(comparison, schedule=replace(SHORT, seeds=(0, 1))), "tiny", tmp_path / "results.json")
    assert again == printed
    with pytest.raises(InputError, match="another comparison"):
        run(replace(comparison, schedule=replace(SHORT, epochs=2)), "tiny", tmp_path / "results.json")


@pytest.mark.slow
def test_everyone_who_keeps_all_tokens_can_be_compared_by_pixels(scenes: Path) -> None:
    entrants = {name: ENTRANTS[name] for name in ("patches", "quadtree", "frozen", "trained")}
    printed = run(Comparison(_scenes(scenes), {"small": SMALL}, replace(SHORT, seeds=(0,)), entrants), "tiny")
    assert "oracle mIoU" in printed
    oracle = {line.split("|")[1].strip(): float(line.split("|")[4]) for line in printed.splitlines()[3:]}
    # regions follow the discs, squares of 8 px do not
    assert oracle["frozen"] > 95 > oracle["patches"]


@pytest.mark.slow
@pytest.mark.parametrize("config", ["imagenet-1k.toml", "ade20k.toml"])
def test_large_comparisons_run_on_a_tiny_copy_of_their_data(
    config: str, classes: Path, scenes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are, but for where the data is, its size, and a backbone at random and small."""
    timm, _ = library("timm"), library("transformers")

    def small(name: str, weights: object, num_classes: int) -> torch.nn.Module:
        assert timm.is_model(name.removeprefix("timm/").partition(".")[0])
        options = {"img_size": 32, "embed_dim": 24, "depth": 1, "num_heads": 2, "num_classes": num_classes}
        return timm.create_model("vit_small_patch16_224", **options)

    monkeypatch.setattr(models, "load_backbone", small)
    shipped_one = read_config(CONFIGS / config)
    data = _data(classes) if config.startswith("imagenet") else _scenes(scenes)
    data = replace(data, size=32, keep=shipped_one.data.keep, first_class=shipped_one.data.first_class)
    schedule = replace(shipped_one.schedule, epochs=1, seeds=(0,))
    printed = run(replace(shipped_one, data=data, schedule=schedule), config)
    rows = [line.split("|")[1].strip() for line in printed.splitlines()[3:]]
    several = len(shipped_one.backbones) > 1
    tokens = [name for name in shipped_one.entrants if not name.startswith("SegFormer")]
    assert set(rows) == {
        *(f"{backbone}, {name}" if several else name for backbone in shipped_one.backbones for name in tokens),
        *(name for name in shipped_one.entrants if name.startswith("SegFormer")),
    }


@pytest.mark.slow
@pytest.mark.parametrize("head", ["segformer", "upernet"])
def test_heads_read_fixed_and_learned_tokens_alike(scenes: Path, head: str) -> None:
    library("transformers")
    entrants = {name: ENTRANTS[name] for name in ("patches", "trained")} | {"SegFormer": Entrant("segformer-b0")}
    backbone = replace(SMALL, head=head)
    data = replace(_scenes(scenes), size=32)
    printed = run(Comparison(data, {"small": backbone}, replace(SHORT, seeds=(0,)), entrants), "tiny")
    assert [line.split("|")[1].strip() for line in printed.splitlines()[3:]] == list(entrants)


def test_a_zip_file_holds_the_same_pictures_as_its_folder(classes: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "train.zip", "w") as archive:
        for path in sorted((classes / "train").rglob("*.JPEG")):
            archive.write(path, path.relative_to(classes / "train"))
    folder, _ = pictures_of(_data(classes))
    archived, _ = pictures_of(replace(_data(classes), train=str(tmp_path / "train.zip")))
    assert len(folder) == len(archived) == 8
    assert np.array_equal(folder.picture(5), archived.picture(5))
    assert [folder.truth(i) for i in range(8)] == [archived.truth(i) for i in range(8)] == [0] * 4 + [1] * 4
    few, _ = pictures_of(_data(classes, train_limit=2))
    assert [few.truth(i) for i in range(len(few))] == [0, 1]


@pytest.fixture
def emoji(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The layout of the emoji's packages in the cache, a red disc each; the emoji's names."""
    monkeypatch.setenv("DHVT_BENCH_CACHE", str(tmp_path))
    names = [f"thing-{number}" for number in range(50)]
    body = '<!-- {} --><circle cx="8" cy="8" r="5" fill="#a00"/>'
    for icon_set, version in ICON_SETS["emoji"].items():
        folder = tmp_path / "packages" / f"{icon_set}-{version}" / "package"
        folder.mkdir(parents=True)
        drawn = {name: {"body": body.format(name)} for name in names}
        icons = {"prefix": icon_set, "width": 16, "height": 16, "icons": drawn}
        (folder / "icons.json").write_text(json.dumps(icons))
        groups = {"Objects": names[::2], "Food & Drink": names[1::2], "Flags": ["flag"]}
        (folder / "metadata.json").write_text(json.dumps({"categories": groups}))
    return names


def test_emoji_of_one_name_are_in_one_split_and_labelled_by_group(emoji: list[str]) -> None:
    learned, judged = pictures_of(DataConfig("emoji", 20))
    assert len(learned) > len(judged) > 0
    assert len(learned) % len(ICON_SETS["emoji"]) == len(judged) % len(ICON_SETS["emoji"]) == 0
    assert {learned.classes[learned.truth(i)] for i in range(len(learned))} == {"Objects", "Food Drink"}
    assert learned.picture(0).shape == (20, 20, 3)
    assert tuple(learned.picture(0)[0, 0]) == (255, 255, 255)


def test_settings_are_chosen_by_names_that_are_neither_learned_from_nor_judged_on(emoji: list[str]) -> None:
    config = DataConfig("emoji", 20)
    learned, chosen_by = pictures_of(replace(config, choosing=True))
    everyone, judged = pictures_of(config)
    one, two, three, all_learned = ({svg for svg, _ in each.items} for each in (learned, chosen_by, judged, everyone))
    assert one | two == all_learned
    assert not two & (one | three)
    assert len(learned) > len(chosen_by) > 0
    with pytest.raises(UsageError, match="choosing"):
        DataConfig("scenes", 20, choosing=True)


def test_scenes_are_emoji_over_photographs_and_the_same_each_time(
    emoji: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DHVT_SHARED", str(tmp_path))
    for split, grey in (("train", 40), ("test", 200)):
        folder = tmp_path / "data" / "bsds500" / split
        folder.mkdir(parents=True)
        Image.fromarray(np.full((40, 60, 3), grey, np.uint8)).save(folder / "1.jpg")
    config = DataConfig("scenes", 32, train_limit=6, test_limit=3)
    learned, judged = pictures_of(config)
    assert (len(learned), len(judged)) == (6, 3)
    assert config.segments
    assert learned.classes[0] == "background"
    for index in range(6):
        picture, truth = learned.picture(index), learned.truth(index)
        red = picture[..., 0].astype(int) - picture[..., 1] > 120
        # whatever is plainly red is an emoji's, and whatever is grey is the photograph's
        assert (truth[red] > 0).all()
        assert (truth[(picture == 40).all(2)] == 0).all()
        assert 0.02 < (truth > 0).mean() < 0.9
    again, _ = pictures_of(config)
    assert np.array_equal(again.picture(4), learned.picture(4))
    assert not np.array_equal(learned.picture(0), learned.picture(1))


def test_crops_are_masked_unless_whole_patches_were_learned_from() -> None:
    first = ENTRANTS["patches"]
    assert first.hides(pretrained=False)
    assert not first.hides(pretrained=True)
    assert not replace(first, start="first").hides(pretrained=False)
    assert replace(first, start="first", masked=True).hides(pretrained=False)
    model = model_of(replace(first, masked=False), SMALL, SHORT, segments=False, classes=2)
    assert isinstance(model, FixedModel)
    assert not model.embedding.masked


def test_who_goes_on_from_another_begins_with_what_that_one_learned(
    classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entrants = {
        "first": ENTRANTS["patches"],
        "second": replace(ENTRANTS["patches"], start="first", epochs=3, batch_size=2),
    }
    seen: list[tuple[int, int, list[float]]] = []

    def look(model: Model, feed: Feed, schedule: Schedule, seed: int, **_: object) -> None:
        seen.append((schedule.epochs, schedule.batch_size, next(model.parameters()).flatten()[:3].tolist()))
        with torch.no_grad():
            next(model.parameters()).add_(1)

    monkeypatch.setattr(training, "train", look)
    run(Comparison(_data(classes), {"small": SMALL}, replace(SHORT, seeds=(0,)), entrants), "tiny")
    assert [recipe for *recipe, _ in seen] == [[1, 4], [3, 2]]
    assert seen[1][2] == pytest.approx([value + 1 for value in seen[0][2]])


def test_class_maps_begin_at_their_first_class_and_what_is_unlabelled_is_not_judged(scenes: Path) -> None:
    learned, judged = pictures_of(_scenes(scenes))
    truth = learned.truth(0)
    assert (truth[:3] == IGNORED).all()
    assert set(np.unique(truth[3:])) == {0, 1}
    assert len(learned.classes) == len(judged.classes) == 2
    (scenes / "annotations" / "training" / "ADE_1.png").unlink()
    with pytest.raises(InputError, match="ADE_1"):
        pictures_of(_scenes(scenes))


def test_an_image_is_reduced_to_its_middle_square() -> None:
    wide = Image.fromarray(np.arange(400, dtype=np.uint8).reshape(10, 40) % 251)
    assert squared(wide, 10, Image.Resampling.NEAREST).size == (10, 10)
    assert np.array_equal(np.asarray(squared(wide, 10, Image.Resampling.NEAREST)), np.asarray(wide)[:, 15:25])
    assert squared(wide, 24, Image.Resampling.NEAREST).size == (24, 24)


def test_the_arithmetic_of_a_block_is_what_its_formula_says(classes: Path) -> None:
    """Per token of n: 4·w² for queries, keys, values and output, 8·w² for the perceptron, 2·n·w for attention."""
    learned, _ = pictures_of(_data(classes))
    counts = {}
    for depth in (1, 3):
        model = FixedModel(ENTRANTS["patches"], replace(SMALL, depth=depth), SHORT, False, 2)
        counts[depth] = flops(model, [model.tokens(learned.picture(0))])
    tokens, width = 1 + 9, SMALL.width
    assert counts[3] - counts[1] == 2 * 2 * tokens * (12 * width**2 + 2 * tokens * width)


def test_speed_is_measured_of_everyone_but_those_trained_along() -> None:
    random = np.random.default_rng(2)
    pictures = [_picture(random, kind, 32)[0] for kind in range(2)]
    found = table(Comparison(DataConfig("classes", 32), {}, SHORT, ENTRANTS), SMALL, pictures)
    rows = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in found.splitlines()[3:]}
    assert list(rows) == [name for name in ENTRANTS if name != "trained"]
    assert float(rows["patches"][0]) == 16
    for _, _, *rates in rows.values():
        tokenizer, backbone, both = map(float, rates)
        assert both <= min(tokenizer, backbone)


def test_a_seed_gives_the_same_model_and_score_again(classes: Path) -> None:
    learned, judged = pictures_of(_data(classes))
    scores = []
    for _ in range(2):
        torch.manual_seed(3)
        model = model_of(ENTRANTS["frozen"], SMALL, SHORT, segments=False, classes=2)
        train(model, Feed(learned, model, _data(classes)), replace(SHORT, epochs=2), 3, flip=True)
        ((logits, _),) = model.answers([model.tokens(judged.picture(0))])
        scores.append((judge(model, Feed(judged, model, _data(classes)), 4), logits.tolist()))
    assert scores[0] == scores[1]


def test_features_are_told_of_a_net_that_stays_and_of_one_that_learns() -> None:
    picture, inside = _picture(np.random.default_rng(7), 0, 24)
    frozen = Entrant("dhvt", {"tokens": 4, "weights": "none"}, features=True)
    model = model_of(frozen, SMALL, SHORT, segments=False, classes=2)
    tokens = model.tokens(picture)
    assert tokens.inputs is not None
    assert tokens.inputs.statistics.shape == (2, 2 * 5)
    for token, mean in enumerate(tokens.inputs.statistics[:, :3].float()):
        lab = rgb2lab(picture[tokens.labels.numpy() == token][None])[0].mean(0)
        assert mean.numpy() == pytest.approx(lab / 100, abs=2e-3)
    along = replace(frozen, trained=True, channels=7, net_rate=0.5)
    other = model_of(along, SMALL, SHORT, segments=False, classes=2)
    assert isinstance(other, LearnedModel)
    again = other.tokens(picture)
    assert again.inputs is not None
    assert again.inputs.statistics.shape == (2, 2 * 7)
    assert sorted((again.labels == label).sum() for label in (0, 1)) == sorted([inside.sum(), (~inside).sum()])
    assert {group["lr"] for group in other.groups(1e-3)} == {1e-3, 5e-4}
    other.train()
    assert not other.task.net.training  # the regions learned by are those of use
    again_in_training = other.tokens(picture)
    assert again_in_training.inputs is not None
    assert torch.equal(again_in_training.labels, again.labels)
    assert torch.equal(again_in_training.inputs.statistics, again.inputs.statistics)
    torch.autograd.backward(other.loss_of_pictures([picture], [0], 0))
    assert other.task.net.correct.weight.grad is not None
    assert other.task.net.correct.weight.grad[5:].any()


def test_a_net_frozen_for_some_epochs_keeps_its_tokens_until_it_learns(classes: Path) -> None:
    learned, judged = pictures_of(_data(classes))
    entrant = replace(ENTRANTS["trained"], frozen_epochs=1)
    torch.manual_seed(0)
    model = model_of(entrant, SMALL, SHORT, segments=False, classes=2)
    assert isinstance(model, LearnedModel)
    feed = Feed(learned, model, _data(classes))
    before = model.task.net.correct.bias.clone(), model.task.embedding.crop.weight.clone()
    train(model, feed, SHORT, 0, flip=False)
    assert torch.equal(model.task.net.correct.bias, before[0])
    assert not torch.equal(model.task.embedding.crop.weight, before[1])
    kept = dict(feed.kept)
    assert len(kept) == len(learned)
    train(model, feed, replace(SHORT, epochs=2), 0, flip=False)
    assert not torch.equal(model.task.net.correct.bias, before[0])
    assert feed.kept == kept
    unkept = Feed(judged, model, _data(classes))
    judge(model, unkept, 4)
    assert not unkept.kept


def test_averaged_weights_lie_where_the_steps_have_been(classes: Path) -> None:
    """A decay near 0 leaves those of the last step; one of a half, here, what lies half way between two steps."""
    learned, _ = pictures_of(_data(classes))
    schedule = replace(SHORT, batch_size=4)  # two steps an epoch

    def weights(ema: float, epochs: int) -> torch.Tensor:
        torch.manual_seed(4)
        model = model_of(ENTRANTS["patches"], SMALL, schedule, segments=False, classes=2)
        feed = Feed(learned, model, _data(classes))
        train(model, feed, replace(schedule, ema=ema, epochs=epochs, warm_up=0.0), 4, flip=False)
        return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    last, averaged, hardly = weights(0.0, 1), weights(0.5, 1), weights(1e-6, 1)
    torch.testing.assert_close(hardly, last, atol=1e-6, rtol=1e-4)
    moved = (averaged - last).abs().max()
    assert 1e-6 < moved < 0.1


def test_earlier_blocks_of_a_pretrained_model_may_learn_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    timm = library("timm")
    options = {"img_size": 32, "embed_dim": 24, "depth": 3, "num_heads": 2, "num_classes": 2}
    made = timm.create_model("vit_small_patch16_224", **options)
    monkeypatch.setattr(models, "load_backbone", lambda *_, **__: made)
    backbone = replace(SMALL, pretrained="timm/vit_small_patch16_224")
    schedule = replace(SHORT, layer_decay=0.5)
    model = model_of(ENTRANTS["patches"], backbone, schedule, segments=False, classes=2)
    rates = {id(parameter): group["lr"] for group in model.groups(1.0) for parameter in group["params"]}
    assert set(rates) == {id(parameter) for parameter in model.parameters()}
    first, second, third = (rates[id(block.mlp.fc1.weight)] for block in made.blocks)
    assert (first / second, second / third) == (0.5, 0.5)
    assert rates[id(made.head.weight)] == 1.0
    assert rates[id(made.patch_embed.proj.weight)] == first / 2


@pytest.mark.slow
def test_a_model_learns_the_few_pictures_it_is_shown(classes: Path) -> None:
    learned, _ = pictures_of(_data(classes))
    for name in ("patches", "trained"):
        torch.manual_seed(0)
        model = model_of(ENTRANTS[name], replace(SMALL, width=32), SHORT, segments=False, classes=2)
        before = [p.detach().clone() for p in model.parameters()]
        feed = Feed(learned, model, replace(_data(classes), flip=False))
        train(model, feed, Schedule(epochs=30, batch_size=8, learning_rate=5e-3, smoothing=0.0), 0, flip=False)
        assert judge(model, feed, 8).quality >= 7 / 8
        if isinstance(model, LearnedModel):
            net = {id(p) for p in model.task.net.parameters()}
            moved = [(p - b).abs().sum() > 0 for p, b in zip(model.parameters(), before, strict=True) if id(p) in net]
            assert any(moved)


def test_mean_iou_is_that_of_the_definition() -> None:
    random = np.random.default_rng(4)
    truth, named = random.integers(-1, 3, (9, 9)), random.integers(0, 3, (9, 9))
    judged = truth >= 0
    wanted = [
        (judged & (truth == c) & (named == c)).sum() / (judged & ((truth == c) | (named == c))).sum() for c in range(3)
    ]
    assert mean_iou(confusion(truth, named, 3)) == pytest.approx(np.mean(wanted))
    assert mean_iou(confusion(truth, np.where(judged, truth, 0), 3)) == 1.0


def test_boundary_overlap_is_whole_where_all_is_right_and_sees_borders_alone() -> None:
    truth = np.zeros((40, 40), np.int32)
    truth[10:30, 10:30] = 1
    inter, union = boundary_overlap(truth, truth, 2)
    assert (inter == union).all()
    # 2 % of the diagonal of 40 px is 1 px: the band of the square is its rim
    assert union[1] == 20**2 - 18**2
    wrong_within = truth.copy()
    wrong_within[20, 20] = 0
    inter, union = boundary_overlap(truth, wrong_within, 2)
    assert inter[1] == 20**2 - 18**2
    assert union[1] == inter[1] + 4


def test_no_classes_of_tokens_are_better_than_the_best() -> None:
    random = np.random.default_rng(5)
    truth, labels = random.integers(-1, 3, (12, 12)).astype(np.int32), random.integers(0, 5, (12, 12)).astype(np.int32)
    best = best_classes(labels, truth, 3)
    right = (best[labels] == truth).sum()
    for _ in range(50):
        assert (random.integers(0, 3, 5)[labels] == truth).sum() <= right


def test_a_difference_is_paired_and_its_interval_is_students() -> None:
    random = np.random.default_rng(6)
    one, two = random.normal(0.5, 0.05, 5), random.normal(0.55, 0.05, 5)
    scores = [{seed: Score(value, 1.0, 9.0) for seed, value in enumerate(values)} for values in (one, two)]
    interval = stats.ttest_rel(100 * two, 100 * one).confidence_interval()
    half = (interval.high - interval.low) / 2
    assert difference(*scores) == f"{100 * (two - one).mean():+.2f} ± {half:.2f}"
    assert difference({0: scores[0][0]}, scores[1]) == f"{100 * (two - one)[0]:+.2f}"


def test_what_a_comparison_cannot_hold_is_said(tmp_path: Path) -> None:
    start = '[data]\nkind = "classes"\nsize = 24\n[backbones.small]\n'

    def read(text: str) -> Comparison:
        (tmp_path / "one.toml").write_text(text)
        return read_config(tmp_path / "one.toml")

    with pytest.raises(UsageError, match=r"data.colour: is unknown; choose from kind"):
        read(start.replace("size", "colour = 1\nsize"))
    with pytest.raises(UsageError, match="no table"):
        read(start + "[extra]\n")
    with pytest.raises(UsageError, match="has no net"):
        read(start + '[entrants.a]\ntokenizer = "slic"\ntrained = true\n')
    reduced = '[entrants.a]\ntokenizer = "patches"\nreduction = { kind = "tome", merged = 2 }\n'
    with pytest.raises(UsageError, match="starts at random"):
        read(start + 'pretrained = "timm/vit_tiny_patch16_224"\n' + reduced)
    with pytest.raises(UsageError, match="no entrant before it"):
        read(start + '[entrants.a]\ntokenizer = "slic"\nstart = "b"\n[entrants.b]\ntokenizer = "slic"\n')
    with pytest.raises(InputError, match=r"cifar10\.toml"):
        read_config(tmp_path / "absent.toml")
    with pytest.raises(InputError, match="no TOML"):
        read("= 3")
    with pytest.raises(InputError, match="is not there"):
        pictures_of(DataConfig("classes", 24, str(tmp_path / "none"), str(tmp_path / "none")))
