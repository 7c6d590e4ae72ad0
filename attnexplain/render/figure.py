"""A figure as an SVG picture: square cells, whole names, a bar of colours; or words with lines between them.

It is drawn for a slide of 1920 × 1080, or for the column of a paper. No letter is smaller than 14 of its units; where a
sentence is too long for that, the picture grows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, cos, radians, sin
from typing import Literal, NamedTuple, assert_never
from xml.sax.saxutils import escape

import numpy as np

from attnexplain.render.colours import ground, hexadecimal, readable_on
from attnexplain.render.ink import Ink
from attnexplain.render.letters import advance, broken, shortened
from attnexplain.render.themes import THEMES, ThemeName
from attnexplain.steps.blocks import Cell, Colours, Gallery, Grid, Thumbnail
from attnexplain.steps.figure import Fan, Figure

Shape = Literal["slide", "column"]
FONTS = '"DejaVu Sans", "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", "Noto Sans CJK JP", sans-serif'
LEAST = 14.0
"""The smallest letters."""
LONGEST_NAME = 40
"""Columns of a name; what is longer is shortened, never broken."""
MOST_NAMED = 96
"""Rows of a matrix that have names; of a larger one every cell is the strongest of several numbers."""
SLANT = radians(45)
LINES_OF_A_SENTENCE = 2
LEAST_CELL = 3.0
"""The smallest cell; names are then written for every few rows."""


class _Paper(NamedTuple):
    """The measures of a shape."""

    width: float
    height: float
    """Each is 0 where it follows from what is drawn."""
    margin: float
    title: float
    letters: float
    """The largest letters of names."""
    cell: float
    """The largest cell."""


ON_A_PAGE = _Paper(0, 0, 0, 0, 14, 24)
_PAPERS: dict[Shape, _Paper] = {
    "slide": _Paper(1920, 1080, 70, 48, 34, 200),
    "column": _Paper(480, 0, 12, 20, 15, 60),
}


class Canvas:
    """Collects what is drawn, and keeps every text safe."""

    def __init__(self, ink: Ink, theme: ThemeName) -> None:
        self.ink = ink
        self.theme = theme
        self.parts: list[str] = []

    def text(
        self, x: float, y: float, text: str, size: float, *,
        fill: str = "", anchor: str = "start", bold: bool = False, slanted: bool = False,
    ) -> None:  # fmt: skip
        """Write a line; x is its beginning, its middle or its end, y its baseline."""
        turned = f' transform="rotate(-45 {x:.1f} {y:.1f})"' if slanted else ""
        weight = ' font-weight="bold"' if bold else ""
        at = "" if anchor == "start" else f' text-anchor="{anchor}"'
        place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:.1f}" fill="{fill or self.colour("text")}"'
        self.parts.append(f"<text {place}{at}{weight}{turned}>{escape(self.ink.text(text))}</text>")

    def number(self, x: float, y: float, text: str, size: float, strength: float, colours: Colours) -> None:
        """Write a number on the colour of a strength; x is its middle."""
        fill = hexadecimal(readable_on(ground(strength, colours, self.theme)))
        self.text(x, y, text, size, fill=fill, anchor="middle")

    def square(
        self, x: float, y: float, wide: float, high: float, strength: float, colours: Colours, says: str
    ) -> None:
        """Draw a cell; says is shown where somebody points at it."""
        title = f"<title>{escape(self.ink.text(says))}</title>" if says else ""
        edge = f' stroke="{self.colour("line")}" stroke-width=".5"' if says else ""
        place = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"'
        rest = f">{title}</rect>" if title else "/>"
        self.parts.append(f"<rect {place} {self.paint(strength, colours)}{edge}{rest}")

    def frame(self, x: float, y: float, wide: float, high: float, name: str, width: float = 1) -> None:
        """Draw the outline of a rectangle in a colour of the theme."""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" fill="none" '
            f'stroke="{self.colour(name)}" stroke-width="{width:g}"/>'
        )

    def colour(self, name: str) -> str:
        """Return a colour of the theme."""
        return str(getattr(THEMES[self.theme], name))

    def paint(self, strength: float, colours: Colours) -> str:
        """Write the attribute that fills a shape with the colour of a strength."""
        return f'fill="{hexadecimal(ground(strength, colours, self.theme))}"'


def render_figure(
    figure: Figure,
    ink: Ink,
    *,
    theme: ThemeName = "light",
    shape: Shape = "slide",
    bare: bool = False,
    canvas: Canvas | None = None,
) -> str:
    """Draw a figure as one SVG document.

    Args:
        figure: what to draw.
        ink: how to write numbers and texts.
        theme: light or dark paper.
        shape: for a slide, or for the column of a paper.
        bare: leave out title and caption.
        canvas: what it is drawn on, where that is a part of something else; it brings its own colours.
    """
    paper, canvas = _PAPERS[shape], canvas or Canvas(ink, theme)
    width, inner = paper.width, paper.width - 2 * paper.margin
    small = max(paper.title * 0.55, LEAST)
    top = paper.margin
    if not bare:
        top += paper.title * 0.9
        canvas.text(paper.margin, top, figure.title, paper.title, bold=True)
        for line in _at_most(broken(ink.text(figure.sentence), small, inner), LINES_OF_A_SENTENCE):
            top += small * 1.5
            canvas.text(paper.margin, top, line, small, fill=canvas.colour("quiet"))
        top += small
    caption = [] if bare else broken(ink.text(figure.caption), small, inner)
    below = small * 1.35 * len(caption) + (small * 0.6 if caption else 0)
    room = paper.height - top - below - paper.margin if paper.height else 0.0
    high, wide = _drawing(figure, Canvas(ink, theme), paper, top, room)  # to measure it
    top += max((room - high) / 2, 0.0)
    _drawing(figure, canvas, paper, top, room)
    width = max(width, wide + 2 * paper.margin)
    height = max(paper.height, top + high + below + paper.margin)
    y = height - paper.margin - below + small * 0.6
    for line in caption:
        y += small * 1.35
        canvas.text(paper.margin, y - small * 0.35, line, small, fill=canvas.colour("quiet"))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" \
height="{height:g}" role="img" aria-labelledby="attnexplain-title attnexplain-desc" font-family='{FONTS}'>
<title id="attnexplain-title">{escape(ink.text(f"{figure.title}: {figure.sentence}"))}</title>
<desc id="attnexplain-desc">{escape(ink.text(figure.description))}</desc>
<rect width="100%" height="100%" fill="{canvas.colour("paper")}"/>
{"".join(canvas.parts)}
</svg>
"""


