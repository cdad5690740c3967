"""RasterImage → FeatureMap → MergeTree → Partition → PlanarMap → Outlines → Paints → Drawing: one call a stage."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int32, UInt8

from .options import VectorizeOptions
from .raster import RasterImage, load_raster
from .raster.enlargement import enlargement
from .raster.mixtures import is_antialiased

if TYPE_CHECKING:
    from .drawing.drawing import Drawing
    from .drawing.paints import Paints
    from .tokenizer.tokenizer import DHVTokenizer, PixelFeatures

# A picture is pixel art if it is at most this large, before it was enlarged, and has at most so many colours, which
# anti-aliasing did not make.
PIXEL_ART_SIDE, PIXEL_ART_COLOURS = 128, 24
WHITE = (255, 255, 255)


class Vectorizer:
    """Loads a tokenizer once and vectorizes any number of images; safe to call from several threads.

    Args:
        weights: a checkpoint file; None is the one this package ships.
        device: auto, cpu or cuda: where the feature net runs.

    Raises:
        WeightsError: the checkpoint is missing, of another format, damaged or altered.
        DeviceError: the device is not there.
    """

    def __init__(self, weights: str | Path | None = None, device: str = "auto") -> None:
        # Where torch is not loaded yet: its idle threads otherwise spin on the cores that the other stages work on.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        from .tokenizer.tokenizer import DHVTokenizer

        self.tokenizer: DHVTokenizer = DHVTokenizer.load(weights, device).eval()

    def vectorize(self, source: Any, options: VectorizeOptions | None = None) -> Drawing:
        """Turn one image into a drawing.

        Args:
            source: a path, "-" (standard input), bytes, a PIL image, an array (H, W[, C]) or a RasterImage.
            options: how; None is the default.

        Raises:
            InputError: the image cannot be read.
        """
        from .drawing.drawing import draw

        options = options or VectorizeOptions()
        clock = _Clock()
        with clock("decode"):
            raster = load_raster(source, options.max_pixels)
            options = options.resolved(choose_preset(raster.pixels) if options.preset == "auto" else options.preset)
        with clock("features"):
            features = self.tokenizer.pixel_features(raster.pixels, antialiased=options.mode != "pixel")
        with clock("merge tree"):
            tree = self.tokenizer.merge_tree(features)
        with clock("partition"):
            partition = self.tokenizer.select(
                tree,
                regions=options.regions,
                criterion=options.criterion,
                detail=0.5 if options.detail is None else options.detail,
                max_depth=options.max_depth,
            )
            if options.mode != "pixel":
                partition = self.tokenizer.refine(partition, features)
            labels = partition.labels
            notes = raster.notes + _notes_on_regions(options, partition.regions)
        # a photograph's faces vary for many reasons, pixel art is exact
        drawn = options.preset != "photo" and options.mode != "pixel"
        with clock("paints"):
            labels, fixed_colours = reduced(labels, features, options)
            labels, paints = painted(labels, features, fixed_colours, options, closely=drawn)
        with clock("outlines"):
            outlines, polylines = outlined(labels, features.colours, paints, options)
            if options.mode == "spline":
                noise, recolour = features.edge_noise, fixed_colours is None
                outlines, paints = barred(outlines, polylines, features.colours, paints, noise, recolour)
        with clock("layers"):
            outlines, layers = layered(outlines, features, paints.opacity, options)
        if options.polish:
            from .drawing.polish import polish

            with clock("polish"):
                image, drawer = _over_white(features.colours), partial(_drawn, raster, options, layers)
                outlines, paints = polish(outlines, paints, image, options.polish, drawer, fixed_colours is None)
        # pixels have no curves, a photograph few lines, and what abuts must share its borders
        overlapping = drawn and options.mode == "spline" and options.layering == "stacked"
        if overlapping:
            from .drawing.framed import with_framed_primitives

            with clock("layers"):
                tolerance = float(options.tolerance or 0.0)
                outlines, layers = with_framed_primitives(outlines, layers, paints, polylines, tolerance)
        if overlapping and options.strokes == "auto":
            from .drawing.strokes import with_strokes

            with clock("strokes"):
                outlines, layers = with_strokes(outlines, layers, paints, polylines, float(options.tolerance or 0.0))
        if options.repeat == "auto" and drawn and options.mode == "spline":
            from .drawing.repeats import with_repeats

            with clock("repeats"):
                image, drawer = _over_white(features.colours), partial(_drawn, raster, options, layers, paints=paints)
                tolerance, precision = float(options.tolerance or 0.0), int(options.precision or 0)
                outlines = with_repeats(outlines, layers, image, drawer, tolerance, precision)
        with clock("svg"):
            return draw(raster, options, outlines, layers, paints, notes, clock.seconds)


def reduced(
    labels: Int32[np.ndarray, "H W"],
    features: PixelFeatures,
    options: VectorizeOptions,
) -> tuple[Int32[np.ndarray, "H W"], UInt8[np.ndarray, "K 3"] | None]:
    """The labels after `min_area` and `colors` or `palette`, and each face's colour where these fix it."""
    from .drawing.paints import fit_paints
    from .drawing.palette import reduce_colours
    from .tokenizer.absorb import absorb_small_regions

    if options.min_area and options.min_area > 1:
        labels = absorb_small_regions(labels, features.values, options.min_area)
    if options.colors is None and options.palette is None:
        return labels, None
    paints = fit_paints(labels, features.colours, features.is_rim, "flat")
    return reduce_colours(labels, paints, options.colors, options.palette)


