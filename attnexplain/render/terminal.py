"""A lesson becomes text, as wide as the page and in the colours that the terminal has."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style

from attnexplain.render.heatmap import Heatmap
from attnexplain.render.ink import BOLD, DIM, PLAIN, Ink
from attnexplain.render.page import INDENT, WIDEST_TEXT, Paragraph
from attnexplain.render.picture import Picture
from attnexplain.steps.step import READABLE, Block, Company, Equation, Formula, Grid, Lesson, Links, Pair, Prose, Step

HEADING = Style(bold=True, color="bright_cyan")
FORMULA = Style(bold=True, color="bright_yellow")


def render_text(lesson: Lesson, ink: Ink, *, width: int, brief: bool = False) -> str:
    """Draw a lesson.

    Args:
        lesson: what to draw.
        ink: what to draw it with.
        width: columns of the page.
        brief: leave out the prose.
    """
    console = Console(
        file=StringIO(),
        width=width,
        height=100,
        color_system=ink.palette,
        no_color=ink.palette is None,
        force_terminal=ink.palette is not None,
        force_jupyter=False,
        force_interactive=False,
        legacy_windows=False,
    )
    console.print(LessonPage(lesson, ink, brief=brief), end="", soft_wrap=False, crop=False)
    written = console.file
    assert isinstance(written, StringIO)  # noqa: S101 - it is what was given above
    return written.getvalue()


class LessonPage:
    """The whole lesson: the sentence, notes on it, and the steps."""

    def __init__(self, lesson: Lesson, ink: Ink, *, brief: bool = False) -> None:
        self.lesson = lesson
        self.ink = ink
        self.brief = brief

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.lesson.sentence:
            yield Paragraph(self.ink.text(self.lesson.sentence), BOLD, indent=0)
        for note in self.lesson.notes:
            if note.is_note or not self.brief:
                yield Paragraph(self.ink.text(note.text), DIM, indent=0)
        for step in self.lesson.steps:
            yield Segment.line()
            yield from self._step(step, options.max_width)

    def _step(self, step: Step, width: int) -> Iterator[RenderableType | Segment]:
        title = self.ink.text(step.heading) + " "
        rule = self.ink.text("─") * max(min(width, WIDEST_TEXT) - cell_len(title), 0)
        yield Paragraph(title + rule, HEADING, indent=0)
        for block in step.blocks:
            if isinstance(block, Prose) and self.brief and not block.is_note:
                continue
            yield Segment.line()
            yield self._drawn(block)

    def _drawn(self, block: Block) -> RenderableType:
        match block:
            case Prose():
                return Paragraph(self.ink.text(block.text), DIM if block.is_note else PLAIN)
            case Formula():
                return FormulaLines(block, self.ink)
            case Equation():
                return EquationLines(block, self.ink)
            case Grid():
                is_large = len(block.rows) > READABLE
                return Picture(block, self.ink) if is_large else Heatmap(block, self.ink)
            case Pair():
                return SideBySide(self._drawn(block.left), self._drawn(block.right))
            case Company():
                return CompanyLines(block, self.ink)
            case Links():
                return LinkLines(block, self.ink)


class SideBySide:
    """Two renderables beside one another where both fit into half of the page, else below one another."""

    GAP = 4

    def __init__(self, left: RenderableType, right: RenderableType) -> None:
        self.left = left
        self.right = right

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        half = (min(options.max_width, WIDEST_TEXT) - self.GAP) // 2
        narrow = options.update(width=half, max_width=half)
        left, right = (console.render_lines(part, narrow, pad=True) for part in (self.left, self.right))
        if half < 34:
            yield self.left
            yield Segment.line()
            yield self.right
            return
        for row in range(max(len(left), len(right))):
            yield from left[row] if row < len(left) else [Segment(" " * half)]
            yield Segment(" " * self.GAP)
            yield from right[row] if row < len(right) else []
            yield Segment.line()


class FormulaLines:
    """A formula, and beside it (or below, on a narrow page) the same in shapes."""

    def __init__(self, formula: Formula, ink: Ink) -> None:
        self.lines = [(ink.text(symbols), ink.text(shapes)) for symbols, shapes in formula.lines]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        margin = " " * (INDENT + 2)
        symbols_width = max(cell_len(symbols) for symbols, _ in self.lines)
        widest = max(cell_len(shapes) for _, shapes in self.lines)
        beside = len(margin) + symbols_width + 4 + widest <= options.max_width
        for symbols, shapes in self.lines:
            if beside:
                yield Segment(margin + symbols, FORMULA)
                yield Segment(" " * (symbols_width - cell_len(symbols) + 4) + shapes, DIM)
                yield Segment.line()
            else:
                yield Paragraph(symbols, FORMULA, indent=len(margin))
                yield Paragraph(shapes, DIM, indent=len(margin) + 2)


class EquationLines:
    """Symbols, numbers, result: each after a sign of equality, wrapped between the terms."""

    def __init__(self, equation: Equation, ink: Ink) -> None:
        self.left = ink.text(equation.left)
        self.right = [ink.text(part) for part in equation.right]
        self.note = ink.text(equation.note)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Paragraph(self.left, BOLD)
        for part in self.right:
            style = BOLD if part is self.right[-1] else PLAIN
            first, *rest = _wrap(part, max(min(options.max_width, WIDEST_TEXT) - INDENT - 4, 8))
            yield Segment(f"{' ' * INDENT}  = {first}\n", style)
            for line in rest:
                yield Segment(f"{' ' * INDENT}    {line}\n", style)
        if self.note:
            yield Paragraph(f"({self.note})", DIM, indent=INDENT + 4)


class LinkLines:
    """Each word with the few words it attends to most."""

    def __init__(self, links: Links, ink: Ink) -> None:
        self.title = ink.text(links.title)
        self.ink = ink
        self.rows = [
            (ink.text(name), [f"{ink.text(other)} {ink.number(weight)}" for other, weight in linked])
            for name, linked in links.rows
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Paragraph(self.title, BOLD)
        digits = len(str(len(self.rows)))
        label_width = min(max(cell_len(name) for name, _ in self.rows), 18, options.max_width // 3)
        beside = INDENT + digits + label_width + 3
        hanging = beside if options.max_width - beside > 16 else INDENT + digits + 1
        for position, (name, linked) in enumerate(self.rows, start=1):
            label = self.ink.shortened(name, label_width)
            yield Segment(f"{' ' * INDENT}{position:>{digits}} {label}")
            yield Segment(" " * (label_width - cell_len(label) + 2) if hanging == beside else "\n" + " " * hanging)
            yield Segment(("\n" + " " * hanging).join(_wrap(", ".join(linked), options.max_width - hanging)) + "\n")


class CompanyLines:
    """Each word, the words near it before, an arrow, the words near it after."""

    def __init__(self, company: Company, ink: Ink) -> None:
        self.title = ink.text(company.title)
        self.ink = ink
        arrow = f" {ink.text('→')} "
        self.rows = [
            (
                ink.text(name),
                ink.number(cosine),
                ink.text(", ".join(before)) + arrow + ink.text(", ".join(after)) if before else "says little by itself",
            )
            for name, cosine, before, after in company.rows
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Paragraph(self.title, BOLD)
        number_width = max(len(number) for _, number, _ in self.rows)
        label_width = min(max(cell_len(name) for name, _, _ in self.rows), 18, options.max_width // 3)
        start = INDENT + label_width + 2 + number_width
        hanging = start + 2 if options.max_width - start > 24 else INDENT + 2
        for name, number, text in self.rows:
            label = self.ink.shortened(name, label_width)
            yield Segment(" " * INDENT + label + " " * (label_width - cell_len(label)), BOLD)
            yield Segment(number.rjust(number_width + 2) + ("  " if hanging > start else "\n" + " " * hanging))
            width = min(options.max_width, WIDEST_TEXT + label_width) - hanging
            yield Segment(("\n" + " " * hanging).join(_wrap(text, width)) + "\n")


def _wrap(text: str, width: int) -> list[str]:
    """Break a line at its spaces, with a word longer than the line broken anywhere."""
    lines = [""]
    for word in text.split(" "):
        rest = word
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(rest) <= width:
            lines[-1] += " " + rest
            continue
        if lines[-1]:
            lines.append("")
        while cell_len(rest) > width:
            taken = next((end for end in range(len(rest), 1, -1) if cell_len(rest[:end]) <= width), 1)
            lines[-1:] = [rest[:taken], ""]
            rest = rest[taken:]
        lines[-1] = rest
    return lines
