"""SVG files → how alike resvg, Chromium, Inkscape and librsvg show them: one table.

    python -m benchmarks.viewers [FILE or FOLDER …] [--json]        default: examples/*.svg

Every viewer opens the file itself and draws it at its own size and at twice that, on nothing, so that transparency can
be compared. resvg is what all other figures are measured on, so it is what the others are held against:

psnr        dB over white
alpha       dB of the alpha channel alone
differ      share of pixels that differ by more than 32 levels over white or in alpha
interior    greatest difference, in levels over white or of alpha, where the 3×3 pixels around are flat in resvg

Along edges viewers differ by right: each counts a pixel's coverage its own way. Inside of shapes they have no such
freedom: a colour, a gradient, an opacity or a shape that one of them reads differently shows in `interior`. So does a
seam that the other viewer shows and resvg does not, as between the abutting shapes of a cutout.

A viewer that is not installed is named as absent; Debian has them as chromium, inkscape and librsvg2-bin. Limits: a
shape of which no pixel has flat surroundings is covered by psnr, alpha and differ alone; Chromium runs without its
sandbox, which it cannot have in most containers, so give it only drawings that you trust.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image
from scipy.ndimage import maximum_filter, minimum_filter

from dhvt_vectorize.drawing.preview import over, render_png
from dhvt_vectorize.errors import InputError

from .command import errors_end_the_run
from .scoring import WHITE, psnr, render
from .tables import markdown_table

EXAMPLES = Path(__file__).parent.parent / "examples"
SCALES = (1, 2)
VISIBLE = 32
# a gradient that rises by two levels a pixel still counts as flat, and so its colours are compared
FLAT = 4
# in some versions Chromium shows less of a page than its window is high
WINDOW_MARGIN = 128
LONGEST_SECONDS = 120.0

RgbaArray = UInt8[np.ndarray, "height width 4"]


@dataclass(frozen=True)
class Size:
    """Of a drawing, in pixels at scale 1, and how many times larger it is to be shown."""

    width: int
    height: int
    scale: int

    @property
    def scaled(self) -> tuple[int, int]:
        """Width and height of what is shown."""
        return self.width * self.scale, self.height * self.scale


@dataclass(frozen=True)
class Viewer:
    """A program that shows SVG files.

    Attributes:
        name: what people call it.
        programs: its command, under each name it is known by.
        arguments: (drawing, PNG to write, size, empty folder) → the command's arguments.
    """

    name: str
    programs: tuple[str, ...]
    arguments: Callable[[Path, Path, Size, Path], Sequence[str]]

    @property
    def program(self) -> str | None:
        """The command's full path; None where it is not installed."""
        return next(filter(None, map(shutil.which, self.programs)), None)

    def version(self) -> str:
        """What the viewer calls itself, or that it is absent."""
        if self.program is None:
            return f"{self.name}: absent"
        with tempfile.TemporaryDirectory() as folder:
            return _run(self, ["--version"], Path(folder)).strip()

    def show(self, drawing: Path, size: Size) -> RgbaArray:
        """What the viewer shows of a file, with straight alpha.

        Raises:
            InputError: the viewer is absent, fails, or shows less than the whole drawing.
        """
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            shot, profile = Path(folder) / "shot.png", Path(folder) / "profile"
            profile.mkdir()
            _run(self, self.arguments(drawing.resolve(), shot, size, profile), profile)
            if not shot.exists():
                raise InputError(drawing, f"{self.name} wrote no picture of it", "open it in the viewer to see why")
            with Image.open(shot) as picture:
                shown = np.asarray(picture.convert("RGBA"))
        width, height = size.scaled
        if shown.shape[0] < height or shown.shape[1] < width:
            cause = f"{self.name} shows {shown.shape[1]}×{shown.shape[0]} pixels of {width}×{height}"
            raise InputError(drawing, cause, "use a smaller drawing")
        return shown[:height, :width]


def _chromium(drawing: Path, shot: Path, size: Size, profile: Path) -> list[str]:
    # no network, no first-run pages, nothing of the user's; the page behind the drawing is clear
    quiet = ["disable-background-networking", "disable-component-update", "disable-sync", "disable-quic"]
    alone = ["no-sandbox", "disable-gpu", "no-first-run", "hide-scrollbars", f"user-data-dir={profile}"]
    window = f"window-size={size.width + WINDOW_MARGIN},{size.height + WINDOW_MARGIN}"
    page = [window, f"force-device-scale-factor={size.scale}", "default-background-color=00000000"]
    return [f"--{flag}" for flag in ("headless", *quiet, *alone, *page, f"screenshot={shot}")] + [drawing.as_uri()]


def _inkscape(drawing: Path, shot: Path, size: Size, profile: Path) -> list[str]:
    width, height = size.scaled
    export = ["type=png", "area-page", f"width={width}", f"height={height}", f"filename={shot}"]
    return [*(f"--export-{setting}" for setting in export), str(drawing)]


def _librsvg(drawing: Path, shot: Path, size: Size, profile: Path) -> list[str]:
    width, height = size.scaled
    return [f"--width={width}", f"--height={height}", f"--output={shot}", str(drawing)]


VIEWERS = (
    Viewer("Chromium", ("chromium", "chromium-browser", "google-chrome"), _chromium),
    Viewer("Inkscape", ("inkscape",), _inkscape),
    Viewer("librsvg", ("rsvg-convert",), _librsvg),
)


