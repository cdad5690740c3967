"""Chroma that JPEG blurred goes back to luma's edges; every other picture comes back as it is."""

from __future__ import annotations

import numpy as np
import pytest
from degraded_drawings import SEEDS, SIDE, as_jpeg, blurred, decibels, drawing, enlarged, noisy
from flat_shapes import opaque
from PIL import Image
from scipy.ndimage import map_coordinates

from dhvt_vectorize.tokenizer import chroma
from dhvt_vectorize.tokenizer.chroma import sharpened_chroma

INK, PAPER = np.array([29, 95, 168]), np.array([246, 242, 233])
YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("quality", [60, 75, 90])
def test_a_jpeg_of_a_drawing_comes_nearer_to_the_drawing(seed: int, quality: int) -> None:
    truth = drawing(seed)
    given = as_jpeg(truth, quality)
    assert decibels(sharpened_chroma(given), truth) > decibels(given, truth) + 1.5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("quality", [60, 75, 90])
def test_a_jpeg_of_full_chroma_gets_no_worse(seed: int, quality: int) -> None:
    truth = drawing(seed)
    given = as_jpeg(truth, quality, "4:4:4")
    assert decibels(sharpened_chroma(given), truth) >= decibels(given, truth)


def test_luma_stays() -> None:
    given = as_jpeg(drawing(0))
    sharp = sharpened_chroma(given)
    inside = ((sharp > 0) & (sharp < 255))[..., :3].all(-1)
    off = (sharp[..., :3].astype(float) - given[..., :3]) @ YCC[0]
    # each of three channels is rounded
    assert np.abs(off[inside]).max() <= 1.0
    assert (sharp != given).any()


def grey(pixels: np.ndarray) -> np.ndarray:
    return np.array(Image.fromarray(pixels).convert("L").convert("RGBA"))


OTHERS = {
    "clean": lambda pixels: pixels,
    "noisy": noisy,
    "blurred": blurred,
    "enlarged": enlarged,
    "grey JPEG": lambda pixels: as_jpeg(grey(pixels)),
    "JPEG of full chroma at its best": lambda pixels: as_jpeg(pixels, 98, "4:4:4"),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", OTHERS)
def test_other_pictures_come_back_as_they_are(kind: str, seed: int) -> None:
    given = OTHERS[kind](drawing(seed))
    assert sharpened_chroma(given) is given


def test_a_picture_with_alpha_comes_back_as_it_is() -> None:
    given = as_jpeg(drawing(0))
    given[0, 0, 3] = 254
    assert sharpened_chroma(given) is given


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (4, 4), (5, 5)])
def test_tiny_pictures_come_back_as_they_are(shape: tuple[int, int]) -> None:
    given = np.random.default_rng(0).integers(0, 256, (*shape, 4), np.uint8)
    given[..., 3] = 255
    assert sharpened_chroma(given) is given


