"""What a trace becomes in a file, by the ending of its name, and in a notebook: the doors that Python has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attnexplain.errors import CommandError
from attnexplain.render.html import render_figure_page, render_fragment, render_html
from attnexplain.render.ink import Ink
from attnexplain.render.markdown import render_markdown
from attnexplain.render.svg import PICTURE_WIDTH, render_svg
from attnexplain.render.terminal import lesson_page, render_text
from attnexplain.text import visible

if TYPE_CHECKING:
    from attnexplain.explanation import Explanation
    from attnexplain.render.figure import Shape
    from attnexplain.render.themes import ThemeName
    from attnexplain.steps.blocks import Lesson
    from attnexplain.steps.figure import Subject

TEXT_WIDTH = 80
"""Columns of a text."""


class Shown(NamedTuple):
    """A lesson, or a part of one, that draws itself where Python shows it: in a notebook, by Rich, at the prompt."""

    lesson: Lesson
    digits: int = 2
    theme: ThemeName | None = None
    """Light or dark; as the notebook is where none is asked for."""

    def _repr_html_(self) -> str:
        return render_fragment(self.lesson, Ink(digits=self.digits), theme=self.theme)

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        yield lesson_page(self.lesson, console, self.digits)

    def __repr__(self) -> str:
        return render_text(self.lesson, Ink(digits=self.digits), width=TEXT_WIDTH).rstrip("\n")


def render_file(
    trace: Explanation,
    path: str | Path,
    compose: Callable[[], Lesson],
    *,
    worked: tuple[int, int],
    digits: int,
    theme: ThemeName | None,
) -> bytes:
    """Write a trace as the bytes of a file of the kind that its ending names.

    Args:
        trace: what was computed.
        path: the name of the file; it is not opened.
        compose: makes the lesson, where the file shows one.
        worked: the word that asks and the word that answers, which JSON names.
        digits: digits after the point.
        theme: light or dark paper; dark for a picture, the reader's own for a page where none is asked for.

    Raises:
        CommandError: the ending is not known.
    """
    ink = Ink("truecolor", digits=digits, theme=theme or "dark")
    match ending := Path(path).suffix.lower():
        case ".svg":
            return render_svg(compose(), ink, width=PICTURE_WIDTH).encode()
        case ".html":
            return render_html(compose(), ink, theme=theme).encode()
        case ".md":
            return render_markdown(compose(), ink).encode()
        case ".txt":
            return render_text(compose(), Ink(digits=digits), width=TEXT_WIDTH).encode()
        case ".json":
            from attnexplain.render.json import render_json

            return render_json(trace, worked=worked).encode()
        case ".npz":
            from attnexplain.render.npz import render_npz

            return render_npz(trace)
    raise CommandError(
        f"{visible(str(path))}: the ending says what to write, and {visible(ending) or 'none'} is not known",
        hint="the endings are: .svg .html .md .txt .json .npz",
    )


def render_figure_file(
    trace: Explanation,
    path: str | Path,
    subject: Subject,
    *,
    query: str | None,
    digits: int,
    theme: ThemeName | None,
    shape: Shape,
    bare: bool,
) -> bytes:
    """Write a figure of a trace as the bytes of an .svg or .html file; see `steps.figure` and `render.figure`.

    Raises:
        CommandError: another ending.
    """
    from attnexplain.render.figure import render_figure
    from attnexplain.steps.figure import figure

    ending = Path(path).suffix.lower()
    if ending not in (".svg", ".html"):
        raise CommandError(f"{visible(str(path))}: a figure is a .svg or an .html")
    made, ink = figure(trace, subject, query=query, digits=digits), Ink("truecolor", digits=digits)
    if ending == ".html":
        return render_figure_page(made, ink, theme=theme, shape=shape, bare=bare).encode()
    return render_figure(made, ink, theme=theme or "light", shape=shape, bare=bare).encode()
