"""SVG text of any tracer → where its nodes lie: the ends of all segments, in pixels of the drawing.

Read are paths, polygons and the shapes that have their nodes at the quarters (circle, ellipse) or corners (rectangle),
below groups and transforms of translate, scale, rotate and matrix: all that this project and its peers write. A drawing
with a viewBox is scaled to its width and height. Control points are no nodes.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

Matrix = Float64[np.ndarray, "2 3"]
Point = tuple[float, float]

_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*(?:[eE][-+]?\d+[^A-Za-z]*)*)")
_TAKES = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7}
_NOT_DRAWN = frozenset({"defs", "clipPath", "metadata", "title", "desc", "style", "symbol"})


def nodes(svg: str) -> Float64[np.ndarray, "N 2"]:
    """The nodes of a drawing, as often as they occur.

    Raises:
        ValueError: a transform or path command that is not read.
    """
    root = ElementTree.fromstring(svg.encode())
    found: list[np.ndarray] = []
    waiting = [(root, _view(root))]
    while waiting:
        element, matrix = waiting.pop()
        name = element.tag.rpartition("}")[2]
        if name in _NOT_DRAWN:
            continue
        matrix = _composed(matrix, _transform(element.get("transform", "")))
        if name in _NODES:
            own = np.array(list(_NODES[name](element)), float).reshape(-1, 2)
            found.append(own @ matrix[:, :2].T + matrix[:, 2])
        waiting += [(child, matrix) for child in element]
    return np.concatenate([np.zeros((0, 2)), *found])


def _view(root: ElementTree.Element) -> Matrix:
    box = [float(number) for number in _NUMBER.findall(root.get("viewBox", ""))]
    size = [_NUMBER.match(root.get(key, "")) for key in ("width", "height")]
    if len(box) != 4 or None in size:
        return np.eye(2, 3)
    sx, sy = (float(match[0]) / extent for match, extent in zip(size, box[2:], strict=True) if match)
    return np.array([[sx, 0, -sx * box[0]], [0, sy, -sy * box[1]]])


def _transform(text: str) -> Matrix:
    matrix: Matrix = np.eye(2, 3)
    for name, arguments in re.findall(r"(\w+)\s*\(([^)]*)\)", text):
        values = [float(number) for number in _NUMBER.findall(arguments)]
        if name == "translate":
            own = np.array([[1, 0, values[0]], [0, 1, values[1] if len(values) > 1 else 0]])
        elif name == "scale":
            own = np.array([[values[0], 0, 0], [0, values[-1], 0]])
        elif name == "rotate":
            turn = np.radians(values[0])
            own = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
            centre = np.array(values[1:] or [0, 0])
            own = np.concatenate([own, (centre - own @ centre)[:, None]], 1)
        elif name == "matrix":
            own = np.array(values).reshape(3, 2).T
        else:
            raise ValueError(f"the transform {name} is not read")
        matrix = _composed(matrix, own)
    return matrix


def _composed(outer: Matrix, inner: Matrix) -> Matrix:
    return np.concatenate([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2:] + outer[:, 2:]], 1)


def _of_path(element: ElementTree.Element) -> Iterator[Point]:
    x = y = start_x = start_y = 0.0
    for letter, text in _COMMAND.findall(element.get("d", "")):
        kind, values = letter.upper(), [float(number) for number in _NUMBER.findall(text)]
        if kind == "Z":
            x, y = start_x, start_y
            continue
        if kind not in _TAKES:
            raise ValueError(f"the path command {letter!r} is not read")
        for first in range(0, len(values) - _TAKES[kind] + 1, _TAKES[kind]):
            end = values[first : first + _TAKES[kind]][-2:]
            from_x, from_y = (x, y) if letter.islower() else (0.0, 0.0)
            if kind == "H":
                x = from_x + end[0]
            elif kind == "V":
                y = from_y + end[0]
            else:
                x, y = from_x + end[0], from_y + end[1]
            if kind == "M" and first == 0:
                start_x, start_y = x, y
            yield x, y


def _of_points(element: ElementTree.Element) -> Iterator[Point]:
    values = [float(number) for number in _NUMBER.findall(element.get("points", ""))]
    yield from zip(values[::2], values[1::2], strict=True)


def _of_ellipse(element: ElementTree.Element) -> Iterator[Point]:
    x, y, radius = (float(element.get(key, 0)) for key in ("cx", "cy", "r"))
    rx, ry = float(element.get("rx", radius)), float(element.get("ry", radius))
    yield from ((x + rx, y), (x, y + ry), (x - rx, y), (x, y - ry))


def _of_rectangle(element: ElementTree.Element) -> Iterator[Point]:
    x, y, width, height = (float(element.get(key, 0)) for key in ("x", "y", "width", "height"))
    yield from ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


_NODES = {
    "path": _of_path,
    "polygon": _of_points,
    "polyline": _of_points,
    "circle": _of_ellipse,
    "ellipse": _of_ellipse,
    "rect": _of_rectangle,
}
