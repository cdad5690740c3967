"""numba kernels that count and pick numbers by their upper bits."""

from __future__ import annotations

import numpy as np

from ..kernel_cache import njit

# what is left of a float64 are its exponent and the first four bits of its fraction
LOWER_BITS = 48


@njit(cache=True, nogil=True)
def count_upper(first, last, numbers):
    """int64 (2^15,): how many of the numbers first…last − 1, none negative, have each value of their upper bits."""
    counts = np.zeros(1 << (63 - LOWER_BITS), np.int64)
    for i in range(first, last):
        counts[numbers[i] >> LOWER_BITS] += 1
    return counts


@njit(cache=True, nogil=True)
def with_upper(numbers, upper, count):
    """The `count` numbers whose upper bits have this value."""
    found = np.empty(count + 1, numbers.dtype)
    end = 0
    for number in numbers:
        # every number is written, and the next one over it unless it stays: no branch that cannot be foretold
        found[end] = number
        end += number >> LOWER_BITS == upper
    return found[:count]
