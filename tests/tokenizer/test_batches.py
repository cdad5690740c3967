"""Batches put samples together and nothing else: they come apart again as they were."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dhvt_vectorize.tokenizer.batches import buckets, pack, pad, unpad

counts_of_tokens = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def _samples(counts: list[int]) -> list[torch.Tensor]:
    return [torch.arange(count * 3.0).view(count, 3) + 100 * place for place, count in enumerate(counts)]


@given(counts_of_tokens)
def test_padded_samples_come_apart_again(counts: list[int]) -> None:
    samples = _samples(counts)
    padded, exists = pad(samples)
    assert padded.shape == (len(counts), max(counts), 3)
    assert exists.sum(1).tolist() == counts
    assert (padded[~exists] == 0).all()
    assert all(torch.equal(a, b) for a, b in zip(unpad(padded, exists), samples, strict=True))


@given(counts_of_tokens)
def test_packed_samples_come_apart_again(counts: list[int]) -> None:
    samples = _samples(counts)
    packed = pack(samples)
    assert packed.boundaries.dtype == torch.int32
    assert packed.longest == max(counts)
    assert all(torch.equal(a, b) for a, b in zip(packed.samples(), samples, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(packed.nested().unbind(), samples, strict=True))


@given(counts_of_tokens, st.integers(0, 5))
def test_a_sample_is_the_same_whatever_stands_beside_it(counts: list[int], more: int) -> None:
    samples = _samples(counts)
    alone, _ = pad(samples[:1], max(counts) + more)
    together, _ = pad(samples, max(counts) + more)
    assert torch.equal(alone[0], together[0])


def test_padding_to_less_than_the_longest_is_refused() -> None:
    with pytest.raises(ValueError, match="5 tokens, more than the 4"):
        pad(_samples([2, 5]), 4)


@given(st.lists(st.integers(1, 300), max_size=40), st.floats(0.0, 0.9))
def test_buckets_hold_every_sample_once_and_waste_no_more_than_asked(counts: list[int], waste: float) -> None:
    groups = buckets(counts, waste)
    assert sorted(sample for group in groups for sample in group) == list(range(len(counts)))
    for group in groups:
        tokens = [counts[sample] for sample in group]
        assert tokens == sorted(tokens)
        assert 1 - sum(tokens) / (max(tokens) * len(tokens)) <= waste + 1e-9
    longest = [max(counts[sample] for sample in group) for group in groups]
    assert longest == sorted(longest)


def test_no_waste_means_equal_counts() -> None:
    assert buckets([3, 1, 3, 2, 1], 0.0) == [[1, 4], [3], [0, 2]]