def painted(
    labels: Int32[np.ndarray, "H W"],
    features: PixelFeatures,
    fixed_colours: UInt8[np.ndarray, "K 3"] | None,
    options: VectorizeOptions,
    *,
    closely: bool,
) -> tuple[Int32[np.ndarray, "H W"], Paints]:
    """The labels without faces that no paint of their own is for, and the paints; drawings are looked at `closely`."""
    from .drawing.paints import fit_paints, joined_faces
    from .drawing.slivers import without_slivers

    fill = "flat" if fixed_colours is not None else str(options.fill)
    # a number that is asked for is kept
    if closely and fixed_colours is None and options.regions is None:
        labels = without_slivers(labels, features.colours)
        labels = joined_faces(labels, features.colours, features.is_rim, gradients=fill != "flat")
    paints = fit_paints(labels, features.colours, features.is_rim, fill, closely=closely)
    return labels, paints if fixed_colours is None else replace(paints, colours=fixed_colours)


def outlined(
    labels: Int32[np.ndarray, "H W"], colours: UInt8[np.ndarray, "H W 4"], paints: Paints, options: VectorizeOptions
) -> tuple[Any, Any]:
    """The planar map's arcs as pixel edges, simplified polygons or curves, and the polylines these were fitted to."""
    from .tracing.curves import fit_curves
    from .tracing.planar_map import trace_planar_map
    from .tracing.polygons import pixel_outlines, simplified_polygons
    from .tracing.primitives import with_primitives
    from .tracing.regular import with_regular_shapes
    from .tracing.subpixel import subpixel_polylines

    planar_map = trace_planar_map(labels)
    if options.mode == "pixel":
        return pixel_outlines(planar_map), None
    points, offsets = subpixel_polylines(planar_map, colours, paints.premultiplied, paints.gradients)
    tolerance = float(options.tolerance or 0.0)
    if options.mode == "polygon":
        return simplified_polygons(planar_map, points, offsets, tolerance), (points, offsets)
    curves = fit_curves(planar_map, points, offsets, tolerance)
    named = with_primitives(curves, points, offsets, tolerance)
    return with_regular_shapes(named, points, offsets, tolerance), (points, offsets)


def barred(
    outlines: Any, polylines: Any, pixels: np.ndarray, paints: Any, noise: float, recolour: bool
) -> tuple[Any, Any]:
    """The outlines with thin bars fitted to coverage, and the paints with the colours that these tell."""
    from .tracing.bars import with_bars

    points, offsets = polylines
    outlines, colours = with_bars(outlines, points, offsets, pixels, paints.premultiplied, paints.gradients, noise)
    return outlines, paints.repainted(colours) if recolour and colours else paints


def layered(outlines: Any, features: PixelFeatures, opacity: np.ndarray, options: VectorizeOptions) -> tuple[Any, Any]:
    """The layers, and the outlines with the arcs that only layers have."""
    from .drawing.cover import simplify_covered
    from .drawing.layering import cutout_layers, stacked_layers
    from .tokenizer.hierarchy import build_merge_tree

    planar_map = outlines.planar_map
    tree = build_merge_tree(features.values, planar_map.labels)
    if options.layering == "cutout":
        return outlines, cutout_layers(planar_map, tree, opacity)
    layers = stacked_layers(planar_map, tree, opacity)
    # on the pixel grid a shared edge is exact; a photograph's small regions have little room, and the search takes time
    if options.mode == "pixel" or options.preset == "photo":
        return outlines, layers
    return simplify_covered(outlines, layers, opacity)


def _drawn(
    raster: RasterImage, options: VectorizeOptions, layers: Any, outlines: Any, paints: Any
) -> UInt8[np.ndarray, "H W 3"]:
    """The drawing over white."""
    from .drawing.drawing import draw
    from .drawing.preview import render

    height, width = raster.pixels.shape[:2]
    svg = draw(raster, replace(options, repeat="never"), outlines, layers, paints, (), {}).to_svg()
    return render(svg, width, height, WHITE)


def _over_white(premultiplied: UInt8[np.ndarray, "H W 4"]) -> UInt8[np.ndarray, "H W 3"]:
    return np.asarray(premultiplied[..., :3] + (255 - premultiplied[..., 3:]))


def choose_preset(pixels: UInt8[np.ndarray, "H W 4"]) -> str:
    """What kind of picture this is: pixel-art, bw, illustration or photo."""
    from .tokenizer.kind import is_photograph
    from .tokenizer.rims import premultiply

    side = enlargement(pixels)
    small = np.ascontiguousarray(pixels[::side, ::side])
    if max(small.shape[:2]) <= PIXEL_ART_SIDE:
        few = len(np.unique(small.view(np.uint32))) <= PIXEL_ART_COLOURS
        if few and not is_antialiased(small):
            return "pixel-art"
    if _is_black_and_white(pixels):
        return "bw"
    return "photo" if is_photograph(premultiply(pixels)) else "illustration"


def _is_black_and_white(pixels: UInt8[np.ndarray, "H W 4"]) -> bool:
    """Whether every pixel is either and opaque, as in a scan of one bit, whose edges tell less of where they are."""
    packed = np.ascontiguousarray(pixels).view(np.uint32)
    black, white = np.array([[0, 0, 0, 255], [255, 255, 255, 255]], np.uint8).view(np.uint32)
    # most pictures are told by their first rows
    return all(bool(((rows == black) | (rows == white)).all()) for rows in (packed[:8], packed))


def _notes_on_regions(options: VectorizeOptions, regions: int) -> tuple[str, ...]:
    if options.regions is None or regions == options.regions:
        return ()
    return (f"the image has only {regions} regions, fewer than the {options.regions} asked for",)


class _Clock:
    """Seconds a stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
