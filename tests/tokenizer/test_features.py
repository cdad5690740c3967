"""FeatureNet against scikit-image's Lab, and what has to hold whatever its branch has learned."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color
from torch.nn import functional

from dhvt_vectorize.errors import InputError
from dhvt_vectorize.tokenizer.colour import LINEAR_OF_BYTE, UNIT_OF_BYTE, linear_to_lab, srgb_to_linear
from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.features import LARGEST_VALUE, FeatureNet, _shortened

CHANNELS, ALPHA_WEIGHT = TokenizerConfig().channels, TokenizerConfig().alpha_weight
SIZES = [(1, 1), (1, 7), (9, 1), (2, 3), (4, 4), (5, 8), (13, 17), (31, 64)]


def untrained() -> FeatureNet:
    return FeatureNet().eval()


def trained(seed: int = 0, config: TokenizerConfig | None = None) -> FeatureNet:
    """A net whose branch does something: corrections of some tens of Lab units, pixels mixed from their neighbours."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = FeatureNet(config).eval()
        for parameter in net.correct.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        torch.nn.init.normal_(net.mix.weight, std=1.0)
    return net


def random_pixels(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)


def opaque(rgb: np.ndarray) -> np.ndarray:
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


def as_tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None] / 255


def integers(net: FeatureNet, image: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return torch.round(net(image)[0] * net.config.feature_scale).permute(1, 2, 0).int().numpy()


def all_colours(step: int) -> np.ndarray:
    levels = np.unique(np.append(np.arange(0, 256, step), 255)).astype(np.uint8)
    return np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(len(levels), -1, 3)


class TestColour:
    def test_lab_agrees_with_scikit_image_over_the_colour_cube(self) -> None:
        colours = all_colours(5)
        lab = linear_to_lab(LINEAR_OF_BYTE[torch.from_numpy(colours).int()].permute(2, 0, 1))
        np.testing.assert_allclose(lab.permute(1, 2, 0), color.rgb2lab(colours), atol=0.02, rtol=0)

    def test_lab_of_colours_between_bytes_agrees_with_scikit_image(self) -> None:
        rgb = np.random.default_rng(1).random((64, 64, 3)) ** 2  # many of them dark, where the curves bend
        lab = linear_to_lab(srgb_to_linear(torch.from_numpy(rgb).permute(2, 0, 1)))
        np.testing.assert_allclose(lab.permute(1, 2, 0), color.rgb2lab(rgb), atol=0.02, rtol=0)

    def test_the_table_of_bytes_is_the_curve(self) -> None:
        assert torch.equal(LINEAR_OF_BYTE, srgb_to_linear(torch.arange(256) / 255))
        assert LINEAR_OF_BYTE.diff().min() > 0

    def test_greys_have_no_colour(self) -> None:
        lab = linear_to_lab(LINEAR_OF_BYTE.expand(3, 1, 256))
        assert lab[1:].abs().max() < 1e-3
        assert lab[0].diff().min() > 0

    def test_equal_colours_are_equal_bits_wherever_they_stand(self) -> None:
        # a vectorised power rounds otherwise in the loop than in its remainder; sizes here have every remainder
        linear = torch.tensor([0.3, 0.007, 0.81])[:, None, None]
        expected = linear_to_lab(linear)
        for width in range(1, 70):
            assert torch.equal(linear_to_lab(linear.expand(3, 3, width).contiguous()), expected.expand(3, 3, width))

    def test_values_outside_the_range_go_on_and_nan_stays_nan(self) -> None:
        linear = srgb_to_linear(torch.tensor([-0.1, 1.1, float("nan")]))
        assert linear[0] < 0
        assert linear[1] > 1
        assert linear[2].isnan()


class TestUntrained:
    def test_features_of_opaque_pixels_are_lab_and_the_weight_of_alpha(self) -> None:
        pixels = opaque(random_pixels(40, 60)[..., :3])
        feature_map = untrained().feature_map(pixels)
        assert feature_map.values.dtype == np.int32
        assert feature_map.values.flags.c_contiguous
        np.testing.assert_allclose(
            feature_map.values[..., :3] / feature_map.scale,
            color.rgb2lab(pixels[..., :3]),
            atol=0.5 / feature_map.scale + 0.02,
            rtol=0,
        )
        assert (feature_map.values[..., 3] == ALPHA_WEIGHT * feature_map.scale).all()

    @settings(max_examples=30, deadline=None)
    @given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
    def test_the_map_is_the_rounded_forward_pass(self, height: int, width: int, seed: int) -> None:
        pixels = random_pixels(height, width, seed)
        np.testing.assert_array_equal(
            untrained().feature_map(pixels).values, integers(untrained(), as_tensor(pixels)), strict=True
        )

    def test_skipping_the_branch_changes_nothing(self) -> None:
        net, image = untrained(), as_tensor(random_pixels(33, 50))
        with torch.no_grad():
            skipped = net(image)
        with torch.enable_grad():
            computed = net(image)
        assert computed.requires_grad
        assert not skipped.requires_grad
        assert torch.equal(skipped, computed)

    def test_two_flat_halves_have_two_features(self) -> None:
        pixels = np.full((37, 51, 4), 255, np.uint8)
        pixels[:, 20:, :3] = (200, 30, 60)
        values = untrained().feature_map(pixels).values
        assert len(np.unique(values.reshape(-1, CHANNELS), axis=0)) == 2

    def test_colour_hidden_by_transparency_does_not_exist(self) -> None:
        pixels = random_pixels(8, 8)
        pixels[..., 3] = 0
        assert not untrained().feature_map(pixels).values.any()

    def test_opaque_and_transparent_lie_further_apart_than_black_and_white(self) -> None:
        pixels = opaque(all_colours(17))
        values = untrained().feature_map(pixels).values / 16
        assert np.linalg.norm(values, axis=-1).min() >= ALPHA_WEIGHT

    def test_rounding_is_half_to_even(self) -> None:
        # alpha 51 is a fifth: a weight of 2.5 makes it half a step, 7.5 one and a half, 12.5 two and a half
        pixel = np.array([[[0, 0, 0, 51]]], np.uint8)
        for weight, expected in ((2.5, 0), (7.5, 2), (12.5, 2)):
            net = FeatureNet(TokenizerConfig(alpha_weight=weight, feature_scale=1)).eval()
            assert net.feature_map(pixel).values[0, 0, 3] == expected

    def test_further_channels_begin_at_zero(self) -> None:
        net = FeatureNet(TokenizerConfig(channels=7)).eval()
        values = net.feature_map(random_pixels(6, 5)).values
        assert values.shape == (6, 5, 7)
        assert not values[..., 4:].any()
        np.testing.assert_array_equal(values[..., :4], untrained().feature_map(random_pixels(6, 5)).values[..., :4])

    @pytest.mark.parametrize("scale", [1, 16, 128])
    def test_the_scale_is_the_configured_one(self, scale: int) -> None:
        feature_map = FeatureNet(TokenizerConfig(feature_scale=scale)).eval().feature_map(random_pixels(9, 9))
        assert feature_map.scale == scale
        finest = FeatureNet(TokenizerConfig(feature_scale=128)).eval().feature_map(random_pixels(9, 9)).values
        assert abs(feature_map.values - finest * (scale / 128)).max() <= 0.5 + scale / 256


class TestTrained:
    def test_the_default_net_has_at_most_20_000_parameters(self) -> None:
        assert sum(parameter.numel() for parameter in FeatureNet().parameters()) <= 20_000

    def test_every_parameter_is_reached_by_the_gradient(self) -> None:
        net = trained()
        net(as_tensor(random_pixels(20, 20))).square().sum().backward()
        for name, parameter in net.named_parameters():
            if name.startswith("rims."):
                continue  # who owns a rim is decided before the net sees the image, and learned by itself
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name

    def test_the_gradient_is_that_of_finite_differences(self) -> None:
        # in training no weight is dropped, which would be a step in the loss
        net, image = trained().train(), as_tensor(random_pixels(12, 12))
        weights = torch.from_numpy(np.random.default_rng(2).normal(size=(1, CHANNELS, 12, 12)).astype(np.float32))

        def loss() -> torch.Tensor:
            return (net(image) * weights).double().sum()

        loss().backward()
        for parameter in (net.enter.weight, net.leave.weight, net.detail.weight, net.correct.weight):
            assert parameter.grad is not None
            direction = parameter.grad / parameter.grad.norm()
            with torch.no_grad():
                step = 1e-3
                parameter += step * direction
                above = loss()
                parameter -= 2 * step * direction
                below = loss()
                parameter += step * direction
            slope = float((above - below) / (2 * step))
            assert slope == pytest.approx(float(parameter.grad.norm()), rel=0.05)

    @pytest.mark.parametrize(("height", "width"), SIZES)
    def test_any_size_gives_features_of_that_size(self, height: int, width: int) -> None:
        pixels = random_pixels(height, width)
        features = trained()(as_tensor(pixels))
        assert features.shape == (1, CHANNELS, height, width)
        assert features.isfinite().all()
        assert trained().feature_map(pixels).values.shape == (height, width, CHANNELS)

    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 150), st.integers(1, 150), st.integers(0, 2**32 - 1))
    def test_a_constant_image_has_constant_features(self, height: int, width: int, seed: int) -> None:
        pixels = np.tile(random_pixels(1, 1, seed), (height, width, 1))
        values = trained(seed % 5).feature_map(pixels).values
        assert (values == values[0, 0]).all()

    def test_enlarging_equal_context_gives_exactly_that_context(self) -> None:
        values = torch.from_numpy(np.random.default_rng(3).normal(size=2000).astype(np.float32))
        constants = values[None, :, None, None].expand(1, 2000, 3, 5)
        for layout in (torch.contiguous_format, torch.channels_last):
            cells = constants.contiguous(memory_format=layout)
            enlarged = functional.interpolate(_shortened(cells), scale_factor=4, mode="bilinear")
            assert torch.equal(enlarged, _shortened(values)[None, :, None, None].expand(1, 2000, 12, 20))
        torch.testing.assert_close(_shortened(values), values, rtol=2**-17, atol=0)

    def test_a_flat_area_beyond_sight_of_its_border_is_exactly_equal(self) -> None:
        net = trained()
        pixels = np.full((120, 160, 4), 255, np.uint8)
        pixels[:, 77:, :3] = (10, 120, 60)
        values = net.feature_map(pixels).values
        for side in (values[:, : 77 - net.sight], values[:, 77 + net.sight :]):
            assert (side == side[0, 0]).all()
        assert len(np.unique(values[60], axis=0)) > 2, "the branch sees the border, or this test shows nothing"

    def test_nothing_beyond_sight_changes_a_feature(self) -> None:
        net, first = trained(), random_pixels(90, 90)
        second = first.copy()
        second[45, 45] = 255 - first[45, 45]
        changed = (net.feature_map(first).values != net.feature_map(second).values).any(-1)
        rows, columns = np.nonzero(changed)
        assert len(rows) > 100
        assert max(abs(rows - 45).max(), abs(columns - 45).max()) <= net.sight

    def test_colour_hidden_by_transparency_does_not_reach_its_neighbours(self) -> None:
        pixels = random_pixels(30, 30)
        pixels[10:20, 10:20, 3] = 0
        other = pixels.copy()
        other[10:20, 10:20, :3] = 77
        assert (pixels != other).any()
        np.testing.assert_array_equal(trained().feature_map(pixels).values, trained().feature_map(other).values)

    @pytest.mark.parametrize(
        ("height", "width", "tile_pixels"),
        [(300, 420, 2**14), (421, 303, 2**15), (10, 5000, 2**14), (3000, 7, 2**13), (513, 129, 2**15)],
    )
    def test_tiles_give_the_values_of_the_whole_image(self, height: int, width: int, tile_pixels: int) -> None:
        pixels = random_pixels(height, width)
        for net in (untrained(), trained()):
            whole = net.feature_map(pixels, tile_pixels=2**30).values
            np.testing.assert_array_equal(net.feature_map(pixels, tile_pixels=tile_pixels).values, whole)

    def test_features_do_not_depend_on_the_rest_of_the_batch(self) -> None:
        net = trained()
        images = torch.cat([as_tensor(random_pixels(40, 56, seed)) for seed in range(5)])
        with torch.inference_mode():
            together = net(images)
            reversed_batch = net(images.flip(0)).flip(0)
            alone = torch.cat([net(image[None]) for image in images])
        torch.testing.assert_close(together, reversed_batch, rtol=0, atol=1e-3)
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-3)

    def test_two_runs_give_the_same_bits(self) -> None:
        pixels = random_pixels(200, 333)
        np.testing.assert_array_equal(trained().feature_map(pixels).values, trained().feature_map(pixels).values)

    def test_threads_that_share_a_net_get_their_own_features(self) -> None:
        net = trained()
        images = [random_pixels(64 + seed, 80, seed) for seed in range(8)]
        expected = [net.feature_map(image).values for image in images]
        with ThreadPoolExecutor(4) as pool:
            for values, feature_map in zip(expected, pool.map(net.feature_map, images), strict=True):
                np.testing.assert_array_equal(feature_map.values, values)

    def test_no_correction_touches_alpha(self) -> None:
        pixels = random_pixels(30, 20)
        pixels[..., 3] = 255 * (pixels[..., 3] > 99)
        net = trained()
        with torch.no_grad():
            net.mix.weight.zero_()
            values = net.feature_map(pixels).values
        np.testing.assert_array_equal(values[..., 3], untrained().feature_map(pixels).values[..., 3])
        assert (values[..., :3] != untrained().feature_map(pixels).values[..., :3]).any()

    def test_the_gain_multiplies_what_was_learned_and_not_alpha(self) -> None:
        pixels = random_pixels(30, 20)
        whole, half = (
            trained(config=TokenizerConfig(learned_gain=gain)).feature_map(pixels).values for gain in (1.0, 0.5)
        )
        np.testing.assert_array_equal(whole[..., 3], half[..., 3])
        assert np.abs(whole - 2 * half)[..., [0, 1, 2, 4]].max() <= 1
        plain = FeatureNet(TokenizerConfig(learned_gain=0.5)).eval().feature_map(pixels).values
        np.testing.assert_array_equal(plain, untrained().feature_map(pixels).values)

    def test_values_stay_within_the_bound_however_large_a_correction_is(self) -> None:
        net = trained()
        with torch.no_grad():
            net.correct.weight *= 1e6
        values = net.feature_map(random_pixels(16, 16)).values
        assert abs(values).max() == LARGEST_VALUE

    def test_half_precision_training_keeps_the_colours_exact(self) -> None:
        net, image = untrained(), as_tensor(random_pixels(16, 16))
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(net(image), untrained()(image))
            features = trained()(image)
        assert features.dtype == torch.float32
        # eight bits of fraction: two hundredths of the widest range, of alpha
        torch.testing.assert_close(features, trained()(image), rtol=0, atol=0.02 * ALPHA_WEIGHT)

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    def test_cuda_gives_the_features_of_the_cpu(self) -> None:
        pixels = random_pixels(150, 211)
        np.testing.assert_array_equal(
            untrained().cuda().feature_map(pixels).values, untrained().feature_map(pixels).values
        )
        with torch.backends.cudnn.flags(allow_tf32=False):
            on_cuda = trained().cuda().feature_map(pixels).values
        assert abs(on_cuda - trained().feature_map(pixels).values).max() <= 1


