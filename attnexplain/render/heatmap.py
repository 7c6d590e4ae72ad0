"""A grid of numbers as a table whose cells are coloured. Too wide for the page, it is split into blocks of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from attnexplain.render.ink import BOLD, DIM, PLAIN, Ink, fitting
from attnexplain.render.page import INDENT, title_line
from attnexplain.steps.step import Grid

WIDEST_LABEL = 18
SHORT_LABEL = 8
"""Names are shortened so far when that saves a block of columns."""
WIDEST_CELL = 14


@dataclass(frozen=True)
class _Column:
    """One column, ready to be drawn: words and numbers are text, strengths are between -1 and 1."""

    heading: str
    cells: Sequence[str]
    styles: Sequence[Style]
    footer: str = ""
    marked_row: int | None = None
    is_beside: bool = False
    """Whether it stands beside the matrix; its heading is not shortened then."""

    @property
    def narrowest(self) -> int:
        """The width of its widest number, with a space before it; room for one wide character of a heading."""
        heading = cell_len(self.heading) if self.is_beside else 2
        return 1 + max(heading, *map(len, (*self.cells, self.footer)))


class Heatmap:
    """Draws a grid, row by row and block by block. No number is ever cut; names are, where they are long."""

    def __init__(self, grid: Grid, ink: Ink) -> None:
        self.grid = grid
        self.ink = ink

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        grid, ink = self.grid, self.ink
        columns, before = self._columns(), self._beside(before=True)
        rows = [ink.text(row) for row in grid.rows]
        footer = ink.text(grid.footer[0]) if grid.footer else ""
        page = options.max_width - INDENT
        if before and before[0].narrowest + max(column.narrowest for column in columns) > page:
            columns, before = [*before, *columns], []
        beside = sum(column.narrowest for column in before)
        label_width = self._label_width([*rows, footer], columns, page - beside)
        rows, footer = [ink.shortened(row, label_width) for row in rows], ink.shortened(footer, label_width)
        blocks = _blocks(columns, page - beside - label_width)
        apart = _blocks(columns, page - beside - label_width - 1)
        if len(apart) == len(blocks):  # there is room for an empty column between the names and the cells
            label_width, blocks = label_width + 1, apart
        yield title_line(ink, grid.title, grid.note)
        for number, block in enumerate(blocks):
            if number:
                yield Segment.line()
            yield from self._block([*before, *block], rows, footer, label_width, page - label_width)

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

    def _columns(self) -> list[_Column]:
        grid, ink = self.grid, self.ink
        finite = np.abs(grid.numbers[np.isfinite(grid.numbers)])
        largest = float(finite.max(initial=0.0)) or 1.0
        columns = []
        for j, heading in enumerate(grid.columns):
            numbers = [float(number) for number in grid.numbers[:, j]]
            marked = grid.mark[0] if grid.mark and grid.mark[1] == j else None
            styles = [
                ink.cell(number / largest, grid.colours, marked=i == marked) if np.isfinite(number) else DIM
                for i, number in enumerate(numbers)
            ]
            footer = ink.number(grid.footer[1][j]) if grid.footer else ""
            columns.append(_Column(ink.text(heading), [*map(ink.number, numbers)], styles, footer, marked))
        return columns + self._beside(before=False)

    def _beside(self, *, before: bool) -> list[_Column]:
        column = self.grid.before if before else self.grid.after
        if column is None:
            return []
        cells = [self.ink.number(number) for number in column.numbers]
        return [_Column(self.ink.text(column.heading), cells, [PLAIN] * len(cells), is_beside=True)]

    def _block(
        self, columns: Sequence[_Column], rows: Sequence[str], footer: str, label_width: int, room: int
    ) -> Iterator[Segment]:
        widths = _widths(columns, room)
        margin = " " * INDENT
        headings = [
            _wrapped(column.heading, width - 1, self.ink) for column, width in zip(columns, widths, strict=True)
        ]
        height = max(map(len, headings))
        for line in range(height):
            yield Segment(margin + " " * label_width)
            for heading, width in zip(headings, widths, strict=True):
                above = height - len(heading)
                yield Segment(_right(heading[line - above] if line >= above else "", width), DIM)
            yield Segment.line()
        marked_rows = {self.grid.mark[0]} if self.grid.mark else set()
        for i, row in enumerate(rows):
            yield Segment(margin)
            yield Segment(_left(row, label_width), BOLD if i in marked_rows else PLAIN)
            for column, width in zip(columns, widths, strict=True):
                cell = column.cells[i]
                sign = self.ink.text("▸") if i == column.marked_row else ""
                yield Segment(_right(sign + cell, width), column.styles[i])
            yield Segment.line()
        if footer:
            yield Segment(margin + _left(footer, label_width), BOLD)
            for column, width in zip(columns, widths, strict=True):
                yield Segment(_right(column.footer, width), BOLD)
            yield Segment.line()


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
    """Write a heading on one or two lines; what does not fit is shortened: the rows carry the same names in full."""
    if cell_len(heading) <= width or len(heading) == 1:
        return [ink.shortened(heading, width)]
    most = max(min(fitting(heading, width), len(heading) - 1), 1)
    natural = [end for end in range(1, most + 1) if heading[end] == " " or heading[end - 1] == "-"]
    cut = natural[-1] if natural else max(min(most, len(heading) - 3), 1)
    return [heading[:cut], ink.shortened(heading[cut:].strip(), width)]


def _left(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _right(text: str, width: int) -> str:
    if text.isascii():
        return text.rjust(width)
    return " " * (width - cell_len(text)) + text
