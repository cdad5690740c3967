"""Two SVGs compared by what they draw: the same elements in the same order, numbers within a tolerance.

Attributes' order and the way path data is abbreviated do not count; a moved point, another colour, a missing path or
another order does. `differences` says what differs, so that a failure can be read.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import zip_longest

from path_data import subpaths

TOLERANCE = 0.02
_NUMBERS = ("x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "x", "y", "width", "height")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")


def differences(one: str, other: str, tolerance: float = TOLERANCE) -> list[str]:
    """What differs between two SVG texts, a line each; nothing if they draw the same."""
    found = []
    for first, second in zip_longest(_elements(one), _elements(other)):
        if first is None or second is None:
            found.append(f"<{(first or second)[0]}> is in one alone")
        elif first[0] != second[0]:
            found.append(f"<{first[0]}> is <{second[0]}>")
        else:
            found += [f"<{first[0]}> {line}" for line in _differing(first[1], second[1], tolerance)]
    return found


def _elements(svg: str) -> list[tuple[str, dict[str, str]]]:
    return [
        (element.tag.rpartition("}")[2], {**element.attrib, "": (element.text or "").strip()})
        for element in ElementTree.fromstring(svg.encode()).iter()
    ]


def _differing(one: dict[str, str], other: dict[str, str], tolerance: float) -> list[str]:
    lines = [f"{name!r} is in one alone" for name in one.keys() ^ other.keys()]
    for name in sorted(one.keys() & other.keys()):
        if name == "d":
            lines += _moved(one[name], other[name], tolerance)
        elif not _near(one[name], other[name], tolerance if name in _NUMBERS else 0.0):
            lines.append(f"{name}: {one[name]!r} is {other[name]!r}")
    return lines


def _near(one: str, other: str, tolerance: float) -> bool:
    if tolerance == 0.0:
        return one == other
    numbers = [[float(number) for number in _NUMBER.findall(text)] for text in (one, other)]
    return len(numbers[0]) == len(numbers[1]) and all(abs(a - b) <= tolerance for a, b in zip(*numbers, strict=True))


def _moved(one: str, other: str, tolerance: float) -> list[str]:
    first, second = subpaths(one), subpaths(other)
    if [[len(segment) for segment in path] for path in first] != [
        [len(segment) for segment in path] for path in second
    ]:
        return [f"d: {_shape(first)} is {_shape(second)}"]
    points = [[point for path in paths for segment in path for point in segment] for paths in (first, second)]
    worst = max((max(abs(a - c), abs(b - d)) for (a, b), (c, d) in zip(*points, strict=True)), default=0)
    return [f"d: a point is {float(worst):.3f} away"] if worst > tolerance else []


def _shape(paths: list) -> str:
    return "subpaths of " + ", ".join(str(len(path)) for path in paths) + " segments"
