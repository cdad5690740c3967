"""The shipped weights: they are the file that their page describes, and they score what their card says."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.ownership import CLEAN, HAND_MADE
from benchmarks.pictures import DEGRADATIONS
from benchmarks.ship import scores_of, ship
from dhvt_vectorize.errors import UsageError
from dhvt_vectorize.tokenizer.checkpoint import load_checkpoint
from dhvt_vectorize.tokenizer.config import default_weights_path
from dhvt_vectorize.tokenizer.tokenizer import DHVTokenizer

PAGE = Path(__file__).parent.parent / "weights" / "README.md"
# processors differ in the last bits of a convolution, and a pixel may change sides for them
ROUNDING = 2e-3


def test_their_page_names_their_hash() -> None:
    assert f"`{load_checkpoint().sha256}`" in PAGE.read_text("utf-8")


@pytest.mark.slow
def test_they_score_what_their_card_says() -> None:
    card = load_checkpoint(device="cpu").card["scores"]
    measured = scores_of(DHVTokenizer.load(device="cpu").eval())
    assert measured.keys() == card.keys()
    assert measured == pytest.approx(card, abs=ROUNDING)


def test_they_own_as_much_as_the_hand_made_rule_on_a_few_drawings_and_more_in_the_mean() -> None:
    # it takes many pictures to see what learning is worth: `benchmarks.ownership` has them
    card = load_checkpoint(device="cpu").card["scores"]
    assert set(DEGRADATIONS) | {CLEAN} == {name.split()[1] for name in card if name.startswith("owned")}
    learned, ruled = (
        [card[f"owned {how}{whose}"] for how in (CLEAN, *DEGRADATIONS)] for whose in ("", f" {HAND_MADE}")
    )
    assert all(own > theirs - ROUNDING for own, theirs in zip(learned, ruled, strict=True))
    assert sum(learned) > sum(ruled)


@pytest.mark.slow
def test_shipping_changes_settings_and_card_and_nothing_else(tmp_path: Path) -> None:
    trained, output = load_checkpoint(default_weights_path(), "cpu"), tmp_path / "shipped.safetensors"
    scores = ship(default_weights_path(), output, "mine", {"variance_floor": 3.0})
    shipped = load_checkpoint(output, "cpu")
    assert shipped.config.variance_floor == 3.0
    assert shipped.card["name"] == "mine"
    assert shipped.card["scores"] == scores
    assert shipped.card["method"] == trained.card["method"]
    for one, other in zip(shipped.net.state_dict().values(), trained.net.state_dict().values(), strict=True):
        assert one.equal(other)


def test_a_setting_out_of_its_range_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="variance_floor"):
        ship(default_weights_path(), tmp_path / "shipped.safetensors", "mine", {"variance_floor": -1.0})
    assert not list(tmp_path.iterdir())
