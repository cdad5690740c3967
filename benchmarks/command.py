"""What the benchmarks' commands have in common: how they end when something that can be expected goes wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dhvt_vectorize.errors import DhvtError


@contextmanager
def errors_end_the_run() -> Iterator[None]:
    """One line on standard error and the error's exit code, for the errors that name their remedy."""
    try:
        yield
    except DhvtError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
