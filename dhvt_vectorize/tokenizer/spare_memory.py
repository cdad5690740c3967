"""Memory that nobody uses, given back to the system.

glibc keeps what is freed below 32 MB for what may be asked for next. Between arrays of a megapixel and more that can be
as much as they take themselves.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

# below this many pixels it is not worth asking for the same memory again
WORTHWHILE_PIXELS = 2**20


def give_back() -> None:
    """Give back what the C library holds free; does nothing where that library is not glibc."""
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return trim
