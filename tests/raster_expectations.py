"""What reading an image must give, written the slow and obvious way."""

import numpy as np
import pytest

from dhvt_vectorize.errors import InputError
from dhvt_vectorize.raster import load_raster


def refusal(source, **options):
    """The InputError that reading `source` ends with; its message is one line with a cause and a remedy."""
    with pytest.raises(InputError) as caught:
        load_raster(source, **options)
    error = caught.value
    assert error.exit_code == 3
    assert len(str(error).splitlines()) == 1
    assert error.cause
    assert error.remedy
    return error


def cleared(pixels):
    """RGBA pixels without colour where they are invisible."""
    return np.where(pixels[..., 3:] == 0, 0, pixels).astype(np.uint8)


def rgba(array):
    """The same as (H, W, 4), by the book."""
    array = array[..., np.newaxis] if array.ndim == 2 else array
    alpha = array[..., -1:] if array.shape[2] in (2, 4) else np.full_like(array[..., :1], 255)
    colour = array[..., :3] if array.shape[2] >= 3 else array[..., :1].repeat(3, 2)
    return cleared(np.concatenate([colour, alpha], 2))
