"""Hypothesis draws the same examples every time, so that a failure on one machine is a failure on all.

Being here also puts this folder on the import path, for the helper modules beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("repeatable")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """torch on one thread: of many small sums, several threads make much waiting where processes share the cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
