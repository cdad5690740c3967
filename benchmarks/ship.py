"""A trained checkpoint → the same with calibrated settings and, on its card, scores that anyone can check.

    python -m benchmarks.ship TRAINED.safetensors -o weights/dhvt-base.safetensors [--set NAME=X …] [--name NAME]

The scores are of a small fixed set that every copy of the repository holds, so that a test can measure them anew: the
drawings of `examples/sources` as rasters of 64, 128 and 256 px, clean and degraded (see `pictures.DEGRADATIONS`), and
the photograph among the examples. They say whether a file is what it claims to be; how good it is, is for the large
benchmarks to say.

owned       share of pixels whose region's owner is theirs, cut into twice as many regions as there are truly
            (`ownership.owned`); beside it that of the hand-made rule on raw Lab
photo       explained variation of the photograph at 200 regions
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.tokenizer.checkpoint import load_checkpoint, save_checkpoint
from dhvt_vectorize.tokenizer.config import TokenizerConfig
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

from .command import errors_end_the_run
from .dividers import with_alpha
from .ownership import CLEAN, HAND_MADE, measured, owners, tokenizers
from .partitions import Judge
from .pictures import DEGRADATIONS, Picture, degraded, rasterize, read_rgb

EXAMPLES = Path(__file__).parent.parent / "examples"
SIZES = (64, 128, 256)
PHOTO, PHOTO_REGIONS = "photo.jpg", 200
DIGITS = 5

Scores = dict[str, float]


def scores_of(tokenizer: DHVTokenizer) -> Scores:
    """What the card says, in the order it says it."""
    hand_made = tokenizers([])[HAND_MADE]
    scores: Scores = {}
    for how in (CLEAN, *DEGRADATIONS):
        pictures = [picture if how == CLEAN else degraded(picture, how) for picture in _drawings()]
        for name, each in (("", tokenizer), (f" {HAND_MADE}", hand_made)):
            shares = [measured(each, picture, owners(picture)).owned_at_2k for picture in pictures]
            scores[f"owned {how}{name}"] = round(float(np.mean(shares)), DIGITS)
    scores[f"photo at {PHOTO_REGIONS}"] = round(_explained(tokenizer), DIGITS)
    return scores


def _drawings() -> list[Picture]:
    texts = {path.stem: path.read_text("utf-8") for path in sorted((EXAMPLES / "sources").glob("*.svg"))}
    return [
        Picture(f"examples-{size}", name, rasterize(text, size), text) for name, text in texts.items() for size in SIZES
    ]


def _explained(tokenizer: DHVTokenizer) -> float:
    image = read_rgb(EXAMPLES / PHOTO)
    partition = tokenizer.partition(with_alpha(image), regions=PHOTO_REGIONS)
    return Judge(image, [np.zeros(image.shape[:2], np.uint8)]).figures(partition.labels).ev


def ship(trained: Path, output: Path, name: str, settings: Mapping[str, float]) -> Scores:
    """Write the checkpoint anew; returns its scores.

    Args:
        trained: what `train` wrote.
        output: the file to write.
        name: what the card calls it.
        settings: of `TokenizerConfig`, in place of the trained file's.

    Raises:
        WeightsError: the trained file cannot be used.
        UsageError: a setting is unknown or out of its range.
        OutputError: the output cannot be written.
    """
    checkpoint = load_checkpoint(trained, "cpu")
    config = TokenizerConfig.from_dict({**checkpoint.config.to_dict(), **settings})
    checkpoint.net.config = config
    scores = scores_of(DHVTokenizer(checkpoint.net, config).eval())
    # one that was shipped before says what it scored in training beside what it scored then
    training = checkpoint.card.get("training", checkpoint.card["scores"])
    card = {**checkpoint.card, "name": name, "scores": scores, "training": training, "license": "MIT"}
    save_checkpoint(output, checkpoint.net, config, card)
    return scores


def _settings(assignments: Sequence[str]) -> dict[str, float | bool]:
    settings: dict[str, float | bool] = {}
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        try:
            settings[name] = value == "true" if value in ("true", "false") else float(value)
        except ValueError as error:
            raise UsageError("--set", f"{assignment!r} is no setting", "give NAME=NUMBER, or true or false") from error
    return settings


def main() -> None:
    """Write the file the arguments ask for, and say its scores."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ship", description=__doc__.partition("\n")[0])
    parser.add_argument("trained", type=Path, metavar="TRAINED", help="what `dhvt-vectorize train` wrote")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write")
    parser.add_argument("--name", default="dhvt-base", help="what the card calls it")
    parser.add_argument("--set", nargs="+", default=(), metavar="NAME=X", help="settings of the tokenizer to change")
    chosen = parser.parse_args()
    with errors_end_the_run():
        for name, score in ship(chosen.trained, chosen.output, chosen.name, _settings(chosen.set)).items():
            print(f"{name}: {score}")


if __name__ == "__main__":
    main()
