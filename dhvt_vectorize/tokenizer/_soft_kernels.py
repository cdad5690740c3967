"""numba kernels of the differentiable parts: regions near a pixel, sums up a tree, the relaxed cut and its gradient.

Children have smaller ids than their parents, so a loop over ids is a pass up and a loop back is a pass down.
"""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit


@njit(cache=True, nogil=True)
def near_regions(labels, reach, most):
    """The regions within `reach` px of each pixel: ids int32 (H·W, most), −1 where fewer; squared distance float32.

    The pixel's own region comes first, then the nearest ones; equally near ones by id. The distance is to the region's
    nearest pixel.
    """
    height, width = labels.shape
    ids = np.full((height * width, most), -1, np.int32)
    squared = np.zeros((height * width, most), np.float32)
    for y in range(height):
        for x in range(width):
            i = y * width + x
            ids[i, 0] = labels[y, x]
            found = 1
            for v in range(max(0, y - reach), min(height, y + reach + 1)):
                for u in range(max(0, x - reach), min(width, x + reach + 1)):
                    d = np.float32((v - y) * (v - y) + (u - x) * (u - x))
                    if d <= reach * reach and labels[v, u] != labels[y, x]:
                        found = _insert(ids[i], squared[i], found, labels[v, u], d)
    return ids, squared


@njit(cache=True, nogil=True)
def _insert(ids, squared, found, region, distance):
    """Keep the rows sorted by (distance, id) behind the first place; the farthest is dropped where there is no room."""
    for k in range(1, found):
        if ids[k] == region:
            if distance >= squared[k]:
                return found
            # nearer than known: take it out, and put it back in its place below
            for j in range(k, found - 1):
                ids[j], squared[j] = ids[j + 1], squared[j + 1]
            found -= 1
            ids[found], squared[found] = -1, 0.0
            break
    place = found
    while place > 1 and (squared[place - 1] > distance or (squared[place - 1] == distance and ids[place - 1] > region)):
        place -= 1
    if place >= ids.size:
        return found
    end = min(found, ids.size - 1)
    for j in range(end, place, -1):
        ids[j], squared[j] = ids[j - 1], squared[j - 1]
    ids[place], squared[place] = region, distance
    return end + 1


@njit(cache=True, nogil=True)
def sum_up(left, right, values):
    """In place: every merge's row becomes the sum of its children's. (M, C)"""
    for i in range(left.size):
        if left[i] >= 0:
            for c in range(values.shape[1]):
                values[i, c] = values[left[i], c] + values[right[i], c]


@njit(cache=True, nogil=True)
def spread_down(left, right, gradient):
    """In place: every node's row grows by its ancestors'; the transpose of `sum_up`. (M, C)"""
    for i in range(left.size - 1, -1, -1):
        if left[i] >= 0:
            for c in range(gradient.shape[1]):
                gradient[left[i], c] += gradient[i, c]
                gradient[right[i], c] += gradient[i, c]


@njit(cache=True, nogil=True, inline="always")
def _logistic(x):
    if x >= 0:
        return 1.0 / (1.0 + np.exp(-x))
    e = np.exp(x)
    return e / (1.0 + e)


@njit(cache=True, nogil=True)
def relax(left, right, costs, temperature):
    """Soft least cost below every node, its probability to split, the regions expected below it: three float64 (M,)."""
    nodes = left.size
    least = costs.copy()
    split = np.zeros(nodes)
    regions = np.ones(nodes)
    for i in range(nodes):
        if left[i] < 0:
            continue
        apart = least[left[i]] + least[right[i]]
        split[i] = _logistic((costs[i] - apart) / temperature)
        # −τ ln(e^(−cost/τ) + e^(−apart/τ)), from the smaller of the two
        least[i] = min(costs[i], apart) - temperature * np.log1p(np.exp(-abs(costs[i] - apart) / temperature))
        regions[i] = 1.0 - split[i] + split[i] * (regions[left[i]] + regions[right[i]])
    return least, split, regions


@njit(cache=True, nogil=True)
def relax_backward(left, right, split, regions, temperature, least_gradient, regions_gradient):
    """Gradient by the costs, float64 (M,), of a scalar whose gradients by the root's two values are given."""
    nodes = left.size
    by_cost = np.zeros(nodes)
    by_least = np.zeros(nodes)
    by_regions = np.zeros(nodes)
    by_least[nodes - 1] = least_gradient
    by_regions[nodes - 1] = regions_gradient
    for i in range(nodes - 1, -1, -1):
        if left[i] < 0:
            by_cost[i] = by_least[i]
            continue
        a, b, s = left[i], right[i], split[i]
        by_regions[a] += by_regions[i] * s
        by_regions[b] += by_regions[i] * s
        by_difference = by_regions[i] * (regions[a] + regions[b] - 1.0) * s * (1.0 - s) / temperature
        by_cost[i] = by_difference + by_least[i] * (1.0 - s)
        by_least[a] += by_least[i] * s - by_difference
        by_least[b] += by_least[i] * s - by_difference
    return by_cost
