"""A matrix that can be walked in: numbers where they can be read, else a picture of a sign or two a cell."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from attnexplain.explore.scene import Scene, first_seen
from attnexplain.render.heatmap import WIDEST_CELL, WIDEST_LABEL
from attnexplain.render.ink import BOLD, CHOSEN, DIM, PLAIN, Ink
from attnexplain.render.picture import shade
from attnexplain.steps.blocks import READABLE, Grid

HEAD = 2
"""Lines above the rows: the title, and the names of the columns."""


class _Layout(NamedTuple):
    """Where the cells of a matrix stand on the screen."""

    label: int
    """Columns of the names of the rows."""
    cell: int
    """Columns of a cell."""
    tall: int
    wide: int
    """How many rows and columns of the matrix one cell of the screen stands for."""
    top: int
    left: int
    """The first row and column that are seen, in cells of the screen."""
    rows: int
    columns: int
    """How many are seen."""
    is_picture: bool


class Matrix(Widget):
    """The matrix of a scene, with the row and the column of its cell lit."""

    class Moved(Message):
        """The reader went to another cell."""

        def __init__(self, row: int, column: int) -> None:
            super().__init__()
            self.row, self.column = row, column

    def __init__(self, ink: Ink) -> None:
        super().__init__(id="matrix")
        self.ink = ink
        self.scene: Scene | None = None
        self.is_row = False
        self._lines: list[Strip] = []

    def show(self, scene: Scene, *, is_row: bool = False) -> None:
        """Show the matrix of a scene.

        Args:
            scene: what is looked at.
            is_row: whether the whole row is meant.
        """
        self.scene, self.is_row = scene, is_row
        self._lines = []
        self.refresh()

    @property
    def natural_size(self) -> tuple[int, int]:
        """Columns and lines that it would take at most."""
        grid = self.scene.grid if self.scene is not None else None
        if grid is None:
            return 0, 0
        label, tall = self._label(grid, 10_000), HEAD + len(grid.rows)
        least = sum(segment.cell_length for segment in self._title(grid))
        if is_picture(grid):
            return max(label + 2 * len(grid.columns), least), tall
        named = max(cell_len(self.ink.text(name)) for name in grid.columns) + 1
        cell = max(self._widest(grid), min(named, WIDEST_CELL))
        return max(label + len(grid.columns) * cell, least), tall

    def render_line(self, y: int) -> Strip:
        if not self._lines:
            self._lines = self._drawn()
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width)

    def notify_style_update(self) -> None:
        self._lines = []
        super().notify_style_update()

    def on_resize(self) -> None:
        self._lines = []
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        place = self.place_at(event.x, event.y)
        if place is not None:
            self.post_message(self.Moved(*place))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scrolled(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scrolled(event, -1)

    def _scrolled(self, event: events.MouseScrollDown | events.MouseScrollUp, by: int) -> None:
        if self.scene is not None:
            row, column = self.scene.cell
            sideways = event.shift or event.ctrl
            self.post_message(self.Moved(row + by * (not sideways), column + by * sideways))
            event.stop()

    def place_at(self, x: int, y: int) -> tuple[int, int] | None:
        """Return the row and column of the cell at a point of the widget; None where there is none."""
        grid = self.scene.grid if self.scene is not None else None
        if grid is None:
            return None
        layout = self._layout(grid)
        row, column = y - HEAD, (x - layout.label) // layout.cell
        if not (0 <= row < layout.rows and 0 <= column < layout.columns and x >= layout.label):
            return None
        return (
            min((layout.top + row) * layout.tall, len(grid.rows) - 1),
            min((layout.left + column) * layout.wide, len(grid.columns) - 1),
        )

    def _widest(self, grid: Grid) -> int:
        """Columns of the widest number, with a space before it and room for the sign of the cell."""
        return 2 + max(len(text) for row in self._written(grid) for text in row)

    def _written(self, grid: Grid) -> list[list[str]]:
        laid = [column for column in grid.laid_out() if column.place == "matrix"]
        return [[self.ink.written(column.cells[i]) for column in laid] for i in range(len(grid.rows))]

    def _label(self, grid: Grid, room: int) -> int:
        return max(min(max(cell_len(self.ink.text(name)) for name in grid.rows), WIDEST_LABEL, room // 3), 1) + 1

    def _layout(self, grid: Grid) -> _Layout:
        """Share the widget out: the cell is always seen."""
        assert self.scene is not None  # noqa: S101 - it has a grid
        width, height = max(self.size.width, 1), max(self.size.height - HEAD, 1)
        count_rows, count_columns = len(grid.rows), len(grid.columns)
        label = self._label(grid, width)
        room = max(width - label, 1)
        row, column = self.scene.cell
        if not is_picture(grid):
            cell = self._widest(grid)
            rows, columns = min(height, count_rows), min(max(room // cell, 1), count_columns)
            cell = min(max(room // columns, cell), max(cell, WIDEST_CELL))
            top, left = first_seen(row, rows, count_rows), first_seen(column, columns, count_columns)
            return _Layout(label, cell, 1, 1, top, left, rows, columns, is_picture=False)
        tall, wide = -(-count_rows // height), -(-count_columns // room)
        rows, columns = -(-count_rows // tall), -(-count_columns // wide)
        cell = 2 if 2 * columns <= room else 1
        return _Layout(label, cell, tall, wide, 0, 0, rows, columns, is_picture=True)

    def _drawn(self) -> list[Strip]:
        grid = self.scene.grid if self.scene is not None else None
        if grid is None or self.scene is None:
            return []
        layout = self._layout(grid)
        lines = [self._title(grid), self._headings(grid, layout), *self._rows(grid, layout)]
        return [Strip(line).adjust_cell_length(self.size.width) for line in lines]

    def _title(self, grid: Grid) -> list[Segment]:
        title, note = self.ink.text(grid.title), self.ink.text(grid.note)
        return [Segment(title, BOLD), Segment("  " + note if note else "", DIM)]

    def _headings(self, grid: Grid, layout: _Layout) -> list[Segment]:
        assert self.scene is not None  # noqa: S101 - it has a grid
        row, column = self.scene.cell
        if layout.is_picture:
            name = grid.columns[column]
            names = f"{grid.rows[row]} → {name}" if grid.rows_ask else f"{grid.rows[row]}, place {name}"
            number = self.ink.written(grid.cell(row, column))
            return [Segment(self.ink.text(f"{names}: {number or 'masked'}"), BOLD)]
        segments = [Segment(" " * layout.label)]
        for j in range(layout.left, layout.left + layout.columns):
            text = self.ink.shortened(self.ink.text(grid.columns[j]), layout.cell - 1)
            is_lit = j == column and not self.is_row
            segments += [
                Segment(" " * (layout.cell - cell_len(text))),
                Segment(text, CHOSEN if is_lit else DIM),
            ]
        return segments

    def _rows(self, grid: Grid, layout: _Layout) -> list[list[Segment]]:
        assert self.scene is not None  # noqa: S101 - it has a grid
        row, column = self.scene.cell
        at_row, at_column = row // layout.tall, column // layout.wide
        written = [] if layout.is_picture else self._written(grid)
        strengths = (grid.tiles(layout.tall, layout.wide) if layout.is_picture else grid.strengths).tolist()
        lines = []
        for i in range(layout.top, layout.top + layout.rows):
            name = grid.rows[row if i == at_row else min(i * layout.tall, len(grid.rows) - 1)]
            text = self.ink.shortened(self.ink.text(name), layout.label - 1)
            if layout.tall > 1 and i != at_row:
                text = str(i * layout.tall + 1) if i % 5 == 0 else ""
            line = [Segment(text, CHOSEN if i == at_row else PLAIN), Segment(" " * (layout.label - cell_len(text)))]
            for j in range(layout.left, layout.left + layout.columns):
                is_cell = (i, j) == (at_row, at_column) and not self.is_row
                is_lit = is_cell or (i == at_row and self.is_row)
                on_cross = i == at_row or (j == at_column and not self.is_row)
                strength = strengths[i][j]
                if layout.is_picture:
                    line.append(self._dot(strength, grid, layout.cell, is_cell=is_cell, is_lit=is_lit or on_cross))
                    continue
                sign = self.ink.text("▸") if is_cell else ""
                style = self.ink.cell(0.0 if strength != strength else strength, grid.colours, marked=on_cross)
                style += Style(reverse=is_cell or None, underline=is_lit, bold=on_cross)
                if strength != strength:
                    style = DIM + Style(reverse=is_cell or None)
                line.append(Segment((sign + written[i][j]).rjust(layout.cell), style))
            lines.append(line)
        return lines

    def _dot(self, strength: float, grid: Grid, width: int, *, is_cell: bool, is_lit: bool) -> Segment:
        """Draw one cell of a picture."""
        ink = self.ink
        if is_cell:
            return Segment("+" * width, CHOSEN)
        if ink.palette in ("truecolor", "256"):
            ground = Style(bgcolor=ink.colour(float(strength), grid.colours))
            return Segment(ink.text("·") * width if is_lit else " " * width, ground)
        sign = shade(float(strength), ink)
        sign = ink.text("·") if sign == " " and is_lit else sign
        return Segment(sign * width, PLAIN if ink.palette is None else ink.cell(float(strength), grid.colours))


def is_picture(grid: Grid) -> bool:
    """Whether a matrix has too many numbers to read."""
    return len(grid.rows) > READABLE or len(grid.columns) > READABLE
