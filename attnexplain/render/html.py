"""A lesson as a web page: real headings and tables, no script, nothing fetched.

Pointing at a cell of a matrix says which query and key it belongs to. A screen reader finds the name of the row and of
the column in the table itself, which is one stop of the Tab key, and moves by the arrow keys where it is too wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from itertools import count, zip_longest
from secrets import token_hex
from typing import assert_never

from attnexplain.render.colours import ground, hexadecimal, readable_on, step_of
from attnexplain.render.figure import ON_A_PAGE, Canvas, MatrixDrawing, Shape, render_figure, small_cells
from attnexplain.render.ink import Ink
from attnexplain.render.notation import write_formula, write_line
from attnexplain.render.themes import FONTS, THEMES, Theme, ThemeName
from attnexplain.steps.blocks import (
    Answer,
    Block,
    Cell,
    Colours,
    Command,
    Company,
    Diagram,
    Entry,
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
from attnexplain.steps.figure import Figure

AROUND = (
    "html { background: var(--paper); } body { margin: 0; } "
    "@page { margin: 12mm; } @media print { :root { color-scheme: light !important; } }"
)
"""What a page of our own says of all that is around the lesson."""
OF_A_FIGURE = (
    "div { overflow-x: auto; } svg { width: max(100%, 60rem); height: auto; display: block; } "
    "svg [class] { fill: var(--ground); } "
    "h1 { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }"
)
"""And of a figure: on a narrow screen it is moved, and not made smaller; the heading says what its title shows."""
LONGEST_TITLE = 60
"""Characters of a sentence in the title of its page."""
THUMBNAIL = 16
WIDE_TABLE = 12
"""Columns from which on a table is printed in small letters."""
NOTEBOOKS_IN_THE_DARK = (
    '[data-jp-theme-light="false"], .vscode-dark, .vscode-high-contrast:not(.vscode-high-contrast-light), '
    'html[theme="dark"], [data-theme="dark"], .dark, .dark-theme'
)
"""What JupyterLab, VS Code, Colab and marimo write around a dark cell."""


def render_html(lesson: Lesson, ink: Ink, *, theme: ThemeName | None = None, brief: bool = False) -> str:
    """Write a lesson as one HTML document.

    Args:
        lesson: what to write.
        ink: how to write numbers and texts.
        theme: light or dark; as the reader's own system is where none is asked for. On paper it is light.
        brief: leave out the prose.
    """
    page = Page(ink, brief=brief)
    written = page.fragment(lesson.on_paper())
    title = escape(ink.shortened(ink.text(lesson.sentence or lesson.steps[0].heading), LONGEST_TITLE))
    root = f":root {{ color-scheme: {theme or 'light dark'}; {VARIABLES} }} {AROUND}"
    return document(title, page.style(root), written)


def render_figure_page(
    figure: Figure, ink: Ink, *, theme: ThemeName | None = None, shape: Shape = "slide", bare: bool = False
) -> str:
    """Write a figure as an HTML document that holds nothing else; the arguments are those of `render_figure`.

    Where no theme is asked for it follows its reader's.
    """
    page = Page(ink)
    picture = render_figure(figure, ink, shape=shape, bare=bare, canvas=PageCanvas(page))
    title = escape(ink.shortened(ink.text(f"{figure.title}: {figure.sentence}"), LONGEST_TITLE))
    around = f":root {{ color-scheme: {theme or 'light dark'}; {VARIABLES} }} {AROUND}"
    heading = f"<h1>{escape(ink.text(f'{figure.title}: {figure.sentence}'))}</h1>"
    scroll = f'<div tabindex="0" role="group" aria-label="the figure">{picture}</div>'
    return document(title, page.style(f"{around} {OF_A_FIGURE}", sheet=""), f"{heading}\n{scroll}")


def document(title: str, style: str, written: str) -> str:
    """Put a title, a style and what stands in the page together; all three are HTML already."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title} · attnexplain</title>
