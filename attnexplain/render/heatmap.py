"""A grid of numbers as a table whose cells are coloured. Too wide for the page, it is split into blocks of columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from attnexplain.render.ink import BOLD, DIM, PLAIN, Ink
from attnexplain.render.page import title_line
from attnexplain.render.picture import NamedPicture
from attnexplain.steps.blocks import Grid, LaidColumn

WIDEST_LABEL = 18
SHORT_LABEL = 12
"""Names are shortened so far when that saves a block of columns."""
WIDEST_CELL = 14
LONGEST_NAME = 12
"""Columns of a name that is never cut above its column."""


class _Column(NamedTuple):
    """One column, ready to be drawn: words and numbers are text, strengths are between -1 and 1."""

    heading: str
    cells: Sequence[str]
    styles: Sequence[Style]
    footer: str = ""
    marked_row: int | None = None
    is_beside: bool = False
    """Whether it stands beside the matrix; its heading is not shortened then."""
    narrowest: int = 1
    """The width of its widest number, with a space before it; room for one wide character of a heading."""


class Heatmap:
    """Draws a grid, row by row and block by block. No number is ever cut; names are, where they are long."""

    def __init__(self, grid: Grid, ink: Ink) -> None:
        self.grid = grid
        self.ink = ink

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        grid, ink = self.grid, self.ink
        laid = [(column.place, self._column(column)) for column in grid.laid_out()]
        before = [column for place, column in laid if place == "before"]
        columns = [column for place, column in laid if place != "before"]
        rows = [ink.text(row) for row in grid.rows]
        footer = ink.text(grid.footer[0]) if grid.footer else ""
        page = options.max_width
        if before and before[0].narrowest + max(column.narrowest for column in columns) > page:
            columns, before = [*before, *columns], []
        beside = sum(column.narrowest for column in before)
        names = rows
        rows, blocks, label_width = self._laid([*rows, footer], columns, page - beside)
        if grid.rows_ask and list(grid.rows) == list(grid.columns) and _cuts_names(blocks, page - beside - label_width):
            names, columns = _numbered(names, columns)
            rows, blocks, label_width = self._laid([*names, footer], columns, page - beside)
        footer = rows.pop()
        if grid.in_one_block and len(blocks) > 1:
            yield NamedPicture(grid, ink)
            return
        marks = "▸: by hand below" if grid.mark and grid.role != "worked" else ""
        yield title_line(ink, grid.title, "; ".join(filter(None, (grid.note, marks))))
        for number, block in enumerate(blocks):
            if number:
                yield Segment.line()
            yield from Segment.simplify(self._block([*before, *block], rows, footer, label_width, page - label_width))
        if grid.is_followed:
            yield Segment.line()

    def _laid(
        self, rows: Sequence[str], columns: Sequence[_Column], page: int
    ) -> tuple[list[str], list[Sequence[_Column]], int]:
        """Share a page out: the names of the rows, shortened, the blocks of columns, and the width of the names."""
        label_width = self._label_width(rows, columns, page)
        blocks = _blocks(columns, page - label_width)
        shortened = [self.ink.shortened(row, label_width) for row in rows]
        apart = _blocks(columns, page - label_width - 1)
        if len(apart) == len(blocks):  # there is room for an empty column between the names and the cells
            label_width, blocks = label_width + 1, apart
        return shortened, blocks, label_width

    def _label_width(self, names: Sequence[str], columns: Sequence[_Column], room: int) -> int:
        """Choose how wide the names of the rows are: as long as they are, or short where that saves a block."""
        widest = max(column.narrowest for column in columns)
        longest = max(map(cell_len, names))
        width = max(min(longest, WIDEST_LABEL, room // 3), min(longest, 3))
        width = max(min(width, room - widest), 0)
        short = min(width, SHORT_LABEL)
        if len(_blocks(columns, room - short)) < len(_blocks(columns, room - width)):
            width = min(short + (room - short) % widest, longest)
        return width

    def _column(self, column: LaidColumn) -> _Column:
        """Write the numbers of a column, and choose the styles of its cells."""
        ink, colours = self.ink, self.grid.colours
        cells = [self.ink.written(cell) for cell in column.cells]
        styles = [
            DIM if cell.strength is None and cell.number is not None and np.isinf(cell.number)
            else ink.cell(cell.strength or 0.0, "none" if cell.strength is None else colours, marked=cell.is_marked)
            for cell in column.cells
        ]  # fmt: skip
        marked = next((i for i, cell in enumerate(column.cells) if cell.is_marked), None)
        footer = "" if column.footer is None else self.ink.written(column.footer)
        is_ours = self.grid.role == "worked" or (self.grid.role == "other" and not self.grid.rows_ask)
        heading, is_beside = ink.text(column.heading), column.place != "matrix"
        least = cell_len(heading) if is_beside else min(cell_len(heading), 2)
        if is_ours:  # our own words are never cut, as tokens may be
            least = max(map(cell_len, _words(heading)))
        narrowest = 1 + max(least, *map(len, (*cells, footer)))
        return _Column(heading, cells, styles, footer, marked, is_beside, narrowest)

    def _block(
        self, columns: Sequence[_Column], rows: Sequence[str], footer: str, label_width: int, room: int
    ) -> Iterator[Segment]:
        widths = _widths(columns, room)
        headings = [
            _wrapped(column.heading, width - 1, self.ink) for column, width in zip(columns, widths, strict=True)
        ]
        height = max(map(len, headings))
        for line in range(height):
            yield Segment(" " * label_width)
            for heading, width in zip(headings, widths, strict=True):
                above = height - len(heading)
                yield Segment(_right(heading[line - above] if line >= above else "", width), DIM)
            yield Segment.line()
        marked_rows = {self.grid.mark[0]} if self.grid.mark else set()
        for i, row in enumerate(rows):
            yield Segment(_left(row, label_width), BOLD if i in marked_rows else PLAIN)
            for column, width in zip(columns, widths, strict=True):
                cell = column.cells[i]
                sign = self.ink.text("▸") if i == column.marked_row else ""
                yield Segment(_right(sign + cell, width), column.styles[i])
            yield Segment.line()
        if footer:
            yield Segment(_left(footer, label_width), BOLD)
            for column, width in zip(columns, widths, strict=True):
                yield Segment(_right(column.footer, width), BOLD)
            yield Segment.line()


def _cuts_names(blocks: Sequence[Sequence[_Column]], room: int) -> bool:
    """Whether a name of at most twelve letters would be cut above its column; then numbers stand for the names."""
    return any(
        width - 1 < cell_len(word) <= LONGEST_NAME
        for block in blocks
        for column, width in zip(block, _widths(block, room), strict=True)
        if not column.is_beside
        for word in _words(column.heading)
    )


def _numbered(rows: Sequence[str], columns: Sequence[_Column]) -> tuple[list[str], list[_Column]]:
    """Put numbers before the names of the rows, and in place of those of the columns."""
    numbers = [str(place + 1) for place in range(len(rows))]
    named = [f"{number.rjust(len(numbers[-1]))} {row}" for number, row in zip(numbers, rows, strict=True)]
    matrix = [column._replace(heading=number) for column, number in zip(columns, numbers, strict=False)]
    return named, [*matrix, *columns[len(numbers) :]]


def _words(heading: str) -> list[str]:
    """Split a heading where a line may end: at spaces, and behind hyphens."""
    return re.split(r"(?<=-)| ", heading)


def _blocks(columns: Sequence[_Column], room: int) -> list[Sequence[_Column]]:
    """Share the columns out evenly over as few blocks as the page allows."""
    narrowest = max(column.narrowest for column in columns)
    fitting = max(room // narrowest, 1)
    count = -(-len(columns) // fitting)
    size = -(-len(columns) // count)
    return [columns[start : start + size] for start in range(0, len(columns), size)]


def _widths(columns: Sequence[_Column], room: int) -> list[int]:
    """Give each column the width of its numbers, and what is left of the page to long headings."""
    widths = [column.narrowest for column in columns]
    shared = max(widths)
    if shared * len(columns) <= room:
        widest = max(cell_len(column.heading) for column in columns) + 1
        shared = min(max(shared, min(widest, WIDEST_CELL)), room // len(columns))
        return [shared] * len(columns)
    return widths


def _wrapped(heading: str, width: int, ink: Ink) -> list[str]:
    """Write a heading on up to three lines, broken at spaces and hyphens; a word is shortened, not broken."""
    lines: list[str] = []
    for word in _words(heading):
        if lines and cell_len(lines[-1]) + (lines[-1][-1:] != "-") + cell_len(word) <= width:
            lines[-1] += ("" if lines[-1].endswith("-") else " ") + word
        else:
            lines.append(word)
    return [ink.shortened(line, width) for line in lines[:3]]


def _left(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _right(text: str, width: int) -> str:
    if text.isascii():
        return text.rjust(width)
    return " " * (width - cell_len(text)) + text
