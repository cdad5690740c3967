"""SVG path data read back: an independent parser of the few commands the writer uses."""

from __future__ import annotations

import re
from fractions import Fraction

_TOKEN = re.compile(r"([A-Za-z])|(-?(?:\d+\.?\d*|\.\d+))|([ ,]+)")
_TAKES = {"m": 2, "l": 2, "h": 1, "v": 1, "c": 6, "z": 0}
Point = tuple[Fraction, Fraction]
Segment = tuple[Point, ...]  # two points of a line, four of a cubic


def tokens(data: str) -> list[str]:
    """Commands and numbers; anything else is an error."""
    found, place = [], 0
    while place < len(data):
        match = _TOKEN.match(data, place)
        assert match, f"not path data: {data[place : place + 20]!r}"
        place = match.end()
        if not match[3]:
            found.append(match[0])
    return found


def subpaths(data: str, closed: bool = True) -> list[list[Segment]]:
    """The segments of every subpath, in absolute exact coordinates, each closed by a line to its start if need be.

    If not `closed`, they are open, and none may be closed.
    """
    paths: list[list[Segment]] = []
    waiting = tokens(data)
    command = ""
    x, y = start = (Fraction(0), Fraction(0))
    while waiting:
        if waiting[0].isalpha():
            command = waiting.pop(0)
        kind, relative = command.lower(), command.islower()
        assert kind != "z" or closed
        numbers = [Fraction(waiting.pop(0)) for _ in range(_TAKES[kind])]
        if kind == "z":
            if (x, y) != start:
                paths[-1].append(((x, y), start))
            x, y = start
            continue
        if kind in "hv":
            other = Fraction(0) if relative else (y if kind == "h" else x)
            numbers.insert(1 if kind == "h" else 0, other)
        origin = (x, y) if relative else (Fraction(0), Fraction(0))
        points = [(origin[0] + numbers[i], origin[1] + numbers[i + 1]) for i in range(0, len(numbers), 2)]
        if kind == "m":
            start = points[0]
            paths.append([])
            command = "l" if relative else "L"
        else:
            paths[-1].append(((x, y), *points))
        x, y = points[-1]
    return paths
