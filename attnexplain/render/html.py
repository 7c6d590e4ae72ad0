"""A lesson as a web page: real headings and tables, no script, nothing fetched.

Pointing at a cell of a matrix, or reaching it with the Tab key, says which query and key it belongs to. A screen reader
finds the name of the row and of the column in the table itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib.resources import files
from itertools import count
from typing import Any

import numpy as np

from attnexplain.arithmetic import strongest_of_tiles
from attnexplain.render.colours import Colour, readable_on, share_colour, signed_colour
from attnexplain.render.gallery import resized
from attnexplain.render.ink import Ink
from attnexplain.render.page import picture_note
from attnexplain.render.themes import FONTS, THEMES, ThemeName
from attnexplain.steps.step import (
    Block,
    Command,
    Company,
    Equation,
    Formula,
    Gallery,
    Grid,
    Lesson,
    Links,
    Pair,
    Prose,
    Table,
)

MOST_CELLS = 96
"""The longest side of a matrix that is drawn without numbers."""
THUMBNAIL = 16
TICK_WIDTH, TICK_HEIGHT = 6.0, 2.5
"""Squares that the positions of rows and columns take."""


def render_html(lesson: Lesson, ink: Ink, *, theme: ThemeName = "dark", brief: bool = False) -> str:
    """Write a lesson as one HTML document.

    Args:
        lesson: what to write.
        ink: how to write numbers and texts.
        theme: light or dark paper.
        brief: leave out the prose.
    """
    page, style = Page(ink, brief=brief), _style(theme)
    title = page.text(lesson.sentence) or page.text(lesson.steps[0].heading)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{page.fragment(lesson)}
</main>
</body>
</html>
"""


def render_fragment(lesson: Lesson, *, theme: ThemeName = "light") -> str:
    """Write a lesson as a piece of somebody else's page, whose other parts keep their own style."""
    style = _style(theme).replace(":root", "&").replace("body {", "& {")
    return f'<div class="attnexplain"><style>.attnexplain {{{style}}}</style>{Page(Ink()).fragment(lesson)}</div>'


def _style(theme: ThemeName) -> str:
    colours = "".join(f" --{name}: {colour};" for name, colour in vars(THEMES[theme]).items())
    sheet = files("attnexplain").joinpath("render/page.css").read_text(encoding="utf-8")
    return f":root {{ color-scheme: {theme}; --fonts: {FONTS};{colours} }}\n{sheet}"


