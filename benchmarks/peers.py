"""Other tracers behind one call: an opaque RGB image in, its drawing and the seconds it took out.

Each is timed from the decoded pixels to the SVG text, as closely as it lets itself be:

vtracer        PyPI `vtracer`, default settings. It gets an uncompressed PNG, encoded before the clock starts; a list of
               pixel tuples, its other way in, takes the same time within 2 %.
autotrace      PyPI `pyautotrace`, 32 colours and despeckling level 4, the best of 5 × 2 settings on tuning images: its
               default reduces no colours and draws a photograph as hundreds of thousands of slivers (3 dB in 20 s).
imagetracerjs  npm `imagetracerjs` in a Node process that stays, default settings; the clock runs inside Node.
potrace        Debian's `potrace`, default settings, for black and white: dark pixels are traced. A process an image, so
               its start (a few ms) counts.

Limits: potrace must be on the PATH or in the cache for this machine's architecture; alpha is not offered to any peer.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from dhvt_vectorize.errors import InputError, UsageError

from .packages import Package, folder_of

IMAGETRACER = Package.npm("imagetracerjs", "1.2.6")
POTRACE = Package.debian("potrace", "libpotrace0")
PACKAGES = (IMAGETRACER, POTRACE)

RgbArray = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class Drawn:
    """A drawing, the seconds from pixels to text, and where a tracer tells them, those of each stage."""

    svg: str
    seconds: float
    stages: Mapping[str, float] = field(default_factory=dict)


Trace = Callable[[RgbArray], Drawn]


def open_peer(name: str, resources: ExitStack) -> Trace:
    """The peer of that name, ready to trace.

    Args:
        name: one of PEERS.
        resources: what the peer keeps open is closed with it.

    Raises:
        UsageError: unknown name.
        InputError: the peer is not installed; the message says how to get it.
    """
    if name not in PEERS:
        raise UsageError("peer", f"no such value {name!r}", f"choose one of {', '.join(PEERS)}")
    return PEERS[name](resources)


def _open_vtracer(_: ExitStack) -> Trace:
    try:
        import vtracer
    except ImportError:
        raise _not_installed("vtracer") from None

    def trace(image: RgbArray) -> Drawn:
        png = _encoded(Image.fromarray(image).convert("RGBA"), "PNG", compress_level=0)
        start = time.perf_counter()
        svg = vtracer.convert_raw_image_to_svg(png, img_format="png")
        return Drawn(svg, time.perf_counter() - start)

    return trace


def _open_autotrace(_: ExitStack) -> Trace:
    try:
        import autotrace
    except ImportError:
        raise _not_installed("pyautotrace") from None

    def trace(image: RgbArray) -> Drawn:
        start = time.perf_counter()
        vector = autotrace.Bitmap(np.ascontiguousarray(image)).trace(color_count=32, despeckle_level=4)
        svg = vector.encode("svg").decode()
        return Drawn(svg, time.perf_counter() - start)

    return trace


def _open_imagetracer(resources: ExitStack) -> Trace:
    module = folder_of(IMAGETRACER) / "package"
    node = shutil.which("node")
    if node is None:
        raise InputError("node", "is not installed", "install Node.js")
    server = Path(__file__).with_name("imagetracer_server.js")
    process = resources.enter_context(
        subprocess.Popen([node, str(server), str(module)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    )
    assert process.stdin is not None
    assert process.stdout is not None
    requests, replies = process.stdin, process.stdout

    def trace(image: RgbArray) -> Drawn:
        height, width = image.shape[:2]
        requests.write(struct.pack("<II", width, height) + Image.fromarray(image).convert("RGBA").tobytes())
        requests.flush()
        length, seconds = struct.unpack("<Id", _read(replies, 12))
        return Drawn(_read(replies, length).decode(), seconds)

    return trace


def _open_potrace(_: ExitStack) -> Trace:
    program, environment = _find_potrace()

    def trace(image: RgbArray) -> Drawn:
        bitmap = _encoded(Image.fromarray(image).convert("L").point(lambda level: 255 * (level >= 128), "1"), "PPM")
        start = time.perf_counter()
        done = subprocess.run(
            [program, "--backend", "svg", "--output", "-", "-"],
            input=bitmap,
            capture_output=True,
            check=True,
            env=environment,
        )
        seconds = time.perf_counter() - start
        # one pixel is one point to potrace; in pixels, resvg's binding can read the size
        return Drawn(re.sub(r'((?:width|height)="[\d.]+)pt"', r'\1"', done.stdout.decode(), count=2), seconds)

    return trace


PEERS: dict[str, Callable[[ExitStack], Trace]] = {
    "vtracer": _open_vtracer,
    "autotrace": _open_autotrace,
    "imagetracerjs": _open_imagetracer,
    "potrace": _open_potrace,
}


def _not_installed(package: str) -> InputError:
    return InputError(package, "is not installed", 'run `pip install -e ".[bench]"`')


def _find_potrace() -> tuple[str, dict[str, str]]:
    """The program, and the environment in which it finds its library."""
    installed = shutil.which("potrace")
    if installed is not None:
        return installed, dict(os.environ)
    folder = folder_of(POTRACE)
    libraries = next(folder.glob("usr/lib/*/libpotrace.so.0")).parent
    return str(folder / "usr" / "bin" / "potrace"), {**os.environ, "LD_LIBRARY_PATH": str(libraries)}


def _encoded(image: Image.Image, file_format: str, **settings: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **settings)
    return buffer.getvalue()


def _read(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise InputError("imagetracerjs", "its process ended", "see its message above")
    return data
