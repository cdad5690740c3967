"""Arrays of every supported shape and type as RGBA pixels, and the refusal of all others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from image_files import encoded
from raster_expectations import refusal, rgba

from dhvt_vectorize.raster import load_raster

small = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)


@given(small.flatmap(lambda shape: st.sampled_from([shape, *((*shape, c) for c in (1, 2, 3, 4))])), st.data())
def test_an_array_becomes_rgba_with_invisible_colours_cleared(shape, data):
    array = data.draw(arrays(np.uint8, shape))
    image = load_raster(array)
    assert image.pixels.dtype == np.uint8
    assert np.array_equal(image.pixels, rgba(array))
    assert (image.name, image.notes) == ("<array>", ())


@given(arrays(np.uint8, (3, 4, 4)))
def test_an_array_is_copied_not_changed_or_shared(array):
    before = array.copy()
    image = load_raster(array)
    assert np.array_equal(array, before)
    assert not np.shares_memory(image.pixels, array)
    array.flags.writeable = False
    assert np.array_equal(load_raster(array).pixels, image.pixels)


@given(arrays(np.uint16, (5, 7)), st.sampled_from("<>"))
def test_16_bit_samples_are_rounded_to_the_nearest_level(array, order):
    expected = np.rint(array / 257)
    assert np.array_equal(load_raster(array.astype(order + "u2")).pixels[..., 0], expected)
    assert np.array_equal(load_raster(encoded(array, "PNG")).pixels[..., 0], expected)


@pytest.mark.parametrize("float_type", [np.float16, np.float32, np.float64, np.longdouble])
def test_every_level_survives_as_a_float(float_type):
    levels = np.arange(256).reshape(16, 16)
    assert np.array_equal(load_raster((levels / 255).astype(float_type)).pixels[..., 0], levels)


def test_bool_is_black_and_white():
    array = np.eye(3, dtype=bool)
    assert np.array_equal(load_raster(array).pixels[..., 1], np.where(array, 255, 0))


@pytest.mark.parametrize(
    ("array", "phrase"),
    [
        (np.zeros((0, 4)), "no pixels"),
        (np.zeros((4, 0, 3), np.uint8), "no pixels"),
        (np.zeros(4, np.uint8), "shape"),
        (np.array(4, np.uint8), "shape"),
        (np.zeros((2, 2, 5), np.uint8), "shape"),
        (np.zeros((2, 2, 0), np.uint8), "shape"),
        (np.zeros((3, 2, 2, 3), np.uint8), "shape"),
        (np.array([[0.5, np.nan]]), "NaN"),
        (np.array([[0.5, np.inf]]), "infinite"),
        (np.array([[0.5, -np.inf]]), "infinite"),
        (np.array([[0.5, 1.01]]), "outside"),
        (np.array([[0.5, -0.01]]), "outside"),
        (np.full((2, 2, 3), 200.0, np.float32), "outside"),
        (np.zeros((2, 2), np.int64), "int64"),
        (np.zeros((2, 2), np.int8), "int8"),
        (np.zeros((2, 2), np.uint32), "uint32"),
        (np.zeros((2, 2), complex), "complex"),
        (np.array([["a", "b"]]), "<U1"),
        (np.array([[None]]), "object"),
        (np.zeros((2, 2), "datetime64[s]"), "datetime64"),
    ],
)
def test_a_wrong_array_is_refused(array, phrase):
    error = refusal(array)
    assert error.subject == "<array>"
    assert phrase in error.cause
