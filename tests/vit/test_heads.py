"""Heads for segmentation: where tokens lie comes back, and every pixel gets an answer that reaches the tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional
from vit_libraries import library

from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.vit.heads import HEADS, head_named, scattered
from dhvt_vectorize.vit.model import TokenTransformer

pytestmark = pytest.mark.usefixtures("one_thread")


def _labels(height: int = 32, width: int = 48, tokens: int = 9) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, tokens, (height, width)))


@pytest.mark.parametrize("stride", [1, 4, 16])
def test_scattered_tokens_are_the_means_over_squares_of_pixels(stride: int) -> None:
    labels, tokens = _labels(), torch.randn(9, 5, generator=torch.Generator().manual_seed(0))
    pixels = tokens[labels].permute(2, 0, 1)
    torch.testing.assert_close(scattered(tokens, labels, stride), functional.avg_pool2d(pixels, stride))


def test_squares_cut_off_by_the_images_end_have_means_too() -> None:
    found = scattered(torch.ones(9, 2), _labels(30, 45), 8)
    assert found.shape == (2, 4, 6)
    torch.testing.assert_close(found, torch.ones(2, 4, 6))


@pytest.mark.parametrize("name", HEADS)
def test_every_pixel_gets_an_answer_and_every_token_a_gradient(name: str) -> None:
    library("transformers")
    torch.manual_seed(0)
    head = head_named(name, 8, 4, 3)
    labels = [_labels(), _labels(tokens=5)]
    states = [[torch.randn(count, 8, requires_grad=True) for count in (9, 5)] for _ in head.depths]
    answers = head(states, labels)
    assert len(answers) == 2
    for logits, places in answers:
        assert places.shape == (32, 48)
        assert logits[places].shape == (32, 48, 3)
        assert len(logits) == (32 * 48 if head.dense else int(places.max()) + 1)
    sum(logits[places].square().mean() for logits, places in answers).backward()
    for depth in states:
        for tokens in depth:
            assert (tokens.grad.abs().sum(1) > 0).all()
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_a_perceptrons_answer_is_of_the_pixels_token_alone() -> None:
    head = head_named("perceptron", 8, 4, 3)
    tokens, labels = torch.randn(9, 8), _labels()
    (logits, places), other = head([[tokens]], [labels])[0], tokens.clone()
    other[2] += 1
    changed = head([[other]], [labels])[0][0]
    assert torch.equal((logits != changed).any(1)[places], labels == 2)


def test_an_unknown_head_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="linear, perceptron, segformer, upernet"):
        head_named("deeplab", 8, 4, 3)


def test_states_are_what_becomes_of_the_tokens() -> None:
    torch.manual_seed(0)
    transformer = TokenTransformer(16, 3, 2, 4, registers=1).eval()
    samples = [torch.randn(5, 16), torch.randn(9, 16)]
    first, last = transformer.states(samples, (1, 3))
    for tokens, answers in zip(last, transformer.of_tokens(samples), strict=True):
        torch.testing.assert_close(transformer.head(tokens), answers)
    shallow = TokenTransformer(16, 1, 2, 4, registers=1).eval()
    state = {name: value for name, value in transformer.state_dict().items() if name in shallow.state_dict()}
    shallow.load_state_dict(state)
    for tokens, encoded in zip(first, shallow.encoded(samples), strict=True):
        torch.testing.assert_close(tokens, encoded[2:])
