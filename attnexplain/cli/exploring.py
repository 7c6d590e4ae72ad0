"""Opening the screen of `--explore`, and leaving the terminal as it was."""

from __future__ import annotations

import os
import signal
import sys
from codecs import getincrementaldecoder
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from attnexplain.cli.output import check_output, new_file
from attnexplain.cli.request import Request
from attnexplain.cli.streams import can_draw, charset_of, choose_palette, is_terminal, write
from attnexplain.cli.threads import use_all
from attnexplain.errors import CommandError
from attnexplain.text import visible

if TYPE_CHECKING:
    from attnexplain.models import Model

RIVER = "The river bank was flooded after the storm"
"""The sentence that is looked at where none is given."""


def refuse_without_screen() -> None:
    """Refuse to open a screen where nobody sits before one, or without the library that draws it.

    Raises:
        CommandError: there is no terminal that keys come from and that can be drawn on, or no Textual.
    """
    if not all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr))):  # it is drawn on standard error
        raise CommandError(
            "--explore needs a terminal, for keys, for drawing and for errors",
            hint="without --explore the lesson goes anywhere",
        )
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise CommandError("this terminal cannot be drawn on (TERM)", hint="without --explore the lesson needs no more")
    if find_spec("textual") is None:
        raise CommandError("--explore needs the library Textual", hint="pip install 'attnexplain[explore]'")


def explore(asked: Request, model: Model) -> int:
    """Open the screen, and print what was kept when it is left.

    Raises:
        AttnExplainError: the sentence does not work, or a bug of ours.
    """
    palette = choose_palette(asked.color, os.environ)
    os.environ["TEXTUAL_COLOR_SYSTEM"] = palette or "standard"  # read when Textual is imported
    os.environ.pop("NO_COLOR", None)  # what has no colour is drawn without any
    _take_any_bytes()
    from attnexplain.explore.app import Explorer, Outside
    from attnexplain.explore.session import Job, Session, Wanted
    from attnexplain.render.ink import Ink

    in_ascii = asked.ascii or not can_draw(sys.stdout)
    charset = "ascii" if asked.ascii else charset_of(sys.stdout)
    ink = Ink(palette, in_ascii, asked.digits, charset, asked.theme or "dark")
    sentence = None if model.example is not None else RIVER if asked.sentence is None else asked.sentence
    wanted = Wanted(
        model, sentence, asked.causal, asked.scale, asked.max_tokens, asked.phrases, asked.seed, asked.pair,
        asked.truncate,
    )  # fmt: skip
    session = Session(wanted, lambda opened: use_all() if opened.is_large else None)
    trace = None
    if wanted.has_layers:  # which run beside the screen; what is wrong with the sentence is told before it opens
        model.read(sentence or "", asked.phrases, asked.max_tokens, pair=asked.pair, truncate=asked.truncate)
    else:
        trace = session.do(Job(wanted, Wanted.explain, lambda found: None, lambda: None))
    app = Explorer(
        session, ink, Outside(_write_file, _show_lines), trace, query=asked.query, key=asked.key,
        step=min(asked.steps, default=0), full=asked.full, place=asked.place,
    )  # fmt: skip
    app.run()
    if app.failure is not None:
        raise app.failure
    if app.kept:
        charset = "ascii" if asked.ascii else charset_of(sys.stdout)
        write("".join(f"{visible(line, charset=charset)}\n" for line in app.kept))
    if app.interrupted_by is not None:
        signal.signal(app.interrupted_by, signal.SIG_DFL)
        os.kill(os.getpid(), app.interrupted_by)
    return 0


def _write_file(path: str, data: bytes) -> None:
    """Write a file that is not there yet."""
    check_output(path, force=False)
    with new_file(path, force=False) as deliver:
        deliver(data)


def _show_lines(text: str) -> None:
    """Print lines, and wait until they are read."""
    write(f"{text}\nEnter goes back to the screen. ")
    sys.stdin.readline()


def _take_any_bytes() -> None:
    """Let a key that is no UTF-8 be a sign like any other; Textual's reading of keys ends at one."""
    with suppress(ImportError):
        from textual.drivers import linux_driver

        vars(linux_driver)["getincrementaldecoder"] = lambda name: partial(
            getincrementaldecoder(name), errors="replace"
        )
