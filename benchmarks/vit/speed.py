"""What tokenizers cost beside a backbone at random, on photographs: no training.

    python -m benchmarks.vit.speed CONFIG.toml [--size 224] [--width 384 --depth 12 --heads 6]

The entrants are those of CONFIG (a file, or the name of one in benchmarks/vit/configs), but for those that are trained
along; the photographs are Kodak's (shared `data/kodak`), their middle squares; the backbone is by default as wide and
deep as ViT-S.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from ..command import errors_end_the_run
from ..pictures import kodak_paths
from ..tables import markdown_table
from .config import CONFIGS, BackboneConfig, Comparison, Schedule, read_config
from .data import Picture, squared


def main() -> None:
    """Read the configuration, measure, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vit.speed", description=__doc__.partition("\n")[0])
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a TOML file, or the name of a shipped one")
    for name, default in (("size", 224), ("width", 384), ("depth", 12), ("heads", 6)):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"default {default}")
    chosen = parser.parse_args()
    with errors_end_the_run():
        path = chosen.config if chosen.config.exists() else CONFIGS / chosen.config.name
        backbone = BackboneConfig(width=chosen.width, depth=chosen.depth, heads=chosen.heads, side=16)
        print(table(read_config(path), backbone, photographs(chosen.size)))


def photographs(size: int) -> list[Picture]:
    """The middle squares of Kodak's photographs."""
    import numpy as np

    pictures = []
    for path in kodak_paths():
        with Image.open(path) as image:
            pictures.append(np.array(squared(image.convert("RGB"), size, Image.Resampling.BICUBIC)))
    return pictures


def table(comparison: Comparison, backbone: BackboneConfig, pictures: Sequence[Picture]) -> str:
    """Entrant × cost."""
    import torch

    from .measure import cost
    from .models import model_of

    lines = []
    for name, entrant in comparison.entrants.items():
        if entrant.trained:
            continue
        torch.manual_seed(0)
        model = model_of(entrant, backbone, Schedule(), segments=False, classes=10)
        found = cost(model, pictures, [0] * len(pictures))
        tokens = sum(len(model.tokens(picture)) for picture in pictures) / len(pictures)
        both = 1 / (1 / found.tokenizer_rate + 1 / found.backbone_rate)
        figures = (found.tokenizer_rate, found.backbone_rate, both)
        lines.append([name, f"{tokens:.1f}", f"{found.gigaflops:.2f}", *(f"{rate:.1f}" for rate in figures)])
    headings = ["tokenizer", "tokens", "GFLOPs", "tokenizer, images/s", "backbone, images/s", "both, images/s"]
    return markdown_table(f"{len(pictures)} photographs of {pictures[0].shape[0]} px", headings, lines)


if __name__ == "__main__":
    main()
