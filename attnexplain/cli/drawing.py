"""Choosing what becomes of a trace: a lesson on the screen, a picture, a page, JSON or arrays."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from attnexplain.cli.request import Request, When
from attnexplain.cli.streams import (
    Written,
    can_draw,
    charset_of,
    choose_palette,
    is_terminal,
    screen_height,
    screen_width,
    write,
)

if TYPE_CHECKING:
    from attnexplain.explanation import Explanation
    from attnexplain.models.weights_file import AttentionWeights
    from attnexplain.overview import Overview
    from attnexplain.render.ink import Ink
    from attnexplain.steps.blocks import Lesson

LONG = 256
"""The number of words from which on JSON is written row by row."""


def drawer(asked: Request) -> Callable[..., Written]:
    """Choose what becomes of a trace, or of two to be compared: JSON, arrays, or a lesson."""
    if asked.figure is not None:
        return figure_drawer(asked)
    if asked.form == ".json":
        return _json_drawer(asked)
    if asked.form == ".npz":
        from attnexplain.render.npz import render_npz

        return render_npz
    from attnexplain.steps import lesson

    draw_page = page(asked)

    def draw(trace: Explanation, other: Explanation | None = None) -> Written:
        if other is not None:
            from attnexplain.steps.compare import comparison

            composed = comparison(trace, other, query=asked.query, digits=asked.digits, full=asked.full)
        else:
            composed = lesson(
                trace,
                query=asked.query,
                key=asked.key,
                steps=asked.steps,
                digits=asked.digits,
                full=asked.full,
                place=asked.place,
            )
        return draw_page(composed)

    return draw


def figure_drawer(asked: Request) -> Callable[[Explanation | AttentionWeights | Overview], str]:
    """Choose how a figure is drawn: as a picture, or as a page that holds it."""
    from attnexplain.overview import Overview
    from attnexplain.render.figure import render_figure
    from attnexplain.render.html import render_figure_page
    from attnexplain.render.ink import Ink
    from attnexplain.steps.figure import figure, figure_of_heads

    subject, ink = asked.figure, Ink("truecolor", asked.ascii, asked.digits)
    assert subject is not None  # noqa: S101 - the caller looked

    def draw(of: Explanation | AttentionWeights | Overview) -> str:
        if isinstance(of, Overview):
            made = figure_of_heads(of)
        else:
            made = figure(of, subject, query=asked.query, digits=asked.digits)
        if asked.form == ".html":
            return render_figure_page(made, ink, theme=asked.theme, shape=asked.shape, bare=asked.bare)
        return render_figure(made, ink, theme=asked.theme or "light", shape=asked.shape, bare=asked.bare)

    return draw


def _json_drawer(asked: Request) -> Callable[..., Written]:
    """Write each trace as one line; a long one piece by piece."""
    from attnexplain.render.json import render_json, stream_json
    from attnexplain.steps.choice import worked_pair

    with_parameters = asked.file is None and asked.sentence != "-" and not asked.steps
    with_worked = not asked.steps or asked.query is not None or asked.key is not None

    def draw(*traces: Explanation) -> Written:
        queries = [asked.query] * len(traces)
        if len(traces) == 2:
            from attnexplain.steps.compare import compared_pair

            queries = [str(place + 1) for place in compared_pair(traces[0], traces[1], asked.query)]
        worked = [
            worked_pair(trace, query, asked.key) if with_worked else None
            for trace, query in zip(traces, queries, strict=True)
        ]
        if len(traces) == 1 and len(traces[0].tokens) >= LONG:
            return stream_json(traces[0], asked.shown_steps, parameters=with_parameters, worked=worked[0])
        return "".join(
            render_json(trace, asked.shown_steps, parameters=with_parameters, worked=pair)
            for trace, pair in zip(traces, worked, strict=True)
        )

    return draw


def page(asked: Request) -> Callable[[Lesson], Written]:
    """Choose how a lesson is drawn: on the screen, into a text file, or outside of the terminal."""
    from attnexplain.render.ink import Ink
    from attnexplain.render.terminal import render_text

    if asked.form == ".md":
        from attnexplain.render.markdown import render_markdown

        return lambda lesson: render_markdown(lesson, Ink(None, asked.ascii, asked.digits), brief=asked.brief)
    if asked.form in (".svg", ".html"):
        return _picture(
            asked,
            Ink(
                "truecolor", asked.ascii, asked.digits, theme=asked.theme or ("light" if asked.is_exercise else "dark")
            ),
        )
    into_file = asked.output is not None
    palette = None if into_file and asked.color is not When.always else choose_palette(asked.color, os.environ)
    charset = "ascii" if asked.ascii else "utf-8" if into_file else charset_of(sys.stdout)
    in_ascii = asked.ascii or not (into_file or can_draw(sys.stdout))
    ink = Ink(palette, in_ascii, asked.digits, charset, asked.theme or "dark")
    width, height = asked.width or screen_width(), screen_height()
    if asked.pause and is_terminal(sys.stdout) and is_terminal(sys.stdin):
        return lambda lesson: paused(
            [render_text(part, ink, width=width, height=height, brief=asked.brief) for part in lesson.parts()],
            height,
            ink.text("…"),
        )
    return lambda lesson: render_text(lesson, ink, width=width, height=height, brief=asked.brief)


def _picture(asked: Request, ink: Ink) -> Callable[[Lesson], Written]:
    """Choose how a lesson is drawn outside of the terminal."""
    if asked.form == ".html":
        from attnexplain.render.html import render_html

        return lambda lesson: render_html(lesson, ink, theme=asked.theme, brief=asked.brief)
    from attnexplain.render.svg import PICTURE_WIDTH, render_pages, render_svg

    width = asked.width or PICTURE_WIDTH
    render = render_pages if asked.in_pages else render_svg
    return lambda lesson: render(lesson, ink, width=width, brief=asked.brief)


def paused(parts: Sequence[str], height: int, sign: str) -> str:
    """Show one part after another, each a screen at a time, and wait for Enter after each; the last is returned.

    A line of q ends it.
    """
    screens = [screen for part in parts for screen in _screens(part, max(height - 2, 4))]
    for screen in screens[:-1]:
        write(screen)
        write(f"\n{sign} Enter: go on; q and Enter: stop ")
        line = sys.stdin.readline()
        if not line or line.strip().lower() in ("q", "quit"):  # at the end of the input nobody reads on
            return ""
        write("\n")
    return screens[-1]


def _screens(part: str, most: int) -> Iterator[str]:
    """Cut a text into screens of so many lines, at an empty line in the lower half of each where there is one."""
    lines = part.splitlines(keepends=True)
    while len(lines) > most:
        cut = next((i for i in range(most, most // 2, -1) if not lines[i - 1].strip()), most)
        yield "".join(lines[:cut])
        lines = lines[cut:]
    yield "".join(lines)
