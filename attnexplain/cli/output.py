"""Writing a file so that nothing is lost: whole or not at all, and nothing that exists is replaced unasked."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from attnexplain.cli.streams import Written, pieces_of
from attnexplain.errors import CommandError, OutputError
from attnexplain.tokens import visible

ENDING = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
"""Signals that end a process, where nothing is done about them."""
FORMATS = (".svg", ".html", ".txt", ".json", ".npz")


def check_output(path: str, *, force: bool) -> None:
    """Refuse a file that cannot be written, before there is anything to write.

    Raises:
        CommandError: its ending is not known, or the file exists and may not be replaced.
    """
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        raise CommandError(
            f"--output {visible(path)}: the ending says what to write, and {visible(ending) or 'none'} is not known",
            hint=f"the endings are: {' '.join(FORMATS)}",
        )
    if "\0" in path:
        raise CommandError(f"--output {visible(path)}: not a file name")
    if Path(path).is_dir():
        raise CommandError(f"{visible(path)} is a folder")
    if os.path.lexists(path) and not force:
        raise _exists(path)


@contextlib.contextmanager
def new_file(path: str, *, force: bool) -> Iterator[Callable[[Written], None]]:
    """Write a file beside its place, piece by piece, and move it there when it is whole.

    An error, or a signal that ends the process, leaves nothing of it behind.

    Raises:
        CommandError: the file has come into being meanwhile, and may not be replaced.
        OutputError: it cannot be written; what was there before is as it was.
    """
    target = Path(path)
    with _reported(path):
        descriptor, name = tempfile.mkstemp(prefix=".attnexplain-", dir=target.parent)
    beside = Path(name)

    def write(text: Written) -> None:
        for piece in pieces_of(text):
            with _reported(path):
                file.write(piece if isinstance(piece, bytes) else piece.encode())

    with _removed_at_the_end(beside):
        with os.fdopen(descriptor, "wb") as file:
            yield write
            with _reported(path):
                file.flush()
                os.fsync(file.fileno())
        with _reported(path):
            beside.chmod(0o666 & ~_umask())
            if force:
                beside.replace(target)
            else:
                os.link(beside, target)  # fails where the name is taken, in one step


@contextlib.contextmanager
def _removed_at_the_end(path: Path) -> Iterator[None]:
    """Remove a file at the end, and before a signal ends the process."""

    def remove_and_die(number: int, _: object) -> None:
        path.unlink(missing_ok=True)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    before = {}
    if threading.current_thread() is threading.main_thread():  # no other may ask for signals
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, remove_and_die)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _reported(path: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise OutputError(f"cannot write {visible(path)}: {error.strerror or error}") from error


def _exists(path: str) -> CommandError:
    return CommandError(f"{visible(path)} exists", hint="--force replaces it")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
