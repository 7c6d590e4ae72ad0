"""A lesson as an SVG picture: what the terminal shows, sharp at any size, with nothing fetched and nothing live.

Every word stands at the place that its column has, and is stretched to the width of its columns, so that tables stay
straight in any font. A wide character stands in the middle of its two columns, as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import groupby
from xml.sax.saxutils import escape

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style

from attnexplain.render.ink import FORMULA, HEADING, Ink
from attnexplain.render.terminal import LessonPage
from attnexplain.render.themes import FONTS, THEMES, Theme
from attnexplain.steps.blocks import Lesson

COLUMN, LINE, SIZE = 9.0, 20, 15
"""Pixels: the width of a column, the height of a line, the size of the letters."""
BASELINE = 15
PICTURE_WIDTH = 100
"""Columns of a lesson, where none are asked for."""
A_SERIES = 2**0.5
"""The long side of a page of the A series, by its short side."""
MARGIN = 20

_UPPER_HALF = "▀"
_WORD = re.compile(r"\S+")


def render_svg(lesson: Lesson, ink: Ink, *, width: int, brief: bool = False) -> str:
    """Draw a lesson as one SVG document; a single step is drawn on a page, upright or lying.

    Args:
        lesson: what to draw.
        ink: how to write numbers and texts; its colours are always those of a picture.
        width: columns of the page.
        brief: leave out the prose.
    """
    lines = _lines(lesson.on_paper(), ink, width, brief=brief)
    is_page = lesson.answer is None and len(lesson.steps) == 1
    wide, high = _size(lines)
    if is_page:
        wide, high = _page_around(wide, high)
    return _document(lines, _title(lesson, ink), ink, wide, high)


def render_pages(lesson: Lesson, ink: Ink, *, width: int, brief: bool = False) -> list[str]:
    """Draw a lesson as SVG documents of the shape of a page: the answer, and each step; a long step has several."""
    most, title = _lines_of_a_page(width), _title(lesson, ink)
    pages = []
    for part in lesson.on_paper().parts():
        lines = _lines(part, ink, width, brief=brief)
        while len(lines) > most:
            empty = [i for i, line in enumerate(lines[:most]) if not "".join(piece.text for piece in line).strip()]
            cut = empty[-1] if empty and empty[-1] > most // 2 else most
            pages.append(lines[:cut])
            lines = lines[cut:]
        if any(piece.text.strip() for line in lines for piece in line):
            pages.append(lines)
    wide = width * COLUMN + 2 * MARGIN
    return [
        _document(lines, f"{title} ({number} of {len(pages)})", ink, wide, wide * A_SERIES)
        for number, lines in enumerate(pages, start=1)
    ]


def _title(lesson: Lesson, ink: Ink) -> str:
    return ink.text(lesson.sentence) or ink.text(lesson.steps[0].heading)


def _lines_of_a_page(width: int) -> int:
    """Count the lines of an upright page."""
    return int(((width * COLUMN + 2 * MARGIN) * A_SERIES - 2 * MARGIN) // LINE)


def _size(lines: Sequence[Sequence[Segment]]) -> tuple[float, float]:
    """Measure what is drawn, with its margins: its width and its height."""
    columns = max(sum(cell_len(segment.text) for segment in line) for line in lines)
    return columns * COLUMN + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN


def _page_around(wide: float, high: float) -> tuple[float, float]:
    """Choose the smallest page around it, upright or lying."""
    if wide >= high * A_SERIES:
        return wide, wide / A_SERIES
    return max(wide, high / A_SERIES), max(high, wide * A_SERIES)


def _lines(lesson: Lesson, ink: Ink, width: int, *, brief: bool) -> list[list[Segment]]:
    """Draw it as the terminal does, and cut it into lines."""
    ink = Ink("truecolor", ink.ascii_only, ink.digits, theme=ink.theme, is_on_paper=True)
    console = Console(
        file=StringIO(), width=width, height=100, color_system="truecolor", force_terminal=True, legacy_windows=False
    )
    segments = console.render(LessonPage(lesson, ink, brief=brief), console.options)
    return [list(line) for line in Segment.split_lines(segments)]


def _document(lines: Sequence[Sequence[Segment]], title: str, ink: Ink, wide: float, high: float) -> str:
    """Write lines as an SVG document of this size."""
    colours = THEMES[ink.theme]
    drawn = "\n".join(_line(line, number, colours) for number, line in enumerate(lines))
    size = f'viewBox="0 0 {wide:g} {high:g}" width="{wide:g}" height="{high:g}"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} \
role="img" aria-labelledby="attnexplain-title">
<title id="attnexplain-title">{escape(title)}</title>
<style>
text {{ font-family: {FONTS}; font-size: {SIZE}px; fill: {colours.text}; white-space: pre; }}
.b {{ font-weight: bold; }} .d {{ fill: {colours.quiet}; }} .u {{ text-decoration: underline; }}
.h {{ fill: {colours.heading}; }} .f {{ fill: {colours.formula}; }} .m {{ text-anchor: middle; }}
</style>
<rect width="100%" height="100%" fill="{colours.paper}"/>
{drawn}
</svg>
"""


