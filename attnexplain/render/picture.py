"""A matrix too large for numbers, as a picture: half blocks in colour, shades of glyphs without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from attnexplain.render.ink import BOLD, DIM, PLAIN, Ink
from attnexplain.render.page import note_line, picture_note, title_line
from attnexplain.steps.blocks import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Strengths = NDArray[np.floating[Any]]

MOST_ROWS = 96
"""The most rows of a picture; larger matrices show the strongest of several cells."""
LEGEND_WIDTH = 17
WIDEST_LABEL = 18
SHARE_WIDTH = 5
"""Columns of a share beside a picture."""

_MORE = {False: " ░▒▓█", True: " .:oO"}
_LESS = {False: " -=xX", True: " -=xX"}


class NamedPicture:
    """A matrix that does not fit the page in one block: a row a word, with its name, and a cell a number."""

    def __init__(self, grid: Grid, ink: Ink) -> None:
        self.grid = grid
        self.ink = ink

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        grid, ink = self.grid, self.ink
        count = len(grid.columns)
        names = [ink.text(name) for name in grid.rows]
        room = options.max_width
        label = max(min(max(map(cell_len, names)), WIDEST_LABEL, room // 3), 1)
        beside = [column for column in grid.after if not column.is_total]
        room -= sum(max(len(column.heading), SHARE_WIDTH) + 1 for column in beside)
        wide = -(-count // max(room - label - 1, 1))
        strengths = grid.tiles(1, wide)
        stretch = max(min((room - label - 1) // strengths.shape[1], 3), 1)
        reach = f"0 to {ink.share(grid.largest)}"
        if grid.colours == "signed":
            reach = f"{ink.number(-grid.largest)} to {ink.number(grid.largest)}"
        yield title_line(ink, grid.title, "; ".join(filter(None, (grid.note, reach))))
        ticks = _ticks(grid, strengths.shape[1], wide, stretch)
        headings = "".join(" " + ink.text(column.heading).rjust(SHARE_WIDTH) for column in beside)
        ticks = ticks.ljust(strengths.shape[1] * stretch) + headings if beside else ticks
        yield Segment(" " * (label + 1) + ticks + "\n", DIM)
        in_colour = ink.palette in ("truecolor", "256")
        marked = grid.mark[0] if grid.mark else None
        for row, (name, line) in enumerate(zip(names, strengths.tolist(), strict=True)):
            shortened = ink.shortened(name, label)
            style = BOLD if row == marked else PLAIN
            yield Segment(shortened + " " * (label + 1 - cell_len(shortened)), style)
            for strength in line:
                if in_colour:
                    yield Segment(" " * stretch, Style(bgcolor=ink.colour(float(strength), grid.colours)))
                else:
                    yield Segment(shade(strength, ink) * stretch, _shade_style(strength, grid, ink))
            for column in beside:
                yield Segment(" " + ink.share(column.numbers[row]).rjust(SHARE_WIDTH), style)
            yield Segment.line()
        if grid.is_followed:
            return
        what = "one number" if wide == 1 else f"the strongest of {wide} numbers"
        signs = ""
        if grid.colours == "signed":
            signs = " Blue is below 0, orange above." if in_colour else " Below 0: - = x X."
        yield note_line(ink, f"Each cell: {what}.{signs}{'' if ink.is_on_paper else ' Digits: --full'}")


def _ticks(grid: Grid, columns: int, wide: int, stretch: int) -> str:
    """Number the places of a vector, or the columns of a matrix of words by the positions of the words."""
    line = ""
    for column in range(0, columns, 4):
        tick = str(column * wide + 1)
        if column * stretch >= len(line) and column * stretch + len(tick) <= columns * stretch:
            line = line.ljust(column * stretch) + tick + " "
    return line.rstrip()


class Picture:
    """Draws a grid as a picture with the positions of its rows and columns, and a legend."""

    def __init__(self, grid: Grid, ink: Ink) -> None:
        self.grid = grid
        self.ink = ink

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        grid, ink = self.grid, self.ink
        count_rows, count_columns = grid.numbers.shape
        gutter = len(str(count_rows)) + 1
        room = max(options.max_width - gutter, 1)
        in_colour = ink.palette in ("truecolor", "256")
        tall = -(-count_rows // (MOST_ROWS if in_colour else MOST_ROWS // 2))
        wide = -(-count_columns // room)
        if count_columns > 1 and grid.rows_ask:
            tall = wide = max(tall, wide)
        strengths = grid.tiles(tall, wide)
        stretch = max(min(room // strengths.shape[1], 1 if in_colour and count_columns > 40 else 2), 1)
        yield title_line(ink, grid.title, grid.note)
        yield from self._top(strengths.shape[1], wide, stretch, gutter)
        lines = self._half_blocks if in_colour else self._shades
        for row, segments in lines(strengths, stretch):
            first = row * tall + 1
            tick = str(first) if (row // 2 if in_colour else row) % 5 == 0 else ""
            yield Segment(tick.rjust(gutter - 1) + " ", DIM)
            yield from segments
            yield Segment.line()
        yield from self._legend(grid.largest or 1.0, in_colour, options.max_width)
        yield note_line(ink, picture_note("half block" if in_colour else "sign", tall, wide, ink))
        if grid.is_followed:
            yield Segment.line()

    def _top(self, columns: int, wide: int, stretch: int, gutter: int) -> Iterator[Segment]:
        line = ""
        for column in range(0, columns, 10):
            tick = str(column * wide + 1)
            if column * stretch >= len(line) and column * stretch + len(tick) <= columns * stretch:
                line = line.ljust(column * stretch) + tick + " "
        yield Segment(" " * gutter + line.rstrip(), DIM)
        yield Segment.line()

    def _half_blocks(self, strengths: Strengths, stretch: int) -> Iterator[tuple[int, list[Segment]]]:
        colours = self.grid.colours
        for row in range(0, len(strengths), 2):
            upper = strengths[row]
            lower = strengths[row + 1] if row + 1 < len(strengths) else None
            segments = []
            for j, strength in enumerate(upper):
                below = None if lower is None else self.ink.colour(float(lower[j]), colours)
                style = Style(color=self.ink.colour(float(strength), colours), bgcolor=below)
                segments.append(Segment(("^" if self.ink.ascii_only else "▀") * stretch, style))
            yield row, segments

    def _shades(self, strengths: Strengths, stretch: int) -> Iterator[tuple[int, list[Segment]]]:
        for row, line in enumerate(strengths.tolist()):
            yield row, [Segment(shade(number, self.ink) * stretch, self._shade_style(number)) for number in line]

    def _shade_style(self, strength: float) -> Style:
        return _shade_style(strength, self.grid, self.ink)

    def _legend(self, largest: float, in_colour: bool, room: int) -> Iterator[Segment]:
        ink, signed = self.ink, self.grid.colours == "signed"
        low, high = (ink.number(-largest), ink.number(largest)) if signed else (ink.share(0.0), ink.share(largest))
        on_one_line = len(low) + len(high) + LEGEND_WIDTH + 2 <= room
        between = " " if on_one_line else "\n"
        yield Segment(low + between)
        for strength in np.linspace(-1.0 if signed else 0.0, 1.0, min(LEGEND_WIDTH, room)):
            if in_colour:
                yield Segment(" ", Style(bgcolor=ink.colour(float(strength), self.grid.colours)))
            else:
                yield Segment(shade(float(strength), self.ink), self._shade_style(float(strength)))
        yield Segment(between + high + "\n")


def _shade_style(strength: float, grid: Grid, ink: Ink) -> Style:
    return PLAIN if ink.palette is None else ink.cell(strength, grid.colours)


def shade(strength: float, ink: Ink) -> str:
    """Choose a glyph for a strength from -1 to 1."""
    glyphs = (_LESS if strength < 0 else _MORE)[ink.ascii_only]
    return glyphs[min(int(abs(strength) * len(glyphs)), len(glyphs) - 1)]
