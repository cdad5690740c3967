"""The merge tree against exact greedy merging, against its own pixels, and on images made to slow it down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import higra as hg
import numpy as np
import pytest
import skimage
from greedy_reference import Merges, adjacent_pairs, greedy_merges, labels_after
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.measure import label
from small_images import feature_images, is_connected, masks_of_nodes, shared_sides

from benchmarks.adversarial import MAKERS
from dhvt_vectorize.tokenizer import parts
from dhvt_vectorize.tokenizer.hierarchy import MergeTree, build_merge_tree
from dhvt_vectorize.tokenizer.rounds import Front
from dhvt_vectorize.tokenizer.selection import cut_into

KODAK = Path(__file__).parents[3] / "shared" / "data" / "kodak"


def higra_merges(values: np.ndarray, labels: np.ndarray) -> Merges:
    """The merging sequence of higra's binary partition tree on the same graph."""
    leaves = int(labels.max()) + 1
    graph = hg.UndirectedGraph(leaves)
    pairs = adjacent_pairs(labels)
    graph.add_edges(pairs[:, 0], pairs[:, 1])
    sizes = np.bincount(labels.ravel()).astype(float)
    channels = values.reshape(-1, values.shape[2]).T
    means = np.stack([np.bincount(labels.ravel(), weights=channel) for channel in channels], 1) / sizes[:, None]
    tree, altitudes = hg.binary_partition_tree_ward_linkage(graph, means, sizes, altitude_correction="none")
    children = np.stack([tree.child(0), tree.child(1)], 1).astype(int)
    return Merges(children, altitudes[leaves:])


class TestGreedyReference:
    @pytest.mark.parametrize("seed", range(8))
    def test_its_merging_sequence_equals_that_of_higra(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        height, width, channels = random.integers(1, 12, 3)
        values = random.integers(-(2**15) + 1, 2**15, (height, width + 1, channels))
        # some flat zones larger than a pixel
        values[:, 1::3] = values[:, : values[:, 1::3].shape[1] * 3 : 3]
        labels = build_merge_tree(values).leaf_of_pixel
        leaves = int(labels.max()) + 1
        ours, theirs = greedy_merges(values, labels), higra_merges(values, labels)
        np.testing.assert_allclose(ours.costs, theirs.costs, rtol=1e-9)
        for merges in range(leaves):
            np.testing.assert_array_equal(
                labels_after(ours.children, leaves, merges), labels_after(theirs.children, leaves, merges)
            )


def psnr(squared_error: float, values: np.ndarray) -> float:
    return float(10 * np.log10(255**2 * values.size / squared_error))


def psnr_of_the_cut(tree: MergeTree, regions: int, values: np.ndarray) -> float:
    """Of the image with every region in its mean colour."""
    nodes = cut_into(tree, regions).node_ids
    error = tree.squares[nodes] - tree.sums[nodes].astype(float) ** 2 / tree.pixels[nodes, None]
    return psnr(float(error.sum()), values)


def natural_crops() -> list[np.ndarray]:
    """Photographs that come with scikit-image, 128 × 128."""
    photos = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea(), skimage.data.rocket()]
    return [photo[90:218, 140:268, :3].astype(np.int32) for photo in photos]


def kodak_crops() -> list[np.ndarray]:
    files = sorted(KODAK.glob("*.png"))[:4]
    if not files:
        pytest.skip("the Kodak photographs are not beside the repository")
    return [np.asarray(Image.open(file).convert("RGB"))[200:328, 300:428].astype(np.int32) for file in files]


