"""The rim rule against the coverage the shapes were rendered with; what is no rim stays as it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import skimage
from flat_shapes import coverage, disc, opaque, painted, regular_polygon
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dhvt_vectorize.tokenizer.rims import premultiply, resolve_rims

SIDE = 40
COLOURS = [
    ((200, 30, 40), (255, 255, 255)),
    ((0, 0, 0), (255, 255, 255)),
    ((255, 255, 255), (0, 0, 0)),
    ((30, 60, 200), (250, 200, 20)),
    ((20, 120, 60), (90, 40, 140)),
    ((120, 120, 120), (150, 150, 150)),
    ((200, 30, 40), None),
    ((255, 255, 255), None),
]


def owners(pixels: np.ndarray) -> np.ndarray:
    """int32 (H, W): what `resolve_rims` makes of pixels with straight alpha."""
    return resolve_rims(premultiply(pixels))


def is_moved(pixels: np.ndarray) -> np.ndarray:
    """bool (H, W): the pixels that take another's feature."""
    owner = owners(pixels)
    return owner != np.arange(owner.size).reshape(owner.shape)


def random_disc(random: np.random.Generator) -> np.ndarray:
    return coverage(disc(*(SIDE / 2 + random.uniform(-1, 1, 2)), random.uniform(4, 17)), SIDE, SIDE)


def random_polygon(random: np.random.Generator) -> np.ndarray:
    centre = SIDE / 2 + random.uniform(-1, 1, 2)
    corners, turned = int(random.integers(3, 8)), random.uniform(0, 6)
    return coverage(regular_polygon(*centre, random.uniform(10, 17), corners, turned), SIDE, SIDE)


