"""A lesson becomes text, as wide as the page and in the colours that the terminal has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

from attnexplain.render.gallery import GalleryPage
from attnexplain.render.heatmap import Heatmap
from attnexplain.render.ink import BOLD, DIM, HEADING, PLAIN, Ink, Palette
from attnexplain.render.lines import CommandLine, CompanyLines, EquationLines, FormulaLines, LinkLines, TableLines
from attnexplain.render.page import WIDEST_TEXT, Paragraph
from attnexplain.render.picture import Picture
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
    Step,
    Table,
)


def render_text(lesson: Lesson, ink: Ink, *, width: int, height: int = 100, brief: bool = False) -> str:
    """Draw a lesson.

    Args:
        lesson: what to draw.
        ink: what to draw it with.
        width: columns of the page.
        height: lines of the screen, which pictures that should be seen at once try to fit.
        brief: leave out the prose.
    """
    console = Console(
        file=StringIO(),
        width=width,
        height=height,
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


def lesson_page(lesson: Lesson, console: Console) -> LessonPage:
    """Draw a lesson with what a console of somebody else's can show."""
    palette: Palette | None = None
    if console.color_system is not None and not console.no_color:
        palette = "256" if console.color_system == "256" else "truecolor"
        if console.color_system in ("standard", "windows"):
            palette = "standard"
    return LessonPage(lesson, Ink(palette, console.options.ascii_only))


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
        yield Paragraph(title + rule, self.ink.accent(HEADING), indent=0)
        for block in step.blocks:
            if isinstance(block, Prose) and self.brief and not block.is_note:
                continue
            yield Segment.line()
            yield self._drawn(block)

    def _drawn(self, block: Block) -> RenderableType:
        if isinstance(block, Prose):
            return Paragraph(self.ink.text(block.text), DIM if block.is_note else PLAIN)
        if isinstance(block, Pair):
            return SideBySide(self._drawn(block.left), self._drawn(block.right))
        if isinstance(block, Grid) and block.is_large:
            return Picture(block, self.ink)
        return _DRAWN_BY[type(block)](block, self.ink)


_DRAWN_BY: Mapping[type[Block], Callable[[Any, Ink], RenderableType]] = {
    Formula: FormulaLines,
    Equation: EquationLines,
    Grid: Heatmap,
    Links: LinkLines,
    Company: CompanyLines,
    Gallery: GalleryPage,
    Table: TableLines,
    Command: CommandLine,
}


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
