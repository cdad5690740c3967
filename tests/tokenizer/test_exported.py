"""An exported net gives the features that the net gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dhvt_vectorize.tokenizer.exported import export_features
from dhvt_vectorize.tokenizer.features import FeatureNet
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer


@pytest.fixture(scope="module")
def net() -> FeatureNet:
    return DHVTokenizer.load(device="cpu").features


@pytest.mark.slow
def test_an_exported_net_agrees_at_other_sizes_and_batches(net: FeatureNet, tmp_path: Path) -> None:
    export_features(net, tmp_path / "features.pt2")
    program = torch.export.load(tmp_path / "features.pt2").module()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for batch, height, width in ((1, 8, 8), (3, 36, 64), (2, 100, 44)):
            image, resolved = torch.rand(2, batch, 4, height, width, generator=generator)
            torch.testing.assert_close(program(image, resolved), net(image, resolved), atol=1e-4, rtol=1e-5)
