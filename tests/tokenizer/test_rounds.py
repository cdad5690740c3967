"""Every round's cheapest neighbours are those that a search among all edges finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_images import feature_images

from dhvt_vectorize.tokenizer.hierarchy import build_merge_tree
from dhvt_vectorize.tokenizer.rounds import Front


@settings(deadline=None, max_examples=60)
@given(feature_images(), st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 2.5]))
def test_what_a_round_keeps_is_what_it_would_find(
    values: np.ndarray, border_exponent: float, steps_a_pixel: float
) -> None:
    find = Front.find_cheapest

    def find_twice(front: Front) -> None:
        find(front)
        kept = front.best.copy(), front.cost.copy()
        front.forget()
        find(front)
        np.testing.assert_array_equal(front.best, kept[0])
        assert front.cost.tobytes() == kept[1].tobytes()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Front, "find_cheapest", find_twice)
        build_merge_tree(values, None, border_exponent, steps_a_pixel)
