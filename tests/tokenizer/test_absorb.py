"""Small regions join a neighbour: what is left is large enough, connected, and made of whole regions."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from small_images import assert_proper_labels, feature_images, is_refinement

from dhvt_vectorize.tokenizer.absorb import absorb_small_regions
from dhvt_vectorize.tokenizer.hierarchy import build_merge_tree


class TestAbsorb:
    @given(feature_images(), st.integers(0, 12))
    @settings(max_examples=100)
    def test_every_region_is_large_enough_or_the_only_one(self, values: np.ndarray, min_area: int) -> None:
        labels = build_merge_tree(values).leaf_of_pixel
        absorbed = absorb_small_regions(labels, values, min_area)
        assert_proper_labels(absorbed)
        assert is_refinement(labels, absorbed)
        areas = np.bincount(absorbed.ravel())
        assert len(areas) == 1 or areas.min() >= min_area

    @given(feature_images(), st.integers(1, 8))
    @settings(max_examples=100)
    def test_regions_that_are_large_enough_never_join_each_other(self, values: np.ndarray, min_area: int) -> None:
        labels = build_merge_tree(values // 8).leaf_of_pixel
        absorbed = absorb_small_regions(labels, values, min_area)
        large = np.flatnonzero(np.bincount(labels.ravel()) >= min_area)
        joined = [int(absorbed[labels == region][0]) for region in large]
        assert len(set(joined)) == len(joined)

    def test_a_speck_joins_the_neighbour_it_differs_least_from(self) -> None:
        values = np.zeros((6, 9, 1), np.int32)
        values[:, 4:] = 100
        labels = build_merge_tree(values).leaf_of_pixel
        for speck, joined in ((30, 0), (70, 1)):
            image = values.copy()
            image[2:4, 4] = speck
            expected = labels.copy()
            expected[2:4, 4] = joined
            absorbed = absorb_small_regions(build_merge_tree(image).leaf_of_pixel, image, 3)
            np.testing.assert_array_equal(absorbed, expected)

    def test_specks_in_touch_join_until_they_are_large_enough(self) -> None:
        row = np.array([0, 1, 2, 3, 100, 101, 102, 103])[None, :, None].astype(np.int32)
        absorbed = absorb_small_regions(build_merge_tree(row).leaf_of_pixel, row, 4)
        np.testing.assert_array_equal(absorbed, [[0, 0, 0, 0, 1, 1, 1, 1]])

    def test_a_region_that_is_the_whole_image_stays(self) -> None:
        labels = np.zeros((1, 3), np.int32)
        np.testing.assert_array_equal(absorb_small_regions(labels, np.zeros((1, 3, 1), np.int32), 1000), labels)
