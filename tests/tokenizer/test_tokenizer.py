"""The tokenizer that comes with the package, from image to partition: what anyone would expect of simple pictures."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import skimage
import torch
from flat_shapes import coverage, disc, opaque, painted
from small_images import assert_proper_labels, is_refinement

from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.options import CRITERIA
from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.features import FeatureNet
from dhvt_vectorize.tokenizer.initial import initial_net
from dhvt_vectorize.tokenizer.selection import levels_above
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

PAIRS = {
    "red on white": ((200, 30, 40), (255, 255, 255)),
    "black on white": ((0, 0, 0), (255, 255, 255)),
    "white on black": ((255, 255, 255), (0, 0, 0)),
    "blue on yellow": ((30, 60, 200), (250, 200, 20)),
    "green on violet": ((20, 120, 60), (90, 40, 140)),
    "low contrast": ((120, 120, 120), (150, 150, 150)),
    "red on nothing": ((200, 30, 40), None),
    "black on nothing": ((0, 0, 0), None),
    "white on nothing": ((255, 255, 255), None),
}


@pytest.fixture(scope="module")
def tokenizer() -> DHVTokenizer:
    return DHVTokenizer.load(device="cpu")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return skimage.data.astronaut()[:96, 180:277]


class TestSimplePictures:
    @pytest.mark.parametrize("colour", [(0, 0, 0, 255), (255, 255, 255, 255), (12, 200, 99, 255), (9, 9, 200, 128)])
    @pytest.mark.parametrize("shape", [(1, 1), (1, 40), (30, 1), (2, 2), (33, 47)])
    def test_one_colour_is_one_region(
        self, tokenizer: DHVTokenizer, colour: tuple[int, ...], shape: tuple[int, int]
    ) -> None:
        image = np.full((*shape, 4), colour, np.uint8)
        assert tokenizer.partition(image).regions == 1

    def test_a_transparent_image_is_one_region_whatever_colours_it_hides(self, tokenizer: DHVTokenizer) -> None:
        image = np.random.default_rng(0).integers(0, 256, (20, 20, 4), np.uint8)
        image[..., 3] = 0
        assert tokenizer.partition(image).regions == 1

    @pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
    def test_two_flat_halves_are_two_regions(
        self, tokenizer: DHVTokenizer, pair: tuple[tuple[int, ...], tuple[int, ...] | None]
    ) -> None:
        cover = np.zeros((20, 30))
        cover[:, 13:] = 1
        for half in (cover, cover.T):
            np.testing.assert_array_equal(tokenizer.partition(painted(half, *pair)).labels, half)

    @pytest.mark.parametrize("radius", [4, 7.3, 12, 21])
    @pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
    def test_an_anti_aliased_disc_on_a_flat_ground_is_two_regions(
        self, tokenizer: DHVTokenizer, pair: tuple[tuple[int, ...], tuple[int, ...] | None], radius: float
    ) -> None:
        random = np.random.default_rng(int(radius))
        for _ in range(4):
            cover = coverage(disc(*(24 + random.uniform(-0.5, 0.5, 2)), radius + random.uniform()), 48, 48)
            partition = tokenizer.partition(painted(cover, *pair))
            assert partition.regions == 2
            clear = np.abs(cover - 0.5) > 0.1
            np.testing.assert_array_equal(partition.labels[clear], cover[clear] > 0.5)

    @pytest.mark.parametrize("gap", [0.6, 0.75, 1.0, 1.5, 2.0])
    @pytest.mark.parametrize("pair", [pair for name, pair in PAIRS.items() if name != "low contrast"])
    def test_a_disc_that_nearly_fills_the_image_is_still_one_region(
        self, tokenizer: DHVTokenizer, pair: tuple[tuple[int, ...], tuple[int, ...] | None], gap: float
    ) -> None:
        if pair == PAIRS["green on violet"] and gap < 1:
            pytest.skip("of nearly equal lightness, ground thinner than a pixel at the frame is sometimes lost")
        random = np.random.default_rng(0)
        for _ in range(4):
            centre = 16 + random.uniform(-0.5, 0.5, 2)
            cover = coverage(disc(*centre, 16 - np.abs(centre - 16).max() - gap), 32, 32)
            assert tokenizer.partition(painted(cover, *pair)).regions == 2


class TestSelection:
    @pytest.mark.parametrize("regions", [1, 2, 100, 1000])
    def test_the_number_of_regions_asked_for_is_given(
        self, tokenizer: DHVTokenizer, photo: np.ndarray, regions: int
    ) -> None:
        partition = tokenizer.partition(photo, regions=regions)
        assert partition.regions == regions
        assert partition.labels.shape == photo.shape[:2]
        assert_proper_labels(partition.labels)

    def test_more_regions_than_there_are_gives_all_there_are(self, tokenizer: DHVTokenizer) -> None:
        cover = np.zeros((8, 9))
        cover[2:4, 3:6] = 1
        assert tokenizer.partition(painted(cover, *PAIRS["red on white"]), regions=50).regions == 2

    @pytest.mark.parametrize("criterion", CRITERIA)
    def test_more_detail_never_gives_fewer_regions(
        self, tokenizer: DHVTokenizer, photo: np.ndarray, criterion: str
    ) -> None:
        tree = tokenizer.merge_tree(tokenizer.pixel_features(opaque(photo)))
        partitions = [
            tokenizer.select(tree, criterion=criterion, detail=detail) for detail in np.linspace(0, 1, 9).tolist()
        ]
        counts = [partition.regions for partition in partitions]
        assert counts == sorted(counts)
        assert counts[0] < counts[4] < counts[-1]
        for coarse, fine in itertools.pairwise(partitions):
            assert is_refinement(fine.labels, coarse.labels)

    @pytest.mark.parametrize("criterion", CRITERIA)
    def test_a_greater_depth_gives_regions_from_more_levels_above_the_base(
        self, tokenizer: DHVTokenizer, photo: np.ndarray, criterion: str
    ) -> None:
        tree = tokenizer.merge_tree(tokenizer.pixel_features(opaque(photo)))
        partitions = [tokenizer.select(tree, criterion=criterion, max_depth=depth) for depth in range(1, 9)]
        unlimited = tokenizer.select(tree, criterion=criterion)
        base = partitions[0]
        level = levels_above(tree, base)
        for depth, partition in enumerate(partitions, 1):
            assert level[partition.node_ids].max() <= depth - 1
        counts = [partition.regions for partition in partitions]
        assert counts == sorted(counts, reverse=True)
        assert counts[0] > counts[1]
        assert all(count >= unlimited.regions for count in counts)
        np.testing.assert_array_equal(
            tokenizer.select(tree, criterion=criterion, max_depth=32).labels, unlimited.labels
        )

    def test_depth_1_is_the_base_partition_itself(self, tokenizer: DHVTokenizer, photo: np.ndarray) -> None:
        """A sixteenth of the price is four doublings of the twelve that `detail` spans."""
        tree = tokenizer.merge_tree(tokenizer.pixel_features(opaque(photo)))
        base = tokenizer.select(tree, detail=0.5 + 4 / 12)
        np.testing.assert_array_equal(tokenizer.select(tree, max_depth=1).labels, base.labels)

    def test_levels_are_those_that_a_depth_allows(self, tokenizer: DHVTokenizer, photo: np.ndarray) -> None:
        for depth in (1, 2, 4):
            partition = tokenizer.partition(photo, max_depth=depth)
            levels = tokenizer.levels(partition)
            assert levels.shape == (partition.regions,)
            assert levels.min() >= 0
            assert levels.max() == min(depth - 1, 2)  # what the criterion wants of this picture lies 2 levels up

    @pytest.mark.parametrize("criterion", CRITERIA)
    def test_bounds_hold_where_the_criterion_would_cross_them_and_change_nothing_elsewhere(
        self, tokenizer: DHVTokenizer, photo: np.ndarray, criterion: str
    ) -> None:
        tree = tokenizer.merge_tree(tokenizer.pixel_features(opaque(photo)))
        free = tokenizer.select(tree, criterion=criterion)
        chosen = tokenizer.select(tree, criterion=criterion, min_tokens=free.regions, max_tokens=free.regions)
        np.testing.assert_array_equal(chosen.labels, free.labels)
        fewest, most = free.regions + 7, free.regions - 2
        assert tokenizer.select(tree, criterion=criterion, min_tokens=fewest).regions == fewest
        assert tokenizer.select(tree, criterion=criterion, max_tokens=most).regions == most

    @pytest.mark.parametrize(("fewest", "most"), [(0, None), (3, 2), (1, 0)])
    def test_bounds_that_no_count_keeps_are_refused(
        self, tokenizer: DHVTokenizer, fewest: int, most: int | None
    ) -> None:
        with pytest.raises(UsageError, match="is no range"):
            tokenizer.partition(np.zeros((2, 2), np.uint8), min_tokens=fewest, max_tokens=most)

    def test_an_unknown_criterion_is_refused_with_the_names_of_those_known(self, tokenizer: DHVTokenizer) -> None:
        with pytest.raises(UsageError, match="bic, aic, aicc, mdl"):
            tokenizer.partition(np.zeros((2, 2), np.uint8), criterion="wic")


class TestPartition:
    def test_it_is_the_same_from_any_number_of_threads(self, tokenizer: DHVTokenizer, photo: np.ndarray) -> None:
        expected = tokenizer.partition(photo).labels.tobytes()
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda _: tokenizer.partition(photo).labels.tobytes(), range(8)))
        assert set(results) == {expected}

    def test_images_together_come_out_as_each_does_alone(
        self, tokenizer: DHVTokenizer, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drawing = painted(coverage(disc(16.2, 15.7, 9), 32, 32), *PAIRS["red on white"])
        images = [photo, drawing, photo[:40, ::-1].copy(), photo[::-1].copy()]
        alone = [tokenizer.partition(image, regions=20).labels for image in images]
        for threads in "13":
            monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
            together = tokenizer.partitions(images, regions=20)
            for partition, expected in zip(together, alone, strict=True):
                np.testing.assert_array_equal(partition.labels, expected)
        assert tokenizer.partitions([]) == []

    def test_an_opaque_image_gives_the_same_with_and_without_alpha(
        self, tokenizer: DHVTokenizer, photo: np.ndarray
    ) -> None:
        np.testing.assert_array_equal(tokenizer.partition(photo).labels, tokenizer.partition(opaque(photo)).labels)

    @pytest.mark.parametrize("opaque_part", [np.s_[:, :10], np.s_[3:9, 4:12]])
    def test_colours_join_each_other_before_they_join_what_is_transparent(
        self, tokenizer: DHVTokenizer, opaque_part: tuple[slice, slice]
    ) -> None:
        """Black is no colour away from what is transparent, and as far as can be from white."""
        image = np.zeros((12, 16, 4), np.uint8)
        image[opaque_part] = 255
        image[6:, :, :3] = 0
        assert tokenizer.partition(image, regions=3).regions == 3
        np.testing.assert_array_equal(
            tokenizer.partition(image, regions=2).labels == 1, image[..., 3] != image[0, 0, 3]
        )

    def test_a_rim_pixel_is_known_as_such_and_holds_its_owners_features(self, tokenizer: DHVTokenizer) -> None:
        cover = coverage(disc(16.2, 15.7, 9), 32, 32)
        features = tokenizer.pixel_features(painted(cover, *PAIRS["red on white"]))
        assert features.is_rim[np.abs(cover - 0.5) < 0.4].all()
        assert not features.is_rim[(cover == 0) | (cover == 1)].any()
        of_ground, of_disc = (features.values[cover == side].mean(0) for side in (0, 1))
        contrast = np.abs(of_disc - of_ground).max()
        for side, expected in ((0, of_ground), (1, of_disc)):
            clear = features.is_rim & (np.abs(cover - side) < 0.4)
            assert clear.sum() > 10
            assert np.abs(features.values[clear] - expected).max() < 0.1 * contrast


def test_compact_regions_have_shorter_borders_and_lie_in_one_place(photo: np.ndarray) -> None:
    tokenizer = DHVTokenizer.load()
    drawn, compact = (tokenizer.partition(photo, regions=60, compact=choice) for choice in (False, True))
    assert drawn.regions == compact.regions == 60

    def border(labels: np.ndarray) -> int:
        return int((labels[1:] != labels[:-1]).sum() + (labels[:, 1:] != labels[:, :-1]).sum())

    def spread(labels: np.ndarray) -> float:
        places = np.indices(labels.shape).reshape(2, -1).astype(float)
        sizes = np.bincount(labels.ravel())
        means = np.stack([np.bincount(labels.ravel(), axis) / sizes for axis in places])
        return float(((places - means[:, labels.ravel()]) ** 2).sum())

    assert border(compact.labels) < border(drawn.labels)
    assert spread(compact.labels) < spread(drawn.labels)


def test_a_compact_tree_begins_at_flat_zones_and_keeps_sums_of_features_alone() -> None:
    tokenizer = DHVTokenizer.load()
    image = np.zeros((20, 30, 3), np.uint8)
    image[5:9, 7:20] = (200, 30, 60)
    features = tokenizer.pixel_features(opaque(image))
    plain, compact = (tokenizer.merge_tree(features, compact=choice) for choice in (False, True))
    assert compact.leaves == plain.leaves == 2
    np.testing.assert_array_equal(compact.sums, plain.sums)
    np.testing.assert_array_equal(compact.squares, plain.squares)


def _trained(config: TokenizerConfig) -> DHVTokenizer:
    """A tokenizer whose net's branch does something, though nothing that anyone taught it."""
    net = FeatureNet(config).eval()
    with torch.no_grad():
        net.correct.weight.normal_(0, 0.002, generator=torch.Generator().manual_seed(0))
        net.mix.weight.normal_(0, 0.2, generator=torch.Generator().manual_seed(1))
    return DHVTokenizer(net, config)


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("taught", [False, True])
def test_photographs_have_learned_features_only_where_they_were_taught(
    taught: bool, compact: bool, photo: np.ndarray
) -> None:
    config = TokenizerConfig(learned_photographs=taught)
    trained, plain = _trained(config), DHVTokenizer(initial_net(config).eval(), config)
    flat = np.zeros((30, 40, 3), np.uint8)
    flat[8:20, 10:30] = (200, 30, 60)
    for image, differs in ((photo, taught), (flat, True)):
        one, other = (each.pixel_features(opaque(image), compact=compact).values for each in (trained, plain))
        assert (one.shape != other.shape or bool((one != other).any())) == differs


def test_what_was_learned_does_not_break_flat_zones(photo: np.ndarray) -> None:
    image = np.zeros((30, 40, 3), np.uint8)
    image[8:20, 10:30] = (200, 30, 60)
    tokenizer = _trained(TokenizerConfig())
    features = tokenizer.pixel_features(opaque(image))
    assert np.ptp(features.values[:8].reshape(-1, features.values.shape[2]), axis=0).max() > 0
    assert tokenizer.merge_tree(features).leaves == 2
    assert tokenizer.merge_tree(tokenizer.pixel_features(opaque(photo))).leaves > 100


def test_pixels_that_are_not_antialiased_keep_their_own_colours_whatever_was_learned() -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
    plain = DHVTokenizer.load(device="cpu").pixel_features(opaque(image), antialiased=False)
    trained = _trained(TokenizerConfig()).pixel_features(opaque(image), antialiased=False)
    np.testing.assert_array_equal(plain.values, trained.values)
    assert not trained.is_rim.any()