def _at_most(lines: list[str], most: int) -> list[str]:
    """Cut a text after so many lines, and show that it goes on."""
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]} …"]


def _drawing(figure: Figure, canvas: Canvas, paper: _Paper, top: float, room: float) -> tuple[float, float]:
    """Draw what the figure shows from this height on, and return the height and the width that it takes."""
    match figure.drawing:
        case Grid():
            return MatrixDrawing(figure.drawing, canvas, paper, room).draw(top)
        case Fan():
            return _fan(figure.drawing, canvas, paper, top, room)
        case Gallery():
            return _gallery(figure.drawing, canvas, paper, top, room)
        case _:
            assert_never(figure.drawing)


class MatrixDrawing:
    """A matrix of square cells, with names on its rows and columns, numbers while they fit, and a bar of colours."""

    def __init__(self, grid: Grid, canvas: Canvas, paper: _Paper, room: float) -> None:
        self.grid, self.canvas, self.paper = grid, canvas, paper
        rows, columns = grid.numbers.shape
        self.tile = max(-(-rows // MOST_NAMED), -(-columns // MOST_NAMED)) if grid.rows_ask else -(-rows // MOST_NAMED)
        self.wide = self.tile if grid.rows_ask else -(-columns // MOST_NAMED)
        self.strengths = grid.tiles(self.tile, self.wide)
        self.rows = self._names(grid.rows, self.tile)
        self.columns = self._names(grid.columns, self.wide)
        self.bar = 8 * max(paper.letters * 0.7, LEAST)
        self.size = self.cell = self.names = self.above = self.beyond = 0.0
        self.slanted, self.every = False, 1
        self._fit(room)

    def _names(self, names: Sequence[str], tile: int) -> list[str]:
        ink = self.canvas.ink
        if tile > 1:
            return [str(place + 1) for place in range(0, len(names), tile)]
        room = 0.3 * self.paper.width if self.paper.width else LEAST * LONGEST_NAME
        return [shortened(ink.text(name), max(LEAST, self.paper.letters / 2), room) for name in names]

    def _fit(self, room: float) -> None:
        """Choose the largest letters and cells that the paper has room for.

        Where there is no room for all names, every second, third … is written; a page of its own grows instead.
        """
        size = self.paper.letters
        while not self._fits(size, room) and size > LEAST:
            size = max(size - 1, LEAST)
        pitch = size * (1.5 if self.slanted else 1.2)
        self.cell = max(self.cell, LEAST_CELL if self.paper.width else pitch)
        self.every = max(ceil(pitch / self.cell - 1e-6), 1)
        self.total = self.names + self.strengths.shape[1] * self.cell + max(self.bar, self.beyond)

    def _fits(self, size: float, room: float) -> bool:
        """Lay it out with letters of this size, and say whether lines of names are far enough apart."""
        self.size = size
        self.names = max(advance(name, size) for name in self.rows) + 0.6 * size
        heads = [advance(name, size) for name in self.columns]
        self.slanted, self.above, self.beyond = False, 1.7 * size, 0.0
        self.cell = self._cell(room)
        if max(heads) + 0.4 * size > self.cell:
            count = len(heads)
            self.slanted, self.above = True, max(heads) * sin(SLANT) + 1.2 * size
            self.cell = self._cell(room)
            self.beyond = max(heads[j] * cos(SLANT) - (count - j - 0.5) * self.cell for j in range(count))
            self.cell = self._cell(room)
        return self.cell >= size * (1.5 if self.slanted else 1.2)

    def _cell(self, room: float) -> float:
        """The side of a cell for which the matrix with all its names fits the paper."""
        rows, columns = self.strengths.shape
        across = (self.paper.width - 2 * self.paper.margin - self.names - max(self.bar, self.beyond)) / columns
        down = (room - self.above) / rows if room else self.paper.cell
        return float(min(across, down, self.paper.cell))

    def draw(self, top: float) -> tuple[float, float]:
        """Draw it, and return the height and the width that it takes."""
        grid, canvas, cell, size = self.grid, self.canvas, self.cell, self.size
        rows, columns = self.strengths.shape
        inner = self.paper.width - 2 * self.paper.margin
        left = self.paper.margin + max((inner - self.total) / 2, 0) + self.names
        upper = top + self.above
        written, letters = self._numbers()
        asking = grid.mark[0] if grid.mark is not None and self.tile == 1 else None
        for j, name in enumerate(self.columns):
            if j % self.every:
                continue
            x = left + (j + 0.5) * cell
            if self.slanted:
                canvas.text(x + 0.2 * size, upper - 0.4 * size, name, size, slanted=True)
            else:
                canvas.text(x, upper - 0.4 * size, name, size, anchor="middle")
        for i, name in enumerate(self.rows):
            y = upper + (i + 0.5) * cell
            if i % self.every == 0 or i == asking:
                canvas.text(left - 0.4 * size, y + 0.35 * size, name, size, anchor="end", bold=i == asking)
            for j in range(columns):
                strength = float(self.strengths[i, j])
                says = self._says(i, j)
                canvas.square(left + j * cell, upper + i * cell, cell, cell, strength, grid.colours, says)
                if written:
                    middle = left + (j + 0.5) * cell
                    canvas.number(middle, y + 0.35 * letters, written[i][j], letters, strength, grid.colours)
        canvas.frame(left, upper, columns * cell, rows * cell, "line")
        if asking is not None:
            canvas.frame(left, upper + asking * cell, columns * cell, cell, "text", max(cell / 20, 1.5))
        self._colour_bar(left + columns * cell + 0.8 * size, upper, rows * cell)
        return self.above + max(rows * cell, 3 * LEAST), self.total

    def _says(self, i: int, j: int) -> str:
        grid = self.grid
        if self.tile > 1 or self.wide > 1 or not np.isfinite(grid.numbers[i, j]):
            return ""
        number = self._written(i, j)
        row, column = self.rows[i], self.columns[j]
        return f"query {row}, key {column}: {number}" if grid.rows_ask else f"{row}, {column}: {number}"

    def _written(self, i: int, j: int) -> str:
        return self.canvas.ink.written(Cell(float(self.grid.numbers[i, j]), is_share=self.grid.colours == "share"))

    def _numbers(self) -> tuple[list[list[str]], float]:
        """Write the numbers, and choose the size of their letters; none where they would be too small."""
        rows, columns = self.strengths.shape
        if self.tile > 1 or self.wide > 1 or self.cell < 2 * LEAST:
            return [], 0.0
        written = [[self._written(i, j) for j in range(columns)] for i in range(rows)]
        widest = max(advance(number, 1.0) for row in written for number in row)
        letters = min(0.86 * self.cell / widest, 0.42 * self.cell, self.paper.letters)
        return (written, letters) if letters >= LEAST else ([], 0.0)

    def _colour_bar(self, x: float, top: float, high: float) -> None:
        """Draw what the colours mean, the most on top."""
        grid, canvas = self.grid, self.canvas
        is_signed = grid.colours == "signed"
        letters = max(self.paper.letters * 0.7, LEAST)
        wide, high = letters * 1.1, max(min(high, max(letters * 14, 0.5 * high)), 3 * letters)
        steps = 64
        for step in range(steps):
            strength = 1 - step / (steps - 1) * (2 if is_signed else 1)
            canvas.square(x, top + step * high / steps, wide, high / steps + 0.5, strength, grid.colours, "")
        canvas.frame(x, top, wide, high, "line")
        ends = [(0.0, grid.largest), (1.0, -grid.largest if is_signed else 0.0)]
        for part, number in [*ends, *([(0.5, 0.0)] if is_signed and high > 4 * letters else [])]:
            said = canvas.ink.written(Cell(number, is_share=not is_signed))
            y = top + part * high + (0.8 - 0.8 * part) * letters
            canvas.text(x + 1.4 * wide, y, said, letters, fill=canvas.colour("quiet"))


def _fan(fan: Fan, canvas: Canvas, paper: _Paper, top: float, room: float) -> tuple[float, float]:
    """Draw two columns of words, and bands between them as thick as the shares, side by side at both ends."""
    ink = canvas.ink
    count = max(len(fan.asking), len(fan.answering))
    pitch = min(room / count if room else 2 * paper.letters, 4 * paper.letters)
    size = max(min(paper.letters, 0.6 * pitch), LEAST)
    every = max(ceil(1.2 * size / pitch - 1e-6), 1)
    left, right = 0.36 * paper.width, 0.64 * paper.width
    beside = left - 0.6 * size - paper.margin
    said = 0.0 if fan.query is None else advance(f"  {ink.share(1.0)}", size)
    asking = [shortened(ink.text(name), size, beside) for name in fan.asking]
    answering = [shortened(ink.text(name), size, beside - said) for name in fan.answering]
    places = [
        [top + (i + 0.5) * pitch + (count - len(side)) * pitch / 2 for i in range(len(side))]
        for side in (asking, answering)
    ]
    drawn = fan.drawn
    unit = 0.9 * pitch / max(float(drawn.sum(axis=1).max(initial=0.0)), float(drawn.sum(axis=0).max(initial=0.0)), 1e-9)
    starts = [place - unit * float(drawn[i].sum()) / 2 for i, place in enumerate(places[0])]
    ends = [place - unit * float(drawn[:, j].sum()) / 2 for j, place in enumerate(places[1])]
    for i, row in enumerate(drawn.tolist()):
        for j, share in enumerate(row):
            if share:
                thick = unit * share
                canvas.parts.append(
                    _band(left, starts[i] + thick / 2, right, ends[j] + thick / 2, thick, share, canvas)
                )
                starts[i] += thick
                ends[j] += thick
    for i, name in enumerate(asking):
        if i % every and fan.query != i:
            continue
        quiet = fan.query not in (None, i)
        fill = canvas.colour("quiet") if quiet else canvas.colour("text")
        y = places[0][i] + 0.35 * size
        canvas.text(left - 0.6 * size, y, name, size, fill=fill, anchor="end", bold=fan.query == i)
    for j, name in enumerate(answering):
        if j % every and (fan.query is None or not drawn[fan.query, j]):
            continue
        share = "" if fan.query is None else f"  {ink.share(float(fan.weights[fan.query, j]))}"
        canvas.text(right + 0.6 * size, places[1][j] + 0.35 * size, name + share, size)
    return count * pitch, 0.0


def _band(x: float, y: float, to_x: float, to_y: float, thick: float, share: float, canvas: Canvas) -> str:
    bend = (to_x - x) / 2
    path = f"M{x:.1f} {y:.1f}C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
    looks = f'stroke-width="{max(thick, 0.5):.2f}" stroke-opacity="{0.25 + 0.55 * share:.2f}"'
    return f'<path d="{path}" fill="none" stroke="{canvas.colour("heading")}" {looks}/>'


class Laid(NamedTuple):
    """How a gallery is laid out: in bands of rows beside each other, where there are many rows and few columns."""

    bands: int
    side: float
    """Of a picture."""
    under: float
    """Room for the word below it; 0 where there is none."""


MOST_BANDS = 6
GAP = 0.08
"""Between pictures, for their side."""


def laid_out(rows: int, columns: int, names: float, letters: float, wide: float, room: float) -> Laid:
    """Choose the layout with the largest pictures; with words below them, where words fit."""
    best = Laid(1, 0.0, 0.0)
    least = max(3.2 * letters, advance("same", letters))
    for bands in range(1, MOST_BANDS + 1 if room else 2):
        across = (wide / bands - names) / columns
        for under in (1.5 * letters, 0.0):
            down = room / -(-rows // bands) - under if room else across
            side = min(across, down) / (1 + GAP)
            if (side >= least or not under) and (bool(under), side) > (bool(best.under), best.side):
                best = Laid(bands, side, under)
    return best._replace(side=max(best.side, 8.0))


def _gallery(gallery: Gallery, canvas: Canvas, paper: _Paper, top: float, room: float) -> tuple[float, float]:
    """Draw a small picture of every head, a row a layer, with what it does below where there is room."""
    rows, columns = len(gallery.rows), max(map(len, gallery.rows))
    letters = max(paper.letters * 0.5, LEAST)
    names = 1.2 * max(advance(f"{gallery.row_name} {label}", letters) for label in gallery.row_labels)
    wide, heading = paper.width - 2 * paper.margin, 1.6 * letters
    laid = laid_out(rows, columns, names, letters, wide, room - heading if room else 0.0)
    side, step = laid.side, laid.side * (1 + GAP)
    in_band, band = -(-rows // laid.bands), names + columns * step
    has_numbers = all(advance(_label(picture, canvas), letters) <= step for row in gallery.rows for picture in row)
    start = paper.margin + max((wide - laid.bands * band) / 2, 0)
    for number in range(laid.bands):
        left = start + number * band + names
        _head_names(gallery, canvas, letters, (left, top), step)
        for i, row in list(enumerate(gallery.rows))[number * in_band : (number + 1) * in_band]:
            y = top + heading + (i - number * in_band) * (step + laid.under)
            name, middle = f"{gallery.row_name} {gallery.row_labels[i]}", y + side / 2 + 0.35 * letters
            canvas.text(left - 0.5 * letters, middle, name, letters, anchor="end", fill=canvas.colour("quiet"))
            for j, thumbnail in enumerate(row):
                x = left + j * step
                most = max(min(len(thumbnail.picture), int(side // 2)), 1)
                canvas.parts += small_cells(thumbnail.resized(most, most).tolist(), x, y, side, canvas)
                canvas.frame(x, y, side, side, "line")
                if laid.under:
                    said = _label(thumbnail, canvas) if has_numbers else thumbnail.word
                    canvas.text(x + side / 2, y + side + 1.1 * letters, said, letters, anchor="middle")
    return heading + in_band * (step + laid.under), 0.0


def _head_names(gallery: Gallery, canvas: Canvas, letters: float, place: tuple[float, float], step: float) -> None:
    """Write the names of the columns above them, every few where they are narrow."""
    left, top = place
    labels = gallery.column_labels
    for column in range(0, len(labels), max(1, round(2 * letters / step))):
        named = f"{gallery.column_name} {labels[column]}"
        said = named if advance(named, letters) <= step else labels[column]
        middle = left + column * step + step / (1 + GAP) / 2
        canvas.text(middle, top + letters, said, letters, anchor="middle", fill=canvas.colour("quiet"))


def _label(thumbnail: Thumbnail, canvas: Canvas) -> str:
    return f"{thumbnail.word} {canvas.ink.share(thumbnail.number)}"


def small_cells(shares: list[list[float]], x: float, y: float, side: float, canvas: Canvas) -> Iterator[str]:
    """Draw the cells of a small picture: a square in the colour of nothing, and a path for each other colour."""
    cell = side / len(shares)
    paths: dict[str, list[str]] = {}
    for i, row in enumerate(shares):
        start = 0
        shades = [canvas.paint(share, "share") for share in row]
        for j in range(1, len(row) + 1):
            if j == len(row) or shades[j] != shades[start]:
                wide = (j - start) * cell
                paths.setdefault(shades[start], []).append(
                    f"M{x + start * cell:.1f} {y + i * cell:.1f}h{wide:.1f}v{cell:.1f}h{-wide:.1f}z"
                )
                start = j
    nothing = canvas.paint(0.0, "share")
    yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}" {nothing}/>'
    for paint, pieces in paths.items():
        if paint != nothing:
            yield f'<path {paint} shape-rendering="crispEdges" d="{"".join(pieces)}"/>'
