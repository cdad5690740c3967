"""Thin faces that are mixtures of their neighbours go to these; every other face stays."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from dhvt_vectorize import VectorizeOptions, Vectorizer
from dhvt_vectorize.drawing import _sliver_kernels
from dhvt_vectorize.drawing.slivers import MOST_SIDE, without_slivers
from dhvt_vectorize.tokenizer._kernels import flat_zones

SIDE = 40
DARK, LIGHT = np.array([30.0, 60, 120]), np.array([240.0, 230, 210])


def banded(shares: list[float], colour: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Light on the left, dark on the right, and between them a face of columns that show so much of the dark.

    Returns labels and pixels; `colour` is what the face shows instead.
    """
    labels = np.zeros((SIDE, SIDE), np.int32)
    pixels = np.full((SIDE, SIDE, 4), 255, np.uint8)
    start, stop = 18, 18 + len(shares)
    labels[:, start:stop], labels[:, stop:] = 1, 2
    pixels[:, :start, :3], pixels[:, stop:, :3] = LIGHT, DARK
    for x, share in enumerate(shares):
        pixels[:, start + x, :3] = np.rint(LIGHT + share * (DARK - LIGHT) if colour is None else colour)
    return labels, pixels


@pytest.mark.parametrize("shares", [[0.3], [0.7], [0.2, 0.8], [0.1, 0.4, 0.9]])
def test_each_pixel_of_a_mixture_goes_to_the_side_it_shows_more_of(shares: list[float]) -> None:
    labels, pixels = banded(shares)
    found = without_slivers(labels, pixels)
    dark = 18 + sum(share <= 0.5 for share in shares)
    expected = np.zeros_like(labels)
    expected[:, dark:] = 1
    assert (found == expected).all()


def test_a_band_of_one_colour_stays_though_it_lies_between_its_neighbours() -> None:
    labels, pixels = banded([0.5, 0.5, 0.5])
    assert without_slivers(labels, pixels) is labels


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 40, 40)])
def test_a_line_of_a_third_colour_stays(colour: tuple[int, int, int]) -> None:
    labels, pixels = banded([0.5], np.array(colour))
    assert without_slivers(labels, pixels) is labels


def test_a_line_within_one_colour_stays() -> None:
    labels, pixels = banded([0.5])
    pixels[:, 19:, :3] = LIGHT
    assert without_slivers(labels, pixels) is labels


def test_a_wide_face_stays_whatever_it_shows() -> None:
    width = MOST_SIDE + 1
    labels, pixels = banded([(x + 0.5) / width for x in range(width)])
    assert without_slivers(labels, pixels) is labels


def test_a_mixture_counts_within_noise_only() -> None:
    labels, pixels = banded([0.3])
    random = np.random.default_rng(0)
    for deviation, faces in ((3.0, 2), (40.0, 3)):
        noise = random.normal(0, deviation, pixels.shape) * (1, 1, 1, 0)
        noisy = np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)
        assert without_slivers(labels, noisy).max() + 1 == faces


def test_slivers_beside_slivers_go_together() -> None:
    labels, pixels = banded([0.25, 0.75])
    labels[:, 19] = 2
    labels[:, 20:] = 3
    expected = np.broadcast_to(np.where(np.arange(SIDE) < 19, 0, 1), labels.shape)
    assert (without_slivers(labels, pixels) == expected).all()


label_maps = arrays.arrays(np.int32, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 3))


def along_the_frame(run: slice, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Dark, but for a light corner on the left, and a run of the top row that shows so much of the dark."""
    labels, pixels = np.zeros((SIDE, SIDE), np.int32), np.full((SIDE, SIDE, 4), 255, np.uint8)
    pixels[..., :3] = DARK
    corner = np.add.outer(np.arange(SIDE), np.arange(SIDE)) < 10
    labels[corner], pixels[corner, :3] = 1, LIGHT
    labels[0, run], pixels[0, run, :3] = 2, np.rint(LIGHT + share * (DARK - LIGHT))
    return flat_zones(labels[..., None])[0], pixels


@pytest.mark.parametrize("run", [slice(10, 16), slice(13, 22)])
def test_along_the_frame_an_edge_may_leave_the_picture_slowly(run: slice) -> None:
    labels, pixels = along_the_frame(run, 0.8)
    found = without_slivers(labels, pixels)
    assert found.max() == 1
    assert (found[0, run] == found[-1, -1]).all()


def test_a_long_line_along_the_frame_stays() -> None:
    labels, pixels = along_the_frame(slice(10, SIDE), 0.5)
    pixels[1, 12:, :3] = DARK
    long = np.tile(pixels, (1, 3, 1))
    long[:, SIDE:] = pixels[:, -1:]
    names = np.concatenate([labels, np.repeat(labels[:, -1:], 2 * SIDE, 1)], 1)
    assert without_slivers(names, long) is names


@given(label_maps, st.integers(0, 2**16))
@settings(max_examples=200, deadline=None)
def test_faces_stay_connected_and_none_is_cut(names: np.ndarray, seed: int) -> None:
    labels = np.asarray(flat_zones(names[..., None])[0])
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (labels.max() + 1, 4))
    pixels = np.clip(palette[labels] + random.integers(-3, 4, (*labels.shape, 4)), 0, 255).astype(np.uint8)
    found = without_slivers(labels, pixels)
    # 4-connected and in raster order
    assert (np.asarray(flat_zones(found[..., None])[0]) == found).all()
    assert found.max() <= labels.max()
    # what is too thick for a sliver stays in one piece, in faces of their own
    largest, _, _ = _sliver_kernels.largest_squares(labels, int(labels.max()) + 1)
    kept = [np.unique(found[labels == k]) for k in np.flatnonzero(largest > MOST_SIDE)]
    assert all(len(face) == 1 for face in kept)
    assert len(np.unique(kept)) == len(kept)


@given(label_maps)
@settings(max_examples=100, deadline=None)
def test_the_largest_square_is_found(names: np.ndarray) -> None:
    labels = np.asarray(flat_zones(names[..., None])[0])
    largest, pixels, one = _sliver_kernels.largest_squares(labels, int(labels.max()) + 1)
    for k in range(labels.max() + 1):
        inside = labels == k
        sides = [
            side
            for side in range(1, min(labels.shape) + 1)
            if np.lib.stride_tricks.sliding_window_view(inside, (side, side)).all((2, 3)).any()
        ]
        assert (largest[k], pixels[k]) == (max(sides), inside.sum())
        assert labels.ravel()[one[k]] == k


@pytest.mark.parametrize("quality", [75, 90])
@pytest.mark.parametrize("shift", [0.0, 0.37])
def test_a_disc_that_was_a_jpeg_is_one_circle(quality: int, shift: float) -> None:
    y, x = (np.indices((96 * 8, 96 * 8)) + 0.5) / 8
    cover = ((x - 48 - shift) ** 2 + (y - 48 + shift) ** 2 < 30.4**2).reshape(96, 8, 96, 8).mean((1, 3))[..., None]
    pixels = np.rint(cover * DARK + (1 - cover) * LIGHT).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    drawing = Vectorizer(device="cpu").vectorize(buffer.getvalue(), VectorizeOptions())
    svg = drawing.to_svg()
    # beside the ground
    assert (svg.count("<circle"), svg.count("<path")) == (1, 1)
