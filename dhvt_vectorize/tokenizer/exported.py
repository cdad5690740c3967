"""FeatureNet → a program that runs without this package: torch.export's .pt2, or ONNX's .onnx.

In: a net. Out: a file for `torch.export.load`, ONNX Runtime, or whatever else takes one of the two. It maps two float32
(B, 4, H, W), the image and the same with its rims resolved (or twice the image), to features (B, C, H, W); B is free, H
and W are multiples of 4, the step of the net's reduced resolution.
"""

from __future__ import annotations

import io
from pathlib import Path

import torch

from ..errors import UsageError
from ..output import write_atomically
from .features import FeatureNet

STEP = 4
_LARGEST = 4096


def export_features(net: FeatureNet, path: str | Path) -> None:
    """Write the net's program: ONNX's where the path ends in .onnx, else torch.export's.

    Raises:
        UsageError: ONNX is wanted, and what writes it is not installed.
        OutputError: the file cannot be written.
    """
    was_training = net.training
    net.eval()
    # two tensors: one given twice would be taken for one input
    examples = tuple(torch.zeros(2, 4, 8 * STEP, 10 * STEP) for _ in range(2))
    sides = [STEP * torch.export.Dim(name, min=2, max=_LARGEST) for name in ("rows", "columns")]
    free = {0: torch.export.Dim("batch"), 2: sides[0], 3: sides[1]}
    # with gradients on, so that the net does not ask its weights whether it has been trained
    with torch.enable_grad():
        program = torch.export.export(net, examples, dynamic_shapes=(free, free))
    write_atomically(path, (_onnx if Path(path).suffix.lower() == ".onnx" else _pt2)(program))
    net.train(was_training)


def _pt2(program: torch.export.ExportedProgram) -> bytes:
    content = io.BytesIO()
    torch.export.save(program, content)
    return content.getvalue()


def _onnx(program: torch.export.ExportedProgram) -> bytes:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UsageError("onnx", "is not installed", "pip install 'dhvt-vectorize[onnx]'") from error
    with torch.no_grad():
        made = torch.onnx.export(
            program, input_names=["image", "resolved"], output_names=["features"], dynamo=True, verbose=False
        )
    assert made is not None
    content: bytes = made.model_proto.SerializeToString()
    return content