class Page:
    """Writes the pieces of a lesson as HTML. Every text passes through `text`, which leaves nothing in it live."""

    def __init__(self, ink: Ink, *, brief: bool = False) -> None:
        self.ink = ink
        self.brief = brief
        self._number = count(1)
        self._written: Mapping[type[Block], Callable[[Any], str]] = {
            Prose: self._prose, Formula: self._formula, Equation: self._equation, Grid: self._grid, Links: self._links,
            Company: self._company, Pair: self._pair, Gallery: self._gallery, Table: self._table,
            Command: lambda command: f"<pre><code>{self.text(command.text)}</code></pre>",
        }  # fmt: skip

    def fragment(self, lesson: Lesson) -> str:
        """Write what stands inside of the page."""
        parts = [f"<h1>{self.text(lesson.sentence)}</h1>"] if lesson.sentence else []
        parts += map(self.block, lesson.notes)
        for step in lesson.steps:
            name = f"step-{step.number or next(self._number) + 4}"
            blocks = "\n".join(filter(None, map(self.block, step.blocks)))
            heading = f'<h2 id="{name}">{self.text(step.heading)}</h2>'
            parts.append(f'<section aria-labelledby="{name}">\n{heading}\n{blocks}\n</section>')
        return "\n".join(filter(None, parts))

    def text(self, text: str) -> str:
        """Make any text safe: to show, and in HTML."""
        return escape(self.ink.text(text))

    def block(self, block: Block) -> str:
        """Write one block."""
        return self._written[type(block)](block)

    # Words

    def _prose(self, prose: Prose) -> str:
        if prose.is_note:
            return f'<p class="note">{self.text(prose.text)}</p>'
        return "" if self.brief else f"<p>{self.text(prose.text)}</p>"

    def _formula(self, formula: Formula) -> str:
        lines = (f"{self.text(symbols)}<span>{self.text(shapes)}</span>" for symbols, shapes in formula.lines)
        return "".join(f'<p class="formula">{line}</p>' for line in lines)

    def _equation(self, equation: Equation) -> str:
        *parts, result = equation.right
        lines = [f"<div>= {self.text(part)}</div>" for part in parts]
        lines.append(f"<div><b>= {self.text(result)}</b></div>")
        if equation.note:
            lines.append(f'<div class="note">({self.text(equation.note)})</div>')
        return f'<div class="worked"><b>{self.text(equation.left)}</b>{"".join(lines)}</div>'

    # Tables

    def _grid(self, grid: Grid) -> str:
        if grid.is_large:
            return self._picture(grid)
        beside = [(column, place) for column, place in ((grid.before, 0), (grid.after, 1)) if column is not None]
        headings = [self._heading(column) for column in grid.columns]
        for column, place in beside:
            headings.insert(place * len(headings), self._heading(column.heading))
        finite = np.abs(grid.numbers[np.isfinite(grid.numbers)])
        largest = float(finite.max(initial=0.0)) or 1.0
        rows = []
        for i, name in enumerate(grid.rows):
            cells = [self._cell(grid, i, j, largest) for j in range(len(grid.columns))]
            for column, place in beside:
                cells.insert(place * len(cells), f"<td>{self._written_number(column.numbers[i])}</td>")
            rows.append(f'<tr><th scope="row">{self.text(name)}</th>{"".join(cells)}</tr>')
        return self._wrapped(grid.title, grid.note, headings, rows, self._footer(grid))

    def _cell(self, grid: Grid, i: int, j: int, largest: float) -> str:
        value = float(grid.numbers[i, j])
        written = self._written_number(value)
        marked = ' class="cell mark"' if grid.mark == (i, j) else ' class="cell"'
        if grid.colours == "none" or not np.isfinite(value):
            marked = ' class="mark"' if grid.mark == (i, j) else ""
            return f"<td{marked}>{written}</td>"
        ground = _ground(value / largest, grid.colours)
        says = f"{self.text(grid.rows[i])}, {self.text(grid.columns[j])}: {written}"
        if "rows ask" in grid.note:
            says = f"query {self.text(grid.rows[i])}, key {self.text(grid.columns[j])}: {written}"
        return f'<td{marked} style="{_on(ground)}" tabindex="0" data-says="{says}" aria-label="{says}">{written}</td>'

    def _footer(self, grid: Grid) -> str:
        if grid.footer is None:
            return ""
        name, numbers = grid.footer
        cells = [f"<td>{self._written_number(number)}</td>" for number in numbers]
        if grid.before is not None:
            cells.insert(0, "<td></td>")
        return f'<tfoot><tr><th scope="row">{self.text(name)}</th>{"".join(cells)}</tr></tfoot>'

    def _wrapped(self, title: str, note: str, headings: Sequence[str], rows: Sequence[str], footer: str = "") -> str:
        after = f" <span>({self.text(note)})</span>" if note else ""
        return (
            f'<div class="scroll"><table><caption>{self.text(title)}{after}</caption>'
            f"<thead><tr><td></td>{''.join(headings)}</tr></thead><tbody>{''.join(rows)}</tbody>{footer}</table></div>"
        )

    def _heading(self, text: str) -> str:
        return f'<th scope="col">{self.text(text)}</th>'

    def _table(self, table: Table) -> str:
        rows = []
        for row in table.rows:
            first, *others = row
            cells = [
                self._share(c) if isinstance(c, float) else f'<td class="words">{self.text(c)}</td>' for c in others
            ]
            rows.append(f'<tr><th scope="row">{self.text(str(first))}</th>{"".join(cells)}</tr>')
        headings = "".join(map(self._heading, table.headings))
        return (
            f'<div class="scroll"><table><caption>{self.text(table.title)}</caption>'
            f"<thead><tr>{headings}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        )

    def _share(self, share: float) -> str:
        return f'<td style="{_on(share_colour(share))}">{self._written_number(share)}</td>'

    def _links(self, links: Links) -> str:
        rows = [
            f'<tr><th scope="row">{self.text(name)}</th><td class="words">'
            + ", ".join(f"{self.text(other)} {self._written_number(weight)}" for other, weight in linked)
            + "</td></tr>"
            for name, linked in links.rows
        ]
        return self._wrapped(links.title, "", [self._heading("attends most to")], rows)

    def _company(self, company: Company) -> str:
        rows = []
        for name, cosine, before, after in company.rows:
            texts = [", ".join(before), ", ".join(after)] if before else ["says little by itself", ""]
            cells = "".join(f'<td class="words">{self.text(text)}</td>' for text in texts)
            rows.append(
                f'<tr><th scope="row">{self.text(name)}</th><td>{self._written_number(cosine)}</td>{cells}</tr>'
            )
        headings = [self._heading(heading) for heading in ("cosine", "before", "after")]
        return self._wrapped(company.title, "", headings, rows)

    # Pictures

    def _pair(self, pair: Pair) -> str:
        return f'<div class="pair">{self._grid(pair.left)}{self._grid(pair.right)}</div>'

    def _picture(self, grid: Grid) -> str:
        """Draw a large matrix as one picture, of an even larger one the strongest of every few numbers."""
        numbers = np.where(np.isfinite(grid.numbers), grid.numbers, 0.0)
        largest = float(np.abs(numbers).max()) or 1.0
        tall, wide = (-(-size // MOST_CELLS) for size in numbers.shape)
        small = strongest_of_tiles(numbers / largest, tall, wide)
        note = picture_note("square", tall, wide)
        picture = _squares(small, grid.colours, 6, self.text(grid.title), ticks=(tall, wide))
        caption = f"<b>{self.text(grid.title)}</b> {self.text(f'({grid.note})' if grid.note else '')}"
        return f'<figure class="scroll"><figcaption>{caption}<br>{self.text(note)}</figcaption>{picture}</figure>'

    def _gallery(self, gallery: Gallery) -> str:
        figures = []
        for i, row in enumerate(gallery.rows):
            for j, thumbnail in enumerate(row):
                size = min(THUMBNAIL, len(thumbnail.picture))
                name = f"{gallery.row_name} {i}, {gallery.column_name} {j}"
                picture = _squares(resized(thumbnail.picture, size, size), "share", 64 / size, name)
                label = f"{i}.{j} {self.text(thumbnail.word)} {self._written_number(thumbnail.number)}"
                figures.append(f"<figure>{picture}<figcaption>{label}</figcaption></figure>")
        columns = f"grid-template-columns:repeat({len(gallery.rows[0])},minmax(5.5rem,1fr))"
        return f'<div class="gallery" style="{columns}">{"".join(figures)}</div>'

    def _written_number(self, value: float | None) -> str:
        return escape(self.ink.number(value))


def _squares(strengths: Any, colours: str, size: float, name: str, ticks: tuple[int, int] | None = None) -> str:
    """Draw a matrix of strengths as squares; neighbours of one colour in a row are one rectangle.

    With `ticks`, how many numbers a square is tall and wide, every tenth row and column has its position written.
    """
    rows, columns = strengths.shape
    drawn = []
    for i, row in enumerate(strengths.tolist()):
        start = 0
        shades = [_hex(_ground(round(strength, 2), colours)) for strength in row]
        for j in range(1, columns + 1):
            if j == columns or shades[j] != shades[start]:
                drawn.append(f'<rect x="{start}" y="{i}" width="{j - start}" height="1" fill="{shades[start]}"/>')
                start = j
    left, top = (TICK_WIDTH, TICK_HEIGHT) if ticks is not None else (0.0, 0.0)
    if ticks is not None:
        tall, wide = ticks
        drawn += [f'<text x="-0.5" y="{i + 1}" text-anchor="end">{i * tall + 1}</text>' for i in range(0, rows, 10)]
        drawn += [f'<text x="{j}" y="-0.5">{j * wide + 1}</text>' for j in range(0, columns, 10)]
    return (
        f'<svg role="img" aria-label="{name}" viewBox="{-left:g} {-top:g} {columns + left:g} {rows + top:g}" '
        f'width="{(columns + left) * size:g}" height="{(rows + top) * size:g}" shape-rendering="crispEdges">'
        f"{''.join(drawn)}</svg>"
    )


def _ground(strength: float, colours: str) -> Colour:
    return share_colour(strength) if colours == "share" else signed_colour(strength)


def _on(ground: Colour) -> str:
    """Write the style of a cell: its ground, and what can be read on it."""
    return f"background:{_hex(ground)};color:{_hex(readable_on(ground))}"


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
