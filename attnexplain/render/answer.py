"""The answer on a terminal: the company of the word, bars for its row, the four steps in four lines."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment

from attnexplain.render.ink import BOLD, DIM, PLAIN, Ink
from attnexplain.render.page import WIDEST_TEXT, Paragraph
from attnexplain.steps.blocks import Answer

LONGEST_BAR = 20
"""Columns of the bar of the largest share."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class AnswerLines:
    """Draws the answer; a line of the steps that is too long goes on below its title, so that no number is cut."""

    def __init__(self, answer: Answer, ink: Ink) -> None:
        self.answer = answer
        self.ink = ink

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        ink, width = self.ink, min(options.max_width, WIDEST_TEXT)
        if self.answer.company:
            yield from self._pairs([(ink.text(name), ink.text(text)) for name, text in self.answer.company], width)
        if self.answer.note:
            yield Paragraph(ink.text(self.answer.note), DIM, indent=0)
        if self.answer.company or self.answer.note:
            yield Segment.line()
        yield Paragraph(ink.text(self.answer.because), PLAIN, indent=0)
        yield Segment.line()
        yield from self._bars(width)
        yield Segment.line()
        yield from self._steps(width)

    def _pairs(self, pairs: list[tuple[str, str]], width: int) -> Iterator[Segment]:
        left = max(cell_len(name) for name, _ in pairs) + 2
        for name, text in pairs:
            if left + 24 > width:
                yield self._line(name, width)
                yield self._line("  " + text, width)
            else:
                yield Segment(name + " " * (left - cell_len(name)), BOLD)
                while cell_len(text) > width - left and ", " in text:
                    text = text.rpartition(", ")[0]
                yield self._line(text, width - left)

    def _bars(self, width: int) -> Iterator[Segment | Paragraph]:
        ink, bars = self.ink, self.answer.bars
        shares = [ink.share(bar.share) for bar in bars]
        number = max(map(len, shares))
        longest = max(min(LONGEST_BAR, width - number - 18), 1)
        room = max(width - number - longest - 12, 3)
        names = [ink.shortened(ink.text(bar.name), room) for bar in bars]
        left = max([cell_len(name) for name in names], default=0)
        for name, share, bar in zip(names, shares, bars, strict=True):
            yield Segment("  " + name + " " * (left - cell_len(name)), BOLD if bar is bars[0] else PLAIN)
            yield Segment("  " + share.rjust(number) + "  ")
            drawn = self._bar(bar.length * longest)
            yield Segment(drawn, ink.bar(bar.length))
            if bar.is_each:
                fits = 2 + left + 2 + number + 2 + longest + 6 <= width
                yield Segment(" " * (longest - len(drawn)) + "  each" if fits else "\n     each", DIM)
            yield Segment.line()
        if self.answer.rest:
            yield Paragraph(ink.text(self.answer.rest), DIM, indent=2)

    def _bar(self, length: float) -> str:
        if self.ink.ascii_only:
            return "#" * round(length)
        whole = floor(length)
        part = round((length - whole) * 8)
        return "█" * whole + (_EIGHTHS[part] if part else "")

    def _steps(self, width: int) -> Iterator[Segment | Paragraph]:
        for line in self.answer.lines:
            start = f"  {line.step}  {line.title:<9}"
            text = self.ink.text(line.text)
            if cell_len(start + text) <= width:
                yield Segment(start, BOLD)
                yield Segment(text + "\n")
            else:
                yield Segment(start.rstrip() + "\n", BOLD)
                yield Paragraph(text, PLAIN, indent=5)

    def _line(self, text: str, width: int) -> Segment:
        return Segment(self.ink.shortened(text, max(width, 4)) + "\n")
