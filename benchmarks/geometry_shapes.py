"""Shapes whose geometry is known exactly: the SVG that draws them, and points on their outlines with what these are on.

Each is placed in a square picture of `size` pixels. *On grid* its centre and lengths are whole pixels where the shape
has such, and the long sides of strokes; *off grid* everything is shifted by fractions and scaled by a little more than
a hundredth. No stroke is one pixel wide and lies half on each of two rows: its picture is that of a paler one of two
pixels, and nothing in it tells which was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float64, Int64

INK, PAPER = "#1d5fa8", "#f6f2e9"
SPACING = 0.02  # pixels between the points of an outline

Points = Float64[np.ndarray, "N 2"]


@dataclass(frozen=True)
class Shape:
    """A shape in a picture.

    Attributes:
        svg: the drawing, paper and ink.
        size: width and height of the picture in pixels.
        points, normals: float64 (N, 2), dense points on its outlines and the directions out of the ink there.
        piece: int64 (N,), which smooth piece a point is on: rounded ones 0…, straight ones −1, −2, ….
        corners: float64 (C, 2), where pieces meet at an angle.
        centre: float64 (2,), of the area inside its outer outline.
        nodes: the fewest nodes that draw it: 4 a circle, ellipse or rectangle, one a line, two a half circle.
    """

    svg: str
    size: int
    points: Points
    normals: Points
    piece: Int64[np.ndarray, "N"]
    corners: Points
    centre: Float64[np.ndarray, "2"]
    nodes: int


@dataclass(frozen=True)
class _Outline:
    """Pieces in walking order (y down, ink on the right), each (points, whether it is round), and the path data."""

    pieces: list[tuple[Points, bool]]
    data: str


def _line(a: Sequence[float], b: Sequence[float]) -> tuple[Points, bool]:
    a, b = np.array(a, float), np.array(b, float)  # type: ignore[assignment]
    t = np.linspace(0, 1, max(2, int(np.hypot(*np.subtract(b, a)) / SPACING)))[:, None]
    return np.asarray(a * (1 - t) + b * t), False


def _arc(x: float, y: float, rx: float, ry: float, start: float, stop: float) -> tuple[Points, bool]:
    n = max(8, int(abs(stop - start) * max(rx, ry) / SPACING))
    turn = np.linspace(start, stop, n)
    return np.stack([x + rx * np.cos(turn), y + ry * np.sin(turn)], 1), True


def _polygon(corners: Points) -> _Outline:
    closed = [*corners, corners[0]]
    return _Outline([_line(a, b) for a, b in pairwise(closed)], "M" + "L".join(f"{x},{y}" for x, y in corners) + "Z")


def _ellipse(x: float, y: float, rx: float, ry: float) -> _Outline:
    data = f"M{x + rx},{y}A{rx},{ry} 0 1 1 {x - rx},{y}A{rx},{ry} 0 1 1 {x + rx},{y}Z"
    return _Outline([_arc(x, y, rx, ry, 0, 2 * np.pi)], data)


def _rounded(x: float, y: float, width: float, height: float, r: float) -> _Outline:
    """A rounded rectangle about (x, y)."""
    pieces = []
    data = ""
    ends = []
    for k, (sx, sy) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        piece = _arc(x + sx * (width / 2 - r), y + sy * (height / 2 - r), r, r, k * np.pi / 2, (k + 1) * np.pi / 2)
        ends.append(piece)
    for k, piece in enumerate(ends):
        after = ends[(k + 1) % 4]
        pieces.append(piece)
        if np.hypot(*(after[0][0] - piece[0][-1])) > SPACING:
            pieces.append(_line(piece[0][-1], after[0][0]))
        (x0, y0), (x1, y1) = piece[0][0], piece[0][-1]
        data += f"{'L' if data else 'M'}{x0},{y0}A{r},{r} 0 0 1 {x1},{y1}"
    return _Outline(pieces, data + "Z")


def _turned(corners: Points, degrees: float, x: float, y: float) -> Points:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.asarray(corners @ np.array([[c, s], [-s, c]]) + (x, y))


def _bar(x: float, y: float, length: float, width: float, degrees: float) -> _Outline:
    half = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * (length / 2, width / 2)
    return _polygon(_turned(half, degrees, x, y))


def _star(x: float, y: float, r: float) -> _Outline:
    turn = np.arange(10) * np.pi / 5 - np.pi / 2
    radius = np.where(np.arange(10) % 2, 0.45 * r, r)
    return _polygon(np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], 1))


def _badge(x: float, y: float, r: float) -> _Outline:
    """A shield: straight on top and at the sides, two arcs that begin where the sides end and meet at the bottom."""
    # an arc of radius 2r tangent to the side meets the middle line where the cosine of its angle is a half
    top, low, reach = y - r, y, np.pi / 3
    tip = (x, low + 2 * r * np.sin(reach))
    shift = 0.35 * r
    up = np.array([0.0, shift])
    right = _arc(x - r, low - shift, 2 * r, 2 * r, 0, reach)
    left = _arc(x + r, low - shift, 2 * r, 2 * r, np.pi - reach, np.pi)
    corners = [np.array([x - r, top]) - up, np.array([x + r, top]) - up]
    pieces = [
        _line(corners[0], corners[1]),
        _line(corners[1], [x + r, low - shift]),
        right,
        left,
        _line([x - r, low - shift], corners[0]),
    ]
    data = f"M{x - r},{top - shift}H{x + r}V{low - shift}A{2 * r},{2 * r} 0 0 1 {tip[0]},{tip[1] - shift}"
    return _Outline(pieces, data + f"A{2 * r},{2 * r} 0 0 1 {x - r},{low - shift}Z")


Maker = Callable[[float, float, float], list[_Outline]]
# name: (outlines about (x, y) in a picture that leaves `r` pixels on every side, the fewest nodes)
SHAPES: dict[str, tuple[Maker, int]] = {
    "circle": (lambda x, y, r: [_ellipse(x, y, r, r)], 4),
    "ring": (lambda x, y, r: [_ellipse(x, y, r, r), _ellipse(x, y, r / 2, r / 2)], 8),
    "ellipse": (lambda x, y, r: [_ellipse(x, y, r, 0.6 * r)], 4),
    "rotated square": (lambda x, y, r: [_bar(x, y, 1.3 * r, 1.3 * r, 17.0)], 4),
    "star": (lambda x, y, r: [_star(x, y, r)], 10),
    "rounded rectangle": (lambda x, y, r: [_rounded(x, y, 2 * r, 1.5 * r, 0.4 * r)], 8),
    "capsule": (lambda x, y, r: [_rounded(x, y, 2 * r, r, r / 2)], 6),
    "badge": (lambda x, y, r: [_badge(x, y, 0.7 * r)], 5),
    "stroke of 1 px": (lambda x, y, r: [_bar(x, y + 0.5, 1.6 * r, 1.0, 0.0)], 4),
    "stroke of 2 px": (lambda x, y, r: [_bar(x, y + 1.0, 1.6 * r, 2.0, 0.0)], 4),
    "stroke of 3 px": (lambda x, y, r: [_bar(x, y + 1.5, 1.6 * r, 3.0, 0.0)], 4),
    "slanted stroke of 2 px": (lambda x, y, r: [_bar(x, y, 1.6 * r, 2.0, 30.0)], 4),
    "slanted stroke of 3 px": (lambda x, y, r: [_bar(x, y, 1.6 * r, 3.0, 30.0)], 4),
}


def make_shape(name: str, size: int, on_grid: bool) -> Shape:
    """The named shape in a picture of size × size pixels.

    Raises:
        KeyError: no such shape.
    """
    maker, nodes = SHAPES[name]
    middle = float(size // 2)
    margin = float(round(0.375 * size))
    x, y, r = (middle, middle, margin) if on_grid else (middle + 0.37, middle + 0.21, 1.013 * margin)
    outlines = maker(x, y, r)
    data = "".join(outline.data for outline in outlines)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 {size} {size}">'
        f'<rect width="{size}" height="{size}" fill="{PAPER}"/><path d="{data}" fill="{INK}" fill-rule="evenodd"/>'
        "</svg>"
    )
    points, normals, piece, corners = [], [], [], []
    count = {True: 0, False: -1}
    for number, outline in enumerate(outlines):
        for (at, is_round), (after, _) in zip(outline.pieces, outline.pieces[1:] + outline.pieces[:1], strict=True):
            along = np.gradient(at, axis=0)
            normal = np.stack([along[:, 1], -along[:, 0]], 1) / np.hypot(*along.T)[:, None]
            points.append(at)
            # a second outline is a hole
            normals.append(-normal if number else normal)
            piece.append(np.full(len(at), count[is_round]))
            count[is_round] += 1 if is_round else -1
            onward = np.diff(after[:2], axis=0)[0]
            turn = along[-1][0] * onward[1] - along[-1][1] * onward[0]
            turn /= np.hypot(*along[-1]) * np.hypot(*onward)
            if abs(turn) > 0.05:
                corners.append(at[-1])
    outer = np.concatenate([at for at, _ in outlines[0].pieces])
    return Shape(
        svg, size, np.concatenate(points), np.concatenate(normals), np.concatenate(piece),
        np.reshape(corners, (-1, 2)), centroid(outer), nodes,
    )  # fmt: skip


def centroid(outline: Points) -> Float64[np.ndarray, "2"]:
    """The centre of the area inside a closed outline."""
    # about a point of its own, for small differences of large products
    points = outline - outline[0]
    following = np.roll(points, -1, 0)
    cross = points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0]
    return np.asarray(((points + following) * cross[:, None]).sum(0) / (3 * cross.sum()) + outline[0])
