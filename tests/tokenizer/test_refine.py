"""Refined partitions: as many regions, each in one piece, never worse in what is minimised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage.measure import label as components

from dhvt_vectorize.tokenizer import _refine_kernels
from dhvt_vectorize.tokenizer.hierarchy import build_merge_tree
from dhvt_vectorize.tokenizer.refine import refine
from dhvt_vectorize.tokenizer.selection import Partition, cut_into


def _noisy(seed: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    random = np.random.default_rng(seed)
    steps = random.integers(0, 6, (height // 6 + 1, width // 6 + 1, channels)) * 300
    blocks = np.kron(steps, np.ones((6, 6, 1)))[:height, :width]
    return np.round(blocks + random.normal(0, 120, blocks.shape)).astype(np.int32)


def _partition(values: np.ndarray, regions: int) -> Partition:
    return cut_into(build_merge_tree(values), regions)


def _energy(labels: np.ndarray, values: np.ndarray, tension: float) -> float:
    flat, k = values.reshape(-1, values.shape[2]).astype(float), labels.ravel()
    pixels = np.bincount(k)
    means = np.stack([np.bincount(k, flat[:, c]) / pixels for c in range(flat.shape[1])], 1)
    misfit = ((flat - means[k]) ** 2).sum()
    sides = (labels[1:] != labels[:-1]).sum() + (labels[:, 1:] != labels[:, :-1]).sum()
    corners = (labels[1:, 1:] != labels[:-1, :-1]).sum() + (labels[1:, :-1] != labels[:-1, 1:]).sum()
    return float(misfit + tension * (sides + np.sqrt(0.5) * corners))


sizes = st.integers(1, 24)


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), height=sizes, width=sizes, regions=st.integers(1, 40), tension=st.floats(0, 1e5))
def test_every_region_stays_in_one_piece(seed: int, height: int, width: int, regions: int, tension: float) -> None:
    values = _noisy(seed, height, width)
    partition = _partition(values, regions)
    labels = refine(partition, values, tension).labels
    assert labels.dtype == np.int32
    numbers, first = np.unique(labels, return_index=True)
    np.testing.assert_array_equal(numbers, np.arange(partition.regions))
    assert (np.diff(first) > 0).all()
    for k in range(partition.regions):
        assert components(labels == k, connectivity=1).max() == 1


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), regions=st.integers(1, 60), tension=st.floats(0, 1e5))
def test_what_is_minimised_never_grows(seed: int, regions: int, tension: float) -> None:
    values = _noisy(seed, 20, 23)
    partition = _partition(values, regions)
    before = _energy(partition.labels, values, tension)
    assert _energy(refine(partition, values, tension).labels, values, tension) <= before * (1 + 1e-9)


def test_a_pixel_on_the_wrong_side_goes_home() -> None:
    values = np.zeros((8, 8, 1), np.int32)
    values[:, 4:] = 800
    labels = (values[..., 0] > 0).astype(np.int32)
    labels[3, 4] = 0
    wrong = Partition(labels, np.arange(2, dtype=np.int32), build_merge_tree(values))
    np.testing.assert_array_equal(refine(wrong, values, 1.0).labels, values[..., 0] // 800)


def test_the_partition_that_was_given_is_not_changed() -> None:
    values = _noisy(1, 20, 20)
    partition = _partition(values, 12)
    before = partition.labels.copy()
    assert (refine(partition, values, 10.0).labels != before).any()
    np.testing.assert_array_equal(partition.labels, before)


def test_flat_zones_keep_their_borders_and_corners() -> None:
    values = np.zeros((30, 30, 3), np.int32)
    values[5:20, 8:14] = 16 * 20
    partition = _partition(values, 2)
    np.testing.assert_array_equal(refine(partition, values, 10.0 * 16**2).labels, partition.labels)


@pytest.mark.parametrize("seed", range(4))
def test_more_tension_gives_shorter_borders(seed: int) -> None:
    values = _noisy(seed, 60, 60)
    partition = _partition(values, 40)

    def border(tension: float) -> int:
        labels = refine(partition, values, tension).labels
        return int((labels[1:] != labels[:-1]).sum() + (labels[:, 1:] != labels[:, :-1]).sum())

    assert border(1e6) < border(3e4) < border(0.0)


def test_it_explains_more_of_a_smooth_image_than_the_tree_alone() -> None:
    random = np.random.default_rng(3)
    smooth = gaussian_filter(random.normal(0, 1, (80, 80, 3)), (3, 3, 0))
    values = np.round(smooth / smooth.std() * 300).astype(np.int32)
    partition = _partition(values, 60)
    refined = refine(partition, values, 0.0)
    assert _energy(refined.labels, values, 0.0) < 0.95 * _energy(partition.labels, values, 0.0)


def test_sweeps_end_when_nothing_moves() -> None:
    values = _noisy(4, 20, 20)
    labels = _partition(values, 8).labels.copy()
    moves = _refine_kernels.refine(labels, 8, values, 0.0, 100)
    assert moves[-1] == 0
    assert (moves[: np.flatnonzero(moves == 0)[0]] > 0).all()
