"""What the page is drawn with: colours or none, all of Unicode or ASCII alone, and how many digits."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rich.cells import cell_len
from rich.color import Color
from rich.style import Style

from attnexplain.arithmetic import FEWEST, write_number
from attnexplain.render.colours import Colour, ground, of_256, readable_on
from attnexplain.render.themes import ThemeName
from attnexplain.steps.blocks import BLANK, Cell, Colours, Entry, Number
from attnexplain.text import can_show, visible

Palette = Literal["truecolor", "256", "standard"]

_IN_ASCII = str.maketrans(
    {"·": "*", "√": "sqrt ", "ᵀ": "^T", "Σ": "sum ", "×": "*", "÷": "/", "∞": "inf", "─": "-", "…": "...", "▸": ">",
     "→": "->", "≈": "~", "−": "-", "←": "<-", "↑": "^", "↓": "v", "∂": "d", "⌊": "[", "⌋": "]"}
)  # fmt: skip

SIGNS_OF_A_COLUMN = 8
"""The most characters that stand in one column: a letter with its marks."""

PLAIN = Style()
BOLD = Style(bold=True)
DIM = Style(dim=True)
CHOSEN = Style(bold=True, reverse=True)
"""What the reader is at, on a screen that can be walked in."""
HEADING = Style(bold=True, color="color(63)")
FORMULA = Style(bold=True, color="color(131)")
"""Colours of text on the terminal's own paper, which may be black or white: each has 4.5 : 1 on both."""


@dataclass(frozen=True)
class Ink:
    """How to draw: it makes every text safe, writes every number and colours every cell."""

    palette: Palette | None = None
    """The colours that the terminal has, or None for no colours at all."""
    ascii_only: bool = False
    """Whether pictures are drawn with the signs of ASCII alone."""
    digits: int = 2
    charset: str = ""
    """The characters that texts may have; "" for all, or for ASCII where pictures have no more."""
    theme: ThemeName = "dark"
    """The paper that cells are coloured for."""
    is_on_paper: bool = False
    """Whether what is drawn leaves the terminal: nothing is said of commands then."""

    @property
    def characters(self) -> str:
        """The charset of texts."""
        return self.charset or ("ascii" if self.ascii_only else "utf-8")

    def text(self, text: str) -> str:
        """Make any text safe to show; nothing reaches the page without passing here."""
        return visible(in_charset(text, self.characters), charset=self.characters)

    def shortened(self, text: str, width: int) -> str:
        """Shorten a text, already made safe, to so many columns."""
        if fitting(text, width) == len(text):
            return text
        return text[: fitting(text, width - 1)] + ("…" if can_show("…", self.characters) else ".")

    def number(self, value: float | None, digits: int | None = None) -> str:
        """Write a number, with the digits of the page unless others are named; a place without one stays empty."""
        if value is None or value != value:
            return ""
        written = write_number(value, self.digits if digits is None else digits)
        return self.text(written) if self.ascii_only else written

    def share(self, value: float | None) -> str:
        """Write a share of attention, or a cosine: of fewer than two digits nobody learns anything."""
        return self.number(value, max(self.digits, FEWEST))

    def written(self, cell: Cell) -> str:
        """Write the number of a cell, or leave room for it."""
        if cell.is_blank:
            return BLANK
        return self.share(cell.number) if cell.is_share else self.number(cell.number, cell.digits)

    def entry(self, entry: Entry) -> str:
        """Write a cell of a table: a text, made safe, or a number."""
        match entry:
            case float():
                return self.share(entry)
            case Number():
                return self.number(float(entry.value), entry.digits)
            case _:
                return self.text(str(entry))

    def accent(self, style: Style) -> Style:
        """Return the style of a heading or a formula; terminals of sixteen colours choose their own shades."""
        return BOLD if self.palette == "standard" else style

    def colour(self, strength: float, colours: Colours) -> Color:
        """Return the colour of a strength, for a picture."""
        return _rich(ground(round(strength, 2), colours, self.theme), self.palette)

    def bar(self, strength: float) -> Style:
        """Choose the style of a bar: the brighter half of the colours, which can be seen on dark and on light paper."""
        if self.palette in (None, "standard"):
            return PLAIN
        return Style(color=_rich(ground(round(0.45 + 0.25 * strength, 2), "share", self.theme), self.palette))

    def cell(self, strength: float, colours: Colours, *, marked: bool = False) -> Style:
        """Choose the style of a cell by its strength, from -1 to 1 (shares: from 0 to 1)."""
        return _cell_style(round(strength, 2), colours, self.theme, self.palette, marked)


def in_charset(text: str, charset: str) -> str:
    """Write the signs of our own prose and formulas in ASCII where the charset does not have them.

    >>> in_charset("√d_k × 2", "ascii"), in_charset("√d_k × 2", "cp1252")
    ('sqrt d_k * 2', 'sqrt d_k × 2')
    """
    if charset == "utf-8" or text.isascii():
        return text
    return text.translate(_replaced_in(charset))


@lru_cache(maxsize=8)
def _replaced_in(charset: str) -> dict[int, str]:
    return {code: sign for code, sign in _IN_ASCII.items() if not can_show(chr(code), charset)}


def fitting(text: str, width: int) -> int:
    """Count how many characters of a text, already made safe, fit into so many columns from its beginning."""
    if text[: width + 1].isascii():
        return min(len(text), max(width, 0))
    most = min(len(text), width * SIGNS_OF_A_COLUMN)
    return bisect_right(range(1, most + 1), width, key=lambda end: cell_len(text[:end]))


@lru_cache(maxsize=4096)
def _cell_style(strength: float, colours: Colours, theme: ThemeName, palette: Palette | None, marked: bool) -> Style:
    if palette is None or colours == "none":
        return Style(bold=True) if marked else PLAIN
    if palette == "standard":  # backgrounds of sixteen colours are not even to the eye, and not ours to know
        foreground = "magenta" if colours == "signed" and strength < 0 else None
        return Style(color=foreground, bold=abs(strength) > 0.5 or marked, underline=marked)
    background = ground(strength, colours, theme)
    if palette == "256":
        background = of_256(background)[1]
    foreground_on_it = _rich(readable_on(background), palette)
    return Style(color=foreground_on_it, bgcolor=_rich(background, palette), bold=marked, underline=marked)


def _rich(colour: Colour, palette: Palette | None) -> Color:
    return Color.from_ansi(of_256(colour)[0]) if palette == "256" else Color.from_rgb(*colour)
