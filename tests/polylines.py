"""Polylines as the arcs of a planar map, and distances between what is traced and what is true, measured densely."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from dhvt_vectorize.tracing.outlines import Outlines
from dhvt_vectorize.tracing.planar_map import PlanarMap

DENSE = 1200  # samples a segment, for cubics may be a hundred pixels long


def arcs_of(*polylines: np.ndarray, on_frame: bool = False) -> tuple[PlanarMap, np.ndarray, np.ndarray]:
    """(planar map, points, offsets) of polylines between two faces, or a face and the outside; one whose last point is
    its first is a closed arc."""
    lines = [np.asarray(line, float) for line in polylines]
    closed = np.array([len(line) > 1 and bool((line[0] == line[-1]).all()) for line in lines])
    n = len(lines)
    start = np.where(closed, -1, 2 * np.arange(n)).astype(np.int32)
    end = np.where(closed, -1, 2 * np.arange(n) + 1).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum([len(line) for line in lines])]).astype(np.int64)
    points = np.concatenate(lines)
    right = np.full(n, -1 if on_frame else 1, np.int32)
    planar_map = PlanarMap(
        labels=np.array([[0, 1]], np.int32), points=np.rint(points).astype(np.int32), offsets=offsets,
        left=np.zeros(n, np.int32), right=right, start=start, end=end, heading=np.zeros((n, 2), np.int8),
        junctions=np.zeros((2 * n, 2), np.int32), leaving=np.full((2 * n, 4), -1, np.int32),
    )  # fmt: skip
    return planar_map, points, offsets


def bezier(control_points: np.ndarray, t: np.ndarray) -> np.ndarray:
    """(S, T, 2): points of cubics (S, 4, 2) at parameters (T,)."""
    s = 1 - t
    weights = np.stack([s**3, 3 * s * s * t, 3 * s * t * t, t**3], 1)
    return np.einsum("tk,skd->std", weights, control_points)


def sampled(outlines: Outlines, arc: int) -> np.ndarray:
    """Dense points (N, 2) along one arc; lines are sampled evenly as lines, whatever their inner control points."""
    segments = slice(outlines.offsets[arc], outlines.offsets[arc + 1])
    controls, t = outlines.control_points[segments], np.linspace(0, 1, DENSE)
    curves = bezier(controls, t)
    lines = controls[:, None, 0] * (1 - t[None, :, None]) + controls[:, None, 3] * t[None, :, None]
    return np.where(outlines.is_line[segments, None, None], lines, curves).reshape(-1, 2)


def farthest(points: np.ndarray, curve: np.ndarray) -> float:
    """The greatest distance of any of `points` from the samples `curve`."""
    return float(cKDTree(curve).query(points)[0].max())


def resampled(polyline: np.ndarray, spacing: float = 0.02) -> np.ndarray:
    """Points along a polyline, `spacing` apart."""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(polyline, axis=0), axis=1))])
    at = np.arange(0, length[-1] + spacing, spacing)
    return np.stack([np.interp(at, length, polyline[:, axis]) for axis in (0, 1)], 1)
