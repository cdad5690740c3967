"""The command line: arguments → files, figures, an exit code."""

from .cli import main

__all__ = ["main"]
