"""SVG text → the content of a file in any of the known formats."""

from .export import Exported, export

__all__ = ["Exported", "export"]
