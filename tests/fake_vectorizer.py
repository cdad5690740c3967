"""A stand-in for the vectorizer that needs no torch, and a command line that uses it.

It draws one rectangle of the image's mean colour. An image's file name makes it misbehave: `slow` takes a while,
`crash` and `killed` end the process, `bug` and `huge` raise, `compile` compiles a kernel. `python fake_vectorizer.py …`
is `dhvt-vectorize …` with this vectorizer, in its workers too; each load of it adds a line to the file named by
FAKE_VECTORIZER_LOADS.
"""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from dhvt_vectorize.cli import cli, commands
from dhvt_vectorize.errors import WeightsError

VECTORIZER = "fake_vectorizer:FakeVectorizer"
SECONDS_OF_SLOW = 0.3


class FakeVectorizer:
    def __init__(self, weights=None, device="auto"):
        if weights is not None and Path(weights).read_bytes() == b"wrong":
            raise WeightsError(weights, "is no weights file", "give another")
        log = os.environ.get("FAKE_VECTORIZER_LOADS")
        if log:
            with open(log, "a") as file:
                file.write(f"{os.getpid()} {os.environ.get('OMP_NUM_THREADS')}\n")

    def vectorize(self, source, options=None):
        name = Path(source.name).name
        if "slow" in name:
            time.sleep(SECONDS_OF_SLOW)
        if "compile" in name:
            from numba import njit

            njit(lambda: None)()
        if "crash" in name:
            os._exit(3)
        if "killed" in name:
            os.kill(os.getpid(), signal.SIGKILL)
        if "bug" in name:
            raise ZeroDivisionError("a defect\non two lines")
        if "huge" in name:
            raise MemoryError
        if "interrupt" in name:
            raise KeyboardInterrupt
        return FakeDrawing(source, options)


class FakeDrawing:
    def __init__(self, image, options):
        self._pixels = image.pixels
        self._colour = tuple(int(value) for value in image.pixels.reshape(-1, 4).mean(axis=0))
        self._options = options
        self.notes = image.notes

    def to_svg(self):
        height, width = self._pixels.shape[:2]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
            f"<desc>{self._options.mode}</desc>"
            f'<rect width="{width}" height="{height}" fill="#{bytes(self._colour[:3]).hex()}"/></svg>'
        )

    @property
    def stats(self):
        height, width = self._pixels.shape[:2]
        return {
            "width": width,
            "height": height,
            "preset": "photo",
            "regions": 1,
            "shapes": 1,
            "segments": 4,
            "bytes": len(self.to_svg()),
            "psnr": 20.0 + self._colour[0] / 10,
            "seconds": {"tree": 0.01},
        }

    def preview(self, scale=1.0):
        return np.full_like(self._pixels, self._colour)

    def regions_image(self):
        return np.ascontiguousarray(self._pixels[..., :3])


if __name__ == "__main__":
    commands.VECTORIZER = VECTORIZER
    sys.exit(cli.main())