@dataclass(frozen=True)
class Likeness:
    """How alike two pictures of one drawing are; see this module's docstring."""

    psnr: float
    alpha: float
    differ: float
    interior: int


@dataclass(frozen=True)
class Row:
    """One drawing in one viewer at one scale; None where the viewer is absent."""

    file: str
    viewer: str
    scale: int
    likeness: Likeness | None


def compare(shown: RgbaArray, reference: RgbaArray) -> Likeness:
    """How alike two pictures are.

    Args:
        shown: with straight alpha, as the viewer under test shows it.
        reference: the same size, as resvg shows it.

    Raises:
        ValueError: the sizes differ.
    """
    first, second = _over_white_and_alpha(shown), _over_white_and_alpha(reference)
    similarity = psnr(first[..., :3], second[..., :3]), psnr(first[..., 3], second[..., 3])
    difference = np.abs(first.astype(np.int16) - second).max(axis=2)
    inside = interior(second)
    return Likeness(*similarity, float((difference > VISIBLE).mean()), int(difference[inside].max(initial=0)))


def interior(picture: RgbaArray) -> Bool[np.ndarray, "height width"]:
    """Pixels whose 3×3 neighbourhood spans at most FLAT levels in every channel; beyond the rim nothing counts."""
    around = (3, 3, 1)
    span = maximum_filter(picture, around, mode="nearest") - minimum_filter(picture, around, mode="nearest")
    return np.asarray((span <= FLAT).all(axis=2))


def own_size(svg: str) -> tuple[int, int]:
    """A drawing's width and height in pixels, as it says itself."""
    with Image.open(io.BytesIO(render_png(svg))) as picture:
        return picture.size


def look(files: Iterable[Path], viewers: Sequence[Viewer]) -> list[Row]:
    """Every drawing in every viewer at every scale.

    Raises:
        InputError: a file cannot be read or drawn.
    """
    rows = []
    for file in files:
        svg, (width, height) = _read(file)
        for scale in SCALES:
            reference = render(svg, width * scale, height * scale)
            for viewer in viewers:
                shown = viewer.show(file, Size(width, height, scale)) if viewer.program else None
                likeness = None if shown is None else compare(shown, reference)
                rows.append(Row(file.name, viewer.name, scale, likeness))
    return rows


def viewers_table(rows: Iterable[Row]) -> str:
    """File × viewer × scale: how alike."""
    lines = []
    for row in rows:
        like = row.likeness
        cells = [f"{like.psnr:.1f}", f"{like.alpha:.1f}", f"{like.differ:.5f}", f"{like.interior}"] if like else []
        lines.append([row.file, row.viewer, f"{row.scale}×", *(cells or ["absent"] * 4)])
    headings = ["file", "viewer", "scale", "psnr", "alpha", "differ", "interior"]
    return markdown_table("Viewers against resvg", headings, lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Show what the arguments name (default: the process's own) in every viewer, and print how alike it looks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.viewers", description=__doc__.partition("\n")[0])
    parser.add_argument("sources", nargs="*", type=Path, default=[EXAMPLES], metavar="FILE", help="SVGs, or folders")
    parser.add_argument("--json", action="store_true", help="print JSON, not a table")
    chosen = parser.parse_args(arguments)
    with errors_end_the_run():
        rows = look(list(_files(chosen.sources)), VIEWERS)
        versions = [viewer.version() for viewer in VIEWERS]
    if chosen.json:
        print(json.dumps({"viewers": versions, "rows": [asdict(row) for row in rows]}, indent=1, ensure_ascii=False))
    else:
        print("\n".join([*versions, "", viewers_table(rows)]))


def _files(sources: Iterable[Path]) -> Iterable[Path]:
    for source in sources:
        found = sorted(source.glob("*.svg")) if source.is_dir() else [source]
        if not found:
            raise InputError(source, "has no SVG", "name a folder with .svg files, or the files themselves")
        yield from found


def _read(file: Path) -> tuple[str, tuple[int, int]]:
    try:
        svg = file.read_text("utf-8")
        return svg, own_size(svg)
    except OSError as error:
        raise InputError(file, error.strerror or "cannot be read", "check the path") from error
    except ValueError as error:
        raise InputError(file, f"cannot be drawn: {error}", "give an SVG file") from error


def _over_white_and_alpha(picture: RgbaArray) -> RgbaArray:
    white = over(Image.fromarray(picture), WHITE)
    return np.dstack([np.asarray(white), picture[..., 3]])


def _run(viewer: Viewer, arguments: Sequence[str], profile: Path) -> str:
    """Run the viewer's command with settings of its own, and return what it prints."""
    if viewer.program is None:
        raise InputError(viewer.name, "is not installed", f"install {viewer.programs[0]}")
    settings = {**os.environ, "INKSCAPE_PROFILE_DIR": str(profile)}
    try:
        command = [viewer.program, *arguments]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        raise InputError(viewer.name, f"took more than {LONGEST_SECONDS:g} s", "try a smaller drawing") from None
    if done.returncode:
        last_line = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise InputError(viewer.name, last_line or f"exit code {done.returncode}", "open the drawing in it to see why")
    return done.stdout


if __name__ == "__main__":
    main()
