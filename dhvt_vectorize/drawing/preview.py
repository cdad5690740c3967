"""SVG text → pixels, drawn by resvg: what `--preview` writes, and what every figure about a drawing is measured on.

`render_png` gives the PNG as resvg encodes it, `render` the pixels, with alpha or composited over one colour in sRGB
as browsers do. resvg keeps a drawing's aspect ratio, so a size of another ratio is reached by a bilinear resize of
what it drew. Limits: no fonts are loaded, so text is not drawn; physical lengths (pt, mm) have no size, as in the
benchmark's definition, and an SVG whose own size is given in them is refused. This project writes neither.
"""

from __future__ import annotations

import io

import numpy as np
import resvg_py
from jaxtyping import UInt8
from PIL import Image
from PIL.PngImagePlugin import PngImageFile


def render_png(svg: str, width: int | None = None, height: int | None = None) -> bytes:
    """The drawing as a PNG file.

    Args:
        svg: SVG text.
        width, height: size to fit the drawing into, in pixels; without either, its own size.

    Raises:
        ValueError: `svg` is not an SVG that resvg can draw.
    """
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width, height=height, skip_system_fonts=True))


def render(
    svg: str, width: int, height: int, background: tuple[int, int, int] | None = None
) -> UInt8[np.ndarray, "height width channels"]:
    """The drawing's pixels at exactly `width` × `height`.

    Args:
        svg: SVG text.
        width, height: in pixels, at least 1.
        background: the RGB colour (0…255) it is drawn over; None keeps the alpha.

    Returns:
        uint8 (H, W, 3) over a background, else (H, W, 4) with straight alpha.

    Raises:
        ValueError: `svg` is not an SVG that resvg can draw.
    """
    # opened as PNG at once: Image.open would warn of a decompression bomb, but however large, this PNG is our own
    with PngImageFile(io.BytesIO(render_png(svg, width, height))) as encoded:
        drawn = encoded.convert("RGBA")
    if drawn.size != (width, height):
        drawn = drawn.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(drawn if background is None else over(drawn, background))


def over(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """An RGBA image composited over one opaque RGB colour (0…255)."""
    return Image.alpha_composite(Image.new("RGBA", image.size, (*background, 255)), image).convert("RGB")
