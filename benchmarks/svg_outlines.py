"""SVG text → the outlines it draws, as dense polylines with the nodes that an editor would show.

Every subpath and primitive is one outline, in painting order, with its own `transform` applied (matrix, translate,
rotate, scale); curves are sampled evenly in their parameter. Limits: what groups or `<use>` would transform is not
followed, and elliptical arcs in path data are refused; this project's writer needs neither.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

SAMPLES = 64  # a curve, and a quarter of a primitive

Points = Float64[np.ndarray, "N 2"]

_TOKEN = re.compile(r"[A-Za-z]|-?\d*\.?\d+(?:[eE][-+]?\d+)?")
_TAKES = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "Z": 0}
_TRANSFORM = re.compile(r"(\w+)\s*\(([^)]*)\)")


@dataclass(frozen=True)
class DrawnOutline:
    """One closed outline: its samples and its nodes (a primitive has none), in pixels, its element's name and fill."""

    samples: Points
    nodes: Points
    segments: int
    element: str
    fill: str


def outlines(svg: str) -> list[DrawnOutline]:
    """The outlines of all paths, circles, ellipses and rectangles, in painting order.

    Raises:
        ValueError: path data or a transform with something that is not read here.
        SyntaxError: not well-formed XML.
    """
    found = []
    for element in ElementTree.fromstring(svg.encode()).iter():
        name = element.tag.rpartition("}")[2]
        if name not in ("path", "circle", "ellipse", "rect"):
            continue
        matrix = _matrix(element.get("transform", ""))
        fill = element.get("fill", "black")
        pieces = _subpaths(element.get("d", "")) if name == "path" else [_primitive(name, element)]
        for curves in pieces:
            samples = np.concatenate([_sampled(curve) for curve in curves])
            nodes = np.array([curve[0] for curve in curves]) if name == "path" else np.empty((0, 2))
            at, joints = (np.c_[points, np.ones(len(points))] @ matrix.T for points in (samples, nodes))
            found.append(DrawnOutline(at, joints, 4 if name != "path" else len(curves), name, fill))
    return found


def _subpaths(data: str) -> list[list[Points]]:
    """The curves of every subpath as control points: two of a line, three or four of a curve."""
    waiting = _TOKEN.findall(data)[::-1]
    paths: list[list[Points]] = []
    at = start = handle = np.zeros(2)
    command = ""
    while waiting:
        if waiting[-1].isalpha():
            command = waiting.pop()
        kind = command.upper()
        if kind not in _TAKES:
            raise ValueError(f"path command {command!r} is not read here")
        numbers = [float(waiting.pop()) for _ in range(_TAKES[kind])]
        origin = at if command.islower() else np.zeros(2)
        if kind == "Z":
            if not np.allclose(at, start):
                paths[-1].append(np.stack([at, start]))
            at = handle = start
            continue
        if kind in "HV":
            end = at.copy()
            end["HV".index(kind)] = numbers[0] + origin["HV".index(kind)]
            points = end[None]
        else:
            points = np.reshape(numbers, (-1, 2)) + origin
        if kind == "M":
            at = start = handle = points[0]
            paths.append([])
            command = "l" if command == "m" else "L"
            continue
        if kind in "ST":
            points = np.concatenate([[2 * at - handle], points])
        paths[-1].append(np.concatenate([at[None], points]))
        at = points[-1]
        handle = points[-2] if len(points) > 1 else at
    return [path for path in paths if path]


def _sampled(control: Points) -> Points:
    """Bézier samples after de Casteljau, the last point left out."""
    t = np.linspace(0, 1, SAMPLES, endpoint=False)[:, None, None]
    level = np.broadcast_to(control, (SAMPLES, *control.shape))
    while level.shape[1] > 1:
        level = level[:, :-1] * (1 - t) + level[:, 1:] * t
    return np.asarray(level[:, 0])


def _primitive(name: str, element: ElementTree.Element) -> list[Points]:
    """A primitive's outline as many short chords."""
    value = {key: float(element.get(key, "0")) for key in ("cx", "cy", "r", "x", "y", "width", "height")}
    turn = np.linspace(0, 2 * np.pi, 4 * SAMPLES, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], 1)
    if name == "rect":
        size = np.array([value["width"], value["height"]])
        radius = [element.get("rx", element.get("ry", "0")), element.get("ry", element.get("rx", "0"))]
        r = np.minimum([float(each) for each in radius], size / 2)
        # at the ends of a quadrant both corners are wanted: a sign of 0 would cut across
        signs = np.where(np.abs(circle) < 1e-9, 0, np.sign(circle))
        corner = np.array([value["x"], value["y"]]) + size / 2 + signs * (size / 2 - r)
        points = corner + circle * r
        middle = np.array([value["x"], value["y"]]) + size / 2
        steep = [middle + (size / 2) * np.array([sx, sy]) for sx, sy in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
        if not r.any():
            points = np.array(steep)
    else:
        radii = [value["r"]] * 2 if name == "circle" else [float(element.get(key, "0")) for key in ("rx", "ry")]
        points = np.array([value["cx"], value["cy"]]) + circle * np.array(radii)
    following = np.roll(points, -1, 0)
    return [np.stack([a, b]) for a, b in zip(points, following, strict=True)]


def _matrix(transform: str) -> Float64[np.ndarray, "2 3"]:
    total = np.eye(3)
    for name, text in _TRANSFORM.findall(transform):
        v = [float(number) for number in _TOKEN.findall(text)]
        total = total @ np.array([*_rows(name, v), (0, 0, 1)])
    return total[:2]


def _rows(name: str, v: list[float]) -> Iterator[tuple[float, float, float]]:
    if name == "matrix":
        yield from ((v[0], v[2], v[4]), (v[1], v[3], v[5]))
    elif name == "translate":
        yield from ((1, 0, v[0]), (0, 1, v[1] if len(v) > 1 else 0))
    elif name == "scale":
        yield from ((v[0], 0, 0), (0, v[-1], 0))
    elif name == "rotate":
        c, s = np.cos(np.radians(v[0])), np.sin(np.radians(v[0]))
        x, y = v[1:] if len(v) > 1 else (0.0, 0.0)
        yield from ((c, -s, x - c * x + s * y), (s, c, y - s * x - c * y))
    else:
        raise ValueError(f"transform {name!r} is not read here")
