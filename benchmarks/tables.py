"""What was measured → Markdown tables, ready to be read in a terminal and pasted into the README."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from .claims import Claim
from .costs import AdversarialTime, StartTimes
from .summary import Row

# heading: (whether the mean or the median is shown, of which value, how)
_COLUMNS = {
    "psnr": ("mean", "psnr", "{:.2f}"),
    "psnr median": ("median", "psnr", "{:.2f}"),
    "ssim": ("mean", "ssim", "{:.4f}"),
    "psnr4x": ("mean", "psnr4x", "{:.2f}"),
    "ssim4x": ("mean", "ssim4x", "{:.4f}"),
    "shapes": ("mean", "shapes", "{:.1f}"),
    "segments": ("mean", "segments", "{:.1f}"),
    "shapes / true": ("median", "shapes_ratio", "{:.2f}"),
    "segments / true": ("median", "segments_ratio", "{:.2f}"),
    "bytes": ("mean", "bytes", "{:.0f}"),
    "gz": ("mean", "gz", "{:.0f}"),
    "conflation": ("mean", "conflation", "{:.4f}"),
    "seconds": ("mean", "seconds", "{:.3f}"),
    "s median": ("median", "seconds", "{:.3f}"),
}


def sets_table(rows: Iterable[Row]) -> str:
    """Set × tool: every figure, mean over the pictures, of the ratios their median; n counts those with figures."""
    lines = []
    for row in rows:
        cells = []
        for average, name, how in _COLUMNS.values():
            value = getattr(row, average).get(name)
            cells.append("" if value is None else how.format(value))
        lines.append([row.set_name, row.tool, _counted(row), *cells])
    return markdown_table("Sets, means over the pictures", ["set", "tool", "n", *_COLUMNS], lines)


def stages_table(stages: Mapping[tuple[str, str], Mapping[str, float]]) -> str:
    """Set × stage: mean seconds of this project's stages."""
    names = list(dict.fromkeys(name for seconds in stages.values() for name in seconds))
    lines = [
        [set_name, tool, *(f"{seconds.get(name, 0.0):.4f}" for name in names), f"{sum(seconds.values()):.4f}"]
        for (set_name, tool), seconds in stages.items()
    ]
    return markdown_table("Seconds a stage", ["set", "tool", *names, "sum"], lines)


def start_table(start: StartTimes) -> str:
    """Whole processes, and where the emoji's time goes."""
    stages = sum(start.emoji_stages.values())
    lines = [["--help", f"{start.help:.3f}"], ["a 256-px emoji, whole process", f"{start.emoji:.3f}"]]
    lines += [["· starting, loading, writing", f"{start.emoji - stages:.3f}"]]
    lines += [[f"· {name}", f"{seconds:.3f}"] for name, seconds in start.emoji_stages.items()]
    return markdown_table("Start", ["process", "seconds"], lines)


def adversarial_table(times: Sequence[AdversarialTime]) -> str:
    """Image × size: seconds, and how many times a photograph's; more than 3 times is flagged."""
    lines = [
        [
            time.image,
            *(f"{seconds:.2f}" for seconds in time.seconds),
            *(f"{ratio:.2f}{' !' if ratio > 3 else ''}" for ratio in time.times_photograph),
            f"{time.growth:.2f}",
        ]
        for time in times
    ]
    headings = ["image", "s at 1 MP", "s at 4 MP", "× photograph, 1 MP", "× photograph, 4 MP", "s a pixel, 4 MP / 1 MP"]
    return markdown_table("Adversarial images", headings, lines)


def memory_table(memory: Mapping[str, float]) -> str:
    """Image: bytes a pixel."""
    lines = [[image, f"{value:.0f}"] for image, value in memory.items()]
    return markdown_table("Peak memory above the loaded process, 4 MP", ["image", "bytes a pixel"], lines)


def claims_table(verdicts: Iterable[Claim]) -> str:
    """What must hold, line by line."""
    lines = [[claim.what, claim.measured, claim.bound, claim.verdict] for claim in verdicts]
    return markdown_table("Must show", ["what", "measured", "bound", "verdict"], lines)


def _counted(row: Row) -> str:
    return f"{row.pictures - row.failures} of {row.pictures}" if row.failures else str(row.pictures)


def markdown_table(title: str, headings: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A heading and a table below it: the first column to the left, the others to the right."""
    table = Table(box=box.MARKDOWN)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", no_wrap=True)
    for line in lines:
        table.add_row(*line)
    text = io.StringIO()
    Console(file=text, width=10_000).print(table)
    return f"## {title}\n" + "\n".join(line.strip() for line in text.getvalue().splitlines() if line.strip())
