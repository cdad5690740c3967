"""numba kernels of total variation under bounds on coefficients: one step of Chambolle & Pock's algorithm (2011).

Planes, float32 (3, H, W), are Y less 128, Cb and Cr of a picture whose sides are multiples of a tile's. Only runs of
tiles change: int32 (N, 3), the first row of pixels of each, its first column and the column behind its last. A run is
worked on along its rows, so that loops are long enough to be vector instructions.
"""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit
from ._chroma_kernels import write_levels
from ._jpeg_kernels import BLOCK, TILE, backward, forward

PLANES = 3


@njit(cache=True, nogil=True)
def pull_edges(first, last, runs, planes, weights, step, longest, across, down):
    """The dual step: `across` and `down` (3, H, W) go along with the differences to the next pixel of a row and of a
    column, all planes' together no longer than `longest` (H, W); of runs first…last − 1.

    Args:
        planes: where the picture is heading.
        weights: float32 (3,), what a plane's differences count for.
    """
    height, width = planes.shape[1:]
    for index in range(first, last):
        top, left, right = runs[index]
        long = np.empty(right - left, np.float32)
        for y in range(top, top + TILE):
            long[:] = np.float32(0.0)
            for c in range(PLANES):
                share = step * weights[c]
                # as views of rows, whose indices need no checks, the loops become vector instructions
                here, along, under = planes[c, y, left:right], across[c, y, left:right], down[c, y, left:right]
                after = planes[c, y, left + 1 : min(right + 1, width)]
                for x in range(len(after)):
                    along[x] += share * (after[x] - here[x])
                if y + 1 < height:
                    below = planes[c, y + 1, left:right]
                    for x in range(len(below)):
                        under[x] += share * (below[x] - here[x])
                for x in range(len(long)):
                    long[x] += along[x] * along[x] + under[x] * under[x]
            limit = longest[y, left:right]
            for x in range(len(long)):
                long[x] = limit[x] / np.sqrt(max(limit[x] * limit[x], long[x]))
            for c in range(PLANES):
                along, under = across[c, y, left:right], down[c, y, left:right]
                for x in range(len(long)):
                    along[x] *= long[x]
                    under[x] *= long[x]


@njit(cache=True, nogil=True)
def spare_edges(first, last, runs, planes, weights, sure, longest):
    """How much variation counts for, pixel by pixel: an edge that is one shall not be flattened.

    Args:
        sure: levels of difference to the next pixels at which it counts half.
        longest: into float32 (H, W).
    """
    height, width = planes.shape[1:]
    for index in range(first, last):
        top, left, right = runs[index]
        for y in range(top, top + TILE):
            for x in range(left, right):
                change = np.float32(0.0)
                for c in range(PLANES):
                    along = planes[c, y, min(x + 1, width - 1)] - planes[c, y, x]
                    under = planes[c, min(y + 1, height - 1), x] - planes[c, y, x]
                    change += weights[c] * weights[c] * (along * along + under * under)
                longest[y, x] = np.float32(1.0) / (np.float32(1.0) + change / (sure * sure))


