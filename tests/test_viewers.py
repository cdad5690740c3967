"""Every viewer that is installed shows a drawing as resvg does, and the comparison notices when one does not."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import viewers
from benchmarks.viewers import EXAMPLES, SCALES, VIEWERS, Likeness, Size, Viewer, compare, interior, look, own_size
from dhvt_vectorize import VectorizeOptions, Vectorizer
from dhvt_vectorize.drawing.preview import render
from dhvt_vectorize.errors import InputError

DRAWINGS = sorted(EXAMPLES.glob("*.svg"))
# Measured on the examples and the drawings below, in Chromium 156, Inkscape 1.2 and librsvg 2.54: a PSNR of 43.5 dB or
# more (40.9 of a cutout's alpha), at most 0.13 % of pixels differ, at most 5 levels inside of shapes, but for one pixel
# off the tip of a wedge: 10 in Chromium, which smooths edges otherwise (a plain black circle: 42.9 dB between the two).
LEAST_DB = 38.0
MOST_DIFFERING = 0.004
MOST_INSIDE = 12
# shapes that abut show a seam in one viewer where the other happens to show none: 47 levels measured
MOST_INSIDE_OF_CUTOUTS = 64
CHOICES = {
    "polygons": VectorizeOptions(mode="polygon", fill="gradient"),
    "pixels": VectorizeOptions(mode="pixel", fill="gradient"),
    "flat colours": VectorizeOptions(fill="flat"),
    "cutout": VectorizeOptions(layering="cutout"),
}

# a ramp, a ring with a hole, a half-transparent disc, on nothing
DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" width="120" height="90" viewBox="0 0 120 90"><defs>
<linearGradient id="g" gradientUnits="userSpaceOnUse" x1="10" y1="0" x2="110" y2="0">
<stop offset="0" stop-color="#246"/><stop offset="1" stop-color="#fc8"/></linearGradient></defs>
<path d="M10 8h100v70h-100z" fill="url(#g)"/>
<path d="M20 14c20 -5 30 10 25 30s-25 20 -30 0zM27 24l3 15 8 -12z" fill="#c03"/>
<path d="M70 30c20 -5 40 30 20 55s-40 -10 -20 -55z" fill="#28f" fill-opacity=".5"/></svg>"""
DEFECTS = {
    "a moved shape": ('fill="#c03"', 'fill="#c03" transform="translate(2)"'),
    "a changed colour": ("#c03", "#c10"),
    "a slightly changed colour": ("#c03", "#cc0043"),
    "a missing shape": ('fill="#c03"', 'fill="none"'),
    "a filled hole": ("zM27 24l3 15 8 -12z", "z"),
    "a missing gradient": ("url(#g)", "#246"),
    "a reversed gradient": ('x1="10" y1="0" x2="110"', 'x1="110" y1="0" x2="10"'),
    "another gradient space": ('gradientUnits="userSpaceOnUse" ', ""),
    "a lost opacity": (' fill-opacity=".5"', ""),
    "a missing ground": ('<path d="M10 8h100v70h-100z" fill="url(#g)"/>\n', ""),
    "another view box": ('viewBox="0 0 120 90"', 'viewBox="0 0 121 90"'),
}


def alike(likeness: Likeness, most_inside: int = MOST_INSIDE) -> bool:
    smooth = min(likeness.psnr, likeness.alpha) >= LEAST_DB
    return smooth and likeness.differ <= MOST_DIFFERING and likeness.interior <= most_inside


def smoothed_otherwise(svg: str, width: int, height: int) -> np.ndarray:
    """The drawing with another viewer's anti-aliasing: four times as large, then averaged."""
    larger = render(svg, width * 4, height * 4).astype(float)
    larger[..., :3] *= larger[..., 3:] / 255
    mean = larger.reshape(height, 4, width, 4, 4).mean((1, 3))
    mean[..., :3] *= 255 / np.maximum(mean[..., 3:], 1e-9)
    return np.rint(mean).astype(np.uint8)


def viewer_in_python(code: str, name: str = "other") -> Viewer:
    """A viewer that is a few lines of Python, which know `drawing`, `shot`, `width` and `height`."""
    head = "import sys; drawing, shot, width, height = *sys.argv[1:3], *map(int, sys.argv[3:]);"
    return Viewer(
        name,
        (sys.executable,),
        lambda drawing, shot, size, _: ["-c", head + code, str(drawing), str(shot), *map(str, size.scaled)],
    )


