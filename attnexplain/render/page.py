"""The paper: its margin, the width of its text, and its titles."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from attnexplain.render.ink import BOLD, DIM, PLAIN, Ink

WIDEST_TEXT = 88


class Paragraph:
    """A text, wrapped at the spaces between its words; at most 88 columns wide, which eyes can follow."""

    def __init__(self, text: str, style: Style = PLAIN, indent: int = 0) -> None:
        self.text = text
        self.style = style
        self.indent = indent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(min(options.max_width, WIDEST_TEXT) - self.indent, 1)
        if len(self.text) <= width and self.text.isascii():
            yield Segment(" " * self.indent + self.text.rstrip(), self.style)
            yield Segment.line()
            return
        for line in wrapped(console, self.text, width):
            yield Segment(" " * self.indent + line, self.style)
            yield Segment.line()


def wrapped(console: Console, text: str, width: int) -> list[str]:
    """Break a text at its spaces into lines that are not wider than this; a longer word is broken anywhere."""
    return [line.plain.rstrip() for line in Text(text).wrap(console, max(width, 1))]


def title_line(ink: Ink, title: str, note: str = "") -> Paragraph:
    """Name a matrix, and say how to read it."""
    written = ink.text(title) + (f" ({ink.text(note)})" if note else "")
    return Paragraph(written, BOLD)


def note_line(ink: Ink, note: str) -> Paragraph:
    """Say something less important."""
    return Paragraph(ink.text(note), DIM)


def picture_note(shape: str, tall: int, wide: int, ink: Ink) -> str:
    """Say how to read the picture of a matrix: what one shape of it stands for, and where all numbers are."""
    what = "one number" if tall == wide == 1 else f"the strongest of {tall} × {wide} numbers"
    all_of_them = "" if ink.is_on_paper else " All numbers: --json"
    return f"Each {shape} is {what}; rows and columns are counted from 1.{all_of_them}"
