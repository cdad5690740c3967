"""SVG text → a drawing that can be rendered window by window, and its twin in flat paints.

In: the text of an SVG file. Out: an `Artwork`: its size, itself and its twin, each as a nested <svg> element that a
window is put around. The twin is the same drawing with every gradient and pattern replaced by a flat colour that
occurs nowhere else, and without any wish for anti-aliasing; rendered with crisp edges it shows by colour alone which
paint owns each point. Paint servers in user space get one colour each, those that follow the shape they fill one for
each use. A gradient that is translucent becomes a flat colour of its stops' mean opacity, so that what lies below stays
distinct.

Limits: filters, masks, embedded images and text change colours in ways a flat twin does not share, so such files are
refused by reason. CSS is read as far as a rule's `fill: url(#…)` goes; the paint of a group is one paint for all in it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from ..errors import InputError

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
# what makes a flat twin impossible: element → the reason
UNSUPPORTED = {"filter": "a filter", "mask": "a mask", "image": "an embedded image", "text": "text"}
_KEPT_SPACES = (XLINK, "http://www.w3.org/XML/1998/namespace")
_WORDS = ("title", "desc", "metadata", "script", "foreignObject")
_SERVERS = ("linearGradient", "radialGradient", "pattern")
_PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}
_LENGTH = re.compile(r"\s*\+?(\d*\.?\d+(?:e[-+]?\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)
_HEX = re.compile(r"#([0-9a-f]{6}|[0-9a-f]{3})\b", re.IGNORECASE)
_REFERENCE = re.compile(r"\s*url\(\s*['\"]?#([^'\")]+?)['\"]?\s*\)")
_DECLARED_PAINT = re.compile(r"(?<![\w-])(fill|stroke)\s*:\s*(url\([^)]*\)[^;}]*)")
_RENDERING = re.compile(r"(?<![\w-])shape-rendering\s*:[^;}]*;?")
_GOLDEN = 0x9E3779B1


@dataclass(frozen=True)
class Artwork:
    """A drawing and its twin.

    Attributes:
        width, height: its size in its own pixels, above 0.
        drawing, twin: nested <svg> elements of that size, without an XML declaration.
    """

    width: float
    height: float
    drawing: str
    twin: str


def read_artwork(svg: str | bytes, name: str) -> Artwork:
    """Parse an SVG.

    Args:
        svg: the file's content.
        name: what errors call it.

    Raises:
        InputError: not well-formed XML, not SVG, without a size, or with something a flat twin cannot show.
    """
    try:
        root = ElementTree.fromstring(svg)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(name, f"is not well-formed XML ({error})", "repair it or leave it out") from error
    if root.tag == "svg":
        _adopt(root)
    if root.tag != f"{{{SVG}}}svg":
        raise InputError(name, "is not an SVG file", "give files whose root is <svg>")
    for element in root.iter():
        if reason := UNSUPPORTED.get(_local(element)):
            raise InputError(name, f"contains {reason}", "leave it out: whose pixel is whose cannot be told")
    _strip(root)
    width, height = _nest(root, name)
    return Artwork(width, height, _text(root), _text(_flat_twin(root)))


def _adopt(root: ElementTree.Element) -> None:
    """Put elements without a namespace into SVG's: many old files forgot to name it."""
    for element in root.iter():
        if isinstance(element.tag, str) and not element.tag.startswith("{"):
            element.tag = f"{{{SVG}}}{element.tag}"


def _local(element: ElementTree.Element) -> str:
    """The tag of an SVG element; "" for those of other kinds."""
    tag = element.tag if isinstance(element.tag, str) else ""
    return tag.removeprefix(f"{{{SVG}}}") if tag.startswith(f"{{{SVG}}}") else ""


def _text(root: ElementTree.Element) -> str:
    return ElementTree.tostring(root, encoding="unicode")


def _strip(root: ElementTree.Element) -> None:
    """Remove what draws nothing: words about the drawing and what editors left in namespaces of their own."""
    for parent in list(root.iter()):
        for key in list(parent.attrib):
            if key.startswith("{") and key[1:].partition("}")[0] not in _KEPT_SPACES:
                del parent.attrib[key]
        for child in list(parent):
            if _local(child) in ("", *_WORDS):
                parent.remove(child)


