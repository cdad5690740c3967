"""The small transformer over tokens: its answers depend on a sample's own tokens alone, and learn from them."""

from __future__ import annotations

import pytest
import torch

from dhvt_vectorize.vit.model import TokenTransformer

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def transformer() -> TokenTransformer:
    torch.manual_seed(0)
    return TokenTransformer(width=16, depth=2, heads=2, answers=3).eval()


def _sets(counts: list[int]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(count, 16, generator=generator) for count in counts]


def test_an_answer_is_the_same_in_any_batch(transformer: TokenTransformer) -> None:
    samples = _sets([4, 9, 1])
    together = transformer.of_images(samples)
    for place, sample in enumerate(samples):
        torch.testing.assert_close(transformer.of_images([sample])[0], together[place], atol=1e-5, rtol=1e-4)
    for alone, beside in zip(samples, transformer.of_tokens(samples[::-1])[::-1], strict=True):
        torch.testing.assert_close(transformer.of_tokens([alone])[0], beside, atol=1e-5, rtol=1e-4)


def test_the_order_of_tokens_is_of_no_account(transformer: TokenTransformer) -> None:
    (sample,) = _sets([7])
    order = torch.randperm(7, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(
        transformer.of_images([sample[order]]), transformer.of_images([sample]), atol=1e-5, rtol=1e-4
    )
    torch.testing.assert_close(
        transformer.of_tokens([sample[order]])[0], transformer.of_tokens([sample])[0][order], atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("batching", ["bucketed", "packed"])
def test_batching_changes_no_answer_and_no_gradient(transformer: TokenTransformer, batching: str) -> None:
    other = TokenTransformer(width=16, depth=2, heads=2, answers=3, batching=batching)
    other.load_state_dict(transformer.state_dict())
    samples = _sets([4, 9, 1, 30, 9])
    answers = [model.of_images(samples) for model in (transformer, other)]
    torch.testing.assert_close(*answers, atol=1e-5, rtol=1e-4)
    for answer in answers:
        answer.square().sum().backward()
    for one, two in zip(transformer.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad, atol=1e-4, rtol=1e-3)
    for one, two in zip(transformer.of_tokens(samples), other.of_tokens(samples), strict=True):
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-4)


def test_registers_are_attended_to_and_not_answered_for(transformer: TokenTransformer) -> None:
    torch.manual_seed(0)
    model = TokenTransformer(width=16, depth=2, heads=2, answers=3, registers=2)
    samples = _sets([4, 9])
    assert [len(answers) for answers in model.of_tokens(samples)] == [4, 9]
    model.of_images(samples).sum().backward()
    assert model.prefix.grad is not None
    assert (model.prefix.grad.abs().sum(1) > 0).all()
