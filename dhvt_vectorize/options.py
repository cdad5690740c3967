"""What a user can choose about a drawing: `VectorizeOptions`, its ranges, and the presets that fill in the rest.

Imports neither torch nor numba, so that the command line can validate before it loads anything. A field that is
None is decided by the preset; the preset `auto` is decided by the image (see `pipeline.choose_preset`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from numbers import Real
from typing import Any

from .errors import UsageError

CRITERIA = ("bic", "aic", "aicc", "mdl")
MODES = ("spline", "polygon", "pixel")
FILLS = ("flat", "gradient", "auto")
LAYERINGS = ("stacked", "cutout")
GROUPS = ("none", "color", "tree")
STROKES = ("auto", "never")
REPEATS = ("auto", "never")
PRESETS: dict[str, dict[str, Any]] = {
    "logo": {"mode": "spline", "fill": "flat", "detail": 0.5, "min_area": 2, "tolerance": 0.45, "precision": 2},
    "illustration": {"mode": "spline", "fill": "auto", "detail": 0.5, "min_area": 2, "tolerance": 0.45, "precision": 2},
    "photo": {"mode": "spline", "fill": "auto", "detail": 0.7, "min_area": 4, "tolerance": 0.8, "precision": 1},
    "pixel-art": {"mode": "pixel", "fill": "flat", "detail": 1.0, "min_area": 0, "tolerance": 0.05, "precision": 0},
    "bw": {
        "mode": "spline",
        "fill": "flat",
        "detail": 0.8,
        "min_area": 2,
        "tolerance": 0.75,
        "precision": 2,
        "palette": ("#000000", "#ffffff"),
    },
}
PRESET_NAMES = ("auto", *PRESETS)

# name: (lowest, highest); whole numbers where these are
_RANGES: dict[str, tuple[float, float]] = {
    "regions": (1, 1_000_000),
    "detail": (0.0, 1.0),
    "max_depth": (1, 32),
    "colors": (1, 256),
    "min_area": (0, 1_000_000),
    "tolerance": (0.01, 20.0),
    "precision": (0, 6),
    "trap": (0.01, 10.0),
    "polish": (0, 100),
    "max_pixels": (1, 1_000_000_000),
}
_CHOICES: dict[str, Sequence[str]] = {
    "criterion": CRITERIA,
    "mode": MODES,
    "fill": FILLS,
    "layering": LAYERINGS,
    "group": GROUPS,
    "strokes": STROKES,
    "repeat": REPEATS,
    "preset": PRESET_NAMES,
}
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def option_range(name: str) -> tuple[float, float]:
    """The lowest and highest value of a numeric option."""
    if name not in _RANGES:
        raise UsageError(_flag(name), "has no range", f"choose one of {', '.join(map(_flag, _RANGES))}")
    return _RANGES[name]


@dataclass(frozen=True)
class VectorizeOptions:
    """Everything that decides how a drawing looks. Immutable, hashable, comparable.

    Attributes:
        regions: exact number of connected regions, before `min_area` and `colors`; None lets the criterion decide.
        detail: 0 (coarse) … 1 (fine): scales the criterion's price of a region; 0.5 is the criterion itself.
        criterion: information criterion that selects the partition: bic, aic, aicc, mdl.
        max_depth: how many levels of the hierarchy a region may come from; 1 is the finest level alone, None all.
        mode: spline (lines and cubics), polygon (lines), pixel (exact pixel edges).
        fill: flat colours, a linear gradient in every region, or auto: gradients where they pay.
        layering: stacked (shapes overlap, nothing shows through) or cutout (shapes abut).
        trap: how far cutout shapes reach below their neighbours, in pixels, so that nothing shows between; None not.
        group: none, color (shapes of one colour are a group) or tree (objects and their parts, nested).
        strokes: auto draws stacked shapes of even width as strokes where these have fewer nodes; never.
        repeat: auto draws what is the same but for its place once, and by `<use>` again, where that takes fewer bytes;
            what is nearly so becomes so where the drawing is as near to the image; never.
        colors: at most this many different flat colours, chosen from the image.
        palette: the only colours allowed, as "#rrggbb".
        min_area: regions smaller than this many pixels join a neighbour.
        tolerance: how far an outline may lie from the traced edge, in pixels. Of a single point that sticks out of its
            neighbours' way by up to twice that, nothing is drawn.
        precision: decimals of a coordinate.
        polish: at most so many rounds that move nodes and colours, drawn, nearer to the image; 0 is none.
        preset: auto, logo, illustration, photo, pixel-art, bw: fills in the fields that are None.
        max_pixels: images with more pixels are refused.

    Raises:
        UsageError: unknown name, value out of range, or options that exclude each other.
    """

    regions: int | None = None
    detail: float | None = None
    criterion: str = "bic"
    max_depth: int | None = None
    mode: str | None = None
    fill: str | None = None
    layering: str = "stacked"
    trap: float | None = None
    group: str = "none"
    strokes: str = "auto"
    repeat: str = "never"
    colors: int | None = None
    palette: tuple[str, ...] | None = None
    min_area: int | None = None
    tolerance: float | None = None
    precision: int | None = None
    polish: int = 0
    preset: str = "auto"
    max_pixels: int = 64_000_000

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if value is None and field.default is None:
                continue
            if name in _CHOICES:
                _check_choice(name, value, _CHOICES[name])
            elif name in _RANGES:
                object.__setattr__(self, name, _checked_number(name, value))
            else:
                object.__setattr__(self, name, _checked_palette(value))
        if self.regions is not None and self.detail is not None:
            raise UsageError("--detail", "cannot be combined with --regions", "give one of the two")
        if self.colors is not None and self.palette is not None:
            raise UsageError("--colors", "cannot be combined with --palette", "give one of the two")
        if self.trap is not None and self.layering != "cutout":
            raise UsageError("--trap", f"is not for {self.layering} shapes", "give --layering cutout too")

    def resolved(self, preset: str) -> VectorizeOptions:
        """These options with every undecided field filled in from `preset` (one of PRESETS, not auto)."""
        _check_choice("preset", preset, tuple(PRESETS))
        defaults = PRESETS[preset]
        undecided = {name: value for name, value in defaults.items() if getattr(self, name) is None}
        if self.regions is not None:
            undecided.pop("detail", None)
        if self.colors is not None:
            undecided.pop("palette", None)
        return replace(self, preset=preset, **undecided)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The option names, in order."""
        return tuple(field.name for field in fields(cls))


