"""Small SVG drawings for tests of training data."""

from __future__ import annotations

import numpy as np

from dhvt_vectorize.training.owners import Zones, whole_view, zones_of
from dhvt_vectorize.training.twins import read_artwork

RED_ON_BLUE = '<rect width="20" height="20" fill="#0000ff"/><circle cx="10.3" cy="9.6" r="6" fill="#ff0000"/>'
GRADIENT = '<linearGradient id="g" {units}><stop offset="0" stop-color="#fff"/><stop offset="1"/></linearGradient>'
IN_USER_SPACE = GRADIENT.format(units='gradientUnits="userSpaceOnUse" x2="20"')
ALONG_THE_SHAPE = GRADIENT.format(units="")


def svg(body: str, size: int = 20, attributes: str = "") -> str:
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {space} viewBox="0 0 {size} {size}" {attributes}>{body}</svg>'


def zones(body: str, side: int = 20, supersampling: int = 4) -> Zones:
    artwork = read_artwork(svg(body), "drawing.svg")
    return zones_of(artwork, whole_view(artwork, side), supersampling)


def regions(body: str, side: int = 20) -> np.ndarray:
    return zones(body, side).regions()