class TestOwners:
    @pytest.mark.parametrize(("colour", "ground"), COLOURS)
    @pytest.mark.parametrize("random_coverage", [random_disc, random_polygon])
    def test_a_rim_pixel_goes_to_the_side_that_covers_more_of_it(
        self,
        random_coverage: Callable[[np.random.Generator], np.ndarray],
        colour: tuple[int, ...],
        ground: tuple[int, ...] | None,
    ) -> None:
        random = np.random.default_rng(0)
        contrast = 255 if ground is None else np.abs(np.subtract(colour, ground)).max()
        right = total = 0
        for _ in range(12):
            cover = random_coverage(random)
            owner = owners(painted(cover, colour, ground))
            clear = (cover > 0) & (cover < 1) & (np.abs(cover - 0.5) > 0.1)
            # an owner shows its side's colour, but for the few levels that count as equal
            shows_side = np.abs(cover.ravel()[owner] - (cover > 0.5)) <= 6 / contrast
            right += int(shows_side[clear].sum())
            total += int(clear.sum())
        assert total > 500
        assert right / total >= 0.99

    def test_the_rim_of_a_shape_with_alpha_is_found_whatever_colour_its_transparent_pixels_hold(self) -> None:
        cover = coverage(disc(20.3, 19.8, 12), SIDE, SIDE)
        pixels = painted(cover, (200, 30, 40), None)
        hidden = pixels.copy()
        hidden[cover == 0] = (1, 250, 7, 0)
        np.testing.assert_array_equal(owners(hidden), owners(pixels))
        assert is_moved(pixels).sum() > 40

    @given(arrays.arrays(np.uint8, st.tuples(*[st.integers(1, 9)] * 2, st.just(4))))
    @settings(max_examples=60)
    def test_an_owner_owns_itself(self, pixels: np.ndarray) -> None:
        owner = owners(pixels // 64 * 64)
        assert owner.dtype == np.int32
        np.testing.assert_array_equal(owner.ravel()[owner], owner)

    @pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
    def test_a_thin_slanted_stroke_is_one_colour_on_its_ground(self, slope: float) -> None:
        fine = 16
        y, x = (np.indices((48 * fine, 48 * fine)) + 0.5) / fine
        across = (y - 12.3 - slope * x) / np.hypot(1, slope)
        cover = (np.abs(across) < 0.7).reshape(48, fine, 48, fine).mean((1, 3))
        pixels = painted(cover, (20, 30, 160), (255, 255, 255))
        before, after = (len(np.unique(p.reshape(-1, 4), axis=0)) for p in (pixels, colours_of_owners(pixels)))
        assert after <= max(3, before / 4)

    @pytest.mark.parametrize(("colour", "ground"), [pair for pair in COLOURS if pair[0] != (120, 120, 120)])
    @pytest.mark.parametrize("gap", [0.55, 0.75])
    @pytest.mark.parametrize("radius", [SIDE / 2, 3 * SIDE])
    def test_ground_less_than_a_pixel_wide_at_the_frame_owns_the_pixels_it_covers_more_of(
        self, radius: float, gap: float, colour: tuple[int, ...], ground: tuple[int, ...] | None
    ) -> None:
        cover = coverage(disc(SIDE / 2 - 0.3, radius + gap, radius), SIDE, SIDE)
        pixels = painted(cover, colour, ground)
        contrast = 255 if ground is None else np.abs(np.subtract(colour, ground)).max()
        partly = (cover[0] > 0) & (cover[0] < 0.4)
        assert partly.sum() >= 4
        for turns in range(4):
            owner = owners(np.ascontiguousarray(np.rot90(pixels, turns)))
            shown = np.rot90(np.rot90(cover, turns).ravel()[owner], -turns)
            assert (shown[0, partly] <= 6 / contrast).all()


def colours_of_owners(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(-1, 4)[owners(pixels)]


class TestNoRims:
    def test_flat_colours_with_hard_edges_have_none(self) -> None:
        blocks = np.random.default_rng(0).integers(0, 256, (8, 8, 4), np.uint8)
        assert not is_moved(np.kron(blocks, np.ones((4, 4, 1), np.uint8))).any()

    def test_noise_stays_as_it_is(self) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3))
        assert is_moved(opaque(noise)).mean() < 0.005

    @pytest.mark.parametrize("texture", [skimage.data.brick, skimage.data.grass, skimage.data.gravel])
    def test_most_of_a_texture_stays_as_it_is(self, texture: Callable[[], np.ndarray]) -> None:
        grey = texture()[:128, :128]
        assert is_moved(opaque(np.dstack([grey] * 3))).mean() < 0.25

    @pytest.mark.parametrize("grounds", [(255, 255), (255, 200), (40, 90)])
    @pytest.mark.parametrize("turned", [False, True])
    def test_a_line_one_pixel_wide_keeps_its_pixels(self, grounds: tuple[int, int], turned: bool) -> None:
        pixels = np.full((12, 15, 3), grounds[0])
        pixels[:, 8:] = grounds[1]
        pixels[:, 7] = (200, 0, 0)
        assert not is_moved(opaque(pixels.transpose(1, 0, 2) if turned else pixels)).any()

    @pytest.mark.parametrize(("off_the_mixture", "is_rim"), [(0.0, True), (0.1, True), (0.2, False), (0.4, False)])
    def test_only_what_the_two_sides_mix_to_is_a_rim(self, off_the_mixture: float, is_rim: bool) -> None:
        """Black and white mix to greys; a pixel so far from them, relative to the two sides' distance, is a line."""
        pixels = np.zeros((12, 15, 3))
        pixels[:, 8:] = 255
        away = np.array([2, -1, -1]) / np.sqrt(6) * off_the_mixture * 255 * np.sqrt(3)
        pixels[:, 7] = 100 + away
        assert (is_moved(opaque(pixels.round()))[:, 7] == is_rim).all()

    @pytest.mark.parametrize("turns", range(4))
    def test_a_line_along_the_frame_keeps_its_pixels_whatever_lies_near_it(self, turns: int) -> None:
        """Grey is a mixture of white and black, but no black goes on from it along the frame."""
        pixels = np.full((15, 15, 3), 255)
        pixels[0] = 128
        pixels[3:8, 4:11] = 0
        assert not is_moved(opaque(np.ascontiguousarray(np.rot90(pixels, turns)))).any()

    def test_a_slanted_line_one_pixel_wide_keeps_its_pixels(self) -> None:
        pixels = np.full((16, 16, 3), 255)
        pixels[np.arange(16), np.arange(16)] = 0
        assert not is_moved(opaque(pixels)).any()

    @pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (1, 9), (9, 1), (2, 2)])
    def test_an_image_of_any_size_is_taken(self, shape: tuple[int, int]) -> None:
        assert owners(np.zeros((*shape, 4), np.uint8)).shape == shape

    def test_an_edge_in_an_image_one_pixel_high_is_a_rim_too(self) -> None:
        row = np.array([0, 0, 0, 80, 255, 255, 255])[None, :, None]
        np.testing.assert_array_equal(is_moved(opaque(row.repeat(3, 2))), [[0, 0, 0, 1, 0, 0, 0]])


class TestPremultiply:
    @given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(4))))
    @settings(max_examples=60)
    def test_it_is_colour_times_alpha_rounded(self, pixels: np.ndarray) -> None:
        product = premultiply(pixels)
        exact = pixels[..., :3] * (pixels[..., 3:] / 255)
        assert np.abs(product[..., :3] - exact).max() <= 0.5 + 1e-9
        np.testing.assert_array_equal(product[..., 3], pixels[..., 3])

    def test_an_opaque_image_stays_as_it_is(self) -> None:
        pixels = opaque(np.random.default_rng(0).integers(0, 256, (5, 6, 3)))
        np.testing.assert_array_equal(premultiply(pixels), pixels)