RESVG = viewer_in_python(
    "import resvg_py; from pathlib import Path; svg = Path(drawing).read_text();"
    "Path(shot).write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width, height=height)))",
    "resvg again",
)
ABSENT = Viewer("Nowhere", ("no-such-viewer",), lambda *_: [])


@pytest.fixture(params=VIEWERS, ids=lambda viewer: viewer.name)
def viewer(request: pytest.FixtureRequest) -> Viewer:
    if request.param.program is None:
        pytest.skip(f"{request.param.name} is not installed")
    return request.param


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    path = tmp_path / "drawing.svg"
    path.write_text(DRAWING, "utf-8")
    return path


@pytest.fixture(scope="module")
def vectorizer() -> Vectorizer:
    return Vectorizer(device="cpu")


# --- viewers that are installed -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("file", DRAWINGS, ids=lambda file: file.stem)
def test_a_viewer_shows_the_examples_as_resvg_does(viewer: Viewer, file: Path) -> None:
    rows = look([file], [viewer])
    assert [row.scale for row in rows] == list(SCALES)
    assert [row for row in rows if not row.likeness or not alike(row.likeness)] == []


@pytest.mark.slow
@pytest.mark.parametrize("choice", CHOICES)
def test_a_viewer_shows_what_every_option_writes_as_resvg_does(
    viewer: Viewer, choice: str, vectorizer: Vectorizer, tmp_path: Path
) -> None:
    file = tmp_path / "drawing.svg"
    vectorizer.vectorize(EXAMPLES / "illustration.png", CHOICES[choice]).save(file)
    most_inside = MOST_INSIDE_OF_CUTOUTS if choice == "cutout" else MOST_INSIDE
    rows = look([file], [viewer])
    assert [row for row in rows if not row.likeness or not alike(row.likeness, most_inside)] == []


def test_a_viewer_shows_exact_pixels_exactly(viewer: Viewer) -> None:
    file = EXAMPLES / "pixel-art.svg"
    for scale in SCALES:
        shown = viewer.show(file, Size(32, 32, scale))
        assert shown.shape == (32 * scale, 32 * scale, 4)
        difference = compare(shown, render(file.read_text("utf-8"), 32 * scale, 32 * scale))
        assert (difference.differ, difference.interior) == (0, 0)


@pytest.mark.parametrize("defect", ["a moved shape", "a missing gradient"])
def test_a_viewer_shows_a_defect(viewer: Viewer, defect: str, drawing: Path) -> None:
    drawing.write_text(DRAWING.replace(*DEFECTS[defect]), "utf-8")
    assert not alike(compare(viewer.show(drawing, Size(120, 90, 1)), render(DRAWING, 120, 90)))


# --- the comparison -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [file for file in DRAWINGS if file.stem != "photo"], ids=lambda file: file.stem)
def test_another_antialiasing_is_alike(file: Path) -> None:
    svg = file.read_text("utf-8")
    width, height = own_size(svg)
    assert alike(compare(smoothed_otherwise(svg, width, height), render(svg, width, height)))


def test_the_same_picture_differs_nowhere() -> None:
    picture = render(DRAWING, 120, 90)
    likeness = compare(picture, picture)
    assert (likeness.differ, likeness.interior) == (0, 0)
    assert min(likeness.psnr, likeness.alpha) > 100


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_not_alike(defect: str) -> None:
    kept, changed = DEFECTS[defect]
    assert DRAWING.count(kept) == 1
    assert not alike(compare(render(DRAWING.replace(kept, changed), 120, 90), render(DRAWING, 120, 90)))


@pytest.mark.parametrize("name", ["fill", "gradient", "opacity"])
def test_a_defect_in_one_shape_of_an_example_is_not_alike(name: str) -> None:
    svg = (EXAMPLES / "illustration.svg").read_text("utf-8")
    pattern, changed = {
        "fill": (r'fill="#[0-9a-f]{3,6}"', 'fill="#0a0"'),
        "gradient": (r'fill="url\(#\w+\)"', 'fill="#808080"'),
        "opacity": (r' fill-opacity="[.\d]+"', ""),
    }[name]
    defective, number = re.subn(pattern, changed, svg, count=1)
    assert number == 1
    width, height = own_size(svg)
    assert not alike(compare(render(defective, width, height), render(svg, width, height)))


