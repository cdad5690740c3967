"""Image files: orientation, frames, wrong names, damage, size limits, and arbitrary bytes."""

import os
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from colour_profiles import P3_TO_XYZ, grey_profile, rgb_profile
from image_files import RAMP, animation, encoded, png, png_chunk, tiff
from PIL import Image
from raster_expectations import refusal, rgba

from dhvt_vectorize.errors import InputError
from dhvt_vectorize.raster import load_raster

FORMATS = ("PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF")
SUFFIX = {"PNG": ".png", "JPEG": ".jpg", "WebP": ".webp", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif"}
CORNERS = np.array([[[c, m, y, k] for c in (0, 255) for m in (0, 255)] for y in (0, 255) for k in (0, 255)], np.uint8)


# where the EXIF standard says the stored row 0 and column 0 belong in the upright image
ROW_AND_COLUMN = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def stored(upright, orientation):
    """How a camera stores an upright image under an EXIF orientation."""
    row, column = ROW_AND_COLUMN[orientation]
    array = upright if row in ("top", "bottom") else upright.swapaxes(0, 1)
    array = array[::-1] if row in ("bottom", "right") else array
    return array[:, ::-1] if column in ("bottom", "right") else array


@pytest.mark.parametrize("orientation", ROW_AND_COLUMN)
@pytest.mark.parametrize("format_name", ["PNG", "TIFF", "WebP", "JPEG"])
def test_exif_orientation_is_applied(orientation, format_name):
    upright = np.kron(np.array([[0, 60, 120], [180, 210, 255]], np.uint8), np.ones((16, 16), np.uint8))
    upright = upright[..., np.newaxis].repeat(3, 2)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format_name == "WebP" else {}
    content = encoded(np.ascontiguousarray(stored(upright, orientation)), format_name, exif=exif, **options)
    for source in (content, Image.open(BytesIO(content))):
        pixels = load_raster(source).pixels[..., :3]
        assert pixels.shape == upright.shape
        assert np.abs(pixels.astype(int) - upright).max() <= (8 if format_name == "JPEG" else 0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0broken", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_broken_exif_costs_no_picture(exif):
    for format_name in ("JPEG", "PNG", "WebP"):
        assert load_raster(encoded(RAMP, format_name, exif=exif)).pixels.shape == (24, 20, 4)


def test_an_unknown_orientation_is_ignored():
    exif = Image.Exif()
    exif[0x0112] = 77
    assert np.array_equal(load_raster(encoded(RAMP, "PNG", exif=exif)).pixels, rgba(RAMP))


@pytest.mark.parametrize(
    ("format_name", "word"), [("GIF", "frames"), ("WebP", "frames"), ("PNG", "frames"), ("TIFF", "pages")]
)
def test_the_first_frame_is_taken_and_said_so(format_name, word):
    image = load_raster(animation(format_name))
    assert image.notes == (f"first of 3 {word} taken",)
    assert (image.pixels == [0, 0, 50, 255]).all()
    assert load_raster(animation(format_name, frames=1)).notes == ()


def test_damage_behind_the_first_frame_does_not_cost_it():
    content = animation("GIF")
    second_frame = content.index(b"\x2c", content.index(b"\x2c") + 1)
    image = load_raster(content[: second_frame + 5])
    assert (image.pixels == [0, 0, 50, 255]).all()


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("named", FORMATS)
def test_the_content_decides_not_the_name_and_a_wrong_name_is_noted(tmp_path, format_name, named):
    path = tmp_path / f"image{SUFFIX[named]}"
    path.write_bytes(encoded(RAMP, format_name))
    image = load_raster(path)
    assert image.pixels.shape == (24, 20, 4)
    assert image.name == str(path)
    if format_name == named:
        assert image.notes == ()
    else:
        assert len(image.notes) == 1
        assert format_name in image.notes[0]


def damaged_png():
    content = bytearray(encoded(RAMP, "PNG"))
    content[content.index(b"IDAT") + 20] ^= 0xFF
    return bytes(content)


BAD_FILES = {
    "empty.png": (b"", "empty"),
    "text.png": (b"hello, this is no picture", "not an image"),
    "drawing.png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    "drawing.svg": (b"<?xml version='1.0'?><svg/>", "SVG"),
    "page.png": (b"%PDF-1.7", "PDF"),
    "archive.png": (b"PK\x03\x04" + bytes(30), "ZIP"),
    "layers.png": (b"8BPS\0\1" + bytes(30), "Photoshop"),
    "photo.avif": (b"\0\0\0\x20ftypavif" + bytes(30), "AVIF"),
    "favicon.ico": (b"\0\0\1\0\1\0" + bytes(30), "icon"),
    "picture.ppm": (b"P6 1 1 255 abc", "not an image"),
    "zeros.png": (bytes(1000), "not an image"),
    "one-byte.png": (b"\x89", "not an image"),
    "signature.png": (b"\x89PNG\r\n\x1a\n", "cannot be read"),
    "no-end.png": (encoded(RAMP, "PNG")[:-12], "truncated"),
    "half.png": (encoded(RAMP, "PNG")[:80], "truncated"),
    "damaged.png": (damaged_png(), "damaged"),
    "no-width.png": (png(np.zeros((1, 0), int), 8, 0), "no pixels"),
    "no-height.png": (png(np.zeros((0, 1), int), 8, 0), "no pixels"),
    "no-width.bmp": (b"BM" + bytes(12) + b"\x28" + bytes(7) + b"\1\0\0\0\1\0\x18" + bytes(25), "no pixels"),
    "no-height.gif": (b"GIF89a\5\0\0\0" + bytes(3) + b"\x2c\0\0\0\0\5\0\0\0\0\2\1\0\0\x3b", "no pixels"),
    "text.bmp": (b"BMW is no bitmap", "cannot be read"),
    "half.jpg": (encoded(RAMP, "JPEG")[:-300], "truncated"),
    "no-end.jpg": (encoded(RAMP, "JPEG")[:-2], "truncated"),
    "half.gif": (encoded(RAMP, "GIF")[:-100], "truncated"),
    "half.bmp": (encoded(RAMP, "BMP")[:-100], "truncated"),
    "half.tif": (encoded(RAMP, "TIFF")[:-100], "truncated"),
    "half-packed.tif": (tiff(RAMP, photometric="rgb", compression="zlib")[:-50], "truncated"),
    "half-tiled.tif": (tiff(RAMP, photometric="rgb", compression="zlib", tile=(16, 16))[:-50], "truncated"),
    "half.webp": (encoded(RAMP, "WebP")[:-50], "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_with_its_name_and_the_cause(tmp_path, name):
    content, phrase = BAD_FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    error = refusal(path)
    assert error.subject == str(path)
    assert phrase in error.cause


def test_an_odd_file_makes_no_noise_on_standard_error(tmp_path):
    (tmp_path / "a.tif").write_bytes(encoded(RAMP, "TIFF")[:30])
    (tmp_path / "c.tif").write_bytes(tiff(RAMP, photometric="rgb", compression="zlib")[:-50])
    (tmp_path / "b.jpg").write_bytes(encoded(RAMP, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    code = """if True:
        from dhvt_vectorize.errors import InputError
        from dhvt_vectorize.raster import load_raster
        for name in ("a.tif", "b.jpg", "c.tif"):
            try:
                load_raster(sys.argv[1] + name)
            except InputError as error:
                print(error.cause)
    """
    command = [sys.executable, "-c", "import sys\n" + code, f"{tmp_path}{os.sep}"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot be read" in result.stdout
    assert "is truncated" in result.stdout
    assert result.stderr == ""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format_name", FORMATS)
def test_a_file_cut_anywhere_is_refused_or_still_whole(format_name):
    content = encoded(RAMP[:5, :6], format_name)
    whole = load_raster(content).pixels
    for length in range(len(content)):
        try:
            assert np.array_equal(load_raster(content[:length]).pixels, whole)
        except InputError:
            continue
        # what may be missing is a GIF's end mark, a BMP's padding, the checksum of a PNG's end mark: no pixels
        assert length >= len(content) - 4


@pytest.mark.parametrize("format_name", FORMATS)
def test_an_image_of_the_limit_passes_and_one_pixel_more_is_refused(format_name):
    content = encoded(RAMP, format_name)
    assert load_raster(content, max_pixels=480).pixels.shape == (24, 20, 4)
    error = refusal(content, max_pixels=479)
    assert "--max-pixels" in error.remedy
    assert "480" in error.cause


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "GIF", "BMP"])
def test_the_limit_is_checked_before_anything_is_decoded(format_name):
    # were it decoded first, the cut would be what is complained of
    content = encoded(np.tile(RAMP, (20, 20, 1)), format_name)
    error = refusal(content[: len(content) // 2], max_pixels=100)
    assert "--max-pixels" in error.remedy


@pytest.mark.parametrize("max_pixels", [64_000_000, 1_000_000_000])
def test_a_bomb_is_refused_by_its_header_alone(max_pixels):
    header = (100_000).to_bytes(4, "big") * 2 + bytes((8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        png_chunk(*part) for part in [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(10**6))), (b"IEND", b"")]
    )
    error = refusal(bomb, max_pixels=max_pixels)
    assert "--max-pixels" in error.remedy


def test_a_webp_canvas_too_large_for_pillow_itself_is_refused_with_our_remedy():
    canvas = (16_000 - 1).to_bytes(3, "little") * 2
    body = b"WEBPVP8X" + (10).to_bytes(4, "little") + bytes(4) + canvas
    bomb = b"RIFF" + len(body).to_bytes(4, "little") + body
    assert "--max-pixels" in refusal(bomb).remedy


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("format_name", FORMATS)
def test_our_limit_takes_the_place_of_pillows(monkeypatch, format_name):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    content = encoded(RAMP, format_name)
    assert load_raster(content, max_pixels=480).pixels.shape == (24, 20, 4)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_pillows_limit_is_as_before_after_many_threads_with_and_without_errors(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    good = [encoded(RAMP, format_name) for format_name in ("TIFF", "WebP", "GIF", "PNG")]
    bad = encoded(RAMP, "TIFF")[:-100]

    def load(number):
        if number % 5 == 4:
            refusal(bad)
            return True
        limit = 480 if number % 3 else 10_000
        return load_raster(good[number % 4], max_pixels=limit).pixels.shape == (24, 20, 4)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(load, range(200)))
    assert Image.MAX_IMAGE_PIXELS == 100


def test_running_out_of_memory_is_an_input_error(monkeypatch):
    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr("dhvt_vectorize.raster.decode.srgb_pixels", exhausted)
    assert "memory" in refusal(encoded(RAMP, "PNG")).cause


SEEDS = {
    "png": encoded(RAMP, "PNG", icc_profile=grey_profile(2.2)),
    "png palette": encoded(Image.fromarray(RAMP).quantize(7), "PNG", transparency=bytes((0, 90, 255))),
    "png 16 bit": png(RAMP.astype(np.uint16) * 257, 16, 2, [(b"tRNS", bytes(6))]),
    "apng": animation("PNG"),
    "jpeg": encoded(RAMP, "JPEG", icc_profile=rgb_profile(P3_TO_XYZ, 2.2)),
    "jpeg progressive": encoded(RAMP, "JPEG", progressive=True),
    "jpeg cmyk": encoded(Image.fromarray(CORNERS, "CMYK"), "JPEG"),
    "gif": animation("GIF"),
    "bmp": encoded(RAMP, "BMP"),
    "bmp palette": encoded(Image.fromarray(RAMP).quantize(7), "BMP"),
    "tiff": encoded(RAMP, "TIFF"),
    "tiff lzw": encoded(RAMP, "TIFF", compression="tiff_lzw"),
    "tiff pages": animation("TIFF"),
    "tiff 16 bit": encoded(RAMP[..., 0].astype(np.uint16), "TIFF", compression="tiff_deflate"),
    "webp": encoded(RAMP, "WebP"),
    "webp lossless": encoded(RAMP, "WebP", lossless=True),
    "webp animated": animation("WebP"),
}


def mutated(content, generator):
    """The content cut, or with some bytes changed, preferably in its header."""
    changed = bytearray(content)
    if generator.random() < 0.2:
        return bytes(changed[: generator.integers(len(changed))])
    reach = len(changed) if generator.random() < 0.5 else min(len(changed), 160)
    for position in generator.integers(reach, size=generator.integers(1, 6)):
        changed[position] = generator.choice([0, 1, 0x7F, 0x80, 0xFF, generator.integers(256)])
    return bytes(changed)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", SEEDS)
def test_a_damaged_file_gives_an_image_or_an_input_error_and_nothing_else(kind):
    generator = np.random.default_rng(sorted(SEEDS).index(kind))
    messages = []
    for _ in range(120):
        content = mutated(SEEDS[kind], generator)
        try:
            image = load_raster(content, max_pixels=10_000)
        except InputError as error:
            messages.append(str(error))
        else:
            assert image.pixels.dtype == np.uint8
            assert image.pixels.shape[2] == 4
            assert not image.pixels[image.pixels[..., 3] == 0].any()
    assert len(messages) > 10
    assert all(len(message.splitlines()) == 1 for message in messages)
