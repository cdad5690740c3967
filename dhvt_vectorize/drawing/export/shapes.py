"""SVG text as this project writes it → what it paints, in painting order, for writers of other formats.

Read are groups, paths, circles, ellipses and rectangles, turned about a point or not, and uses of these, filled or
stroked in "#rgb", "#rrggbb" or a gradient in user space, with an opacity of either; a group's attributes are inherited.
Circles, ellipses and rounded corners become cubics (the four-arc approximation, within 0.03 % of the radius). Whatever
else is drawn is refused rather than lost: this reads our own drawings, not any SVG. Limit: a gradient neither turns nor
moves with its shape.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import cos, radians, sin

Point = tuple[float, float]
Colour = tuple[int, int, int]

PAINT = (
    "fill",
    "fill-opacity",
    "stroke",
    "stroke-opacity",
    "stroke-width",
    "stroke-linecap",
    "stroke-linejoin",
)
"""What a group may say for all that is in it."""
TRAPS = "traps"
"""The name of their group."""
_GRADIENTS = frozenset({"linearGradient", "radialGradient"})
_LINK = "{http://www.w3.org/1999/xlink}href"
_NOT_DRAWN = frozenset({"title", "desc", "metadata", "defs"})
_TOKEN = re.compile(r"[A-Za-z]|-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_NUMBERS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Z": 0}
_CIRCLE = 4 / 3 * (2**0.5 - 1)  # where the controls of a quarter circle of radius 1 lie


@dataclass(frozen=True)
class Subpath:
    """A start, then segments: one point of a line, three of a cubic (two controls and its end).

    Attributes:
        start, segments, closed: its course.
        circle: centre and radius, where it is one.
    """

    start: Point
    segments: tuple[tuple[Point, ...], ...]
    closed: bool
    circle: tuple[Point, float] | None = None


@dataclass(frozen=True)
class Stop:
    """A colour of a gradient, at an offset from 0 to 1, with its opacity."""

    offset: float
    colour: Colour
    opacity: float = 1.0


@dataclass(frozen=True)
class Gradient:
    """Colours along a line or around a centre, straight lines between stops; beyond its ends the end's colour goes on.

    Attributes:
        start, end: of a linear one, where 0 and 1 are; both the centre of a radial one.
        radius: where 1 is in a radial one; 0 in a linear one.
        stops: at least two, their offsets ascending, the first 0 and the last 1.
    """

    start: Point
    end: Point
    radius: float
    stops: tuple[Stop, ...]

    @property
    def mean(self) -> Colour:
        """The mean colour along the line, or over the circle's radius."""
        total = [0.0, 0.0, 0.0]
        for one, other in pairwise(self.stops):
            for channel in range(3):
                total[channel] += (other.offset - one.offset) * (one.colour[channel] + other.colour[channel]) / 2
        red, green, blue = (int(value) for value in total)
        return red, green, blue

    @property
    def opacity(self) -> float:
        """The mean opacity along the line."""
        return sum((b.offset - a.offset) * (a.opacity + b.opacity) / 2 for a, b in pairwise(self.stops))

    @property
    def fades(self) -> bool:
        """Is any of it translucent?"""
        return any(stop.opacity < 1 for stop in self.stops)


@dataclass(frozen=True)
class Shape:
    """What one element paints: its inside (nonzero winding), or a stroke along it.

    Attributes:
        subpaths: its geometry, in pixels, y down.
        paint: a colour, or a gradient.
        opacity: above 0, to 1.
        stroke_width: in pixels; None where the inside is filled.
        cap, join: of a stroke, "butt" or "round", and "miter" (up to four half widths) or "round".
        is_trap: whether it reaches below its neighbours and is no shape of its own.
    """

    subpaths: tuple[Subpath, ...]
    paint: Colour | Gradient
    opacity: float
    stroke_width: float | None = None
    cap: str = "butt"
    join: str = "miter"
    is_trap: bool = False


@dataclass(frozen=True)
class Picture:
    """A drawing: its size in pixels, its title, its shapes from the lowest to the topmost."""

    width: float
    height: float
    title: str
    shapes: tuple[Shape, ...]


def read_shapes(svg: str) -> Picture:
    """What an SVG of ours paints.

    Raises:
        ValueError: the SVG holds something that this project does not write.
    """
    root = ElementTree.fromstring(svg.encode())
    gradients = {f"url(#{e.get('id')})": _gradient(e) for e in root.iter() if _name(e) in _GRADIENTS}
    title = next((element.text or "" for element in root if _name(element) == "title"), "")
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    unit = width / float(root.get("viewBox", f"0 0 {width} {height}").split()[2]) if width else 1.0
    return Picture(width, height, title, tuple(_enlarged(shape, unit) for shape in _shapes(root, gradients)))


