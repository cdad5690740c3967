"""labels → labels without regions below an area: each joins the neighbour it differs least from.

In rounds: every region that is too small joins its cheapest neighbour by Ward's cost, until all are large enough or one
is left.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int32, Int64

from . import _kernels
from .region_graph import region_graph
from .rounds import Front


def absorb_small_regions(
    labels: Int32[np.ndarray, "H W"], values: Int32[np.ndarray, "H W C"], min_area: int
) -> Int32[np.ndarray, "H W"]:
    """Labels 0…K'−1 in raster order, every region of at least `min_area` pixels, or the only one.

    Args:
        labels: 4-connected regions 0…K−1.
        values: integer features that tell which neighbour is nearest.
        min_area: in pixels.
    """
    while True:
        count = int(labels.max()) + 1
        pixels, sums = _areas_and_sums(labels, count, values)
        small = pixels < min_area
        if count == 1 or not small.any():
            return labels
        nowhere = np.zeros((count, 0), np.int64)
        front = Front(pixels, sums, nowhere, *region_graph(labels, count))
        front.find_cheapest()
        joined = _kernels.join(np.where(small, front.best, np.arange(count, dtype=np.int32)))
        # adjacent joined regions are one 4-connected zone of equal representative; renumber in raster order
        labels, _ = _kernels.flat_zones(joined[labels][..., None])


def _areas_and_sums(
    labels: Int32[np.ndarray, "H W"], count: int, values: Int32[np.ndarray, "H W C"]
) -> tuple[Int64[np.ndarray, "K"], Int64[np.ndarray, "K C"]]:
    channels = values.shape[2]
    pixels, border = np.zeros(count, np.int64), np.zeros(count, np.int64)
    sums = np.zeros((count, channels), np.int64)
    _kernels.add_statistics(labels, values, np.zeros(channels, np.int64), pixels, sums, border)
    return pixels, sums