def _line(line: Sequence[Segment], number: int, theme: Theme) -> str:
    top, places, column = MARGIN + number * LINE, [], 0
    for segment in line:
        places.append((column, segment))
        column += cell_len(segment.text)
    parts = [*_backgrounds(places, top)]
    for start, segment in places:
        style = segment.style or Style()
        if set(segment.text) == {_UPPER_HALF}:
            parts.append(_rectangle(start, cell_len(segment.text), top, LINE / 2, _colour(style)))
        else:
            parts += _words(segment.text, start, top + BASELINE, style)
    return "".join(parts)


def _backgrounds(places: Sequence[tuple[int, Segment]], top: int) -> Iterator[str]:
    """Draw the colours behind the text, neighbours of one colour at once."""

    def behind(place: tuple[int, Segment]) -> str:
        style = place[1].style
        return style.bgcolor.get_truecolor().hex if style is not None and style.bgcolor is not None else ""

    for colour, group in groupby(places, behind):
        members = list(group)
        if colour:
            last_start, last = members[-1]
            yield _rectangle(members[0][0], last_start + cell_len(last.text) - members[0][0], top, LINE, colour)


def _words(text: str, column: int, baseline: int, style: Style) -> Iterator[str]:
    """Write each word at its own column; wide characters one by one."""
    for word in _WORD.finditer(text):
        start = column + cell_len(text[: word.start()])
        for run in _runs(word.group()):
            cells = cell_len(run)
            if cells == len(run):
                place = f'x="{_x(start)}" textLength="{cells * COLUMN:g}" lengthAdjust="spacingAndGlyphs"'
                yield f'<text {place} y="{baseline}"{_attributes(style)}>{escape(run)}</text>'
            else:
                middle = _x(start + cells / 2)
                yield f'<text x="{middle}" y="{baseline}"{_attributes(style, "m")}>{escape(run)}</text>'
            start += cells


def _runs(word: str) -> list[str]:
    """Cut a word into runs of narrow characters, and single others with the marks that follow them."""
    runs: list[str] = []
    for character in word:
        width = cell_len(character)
        if runs and (width == 0 or (width == 1 and cell_len(runs[-1]) == len(runs[-1]))):
            runs[-1] += character
        else:
            runs.append(character)
    return runs


def _rectangle(column: int, columns: int, top: float, height: float, colour: str) -> str:
    place = f'x="{_x(column)}" y="{top:g}" width="{columns * COLUMN:g}" height="{height:g}"'
    return f'<rect {place} fill="{colour}" shape-rendering="crispEdges"/>'


def _x(column: float) -> str:
    return f"{MARGIN + column * COLUMN:g}"


def _attributes(style: Style, more: str = "") -> str:
    """Write the class and the colour of a text in a style."""
    named = "h" if style.color == HEADING.color else "f" if style.color == FORMULA.color else ""
    flags = (named, "b" if style.bold else "", "d" if style.dim else "", "u" if style.underline else "", more)
    classes = " ".join(filter(None, flags))
    own = f' style="fill:{_colour(style)}"' if style.color is not None and not named else ""
    return (f' class="{classes}"' if classes else "") + own


def _colour(style: Style) -> str:
    return style.color.get_truecolor().hex if style.color is not None else "#808080"
