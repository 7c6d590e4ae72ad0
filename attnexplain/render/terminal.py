"""A lesson becomes text, as wide as the page and in the colours that the terminal has."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import assert_never

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

from attnexplain.render.answer import AnswerLines
from attnexplain.render.gallery import GalleryPage
from attnexplain.render.heatmap import Heatmap
from attnexplain.render.ink import BOLD, DIM, HEADING, PLAIN, Ink, Palette
from attnexplain.render.lines import (
    CommandLine,
    CompanyLines,
    DiagramLines,
    EquationLines,
    FormulaLines,
    LinkLines,
    TableLines,
)
from attnexplain.render.page import WIDEST_TEXT, Paragraph
from attnexplain.render.picture import Picture
from attnexplain.steps.blocks import (
    Answer,
    Block,
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


def lesson_page(lesson: Lesson, console: Console, digits: int = 2) -> LessonPage:
    """Draw a lesson with what a console of somebody else's can show."""
    palette: Palette | None = None
    if console.color_system is not None and not console.no_color:
        palette = "256" if console.color_system == "256" else "truecolor"
        if console.color_system in ("standard", "windows"):
            palette = "standard"
    return LessonPage(lesson, Ink(palette, console.options.ascii_only, digits))


class LessonPage:
    """The whole lesson: the sentence, notes on it, and the steps."""

    def __init__(self, lesson: Lesson, ink: Ink, *, brief: bool = False, is_spaced: bool = True) -> None:
        self.lesson = lesson
        self.ink = ink
        self.brief = brief
        self.is_spaced = is_spaced
        """Whether an empty line stands between two blocks."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lesson, ink = self.lesson, self.ink
        parts: list[RenderableType] = []
        if lesson.sentence:
            yield _Sentence(ink.text(lesson.sentence), ink, shortened=lesson.answer is not None)
        if lesson.answer is not None:
            yield Segment.line()
            yield AnswerLines(lesson.answer, ink)
        for step in lesson.steps:
            if lesson.sentence or lesson.answer is not None or step is not lesson.steps[0]:
                yield Segment.line()
            yield from self._step(step, options.max_width)
        parts += [Paragraph(ink.text(note.text), DIM) for note in lesson.notes if note.is_note or not self.brief]
        if parts:
            yield Segment.line()
            yield from parts
        if lesson.ways_on and not self.brief:
            yield Segment.line()
            yield Paragraph("To go on:", DIM)
            for way in lesson.ways_on:
                yield self._drawn(way)

    def _step(self, step: Step, width: int) -> Iterator[RenderableType | Segment]:
        before: Block | None = None
        if step.heading:
            title = self.ink.text(step.heading) + " "
            rule = self.ink.text("─") * max(min(width, WIDEST_TEXT) - cell_len(title), 0)
            yield Paragraph(title + rule, self.ink.accent(HEADING), indent=0)
        for block in step.blocks:
            if isinstance(block, Prose) and self.brief and not block.is_note:
                continue
            belongs = isinstance(before, Equation) and isinstance(block, Equation)
            belongs = belongs or (isinstance(before, Grid) and before.is_followed)  # which leaves room itself
            if self.is_spaced and not belongs and (before is not None or step.heading):
                yield Segment.line()
            yield self._drawn(block)
            before = block

    def _drawn(self, block: Block) -> RenderableType:  # noqa: C901 - one case a kind of block
        ink = self.ink
        match block:
            case Prose():
                return Paragraph(ink.text(block.text), DIM if block.is_note else PLAIN)
            case Pair():
                return SideBySide(self._drawn(block.left), self._drawn(block.right))
            case Grid():
                return Picture(block, ink) if block.is_large else Heatmap(block, ink)
            case Formula():
                return FormulaLines(block, ink)
            case Equation():
                return EquationLines(block, ink)
            case Links():
                return LinkLines(block, ink)
            case Company():
                return CompanyLines(block, ink)
            case Gallery():
                return GalleryPage(block, ink)
            case Table():
                return TableLines(block, ink)
            case Diagram():
                return DiagramLines(block, ink)
            case Command():
                return CommandLine(block, ink)
            case Answer():
                return AnswerLines(block, ink)
            case _:
                assert_never(block)


class _Sentence:
    """The sentence on top; above an answer it has two lines at the most, so that the answer is one screen."""

    def __init__(self, text: str, ink: Ink, *, shortened: bool) -> None:
        self.text = text
        self.ink = ink
        self.shortened = shortened

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, WIDEST_TEXT)
        text = self.ink.shortened(self.text, 2 * width - 12) if self.shortened else self.text
        yield Paragraph(text, BOLD, indent=0)


class SideBySide:
    """Two renderables beside one another where both fit into half of the page, else below one another."""

    GAP = 4

    def __init__(self, left: RenderableType, right: RenderableType) -> None:
        self.left = left
        self.right = right

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        half = (min(options.max_width, WIDEST_TEXT) - self.GAP) // 2
        narrow = options.update(width=half, max_width=half)
        if half < 34:
            yield self.left
            yield Segment.line()
            yield self.right
            return
        left = console.render_lines(self.left, narrow, pad=True)
        right = console.render_lines(self.right, narrow, pad=False)
        for row in range(max(len(left), len(right))):
            yield from left[row] if row < len(left) else [Segment(" " * half)]
            yield Segment(" " * self.GAP)
            yield from right[row] if row < len(right) else []
            yield Segment.line()
