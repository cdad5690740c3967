"""Anti-aliased drawings of few colours are told from pixel art."""

import numpy as np
import pytest
from pictures import CLEAR, drawn, heart, pick

from dhvt_vectorize.raster.mixtures import is_antialiased

INK, PAPER = (29, 95, 168), (246, 242, 233)


def disc(size: int, ground: tuple[int, ...] = PAPER) -> np.ndarray:
    def colour_at(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return pick((True, ground), (np.hypot(x - size / 2, y - size / 2) < size / 3, INK))

    return drawn(colour_at, size, size)


@pytest.mark.parametrize("size", [12, 16, 24, 32])
@pytest.mark.parametrize("ground", [PAPER, CLEAR], ids=["paper", "nothing"])
def test_a_small_disc_is_anti_aliased(size: int, ground: tuple[int, ...]) -> None:
    assert is_antialiased(disc(size, ground))


def test_the_same_disc_without_mixtures_is_not() -> None:
    shares = np.abs(disc(24).astype(int) - (*INK, 255)).sum(2)
    hard = np.where(shares[..., None] < shares.max() / 2, (*INK, 255), (*PAPER, 255)).astype(np.uint8)
    assert not is_antialiased(hard)


def test_pixel_art_is_not() -> None:
    assert not is_antialiased(heart())


@pytest.mark.parametrize("shades", [3, 5, 8])
def test_bands_of_shades_on_one_line_are_not(shades: int) -> None:
    ramp = np.linspace(20, 235, shades).astype(np.uint8)
    image = np.repeat(np.kron(ramp, np.ones((16, 2), np.uint8))[..., None], 4, 2)
    image[..., 3] = 255
    assert not is_antialiased(image)


def test_grey_texture_is_not() -> None:
    levels = np.random.default_rng(0).binomial(6, 0.5, (32, 32)) * 30 + 20
    image = np.repeat(levels[..., None].astype(np.uint8), 4, 2)
    image[..., 3] = 255
    assert not is_antialiased(image)
