"""Memory is given back where the C library can, and nowhere else is anything done."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from dhvt_vectorize.tokenizer import hierarchy, spare_memory
from dhvt_vectorize.tokenizer.hierarchy import build_merge_tree


@pytest.fixture(autouse=True)
def _ask_anew() -> None:
    spare_memory._trim.cache_clear()


@pytest.mark.parametrize("error", [AttributeError, OSError, TypeError])
def test_other_libraries_than_glibc_are_left_alone(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(_: object) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    spare_memory.give_back()
    monkeypatch.undo()
    spare_memory._trim.cache_clear()


def test_trees_of_large_images_alone_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(hierarchy, "give_back", lambda: asked.append(True))
    monkeypatch.setattr(hierarchy, "WORTHWHILE_PIXELS", 64)
    values = np.random.default_rng(0).integers(0, 99, (8, 8, 3))
    build_merge_tree(values[:7])
    assert not asked
    build_merge_tree(values)
    assert asked
