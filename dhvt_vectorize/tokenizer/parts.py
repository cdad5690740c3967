"""Work on ranges of an array, on several threads where that pays; the kernels release the interpreter lock.

Every part writes or returns its own range, so the result does not depend on the number of threads. NUMBA_NUM_THREADS
bounds them, as it does numba's own; a batch's workers set it to 1.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

Result = TypeVar("Result")

SMALLEST_PART = 8192  # below this a thread costs more than it saves
MOST_THREADS = 4


def in_parts(count: int, work: Callable[[int, int], Result], smallest: int | None = None) -> list[Result]:
    """Call `work(first, last)` on ranges that cover 0…count, none below `smallest`; their results in order."""
    parts = max(1, min(_threads(), count // (smallest or SMALLEST_PART)))
    bounds = [count * part // parts for part in range(parts + 1)]
    if parts == 1:
        return [work(0, count)]
    return list(_pool().map(work, bounds[:-1], bounds[1:]))


def on_threads(work: Callable[..., Result], *items: Sequence[Any]) -> list[Result]:
    """Call `work` on each item, or on one of each sequence, several at a time; their results in order.

    What `work` does in parts is done on threads of its own, so that nothing here waits for itself.
    """
    if len(items[0]) == 1 or _threads() == 1:
        return [work(*each) for each in zip(*items, strict=True)]
    with ThreadPoolExecutor(_threads(), thread_name_prefix="dhvt-images") as pool:
        return list(pool.map(work, *items))


def _threads() -> int:
    asked = os.environ.get("NUMBA_NUM_THREADS", "")
    return min(MOST_THREADS, int(asked) if asked.isdigit() and int(asked) > 0 else _cores())


@cache
def _cores() -> int:
    # asked of the system each time it takes as long as a small part: a small tree is asked for some 200 times
    return os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="dhvt")
