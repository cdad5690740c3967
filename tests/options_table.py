"""The README's tables of options and presets, made from what the command line and the presets say.

    PYTHONPATH=. python tests/options_table.py

writes them into the README, between the comments that mark their places.
"""

import re
from pathlib import Path

import typer

from dhvt_vectorize.cli import cli
from dhvt_vectorize.options import PRESETS

README = Path(__file__).parents[1] / "README.md"
PRESET_FIELDS = ("mode", "fill", "detail", "min_area", "tolerance", "precision", "palette")


def options_table() -> str:
    """One row an option, in the order of `--help`, a heading a panel."""
    rows: dict[str, list[str]] = {}
    for parameter in typer.main.get_command(cli._parser).params:
        panel = getattr(parameter, "rich_help_panel", None)
        if panel is not None:
            rows.setdefault(panel, []).append(_option_row(parameter))
    lines = [f"| {panel} | |\n|---|---|\n" + "\n".join(panel_rows) for panel, panel_rows in rows.items()]
    return "\n\n".join(lines)


def _option_row(parameter) -> str:
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    metavar = f" {parameter.metavar}" if parameter.metavar else ""
    return f"| {names}{metavar} | {parameter.help} |"


def presets_table() -> str:
    """One row a preset, one column an option that it chooses."""
    head = "| preset | " + " | ".join(f"`--{field.replace('_', '-')}`" for field in PRESET_FIELDS) + " |"
    lines = [head, "|---" * (len(PRESET_FIELDS) + 1) + "|"]
    for name, chosen in PRESETS.items():
        lines.append(f"| {name} | " + " | ".join(_shown(chosen.get(field)) for field in PRESET_FIELDS) + " |")
    return "\n".join(lines)


def _shown(value) -> str:
    if value is None:
        return ""
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def with_current_tables(readme: str) -> str:
    """The README's text with both tables as they are now."""
    for name, table in {"options": options_table(), "presets": presets_table()}.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        readme, places = place.subn(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", readme)
        if places != 1:
            raise ValueError(f"the README has {places} places for the table of {name}")
    return readme


if __name__ == "__main__":
    README.write_text(with_current_tables(README.read_text("utf-8")), "utf-8")
