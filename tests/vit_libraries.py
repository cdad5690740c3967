"""timm and transformers for the tests, or why they are skipped.

timm imports torchvision, whose wheel may be of another build than torch's: its Python part then looks for operators
that nothing here calls. Declaring them lets it import.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

_OPERATORS = ("nms", "qnms")
_kept: list[torch.library.Library] = []


def library(name: str) -> Any:
    """The library, imported; the test is skipped where it is not installed."""
    try:
        import torchvision  # noqa: F401
    except ImportError:
        pass
    except RuntimeError:
        _kept.append(torch.library.Library("torchvision", "FRAGMENT"))
        for operator in _OPERATORS:
            _kept[-1].define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return pytest.importorskip(name, reason=f"{name} is not installed: pip install '.[vit]'")
