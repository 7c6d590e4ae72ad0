"""A lesson longer than the screen goes through a pager, so that the reader begins at the top."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from attnexplain.cli.streams import Written, pieces_of, write

OPTIONS_OF_LESS = "FRX"
"""Quit if it is one screen, show colours, leave the text on the screen; where the reader has not set LESS."""


class PagerLeftError(Exception):
    """The reader has left the pager, and wants no more."""


def pager_of(environment: Mapping[str, str]) -> list[str] | None:
    """Choose the pager: ATTNEXPLAIN_PAGER, then PAGER, then less, the first that is there; None where one is empty.

    The text of a variable is split as a shell splits words, and run without a shell.
    """
    for variable in ("ATTNEXPLAIN_PAGER", "PAGER"):
        if variable in environment:
            try:
                words = shlex.split(environment[variable])
            except ValueError:  # a quote that is not closed
                continue
            if not words:
                return None
            if shutil.which(words[0]):
                return words
    return ["less"] if shutil.which("less") else None


@contextmanager
def paged(pager: list[str], height: int, *, always: bool) -> Iterator[Callable[[Written], None]]:
    """Write to a pager, one for the whole run; less than a screen is written as it is.

    Args:
        pager: the program and its arguments.
        height: lines of the screen.
        always: page it also where it fits the screen.
    """
    feed = _Feed(pager, height, always=always)
    try:
        yield feed.deliver
    except PagerLeftError:
        feed.finish()
        return
    except BaseException:
        feed.finish()
        raise
    feed.finish()


class _Feed:
    """Holds back what fits one screen; starts the pager with the first line that does not."""

    def __init__(self, pager: list[str], height: int, *, always: bool) -> None:
        self._pager = pager
        self._height = height
        self._always = always
        self._held = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._signals: dict[int, object] = {}

    def deliver(self, text: Written) -> None:
        """Take the next lesson."""
        for piece in pieces_of(text):
            self._held += piece if isinstance(piece, str) else piece.decode()
            if self._process is None and not self._always and self._held.count("\n") < self._height:
                continue
            self._feed()

    def finish(self) -> None:
        """Write what was held back, and wait until the reader has left."""
        if self._process is None:
            if self._held:
                write(self._held)
            return
        stdin = self._process.stdin
        if stdin is not None:
            with suppress(OSError):  # the reader has left
                stdin.close()
        self._process.wait()
        for number, handler in self._signals.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._process = None
        self._held = ""

    def _feed(self) -> None:
        if self._process is None:
            environment = {**os.environ, "LESS": os.environ.get("LESS", OPTIONS_OF_LESS)}
            try:
                self._process = subprocess.Popen(self._pager, stdin=subprocess.PIPE, env=environment)  # noqa: S603
            except OSError:
                write(self._held)
                self._held = ""
                return
            for name in ("SIGINT", "SIGPIPE"):  # Ctrl-C is the pager's; that it was left is seen when writing
                if hasattr(signal, name):
                    number = getattr(signal, name)
                    self._signals[number] = signal.signal(number, signal.SIG_IGN)
        stdin = self._process.stdin
        if stdin is None:
            return
        try:
            stdin.write(self._held.encode("utf-8", "replace"))
            stdin.flush()
        except OSError as error:
            raise PagerLeftError from error
        self._held = ""
