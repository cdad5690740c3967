"""Flattened features: a Gaussian's spread where nothing parts, and nothing beyond a sure border."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhvt_vectorize.tokenizer import parts
from dhvt_vectorize.tokenizer.border_net import STRENGTHS
from dhvt_vectorize.tokenizer.flatten import flattened

STEEPNESS = 12.0
OPEN = np.zeros((2, 99, 99), np.uint8)


def _with_a_wall(height: int, width: int, column: int) -> np.ndarray:
    """The surest border between this column and the one to its left, and none else."""
    borders = np.zeros((2, height, width), np.uint8)
    borders[0, :, column] = STRENGTHS
    return borders


@given(st.integers(-32767, 32767), st.floats(0.5, 30), st.integers(0, STRENGTHS))
def test_a_flat_map_stays_as_it_is(value: int, reach: float, strength: int) -> None:
    flat = np.full((5, 7, 2), value, np.int32)
    np.testing.assert_array_equal(flattened(flat, np.full((2, 5, 7), strength, np.uint8), reach, 4.0), flat)


@given(st.floats(0.0, 8.0), st.integers(0, 2**32 - 1))
def test_nothing_leaves_the_range_of_what_was_there(reach: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.integers(-32767, 32767, (6, 9, 2), np.int32)
    borders = random.integers(0, STRENGTHS + 1, (2, 6, 9)).astype(np.uint8)
    flat = flattened(values, borders, reach, STEEPNESS)
    assert (flat <= values.max((0, 1))).all()
    assert (flat >= values.min((0, 1))).all()


@pytest.mark.parametrize("reach", [3.0, 6.0, 12.0])
def test_where_nothing_parts_a_point_spreads_as_far_as_is_asked(reach: float) -> None:
    values = np.zeros((99, 99, 1), np.int32)
    values[49, 49] = 2**30
    spread = flattened(values, OPEN, reach, STEEPNESS)[..., 0].astype(np.float64)
    place = np.arange(99) - 49
    for axis in (0, 1):
        share = spread.sum(1 - axis) / spread.sum()
        # the image is wide enough for all but a hundredth of it
        assert (share * place).sum() == pytest.approx(0, abs=0.1)
        assert np.sqrt((share * place**2).sum()) == pytest.approx(reach, rel=0.12)


def test_a_sure_border_keeps_two_sides_apart_and_lets_each_become_flat() -> None:
    random = np.random.default_rng(0)
    sides = np.where(np.arange(40) < 15, -400, 400)
    values = (sides + random.normal(0, 900, (60, 40)))[..., None].astype(np.int32)
    flat = flattened(values, _with_a_wall(60, 40, 15), 12.0, STEEPNESS)[..., 0]
    left, right = flat[:, :15], flat[:, 15:]
    # what is at its ends counts for more: not quite the mean, but near what is there without the noise
    assert (left.mean(), right.mean()) == pytest.approx((-400, 400), abs=60)
    assert max(left.std(), right.std()) < 900 / 8
    # without the border the two run into one another
    ramp = flattened(values, np.zeros((2, 60, 40), np.uint8), 12.0, STEEPNESS)[..., 0]
    assert ramp[:, 15].mean() - ramp[:, 14].mean() < 0.1 * (flat[:, 15].mean() - flat[:, 14].mean())


def test_the_surer_the_border_the_less_crosses_it() -> None:
    values = np.where(np.arange(40) < 20, 0, 10000)[None, :, None].repeat(9, 0).astype(np.int32)
    gaps = []
    for strength in (0, STRENGTHS // 4, STRENGTHS // 2, STRENGTHS):
        borders = _with_a_wall(9, 40, 20) // STRENGTHS * strength
        flat = flattened(values, borders.astype(np.uint8), 6.0, STEEPNESS)
        gaps.append(int(flat[4, 20, 0] - flat[4, 19, 0]))
    assert gaps == sorted(gaps)
    assert gaps[0] < 2000
    assert gaps[-1] > 9990


def test_turned_a_quarter_borders_stop_as_much() -> None:
    values = np.where(np.arange(40) < 20, 0, 10000)[None, :, None].repeat(40, 0).astype(np.int32)
    borders = _with_a_wall(40, 40, 20) // 2
    upright = flattened(values, borders, 6.0, STEEPNESS)
    # rows and columns change places, and so do the border to the left and the one above
    lying = flattened(values.transpose(1, 0, 2), borders[::-1].transpose(0, 2, 1), 6.0, STEEPNESS)
    np.testing.assert_array_equal(lying.transpose(1, 0, 2), upright)


def test_any_number_of_threads_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    values = random.integers(-9000, 9000, (200, 150, 3), np.int32)
    borders = random.integers(0, STRENGTHS + 1, (2, 200, 150)).astype(np.uint8)
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
        assert parts._threads() == int(threads)
        found.append(flattened(values, borders, 9.0, 5.0))
    np.testing.assert_array_equal(*found)


def test_without_reach_nothing_is_done() -> None:
    values = np.arange(24, dtype=np.int32).reshape(2, 4, 3)
    assert flattened(values, np.zeros((2, 2, 4), np.uint8), 0.0, 5.0) is values