def _enlarged(shape: Shape, unit: float) -> Shape:
    """In pixels; a drawing whose unit is not a pixel has paths and flat colours alone."""
    if unit == 1:
        return shape

    def larger(point: Point) -> Point:
        return unit * point[0], unit * point[1]

    width = None if shape.stroke_width is None else unit * shape.stroke_width
    return replace(shape, subpaths=tuple(moved(subpath, larger) for subpath in shape.subpaths), stroke_width=width)


def _shapes(root: ElementTree.Element, gradients: Mapping[str, Gradient]) -> Iterator[Shape]:
    used = {f"#{element.get('id')}": element for element in root.iter() if _name(element) in _GEOMETRY}
    # a stack, since groups may be nested deeper than Python's calls; with each how far it is moved
    waiting = [(root, dict[str, str](), (0.0, 0.0))]
    while waiting:
        element, inherited, by = waiting.pop()
        name = _name(element)
        if name in _NOT_DRAWN:
            continue
        style = {**inherited, **{key: element.attrib[key] for key in PAINT if key in element.attrib}}
        if element.get("id") == TRAPS:
            style["id"] = TRAPS
        if name in ("svg", "g"):
            waiting += [(child, style, by) for child in reversed(element)]
        elif name == "use" and element.get(_LINK) in used:
            step = float(element.get("x", 0)), float(element.get("y", 0))
            waiting.append((used[element.attrib[_LINK]], style, step))
        elif name in _GEOMETRY and not element.attrib.keys() & {"style", "class", "fill-rule"}:
            subpaths = _turned(_GEOMETRY[name](element), element.get("transform", ""))
            yield from _painted(tuple(moved(one, _by(by)) for one in subpaths), style, gradients)
        else:
            raise ValueError(f"<{name}> with {', '.join(element.attrib)} is nothing this project draws")


def _painted(
    subpaths: tuple[Subpath, ...], style: Mapping[str, str], gradients: Mapping[str, Gradient]
) -> Iterator[Shape]:
    for kind, width in (("fill", None), ("stroke", float(style.get("stroke-width", 1)))):
        paint = style.get(kind, "#000" if kind == "fill" else "none")
        opacity = float(style.get(f"{kind}-opacity", 1))
        if paint != "none" and opacity > 0 and subpaths:
            look = gradients[paint] if paint in gradients else _colour(paint)
            cap, join = style.get("stroke-linecap", "butt"), style.get("stroke-linejoin", "miter")
            yield Shape(subpaths, look, opacity, width, cap, join, style.get("id") == TRAPS)


def _turned(subpaths: Iterable[Subpath], transform: str) -> tuple[Subpath, ...]:
    """The subpaths after `rotate(degrees x y)`, or as they are where there is no transform."""
    if not transform:
        return tuple(subpaths)
    if not re.fullmatch(r"rotate\([-\d.]+ [-\d.]+ [-\d.]+\)", transform):
        raise ValueError(f"{transform!r} is no transform this project writes")
    degrees, cx, cy = map(float, transform[7:-1].split())
    cosine, sine = cos(radians(degrees)), sin(radians(degrees))

    def turned(point: Point) -> Point:
        x, y = point[0] - cx, point[1] - cy
        return cx + cosine * x - sine * y, cy + sine * x + cosine * y

    return tuple(moved(subpath, turned) for subpath in subpaths)


def _by(step: Point) -> Callable[[Point], Point]:
    return lambda point: (point[0] + step[0], point[1] + step[1])


def moved(subpath: Subpath, move: Callable[[Point], Point]) -> Subpath:
    """The subpath with every point moved; a circle's by something that keeps distances."""
    segments = tuple(tuple(map(move, segment)) for segment in subpath.segments)
    circle = (move(subpath.circle[0]), subpath.circle[1]) if subpath.circle else None
    return Subpath(move(subpath.start), segments, subpath.closed, circle)


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _colour(text: str) -> Colour:
    if not re.fullmatch(r"#([0-9a-f]{3}){1,2}", text):
        raise ValueError(f"{text!r} is no colour this project writes")
    digits = text[1:] if len(text) == 7 else "".join(2 * digit for digit in text[1:])
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def _gradient(element: ElementTree.Element) -> Gradient:
    if element.get("gradientUnits") != "userSpaceOnUse" or len(element) < 2:
        raise ValueError(f"the gradient {element.get('id')} is not in user space with stops")
    stops = tuple(
        Stop(float(stop.get("offset", 0)), _colour(stop.get("stop-color", "#000")), float(stop.get("stop-opacity", 1)))
        for stop in element
    )
    if _name(element) == "radialGradient":
        x, y, radius = (float(element.get(key, 0)) for key in ("cx", "cy", "r"))
        return Gradient((x, y), (x, y), radius, _to_the_ends(stops))
    x1, y1, x2, y2 = (float(element.get(key, 0)) for key in ("x1", "y1", "x2", "y2"))
    return Gradient((x1, y1), (x2, y2), 0.0, _to_the_ends(stops))


