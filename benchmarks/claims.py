"""Measurements → what this project must show: each line with the measured figure, the bound, and ok or MISS.

A line whose measurement was not made says so. A line is held against means or medians over a set; a tool that
failed on any picture of the set misses every line about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .costs import AdversarialTime, StartTimes
from .memory import PHOTOGRAPH
from .runs import PROJECT, project_with
from .summary import TRUTH, Row

PEER = "vtracer"
KODAK_PSNR = {256: 25.8, 512: 27.0, 1024: 28.2}
EMOJI_SET = "emoji-256"
# by set: least SSIM at four times the size, most segments over the true SVG's: of the medians, and the median of ratios
DRAWINGS = {"emoji-256": (0.98, 1.5), "icons-256": (0.98, 1.5), "clipart-512": (0.96, 2.0)}
# of those at 256 px: least PSNR, most shapes over the true SVG's by the median, most conflation beyond the true SVG's
SMALL_PSNR, SMALL_SHAPES, SMALL_CONFLATION = 34.0, 1.5, 0.003
OK, MISS, UNKNOWN = "ok", "MISS", "not measured"


@dataclass(frozen=True)
class Claim:
    """One line: what must hold, what was measured, the bound, and OK, MISS or UNKNOWN."""

    what: str
    measured: str
    bound: str
    verdict: str


@dataclass(frozen=True)
class Measurements:
    """All that was measured in a run; None or empty where it was not."""

    rows: Sequence[Row] = ()
    start: StartTimes | None = None
    adversarial: Sequence[AdversarialTime] = ()
    memory: dict[str, float] | None = None


def claims(measured: Measurements) -> list[Claim]:
    """All lines, in the order of the project's requirements."""
    return [
        *_kodak_by_regions(measured.rows),
        *_against_peer(measured.rows),
        *_against_truth(measured.rows),
        *_start(measured.start),
        *_memory(measured.memory),
        *_adversarial(measured.adversarial),
    ]


def _kodak_by_regions(rows: Sequence[Row]) -> Iterator[Claim]:
    for regions, psnr in KODAK_PSNR.items():
        row = _find(rows, "kodak", project_with(regions))
        label = f"kodak, {regions} regions"
        yield _at_least(f"{label}: mean PSNR in dB", _mean(row, "psnr"), psnr, row)
        most_shapes = None if row is None else row.highest["shapes"]
        yield _at_most(f"{label}: shapes, of the worst image", most_shapes, 1.1 * regions, row, "{:.0f}")
        yield _at_most(f"{label}: mean conflation", _mean(row, "conflation"), 0.01, row, "{:.4f}")


def _against_peer(rows: Sequence[Row]) -> Iterator[Claim]:
    own, peer = (_find(rows, "kodak", tool) for tool in (PROJECT, PEER))
    yield _at_least(f"kodak, default: mean PSNR, of {PEER}", _mean(own, "psnr"), _mean(peer, "psnr"), own)
    for name in ("shapes", "bytes"):
        yield _below(f"kodak, default: mean {name}, of {PEER}", _mean(own, name), _mean(peer, name), own)
    time_own, time_peer = _mean(own, "seconds"), _mean(peer, "seconds")
    yield _at_most(f"kodak, default: mean seconds, of {PEER}", time_own, time_peer, own, "{:.3f}")
    own, peer = (_find(rows, EMOJI_SET, tool) for tool in (PROJECT, PEER))
    peer_psnr = _mean(peer, "psnr")
    bound = None if peer_psnr is None else peer_psnr + 2
    yield _at_least(f"{EMOJI_SET}: mean PSNR, 2 dB above {PEER}", _mean(own, "psnr"), bound, own)
    yield _below(f"{EMOJI_SET}: mean segments, of {PEER}", _mean(own, "segments"), _mean(peer, "segments"), own)
    yield _at_most(f"{EMOJI_SET}: mean shapes, of {PEER}", _mean(own, "shapes"), _mean(peer, "shapes"), own, "{:.1f}")