def test_a_defect_of_alpha_alone_shows() -> None:
    clear, white = np.zeros((9, 9, 4), np.uint8), np.full((9, 9, 4), 255, np.uint8)
    likeness = compare(white, clear)
    assert likeness.psnr > 100
    assert likeness.alpha == 0
    assert (likeness.differ, likeness.interior) == (1, 255)


def test_a_difference_along_an_edge_is_not_inside() -> None:
    picture = np.full((9, 12, 4), 255, np.uint8)
    picture[:, 6:, :3] = 0
    shifted = picture.copy()
    shifted[:, 6, :3] = 100
    likeness = compare(shifted, picture)
    assert likeness.interior == 0
    assert likeness.differ == pytest.approx(1 / 12)
    np.testing.assert_array_equal(np.flatnonzero(~interior(picture)[0]), [5, 6])


def test_a_seam_that_resvg_does_not_show_is_inside() -> None:
    picture = np.full((9, 12, 4), 200, np.uint8)
    seam = picture.copy()
    seam[4, :, :3] = 160
    assert compare(seam, picture).interior > MOST_INSIDE


# --- running viewers ------------------------------------------------------------------------------------------------


def test_what_a_viewer_shows_is_cut_to_the_drawing(drawing: Path) -> None:
    larger = viewer_in_python("from PIL import Image; Image.new('RGB', (width + 5, height + 7), (1, 2, 3)).save(shot)")
    shown = larger.show(drawing, Size(120, 90, 2))
    assert shown.shape == (180, 240, 4)
    assert (shown == (1, 2, 3, 255)).all()


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("sys.exit('no display')", "other: no display"),
        ("sys.exit(3)", "exit code 3"),
        ("pass", "other wrote no picture of it"),
        ("from PIL import Image; Image.new('RGB', (width, height - 1)).save(shot)", "shows 120×89 pixels of 120×90"),
    ],
)
def test_a_viewer_that_fails_says_why(code: str, cause: str, drawing: Path) -> None:
    with pytest.raises(InputError, match=cause):
        viewer_in_python(code).show(drawing, Size(120, 90, 1))


def test_a_viewer_that_hangs_is_left(drawing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewers, "LONGEST_SECONDS", 0.2)
    with pytest.raises(InputError, match=r"took more than 0\.2 s"):
        viewer_in_python("import time; time.sleep(20)").show(drawing, Size(120, 90, 1))


def test_an_absent_viewer_is_named_as_absent(
    drawing: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(viewers, "VIEWERS", (RESVG, ABSENT))
    viewers.main([str(drawing)])
    printed = capsys.readouterr().out
    assert "Nowhere: absent" in printed
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines() if "×" in line]
    assert rows == [
        ["drawing.svg", "resvg again", "1×", "108.1", "108.1", "0.00000", "0"],
        ["drawing.svg", "Nowhere", "1×", *["absent"] * 4],
        ["drawing.svg", "resvg again", "2×", "108.1", "108.1", "0.00000", "0"],
        ["drawing.svg", "Nowhere", "2×", *["absent"] * 4],
    ]
    with pytest.raises(InputError, match="Nowhere: is not installed"):
        ABSENT.show(drawing, Size(120, 90, 1))


def test_the_figures_are_there_as_json(
    drawing: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(viewers, "VIEWERS", (RESVG, ABSENT))
    viewers.main([str(drawing.parent), "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert printed["viewers"][1] == "Nowhere: absent"
    assert [(row["viewer"], row["scale"]) for row in printed["rows"]][:2] == [("resvg again", 1), ("Nowhere", 1)]
    assert printed["rows"][0]["likeness"]["interior"] == 0
    assert printed["rows"][1]["likeness"] is None


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [("missing.svg", None, "No such file"), ("words.svg", b"words", "cannot be drawn"), ("empty", "", "has no SVG")],
)
def test_files_that_cannot_be_shown_are_named(
    name: str, content: bytes | str | None, cause: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if content == "":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(SystemExit) as stop:
        viewers.main([str(path)])
    assert stop.value.code == InputError.exit_code
    error = capsys.readouterr().err
    assert name in error
    assert cause in error


def test_pictures_keep_their_alpha(drawing: Path) -> None:
    shown = RESVG.show(drawing, Size(120, 90, 1))
    np.testing.assert_array_equal(shown, render(DRAWING, 120, 90))
    assert set(np.unique(Image.fromarray(shown).getchannel("A"))) >= {0, 255}
