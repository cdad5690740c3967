"""Label maps drawn without a tokenizer: given faces, colours and opacities, straight to layers and SVG."""

from __future__ import annotations

import numpy as np

from dhvt_vectorize.drawing.layering import Layers, cutout_layers, stacked_layers
from dhvt_vectorize.drawing.paints import Paints
from dhvt_vectorize.drawing.svg import write_svg
from dhvt_vectorize.tokenizer.hierarchy import build_merge_tree
from dhvt_vectorize.tracing.curves import fit_curves
from dhvt_vectorize.tracing.outlines import Outlines
from dhvt_vectorize.tracing.planar_map import PlanarMap, trace_planar_map
from dhvt_vectorize.tracing.polygons import pixel_outlines, simplified_polygons
from dhvt_vectorize.tracing.subpixel import subpixel_polylines


def flat_paints(colours: np.ndarray, opacity: np.ndarray | None = None) -> Paints:
    """Flat paints of colours (K, 3), opaque unless told."""
    faces = len(colours)
    opacity = np.ones(faces) if opacity is None else opacity
    return Paints(np.asarray(colours, np.uint8), np.asarray(opacity, np.float32))


def image_of(labels: np.ndarray, paints: Paints) -> np.ndarray:
    """uint8 (H, W, 4), straight alpha: every pixel in its face's paint, colour 0 where there is none."""
    alpha = np.rint(255 * paints.opacity).astype(np.uint8)
    colours = np.where(alpha[:, None] > 0, paints.colours, 0)
    return np.concatenate([colours, alpha[:, None]], 1)[labels].astype(np.uint8)


def layers_of(planar_map: PlanarMap, paints: Paints, layering: str) -> Layers:
    features = np.rint(paints.premultiplied).astype(np.int32)[planar_map.labels]
    layers = {"cutout": cutout_layers, "stacked": stacked_layers}[layering]
    return layers(planar_map, build_merge_tree(features, planar_map.labels), paints.opacity)


def outlines_of(labels: np.ndarray, paints: Paints, mode: str = "pixel", tolerance: float = 0.35) -> Outlines:
    planar_map = trace_planar_map(labels)
    if mode == "pixel":
        return pixel_outlines(planar_map)
    pixels = np.rint(paints.premultiplied).astype(np.uint8)[labels]
    points, offsets = subpixel_polylines(planar_map, pixels, paints.premultiplied)
    return {"spline": fit_curves, "polygon": simplified_polygons}[mode](planar_map, points, offsets, tolerance)


def svg_of(labels: np.ndarray, paints: Paints, layering: str = "stacked", mode: str = "pixel") -> str:
    outlines = outlines_of(labels, paints, mode)
    layers = layers_of(outlines.planar_map, paints, layering)
    return write_svg(outlines, layers, paints, 0 if mode == "pixel" else 2, "title", "description")
