"""Standard output and standard error: what they can show, and writing to them."""

from __future__ import annotations

import io
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from attnexplain import __version__
from attnexplain.errors import AttnExplainError, OutputError
from attnexplain.text import can_show, visible

if TYPE_CHECKING:
    from attnexplain.cli.request import When
    from attnexplain.render.ink import Palette

Written = str | bytes | list[str] | Iterator[str]
"""What is made of a sentence: a text, the bytes of a file, its pages, or a long text piece by piece."""

NAME = "attnexplain"
WIDTHS = (20, 500)
"""The fewest and the most columns."""
LONGEST_MESSAGE = 600
"""Characters of a line on standard error; of a longer one the middle is left out."""
STANDARD_OUTPUT, PROCESSES_ESCAPES = -11, 4
"""Numbers that Windows has for them."""
HEIGHT = 100
"""Lines where there is no screen."""
_SIXTEEN_COLOURS = frozenset({"linux", "ansi", "cygwin", "screen", "vt100", "vt220"})


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether a person sits at the other end; of a closed stream nobody does."""
    return stream is not None and not stream.closed and stream.isatty()


def is_file(stream: IO[str] | None) -> bool:
    """Whether what is written goes to a file (or a device), so that nothing else shows it on the terminal."""
    try:
        mode = os.fstat(stream.fileno()).st_mode if stream is not None else 0
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(mode) or (stat.S_ISCHR(mode) and not is_terminal(stream))


def choose_palette(when: When, environment: Mapping[str, str]) -> Palette | None:
    """Choose the colours: --color, then NO_COLOR, then FORCE_COLOR, then whether a terminal shows them."""
    kind = environment.get("TERM", "")
    if when == "never":
        return None
    if when == "auto":
        forced = environment.get("FORCE_COLOR", "")
        if environment.get("NO_COLOR") or forced == "0":
            return None
        if not forced and not (is_terminal(sys.stdout) and kind != "dumb"):
            return None
    if is_terminal(sys.stdout) and not takes_escapes():
        return None
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit") or kind.endswith("-direct"):
        return "truecolor"
    if not kind and environment.get("WT_SESSION"):  # Windows Terminal, which sets no TERM
        return "truecolor"
    return "standard" if kind in _SIXTEEN_COLOURS or kind.endswith("-16color") else "256"


def takes_escapes(system: str = os.name) -> bool:
    """Ask a console of Windows to understand escape sequences; other terminals do.

    Reference: Microsoft, "Console Virtual Terminal Sequences" (SetConsoleMode, ENABLE_VIRTUAL_TERMINAL_PROCESSING).
    """
    if system != "nt":
        return True
    import ctypes

    kernel: Any = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore] # Windows has it
    handle, mode = kernel.GetStdHandle(STANDARD_OUTPUT), ctypes.c_uint32()
    if not kernel.GetConsoleMode(handle, ctypes.byref(mode)):
        return False
    return bool(kernel.SetConsoleMode(handle, mode.value | PROCESSES_ESCAPES))


def screen_width() -> int:
    """Columns: what COLUMNS says, else the terminal's, else 80; never fewer than 20 or more than 500."""
    return min(max(_size_of_screen().columns, WIDTHS[0]), WIDTHS[1])


def screen_height() -> int:
    """Lines: what LINES says, else the terminal's, else enough for all."""
    return _size_of_screen().lines


def _size_of_screen() -> os.terminal_size:
    return shutil.get_terminal_size((80, HEIGHT))


def charset_of(stream: IO[str] | None) -> str:
    """Name the characters that a stream can take."""
    return (getattr(stream, "encoding", None) or "utf-8").lower()


def can_draw(stream: IO[str] | None) -> bool:
    """Whether the stream has the signs that lessons are drawn with."""
    return can_show("▀▸─√ᵀΣ…é", charset_of(stream))


def pieces_of(text: Written) -> Iterable[str | bytes]:
    """Return a text one piece after another."""
    return (text,) if isinstance(text, str | bytes) else text


def write(text: Written) -> None:
    """Write to standard output.

    Raises:
        OutputError: standard output is closed, or cannot be written to.
    """
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    for piece in pieces_of(text):
        with reported():
            if isinstance(piece, bytes):
                sys.stdout.buffer.write(piece)
            else:
                sys.stdout.write(piece)
    with reported():
        sys.stdout.flush()


def buffer_output() -> None:
    """Give standard output a buffer where PYTHONUNBUFFERED took it away: without one, what does not fit is lost."""
    raw = getattr(sys.stdout, "buffer", None)
    if isinstance(raw, io.RawIOBase):
        buffered = io.BufferedWriter(raw)
        sys.stdout = io.TextIOWrapper(buffered, sys.stdout.encoding, sys.stdout.errors, write_through=True)


@contextmanager
def reported() -> Iterator[None]:
    """Say of a failure that it is standard output's, or the file's that it names."""
    try:
        yield
    except OSError as error:
        where = "standard output" if error.filename is None else f"cannot write {visible(str(error.filename))}"
        raise OutputError(f"{where}: {error.strerror or error}") from error


def show_version() -> int:
    """Write the version, and return the exit code."""
    write(f"{NAME} {__version__}\n")
    return 0


def complain(error: AttnExplainError, *, and_so: str = "") -> None:
    """Say on standard error what is wrong, and what to do."""
    tell(f"{NAME}: error: {error.place}{error.message}{and_so}", f"  hint: {error.hint}" if error.hint else "")


def warn(message: str) -> None:
    """Say on standard error what the reader should know."""
    tell(f"{NAME}: warning: {message}")


def tell(*lines: str) -> None:
    """Write lines to standard error, safe and not too long; where that fails too, the exit code says enough."""
    if sys.stderr is None:  # print would take standard output
        return
    try:
        for line in filter(None, lines):
            indent = line[: len(line) - len(line.lstrip(" "))]
            shown = visible(line, charset=charset_of(sys.stderr))
            if len(shown) > LONGEST_MESSAGE:
                shown = f"{shown[: LONGEST_MESSAGE * 2 // 3]} [...] {shown[-LONGEST_MESSAGE // 3 :]}"
            print(indent + shown, file=sys.stderr, flush=True)
    except (OSError, ValueError, AttributeError):
        return


def abandon_output() -> None:
    """Point standard output to nowhere, so that the interpreter does not fail again on what is left in its buffer."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return
