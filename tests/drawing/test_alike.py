"""One colour of the palette where faces differ by noise alone, and two where they differ by more."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from dhvt_vectorize.drawing.alike import one_colour_each
from dhvt_vectorize.drawing.paints import fit_paints, joined_faces

SIZE = 96
PALETTE = np.array([[230, 60, 50], [40, 90, 200], [250, 250, 245], [235, 190, 40]])


def patches() -> np.ndarray:
    """Tiles of 16 pixels, each of a palette's colour, neighbours different."""
    tile = np.arange(SIZE) // 16
    return (tile[:, None] * 7 + tile[None] * 3) % len(PALETTE)


def drawn(change=lambda pixels: pixels) -> np.ndarray:
    """uint8 (H, W, 4)."""
    pixels = change(PALETTE[patches()].astype(np.uint8))
    return np.concatenate([pixels, np.full((SIZE, SIZE, 1), 255, np.uint8)], 2)


def tiles() -> np.ndarray:
    """Every tile a face of its own."""
    tile = np.arange(SIZE) // 16
    return (tile[:, None] * (SIZE // 16) + tile[None]).astype(np.int32)


def as_jpeg(pixels: np.ndarray) -> np.ndarray:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "JPEG", quality=75)
    return np.asarray(Image.open(written).convert("RGB"))


def noisy(pixels: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(4).normal(0, 4, pixels.shape)
    return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", [lambda pixels: pixels, as_jpeg, noisy])
def test_faces_of_one_paint_get_one_colour_of_the_arts_own_palette(change) -> None:
    paints = fit_paints(tiles(), drawn(change), np.zeros((SIZE, SIZE), bool), "auto", closely=True)
    colours = np.unique(paints.colours, axis=0)
    assert len(colours) == len(PALETTE)
    assert np.abs(colours[:, None].astype(int) - PALETTE[None]).max(2).min(1).max() <= 3


@pytest.mark.parametrize("step", [3, 8])
def test_colours_of_clean_art_stay_apart_however_alike(step: int) -> None:
    labels = tiles() % 2
    pixels = np.full((SIZE, SIZE, 4), 255, np.uint8)
    pixels[..., 1] = 100 + step * labels
    paints = fit_paints(labels.astype(np.int32), pixels, np.zeros((SIZE, SIZE), bool), "auto", closely=True)
    assert paints.colours[:, 1].tolist() == [100, 100 + step]


def test_no_chain_of_small_steps_makes_one_colour_of_many() -> None:
    means = np.stack([np.arange(40.0)] * 3, 1)
    many = np.full(40, 500.0)
    colour = one_colour_each(means, many, many * 0 + 3.0, np.ones(40, bool), 20000)
    for face in range(40):
        assert abs(face - colour[face]) <= 3
    assert len(np.unique(colour)) >= 8


def test_neighbours_of_one_colour_are_one_face() -> None:
    halves = np.repeat([[0, 1]], SIZE, 0).repeat(SIZE // 2, 1).astype(np.int32)
    pixels = np.concatenate(
        [noisy(np.full((SIZE, SIZE, 3), 120, np.uint8)), np.full((SIZE, SIZE, 1), 255, np.uint8)], 2
    )
    for gradients in (False, True):
        assert joined_faces(halves, pixels, np.zeros((SIZE, SIZE), bool), gradients).max() == 0


def test_gradients_and_translucent_faces_keep_their_own() -> None:
    means = np.full((3, 3), 100.0)
    is_flat = np.array([True, False, True])
    assert one_colour_each(means, np.full(3, 50.0), np.zeros(3), is_flat, 999).tolist() == [0, 1, 0]
