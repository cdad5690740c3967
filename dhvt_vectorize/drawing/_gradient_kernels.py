"""numba kernels of the gradients: profiles of straight lines between knots, by least squares.

A profile's normal equations are tridiagonal, since a place lies between two knots: solved by elimination (Thomas 1949).
"""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

_TINY = 1e-9
_CLEARLY = 0.98  # of the residual, that a move of an end leaves
_PLACES = 32  # where a stop is tried first
_STEPS = 5  # of ever smaller moves


@njit(cache=True, nogil=True)
def _cell(knots, t):
    """The knot before t, and how far t lies towards the next, 0…1."""
    k = 0
    while k + 2 < knots.size and t >= knots[k + 1]:
        k += 1
    share = (t - knots[k]) / max(knots[k + 1] - knots[k], _TINY)
    return k, min(max(share, 0.0), 1.0)


@njit(cache=True, nogil=True)
def _profile(t, values, count, knots, out):
    """Least-squares colours at the knots, into `out` (K, C); places t weigh `count`."""
    n, channels = knots.size, values.shape[1]
    diagonal, beside = np.full(n, _TINY), np.zeros(n)
    out[:n] = 0.0
    for i in range(t.size):
        k, share = _cell(knots, t[i])
        a, b = (1 - share) * count[i], share * count[i]
        diagonal[k] += (1 - share) * a
        diagonal[k + 1] += share * b
        beside[k] += share * a
        for c in range(channels):
            out[k, c] += a * values[i, c]
            out[k + 1, c] += b * values[i, c]
    # knots that nothing sees take what their neighbours make of them
    for k in range(n - 1):
        weak = 1e-9 * (diagonal[k] + diagonal[k + 1])
        diagonal[k] += weak
        diagonal[k + 1] += weak
        beside[k] -= weak
    for k in range(1, n):
        ratio = beside[k - 1] / diagonal[k - 1]
        diagonal[k] -= ratio * beside[k - 1]
        for c in range(channels):
            out[k, c] -= ratio * out[k - 1, c]
    for c in range(channels):
        out[n - 1, c] /= diagonal[n - 1]
    for k in range(n - 2, -1, -1):
        for c in range(channels):
            out[k, c] = (out[k, c] - beside[k] * out[k + 1, c]) / diagonal[k]


@njit(cache=True, nogil=True)
def _residual(t, values, count, knots, out):
    _profile(t, values, count, knots, out)
    total = 0.0
    for i in range(t.size):
        k, share = _cell(knots, t[i])
        for c in range(values.shape[1]):
            left = values[i, c] - (1 - share) * out[k, c] - share * out[k + 1, c]
            total += count[i] * left * left
    return total


@njit(cache=True, nogil=True)
def descent(t, by_place, values, knots):
    """The residual of the best profile, and the step of the place (P,) that lowers it (variable projection)."""
    pixels, channels = values.shape
    places = by_place.shape[1]
    ones = np.ones(pixels)
    profile = np.empty((knots.size, channels))
    residual = _residual(t, values, ones, knots, profile)
    jacobian = np.empty((pixels, channels * places))
    left = np.empty((pixels, channels))
    for i in range(pixels):
        k, share = _cell(knots, t[i])
        for c in range(channels):
            left[i, c] = values[i, c] - (1 - share) * profile[k, c] - share * profile[k + 1, c]
            slope = (profile[k + 1, c] - profile[k, c]) / max(knots[k + 1] - knots[k], _TINY)
            for p in range(places):
                jacobian[i, c * places + p] = slope * by_place[i, p]
    # less what the profile can take up itself
    taken = np.empty((knots.size, channels * places))
    _profile(t, jacobian, ones, knots, taken)
    normal, right = np.zeros((places, places)), np.zeros(places)
    for i in range(pixels):
        k, share = _cell(knots, t[i])
        for j in range(channels * places):
            jacobian[i, j] -= (1 - share) * taken[k, j] + share * taken[k + 1, j]
        for c in range(channels):
            for p in range(places):
                right[p] += jacobian[i, c * places + p] * left[i, c]
                for q in range(places):
                    normal[p, q] += jacobian[i, c * places + p] * jacobian[i, c * places + q]
    step = np.zeros(places)
    if places == 1:
        step[0] = right[0] / (normal[0, 0] + _TINY)
    else:
        a, b, d = normal[0, 0] * (1 + 1e-9) + _TINY, normal[0, 1], normal[1, 1] * (1 + 1e-9) + _TINY
        det = max(a * d - b * b, 1e-12 * a * d)
        step[0], step[1] = (d * right[0] - b * right[1]) / det, (a * right[1] - b * right[0]) / det
    return residual, step


@njit(cache=True, nogil=True)
def stops(t, values, count, knots):
    """Colours (K, C) at the knots, and the residual."""
    out = np.empty((knots.size, values.shape[1]))
    return out, _residual(t, values, count, knots, out)


@njit(cache=True, nogil=True)
def one_more_stop(t, values, count, knots, least_gap):
    """The knots with one more where it leaves least; as before if none fits."""
    low, extent = knots[0], knots[-1] - knots[0]
    longer = np.empty(knots.size + 1)
    best, best_residual = knots.copy(), np.inf
    out = np.empty((knots.size + 1, values.shape[1]))
    for place in range(1, _PLACES):
        at = low + extent * place / _PLACES
        k = 0
        while knots[k] < at:
            k += 1
        if at - knots[k - 1] < least_gap or knots[k] - at < least_gap:
            continue
        for i in range(longer.size):
            longer[i] = knots[i] if i < k else at if i == k else knots[i - 1]
        residual = _residual(t, values, count, longer, out)
        if residual < best_residual:
            best, best_residual = longer.copy(), residual
    return best


@njit(cache=True, nogil=True)
def moved(t, values, count, knots, low, high, first, least_gap):
    """The knots moved, one after another, by ever smaller steps, to where they leave least, from low to high;
    those before `first` stay."""
    best = knots.copy()
    out = np.empty((knots.size, values.shape[1]))
    least = _residual(t, values, count, best, out)
    step = (high - low) / _PLACES
    for _ in range(_STEPS):
        for k in range(first, best.size):
            for sign in (-1.0, 1.0):
                before = best[k]
                best[k] = min(max(before + sign * step, low), high)
                apart = (k == 0 or best[k] - best[k - 1] >= least_gap) and (
                    k + 1 == best.size or best[k + 1] - best[k] >= least_gap
                )
                residual = _residual(t, values, count, best, out) if apart else np.inf
                # beyond an end the colour stays: few pixels say whether it does, so they must say it clearly
                clearly = _CLEARLY if k == 0 or k + 1 == best.size else 1.0
                if residual < clearly * least:
                    least = residual
                else:
                    best[k] = before
        step /= 2
    return best