@njit(cache=True, nogil=True)
def settle(first, last, runs, planes, heading, forces, weights, step, bounds, ties, wanted, pull):
    """The primal step: the picture gives way to its edges' pull, and its coefficients go back to their bounds.

    Args:
        planes: the picture; heading: what the next dual step looks at, as far beyond it as it has come.
        forces: `across` and `down` of `pull_edges`.
        bounds: float32 (2, H, W) of Y, (2, 2, H / fy, W / fx) of Cb and Cr, least and greatest.
        ties: float32 (2, 8, 8), how far luma's coefficients, and chroma's, go back to the middle of their bounds.
        wanted: float32 (2, H, W), the chroma it is drawn to; pull: how strongly.
    """
    across, down = forces
    luma_bounds, chroma_bounds = bounds
    rows, columns = planes.shape[1] // chroma_bounds.shape[2], planes.shape[2] // chroma_bounds.shape[3]
    block = np.empty((BLOCK, BLOCK), np.float32)
    share = step * pull
    keep = np.float32(1.0) / (np.float32(1.0) + share)
    for index in range(first, last):
        top, left, right = runs[index]
        fresh = np.empty((TILE, right - left), np.float32)
        for c in range(PLANES):
            _give_way(planes[c], across[c], down[c], top, left, step * weights[c], fresh)
            if c == 0:
                _bounded(fresh, luma_bounds[:, top : top + TILE, left:right], ties[0], block)
            else:
                for y in range(TILE):
                    line, goal = fresh[y], wanted[c - 1, top + y, left:right]
                    for x in range(len(line)):
                        line[x] = keep * (line[x] + share * goal[x])
                means = _means(fresh, rows, columns)
                bounded = means.copy()
                part = chroma_bounds[:, c - 1, top // rows : (top + TILE) // rows, left // columns : right // columns]
                _bounded(bounded, part, ties[1], block)
                _add(fresh, bounded - means, rows, columns)
            for y in range(TILE):
                line, plane, ahead = fresh[y], planes[c, top + y, left:right], heading[c, top + y, left:right]
                for x in range(len(line)):
                    ahead[x] = np.float32(2.0) * line[x] - plane[x]
                    plane[x] = line[x]


@njit(cache=True, nogil=True, inline="always")
def _give_way(plane, across, down, top, left, share, fresh):
    """A run of the plane after its edges have pulled, by the divergence of what pulls."""
    width = fresh.shape[1]
    for y in range(TILE):
        line, here = fresh[y], plane[top + y, left : left + width]
        along, under = across[top + y, left : left + width], down[top + y, left : left + width]
        for x in range(width):
            line[x] = here[x] + share * (along[x] + under[x])
        rest, before = line[1:], along[: width - 1]
        for x in range(len(rest)):
            rest[x] -= share * before[x]
        if left > 0:
            line[0] -= share * across[top + y, left - 1]
        if top + y > 0:
            above = down[top + y - 1, left : left + width]
            for x in range(width):
                line[x] -= share * above[x]


@njit(cache=True, nogil=True, inline="always")
def _bounded(values, bounds, ties, block):
    """Values, in place, with the coefficients of their blocks within bounds (2, …) and drawn to their middle."""
    for top in range(0, values.shape[0], BLOCK):
        for left in range(0, values.shape[1], BLOCK):
            block[:] = values[top : top + BLOCK, left : left + BLOCK]
            forward(block)
            for y in range(BLOCK):
                line, tie = block[y], ties[y]
                low, high = bounds[0, top + y, left : left + BLOCK], bounds[1, top + y, left : left + BLOCK]
                for x in range(BLOCK):
                    middle = np.float32(0.5) * (low[x] + high[x])
                    line[x] = min(max(line[x] + tie[x] * (middle - line[x]), low[x]), high[x])
            backward(block)
            values[top : top + BLOCK, left : left + BLOCK] = block


@njit(cache=True, nogil=True, inline="always")
def _means(values, rows, columns):
    """Those of cells, of 1 or 2 pixels down and across."""
    share = np.float32(1.0) / np.float32(rows * columns)
    means = np.empty((values.shape[0] // rows, values.shape[1] // columns), np.float32)
    for y in range(means.shape[0]):
        for x in range(means.shape[1]):
            total = np.float32(0.0)
            for v in range(rows):
                for u in range(columns):
                    total += values[y * rows + v, x * columns + u]
            means[y, x] = share * total
    return means


@njit(cache=True, nogil=True, inline="always")
def _add(values, gains, rows, columns):
    """Add its cell's gain to each value: of all that have these means it is the nearest."""
    for y in range(gains.shape[0]):
        for x in range(gains.shape[1]):
            for v in range(rows):
                for u in range(columns):
                    values[y * rows + v, x * columns + u] += gains[y, x]


@njit(cache=True, nogil=True)
def join(first, last, runs, planes, rgb):
    """Red, green and blue of runs first…last − 1, into uint8 (H, W, ≥3)."""
    for index in range(first, last):
        top, left, right = runs[index]
        for y in range(top, top + TILE):
            for x in range(left, right):
                write_levels(rgb, y, x, planes[0, y, x] + np.float32(128.0), planes[1, y, x], planes[2, y, x])