class TestNearGreedy:
    @pytest.mark.parametrize("crops", [natural_crops, kodak_crops])
    def test_its_cuts_stay_within_a_tenth_of_a_decibel_of_greedy_merging(
        self, crops: Callable[[], list[np.ndarray]]
    ) -> None:
        losses: dict[int, list[float]] = {regions: [] for regions in (16, 64, 256, 1024)}
        for values in crops():
            tree = build_merge_tree(values)
            # Ward's cost is the squared error a merge adds, and the leaves have none
            error_after = np.cumsum(higra_merges(values, tree.leaf_of_pixel).costs)
            for regions in losses:
                greedy = psnr(error_after[tree.leaves - regions - 1], values)
                losses[regions].append(greedy - psnr_of_the_cut(tree, regions, values))
        means = {regions: float(np.mean(values)) for regions, values in losses.items()}
        assert max(means.values()) <= 0.1, means

    def test_a_tree_merged_at_random_is_told_apart(self) -> None:
        """The measure above can fail: merging neighbours regardless of colour loses decibels."""
        values = natural_crops()[0]
        blind = build_merge_tree(np.random.default_rng(0).integers(0, 100, values.shape))
        leaves, regions = blind.leaf_of_pixel, 256
        tree = build_merge_tree(values)
        labels = cut_into(blind, regions).labels
        counts = np.bincount(labels.ravel())
        error = 0.0
        for channel in np.moveaxis(values, 2, 0):
            means = np.bincount(labels.ravel(), weights=channel.ravel()) / counts
            error += float(((channel - means[labels]) ** 2).sum())
        assert leaves.max() >= regions
        assert psnr_of_the_cut(tree, regions, values) - psnr(error, values) > 3


class TestTree:
    @given(feature_images())
    @settings(max_examples=60)
    def test_its_leaves_are_the_flat_zones(self, values: np.ndarray) -> None:
        zones = np.unique(values.reshape(-1, values.shape[2]), axis=0, return_inverse=True)[1]
        expected = label(zones.reshape(values.shape[:2]), connectivity=1, background=-1) - 1
        np.testing.assert_array_equal(build_merge_tree(values).leaf_of_pixel, expected)

    @given(feature_images(), st.sampled_from([0.0, 0.5]))
    @settings(max_examples=80)
    def test_every_node_is_what_its_pixels_say(self, values: np.ndarray, border_exponent: float) -> None:
        tree = build_merge_tree(values, border_exponent=border_exponent)
        assert len(tree.left) == 2 * tree.leaves - 1
        masks = masks_of_nodes(tree)
        for node, mask in enumerate(masks):
            inside = values[mask].astype(np.int64)
            assert is_connected(mask)
            assert tree.pixels[node] == mask.sum()
            assert tree.border[node] == shared_sides(mask, ~mask)
            np.testing.assert_array_equal(tree.sums[node], inside.sum(0))
            np.testing.assert_array_equal(tree.squares[node], (inside**2).sum(0))
        assert masks[-1].all()

    @given(feature_images(), st.sampled_from([0.0, 0.5]))
    @settings(max_examples=80)
    def test_every_merge_costs_what_ward_says(self, values: np.ndarray, border_exponent: float) -> None:
        tree = build_merge_tree(values, border_exponent=border_exponent)
        masks = masks_of_nodes(tree)
        assert (tree.cost[: tree.leaves] == 0).all()
        for node in range(tree.leaves, len(masks)):
            one, other = masks[tree.left[node]], masks[tree.right[node]]
            difference = values[one].mean(0) - values[other].mean(0)
            cost = one.sum() * other.sum() / (one.sum() + other.sum()) * (difference @ difference)
            expected = cost / shared_sides(one, other) ** border_exponent
            assert tree.cost[node] == pytest.approx(expected, rel=1e-9, abs=1e-9)

    @given(feature_images())
    @settings(max_examples=60)
    def test_children_come_before_their_parents_and_each_has_one(self, values: np.ndarray) -> None:
        tree = build_merge_tree(values)
        leaves, nodes = tree.leaves, len(tree.left)
        assert (tree.left[:leaves] == -1).all()
        assert (tree.right[:leaves] == -1).all()
        merges = np.arange(leaves, nodes)
        assert (tree.left[leaves:] < merges).all()
        assert (tree.right[leaves:] < merges).all()
        children = np.concatenate([tree.left[leaves:], tree.right[leaves:]])
        np.testing.assert_array_equal(np.sort(children), np.arange(nodes - 1))
        np.testing.assert_array_equal(tree.parent[children], np.tile(merges, 2))
        assert tree.parent[-1] == -1

    @given(feature_images(), st.sampled_from([0.0, 0.5]))
    @settings(max_examples=30)
    def test_it_is_the_same_to_the_byte_when_built_again(self, values: np.ndarray, border_exponent: float) -> None:
        first = build_merge_tree(values, border_exponent=border_exponent)
        again = build_merge_tree(np.asfortranarray(values.astype(np.int64)), border_exponent=border_exponent)
        assert [array.tobytes() for array in astuple(first)] == [array.tobytes() for array in astuple(again)]

    def test_a_constant_added_to_all_features_changes_nothing(self) -> None:
        random = np.random.default_rng(0)
        for _ in range(400):
            # small areas and few values: many costs are equal, and would part if means rounded differently
            values = random.integers(0, random.choice([2, 4, 90]), random.integers(2, 8, 3))
            constant = random.integers(-500, 500, values.shape[2])
            tree, moved = build_merge_tree(values), build_merge_tree(values + constant)
            np.testing.assert_array_equal(tree.left, moved.left)
            np.testing.assert_array_equal(tree.right, moved.right)
            assert tree.cost.tobytes() == moved.cost.tobytes()
            np.testing.assert_array_equal(tree.sums + tree.pixels[:, None] * constant, moved.sums)

    @given(feature_images(), st.integers(2, 4), st.sampled_from([0.0, 0.5]))
    @settings(max_examples=40)
    def test_it_is_the_same_to_the_byte_for_any_number_of_threads(
        self, values: np.ndarray, threads: int, border_exponent: float
    ) -> None:
        alone = build_merge_tree(values, border_exponent=border_exponent)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parts, "SMALLEST_PART", 1)
            patch.setattr(parts, "_threads", lambda: threads)
            together = build_merge_tree(values, border_exponent=border_exponent)
        assert [array.tobytes() for array in astuple(alone)] == [array.tobytes() for array in astuple(together)]

    def test_given_regions_are_its_leaves(self) -> None:
        regions = np.array([[0, 0, 1], [2, 2, 1]], np.int32)
        values = np.arange(6).reshape(2, 3, 1)
        tree = build_merge_tree(values, regions)
        np.testing.assert_array_equal(tree.leaf_of_pixel, regions)
        np.testing.assert_array_equal(tree.sums[:3, 0], [0 + 1, 2 + 5, 3 + 4])
        assert tree.leaves == 3


