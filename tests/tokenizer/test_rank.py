"""The number at a place is the one that sorting puts there."""

from __future__ import annotations

import numpy as np
import pytest

from dhvt_vectorize.tokenizer import parts, rank


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_at_a_place_is_that_of_sorted_numbers(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank, "_FEW", 0)
    monkeypatch.setattr(parts, "SMALLEST_PART", 2)
    monkeypatch.setenv("NUMBA_NUM_THREADS", str(threads))
    random = np.random.default_rng(0)
    for count in (1, 2, 7, 300):
        for numbers in (
            random.random(count),
            random.integers(0, 3, count) * 1e300,
            np.exp(random.normal(0, 99, count)),
            np.where(random.random(count) < 0.5, np.inf, random.random(count) * 1e-310),
        ):
            wanted = np.sort(numbers)
            assert [rank.number_at(place, numbers) for place in range(count)] == wanted.tolist()
