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


def bars(places: list[tuple[float, float]], size: int = 24) -> np.ndarray:
    """Level bars from one height to another, an eighth of the width from either side."""

    def colour_at(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        inside = (x > size / 8 + 0.5) & (x < size * 7 / 8 - 0.5)
        return pick((True, PAPER), *[(inside & (y > top) & (y < bottom), INK) for top, bottom in places])

    return drawn(colour_at, size, size)


@pytest.mark.parametrize("places", [[(10.5, 13.5)], [(4.5, 7.5), (10.5, 13.5), (16.5, 19.5)], [(8.25, 12.75)]])
def test_bars_off_the_grid_are_anti_aliased(places: list[tuple[float, float]]) -> None:
    assert is_antialiased(bars(places))


def test_bars_on_the_grid_are_not() -> None:
    on_grid = bars([(4, 8), (12, 16)])[:, 4:20]
    assert len(np.unique(on_grid.view(np.uint32))) == 2
    assert not is_antialiased(on_grid)


def test_a_middle_shade_that_has_places_of_its_own_is_not_a_mixture() -> None:
    image = bars([(10.5, 13.5)])
    middle = image[10, 12].copy()
    image[2, 4:8] = middle  # a detail in the shade
    image[20:, :] = (200, 30, 30, 255)
    assert not is_antialiased(image)