def _nest(root: ElementTree.Element, name: str) -> tuple[float, float]:
    """Give the root the attributes of a nested <svg> that fills its own size, which is returned."""
    width, height = (_pixels(root.get(side)) for side in ("width", "height"))
    view = [float(number) for number in re.findall(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?", root.get("viewBox", ""))]
    if len(view) == 4 and min(view[2:]) > 0:
        if width is None and height is None:
            width, height = view[2:]
        width = width or (height or 0) * view[2] / view[3]
        height = height or width * view[3] / view[2]
    if not width or not height:
        raise InputError(name, "has no size", "give it a viewBox, or width and height")
    if len(view) != 4:
        root.set("viewBox", f"0 0 {width!r} {height!r}")
    for key, value in (("x", 0.0), ("y", 0.0), ("width", width), ("height", height)):
        root.set(key, repr(value))
    # a window's canvas clips already; a clip path would only cost time
    root.set("overflow", "visible")
    return width, height


def _pixels(length: str | None) -> float | None:
    """A length in pixels; None where it is missing or relative."""
    match = _LENGTH.fullmatch(length or "")
    scale = _PIXELS.get(match[2].lower()) if match else None
    return float(match[1]) * scale if match and scale else None


def _flat_twin(root: ElementTree.Element) -> ElementTree.Element:
    twin = copy.deepcopy(root)
    paints = _FlatPaints(twin)
    for element in twin.iter():
        element.attrib.pop("shape-rendering", None)
        for key in ("fill", "stroke"):
            if "url(" in element.get(key, ""):
                element.set(key, paints.flat(element.attrib[key]))
        if "style" in element.attrib:
            element.set("style", paints.in_css(element.attrib["style"]))
        if _local(element) == "style" and element.text:
            element.text = paints.in_css(element.text)
    return twin


class _FlatPaints:
    """The flat colours of a drawing's paint servers."""

    def __init__(self, root: ElementTree.Element) -> None:
        self._servers = {e.get("id", ""): e for e in root.iter() if _local(e) in _SERVERS}
        # all colours written as #… anywhere; the few written in words are met with a chance of one in millions
        written = {match.lower() for match in _HEX.findall(_text(root))}
        self._taken = {int(h if len(h) == 6 else "".join(2 * digit for digit in h), 16) for h in written}
        self._fresh = self._unused_colours()
        self._of_server: dict[str, str] = {}

    def in_css(self, css: str) -> str:
        """Declarations or rules with flat paints, and without shape-rendering."""
        return _DECLARED_PAINT.sub(lambda match: f"{match[1]}:{self.flat(match[2])}", _RENDERING.sub("", css))

    def flat(self, paint: str) -> str:
        """The flat paint for a paint; itself if it is one already or refers to nothing."""
        match = _REFERENCE.match(paint)
        server = self._servers.get(match[1]) if match else None
        if match is None or server is None:
            return paint
        if self._inherited(server, _units_key(server)) != "userSpaceOnUse":
            return self._new_colour(server)
        if match[1] not in self._of_server:
            self._of_server[match[1]] = self._new_colour(server)
        return self._of_server[match[1]]

    def _new_colour(self, server: ElementTree.Element) -> str:
        opacity = self._opacity(server)
        if opacity == 0:
            return "none"
        colour = next(self._fresh)
        if opacity == 1:
            return f"#{colour:06x}"
        return f"rgba({colour >> 16},{colour >> 8 & 255},{colour & 255},{opacity:.4f})"

    def _unused_colours(self) -> Iterator[int]:
        number = 0
        while True:
            number = number + _GOLDEN & 0xFFFFFFFF
            if number >> 8 not in self._taken:
                yield number >> 8

    def _chain(self, server: ElementTree.Element) -> Iterator[ElementTree.Element]:
        """The server, the one its href names, and so on."""
        seen: set[str] = set()
        current: ElementTree.Element | None = server
        while current is not None:
            yield current
            target = (current.get("href") or current.get(f"{{{XLINK}}}href") or "").strip().removeprefix("#")
            current = None if target in seen else self._servers.get(target)
            seen.add(target)

    def _inherited(self, server: ElementTree.Element, key: str) -> str | None:
        return next((element.attrib[key] for element in self._chain(server) if key in element.attrib), None)

    def _opacity(self, server: ElementTree.Element) -> float:
        """The mean opacity (0…1) of a gradient's stops, 0 for a paint server of nothing; a pattern counts as opaque."""
        if _local(server) == "pattern":
            return float(any(len(element) for element in self._chain(server)))
        stops = next((s for e in self._chain(server) if (s := [c for c in e if _local(c) == "stop"])), [])
        return sum(map(_stop_opacity, stops)) / len(stops) if stops else 0.0


def _units_key(server: ElementTree.Element) -> str:
    return "patternUnits" if _local(server) == "pattern" else "gradientUnits"


def _stop_opacity(stop: ElementTree.Element) -> float:
    declared = re.search(r"(?<![\w-])stop-opacity\s*:\s*([^;]+)", stop.get("style", ""))
    text = (declared[1] if declared else stop.get("stop-opacity", "1")).strip()
    try:
        value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return 1.0
    return min(1.0, max(0.0, value))
