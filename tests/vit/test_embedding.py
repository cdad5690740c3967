"""Tokens → vectors: gradients reach features and parameters, and a vector tells of its own region alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.tokenizer.batches import most_important
from dhvt_vectorize.tokenizer.soft import SoftAssignment, near_regions, own_regions
from dhvt_vectorize.vit.embedding import PLACES, TokenEmbedding, premultiplied
from dhvt_vectorize.vit.inputs import joined, token_inputs, truncated

pytestmark = pytest.mark.usefixtures("one_thread")


def _quarters(side: int = 12) -> np.ndarray:
    steps = np.arange(side) // (side // 2)
    labels = (steps[:, None] * 2 + steps[None]).astype(np.int32)
    labels[3, 3] = 4  # so that a crop shows pixels that are not the token's
    return labels


@pytest.mark.parametrize("place", PLACES)
def test_the_embedding_reaches_the_features_and_every_parameter(place: str) -> None:
    torch.manual_seed(0)
    near, embedding = near_regions(_quarters()), TokenEmbedding(16, place=place, features=5)
    torch.nn.init.normal_(embedding.elsewhere)
    features = (torch.randn(5, 12, 12) * 30).requires_grad_()
    share = SoftAssignment()(features.flatten(1).T, near)
    vectors = embedding(embedding.inputs(torch.rand(4, 12, 12), near, share, features / 100))
    assert vectors.shape == (5, 16)
    vectors.square().sum().backward()
    assert features.grad is not None
    assert (features.grad != 0).any()
    assert all(p.grad is not None and (p.grad != 0).any() for p in embedding.parameters())


def test_the_gradient_passes_through_injected_means_alone() -> None:
    """Without features told, what reaches the net does so by the crop."""
    near, embedding = near_regions(_quarters()), TokenEmbedding(16)
    features = (torch.randn(5, 12, 12, generator=torch.Generator().manual_seed(0)) * 30).requires_grad_()
    share = SoftAssignment()(features.flatten(1).T, near)
    embedding(embedding.inputs(torch.rand(4, 12, 12), near, share)).square().sum().backward()
    assert features.grad is not None
    assert (features.grad != 0).any()


def test_pixels_of_other_regions_are_hidden_by_the_mask_token() -> None:
    """Two regions side by side, boxes of their own: the colour of one does not change the other's vector."""
    labels = torch.from_numpy(_quarters()).long()
    embedding = TokenEmbedding(8, gradient=False)
    image = torch.rand(4, 12, 12, generator=torch.Generator().manual_seed(0))
    other = image.clone()
    other[:, 3, 3] = 1 - other[:, 3, 3]
    one, two = (embedding(embedding.inputs(each, own_regions(labels))) for each in (image, other))
    changed = (one - two).abs().amax(1) > 1e-6
    # the crop is interpolated from pixels beside, so the quarter around the pixel sees a little of it
    assert changed.tolist() == [True, False, False, False, True]


def test_what_is_hidden_under_transparency_does_not_count() -> None:
    torch.manual_seed(0)
    near, embedding = near_regions(np.zeros((6, 6), np.int32)), TokenEmbedding(8).eval()
    image = torch.rand(4, 6, 6)
    image[3, :3] = 0
    other = image.clone()
    other[:3, :3] = torch.rand(3, 3, 6)
    one, two = (embedding(embedding.inputs(premultiplied(each), near)) for each in (image, other))
    assert torch.equal(one, two)


@pytest.mark.parametrize("place", PLACES)
def test_a_vector_tells_where_its_region_lies(place: str) -> None:
    embedding = TokenEmbedding(8, place=place, gradient=False)
    labels = torch.zeros(12, 12, dtype=torch.long)
    labels[:4, :4], labels[8:, 8:] = 1, 2
    vectors = embedding(embedding.inputs(torch.full((4, 12, 12), 0.5), own_regions(labels)))
    assert (vectors[1] - vectors[2]).abs().max() > 1e-3


def test_tokens_of_several_images_are_those_of_each() -> None:
    torch.manual_seed(0)
    embedding = TokenEmbedding(8)
    parts = [embedding.inputs(torch.rand(4, 12, 12), near_regions(_quarters())) for _ in range(3)]
    torch.testing.assert_close(embedding(joined(parts)), torch.cat([embedding(part) for part in parts]))


def test_own_regions_are_near_regions_without_neighbours() -> None:
    image, labels = torch.rand(4, 12, 12), _quarters()
    hard, wide = (token_inputs(image, near) for near in (own_regions(torch.from_numpy(labels)), near_regions(labels)))
    torch.testing.assert_close(hard.picture, wide.picture)
    torch.testing.assert_close(hard.geometry, wide.geometry)
    torch.testing.assert_close(hard.information, wide.information)


def test_the_largest_or_the_most_informative_tokens_stay() -> None:
    labels = torch.zeros(8, 8, dtype=torch.long)
    labels[:, 5:], labels[:, 7:] = 1, 2
    image = torch.zeros(3, 8, 8)
    image[:, ::2, 7] = 1
    inputs = token_inputs(image, own_regions(labels))
    assert truncated(inputs, 2, "size").tolist() == [0, 1]
    assert truncated(inputs, 1, "information").tolist() == [2]
    assert inputs.chosen(truncated(inputs, 2)).geometry[:, 2].exp().tolist() == pytest.approx([40 / 64, 16 / 64])
    with pytest.raises(UsageError, match="size, information"):
        truncated(inputs, 1, "colour")


def test_of_equally_important_tokens_the_first_stay() -> None:
    assert most_important(torch.tensor([1.0, 3.0, 3.0, 3.0, 2.0]), 2).tolist() == [1, 2]
    assert most_important(torch.tensor([1.0, 3.0]), 5).tolist() == [0, 1]
