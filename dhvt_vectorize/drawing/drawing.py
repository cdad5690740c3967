"""Drawing: the result of vectorizing one image, with everything a user may ask of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from ..formats import format_of
from ..options import VectorizeOptions
from ..output import write_atomically
from ..raster import RasterImage
from ..tracing.outlines import Outlines
from .gradients import Gradient
from .layering import Layers
from .paints import Paints
from .svg import common_grid, hex_colour, write_svg

if TYPE_CHECKING:
    from shapely import Polygon

FLATTENING = 8  # chords a cubic becomes in `faces`


@dataclass(frozen=True)
class Face:
    """One region as a polygon with its paint.

    Attributes:
        polygon: its extent, cubics flattened; x right, y down, in pixels.
        color: "#rrggbb" or "#rgb", its flat colour, or its mean where it has a gradient.
        opacity: 0 (not painted) … 1.
        gradient: its gradient, or None; where its stops' alpha differs, it holds all of the opacity.
    """

    polygon: Polygon
    color: str
    opacity: float
    gradient: Gradient | None


# compared by identity: arrays have no single truth value
@dataclass(frozen=True, eq=False)
class Drawing:
    """A vectorized image.

    Attributes:
        raster: the image it was made from.
        options: the options it was made with, every preset value filled in.
        outlines, layers, paints: its geometry, painting order and fills.
        notes: what the user should know, one line each.
        seconds: time a stage.
    """

    raster: RasterImage
    options: VectorizeOptions
    outlines: Outlines
    layers: Layers
    paints: Paints
    notes: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    _svg: str = ""

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.raster.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.raster.pixels.shape[0])

    @property
    def regions(self) -> int:
        """Number of faces."""
        return self.outlines.planar_map.faces

    def to_svg(self) -> str:
        """SVG text."""
        return self._svg

    def save(self, path: str | os.PathLike[str], file_format: str | None = None) -> None:
        """Write the drawing to a file.

        Args:
            path: its extension says the format; without one it is SVG.
            file_format: one of `formats.FORMATS`, for a name with another extension or none.

        Raises:
            UsageError: unknown format.
            OutputError: it cannot be written, or its format needs a package that is not there; nothing half-written
                is left.
        """
        from .export import export

        write_atomically(path, export(self._svg, format_of(path, file_format)).content)

    @cached_property
    def stats(self) -> dict[str, Any]:
        """Figures ready for JSON: sizes, regions, shapes, segments, bytes, psnr (dB, over white), seconds a stage."""
        from PIL import Image

        from .figures import count, psnr
        from .preview import over, render

        white = (255, 255, 255)
        counted = count(self._svg)
        drawn = render(self._svg, self.width, self.height, white)
        image = np.asarray(over(Image.fromarray(self.raster.pixels), white))
        return {
            "width": self.width,
            "height": self.height,
            "preset": self.options.preset,
            "regions": self.regions,
            "shapes": counted.shapes,
            "segments": counted.segments,
            "bytes": len(self._svg.encode()),
            "psnr": round(float(psnr(drawn, image)), 3),
            "seconds": {stage: round(seconds, 4) for stage, seconds in self.seconds.items()},
        }

    def preview(self, scale: float = 1.0) -> UInt8[np.ndarray, "H W 4"]:
        """The drawing rendered, straight alpha, `scale` times the image's size."""
        from .preview import render

        return render(self._svg, max(1, round(self.width * scale)), max(1, round(self.height * scale)))

    def regions_image(self) -> UInt8[np.ndarray, "H W 3"]:
        """The image over white with the partition's borders drawn over it."""
        from PIL import Image
        from skimage.segmentation import mark_boundaries

        from .preview import over

        image = np.asarray(over(Image.fromarray(self.raster.pixels), (255, 255, 255)))
        labels = self.outlines.planar_map.labels
        marked = np.asarray(mark_boundaries(image, labels, color=(1, 0, 0.4), mode="inner"))  # type: ignore[no-untyped-call]
        return np.asarray(np.rint(marked * 255), np.uint8)

    @cached_property
    def faces(self) -> tuple[Face, ...]:
        """Every region as a Shapely polygon with its paint, in the order of the partition's labels."""
        from .polygons import face_polygons

        return tuple(
            Face(
                polygon, hex_colour(self.paints.colours[k]), float(self.paints.opacity[k]), self.paints.gradients.get(k)
            )
            for k, polygon in enumerate(face_polygons(self.outlines, FLATTENING))
        )


def draw(
    raster: RasterImage,
    options: VectorizeOptions,
    outlines: Outlines,
    layers: Layers,
    paints: Paints,
    notes: tuple[str, ...],
    seconds: Mapping[str, float],
) -> Drawing:
    """Write the SVG and put everything together."""
    stem = os.path.splitext(os.path.basename(raster.name))[0]
    description = f"dhvt-vectorize: {outlines.planar_map.faces} regions, preset {options.preset}"
    precision = int(options.precision or 0)
    grid = common_grid(outlines, paints) if options.mode == "pixel" and options.trap is None else 1
    drawing = outlines, layers, paints, precision, stem, description, options.group, options.trap, grid
    svg = write_svg(*drawing)
    if options.repeat == "auto":
        svg = min(svg, write_svg(*drawing, repeat=True), key=len)
    return Drawing(raster, options, outlines, layers, paints, notes, seconds, svg)
