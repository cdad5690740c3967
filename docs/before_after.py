"""The picture on the README's first screen: pixels above, the SVGs made from them below, both enlarged alike.

    python docs/before_after.py

writes `docs/before-after.png` with the current tool at its default settings.
"""

import io
from pathlib import Path

import resvg_py
from PIL import Image, ImageDraw, ImageFont

from dhvt_vectorize import Vectorizer

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
# of each example a square part, as left, top and side in its pixels, shown TILE pixels wide
PARTS = {"logo.png": (84, 170, 110), "illustration.png": (64, 200, 96), "photo.jpg": (150, 20, 360)}
TILE, GAP, LABEL = 320, 8, 26


def before(image: Image.Image, part: tuple[int, int, int]) -> Image.Image:
    """The part as it is: every pixel a square."""
    left, top, side = part
    return over_white(image).crop((left, top, left + side, top + side)).resize((TILE, TILE), Image.Resampling.NEAREST)


def after(svg: str, image: Image.Image, part: tuple[int, int, int]) -> Image.Image:
    """The part of the SVG, rendered at TILE / side times its size."""
    left, top, side = part
    scale = TILE / side
    size = {"width": round(image.width * scale), "height": round(image.height * scale)}
    rendered = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, **size))))
    corner = (round(left * scale), round(top * scale))
    return over_white(rendered).crop((*corner, corner[0] + TILE, corner[1] + TILE))


def over_white(image: Image.Image) -> Image.Image:
    """The image without its transparency."""
    opaque = Image.new("RGBA", image.size, "white")
    opaque.alpha_composite(image.convert("RGBA"))
    return opaque.convert("RGB")


def compose() -> Image.Image:
    """Two labelled rows, one column an example."""
    vectorizer = Vectorizer()
    row = LABEL + TILE
    sheet = Image.new("RGB", (len(PARTS) * (TILE + GAP) - GAP, 2 * row), "white")
    write = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(16)
    for column, (name, part) in enumerate(PARTS.items()):
        x, image = column * (TILE + GAP), Image.open(EXAMPLES / name)
        drawing = vectorizer.vectorize(EXAMPLES / name)
        sheet.paste(before(image, part), (x, LABEL))
        sheet.paste(after(drawing.to_svg(), image, part), (x, row + LABEL))
        write.text((x, 4), f"{name}, {image.width} by {image.height} pixels", "black", font)
        write.text((x, row + 4), f"{Path(name).stem}.svg, {drawing.stats['shapes']} shapes", "black", font)
    return sheet


if __name__ == "__main__":
    compose().save(HERE / "before-after.png", optimize=True)