def star(width: int, height: int) -> np.ndarray:
    """A ground full of specks, each of its own colour: one node of the graph is the hub of all others."""
    image = np.full((height, width, 3), 128, np.int32)
    specks = image[1::2, 1::2]
    specks[:] = np.random.default_rng(0).integers(0, 256, specks.shape)
    return image


def comb(width: int, height: int) -> np.ndarray:
    """A star whose rays are long: a spine with stripes, each of its own colour."""
    image = np.zeros((height, width, 1), np.int32)
    image[1::2, 1:] = np.random.default_rng(0).integers(1, 2**15, (height // 2, 1, 1))
    return image


def line(width: int, height: int) -> np.ndarray:
    """Equal steps along a line, the graph a chain of equal costs."""
    return np.arange(width * height)[None, :, None] % 2**15


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3))


class TestWork:
    @pytest.mark.parametrize("image", [*MAKERS.values(), star, comb, line, noise])
    def test_the_edges_it_looks_at_are_a_few_times_those_there_are(
        self, image: Callable[[int, int], np.ndarray], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Work is counted in edges, not seconds: the same on every machine, linear in pixels where bounded."""
        edges: list[int] = []
        measured = Front.find_cheapest

        def counting(front: Front) -> None:
            edges.append(int(front.graph.degrees.sum()))
            measured(front)

        monkeypatch.setattr(Front, "find_cheapest", counting)
        for side in (96, 192):
            edges.clear()
            tree = build_merge_tree(image(side, side))
            assert bool(edges) == (tree.leaves > 1)
            assert sum(edges) <= 9 * sum(edges[:1])
            assert len(edges) <= 120