def _check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UsageError(_flag(name), f"no such value {value!r}", f"choose one of {', '.join(choices)}")


def _checked_number(name: str, value: Any) -> float:
    """`value` as the plain int or float it equals, so that equal options stay equal when they are written down."""
    lowest, highest = _RANGES[name]
    interval = f"from {lowest} to {highest}"
    if not _is_number(value):
        raise UsageError(_flag(name), f"{value!r} is not a number", f"give one {interval}")
    # NaN fails both comparisons, so the test is written to pass only a value inside
    if not lowest <= value <= highest:
        raise UsageError(_flag(name), f"{value} is out of range", f"give a number {interval}")
    if not isinstance(lowest, int):
        return float(value)
    if value != int(value):
        raise UsageError(_flag(name), f"{value} is not a whole number", f"give one {interval}")
    return int(value)


def _is_number(value: object) -> bool:
    # NumPy's numbers are Real too; bool would pass as 0 or 1
    return isinstance(value, Real) and not isinstance(value, bool)


def _checked_palette(palette: Sequence[str]) -> tuple[str, ...]:
    """The palette in lower case, each colour once, in the order given."""
    remedy = 'give colours as "#rrggbb,#rrggbb"'
    if isinstance(palette, str) or not isinstance(palette, Sequence):
        raise UsageError("--palette", f"{palette!r} is not a list of colours", remedy)
    if not palette:
        raise UsageError("--palette", "is empty", remedy)
    for colour in palette:
        if not isinstance(colour, str) or not _COLOUR.fullmatch(colour):
            raise UsageError("--palette", f"{colour!r} is not a colour", remedy)
    return tuple(dict.fromkeys(colour.lower() for colour in palette))


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