def test_it_is_the_local_linear_model_of_its_description() -> None:
    given = as_jpeg(drawing(1))
    luma = given[..., :3] @ YCC[0]
    cells = np.pad(luma.reshape(SIDE // 2, 2, SIDE // 2, 2).mean((1, 3)), 1, mode="edge")
    # bilinear interpolation between the cells' middles
    at = np.arange(SIDE) / 2 + 0.75
    expected = _by_numpy(
        given[..., :3].astype(float), map_coordinates(cells, np.meshgrid(at, at, indexing="ij"), order=1)
    )
    assert np.abs(sharpened_chroma(given)[..., :3].astype(float) - expected).max() <= 1.0


def _by_numpy(rgb: np.ndarray, spread_luma: np.ndarray) -> np.ndarray:
    """Float64, all places of the window as whole arrays, no pixel left out but those far from any edge."""
    reach, shape = chroma.REACH, rgb.shape[:2]
    ycc = rgb @ YCC.T
    outside = np.full((*(side + 2 * reach for side in shape), 3), np.nan)
    outside[reach:-reach, reach:-reach] = ycc
    outside[reach:-reach, reach:-reach, 0] = spread_luma

    def moved(array: np.ndarray, dy: int, dx: int) -> np.ndarray:
        return array[reach + dy : reach + dy + shape[0], reach + dx : reach + dx + shape[1]]

    around = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    varies = np.nanmax([np.abs(moved(outside, *at)[..., 1:] - ycc[..., 1:]).sum(-1) for at in around], axis=0)
    weight = np.zeros(outside.shape[:2])
    weight[reach:-reach, reach:-reach] = np.exp(-0.5 * (varies / chroma.SETTLED_ON_THE_GRID) ** 2) + chroma.LEAST_WEIGHT
    busy = np.zeros(outside.shape[:2], bool)
    busy[reach:-reach, reach:-reach] = varies > chroma.VARIES
    window = [(dy, dx) for dy in range(-reach, reach + 1) for dx in range(-reach, reach + 1)]
    weights, lumas, chromas = [], [], []
    for dy, dx in window:
        there = np.nan_to_num(moved(outside, dy, dx))
        off = there[..., 0] - ycc[..., 0]
        place = np.exp(-(dy * dy + dx * dx) / (2 * chroma.SPREAD**2))
        alike = np.exp(-0.5 * (np.floor(np.abs(off)) / chroma.ALIKE) ** 2)
        weights.append(moved(weight, dy, dx) * place * alike)
        lumas.append(off)
        chromas.append(there[..., 1:])
    w, light, colour = np.stack(weights), np.stack(lumas), np.stack(chromas)
    total = w.sum(0)
    mean_light = (w * light).sum(0) / total
    mean_colour = (w[..., None] * colour).sum(0) / total[..., None]
    spread = (w * light**2).sum(0) / total - mean_light**2 + chroma.RIDGE
    shared = (w[..., None] * light[..., None] * colour).sum(0) / total[..., None]
    shared -= mean_light[..., None] * mean_colour
    rest = (w[..., None] * colour**2).sum(0) / total[..., None] - mean_colour**2 - shared**2 / spread[..., None]
    trust = np.exp(-np.maximum(rest.sum(-1), 0) / chroma.MISFIT) * total / (total + 0.05)
    fitted = mean_colour - shared / spread[..., None] * mean_light[..., None]
    near_edge = np.any([moved(busy, *at) for at in window], axis=0)
    ycc[..., 1:] += (trust * near_edge)[..., None] * (fitted - ycc[..., 1:])
    return np.asarray(np.clip(ycc @ np.linalg.inv(YCC).T, 0, 255))


def test_mirroring_before_or_after_is_the_same() -> None:
    given = as_jpeg(drawing(2))
    # sums in another order may round otherwise
    off = sharpened_chroma(given[:, ::-1].copy()).astype(int) - sharpened_chroma(given)[:, ::-1]
    assert np.abs(off).max() <= 1


def test_opaque_and_all_channels_are_kept() -> None:
    sharp = sharpened_chroma(as_jpeg(drawing(3)))
    assert sharp.dtype == np.uint8
    assert (sharp[..., 3] == 255).all()
    assert opaque(sharp[..., :3]).shape == sharp.shape


@pytest.mark.parametrize("quality", [75, 90])
@pytest.mark.parametrize("width", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("offset", [0.0, 0.21, 0.7])
def test_a_thin_line_that_has_no_inside_gets_its_colour_back(width: float, offset: float, quality: int) -> None:
    edge = np.clip(np.arange(SIDE)[:, None] + 1 - (40 + offset) + np.zeros((SIDE, SIDE)), 0, 1)
    share = edge - np.clip(np.arange(SIDE)[:, None] + 1 - (40 + offset + width), 0, 1)
    share[:, :20] = share[:, 76:] = 0
    truth = opaque(np.rint(share[..., None] * INK + (1 - share[..., None]) * PAPER).astype(np.uint8))
    given = as_jpeg(truth, quality)
    sharp = sharpened_chroma(given)
    assert decibels(sharp, truth) > decibels(given, truth) + 2.0
    assert (sharpened_chroma(truth) == truth).all()


@pytest.mark.parametrize("top", [0, 1, 2, 3])
@pytest.mark.parametrize("left", [0, 1])
def test_cells_are_found_wherever_the_picture_was_cut(top: int, left: int) -> None:
    given = as_jpeg(drawing(1))[top:, left:]
    assert chroma._cells(*chroma._luma_and_chroma(given)) == (top % 2, left)


def test_what_is_clean_noisy_or_enlarged_has_no_cells() -> None:
    truth = drawing(2)
    noisy = np.clip(truth + np.random.default_rng(0).normal(0, 4, truth.shape), 0, 255).astype(np.uint8)
    noisy[..., 3] = 255
    large = np.array(Image.fromarray(truth).resize((2 * SIDE, 2 * SIDE), Image.Resampling.BILINEAR))
    for pixels in (truth, noisy, large):
        assert chroma._cells(*chroma._luma_and_chroma(pixels)) is None
        assert sharpened_chroma(pixels) is pixels
