"""Colour profiles and CMYK: converted to sRGB as the profile says, checked against the colorimetry behind it."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import skimage
from colour_profiles import P3_TO_XYZ, SRGB_TO_XYZ, cmyk_profile, grey_profile, rgb_profile, srgb_encoded
from image_files import RAMP, encoded
from PIL import Image, ImageCms
from raster_expectations import rgba
from skimage.color import rgb2lab

from dhvt_vectorize.raster import load_raster

SKIMAGE_DATA = Path(skimage.__file__).parent / "data"
CORNERS = np.array([[[c, m, y, k] for c in (0, 255) for m in (0, 255)] for y in (0, 255) for k in (0, 255)], np.uint8)


@pytest.mark.parametrize("format_name", ["PNG", "TIFF", "WebP"])
def test_a_wide_gamut_profile_is_converted_to_srgb(format_name):
    profile = rgb_profile(P3_TO_XYZ, 2.2)
    expected = srgb_encoded((RAMP / 255) ** (563 / 256) @ P3_TO_XYZ.T @ np.linalg.inv(SRGB_TO_XYZ).T)
    options = {"lossless": True} if format_name == "WebP" else {}
    image = load_raster(encoded(RAMP, format_name, icc_profile=profile, **options))
    inside = ((expected > 3) & (expected < 252)).all(axis=2)
    assert inside.sum() > 100
    assert np.abs(image.pixels[inside][:, :3] - expected[inside]).max() < 2
    assert np.abs(image.pixels[..., :3].astype(int) - RAMP).max() > 10
    assert image.notes == ()


def test_a_profile_with_exchanged_primaries_exchanges_the_channels():
    profile = rgb_profile(SRGB_TO_XYZ[:, [1, 0, 2]], 2.2)
    plain = rgb_profile(SRGB_TO_XYZ, 2.2)
    exchanged = load_raster(encoded(RAMP[..., [1, 0, 2]], "PNG", icc_profile=profile)).pixels
    assert np.abs(exchanged.astype(int) - load_raster(encoded(RAMP, "PNG", icc_profile=plain)).pixels).max() <= 1


def test_alpha_and_palette_pass_a_profile():
    profile = rgb_profile(SRGB_TO_XYZ[:, [1, 0, 2]], 2.2)
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8)).convert("P")
    image.putpalette(bytes((255, 0, 0, 255, 0, 0, 255, 0, 0)))
    for content in (
        encoded(image, "PNG", transparency=bytes((255, 128, 0)), icc_profile=profile),
        encoded(np.array([[[255, 0, 0, 255], [255, 0, 0, 128], [255, 0, 0, 0]]], np.uint8), "PNG", icc_profile=profile),
    ):
        pixels = load_raster(content).pixels
        assert pixels[..., 3].tolist() == [[255, 128, 0]]
        assert np.abs(pixels[0, :2, :3].astype(int) - [0, 255, 0]).max() <= 1
        assert not pixels[0, 2].any()


@pytest.mark.parametrize(
    "array", [np.arange(256, dtype=np.uint8).reshape(16, 16), np.arange(0, 65536, 257, np.uint16).reshape(16, 16)]
)
def test_a_grey_profile_is_converted_to_srgb(array):
    content = encoded(array, "PNG", icc_profile=grey_profile(1.0))
    expected = srgb_encoded(np.arange(256).reshape(16, 16) / 255)
    pixels = load_raster(content).pixels
    assert np.abs(pixels[..., :3] - expected[..., np.newaxis]).max() <= 1


def test_grey_in_an_rgb_profile_and_grey_with_alpha_in_a_grey_one_are_converted():
    grey_alpha = np.array([[[64, 255], [64, 7]]], np.uint8)
    pixels = load_raster(encoded(grey_alpha, "PNG", icc_profile=grey_profile(1.0))).pixels
    assert pixels.tolist() == [[[137, 137, 137, 255], [137, 137, 137, 7]]]
    pixels = load_raster(encoded(grey_alpha[..., 0], "PNG", icc_profile=rgb_profile(SRGB_TO_XYZ, 1.0))).pixels
    assert np.abs(pixels[..., :3].astype(int) - 137).max() <= 1


@pytest.mark.parametrize("profile", [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), None])
def test_srgb_under_any_name_leaves_the_pixels_as_they_are(profile):
    # scikit-image's astronaut carries the most common sRGB profile
    profile = profile or Image.open(SKIMAGE_DATA / "astronaut.png").info["icc_profile"]
    image = load_raster(encoded(RAMP, "PNG", icc_profile=profile))
    assert np.array_equal(image.pixels, rgba(RAMP))
    assert image.notes == ()


def test_a_real_adobe_rgb_photo_is_converted_as_littlecms_does():
    photo = Image.open(SKIMAGE_DATA / "rocket.jpg")
    profile = ImageCms.ImageCmsProfile(BytesIO(photo.info["icc_profile"]))
    expected = ImageCms.profileToProfile(photo, profile, ImageCms.createProfile("sRGB"))
    assert np.array_equal(load_raster(SKIMAGE_DATA / "rocket.jpg").pixels[..., :3], np.asarray(expected))


@pytest.mark.parametrize(
    "profile",
    [b"broken", rgb_profile(SRGB_TO_XYZ, 2.2)[:300], grey_profile(2.2), cmyk_profile(lambda *_: (50, 0, 0))],
    ids=["no profile", "truncated", "grey in RGB", "CMYK in RGB"],
)
def test_a_profile_that_cannot_be_used_is_noted_and_ignored(profile):
    image = load_raster(encoded(RAMP, "TIFF", icc_profile=profile))
    assert np.array_equal(image.pixels, rgba(RAMP))
    assert len(image.notes) == 1
    assert "profile ignored" in image.notes[0]
    assert len(image.notes[0].splitlines()) == 1


@pytest.mark.parametrize("format_name", ["TIFF", "JPEG"])
def test_cmyk_without_a_profile_is_paper_minus_ink(format_name):
    # 16 pixels a colour, so that JPEG's blocks are flat
    inks = CORNERS.repeat(16, 0).repeat(16, 1)
    # Pillow writes CMYK JPEGs inverted, as Adobe does
    options = {"quality": 100, "subsampling": 0} if format_name == "JPEG" else {}
    image = load_raster(encoded(Image.fromarray(inks, "CMYK"), format_name, **options))
    ink = inks / 255
    expected = 255 * (1 - ink[..., :3]) * (1 - ink[..., 3:])
    assert np.abs(image.pixels[..., :3] - expected).max() <= 3
    assert (image.pixels[..., 3] == 255).all()


def test_a_jpeg_of_inverted_cmyk_has_the_adobe_marker_and_is_read_as_ink():
    white_paper = encoded(Image.new("CMYK", (16, 16), (0, 0, 0, 0)), "JPEG")
    assert b"Adobe" in white_paper
    assert (load_raster(white_paper).pixels >= 254).all()


def test_cmyk_with_a_profile_goes_through_it():
    def lab(c, m, y, k):
        # a press whose "cyan" is pure green, so that ignoring the profile shows
        paper = np.array([1.0 - c, 1.0 - m, (1.0 - c) * (1.0 - y)]) * (1 - k)
        return rgb2lab(paper, illuminant="D50") if paper.any() else (0, 0, 0)

    content = encoded(Image.fromarray(CORNERS, "CMYK"), "TIFF", icc_profile=cmyk_profile(lab))
    image = load_raster(content)
    assert image.notes == ()
    white, green, black = image.pixels[0, 0, :3], image.pixels[0, 2, :3], image.pixels[1, 0, :3]
    assert (white >= 252).all()
    assert (black <= 3).all()
    assert green[1] > 240
    assert max(green[0], green[2]) < 90  # rounded CIE Lab of pure green lies at the gamut's rim

    pillow = Image.open(BytesIO(content))
    profile = ImageCms.ImageCmsProfile(BytesIO(pillow.info["icc_profile"]))
    expected = ImageCms.profileToProfile(pillow, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert np.array_equal(image.pixels[..., :3], np.asarray(expected))
