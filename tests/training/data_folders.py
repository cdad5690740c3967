"""Folders of training data of each kind, written for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from drawings import IN_USER_SPACE, RED_ON_BLUE, svg
from image_files import encoded

from dhvt_vectorize.training.shards import pack
from dhvt_vectorize.training.sources import open_source

TRIANGLE = '<path d="M1 2L19 5L8 18Z" fill="#0a0"/>'
SHADED = IN_USER_SPACE + '<rect x="3" y="3" width="14" height="9" fill="url(#g)" stroke="#123456"/>'
DRAWINGS = {"a.svg": RED_ON_BLUE, "b.svg": TRIANGLE, "inner/c.svg": SHADED}
SIZES = {"one": (20, 30), "two": (26, 18)}


def write_drawings(folder: Path) -> Path:
    for name, body in DRAWINGS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(svg(body))
    return folder


def write_maps(folder: Path, annotators: int = 2) -> Path:
    """Images whose red channel is the first label map; further maps are coarser."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (height, width) in SIZES.items():
        labels = (np.add.outer(np.arange(height) // 7, np.arange(width) // 5) + 1).astype(np.uint8)
        image = np.stack([labels, labels * 20, 0 * labels], 2)
        (folder / f"{name}.png").write_bytes(encoded(image, "PNG"))
        for annotator in range(annotators):
            (folder / f"{name}-{annotator}.png").write_bytes(encoded(labels // (annotator + 1), "PNG"))
    return folder


def write_images(folder: Path, names: tuple[str, ...] = ("x.png", "y.jpg"), size: int = 24) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(3)
    for name in names:
        pixels = random.integers(0, 256, (size, size + 4, 3), np.uint8)
        (folder / name).write_bytes(encoded(pixels, "PNG" if name.endswith("png") else "JPEG"))
    return folder


def write_classes(folder: Path) -> Path:
    for name in ("dogs", "cats"):
        write_images(folder / name)
    return folder


def write_shards(folder: Path) -> Path:
    pack(open_source(write_drawings(folder / "drawings"), "regions"), folder / "shards", 5, 24, seed=1)
    return folder / "shards"


# what `open_source` knows: name → (writer, task)
FOLDERS = {
    "svg": (write_drawings, "regions"),
    "svg-images": (write_drawings, "reconstruct"),
    "shards": (write_shards, "regions"),
    "shard-images": (write_shards, "reconstruct"),
    "maps": (write_maps, "regions"),
    "masks": (write_maps, "segment"),
    "images": (write_images, "reconstruct"),
    "classes": (write_classes, "classify"),
}
