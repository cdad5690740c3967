"""Other tracers behind one call: an opaque RGB image in, its drawing and the seconds it took out.

Each runs at its defaults under its name, and at its best settings as `NAME best`: those of SETTINGS, which drew the
tuning lists' emoji and icons (potrace: these in black and white) most like the true drawings by SSIM at four times
their size, of ten or so combinations each. Each is timed from the decoded pixels to the SVG text, as closely as it lets
itself be:

vtracer        PyPI `vtracer` 0.6.15. It gets an uncompressed PNG, encoded before the clock starts; a list of pixel
               tuples, its other way in, takes the same time within 2 %.
vtracer-1.0    PyPI `vtracer` 1.0.0a4, the pre-release, from the cache, since one environment holds one of them.
autotrace      PyPI `pyautotrace`. Its default reduces no colours and draws a photograph as hundreds of thousands of
               slivers (3 dB in 20 s), so it has photographs at its best settings alone.
imagetracerjs  npm `imagetracerjs` in a Node process that stays; the clock runs inside Node.
swag           PyPI `swag-converter`. It takes files alone: reading an uncompressed PNG counts.
potrace        Debian's `potrace`, for black and white: dark pixels are traced. A process an image, so its start (a few
               ms) counts.

Limits: potrace must be on the PATH or in the cache for this machine's architecture; alpha is not offered to any peer.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from dhvt_vectorize.errors import InputError, UsageError

from .packages import Package, folder_of

IMAGETRACER = Package.npm("imagetracerjs", "1.2.6")
POTRACE = Package.debian("potrace", "libpotrace0")
VTRACER_1 = Package.pypi("vtracer", "1.0.0a4")
PACKAGES = (IMAGETRACER, POTRACE, VTRACER_1)

BEST = " best"
SETTINGS: dict[str, dict[str, Any]] = {
    "vtracer": {"color_precision": 8, "layer_difference": 8, "filter_speckle": 1, "mode": "polygon"},
    "vtracer-1.0": {"clustering": "watershed", "watershed_detail": 200},
    "autotrace": {"color_count": 32, "despeckle_level": 4, "error_threshold": 1.0},
    "imagetracerjs": {"pathomit": 8, "roundcoords": 2, "ltres": 0.5, "qtres": 0.5, "numberofcolors": 64},
    "swag": {"quality": "max"},
    "potrace": {"turdsize": 0, "alphamax": 0.8, "opttolerance": 0.1, "unit": 100},
}
"""What a peer draws best with, in its own words."""

RgbArray = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class Drawn:
    """A drawing, the seconds from pixels to text, and where a tracer tells them, those of each stage."""

    svg: str
    seconds: float
    stages: Mapping[str, float] = field(default_factory=dict)


Trace = Callable[[RgbArray], Drawn]
Settings = Mapping[str, Any]


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
    tracer = name.removesuffix(BEST)
    return PEERS[name](resources, SETTINGS[tracer] if name != tracer else {})


def _open_vtracer(_: ExitStack, settings: Settings) -> Trace:
    try:
        import vtracer
    except ImportError:
        raise _not_installed("vtracer") from None

    def trace(image: RgbArray) -> Drawn:
        png = _encoded(Image.fromarray(image).convert("RGBA"), "PNG", compress_level=0)
        start = time.perf_counter()
        svg = vtracer.convert_raw_image_to_svg(png, img_format="png", **settings)
        return Drawn(svg, time.perf_counter() - start)

    return trace


def _open_vtracer_1(_: ExitStack, settings: Settings) -> Trace:
    converter = _extension(next((folder_of(VTRACER_1) / "vtracer").glob("vtracer.*.so"))).Config(**settings)

    def trace(image: RgbArray) -> Drawn:
        height, width = image.shape[:2]
        pixels = Image.fromarray(image).convert("RGBA").tobytes()
        start = time.perf_counter()
        svg = converter.convert_pixels(pixels, width, height)
        return Drawn(svg, time.perf_counter() - start)

    return trace


def _open_autotrace(_: ExitStack, settings: Settings) -> Trace:
    try:
        import autotrace
    except ImportError:
        raise _not_installed("pyautotrace") from None

    def trace(image: RgbArray) -> Drawn:
        start = time.perf_counter()
        vector = autotrace.Bitmap(np.ascontiguousarray(image)).trace(**settings)
        svg = vector.encode("svg").decode()
        return Drawn(svg, time.perf_counter() - start)

    return trace


def _open_imagetracer(resources: ExitStack, settings: Settings) -> Trace:
    module = folder_of(IMAGETRACER) / "package"
    node = shutil.which("node")
    if node is None:
        raise InputError("node", "is not installed", "install Node.js")
    server = Path(__file__).with_name("imagetracer_server.js")
    process = resources.enter_context(
        subprocess.Popen(
            [node, str(server), str(module), json.dumps(settings)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
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


def _open_swag(_: ExitStack, settings: Settings) -> Trace:
    try:
        from swag_converter import convert
    except ImportError:
        raise _not_installed("swag-converter") from None

    def trace(image: RgbArray) -> Drawn:
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            Image.fromarray(image).save(file.name, compress_level=0)
            start = time.perf_counter()
            svg = convert(file.name, measure=False, **settings).svg
            return Drawn(svg, time.perf_counter() - start)

    return trace


def _open_potrace(_: ExitStack, settings: Settings) -> Trace:
    program, environment = _find_potrace()
    options = [f"--{name}={value}" for name, value in settings.items()]

    def trace(image: RgbArray) -> Drawn:
        bitmap = _encoded(Image.fromarray(image).convert("L").point(lambda level: 255 * (level >= 128), "1"), "PPM")
        start = time.perf_counter()
        done = subprocess.run(
            [program, "--backend", "svg", *options, "--output", "-", "-"],
            input=bitmap,
            capture_output=True,
            check=True,
            env=environment,
        )
        seconds = time.perf_counter() - start
        # one pixel is one point to potrace; in pixels, resvg's binding can read the size
        return Drawn(re.sub(r'((?:width|height)="[\d.]+)pt"', r'\1"', done.stdout.decode(), count=2), seconds)

    return trace


_TRACERS: dict[str, Callable[[ExitStack, Settings], Trace]] = {
    "vtracer": _open_vtracer,
    "vtracer-1.0": _open_vtracer_1,
    "autotrace": _open_autotrace,
    "imagetracerjs": _open_imagetracer,
    "swag": _open_swag,
    "potrace": _open_potrace,
}
PEERS = {name + which: tracer for name, tracer in _TRACERS.items() for which in ("", BEST)}


@cache
def _extension(library: Path) -> Any:
    """A compiled module under a name of its own, beside an installed version; a process may load it but once."""
    loader = importlib.machinery.ExtensionFileLoader("vtracer_1.vtracer", str(library))
    specification = importlib.util.spec_from_loader(loader.name, loader)
    assert specification is not None
    module = importlib.util.module_from_spec(specification)
    loader.exec_module(module)
    return module


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
