"""How a pen draws ends and corners, in SVG's terms and with its defaults; every format draws them alike."""

from __future__ import annotations

from typing import Literal

Cap = Literal["butt", "round"]
Join = Literal["miter", "round"]
MITER_LIMIT = 4
"""Half widths that a mitred corner reaches at most."""
