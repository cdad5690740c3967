"""ToMe and DynamicViT: what they merge and drop, and that gradients reach what decides."""

from __future__ import annotations

import pytest
import torch

from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.vit.model import TokenTransformer
from dhvt_vectorize.vit.reduction import TokenMerging, TokenPruning

pytestmark = pytest.mark.usefixtures("one_thread")


def _batch(count: int, tokens: int, width: int = 16) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(tokens, width, generator=generator) for _ in range(count)]


def test_merging_keeps_the_sum_of_all_tokens_and_counts_their_patches() -> None:
    merging, values = TokenMerging(3), torch.stack(_batch(2, 11))
    keys = values[:, None]
    merged, state = merging.within(0, values, keys, merging.begin(values))
    assert merged.shape == (2, 8, 16)
    torch.testing.assert_close(merged[:, 0], values[:, 0])
    torch.testing.assert_close(state.size.sum(1), torch.full((2,), 11.0))
    torch.testing.assert_close((merged * state.size[..., None]).sum(1), values.sum(1), atol=1e-5, rtol=1e-5)


def test_equal_tokens_merge_first() -> None:
    values = torch.eye(16)[None, :9].clone()
    values[0, 4] = values[0, 3]  # an odd and an even one, counted after the first
    merging = TokenMerging(1)
    merged, state = merging.within(0, values, values[:, None], merging.begin(values))
    twice = (state.size[0] == 2).nonzero()[:, 0]
    assert len(twice) == 1
    torch.testing.assert_close(merged[0, twice[0]], values[0, 3])


def test_attention_to_a_merged_token_is_that_to_its_equal_parts() -> None:
    torch.manual_seed(0)
    transformer = TokenTransformer(16, 1, 2, 3)
    block, merging = transformer.blocks[0], TokenMerging(1)
    values = torch.randn(1, 5, 16)
    values[0, 4] = values[0, 3]
    apart, _ = block.attend(values)
    state = merging.begin(values[:, :4])
    state.size[0, 3] = 2
    together, _ = block.attend(values[:, :4], merging.mask(state))
    torch.testing.assert_close(together, apart[:, :4], atol=1e-6, rtol=1e-5)


def test_merging_and_pruning_leave_as_many_tokens_as_they_say() -> None:
    samples = _batch(3, 20)
    merging = TokenTransformer(16, 4, 2, 3, reduction=TokenMerging(4)).eval()
    assert {len(values) for values in merging.encoded(samples)} == {1 + 20 - 4 * 4}
    pruning = TokenTransformer(16, 4, 2, 3, reduction=TokenPruning(16, 0.5, (1, 3))).eval()
    assert {len(values) for values in pruning.encoded(samples)} == {1 + 5}


def test_a_reduced_answer_is_the_same_in_any_batch() -> None:
    torch.manual_seed(0)
    samples = _batch(3, 12)
    for reduction in (TokenMerging(3), TokenPruning(16, 0.6, (1,))):
        transformer = TokenTransformer(16, 2, 2, 3, reduction=reduction).eval()
        together = transformer.of_images(samples)
        torch.testing.assert_close(transformer.of_images(samples[1:2])[0], together[1], atol=1e-5, rtol=1e-4)


def test_pruning_learns_how_many_and_which_to_keep() -> None:
    torch.manual_seed(0)
    reduction = TokenPruning(16, 0.5, (1,))
    transformer = TokenTransformer(16, 2, 2, 3, reduction=reduction).train()
    transformer.of_images(_batch(3, 12)).square().sum().backward()
    task = [parameter.grad.clone() for parameter in reduction.parameters() if parameter.grad is not None]
    assert len(task) == len(list(reduction.parameters()))
    assert any((gradient != 0).any() for gradient in task)

    optimizer = torch.optim.Adam(reduction.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        transformer.of_images(_batch(16, 40))
        sum(transformer.reduction_losses).backward()
        optimizer.step()
    whole = torch.stack([torch.cat([transformer.prefix, sample]) for sample in _batch(64, 40)])
    _, state = reduction.before(1, whole, reduction.begin(whole))
    assert abs(state.kept[:, 1:].mean().item() - 0.5) < 0.1


def test_what_a_reduction_cannot_do_is_said() -> None:
    with pytest.raises(UsageError, match="fixed patches"):
        TokenTransformer(16, 1, 2, 3, reduction=TokenMerging(2)).of_images([*_batch(1, 4), *_batch(1, 5)])
    with pytest.raises(UsageError, match="each token"):
        TokenTransformer(16, 1, 2, 3, reduction=TokenMerging(2)).of_tokens(_batch(1, 4))
    with pytest.raises(UsageError, match="packed"):
        TokenTransformer(16, 1, 2, 3, batching="packed", reduction=TokenMerging(2))
