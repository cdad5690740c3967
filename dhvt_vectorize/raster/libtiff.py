"""libtiff's own words, kept off standard error while a TIFF is decoded.

Pillow says that a compressed TIFF is damaged by an exception; libtiff, below it, prints why on the process's standard
error, from C and without the file's name. What it prints with is one global function, which is replaced while at least
one decode wants quiet, and put back after the last. Nothing else of the process's standard error is touched, so that
other threads are heard meanwhile.

Limits: where Pillow has libtiff inside it rather than beside it (Windows), the function cannot be reached: then libtiff
prints. What other threads decode at the same time is decoded in silence too.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from PIL import _imaging

# of (module, format, arguments) the first two are looked at by nobody, and the third is passed differently everywhere
_PRINT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
# a function that prints nothing rather than none at all: libtiff asks whether there is one, and then reads it again
_PRINT_NOTHING = _PRINT(lambda module, form: None)


class _Quiet:
    """Counted under a lock, so that of concurrent decodes neither loses the silence nor leaves it behind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decodes = 0
        self._printing: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        exchange = _exchange()
        if exchange is None:
            yield
            return
        with self._lock:
            if self._decodes == 0:
                self._printing = exchange(_PRINT_NOTHING)
            self._decodes += 1
        try:
            yield
        finally:
            with self._lock:
                self._decodes -= 1
                if self._decodes == 0:
                    exchange(self._printing)


@cache
def _exchange() -> Callable[[Any], Any] | None:
    """What sets the function that libtiff prints with and returns the one before, or None where it is out of reach."""
    try:
        # symbols are looked for in what Pillow's module was linked with, too, and so in the very libtiff it uses
        function = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):
        return None
    function.argtypes, function.restype = [_PRINT], _PRINT
    return function


libtiff_quiet = _Quiet()
