"""Files of every mode and bit depth, and PIL images of every mode, against the array they hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from image_files import RAMP, encoded, png, tiff
from PIL import Image, ImageCms
from raster_expectations import cleared, refusal, rgba

from dhvt_vectorize.raster import load_raster

small = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)


def lossless_files(array):
    """Every lossless file that can hold an array (H, W[, C])."""
    channels = 1 if array.ndim == 2 else array.shape[2]
    yield encoded(array, "PNG")
    for compression in (None, "tiff_lzw", "tiff_deflate", "packbits"):
        yield encoded(array, "TIFF", compression=compression)
    if channels != 2:
        yield encoded(Image.fromarray(array).convert("RGBA"), "WebP", lossless=True, exact=True)
    if channels in (1, 3):
        yield encoded(array, "BMP")
    if channels == 1:
        yield encoded(array, "GIF")


@settings(max_examples=50, deadline=None)
@given(small.flatmap(lambda shape: st.sampled_from([shape, *((*shape, c) for c in (2, 3, 4))])), st.data())
def test_a_lossless_file_holds_the_same_image_as_its_array(shape, data):
    array = data.draw(arrays(np.uint8, shape))
    for content in lossless_files(array):
        image = load_raster(content)
        assert np.array_equal(image.pixels, rgba(array))
        assert image.notes == ()


@settings(deadline=None)
@given(arrays(np.bool_, small))
def test_a_1_bit_file_is_black_and_white(array):
    for format_name in ("PNG", "TIFF", "BMP", "GIF"):
        content = encoded(Image.fromarray(array), format_name)
        assert np.array_equal(load_raster(content).pixels, rgba(np.where(array, 255, 0).astype(np.uint8)))


def test_a_jpeg_is_close_to_the_image_it_was_made_from():
    smooth = np.stack([*np.meshgrid(np.arange(0, 160, 2), np.arange(0, 160, 2)), np.full((80, 80), 90)], -1)
    pixels = load_raster(encoded(smooth.astype(np.uint8), "JPEG", quality=95)).pixels
    assert np.abs(pixels[..., :3].astype(int) - smooth).mean() < 2


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_few_bits_are_scaled_to_the_full_range_and_the_transparent_grey_with_them(bits):
    levels = np.arange(2**bits).reshape(1, -1)
    key = 2**bits - 1
    content = png(levels, bits, 0, [(b"tRNS", key.to_bytes(2, "big"))])
    expected = rgba((levels * 255 // key).astype(np.uint8))
    expected[0, key] = 0
    assert np.array_equal(load_raster(content).pixels, expected)


@given(arrays(np.uint16, (4, 5, 3)))
def test_16_bit_colour_lies_within_a_level_and_is_exact_for_widened_8_bits(array):
    widened = (array >> 8) * 257
    for deep, tolerance in ((array, 1), (widened, 0)):
        for content in (png(deep, 16, 2), tiff(deep, photometric="rgb")):
            pixels = load_raster(content).pixels[..., :3]
            assert np.abs(pixels - deep / 257).max() <= tolerance


def test_16_bit_alpha_is_kept():
    grey_alpha = np.array([[[0x8080, 0x4040], [0xFFFF, 0]]])
    assert load_raster(png(grey_alpha, 16, 4)).pixels.tolist() == [[[128, 128, 128, 64], [0, 0, 0, 0]]]
    colour_alpha = np.array([[[0x1010, 0x2020, 0x3030, 0xFFFF], [5, 5, 5, 0]]])
    assert load_raster(png(colour_alpha, 16, 6)).pixels.tolist() == [[[16, 32, 48, 255], [0, 0, 0, 0]]]


def test_a_transparent_colour_in_16_bits_makes_just_that_colour_transparent():
    grey = np.array([[0x1234, 0x1235, 0xFFFF]])
    content = png(grey, 16, 0, [(b"tRNS", b"\x12\x34")])
    assert load_raster(content).pixels[..., 3].tolist() == [[0, 255, 255]]
    colour = np.array([[[0x1212, 0x3434, 0x5656], [0x1212, 0x3434, 0x6666]]])
    content = png(colour, 16, 2, [(b"tRNS", bytes.fromhex("121234345656"))])
    assert load_raster(content).pixels.tolist() == [[[0, 0, 0, 0], [0x12, 0x34, 0x66, 255]]]


def test_a_transparent_colour_in_8_bits_needs_all_channels_equal():
    colour = np.array([[[1, 2, 3], [1, 2, 4], [9, 9, 9]]])
    content = png(colour, 8, 2, [(b"tRNS", bytes((0, 1, 0, 2, 0, 3)))])
    assert load_raster(content).pixels[..., 3].tolist() == [[0, 255, 255]]


@pytest.mark.parametrize("format_name", ["PNG", "GIF", "TIFF", "BMP"])
def test_a_palette_is_looked_up(format_name):
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "L").convert("P")
    image.putpalette(bytes((200, 10, 20, 0, 255, 0, 7, 8, 9)))
    pixels = load_raster(encoded(image, format_name)).pixels
    assert pixels[..., :3].tolist() == [[[200, 10, 20], [0, 255, 0]], [[7, 8, 9], [0, 255, 0]]]
    assert (pixels[..., 3] == 255).all()


def test_a_palette_entry_can_be_transparent_or_half_so():
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8)).convert("P")
    image.putpalette(bytes((200, 10, 20, 0, 255, 0, 7, 8, 9)))
    half = load_raster(encoded(image, "PNG", transparency=bytes((255, 128, 0)))).pixels
    assert half.tolist() == [[[200, 10, 20, 255], [0, 255, 0, 128], [0, 0, 0, 0]]]
    for format_name in ("PNG", "GIF"):
        whole = load_raster(encoded(image, format_name, transparency=1)).pixels
        assert whole.tolist() == [[[200, 10, 20, 255], [0, 0, 0, 0], [7, 8, 9, 255]]]


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_float_tiff_in_0_to_1_is_read_and_outside_refused(compression):
    levels = np.arange(256, dtype=np.float32).reshape(16, 16)
    content = tiff(levels / 255, photometric="minisblack", compression=compression)
    assert np.array_equal(load_raster(content).pixels[..., 0], levels)
    assert "outside 0…1" in refusal(tiff(levels, photometric="minisblack")).cause
    assert "NaN" in refusal(tiff(levels * np.float32(np.nan), photometric="minisblack")).cause


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_16_bit_tiff_is_read_in_either_byte_order_and_polarity(order, compression):
    grey = np.array([[0, 257 * 77, 65535]], np.uint16)
    content = tiff(grey, photometric="minisblack", byteorder=order, compression=compression)
    assert load_raster(content).pixels[..., 0].tolist() == [[0, 77, 255]]
    inverted = tiff(grey, photometric="miniswhite", byteorder=order, compression=compression)
    if order == "<":  # Pillow knows no big-endian one
        assert load_raster(inverted).pixels[..., 0].tolist() == [[255, 178, 0]]


def test_signed_and_32_bit_samples_are_read_within_16_bits_and_refused_beyond():
    assert load_raster(tiff(np.array([[0, 257 * 9]], np.int16), photometric="minisblack")).pixels[0, 1, 0] == 9
    assert "16 bits" in refusal(tiff(np.array([[0, -1]], np.int16), photometric="minisblack")).cause
    assert "16 bits" in refusal(tiff(np.array([[0, 70_000]], np.int32), photometric="minisblack")).cause


def test_premultiplied_alpha_is_divided_out():
    premultiplied = np.array([[[100, 50, 0, 128], [0, 0, 0, 0]]], np.uint8)
    content = tiff(premultiplied, photometric="rgb", extrasamples=["assocalpha"])
    assert np.abs(load_raster(content).pixels[0, 0].astype(int) - [199, 100, 0, 128]).max() <= 1


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"]
)
def test_a_pil_image_of_every_mode_is_converted_as_pillow_does_and_left_unchanged(mode):
    start = Image.fromarray(np.dstack([RAMP, RAMP[..., 0] | 1])) if mode.endswith(("A", "a")) else Image.fromarray(RAMP)
    image = start.convert("RGBA" if mode == "RGBa" else "LA" if mode == "La" else mode.replace("PA", "P")).convert(mode)
    before = image.tobytes()
    loaded = load_raster(image)
    straight = image.convert("RGBA" if mode != "La" else "LA").convert("RGBA")
    assert np.array_equal(loaded.pixels, cleared(np.asarray(straight)))
    assert image.tobytes() == before
    assert (loaded.name, loaded.notes) == ("<image>", ())


def test_a_lab_image_is_converted_through_its_colour_space():
    colours = np.array([[[200, 60, 60], [60, 128, 60], [70, 90, 170], [128, 128, 128], [255, 255, 255]]], np.uint8)
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(Image.fromarray(colours), transform)
    assert lab.mode == "LAB"
    assert np.abs(load_raster(lab).pixels[..., :3].astype(int) - colours).max() <= 4
