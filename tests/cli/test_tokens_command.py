"""`dhvt-vectorize tokens`: a picture of an image's tokens, their number, and a line for whatever goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from dhvt_vectorize.cli import cli


@pytest.fixture(autouse=True)
def in_a_folder_with_a_photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(skimage.data.astronaut()[:80, 180:280]).save("a.png")


def test_an_svg_lies_beside_the_image_and_says_how_many_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["tokens", "a.png", "--count", "25"]) == 0
    assert Path("a-tokens.svg").read_text().count("<path") == 25
    assert "a-tokens.svg: 25 tokens (" in capsys.readouterr().err


def test_a_png_has_the_images_size_and_the_figures_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["tokens", "a.png", "-o", "t.png", "--paint", "levels", "--max-depth", "2", "--json"]) == 0
    with Image.open("t.png") as picture:
        assert picture.size == (100, 80)
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 2
    found = json.loads(capsys.readouterr().out)
    assert found["tokens"] == sum(found["tokens_by_level"])
    assert len(found["tokens_by_level"]) == 2
    assert found["pixels"]["least"] <= found["pixels"]["median"] <= found["pixels"]["greatest"] <= 8000


def test_no_more_tokens_are_drawn_than_asked_for() -> None:
    assert cli.main(["tokens", "a.png", "--detail", "1", "--most", "9", "--quiet"]) == 0
    assert Path("a-tokens.svg").read_text().count("<path") == 9


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["absent.png"], 3, "absent.png"),
        (["a.png", "-o", "a.gif"], 2, ".svg or .png"),
        (["a.png", "--paint", "sizes"], 2, "colors, levels"),
        (["a.png", "--criterion", "best"], 2, "bic, aic"),
        (["a.png", "--count", "0"], 2, "from 1"),
        (["a.png", "--detail", "2"], 2, "from 0 to 1"),
        (["a.png", "-o", "a.png"], 5, "exists already"),
    ],
)
def test_what_goes_wrong_is_one_line(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["tokens", *arguments]) == code
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert words in line
