"""What a lesson writes in lines: formulas, worked equations, links, company, tables, a command."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment

from attnexplain.render.ink import BOLD, DIM, FORMULA, PLAIN, Ink
from attnexplain.render.notation import write_formula, write_line
from attnexplain.render.page import WIDEST_TEXT, Paragraph, wrapped
from attnexplain.steps.blocks import Command, Company, Diagram, Equation, Formula, Links, Table


class FormulaLines:
    """A formula, and beside it (or below, on a narrow page) the same in shapes."""

    def __init__(self, formula: Formula, ink: Ink) -> None:
        self.lines = [(ink.text(write_formula(line)), ink.text(line.shapes)) for line in formula.lines]
        self.style = ink.accent(FORMULA)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        margin = "  "
        symbols_width = max(cell_len(symbols) for symbols, _ in self.lines)
        widest = max(cell_len(shapes) for _, shapes in self.lines)
        beside = len(margin) + symbols_width + 4 + widest <= options.max_width
        for symbols, shapes in self.lines:
            if beside:
                yield Segment(margin + symbols, self.style)
                yield Segment(" " * (symbols_width - cell_len(symbols) + 4) + shapes, DIM)
                yield Segment.line()
            else:
                yield Paragraph(symbols, self.style, indent=len(margin))
                yield Paragraph(shapes, DIM, indent=len(margin) + 2)


class EquationLines:
    """Symbols, numbers, result: each after its sign, = or ≈, wrapped between the terms; short ones on one line."""

    def __init__(self, equation: Equation, ink: Ink) -> None:
        self.left = ink.text(equation.left)
        self.right = [(ink.text(line.sign), ink.text(write_line(line))) for line in equation.lines]
        self.note = ink.text(equation.note)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, WIDEST_TEXT)
        together = " ".join([self.left, *(f"{sign} {text}" for sign, text in self.right)])
        if cell_len(together) <= min(width, 72):
            yield Segment(f"{together}\n", BOLD)
        else:
            yield Paragraph(self.left, BOLD)
            for place, (sign, text) in enumerate(self.right):
                style = BOLD if place == len(self.right) - 1 else PLAIN
                first, *rest = wrapped(console, text, max(width - 3 - len(sign), 8))
                yield Segment(f"  {sign} {first}\n", style)
                for line in rest:
                    yield Segment(f"  {' ' * len(sign)} {line}\n", style)
        if self.note:
            yield Paragraph(f"({self.note})", DIM, indent=2)


class DiagramLines:
    """The four steps, a row of stages each; what is added stands in brackets, and in colour."""

    def __init__(self, diagram: Diagram, ink: Ink) -> None:
        self.ink = ink
        self.note = ink.text(diagram.note)
        self.rows = [(str(row.step) if row.title else "", ink.text(row.title), row.stages) for row in diagram.rows]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widest = max(cell_len(title) for _, title, _ in self.rows)
        arrow, added = f" {self.ink.text('→')} ", self.ink.accent(FORMULA)
        for number, title, stages in self.rows:
            start = f"  {number:1}  {title:{widest}}  "
            yield Segment(start, BOLD)
            used = cell_len(start)
            for place, stage in enumerate(stages):
                text = self.ink.text(f"[{stage.text}]" if stage.is_added else stage.text)
                piece = (arrow if place else "") + text
                if used + cell_len(piece) > min(options.max_width, WIDEST_TEXT) and place:
                    yield Segment("\n" + " " * (cell_len(start) - 1))
                    used = cell_len(start) - 1
                yield Segment(arrow if place else "", DIM)
                yield Segment(text, added if stage.is_added else PLAIN)
                used += cell_len(piece)
            yield Segment.line()
        yield Paragraph(self.note, DIM)


class LinkLines:
    """Each word with the few words it attends to most."""

    def __init__(self, links: Links, ink: Ink) -> None:
        self.title = ink.text(links.title)
        self.ink = ink
        self.rows = [
            (ink.text(name), [f"{ink.text(other)} {ink.share(weight)}" for other, weight in linked])
            for name, linked in links.rows
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Paragraph(self.title, BOLD)
        digits = len(str(len(self.rows)))
        label_width = min(max(cell_len(name) for name, _ in self.rows), 18, options.max_width // 3)
        beside = digits + label_width + 3
        hanging = beside if options.max_width - beside > 16 else digits + 1
        for position, (name, linked) in enumerate(self.rows, start=1):
            label = self.ink.shortened(name, label_width)
            yield Segment(f"{position:>{digits}} {label}")
            yield Segment(" " * (label_width - cell_len(label) + 2) if hanging == beside else "\n" + " " * hanging)
            yield Segment(
                ("\n" + " " * hanging).join(wrapped(console, ", ".join(linked), options.max_width - hanging)) + "\n"
            )


class CompanyLines:
    """Each word, the words near it before, an arrow, the words near it after."""

    def __init__(self, company: Company, ink: Ink) -> None:
        self.title = ink.text(company.title)
        self.ink = ink
        arrow = f" {ink.text('→')} "
        self.rows = [
            (
                ink.text(row.name),
                "" if row.cosine is None else ink.share(row.cosine),
                ink.text(", ".join(row.before)) + arrow + ink.text(", ".join(row.after))
                if row.before
                else ink.text(row.why_none),
            )
            for row in company.rows
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Paragraph(self.title, BOLD)
        number_width = max(len(number) for _, number, _ in self.rows)
        label_width = min(max(cell_len(name) for name, _, _ in self.rows), 18, options.max_width // 3)
        start = label_width + 2 + number_width
        hanging = start + 2 if options.max_width - start > 24 else 2
        for name, number, text in self.rows:
            label = self.ink.shortened(name, label_width)
            yield Segment(label + " " * (label_width - cell_len(label)), BOLD)
            yield Segment(number.rjust(number_width + 2) + ("  " if hanging > start else "\n" + " " * hanging))
            width = min(options.max_width, WIDEST_TEXT + label_width) - hanging
            yield Segment(("\n" + " " * hanging).join(wrapped(console, text, width)) + "\n")


class TableLines:
    """A table of words and shares, each column as wide as it must be."""

    def __init__(self, table: Table, ink: Ink) -> None:
        self.title = ink.text(table.title)
        self.ink = ink
        self.headings = [ink.text(heading) for heading in table.headings]
        self.rows = table.rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        written = [[self.ink.entry(cell) for cell in row] for row in self.rows]
        widths = [max(map(cell_len, column)) for column in zip(self.headings, *written, strict=True)]
        yield Paragraph(self.title, BOLD)
        is_name = [isinstance(cell, str) for cell in self.rows[0]]
        for texts, row in ((self.headings, None), *zip(written, self.rows, strict=True)):
            for place, (text, width) in enumerate(zip(texts, widths, strict=True)):
                gap = " " * (width - cell_len(text))
                share = row[place] if row is not None else None
                style = DIM if row is None else self.ink.cell(share, "share") if isinstance(share, float) else PLAIN
                yield Segment("  " if place else "")
                yield Segment(text + gap if is_name[place] else gap + text, style)
            yield Segment.line()


class CommandLine:
    """A command on a line of its own, never broken by us: it is there to be copied."""

    def __init__(self, command: Command, ink: Ink) -> None:
        self.text = ink.text(command.text)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(f"  {self.text}\n", BOLD)