def _to_the_ends(stops: tuple[Stop, ...]) -> tuple[Stop, ...]:
    """With stops at 0 and 1, where the first and last colours go on."""
    before = (replace(stops[0], offset=0.0),) if stops[0].offset > 0 else ()
    after = (replace(stops[-1], offset=1.0),) if stops[-1].offset < 1 else ()
    return (*before, *stops, *after)


def _path(element: ElementTree.Element) -> Iterator[Subpath]:
    tokens = _TOKEN.findall(element.get("d", ""))
    place, command = 0, ""
    here = start = control = (0.0, 0.0)
    segments: list[tuple[Point, ...]] = []
    drawing = False
    while place < len(tokens):
        if tokens[place].isalpha():
            command, place = tokens[place], place + 1
        kind = command.upper()
        if kind not in _NUMBERS:
            raise ValueError(f"the path command {command!r} is none this project writes")
        numbers = [float(token) for token in tokens[place : place + _NUMBERS[kind]]]
        place += _NUMBERS[kind]
        if kind in "MZ":
            if drawing:
                yield Subpath(start, tuple(segments), kind == "Z")
            segments, drawing = [], kind == "M"
        points = _points(kind, numbers, here, (0.0, 0.0) if command.isupper() else here)
        if kind == "S":
            points = [(2 * here[0] - control[0], 2 * here[1] - control[1]), *points]
        if kind == "M":
            # pairs after a move's first are lines
            start, command = points[0], "l" if command == "m" else "L"
        elif kind != "Z":
            segments.append(tuple(points))
        here = points[-1] if kind != "Z" else start
        control = points[1] if kind in "CS" else here
    if drawing:
        yield Subpath(start, tuple(segments), False)


def _points(kind: str, numbers: list[float], here: Point, origin: Point) -> list[Point]:
    if kind == "H":
        return [(origin[0] + numbers[0], here[1])]
    if kind == "V":
        return [(here[0], origin[1] + numbers[0])]
    return [(origin[0] + x, origin[1] + y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]


def _ellipse(element: ElementTree.Element) -> Iterator[Subpath]:
    x, y, radius = (float(element.get(key, 0)) for key in ("cx", "cy", "r"))
    rx, ry = float(element.get("rx", radius)), float(element.get("ry", radius))
    circle = ((x, y), rx) if rx == ry else None
    for subpath in _rounded(x - rx, y - ry, 2 * rx, 2 * ry, rx, ry):
        yield replace(subpath, circle=circle)


def _rectangle(element: ElementTree.Element) -> Iterator[Subpath]:
    x, y, width, height = (float(element.get(key, 0)) for key in ("x", "y", "width", "height"))
    # one radius that is not given is the other
    radius = float(element.get("rx", element.get("ry", 0.0)))
    rx, ry = float(element.get("rx", radius)), float(element.get("ry", radius))
    yield from _rounded(x, y, width, height, min(rx, width / 2), min(ry, height / 2))


def _rounded(x: float, y: float, width: float, height: float, rx: float, ry: float) -> Iterator[Subpath]:
    """A rectangle, clockwise on the page, with a quarter of an ellipse at each corner where `rx` and `ry` are not 0."""
    right, bottom, k = x + width, y + height, 1 - _CIRCLE
    corners = [((right, y), (-rx, 0), (0, ry)), ((right, bottom), (0, -ry), (-rx, 0))]
    corners += [((x, bottom), (rx, 0), (0, -ry)), ((x, y), (0, ry), (rx, 0))]
    here, segments = (x + rx, y), list[tuple[Point, ...]]()
    for (cx, cy), (ax, ay), (bx, by) in corners:
        before, after = (cx + ax, cy + ay), (cx + bx, cy + by)
        if before != here:
            segments.append((before,))
        if rx and ry:
            segments.append(((cx + k * ax, cy + k * ay), (cx + k * bx, cy + k * by), after))
        here = after
    yield Subpath((x + rx, y), tuple(segments), True)


_GEOMETRY = {"path": _path, "circle": _ellipse, "ellipse": _ellipse, "rect": _rectangle}
