"""The small transformer over tokens: its answers depend on a sample's own tokens alone, and learn from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dhvt_vectorize.tokenizer.soft import SoftAssignment, near_regions
from dhvt_vectorize.vit.embedding import TokenEmbedding
from dhvt_vectorize.vit.model import TokenTransformer


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


def test_the_embedding_reaches_the_features_and_every_parameter() -> None:
    torch.manual_seed(0)
    labels = (np.arange(12)[:, None] // 6 * 2 + np.arange(12)[None] // 6).astype(np.int32)
    near, embedding = near_regions(labels), TokenEmbedding(5, 16)
    torch.nn.init.normal_(embedding.elsewhere)
    labels[3, 3] = 3  # so that a crop shows pixels that are not the token's
    near = near_regions(labels)
    features = (torch.randn(5, 12, 12) * 30).requires_grad_()
    share = SoftAssignment()(features.flatten(1).T, near)
    vectors = embedding(torch.rand(4, 12, 12), features, near, share)
    assert vectors.shape == (4, 16)
    vectors.square().sum().backward()
    assert features.grad is not None
    assert (features.grad != 0).any()
    assert all(p.grad is not None and (p.grad != 0).any() for p in embedding.parameters())


def test_what_is_hidden_under_transparency_does_not_count() -> None:
    torch.manual_seed(0)
    labels = np.zeros((6, 6), np.int32)
    near, embedding = near_regions(labels), TokenEmbedding(4, 8).eval()
    share = torch.zeros(36, 8)
    share[:, 0] = 1
    image = torch.rand(4, 6, 6)
    image[3, :3] = 0
    other = image.clone()
    other[:3, :3] = torch.rand(3, 3, 6)
    features = torch.rand(4, 6, 6)
    assert torch.equal(embedding(image, features, near, share), embedding(other, features, near, share))
