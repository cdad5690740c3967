"""An exported net gives the features that the net gives."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.tokenizer.exported import export_features
from dhvt_vectorize.tokenizer.features import FeatureNet
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer


@pytest.fixture(scope="module")
def net() -> FeatureNet:
    return DHVTokenizer.load(device="cpu").features


def _agrees(net: FeatureNet, program: Callable[[Tensor, Tensor], Tensor], atol: float) -> None:
    """Whatever the size and the batch."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for batch, height, width in ((1, 8, 8), (3, 36, 64), (2, 100, 44)):
            image, resolved = torch.rand(2, batch, 4, height, width, generator=generator)
            torch.testing.assert_close(program(image, resolved), net(image, resolved), atol=atol, rtol=1e-5)


@pytest.mark.slow
def test_an_exported_net_agrees_at_other_sizes_and_batches(net: FeatureNet, tmp_path: Path) -> None:
    export_features(net, tmp_path / "features.pt2")
    _agrees(net, torch.export.load(tmp_path / "features.pt2").module(), 1e-4)


@pytest.mark.slow
def test_onnx_runtime_agrees_too(net: FeatureNet, tmp_path: Path) -> None:
    for library in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(library, reason=f"{library} is not installed: pip install '.[onnx]'")
    import onnxruntime

    export_features(net, tmp_path / "features.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "features.onnx", providers=["CPUExecutionProvider"])

    def program(image: Tensor, resolved: Tensor) -> Tensor:
        given = {"image": image.numpy(), "resolved": resolved.numpy()}
        return torch.from_numpy(session.run(["features"], given)[0])

    _agrees(net, program, 1e-3)  # Lab units; what is built on is rounded to sixteenths


def test_without_the_library_the_message_says_what_to_install(
    net: FeatureNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UsageError, match=r"onnx.*\[onnx\]"):
        export_features(net, tmp_path / "features.onnx")
    assert not (tmp_path / "features.onnx").exists()
