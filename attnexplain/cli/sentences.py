"""Reading sentences: the command line's one, or one a line of a file or of standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from time import monotonic
from typing import IO, TYPE_CHECKING, NamedTuple

from attnexplain.cli.ending import done_at_the_end
from attnexplain.cli.request import Request
from attnexplain.cli.streams import is_file, is_terminal
from attnexplain.errors import CommandError, DataError, TextError
from attnexplain.facts import NUMBERS_FILES
from attnexplain.text import visible

if TYPE_CHECKING:
    from rich.progress import Progress

SECONDS_A_BAR = 0.1
"""How often the bar is drawn."""
LONGEST_LINE = 1 << 20
"""Bytes of one line of input."""


TO_UTF_8 = (
    "iconv -f UTF-16 -t UTF-8 FILE > NEW; in PowerShell: "
    "Get-Content -Encoding unicode FILE | Set-Content -Encoding utf8 NEW"
)
"""How a text of Windows is converted."""


class Line(NamedTuple):
    """One sentence, and where it stands."""

    text: str | None
    """None for the example that the model itself brings."""
    place: str = ""
    """"file.txt, line 3: ", or "" for the sentence of the command line."""
    error: TextError | None = None
    """What is wrong with the line itself."""
    read: int = 0
    """How many bytes of the file came up to its end."""


def source_name(asked: Request) -> str:
    """Name what sentences are read from."""
    return visible(asked.file) if asked.file not in (None, "-") else "standard input"


def read_lines(asked: Request, example: str | None) -> Iterator[Line]:
    """Yield the sentence of the command line, or one sentence a line of the file or of standard input."""
    if asked.sentence is not None and asked.sentence != "-":
        yield Line(asked.sentence)
        return
    if example is not None and asked.file is None and asked.sentence is None:
        yield Line(None)
        return
    source = source_name(asked)
    try:
        with _opened(asked) as stream:
            number, read = 0, 0
            while raw := stream.readline(LONGEST_LINE + 1):
                number += 1
                read += len(raw)
                place = f"{source}, line {number}: "
                if len(raw) > LONGEST_LINE:
                    yield Line("", place, TextError(f"the line is longer than {LONGEST_LINE >> 20} MiB"))
                    while raw and not raw.endswith(b"\n"):
                        raw = stream.readline(LONGEST_LINE)
                    continue
                if number == 1 and _is_utf_16(raw):
                    raise DataError(f"{source} is UTF-16, and UTF-8 is read", hint=TO_UTF_8)
                try:
                    text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                except UnicodeDecodeError as error:
                    yield Line("", place, TextError(f"not valid UTF-8 at byte {error.start + 1}"))
                    continue
                if text and not (asked.file is not None and text.startswith("#")):
                    yield Line(text, place, read=read)
    except OSError as error:
        raise CommandError(f"cannot read {source}: {error.strerror or error}") from error


class Watch:
    """Shows how far a file is, where a person sits at standard error and what is written goes to a file.

    Into a pipe nothing is shown: what reads from it may write to the same terminal.
    """

    def __init__(self, asked: Request, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._progress: Progress | None = None
        goes_to_a_file = asked.output is not None or is_file(sys.stdout) or asked.averages
        if asked.file in (None, "-") or not (is_terminal(sys.stderr) and goes_to_a_file):
            return
        if Path(str(asked.file)).is_file():
            from rich.console import Console
            from rich.progress import Progress

            console = Console(file=sys.stderr)
            console.show_cursor = lambda show=True: False  # type: ignore[method-assign] # Ctrl-Z would leave it hidden
            # Its own ways with standard output would take what is written there.
            self._progress = Progress(
                console=console, transient=True, redirect_stdout=False, redirect_stderr=False, auto_refresh=False
            )
            self._task = self._progress.add_task("sentences", total=Path(str(asked.file)).stat().st_size)

    def lines(self) -> Iterator[Line]:
        """Yield the lines, and draw the bar between them."""
        if self._progress is None:
            yield from self._lines
            return
        drawn = 0.0
        with done_at_the_end(self._progress.stop):  # which takes the bar away
            self._progress.start()
            for line in self._lines:
                yield line
                self._progress.update(self._task, completed=line.read)
                if monotonic() - drawn > SECONDS_A_BAR:
                    self._progress.refresh()
                    drawn = monotonic()

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """Take the bar away while something else is said."""
        if self._progress is not None:
            self._progress.stop()
        yield
        if self._progress is not None:
            self._progress.start()


def _is_utf_16(raw: bytes) -> bool:
    """Whether a first line begins as UTF-16 does, or half of its bytes, every second one, are mostly nothing."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    halves = (raw[0::2], raw[1::2])
    return len(raw) >= 4 and any(half.count(0) > len(half) / 2 for half in halves)


def brings_a_sentence(model: str | None) -> bool:
    """Whether a model may bring its own example, which needs no sentence."""
    return model is not None and model.endswith(NUMBERS_FILES)


def _opened(asked: Request) -> AbstractContextManager[IO[bytes]]:
    if asked.file in (None, "-"):
        if sys.stdin is None:
            raise CommandError("standard input is closed", hint="give the sentence as an argument, in quotes")
        return nullcontext(sys.stdin.buffer)
    try:
        return open(str(asked.file), "rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise CommandError(f"cannot open {source_name(asked)}: {reason}") from error
