"""numbers → the one at a given place in their order, exactly, without sorting them.

The bits of floats that are not negative are in the order of the floats. So numbers are counted by their upper bits, in
parts, and only those that share theirs with the one that is looked for are compared.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from . import _rank_kernels
from .parts import in_parts

# fewer numbers are not worth counting
_FEW = 1 << 14


def number_at(place: int, numbers: Float[np.ndarray, "n"]) -> float:
    """The number that would stand at `place`, from 0, if they were sorted; float64, contiguous, none negative."""
    if len(numbers) < _FEW:
        return float(np.partition(numbers, place)[place])
    bits = numbers.view(np.int64)
    counts = sum(in_parts(len(bits), lambda first, last: _rank_kernels.count_upper(first, last, bits)))
    ends = np.cumsum(counts)
    upper = int(np.searchsorted(ends, place, side="right"))
    count = int(counts[upper])
    place -= int(ends[upper]) - count
    alike = _rank_kernels.with_upper(bits, upper, count).view(np.float64)
    return float(np.partition(alike, place)[place])