<style>{style}</style>
</head>
<body>
<main class="attnexplain">
{written}
</main>
</body>
</html>
"""


def render_fragment(lesson: Lesson, ink: Ink | None = None, *, theme: ThemeName | None = None) -> str:
    """Write a lesson as a piece of somebody else's page, such as a cell of a notebook, whose theme it follows.

    Args:
        lesson: what to write.
        ink: how to write numbers and texts.
        theme: light or dark; as the notebook is where none is asked for.
    """
    name = f"attnexplain-{token_hex(4)}"
    page = Page(ink or Ink(), prefix=f"{name}-")
    written = page.fragment(lesson.on_paper())
    root = f".{name} {{ color-scheme: {theme or 'light'}; {VARIABLES} }}"
    if theme is None:
        root += f" :is({NOTEBOOKS_IN_THE_DARK}) .{name} {{ color-scheme: dark; }}"
    return f'<div class="attnexplain {name}"><style>{page.style(root)}</style>{written}</div>'


def _both(light: str, dark: str) -> str:
    return light if light == dark else f"light-dark({light}, {dark})"


VARIABLES = f"--fonts: {FONTS}; " + " ".join(
    f"--{name}: {_both(getattr(THEMES['light'], name), getattr(THEMES['dark'], name))};" for name in Theme._fields
)


class Page:
    """Writes the pieces of a lesson as HTML. Every text passes through `text`, which leaves nothing in it live.

    The colours of cells are classes, one a shade, so that each is written once, for light and for dark paper.
    """

    def __init__(self, ink: Ink, *, brief: bool = False, prefix: str = "") -> None:
        self.ink = ink
        self.brief = brief
        self.prefix = prefix
        """Of ids: several lessons may stand in one page."""
        self.shades: dict[str, tuple[float, Colours]] = {}
        """The shades that occur, by the names of their classes."""
        self._number = count(1)

    def style(self, root: str, sheet: str | None = None) -> str:
        """Write the style sheet, after the rule that says what the variables are, and before the shades."""
        if sheet is None:
            sheet = files("attnexplain").joinpath("render/page.css").read_text(encoding="utf-8")
        shades = []
        for name, (strength, colours) in sorted(self.shades.items()):
            light, dark = (ground(strength, colours, theme) for theme in ("light", "dark"))
            on = _both(hexadecimal(readable_on(light)), hexadecimal(readable_on(dark)))
            shades.append(f".{name} {{ --ground: {_both(hexadecimal(light), hexadecimal(dark))}; --on: {on}; }}")
        return "\n".join([root, sheet, *shades])

    def shade(self, strength: float, colours: Colours) -> str:
        """Name the class of a shade."""
        step = step_of(strength)
        name = f"{'s' if colours == 'share' else 'n' if strength < 0 else 'p'}{step}"
        self.shades[name] = (strength, colours)
        return name

    def fragment(self, lesson: Lesson) -> str:
        """Write what stands inside of the page."""
        parts = [f"<h1>{self.text(lesson.sentence)}</h1>"] if lesson.sentence else []
        if lesson.answer is not None:
            parts.append(self.block(lesson.answer))
        for step in lesson.steps:
            name = f"{self.prefix}step-{step.number or next(self._number) + 4}"
            blocks = "\n".join(filter(None, map(self.block, step.blocks)))
            level = "h2" if parts else "h1"
            heading = f'<{level} id="{name}">{self.text(step.heading)}</{level}>'
            named = f'<section aria-labelledby="{name}">\n{heading}\n{blocks}\n</section>'
            parts.append(named if step.heading else blocks)
        notes = "\n".join(filter(None, map(self.block, lesson.notes)))
        return "\n".join(filter(None, [*parts, f"<footer>{notes}</footer>" if notes else ""]))

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
            case Diagram():
                return self._diagram(block)
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

    def _diagram(self, diagram: Diagram) -> str:
        rows = []
        for row in diagram.rows:
            stages = (
                f"<b>[{self.text(stage.text)}]</b>" if stage.is_added else f"<span>{self.text(stage.text)}</span>"
                for stage in row.stages
            )
            name = f"{row.step} {self.text(row.title)}" if row.title else ""
            head = f'<th scope="row">{name}</th>' if name else "<td></td>"
            rows.append(f"<tr>{head}<td>{' → '.join(stages)}</td></tr>")
        note = f'<p class="note">{self.text(diagram.note)}</p>'
        return f'<table class="diagram"><tbody>{"".join(rows)}</tbody></table>{note}'

    def _equation(self, equation: Equation) -> str:
        *parts, result = [self.text(f"{line.sign} {write_line(line)}") for line in equation.lines]
        lines = [f"<div>{part}</div>" for part in parts]
        lines.append(f"<div><b>{result}</b></div>")
        if equation.note:
            lines.append(f'<div class="note">({self.text(equation.note)})</div>')
        return f'<div class="worked"><b>{self.text(equation.left)}</b>{"".join(lines)}</div>'

    def _answer(self, answer: Answer) -> str:
        company = "".join(f"<dt>{self.text(name)}</dt><dd>{self.text(text)}</dd>" for name, text in answer.company)
        bars = []
        for bar in answer.bars:
            width = f"{100 * bar.length:.1f}"
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
        if cell.is_blank:
            return '<td class="blank"></td>'
        mark = " mark" if cell.is_marked else ""
        if cell.strength is None:
            return f'<td class="{mark.strip()}">{written}</td>' if mark else f"<td>{written}</td>"
        says = f"{self.text(row)}, {self.text(column.heading)}: {written}"
        if grid.rows_ask:
            says = f"query {self.text(row)}, key {self.text(column.heading)}: {written}"
        return f'<td class="cell {self.shade(cell.strength, grid.colours)}{mark}" title="{says}">{written}</td>'

    def _footer(self, grid: Grid, columns: Sequence[LaidColumn]) -> str:
        if grid.footer is None:
            return ""
        feet = [column.footer for column in columns]
        cells = [self._cell(grid, "", column, foot or Cell(None)) for column, foot in zip(columns, feet, strict=True)]
        return f'<tfoot><tr><th scope="row">{self.text(grid.footer[0])}</th>{"".join(cells)}</tr></tfoot>'

    def _wrapped(self, title: str, note: str, headings: Sequence[str], rows: Sequence[str], footer: str = "") -> str:
        after = f" <span>({self.text(note)})</span>" if note else ""
        head = f"<thead><tr><td></td>{''.join(headings)}</tr></thead>"
        caption = f"<caption><div>{self.text(title)}{after}</div></caption>"
        return self._scroll(title, f"{caption}{head}<tbody>{''.join(rows)}</tbody>{footer}", len(headings))

    def _scroll(self, title: str, table: str, columns: int) -> str:
        """Let a table be moved where it is wider than the page, also by the keys."""
        wide = ' class="wide"' if columns > WIDE_TABLE else ""
        return (
            f'<div class="scroll" role="group" tabindex="0" aria-label="{self.text(title)}">'
            f"<table{wide}>{table}</table></div>"
        )

    def _heading(self, text: str, *, of_words: bool = False) -> str:
        kind = ' class="words"' if of_words else ""
        return f'<th scope="col"{kind}>{self.text(text)}</th>'

    def _table(self, table: Table) -> str:
        rows = []
        for row in table.rows:
            first, *others = row
            cells = [self._share(c) if isinstance(c, float) else self._entry(c) for c in others]
            rows.append(f'<tr><th scope="row">{escape(self.ink.entry(first))}</th>{"".join(cells)}</tr>')
        are_words = [isinstance(cell, str) for cell in table.rows[0]] if table.rows else []
        headings = "".join(
            self._heading(heading, of_words=of_words)
            for heading, of_words in zip_longest(table.headings, are_words, fillvalue=False)
            if isinstance(heading, str)
        )
        head = f"<caption><div>{self.text(table.title)}</div></caption><thead><tr>{headings}</tr></thead>"
        return self._scroll(table.title, f"{head}<tbody>{''.join(rows)}</tbody>", len(table.headings))

    def _entry(self, entry: Entry) -> str:
        of_words = ' class="words"' if isinstance(entry, str) else ""
        return f"<td{of_words}>{escape(self.ink.entry(entry))}</td>"

    def _share(self, share: float) -> str:
        return f'<td class="cell {self.shade(share, "share")}">{escape(self.ink.share(share))}</td>'

    def _links(self, links: Links) -> str:
        rows = [
            f'<tr><th scope="row">{self.text(name)}</th><td class="words">'
            + ", ".join(f"{self.text(other)} {escape(self.ink.share(weight))}" for other, weight in linked)
            + "</td></tr>"
            for name, linked in links.rows
        ]
        return self._wrapped(links.title, "", [self._heading("attends most to", of_words=True)], rows)

    def _company(self, company: Company) -> str:
        rows = []
        for row in company.rows:
            texts = [", ".join(row.before), ", ".join(row.after)] if row.before else [row.why_none, ""]
            cells = "".join(f'<td class="words">{self.text(text)}</td>' for text in texts)
            name, cosine = self.text(row.name), escape(self.ink.share(row.cosine))
            rows.append(f'<tr><th scope="row">{name}</th><td>{cosine}</td>{cells}</tr>')
        headings = [self._heading("cosine"), *(self._heading(text, of_words=True) for text in ("before", "after"))]
        return self._wrapped(company.title, "", headings, rows)

    # Pictures

    def _pair(self, pair: Pair) -> str:
        return f'<div class="pair">{self._grid(pair.left)}{self._grid(pair.right)}</div>'

    def _picture(self, grid: Grid) -> str:
        """Draw a large matrix as one picture, with the names of its rows and the numbers of its cells to point at."""
        canvas = PageCanvas(self)
        drawing = MatrixDrawing(grid, canvas, ON_A_PAGE, 0.0)
        high, wide = drawing.draw(0.0)
        note = '<span class="pointing">Each cell is one number, which is shown where you point at it.</span>'
        if drawing.tile > 1 or drawing.wide > 1:
            note = (
                f"Each cell is the strongest of {drawing.tile} × {drawing.wide} numbers; rows and columns are counted."
            )
        caption = f"<b>{self.text(grid.title)}</b> {self.text(f'({grid.note})' if grid.note else '')}"
        title = self.text(grid.title)
        picture = (
            f'<svg role="img" aria-label="{title}" viewBox="0 0 {wide:.0f} {high + 2:.0f}" width="{wide:.0f}" '
            f'height="{high + 2:.0f}">{"".join(canvas.parts)}</svg>'
        )
        return (
            f'<figure><figcaption>{caption}<br><span class="note">{note}</span></figcaption>'
            f'<div class="scroll" role="group" tabindex="0" aria-label="{title}">{picture}</div></figure>'
        )

    def _gallery(self, gallery: Gallery) -> str:
        figures = []
        for i, row in zip(gallery.row_labels, gallery.rows, strict=True):
            for j, thumbnail in zip(gallery.column_labels, row, strict=True):
                size, canvas = min(THUMBNAIL, len(thumbnail.picture)), PageCanvas(self)
                cells = "".join(small_cells(thumbnail.resized(size, size).tolist(), 0, 0, 64, canvas))
                name = f"{gallery.row_name} {i}, {gallery.column_name} {j}"
                picture = (
                    f'<svg role="img" aria-label="{name}" viewBox="0 0 64 64" width="64" height="64">{cells}</svg>'
                )
                label = f"{i}.{j} {self.text(thumbnail.word)} {escape(self.ink.share(thumbnail.number))}"
                figures.append(f"<figure>{picture}<figcaption>{label}</figcaption></figure>")
        columns = f"grid-template-columns:repeat({len(gallery.rows[0])},minmax(5.5rem,1fr))"
        grid = f'<div class="gallery" style="{columns}">{"".join(figures)}</div>'
        return f'<div class="scroll" role="group" tabindex="0" aria-label="every head">{grid}</div>'


class PageCanvas(Canvas):
    """A canvas inside of a page: its colours are classes."""

    def __init__(self, page: Page) -> None:
        super().__init__(page.ink, "light")
        self.page = page

    def paint(self, strength: float, colours: Colours) -> str:
        """Name the class of a shade."""
        return f'class="{self.page.shade(strength, colours)}"'

    def colour(self, name: str) -> str:
        """Name the variable of a colour."""
        return f"var(--{name})"

    def number(self, x: float, y: float, text: str, size: float, strength: float, colours: Colours) -> None:
        """Write a number on the colour of a strength."""
        place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:.1f}" text-anchor="middle"'
        shade = self.page.shade(strength, colours)
        self.parts.append(f'<text {place} class="{shade}" style="fill:var(--on)">{self.page.text(text)}</text>')
