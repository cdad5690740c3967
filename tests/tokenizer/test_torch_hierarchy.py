"""The merge tree that torch builds is that of the kernels, to the byte, on every kind of image and with every option.

torch runs on the CPU here, and on a CUDA device where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from itertools import product
from typing import Any

import numpy as np
import pytest
import skimage
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from small_images import feature_images

from benchmarks.adversarial import MAKERS
from dhvt_vectorize.raster import load_raster
from dhvt_vectorize.tokenizer import _round_kernels, torch_hierarchy, trees
from dhvt_vectorize.tokenizer._torch_rounds import LengthPowers
from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.hierarchy import MergeTree, build_merge_tree, flat_zones
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer
from dhvt_vectorize.tokenizer.torch_hierarchy import build_merge_tree_torch, build_merge_trees_torch, flat_zones_torch
from dhvt_vectorize.tokenizer.trees import tree_of, trees_of

EXPONENTS = (0.0, 0.5, 1.7, -0.3)
STEPS = (0.0, 0.5, 40.0)


def assert_same_tree(tree: MergeTree, expected: MergeTree) -> None:
    for name, array in asdict(expected).items():
        found = getattr(tree, name)
        assert (found.dtype, found.shape, found.flags.c_contiguous) == (array.dtype, array.shape, True), name
        np.testing.assert_array_equal(found, array, name)
        # zeros of either sign are equal, and costs shall not differ even in that
        assert found.tobytes() == array.tobytes(), name


def assert_torch_builds_the_same(
    values: np.ndarray,
    regions: np.ndarray | None = None,
    border_exponent: float = 0.0,
    steps_a_pixel: float = 0.0,
    device: str = "cpu",
) -> None:
    values = np.ascontiguousarray(values, np.int32)
    there = None if regions is None else torch.from_numpy(regions).to(device)
    tree = build_merge_tree_torch(torch.from_numpy(values).to(device), there, border_exponent, steps_a_pixel)
    assert_same_tree(tree, build_merge_tree(values, regions, border_exponent, steps_a_pixel))


def assert_same_trees(
    values: np.ndarray, regions: np.ndarray | None, border_exponent: float, steps_a_pixel: float, device: str = "cpu"
) -> None:
    there = None if regions is None else torch.from_numpy(regions).to(device)
    found = build_merge_trees_torch(torch.from_numpy(values).to(device), there, border_exponent, steps_a_pixel)
    assert len(found) == len(values)
    for number, tree in enumerate(found):
        own = None if regions is None else regions[number]
        assert_same_tree(tree, build_merge_tree(values[number], own, border_exponent, steps_a_pixel))


def constant(width: int, height: int) -> np.ndarray:
    return np.full((height, width, 2), -7)


def star(width: int, height: int) -> np.ndarray:
    """A ground with thousands of specks, each of its own colour."""
    image = np.full((height, width, 3), 128)
    image[1::2, 1::2] = np.random.default_rng(0).integers(0, 256, image[1::2, 1::2].shape)
    return image


def twin_stars(width: int, height: int) -> np.ndarray:
    """Two grounds that choose each other while their specks join: a branch with early nodes."""
    image = star(width, height)
    image[:, width // 2 :, 0] += 1
    return image


def equal_specks(width: int, height: int) -> np.ndarray:
    """Specks of two colours on one ground: ties by the thousand."""
    image = np.zeros((height, width, 1), int)
    image[1::2, 1::2, 0] = np.random.default_rng(0).integers(1, 3, image[1::2, 1::2, 0].shape)
    return image


def line(width: int, height: int) -> np.ndarray:
    """Equal steps along a line one pixel high: a chain of equal costs."""
    return np.arange(width * height // 8)[None, :, None] % 2**15


def spiral(width: int, height: int) -> np.ndarray:
    """A path one pixel wide that winds inwards, and what lies between its turns: two long thin zones."""
    y, x = np.indices((height, width))
    rings = np.minimum(np.minimum(x, y), np.minimum(width - 1 - x, height - 1 - y))
    image = rings % 2
    # a gap in every ring, beside a bridge to the next one
    for ring in range(0, min(width, height) // 2 - 3, 2):
        image[ring + 2, ring + 1], image[ring + 1, ring] = 0, 1
    return image[..., None]


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-(2**15) + 1, 2**15, (height, width, 3))


def few_values(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 3, (height, width, 1))


def photo(width: int, height: int) -> np.ndarray:
    return skimage.data.coffee()[90 : 90 + height, 140 : 140 + width].astype(int)


IMAGES = [*MAKERS.values(), constant, star, twin_stars, equal_specks, line, spiral, noise, few_values, photo]
MAPS = [constant, star, twin_stars, equal_specks, spiral, noise, few_values, photo]


class TestOneTree:
    @pytest.mark.parametrize(("border_exponent", "steps_a_pixel"), [*product(EXPONENTS, STEPS)])
    @pytest.mark.parametrize("image", IMAGES)
    def test_of_every_kind_of_image(
        self, image: Callable[[int, int], np.ndarray], border_exponent: float, steps_a_pixel: float
    ) -> None:
        assert_torch_builds_the_same(image(72, 50), None, border_exponent, steps_a_pixel)

    @given(feature_images(), st.sampled_from(EXPONENTS), st.sampled_from(STEPS))
    @settings(max_examples=100)
    def test_of_images_drawn_by_chance(self, values: np.ndarray, border_exponent: float, steps_a_pixel: float) -> None:
        assert_torch_builds_the_same(values, None, border_exponent, steps_a_pixel)

    @pytest.mark.parametrize("levels", [2, 3, 5, 90])
    def test_of_images_full_of_ties(self, levels: int) -> None:
        random = np.random.default_rng(levels)
        for _ in range(40):
            values = random.integers(0, levels, (*random.integers(1, 16, 2), random.integers(1, 5)))
            assert_torch_builds_the_same(values, None, random.choice(EXPONENTS), random.choice(STEPS))

    @pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 1), (2, 1, 3), (1, 200, 2), (200, 1, 1)])
    def test_of_a_pixel_and_of_lines(self, shape: tuple[int, int, int]) -> None:
        for high in (1, 2, 100):
            values = np.random.default_rng(0).integers(0, high, shape)
            assert_torch_builds_the_same(values, None, 0.5, 0.5)

    @given(feature_images(), st.data(), st.sampled_from(EXPONENTS))
    @settings(max_examples=60)
    def test_over_given_regions(self, values: np.ndarray, data: st.DataObject, border_exponent: float) -> None:
        classes = data.draw(arrays.arrays(np.int32, (*values.shape[:2], 1), elements=st.integers(0, 2)))
        assert_torch_builds_the_same(values, flat_zones(classes), border_exponent, 0.5)

    def test_over_regions_in_any_order(self) -> None:
        regions = flat_zones(few_values(40, 30).astype(np.int32))
        shuffled = np.random.default_rng(1).permutation(regions.max() + 1).astype(np.int32)[regions]
        assert_torch_builds_the_same(photo(40, 30), shuffled, 0.5)

    def test_of_a_tokenizer(self) -> None:
        config, values = TokenizerConfig(), photo(64, 48).astype(np.int32)
        zones = flat_zones(values // 4)
        for compact, given_zones in product([False, True], [None, zones]):
            expected = tree_of(values, config, given_zones, compact=compact)
            tree = tree_of(values, config, given_zones, compact=compact, device=torch.device("cpu"))
            assert_same_tree(tree, expected)

    def test_a_single_differing_bit_is_told_apart(self) -> None:
        """The comparison above can fail."""
        tree, other = (build_merge_tree(photo(16, 16)) for _ in range(2))
        assert_same_tree(tree, other)
        other.cost[-1] = np.nextafter(other.cost[-1], np.inf)
        with pytest.raises(AssertionError, match="cost"):
            assert_same_tree(tree, other)

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    @pytest.mark.parametrize("image", IMAGES)
    def test_on_a_cuda_device(self, image: Callable[[int, int], np.ndarray]) -> None:
        for size, border_exponent, steps_a_pixel in product([(72, 50), (401, 300)], EXPONENTS, STEPS):
            assert_torch_builds_the_same(image(*size), None, border_exponent, steps_a_pixel, "cuda")
        regions = flat_zones(few_values(72, 50).astype(np.int32))
        assert_torch_builds_the_same(noise(72, 50), regions, 0.5, 0.5, "cuda")

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    @pytest.mark.parametrize("compact", [False, True])
    def test_of_a_tokenizer_on_a_cuda_device(self, compact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        there = DHVTokenizer.load(device="cuda")
        features = there.pixel_features(load_raster(photo(64, 48).astype(np.uint8)).pixels)
        expected = DHVTokenizer.load(device="cpu").merge_tree(features, compact=compact)
        monkeypatch.setattr(trees, "build_merge_tree", None)
        assert_same_tree(there.merge_tree(features, compact=compact), expected)


class TestBatches:
    """A tree does not depend on what else is in the batch, nor on its place in it."""

    @pytest.mark.parametrize(("border_exponent", "steps_a_pixel"), [(0.0, 0.0), (0.5, 0.5), (-0.3, 40.0)])
    def test_of_every_kind_of_image_together(self, border_exponent: float, steps_a_pixel: float) -> None:
        images = [np.broadcast_to(np.ascontiguousarray(image(72, 48)[:48, :72, :1]), (48, 72, 1)) for image in MAPS]
        images += images[::-1]
        assert_same_trees(np.stack(images).astype(np.int32), None, border_exponent, steps_a_pixel)

    @pytest.mark.parametrize("levels", [1, 2, 3, 90])
    def test_of_images_full_of_ties(self, levels: int) -> None:
        random = np.random.default_rng(levels)
        for _ in range(20):
            shape = (*random.integers(1, 7, 1), *random.integers(1, 16, 2), *random.integers(1, 5, 1))
            values = random.integers(0, levels, shape).astype(np.int32)
            values[:: random.integers(1, 4)] //= 2
            assert_same_trees(values, None, random.choice(EXPONENTS), random.choice(STEPS))

    def test_over_given_regions(self) -> None:
        values = np.random.default_rng(0).integers(0, 200, (5, 30, 40, 3)).astype(np.int32)
        zones = np.stack([flat_zones(each // (20 * number + 20)) for number, each in enumerate(values)])
        assert_same_trees(values, zones, 0.5, 0.5)

    @pytest.mark.parametrize("compact", [False, True])
    def test_of_images_of_several_sizes_and_depths(self, compact: bool) -> None:
        config, random = TokenizerConfig(), np.random.default_rng(0)
        shapes = [(20, 30, 1), (20, 30, 3), (9, 30, 2), (20, 30, 2), (9, 30, 1), (1, 1, 2)]
        values = [random.integers(0, 40, shape).astype(np.int32) for shape in shapes]
        zones = [flat_zones(each // 9) if number % 3 else None for number, each in enumerate(values)]
        wanted = trees_of(values, config, zones, compact=compact)
        found = trees_of(values, config, zones, compact=compact, device=torch.device("cpu"))
        for tree, expected in zip(found, wanted, strict=True):
            assert_same_tree(tree, expected)

    def test_no_more_images_at_once_than_the_device_holds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sizes = []

        def counting(values: torch.Tensor, *arguments: Any) -> list[MergeTree]:
            sizes.append(len(values))
            return build_merge_trees_torch(values, *arguments)

        monkeypatch.setattr(trees, "build_merge_trees_torch", counting)
        monkeypatch.setattr(trees, "MOST_PIXELS", 250)
        values = [few_values(10, 10).astype(np.int32)] * 5
        trees_of(values, TokenizerConfig(), [None] * 5, compact=True, device=torch.device("cpu"))
        assert sizes == [2, 2, 1]

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    def test_on_a_cuda_device(self) -> None:
        values = np.random.default_rng(0).integers(0, 4, (64, 50, 40, 3)).astype(np.int32)
        assert_same_trees(values, None, 0.5, 0.5, "cuda")


class TestWork:
    @pytest.mark.parametrize("image", [star, equal_specks, line, noise, MAKERS["checkerboard"]])
    def test_rounds_are_few(self, image: Callable[[int, int], np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
        rounds = 0
        measured = torch_hierarchy.cheapest_neighbours

        def counting(*arguments: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            nonlocal rounds
            rounds += 1
            return measured(*arguments)

        monkeypatch.setattr(torch_hierarchy, "cheapest_neighbours", counting)
        build_merge_tree_torch(torch.from_numpy(image(160, 160)).int())
        assert 1 <= rounds <= 90

    @pytest.mark.parametrize("image", [spiral, constant, few_values, star])
    def test_flat_zones_are_found_in_few_steps(
        self, image: Callable[[int, int], np.ndarray], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps = 0
        equal = torch.equal

        def counting(one: torch.Tensor, other: torch.Tensor) -> bool:
            nonlocal steps
            steps += 1
            return equal(one, other)

        monkeypatch.setattr(torch, "equal", counting)
        values = image(200, 200).astype(np.int32)
        zones = flat_zones_torch(torch.from_numpy(values)[None])[0]
        np.testing.assert_array_equal(zones.numpy(), flat_zones(values))
        assert 1 <= steps <= 16


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.7, -0.3])
def test_powers_of_lengths_are_the_same_however_far_the_table_has_grown(exponent: float) -> None:
    powers = LengthPowers(exponent, torch.device("cpu"))
    wanted = _round_kernels.length_powers(5001, exponent)
    for longest in (1, 2, 70, 5000):
        lengths = torch.arange(1, longest + 1)
        found = powers.of(lengths, longest)
        assert found is not None
        np.testing.assert_array_equal(found.numpy(), wanted[1 : longest + 1])


def test_powers_that_cannot_divide_are_refused() -> None:
    values = torch.arange(3, dtype=torch.int32).repeat(2, 1)[..., None]
    for exponent in (-2000.0, float("nan")):
        with pytest.raises(ZeroDivisionError):
            build_merge_tree_torch(values, border_exponent=exponent)
