"""Many small pictures on one screen, each with a word and a number below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from attnexplain.render.ink import BOLD, CHOSEN, PLAIN, Ink
from attnexplain.render.page import note_line
from attnexplain.render.picture import shade
from attnexplain.steps.blocks import Gallery, Thumbnail

NARROWEST = 4
"""Columns of a picture, and of the word below it."""
WIDEST = 16
OVERHEAD = 17
"""Lines of the screen that other things need."""


class GalleryPage:
    """Draws a gallery: as tall as the screen allows, in blocks of columns where it is wider."""

    def __init__(self, gallery: Gallery, ink: Ink, *, chosen: tuple[int, int] | None = None) -> None:
        self.gallery = gallery
        self.ink = ink
        self.chosen = chosen

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = self.gallery.rows
        columns = len(rows[0])
        gutter = max(map(len, self.gallery.row_labels)) + 1 + bool(self.gallery.windowed)
        fitting = max((options.max_width - gutter) // (max(NARROWEST, self._number_width) + 1), 1)
        blocks = -(-columns // fitting)
        size = -(-columns // blocks)
        width = max(min((options.max_width - gutter) // size - 1, WIDEST), 1)
        height = self._height(console.height, width, blocks)
        names = f"{self.gallery.column_name} (across), {self.gallery.row_name} (down), counted from 0"
        yield note_line(self.ink, names)
        for start in range(0, columns, size):
            shown = range(start, min(start + size, columns))
            yield Segment(
                " " * gutter
                + " ".join(self.gallery.column_labels[column].ljust(width) for column in shown).rstrip()
                + "\n",
                BOLD,
            )
            for number, row in enumerate(rows):
                yield from self._row(number, {column: row[column] for column in shown}, gutter, width, height)

    @property
    def _number_width(self) -> int:
        """Columns of the widest number; no number is ever cut."""
        return max(len(self.ink.share(picture.number)) for row in self.gallery.rows for picture in row)

    @property
    def _label_width(self) -> int:
        """Columns for a word and a number beside one another."""
        words = max(cell_len(self.ink.text(picture.word)) for row in self.gallery.rows for picture in row)
        return words + 1 + self._number_width

    def _height(self, lines: int, width: int, blocks: int) -> int:
        """Choose how many lines a picture takes: two at least, and no more than make it square."""
        labels = 1 if width >= self._label_width else 2
        each = (lines - OVERHEAD) // (len(self.gallery.rows) * blocks) - labels
        return max(min(each, -(-width // 2)), 2)

    def _row(
        self, number: int, pictures: Mapping[int, Thumbnail], gutter: int, width: int, height: int
    ) -> Iterator[Segment]:
        drawn = [self._picture(picture, width, height) for picture in pictures.values()]
        for line in range(height):
            name = self.gallery.row_labels[number] + "w" * (number in self.gallery.windowed)
            yield Segment(name.rjust(gutter - 1) + " " if line == 0 else " " * gutter, BOLD)
            for place, picture in enumerate(drawn):
                yield from [Segment(" ")] * (place > 0)
                yield from picture[line]
            yield Segment.line()
        for label in self._labels(list(pictures.values()), width):
            yield Segment(" " * (gutter - 1), PLAIN)
            for column, text in zip(pictures, label, strict=True):
                is_chosen = (number, column) == self.chosen
                yield from (Segment(" "), Segment(text.ljust(width), CHOSEN if is_chosen else PLAIN))
            yield Segment.line()

    def _labels(self, pictures: Sequence[Thumbnail], width: int) -> list[list[str]]:
        words = [self.ink.text(picture.word) for picture in pictures]
        numbers = [self.ink.share(picture.number) for picture in pictures]
        if width >= self._label_width:
            return [[f"{word} {number}" for word, number in zip(words, numbers, strict=True)]]
        return [words, numbers]

    def _picture(self, thumbnail: Thumbnail, width: int, height: int) -> list[list[Segment]]:
        """Draw half blocks in colour, shades without; each line is as wide as the picture."""
        if self.ink.palette not in ("truecolor", "256"):
            small = thumbnail.resized(height, width)
            return [[Segment("".join(shade(share, self.ink) for share in row))] for row in small.tolist()]
        small, sign = thumbnail.resized(2 * height, width), "^" if self.ink.ascii_only else "▀"
        colours = [[self.ink.colour(share, "share") for share in row] for row in small.tolist()]
        return [
            [Segment(sign, Style(color=upper, bgcolor=lower)) for upper, lower in zip(*pair, strict=True)]
            for pair in zip(colours[::2], colours[1::2], strict=True)
        ]
