"""What libtiff prints from C on file descriptor 2, which no `sys.stderr` sees."""

import os
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from image_files import RAMP, encoded
from PIL import Image
from raster_expectations import refusal

from dhvt_vectorize.raster import libtiff, load_raster
from dhvt_vectorize.raster.libtiff import libtiff_quiet

pytestmark = pytest.mark.skipif(libtiff._exchange() is None, reason="Pillow has its libtiff out of reach here")


def damaged(compression):
    """A TIFF whose header is sound and whose pixels are not."""
    content = bytearray(encoded(RAMP, "TIFF", compression=compression))
    with Image.open(BytesIO(content)) as image:
        (start,) = image.tag_v2[273]
    content[start : start + 40] = b"\xa5" * 40
    return bytes(content)


DAMAGED = {name: damaged(name) for name in ("tiff_lzw", "tiff_adobe_deflate", "jpeg")}


def pillow_prints(capfd):
    """Whether libtiff is heard where Pillow decodes without us."""
    with pytest.raises(OSError, match="decoder error"):
        Image.open(BytesIO(DAMAGED["tiff_lzw"])).load()
    return capfd.readouterr().err != ""


@pytest.mark.parametrize("compression", DAMAGED)
@pytest.mark.parametrize("kind", ["bytes", "file", "PIL image"])
def test_a_damaged_tiff_is_refused_in_silence_and_libtiff_speaks_again_after_it(tmp_path, capfd, compression, kind):
    path = tmp_path / "damaged.tif"
    path.write_bytes(DAMAGED[compression])
    assert pillow_prints(capfd)
    for _ in range(2):
        with Image.open(path) as image:
            source = {"bytes": DAMAGED[compression], "file": path, "PIL image": image}[kind]
            assert "damaged" in refusal(source).cause
        assert capfd.readouterr().err == ""
    assert pillow_prints(capfd)


def test_nothing_else_on_standard_error_is_lost(capfd):
    with libtiff_quiet():
        os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_many_threads_are_silent_together_and_leave_no_silence_behind(capfd):
    sound = encoded(RAMP, "TIFF", compression="tiff_lzw")
    contents = [sound, *DAMAGED.values()]

    def load(number):
        content = contents[number % len(contents)]
        return load_raster(content).pixels.shape == (24, 20, 4) if content is sound else bool(refusal(content))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(load, range(400)))
    assert capfd.readouterr().err == ""
    assert pillow_prints(capfd)


def test_where_libtiff_is_out_of_reach_the_file_is_refused_all_the_same(monkeypatch):
    monkeypatch.setattr(libtiff, "_exchange", lambda: None)
    assert "damaged" in refusal(DAMAGED["tiff_lzw"]).cause


def test_a_library_without_the_function_is_out_of_reach(monkeypatch):
    monkeypatch.setattr(libtiff._imaging, "__file__", "no such library")
    assert libtiff._exchange.__wrapped__() is None
