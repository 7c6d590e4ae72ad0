"""A lesson as Markdown: headings, tables, and formulas between dollar signs, as code hosts draw them.

A text from outside is never markup: what Markdown or HTML would read as a sign of its own is written as a character
reference, which both read as the character.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import assert_never

from attnexplain.render.ink import Ink
from attnexplain.render.notation import latex_formula, write_line
from attnexplain.steps.blocks import (
    Answer,
    Block,
    Cell,
    Command,
    Company,
    Diagram,
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

_LIVE = re.compile(r"[\\`*\[\]<>&|$~@]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.")
"""What Markdown, GitHub's links or HTML would read as a sign of their own, where they would."""
_LIVE_AT_START = re.compile(r"^[-+#]|^\d+(?=[.)])")
"""And at the beginning of a line, which a cell of a table never is."""
MOST_NUMBERS = 48
"""Columns of a table; a wider matrix is left to the other formats."""


def render_markdown(lesson: Lesson, ink: Ink, *, brief: bool = False) -> str:
    """Write a lesson as Markdown.

    Args:
        lesson: what to write.
        ink: how to write numbers and texts.
        brief: leave out the prose.
    """
    page = _Page(Ink(None, ink.ascii_only, ink.digits), brief=brief)
    parts = [f"# {page.text(lesson.sentence)}"] if lesson.sentence else []
    if lesson.answer is not None:
        parts.append(page.block(lesson.answer))
    for step in lesson.steps:
        parts.append(f"## {page.text(step.heading)}")
        parts += map(page.block, step.blocks)
    parts += map(page.block, lesson.notes)
    return "\n\n".join(filter(None, parts)) + "\n"


class _Page:
    """Writes the pieces of a lesson. Every text passes through `text`."""

    def __init__(self, ink: Ink, *, brief: bool) -> None:
        self.ink = ink
        self.brief = brief

    def text(self, text: str) -> str:
        """Make any text safe: to show, and in Markdown."""
        return _LIVE_AT_START.sub(_as_references, self.cell(text))

    def cell(self, text: str) -> str:
        """Make any text safe within a line."""
        return _LIVE.sub(_as_references, self.ink.text(text))

    def block(self, block: Block) -> str:  # noqa: C901 - one case a kind of block
        """Write one block; "" for what a brief lesson leaves out."""
        match block:
            case Prose():
                written = self.text(block.text)
                return f"*{written}*" if block.is_note else "" if self.brief else written
            case Formula():
                return "\n\n".join(
                    f"${latex_formula(line)}$" + (f"  {self.text(line.shapes)}" if line.shapes else "")
                    for line in block.lines
                )
            case Equation():
                return self._equation(block)
            case Grid():
                return self._grid(block)
            case Links():
                linked_rows = [
                    (name, ", ".join(f"{other} {self.ink.share(weight)}" for other, weight in linked))
                    for name, linked in block.rows
                ]
                return self._table(block.title, ("word", "attends most to"), linked_rows)
            case Company():
                return self._company(block)
            case Pair():
                return f"{self._grid(block.left)}\n\n{self._grid(block.right)}"
            case Gallery():
                rows = [
                    (f"{i}.{j}", thumbnail.word, self.ink.share(thumbnail.number))
                    for i, row in zip(block.row_labels, block.rows, strict=True)
                    for j, thumbnail in zip(block.column_labels, row, strict=True)
                ]
                return self._table(
                    f"Each {block.row_name} and {block.column_name}", ("head", "what it does", "entropy"), rows
                )
            case Table():
                cells = [[self.ink.entry(cell) for cell in row] for row in block.rows]
                return self._table(block.title, block.headings, cells)
            case Diagram():
                return self._diagram(block)
            case Command():
                return f"    {self.ink.text(block.text)}"
            case Answer():
                return self._answer(block)
            case _:
                assert_never(block)

    def _diagram(self, diagram: Diagram) -> str:
        lines = []
        for row in diagram.rows:
            stages = (f"[{stage.text}]" if stage.is_added else stage.text for stage in row.stages)
            title = f"{row.step}. {row.title}: " if row.title else ""
            lines.append(self.text(f"{title}{' → '.join(stages)}"))
        return "  \n".join([*lines, f"*{self.text(diagram.note)}*"])

    def _equation(self, equation: Equation) -> str:
        lines = [f"**{self.text(equation.left)}**"]
        lines += [self.text(f"{line.sign} {write_line(line)}") for line in equation.lines]
        if equation.note:
            lines.append(f"*({self.text(equation.note)})*")
        return "  \n".join(lines)

    def _grid(self, grid: Grid) -> str:
        columns = grid.laid_out()
        if len(columns) > MOST_NUMBERS:
            return f"*{self.text(grid.title)}: {len(grid.rows)} × {len(grid.columns)} numbers, too many for a table*"
        rows = [(name, *(self._cell(column.cells[i]) for column in columns)) for i, name in enumerate(grid.rows)]
        if grid.footer is not None:
            rows.append((grid.footer[0], *("" if c.footer is None else self._cell(c.footer) for c in columns)))
        title = grid.title + (f" ({grid.note})" if grid.note else "")
        return self._table(title, ("", *(column.heading for column in columns)), rows, numbers=True)

    def _cell(self, cell: Cell) -> str:
        written = self.ink.written(cell)
        return f"▸{written}" if cell.is_marked else written

    def _company(self, company: Company) -> str:
        rows = [
            (
                row.name,
                "" if row.cosine is None else self.ink.share(row.cosine),
                ", ".join(row.before) if row.before else row.why_none,
                ", ".join(row.after),
            )
            for row in company.rows
        ]
        return self._table(company.title, ("word", "cosine", "before", "after"), rows)

    def _answer(self, answer: Answer) -> str:
        parts = ["  \n".join(f"**{self.text(name)}** {self.text(text)}" for name, text in answer.company)]
        parts.append(self.text(answer.note))
        parts.append(self.text(answer.because))
        rows = [
            (
                bar.name,
                self.ink.share(bar.share) + (" each" if bar.is_each else ""),
                "█" * round(20 * bar.length),
            )
            for bar in answer.bars
        ]
        parts.append(self._table("", ("word", "share", ""), rows))
        parts.append(f"*{self.text(answer.rest)}*" if answer.rest else "")
        parts.append(
            "\n".join(f"{line.step}. **{self.text(line.title)}** {self.text(line.text)}" for line in answer.lines)
        )
        return "\n\n".join(filter(None, parts))

    def _table(
        self, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = False
    ) -> str:
        lines = [f"**{self.text(title)}**", ""] if title else []
        lines.append("| " + " | ".join(map(self.cell, headings)) + " |")
        lines.append("|" + "|".join(" ---: " if numbers and place else " --- " for place in range(len(headings))) + "|")
        lines += ["| " + " | ".join(map(self.cell, row)) + " |" for row in rows]
        return "\n".join(lines)


def _as_references(found: re.Match[str]) -> str:
    """Write characters as references, which are read as text.

    An address of mail becomes a link after references are read; an empty comment in its middle keeps it from that.
    """
    return "".join(f"&#{ord(sign)};{'<!-- -->' if sign == '@' else ''}" for sign in found.group())
