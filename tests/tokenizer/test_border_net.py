"""BorderNet learns where label maps part neighbours, sees no farther than it says, and is left out until it has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dhvt_vectorize.tokenizer.border_net import STRENGTHS, BorderNet
from dhvt_vectorize.tokenizer.checkpoint import load_checkpoint, save_checkpoint
from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.features import FeatureNet
from dhvt_vectorize.tokenizer.initial import INITIAL_CARD, PARTS, initial_net, with_part
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer
from dhvt_vectorize.training.losses import drawn_borders
from dhvt_vectorize.training.start import starting_net
from dhvt_vectorize.training.tasks import TASKS

WIDTH = 6
AS_GIVEN = {"sharpen_chroma": False, "undo_jpeg": False}


def _net(width: int = WIDTH, *, answering: bool = True) -> BorderNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = BorderNet(width).eval()
        if answering:
            for layer in net.answers:
                torch.nn.init.normal_(layer.weight, std=0.5)  # type: ignore[arg-type]
    return net


def _colours(height: int, width: int, seed: int = 0) -> torch.Tensor:
    random = np.random.default_rng(seed)
    lab = random.uniform((0, -60, -60, 250), (100, 60, 60, 250), (height, width, 4))
    return torch.from_numpy(lab.astype(np.float32)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (16, 16), (33, 50)])
def test_every_resolution_answers_for_both_sides_of_every_pixel(size: tuple[int, int]) -> None:
    answers = _net()(_colours(*size))
    assert len(answers) == 4
    assert all(answer.shape == (1, 2, *size) for answer in answers)
    strengths = _net().strengths(_colours(*size))
    assert strengths.shape == (2, *size)
    assert strengths.max() <= STRENGTHS


def test_it_sees_no_farther_than_the_margin_of_a_square() -> None:
    net = _net(3)
    side, margin = 700, 256
    colours = _colours(side, 64).requires_grad_()
    for layer in net.modules():
        # gradients of either sign might cancel: every weight as if it were positive, every unit at work
        for parameter in layer.parameters(recurse=False):
            parameter.data.abs_().clamp_(min=1e-3)
    net(colours.abs())[0][0, :, side // 2, 32].sum().backward()
    assert colours.grad is not None
    rows = colours.grad[0].abs().amax((0, 2)).nonzero()
    assert side // 2 - margin < int(rows.min())
    assert int(rows.max()) < side // 2 + margin


def test_an_image_in_squares_is_the_image_whole() -> None:
    net, colours = _net(3), _colours(600, 90)
    whole, squares = net.strengths(colours), net.strengths(colours, side=64, margin=256)
    # sums in another order: a value next to a tie may round the other way
    assert np.abs(whole.astype(int) - squares).max() <= 1
    assert (whole != squares).mean() < 0.001


def test_a_mirror_image_has_the_mirrored_borders() -> None:
    net, colours = _net(), _colours(32, 48)
    left, above = net.strengths(colours).astype(int)
    mirrored_left, mirrored_above = net.strengths(colours.flip(3)).astype(int)
    # a value next to a tie may round the other way; of the first column's borders, beyond the image, nobody asks
    assert np.abs(mirrored_left[:, :0:-1] - left[:, 1:]).max() <= 1
    assert np.abs(mirrored_above[:, ::-1] - above).max() <= 1


def test_until_it_has_learned_it_is_left_out() -> None:
    net = with_part(initial_net(), "borders")
    image = np.zeros((8, 8, 4), np.uint8)
    assert net.learned_borders is None
    assert net.border_strengths(image) is None
    assert FeatureNet(TokenizerConfig()).border_strengths(image) is None
    assert _net(answering=False).is_trained is False


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_part_joins_a_net_that_has_learned_and_changes_nothing_else(part: str) -> None:
    net = initial_net(TokenizerConfig(learned_gain=0.4))
    wide = with_part(net, part)
    assert with_part(wide, part) is wide
    state = wide.state_dict()
    assert all(torch.equal(state[name], value) for name, value in net.state_dict().items())
    changed = {name for name, value in wide.config.to_dict().items() if value != net.config.to_dict()[name]}
    assert changed == set(PARTS[part])


def test_only_who_is_to_learn_a_part_begins_with_it() -> None:
    for task in TASKS:
        net, origin = starting_net(task, None, None, 3)
        for part in PARTS:
            assert (getattr(net, part) is not None) == (task == part)
        assert "seed 3" in origin


def test_the_loss_is_the_cross_entropy_of_each_side() -> None:
    labels = torch.tensor([[[0, 1], [0, 0]], [[0, 1], [0, 1]]], dtype=torch.int32)
    # parted: (0,0)-(0,1) by both, (1,0)-(1,1) by one of two; (0,1)-(1,1) by one, (0,0)-(1,0) by none
    logits = torch.tensor([[[9.0, 0.7], [9.0, -0.4]], [[9.0, 9.0], [0.3, 1.1]]])

    def lost(logits: list[float], shares: list[float]) -> float:
        p = 1 / (1 + np.exp(-np.array(logits)))
        s = np.array(shares)
        return 0.5 * float(-(s * np.log(p)).sum() / s.sum() - ((1 - s) * np.log(1 - p)).sum() / (1 - s).sum())

    wanted = lost([0.7, -0.4], [1.0, 0.5]) + lost([0.3, 1.1], [0.0, 0.5])
    assert float(drawn_borders([logits], labels)) == pytest.approx(wanted, rel=1e-5)
    assert float(drawn_borders([logits, logits], labels)) == pytest.approx(1.2 * wanted, rel=1e-5)


def _two_mosaics() -> tuple[np.ndarray, np.ndarray]:
    """Mosaics of stones of 4 px, to the right a little lighter: any two stones differ more than the two halves."""
    owner = (np.indices((64, 64))[1] >= 32).astype(np.int32)
    stones = np.random.default_rng(0).integers(-60, 60, (16, 16)).repeat(4, 0).repeat(4, 1)
    image = np.full((64, 64, 4), 255, np.uint8)
    image[..., :3] = (110 + 30 * owner + stones)[..., None]
    return image, owner


def test_it_learns_to_part_textures_and_tokens_follow(tmp_path: Path) -> None:
    image, owner = _two_mosaics()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        base = initial_net()
        net = with_part(base, "borders")
    assert net.borders is not None
    colour = net.colours(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)
    labels = torch.from_numpy(owner[None])
    both = ((colour, labels), (colour.flip(3), labels.flip(2)))
    optimizer = torch.optim.AdamW(net.borders.parameters(), 3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        for seen, parted in both:
            drawn_borders([answer[0] for answer in net.borders(seen)], parted).backward()
        optimizer.step()
    strengths = net.eval().border_strengths(image)
    assert strengths is not None
    wanted = np.zeros((2, 64, 64), bool)
    wanted[0, :, 32] = True
    assert strengths[wanted].mean() > 0.9 * STRENGTHS
    assert strengths[~wanted].mean() < 0.1 * STRENGTHS

    save_checkpoint(tmp_path / "mine.safetensors", net, net.config, INITIAL_CARD)
    saved = load_checkpoint(tmp_path / "mine.safetensors", "cpu")
    assert np.array_equal(saved.net.border_strengths(image), strengths)
    learned, plain = (
        DHVTokenizer(each.eval(), replace(each.config, sharpen_chroma=False, undo_jpeg=False))
        for each in (saved.net, base)
    )

    def accuracy(tokenizer: DHVTokenizer) -> float:
        features = tokenizer.pixel_features(image, compact=True, photograph=True)
        labels = tokenizer.select(tokenizer.merge_tree(features, compact=True), regions=2).labels
        return float(max((labels == owner).mean(), (labels != owner).mean()))

    assert accuracy(learned) > 0.95
    assert accuracy(plain) < 0.85