class TestInput:
    def test_read_only_and_strided_pixels_are_taken_as_they_are(self) -> None:
        pixels = random_pixels(20, 30)
        expected = untrained().feature_map(pixels[::-1, ::2].copy()).values
        view = pixels[::-1, ::2]
        view.flags.writeable = False
        np.testing.assert_array_equal(untrained().feature_map(view).values, expected)

    @pytest.mark.parametrize(
        "pixels",
        [
            np.zeros((4, 4, 3), np.uint8),
            np.zeros((4, 4), np.uint8),
            np.zeros((4, 4, 4), np.float32),
            np.zeros((0, 4, 4), np.uint8),
        ],
        ids=["three channels", "no channels", "float", "no rows"],
    )
    def test_an_array_of_another_shape_or_type_is_refused(self, pixels: np.ndarray) -> None:
        with pytest.raises(InputError, match="uint8"):
            untrained().feature_map(pixels)

    @pytest.mark.parametrize("shape", [(1, 3, 4, 4), (4, 4, 4), (1, 4, 0, 4)])
    def test_a_tensor_of_another_shape_is_refused(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(InputError, match="B, 4, H, W"):
            untrained()(torch.zeros(shape))

    def test_bytes_over_255_are_the_unit_values(self) -> None:
        np.testing.assert_array_equal(UNIT_OF_BYTE, np.arange(256, dtype=np.float32) / np.float32(255))


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (70, 41)])
def test_the_kernel_that_mixes_pixels_agrees_with_torch(size: tuple[int, int]) -> None:
    net = FeatureNet(TokenizerConfig(channels=6)).eval()
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        net.mix.weight.normal_(0, 0.7, generator=random)
        net.mix.bias.normal_(0, 2.0, generator=random)
    image = torch.rand(2, 4, *size, generator=random)
    by_torch = net(image).detach()
    with torch.inference_mode():
        by_kernel, unmixed = net(image), FeatureNet().eval()(image)
    torch.testing.assert_close(by_kernel, by_torch, atol=1e-3, rtol=0)
    assert size == (1, 1) or (by_kernel[:, :4] - unmixed[:, :4]).abs().max() > 1
