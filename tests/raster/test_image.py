"""What an image can be read from: paths, pipes, bytes, PIL images; and how it is refused when it cannot."""

import os
import subprocess
import sys
import threading
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from image_files import RAMP, animation, encoded
from PIL import Image
from raster_expectations import refusal, rgba

from dhvt_vectorize.raster import RasterImage, load_raster


@pytest.mark.parametrize("source", [None, 5, [[0, 1]], BytesIO(b""), object()])
def test_what_is_no_image_at_all_is_refused_with_its_type(source):
    assert type(source).__name__ in refusal(source).subject


def test_a_raster_image_is_returned_as_it_is():
    image = RasterImage(np.zeros((2, 2, 4), np.uint8), "a.png", ("noted",))
    assert load_raster(image, max_pixels=1) is image


@pytest.mark.parametrize("name", ["image", "image.PNG", "image.dat", "-", "ä ö\n.png"])
def test_an_odd_file_name_is_no_obstacle(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(encoded(RAMP, "PNG"))
    assert load_raster(str(path)).notes == ()
    path.write_bytes(b"")
    assert refusal(str(path)).subject == str(path)


def test_standard_input_is_read(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=BytesIO(encoded(RAMP, "PNG"))))
    image = load_raster("-")
    assert np.array_equal(image.pixels, rgba(RAMP))
    assert image.name == "<stdin>"
    assert refusal("-").subject == "<stdin>"
    monkeypatch.setattr(sys, "stdin", None)
    assert "closed" in refusal("-").cause


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_read(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(encoded(RAMP, "PNG"),))
    writer.start()
    assert np.array_equal(load_raster(pipe).pixels, rgba(RAMP))
    writer.join()


def test_a_missing_file_is_refused(tmp_path):
    error = refusal(tmp_path / "nowhere" / "a.png")
    assert error.subject == str(tmp_path / "nowhere" / "a.png")
    assert "no such file" in error.cause


def test_a_folder_is_refused(tmp_path):
    assert "folder" in refusal(tmp_path).cause


def test_a_file_without_read_permission_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "secret.png"
    path.write_bytes(encoded(RAMP, "PNG"))

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    # by hand, since to the administrator nothing is forbidden
    monkeypatch.setattr("builtins.open", denied)
    error = refusal(path)
    assert error.subject == str(path)
    assert "may not be read" in error.cause
    assert "permission" in error.remedy


@pytest.mark.parametrize("name", ["a\0.png", "x" * 5000, ""])
def test_an_impossible_name_is_refused(name):
    refusal(name)


def test_a_pil_image_is_taken_at_its_current_frame():
    image = Image.open(BytesIO(animation("GIF")))
    image.seek(2)
    assert load_raster(image).pixels[0, 0, 0] == 200


def test_a_pil_image_whose_file_is_truncated_or_closed_is_refused():
    content = encoded(RAMP, "JPEG")
    assert refusal(Image.open(BytesIO(content[:-200]))).subject == "<image>"
    image = Image.open(BytesIO(content))
    image.close()
    refusal(image)


def test_the_package_is_imported_without_pillow_and_numpy():
    code = "import sys, dhvt_vectorize; print({'PIL', 'numpy', 'torch'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
