"""The optimal cut against all cuts of small trees, exact counts of regions, and the levels that limit depth."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_images import assert_proper_labels, feature_images, is_refinement

from dhvt_vectorize.tokenizer.hierarchy import MergeTree, build_merge_tree
from dhvt_vectorize.tokenizer.selection import Partition, cut_into, cut_of_least_cost, levels_above, merge_order


@st.composite
def random_trees(draw: st.DrawFn, leaves: int = 8) -> MergeTree:
    """A tree of any shape over a row of pixels: neighbouring nodes merge in any order, costs with many ties."""
    count = draw(st.integers(1, leaves))
    tree = build_merge_tree(np.arange(count)[None, :, None])
    left, right, parent = (np.full(2 * count - 1, -1, np.int32) for _ in range(3))
    row = list(range(count))
    for merged in range(count, 2 * count - 1):
        place = draw(st.integers(0, len(row) - 2))
        left[merged], right[merged] = row[place : place + 2]
        parent[row[place : place + 2]] = merged
        row[place : place + 2] = [merged]
    cost = draw(st.lists(st.integers(0, 5), min_size=len(left), max_size=len(left)))
    cost[:count] = [0] * count
    return replace(tree, left=left, right=right, parent=parent, cost=np.array(cost, float))


def all_cuts(tree: MergeTree, node: int) -> list[tuple[int, ...]]:
    """Every set of nodes that covers each leaf below `node` once."""
    cuts: list[tuple[int, ...]] = [(node,)]
    if node >= tree.leaves:
        below = itertools.product(all_cuts(tree, tree.left[node]), all_cuts(tree, tree.right[node]))
        cuts += [one + other for one, other in below]
    return cuts


def costs_near_ties(tree: MergeTree, data: st.DataObject) -> np.ndarray:
    """Whole numbers, which add exactly: each node's a few more or less than its children's together."""
    size = len(tree.left)
    costs = np.array(data.draw(st.lists(st.integers(-3, 3), min_size=size, max_size=size)), float)
    for node in range(tree.leaves, size):
        costs[node] += costs[tree.left[node]] + costs[tree.right[node]]
    return costs


class TestCutOfLeastCost:
    @given(random_trees(), st.data())
    @settings(max_examples=150)
    def test_it_is_the_cheapest_of_all_cuts_and_of_these_the_one_with_fewest_regions(
        self, tree: MergeTree, data: st.DataObject
    ) -> None:
        costs = costs_near_ties(tree, data)
        cuts = [list(cut) for cut in all_cuts(tree, len(tree.left) - 1)]
        expected = min((costs[cut].sum(), len(cut)) for cut in cuts)
        partition = cut_of_least_cost(tree, costs)
        assert (costs[partition.node_ids].sum(), partition.regions) == expected
        assert sorted(partition.node_ids) in [sorted(cut) for cut in cuts]

    @given(random_trees(), st.data())
    @settings(max_examples=150)
    def test_only_allowed_nodes_and_leaves_are_picked_at_the_least_cost(
        self, tree: MergeTree, data: st.DataObject
    ) -> None:
        costs = costs_near_ties(tree, data)
        allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(costs), max_size=len(costs))))
        may = allowed | (np.arange(len(costs)) < tree.leaves)
        cuts = [list(cut) for cut in all_cuts(tree, len(tree.left) - 1) if may[list(cut)].all()]
        expected = min((costs[cut].sum(), len(cut)) for cut in cuts)
        partition = cut_of_least_cost(tree, costs, allowed)
        assert may[partition.node_ids].all()
        assert (costs[partition.node_ids].sum(), partition.regions) == expected

    def test_on_equal_cost_the_node_above_wins(self) -> None:
        tree = build_merge_tree(np.array([[[0], [9]]]))
        assert cut_of_least_cost(tree, np.array([1.0, 2.0, 3.0])).regions == 1
        assert cut_of_least_cost(tree, np.array([1.0, 2.0, 3.5])).regions == 2


class TestCutInto:
    @given(feature_images())
    @settings(max_examples=60)
    def test_the_number_asked_for_is_given_and_cuts_are_nested(self, values: np.ndarray) -> None:
        tree = build_merge_tree(values)
        coarser: Partition | None = None
        for regions in range(1, tree.leaves + 1):
            partition = cut_into(tree, regions)
            assert partition.regions == partition.labels.max() + 1 == regions
            assert_proper_labels(partition.labels)
            assert coarser is None or is_refinement(partition.labels, coarser.labels)
            coarser = partition
        assert cut_into(tree, tree.leaves + 1).regions == tree.leaves

    @given(random_trees())
    @settings(max_examples=100)
    def test_it_is_nested_on_trees_whose_costs_do_not_rise(self, tree: MergeTree) -> None:
        cuts = [cut_into(tree, regions) for regions in range(1, tree.leaves + 1)]
        assert [cut.regions for cut in cuts] == list(range(1, tree.leaves + 1))
        assert all(is_refinement(fine.labels, coarse.labels) for coarse, fine in itertools.pairwise(cuts))

    @given(random_trees())
    @settings(max_examples=100)
    def test_merges_are_ordered_by_cost_as_far_as_children_come_first(self, tree: MergeTree) -> None:
        order = merge_order(tree).tolist()
        assert sorted(order) == list(range(tree.leaves, len(tree.left)))
        place = {node: i for i, node in enumerate(order)}

        def dearest(node: int) -> float:
            return max(
                [tree.cost[node], *(dearest(child) for child in (tree.left[node], tree.right[node]) if child >= 0)]
            )

        for node in order:
            assert all(place.get(child, -1) < place[node] for child in (tree.left[node], tree.right[node]))
        assert [dearest(node) for node in order] == sorted(dearest(node) for node in order)


class TestPartition:
    @given(feature_images(), st.data())
    @settings(max_examples=60)
    def test_each_region_holds_the_pixels_of_its_node(self, values: np.ndarray, data: st.DataObject) -> None:
        tree = build_merge_tree(values)
        partition = cut_of_least_cost(tree, costs_near_ties(tree, data))
        assert_proper_labels(partition.labels)
        assert partition.labels.shape == values.shape[:2]
        np.testing.assert_array_equal(np.bincount(partition.labels.ravel()), tree.pixels[partition.node_ids])
        for region, node in enumerate(partition.node_ids):
            np.testing.assert_array_equal(values[partition.labels == region].sum(0), tree.sums[node])


class TestLevels:
    @given(feature_images(), st.data())
    @settings(max_examples=60)
    def test_the_base_and_all_below_are_level_0_and_levels_rise_to_the_root(
        self, values: np.ndarray, data: st.DataObject
    ) -> None:
        tree = build_merge_tree(values)
        base = cut_into(tree, data.draw(st.integers(1, tree.leaves)))
        level = levels_above(tree, base)
        inside = np.zeros(len(level), bool)
        inside[base.node_ids] = True
        for node in range(len(level) - 2, -1, -1):
            inside[node] |= inside[tree.parent[node]]
            assert level[node] <= level[tree.parent[node]]
        np.testing.assert_array_equal(level == 0, inside)

    @pytest.mark.parametrize("depth", [1, 2, 3])
    def test_a_level_has_about_a_quarter_of_the_regions_of_the_one_below(self, depth: int) -> None:
        values = np.random.default_rng(0).integers(0, 2**15, (40, 40, 3))
        tree = build_merge_tree(values)
        base = cut_into(tree, 1024)
        level = levels_above(tree, base)
        coarse = cut_of_least_cost(tree, np.ones(len(level)), level <= depth)
        assert coarse.regions == pytest.approx(1024 / 4**depth, rel=0.1)
