"""A lesson as a web page: real headings and tables, no script, nothing fetched.

Pointing at a cell of a matrix, or reaching it with the Tab key, says which query and key it belongs to. A screen reader
finds the name of the row and of the column in the table itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from itertools import count
from typing import Any, assert_never

from attnexplain.render.colours import Colour, readable_on, share_colour, signed_colour
from attnexplain.render.ink import Ink
from attnexplain.render.notation import write_formula, write_line
from attnexplain.render.page import picture_note
from attnexplain.render.themes import FONTS, THEMES, ThemeName
from attnexplain.steps.blocks import (
    Answer,
    Block,
    Cell,
    Command,
    Company,
    Equation,
    Formula,
    Gallery,
    Grid,
    LaidColumn,
    Lesson,
    Links,
    Pair,
    Prose,
    Table,
)

MARKED = ' class="mark"'
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
    colours = "".join(f" --{name}: {colour};" for name, colour in THEMES[theme]._asdict().items())
    sheet = files("attnexplain").joinpath("render/page.css").read_text(encoding="utf-8")
    return f":root {{ color-scheme: {theme}; --fonts: {FONTS};{colours} }}\n{sheet}"


class Page:
    """Writes the pieces of a lesson as HTML. Every text passes through `text`, which leaves nothing in it live."""

    def __init__(self, ink: Ink, *, brief: bool = False) -> None:
        self.ink = ink
        self.brief = brief
        self._number = count(1)

    def fragment(self, lesson: Lesson) -> str:
        """Write what stands inside of the page."""
        parts = [f"<h1>{self.text(lesson.sentence)}</h1>"] if lesson.sentence else []
        if lesson.answer is not None:
            parts.append(self.block(lesson.answer))
        for step in lesson.steps:
            name = f"step-{step.number or next(self._number) + 4}"
            blocks = "\n".join(filter(None, map(self.block, step.blocks)))
            heading = f'<h2 id="{name}">{self.text(step.heading)}</h2>'
            parts.append(f'<section aria-labelledby="{name}">\n{heading}\n{blocks}\n</section>')
        parts += map(self.block, lesson.notes)
        return "\n".join(filter(None, parts))

    def text(self, text: str) -> str:
        """Make any text safe: to show, and in HTML."""
        return escape(self.ink.text(text))

    def block(self, block: Block) -> str:  # noqa: C901 - one case a kind of block
        """Write one block."""
        match block:
            case Prose():
                return self._prose(block)
            case Formula():
                return self._formula(block)
            case Equation():
                return self._equation(block)
            case Grid():
                return self._grid(block)
            case Links():
                return self._links(block)
            case Company():
                return self._company(block)
            case Pair():
                return self._pair(block)
            case Gallery():
                return self._gallery(block)
            case Table():
                return self._table(block)
            case Command():
                return f"<pre><code>{self.text(block.text)}</code></pre>"
            case Answer():
                return self._answer(block)
            case _:
                assert_never(block)

    # Words

    def _prose(self, prose: Prose) -> str:
        if prose.is_note:
            return f'<p class="note">{self.text(prose.text)}</p>'
        return "" if self.brief else f"<p>{self.text(prose.text)}</p>"

    def _formula(self, formula: Formula) -> str:
        lines = (f"{self.text(write_formula(line))}<span>{self.text(line.shapes)}</span>" for line in formula.lines)
        return "".join(f'<p class="formula">{line}</p>' for line in lines)

    def _equation(self, equation: Equation) -> str:
        *parts, result = [self.text(f"{line.sign} {write_line(line)}") for line in equation.lines]
        lines = [f"<div>{part}</div>" for part in parts]
        lines.append(f"<div><b>{result}</b></div>")
        if equation.note:
            lines.append(f'<div class="note">({self.text(equation.note)})</div>')
        return f'<div class="worked"><b>{self.text(equation.left)}</b>{"".join(lines)}</div>'

    def _answer(self, answer: Answer) -> str:
        company = "".join(f"<dt>{self.text(name)}</dt><dd>{self.text(text)}</dd>" for name, text in answer.company)
        largest = max((bar.share for bar in answer.bars), default=0.0) or 1.0
        bars = []
        for bar in answer.bars:
            width = f"{100 * bar.share / largest:.1f}"
            each = " each" if bar.is_each else ""
            bars.append(
                f'<tr><th scope="row">{self.text(bar.name)}</th>'
                f"<td>{escape(self.ink.share(bar.share))}{each}</td>"
                f'<td class="bar"><span style="width:{width}%"></span></td></tr>'
            )
        note = f"<p>{self.text(answer.note)}</p>" if answer.note else ""
        rest = f'<p class="note">{self.text(answer.rest)}</p>' if answer.rest else ""
        steps = "".join(f"<li><b>{self.text(line.title)}</b> {self.text(line.text)}</li>" for line in answer.lines)
        return (
            f'<section class="answer" aria-label="the answer">{f"<dl>{company}</dl>" if company else ""}'
            f"{note}<p>{self.text(answer.because)}</p><table>{''.join(bars)}</table>{rest}<ol>{steps}</ol></section>"
        )

    # Tables

    def _grid(self, grid: Grid) -> str:
        if grid.is_large:
            return self._picture(grid)
        columns = grid.laid_out()
        headings = [self._heading(column.heading) for column in columns]
        rows = []
        for i, name in enumerate(grid.rows):
            cells = [self._cell(grid, name, column, column.cells[i]) for column in columns]
            rows.append(f'<tr><th scope="row">{self.text(name)}</th>{"".join(cells)}</tr>')
        return self._wrapped(grid.title, grid.note, headings, rows, self._footer(grid, columns))

    def _cell(self, grid: Grid, row: str, column: LaidColumn, cell: Cell) -> str:
        written = escape(self.ink.written(cell))
        if cell.strength is None:
            return f"<td{MARKED if cell.is_marked else ''}>{written}</td>"
        ground = _ground(cell.strength, grid.colours)
        says = f"{self.text(row)}, {self.text(column.heading)}: {written}"
        if grid.rows_ask:
            says = f"query {self.text(row)}, key {self.text(column.heading)}: {written}"
        kind = "cell mark" if cell.is_marked else "cell"
        looks = f'class="{kind}" style="{_on(ground)}"'
        return f'<td {looks} tabindex="0" data-says="{says}" aria-label="{says}">{written}</td>'

    def _footer(self, grid: Grid, columns: Sequence[LaidColumn]) -> str:
        if grid.footer is None:
            return ""
        feet = [column.footer for column in columns]
        cells = [f"<td>{'' if foot is None else escape(self.ink.written(foot))}</td>" for foot in feet]
        return f'<tfoot><tr><th scope="row">{self.text(grid.footer[0])}</th>{"".join(cells)}</tr></tfoot>'

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
                self._share(c) if isinstance(c, float) else f'<td class="words">{escape(self.ink.entry(c))}</td>'
                for c in others
            ]
            rows.append(f'<tr><th scope="row">{escape(self.ink.entry(first))}</th>{"".join(cells)}</tr>')
        headings = "".join(map(self._heading, table.headings))
        return (
            f'<div class="scroll"><table><caption>{self.text(table.title)}</caption>'
            f"<thead><tr>{headings}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        )

    def _share(self, share: float) -> str:
        return f'<td style="{_on(share_colour(share))}">{escape(self.ink.share(share))}</td>'

    def _links(self, links: Links) -> str:
        rows = [
            f'<tr><th scope="row">{self.text(name)}</th><td class="words">'
            + ", ".join(f"{self.text(other)} {escape(self.ink.share(weight))}" for other, weight in linked)
            + "</td></tr>"
            for name, linked in links.rows
        ]
        return self._wrapped(links.title, "", [self._heading("attends most to")], rows)

    def _company(self, company: Company) -> str:
        rows = []
        for row in company.rows:
            texts = [", ".join(row.before), ", ".join(row.after)] if row.before else [row.why_none, ""]
            cells = "".join(f'<td class="words">{self.text(text)}</td>' for text in texts)
            name, cosine = self.text(row.name), escape(self.ink.share(row.cosine))
            rows.append(f'<tr><th scope="row">{name}</th><td>{cosine}</td>{cells}</tr>')
        headings = [self._heading(heading) for heading in ("cosine", "before", "after")]
        return self._wrapped(company.title, "", headings, rows)

    # Pictures

    def _pair(self, pair: Pair) -> str:
        return f'<div class="pair">{self._grid(pair.left)}{self._grid(pair.right)}</div>'

    def _picture(self, grid: Grid) -> str:
        """Draw a large matrix as one picture, of an even larger one the strongest of every few numbers."""
        tall, wide = (-(-size // MOST_CELLS) for size in grid.numbers.shape)
        small = grid.tiles(tall, wide)
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
                picture = _squares(thumbnail.resized(size, size), "share", 64 / size, name)
                label = f"{i}.{j} {self.text(thumbnail.word)} {escape(self.ink.share(thumbnail.number))}"
                figures.append(f"<figure>{picture}<figcaption>{label}</figcaption></figure>")
        columns = f"grid-template-columns:repeat({len(gallery.rows[0])},minmax(5.5rem,1fr))"
        return f'<div class="gallery" style="{columns}">{"".join(figures)}</div>'


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
