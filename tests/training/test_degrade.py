import numpy as np
import pytest
from pictures import photograph
from PIL.Image import Resampling

from dhvt_vectorize.errors import InputError
from dhvt_vectorize.training.degrade import (
    Degradation,
    blurred,
    noisy,
    over,
    random_degradation,
    resampled,
    through_jpeg,
    with_palette,
)


def random() -> np.random.Generator:
    return np.random.default_rng(5)


def opaque(colours: np.ndarray) -> np.ndarray:
    return np.concatenate([colours, np.full((*colours.shape[:2], 1), 255, np.uint8)], 2)


PHOTOGRAPH = opaque(photograph())
FLAT = np.full((12, 10, 4), (10, 200, 90, 77), np.uint8)
# black and white, pixel by pixel
CHECKED = opaque(np.where(np.indices((16, 16)).sum(0) % 2, 255, 0)[..., None].repeat(3, 2).astype(np.uint8))
# a green square on what is transparent and, unseen, red
ISLAND = np.zeros((16, 16, 4), np.uint8)
ISLAND[..., 0] = 255
ISLAND[4:12, 4:12] = (0, 255, 0, 255)


@pytest.mark.parametrize("linear_light", [False, True])
@pytest.mark.parametrize("resampling", list(Resampling))
def test_a_flat_image_stays_flat_at_every_size(linear_light, resampling):
    for size in ((5, 7), (31, 20)):
        resized = resampled(FLAT, size, resampling, linear_light).astype(int)
        assert resized.shape == (*size[::-1], 4)
        assert np.abs(resized - FLAT[0, 0]).max() <= 2


def test_black_and_white_mix_to_their_mean_light_or_their_mean_value():
    for linear_light, grey in ((False, 127.5), (True, 187.5)):
        mixed = resampled(CHECKED, (4, 4), Resampling.BOX, linear_light)[..., :3]
        assert np.abs(mixed - grey).max() <= 1


@pytest.mark.parametrize(
    "change",
    [
        lambda image: resampled(image, (9, 9), Resampling.BILINEAR),
        lambda image: resampled(image, (9, 9), Resampling.BICUBIC, linear_light=True),
        lambda image: blurred(image, 1.5),
    ],
)
def test_what_is_transparent_lends_no_colour(change):
    changed = change(ISLAND)
    assert changed[changed[..., 3] > 20][:, 0].max() <= 3
    assert (changed[changed[..., 3] == 0] == 0).all()
    assert len(np.unique(changed[..., 3])) > 2


def test_blur_keeps_flat_paint_and_the_sum_of_light():
    assert np.abs(blurred(FLAT, 2).astype(int) - FLAT).max() <= 2
    spot = np.zeros((21, 21, 4), np.uint8)
    spot[..., 3] = 255
    spot[8:13, 8:13, :3] = 200
    before, after = (float(image[..., 0].sum()) for image in (spot, blurred(spot, 1.0)))
    assert after == pytest.approx(before, rel=0.02)


@pytest.mark.parametrize("sigma", [1.0, 8.0])
def test_noise_has_the_strength_asked_for_and_leaves_alpha(sigma):
    grey = opaque(np.full((100, 100, 3), 128, np.uint8))
    grey[:5, :, 3] = 0
    shaken = noisy(grey, sigma, random())
    assert shaken[5:, :, :3].std() == pytest.approx(np.hypot(sigma, 12**-0.5), rel=0.03)
    np.testing.assert_array_equal(shaken[..., 3], grey[..., 3])
    assert not shaken[:5].any()


def test_a_palette_leaves_at_most_so_many_colours():
    reduced = with_palette(PHOTOGRAPH, 16)
    assert 2 <= len(np.unique(reduced.reshape(-1, 4), axis=0)) <= 16
    assert np.abs(reduced.astype(int) - PHOTOGRAPH).mean() < 25


def test_jpeg_errs_more_at_lower_quality_and_with_less_chroma():
    def error(quality, subsampling):
        return np.abs(through_jpeg(PHOTOGRAPH, quality, subsampling).astype(int) - PHOTOGRAPH).mean()

    assert 0 < error(95, 0) < error(50, 0) < 20
    assert error(95, 0) < error(95, 2)


@pytest.mark.parametrize("change", [lambda i: through_jpeg(i, 75, 0), lambda i: with_palette(i, 16)])
def test_jpeg_and_palettes_are_for_opaque_images(change):
    with pytest.raises(InputError, match="not opaque"):
        change(ISLAND)


def test_over_a_background_is_the_weighted_mean():
    image = random().integers(0, 256, (9, 9, 4), np.uint8)
    background = np.array([9, 250, 100], np.uint8)
    share = image[..., 3:] / 255
    expected = image[..., :3] * share + background * (1 - share)
    assert np.abs(over(image, background)[..., :3] - expected).max() <= 0.5 + 1e-9
    assert (over(image, background)[..., 3] == 255).all()


def test_no_degradation_changes_nothing():
    np.testing.assert_array_equal(Degradation().applied(ISLAND, random()), ISLAND)


def test_random_degradations_follow_the_generator_each_does_something_and_all_things_occur():
    drawn = [random_degradation(np.random.default_rng(seed)) for seed in range(300)]
    assert drawn == [random_degradation(np.random.default_rng(seed)) for seed in range(300)]
    for one in drawn:
        assert one.scale != 1 or one.blur or one.palette or one.noise or one.jpeg
        assert 1 / 3 <= one.scale <= 2.5
        assert not one.jpeg or 50 <= one.jpeg <= 95
        assert not one.noise or 1 <= one.noise <= 8
        if not one.needs_opaque:
            assert one.applied(ISLAND, random()).shape == ISLAND.shape
    for happens in (
        lambda one: one.scale < 1,
        lambda one: one.scale > 1,
        lambda one: one.blur,
        lambda one: one.palette,
        lambda one: one.noise,
        lambda one: one.jpeg,
        lambda one: one.scale == 1,
    ):
        assert 0.02 < np.mean([bool(happens(one)) for one in drawn]) < 0.98


def test_each_part_of_a_degradation_has_its_effect():
    for part in ({"blur": 0.8}, {"palette": 32}, {"noise": 4.0}, {"jpeg": 60}):
        assert (Degradation(**part).applied(PHOTOGRAPH, random()) != PHOTOGRAPH).any()
