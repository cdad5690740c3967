"""TokenizerConfig: every setting of a tokenizer that its checkpoint records, with ranges; imports no torch.

The defaults here are the one place they are written: a new checkpoint takes them, an older file that lacks a field is
read as if it held the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import UsageError, WeightsError

DEFAULT_NAME = "dhvt-base.safetensors"

# name: (lowest, highest). `alpha_weight` × `feature_scale` must stay below 2^15, see `features.LARGEST_VALUE`
_RANGES: dict[str, tuple[float, float]] = {
    "channels": (4, 32),
    "alpha_weight": (1.0, 250.0),
    "context_width": (1, 128),
    "context_depth": (0, 8),
    "detail_width": (1, 128),
    "rim_width": (0, 128),
    "border_width": (0, 96),
    "doubling_width": (0, 128),
    "feature_scale": (1, 128),
    "variance_floor": (1e-6, 1e6),
    "border_price": (0.0, 1e6),
    "effective_sample": (1e-6, 1.0),
    "border_exponent": (0.0, 2.0),
    "drawn_colour": (0.1, 10.0),
    "token_border_exponent": (0.0, 2.0),
    "token_compactness": (0.0, 200.0),
    "token_smoothing": (0.0, 10.0),
    "token_red_green": (0.0, 10.0),
    "token_blue_yellow": (0.0, 10.0),
    "token_contrast": (0.1, 1e6),
    "token_contrast_reach": (0, 100),
    "token_flatness": (0.0, 1000.0),
    "token_border_steepness": (0.0, 20.0),
    "learned_gain": (0.01, 100.0),
    "border_tension": (0.0, 1e4),
    "token_border_tension": (0.0, 1e4),
}


@dataclass(frozen=True)
class TokenizerConfig:
    """What a tokenizer is, apart from its trained numbers. Immutable, comparable.

    Attributes:
        channels: features a pixel; the first four are L, a, b and alpha, further ones are 0 before training.
        alpha_weight: what an alpha of 1 is worth in Lab units, so that opaque and transparent lie far apart.
        context_width: channels of the net at a quarter of the resolution.
        context_depth: residual 3×3 convolutions there; each widens the sight by 4 or 8 pixels, in turn.
        detail_width: hidden channels of the net at full resolution.
        rim_width: width of the net that decides who owns a rim pixel; 0 leaves that to the hand-made rule.
        border_width: width of the net that sees where borders are, for tokens of photographs; 0 leaves it out.
        doubling_width: width of the net that draws enlarged drawings' edges sharp again; 0 leaves it out.
        feature_scale: integer steps a Lab unit in a feature map.
        variance_floor: σ₀², the variance that every region is granted, in Lab².
        border_price: β, the criterion's price of a pixel edge of border, in parameters.
        effective_sample: how many independent samples a pixel counts for.
        rim_rule: whether anti-aliased rims are given to their neighbours, by the hand-made rule or as learned.
        sharpen_chroma: whether in drawings that were JPEGs chroma's edges become as sharp as luma's, see `chroma`.
        undo_jpeg: whether they become what they were before, as far as the grid of their blocks tells, see `jpeg`.
        border_exponent: μ, the power of the border length that divides a merge's cost, where regions are drawn.
        drawn_colour: what Lab's a and b count for, beside L's 1, where photographs are drawn.
        token_border_exponent: μ where regions are tokens, which short borders suit better than exact colours.
        token_compactness: what √(H·W) pixels of distance between two regions count for in their merge's cost, in Lab
            units, where regions are tokens.
        learned_photographs: whether photographs have learned features; a net that was taught on drawings leaves them
            Lab.
        learned_gain: what learned features are multiplied by: training minds their order only, and stretches them.
        token_smoothing: σ in px of the Gaussian over the features of photographs where regions are tokens.
        token_red_green, token_blue_yellow: what Lab's a and b count for there, beside L's 1.
        token_contrast: distance from the mean around, in Lab units, from which on contrast is compressed there.
        token_contrast_reach: how many pixels to each side are around.
        token_flatness: how far in px (σ) features are smoothed there where learned borders allow it; 0 is not at all.
        token_border_steepness: the surest border is e to the power of this as far to smooth across, in px.
        border_tension: price of a pixel side of border when borders are refined, in Lab², where regions are drawn.
        token_border_tension: the same where regions are tokens.

    Raises:
        UsageError: a value outside its range or of the wrong type.
    """

    channels: int = 5
    alpha_weight: float = 250.0
    context_width: int = 32
    context_depth: int = 6
    detail_width: int = 16
    rim_width: int = 40
    border_width: int = 0
    doubling_width: int = 0
    feature_scale: int = 16
    variance_floor: float = 16.0
    border_price: float = 0.1
    effective_sample: float = 0.25
    rim_rule: bool = True
    sharpen_chroma: bool = True
    undo_jpeg: bool = True
    border_exponent: float = 0.0
    drawn_colour: float = 1.0
    token_border_exponent: float = 0.5
    token_compactness: float = 40.0
    learned_photographs: bool = True
    learned_gain: float = 1.0
    token_smoothing: float = 0.7
    token_red_green: float = 2.5
    token_blue_yellow: float = 1.7
    token_contrast: float = 60.0
    token_contrast_reach: int = 7
    token_flatness: float = 24.0
    token_border_steepness: float = 5.0
    border_tension: float = 10.0
    token_border_tension: float = 8.0

    def __post_init__(self) -> None:
        for name, (lowest, highest) in _RANGES.items():
            # whole numbers are written as such in the table, and a float field takes 4 as well as 4.0
            kind = int if isinstance(lowest, int) else (int, float)
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, kind) or not lowest <= value <= highest:
                wanted = "a whole number" if kind is int else "a number"
                raise UsageError(name, f"{value!r} is out of range", f"give {wanted} from {lowest:g} to {highest:g}")
        for name in ("rim_rule", "sharpen_chroma", "undo_jpeg", "learned_photographs"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(name, f"{getattr(self, name)!r} is neither true nor false", "give true or false")

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> TokenizerConfig:
        """The configuration that `to_dict` described.

        Raises:
            UsageError: an unknown name (the known ones are listed), or a value outside its range.
        """
        known = [field.name for field in fields(cls)]
        for name in settings:
            if name not in known:
                raise UsageError(name, "is no setting of a tokenizer", f"the known ones are {', '.join(known)}")
        return cls(**settings)

    def merging(self, *, compact: bool) -> tuple[float, float]:
        """μ, and what √(H·W) pixels count for, in the merges' cost of regions that are tokens, or else drawn."""
        return (self.token_border_exponent, self.token_compactness) if compact else (self.border_exponent, 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Every setting by name, in numbers and booleans that JSON can hold."""
        return asdict(self)


def default_weights_path() -> Path:
    """The checkpoint that comes with the package: inside it in a wheel, beside it in a repository.

    Raises:
        WeightsError: there is none.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "weights", package.parent / "weights"):
        if (folder / DEFAULT_NAME).is_file():
            return folder / DEFAULT_NAME
    raise WeightsError(package / "weights" / DEFAULT_NAME, "is missing", "install the package again")
