"""Drawings that were JPEGs come nearer to what they were, within what their coefficients allow; others stay."""

from __future__ import annotations

import numpy as np
import pytest
from degraded_drawings import SEEDS, as_jpeg, blurred, decibels, drawing, enlarged, noisy
from scipy.fft import dctn

from dhvt_vectorize.tokenizer import jpeg
from dhvt_vectorize.tokenizer.chroma import sharpened_chroma
from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.jpeg import before_jpeg
from dhvt_vectorize.tokenizer.jpeg_grid import compression

BOTH = TokenizerConfig()
LUMA = np.array([0.299, 0.587, 0.114])


def undone(pixels: np.ndarray, config: TokenizerConfig = BOTH) -> np.ndarray:
    return before_jpeg(pixels, config)[0]


def variation(pixels: np.ndarray) -> float:
    levels = pixels[..., :3].astype(float)
    return float(np.abs(np.diff(levels, axis=0)).sum() + np.abs(np.diff(levels, axis=1)).sum())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("quality", "gain"), [(40, 2.0), (60, 2.0), (75, 2.0), (88, 1.5)])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_a_jpeg_comes_nearer_to_the_drawing_than_by_its_chroma_alone(
    seed: int, quality: int, gain: float, subsampling: str
) -> None:
    truth = drawing(seed)
    given = as_jpeg(truth, quality, subsampling)
    assert decibels(undone(given), truth) > decibels(sharpened_chroma(given), truth) + gain


@pytest.mark.parametrize("seed", SEEDS)
def test_a_jpeg_that_was_cut_out_comes_nearer_too(seed: int) -> None:
    truth, given = drawing(seed)[5:90, 11:], as_jpeg(drawing(seed), 75)[5:90, 11:]
    given = np.ascontiguousarray(given)
    assert decibels(undone(given), truth) > decibels(sharpened_chroma(given), truth) + 2.0


@pytest.mark.parametrize("seed", SEEDS)
def test_luma_keeps_within_its_bounds(seed: int) -> None:
    """Every coefficient of a block without cut colours lies as near to the file's multiple as it may, but for the
    rounding of pixels."""
    given = as_jpeg(drawing(seed), 75)
    how = compression(given)
    assert how is not None
    before, after = (blocks_of(each) for each in (given, undone(given)))
    whole = ~(
        blocks_of(((given == 0) | (given == 255))[..., :3].any(-1).astype(float)[..., None] * np.ones(3)) > 0
    ).any((2, 3))
    coefficients = [dctn(each - 128, axes=(2, 3), norm="ortho")[whole] for each in (before, after)]
    multiples = np.rint(coefficients[0] / how.luma) * how.luma
    off = np.abs(coefficients[1] - multiples) - jpeg.WITHIN * how.luma / 2
    assert whole.sum() > 20
    assert off.max() < 2.0


def blocks_of(pixels: np.ndarray) -> np.ndarray:
    luma = pixels[..., :3] @ LUMA
    return luma.reshape(luma.shape[0] // 8, 8, luma.shape[1] // 8, 8).swapaxes(1, 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_comes_back_has_fewer_edges(seed: int) -> None:
    given = as_jpeg(drawing(seed), 75)
    assert variation(undone(given)) < 0.95 * variation(given)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_picture_that_has_been_undone_is_undone_no_more(seed: int) -> None:
    once = undone(as_jpeg(drawing(seed), 75))
    assert (undone(once, TokenizerConfig(sharpen_chroma=False)) == once).all()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("change", [lambda pixels: pixels, blurred, enlarged, noisy])
def test_what_was_no_jpeg_stays_as_it_is(seed: int, change) -> None:
    pixels = change(drawing(seed))
    assert undone(pixels) is pixels


def test_edges_are_said_to_be_off_by_about_as_much_as_they_are() -> None:
    off = []
    for seed in SEEDS:
        truth = drawing(seed)
        found, noise = before_jpeg(as_jpeg(truth, 75), BOTH)
        edges = (np.abs(np.diff(truth[..., 1].astype(int), axis=1, append=0)) > 24)[:, :-1]
        wrong = (found[:, :-1, :3].astype(float) - truth[:, :-1, :3])[edges]
        off.append(float(np.sqrt((wrong**2).mean())) / noise)
    assert 0.5 < np.mean(off) < 2.0
    assert before_jpeg(drawing(0), BOTH)[1] == 0.0


def test_each_part_can_be_left_out() -> None:
    given = as_jpeg(drawing(0), 75)
    neither = undone(given, TokenizerConfig(sharpen_chroma=False, undo_jpeg=False))
    chroma = undone(given, TokenizerConfig(undo_jpeg=False))
    assert neither is given
    assert (chroma == sharpened_chroma(given)).all()
    assert (undone(given) != chroma).any()


def test_flat_ground_far_from_edges_stays() -> None:
    truth = np.full((160, 160, 4), (240, 230, 210, 255), np.uint8)
    truth[:96, :96] = drawing(2)
    given = as_jpeg(truth, 75)
    assert (undone(given)[136:, 136:] == given[136:, 136:]).all()


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    given = as_jpeg(drawing(3), 75)
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
        found.append(undone(given))
    assert (found[0] == found[1]).all()


@pytest.mark.parametrize("seed", range(40))
def test_any_picture_comes_back_in_its_size(seed: int) -> None:
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 60, 2)
    pixels = (
        drawing(seed)[:height, :width] if seed % 2 else random.integers(0, 256, (height, width, 4)).astype(np.uint8)
    )
    pixels = np.ascontiguousarray(pixels)
    if seed % 4 < 3:
        pixels = as_jpeg(pixels, int(random.integers(5, 101)), str(random.choice(["4:2:0", "4:2:2", "4:4:4"])))
    found = undone(pixels)
    assert found.shape == pixels.shape
    assert found.dtype == np.uint8
    assert (found[..., 3] == pixels[..., 3]).all()
