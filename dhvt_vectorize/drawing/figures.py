"""SVG text → how much it draws (shapes, segments), and how far its rendering is from the image (PSNR).

`count` walks the elements that are drawn; a `<use>` counts as what it draws. The numbers of path data are counted, not
interpreted: every full set of a command's numbers is one segment. Two limits follow. Arc flags written without a
separator (`a1 1 0 01.5.5`) read as one number, so such arcs are undercounted; and the definitions in a `<symbol>` that
stands outside `<defs>` count where they stand too.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

FORBIDDEN_ELEMENTS = frozenset({"image", "pattern", "filter", "mask", "text", "foreignObject"})

_NOT_DRAWN = frozenset({"defs", "clipPath", "metadata", "title", "desc", "style"})
_NUMBERS_OF_SEGMENT = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7}
_NUMBER = r"-?\d*\.?\d+(?:[eE][-+]?\d+)?"
_NUMBER_IN_POINTS = re.compile(r"-?\d*\.?\d+")
_NUMBER_IN_DATA = re.compile(_NUMBER)
_COMMAND_IN_DATA = re.compile(rf"([A-Za-z])((?:{_NUMBER}|[^A-Za-z])*)")
_DEEPEST_USE = 50


class ForbiddenElementError(ValueError):
    """The drawing holds an element that no vectorization needs: it embeds a raster, or hides its work."""


class Count(NamedTuple):
    """What a drawing draws.

    Attributes:
        shapes: subpaths, closed or open, and primitives.
        segments: lines, curves and arcs of all of them; a rectangle, circle or ellipse has 4.
    """

    shapes: int
    segments: int


def count(svg: str) -> Count:
    """The shapes and segments that a drawing draws.

    Raises:
        ForbiddenElementError: a drawn part holds one of FORBIDDEN_ELEMENTS.
        ValueError: path data with an unknown command.
        SyntaxError: `svg` is not well-formed XML (ElementTree's ParseError).
    """
    root = ElementTree.fromstring(svg.encode())
    by_id = {element.get("id", ""): element for element in root.iter() if element.get("id")}
    shapes = segments = 0
    # a stack, since an editor's groups may be nested deeper than Python's calls
    waiting = [(root, 0)]
    while waiting:
        element, uses = waiting.pop()
        name = element.tag.rpartition("}")[2]
        if name in FORBIDDEN_ELEMENTS:
            raise ForbiddenElementError(f"<{name}> in the drawing")
        if name == "use":
            href = element.get("href") or element.get("{http://www.w3.org/1999/xlink}href") or ""
            # a longer chain of uses refers to itself
            if href[1:] in by_id and uses < _DEEPEST_USE:
                waiting.append((by_id[href[1:]], uses + 1))
        elif name in _SHAPES:
            own = _SHAPES[name](element)
            shapes, segments = shapes + own.shapes, segments + own.segments
        elif name not in _NOT_DRAWN:
            waiting.extend((child, uses) for child in element)
    return Count(shapes, segments)


def psnr(drawn: UInt8[np.ndarray, ...], image: UInt8[np.ndarray, ...]) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 arrays of one shape; at most 108.1, where they are equal."""
    if drawn.shape != image.shape:
        raise ValueError(f"cannot compare arrays of shapes {drawn.shape} and {image.shape}")
    error = np.subtract(drawn, image, dtype=np.float64)
    return float(10 * np.log10(255**2 / max(float(np.mean(error * error)), 1e-6)))


def _count_path(element: ElementTree.Element) -> Count:
    """Subpaths and segments of path data; pairs after a move's first are lines."""
    subpaths = segments = 0
    for match in _COMMAND_IN_DATA.finditer(element.get("d", "")):
        command = match[1].upper()
        if command == "Z":
            continue
        if command not in _NUMBERS_OF_SEGMENT:
            raise ValueError(f"unknown path command {match[1]!r}")
        sets = len(_NUMBER_IN_DATA.findall(match[2])) // _NUMBERS_OF_SEGMENT[command]
        subpaths += command == "M"
        segments += max(0, sets - 1) if command == "M" else sets
    return Count(subpaths, segments)


def _count_points(element: ElementTree.Element) -> Count:
    return Count(1, len(_NUMBER_IN_POINTS.findall(element.get("points", ""))) // 2)


_SHAPES: dict[str, Callable[[ElementTree.Element], Count]] = {
    "path": _count_path,
    "polygon": _count_points,
    "polyline": _count_points,
    "rect": lambda _: Count(1, 4),
    "circle": lambda _: Count(1, 4),
    "ellipse": lambda _: Count(1, 4),
    "line": lambda _: Count(1, 1),
}
