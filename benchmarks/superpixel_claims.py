"""Rows → what the tokenizer must show among superpixels: each line with its figure, the bound, and ok or MISS.

The tokenizer must be above every group of others in accuracy (ASA) at every number of regions, and in recall at equal
density. Equal density is the tokenizer's own at that number of regions, where the other's curve is read; where that
does not reach so far, it is the other's density, where the tokenizer's curve is read. The bound shown is that of the
group's method which is hardest to beat; a group is not measured where none of its methods can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .claims import MISS, OK, UNKNOWN, Claim
from .dividers import CLASSICAL, RAW_LAB
from .superpixel_summary import Row, at_density, by_method

_VARIANTS = {
    "raw Lab at its best μ": ("", "-refined"),
    "raw Lab with the rim rule": ("-rims", "-rims-refined"),
    "raw Lab, smoothed": ("-smooth",),
    "raw Lab, compact": ("-compact", "-compact-refined"),
}
GROUPS: Mapping[str, Sequence[str]] = {
    group: [name for name, (_, variant) in RAW_LAB.items() if variant in variants]
    for group, variants in _VARIANTS.items()
} | {"classical": list(CLASSICAL)}
# at 200 regions: figure, sign, bound
FIXED_AT = "200"
FIXED = (("asa", "≥", 0.950), ("recall", "≥", 0.86), ("density", "≤", 0.12))


def superpixel_claims(rows: Sequence[Row], tokenizer: str) -> list[Claim]:
    """All lines about the tokenizer of that name, at the numbers of regions it was measured at."""
    curves = by_method(rows)
    own = curves.get(tokenizer, [])
    at = {row.setting: row for row in own}
    verdicts = [_fixed(at.get(FIXED_AT), figure, sign, bound) for figure, sign, bound in FIXED]
    for count, row in at.items():
        for group, methods in GROUPS.items():
            others = {name: curves[name] for name in methods if name in curves}
            accuracy = _same_count(row, others)
            recall = _same_density(own, row, others)
            verdicts.append(_above(f"asa at {count}, of {group}", accuracy))
            verdicts.append(_above(f"recall at equal density at {count}, of {group}", recall))
    return verdicts


# own figure, the other's, and whose it is
_Comparison = tuple[float, float, str]


def _same_count(own: Row, others: Mapping[str, Sequence[Row]]) -> Iterator[_Comparison]:
    for name, rows in others.items():
        for row in rows:
            if row.setting == own.setting:
                yield own.mean["asa"], row.mean["asa"], name


def _same_density(curve: Sequence[Row], own: Row, others: Mapping[str, Sequence[Row]]) -> Iterator[_Comparison]:
    for name, rows in others.items():
        density = own.mean["density"]
        theirs = at_density(rows, "recall", density)
        if theirs is not None:
            yield own.mean["recall"], theirs, f"{name} at density {density:.4f}"
            continue
        for row in rows:
            density = row.mean["density"]
            ours = at_density(curve, "recall", density)
            if ours is not None and row.setting == own.setting:
                yield ours, row.mean["recall"], f"{name} at density {density:.4f}"


def _above(what: str, comparisons: Iterator[_Comparison]) -> Claim:
    hardest = min(comparisons, key=lambda each: each[0] - each[1], default=None)
    if hardest is None:
        return Claim(what, "–", "–", UNKNOWN)
    ours, theirs, name = hardest
    return Claim(what, f"{ours:.4f}", f"> {theirs:.4f} ({name})", OK if ours > theirs else MISS)


def _fixed(row: Row | None, figure: str, sign: str, bound: float) -> Claim:
    what = f"{figure} at {FIXED_AT}"
    limit = f"{sign} {bound:.3f}"
    if row is None:
        return Claim(what, "–", limit, UNKNOWN)
    value = row.mean[figure]
    holds = value >= bound if sign == "≥" else value <= bound
    return Claim(what, f"{value:.4f}", limit, OK if holds else MISS)