def _against_truth(rows: Sequence[Row]) -> Iterator[Claim]:
    for name, (ssim, segments) in DRAWINGS.items():
        own, truth = _find(rows, name, PROJECT), _find(rows, name, TRUTH)
        ratio = "over the true SVG's, median"
        yield _at_least(f"{name}: mean SSIM at 4×", _mean(own, "ssim4x"), ssim, own, "{:.4f}")
        true = _median(truth, "segments")
        most = None if true is None else segments * true
        what = f"{name}: median segments, of {segments} times the true SVGs'"
        yield _at_most(what, _median(own, "segments"), most, own, "{:.1f}")
        yield _at_most(f"{name}: segments {ratio}", _median(own, "segments_ratio"), segments, own)
        if not name.endswith("-256"):
            continue
        yield _at_least(f"{name}: mean PSNR in dB", _mean(own, "psnr"), SMALL_PSNR, own)
        yield _at_most(f"{name}: shapes {ratio}", _median(own, "shapes_ratio"), SMALL_SHAPES, own)
        true = _mean(truth, "conflation")
        most = None if true is None else true + SMALL_CONFLATION
        what = f"{name}: mean conflation, {SMALL_CONFLATION} above the true SVG's"
        yield _at_most(what, _mean(own, "conflation"), most, own, "{:.4f}")


def _start(start: StartTimes | None) -> Iterator[Claim]:
    yield _at_most("start: --help, seconds", start.help if start else None, 0.3)
    yield _at_most("start: a 256-px emoji, whole process, seconds", start.emoji if start else None, 3.0)


def _memory(memory: dict[str, float] | None) -> Iterator[Claim]:
    yield _below("memory at 4 MP: bytes a pixel, of the worst image", max(memory.values()) if memory else None, 1024)


def _adversarial(times: Sequence[AdversarialTime]) -> Iterator[Claim]:
    # what grows by a quarter more than the pixels is still taken for linear: larger images leave the caches
    hurt = [time for time in times if time.image != PHOTOGRAPH]
    for index, size in enumerate(("1 MP", "4 MP")):
        worst = max((time.times_photograph[index] for time in hurt), default=None)
        yield _at_most(f"adversarial, {size}: times a photograph, of the worst", worst, 3.0)
    growth = max((time.growth for time in times), default=None)
    yield _at_most("adversarial: seconds a pixel at 4 MP over 1 MP, of the worst", growth, 1.25)


def _find(rows: Sequence[Row], set_name: str, tool: str) -> Row | None:
    return next((row for row in rows if (row.set_name, row.tool) == (set_name, tool)), None)


def _mean(row: Row | None, name: str) -> float | None:
    return None if row is None else row.mean[name]


def _median(row: Row | None, name: str) -> float | None:
    return None if row is None else row.median[name]


def _at_least(
    what: str, value: float | None, bound: float | None, row: Row | None = None, digits: str = "{:.2f}"
) -> Claim:
    return _claim(what, value, bound, "≥", row, digits)


def _at_most(
    what: str, value: float | None, bound: float | None, row: Row | None = None, digits: str = "{:.2f}"
) -> Claim:
    return _claim(what, value, bound, "≤", row, digits)


def _below(what: str, value: float | None, bound: float | None, row: Row | None = None) -> Claim:
    return _claim(what, value, bound, "<", row, "{:.0f}")


def _claim(what: str, value: float | None, bound: float | None, sign: str, row: Row | None, digits: str) -> Claim:
    failures = 0 if row is None else row.failures
    measured = "–" if value is None else digits.format(value)
    if failures:
        measured += f", {failures} failed"
    limit = "–" if bound is None else f"{sign} {digits.format(bound)}"
    if failures:
        return Claim(what, measured, limit, MISS)
    if value is None or bound is None:
        return Claim(what, measured, limit, UNKNOWN)
    holds = {"≥": value >= bound, "≤": value <= bound, "<": value < bound}[sign]
    return Claim(what, measured, limit, OK if holds else MISS)
