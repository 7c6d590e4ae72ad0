"""Writing a file so that nothing is lost: whole or not at all, and nothing that exists is replaced unasked."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from secrets import token_hex

from attnexplain.cli.ending import done_at_the_end
from attnexplain.cli.forms import FORMS
from attnexplain.cli.streams import Written, pieces_of, warn
from attnexplain.errors import CommandError, OutputError
from attnexplain.text import visible

PAGED = ".svg"
"""The ending of what can be written in pages."""


def check_output(path: str, *, force: bool) -> None:
    """Refuse a file that cannot be written, before there is anything to write.

    Raises:
        CommandError: its ending is not known, or the file exists and may not be replaced.
    """
    ending = Path(path).suffix.lower()
    if ending not in FORMS:
        raise CommandError(
            f"--output {visible(path)}: the ending says what to write, and {visible(ending) or 'none'} is not known",
            hint=f"the endings are: {' '.join(FORMS)}",
        )
    if ending == PAGED and re.search(r"%\d+d", Path(path).name):
        raise CommandError(f"--output {visible(path)}: pages are numbered by %d, and by nothing else")
    if "%d" in path and ending != PAGED:
        raise CommandError(f"--output {visible(path)}: %d numbers the pages of a {PAGED}; {ending} has none")
    if ending == PAGED and "%d" in path and ("%d" in str(Path(path).parent) or path.count("%d") > 1):
        raise CommandError(f"--output {visible(path)}: one %d numbers the pages, in the name of the file")
    if "\0" in path:
        raise CommandError(f"--output {visible(path)}: not a file name")
    if os.path.isdir(path):
        raise CommandError(f"{visible(path)} is a folder")
    if os.path.lexists(path) and not force:
        raise _exists(path)


def write_pages(path: str, pages: Sequence[str], *, force: bool) -> None:
    """Write each page to a file of its own: %d in the path is its number, from 1.

    Nothing is moved to its place before all are written whole.

    Raises:
        CommandError: one of the files exists and may not be replaced.
        OutputError: one cannot be written.
    """
    names = [path.replace("%d", str(number)) for number in range(1, len(pages) + 1)]
    for name in names:
        check_output(name, force=force)
    with contextlib.ExitStack() as files:
        for name, page in zip(names, pages, strict=True):
            files.enter_context(new_file(name, force=force))(page)
    older = path.replace("%d", str(len(pages) + 1))
    if os.path.lexists(older):
        warn(f"{visible(older)} is there already, and no page of this lesson")


@contextlib.contextmanager
def new_file(path: str, *, force: bool) -> Iterator[Callable[[Written], None]]:
    """Write a file beside its place, piece by piece, and move it there when it is whole.

    An error, or a signal that ends the process, leaves nothing of it behind.

    Raises:
        CommandError: the file has come into being meanwhile, and may not be replaced.
        OutputError: it cannot be written; what was there before is as it was.
    """
    target = Path(path)
    beside = target.with_name(f".attnexplain-{token_hex(8)}")  # known before it is there, so that it can be removed

    def write(text: Written) -> None:
        for piece in pieces_of(text):
            with _reported(path):
                file.write(piece if isinstance(piece, bytes) else piece.encode())

    ours = [beside]

    def remove() -> None:
        for place in ours:
            with contextlib.suppress(OSError):  # where it could not be made, it is not there
                place.unlink(missing_ok=True)

    with done_at_the_end(remove):
        with _reported(path):
            file = beside.open("xb")
        try:
            yield write
            with _reported(path):
                file.flush()
                os.fsync(file.fileno())
        finally:
            with contextlib.suppress(OSError):  # what could not be written was reported
                file.close()
        with _reported(path):
            if force:
                beside.replace(target)
            else:
                _take_the_name(beside, target, ours)


def _take_the_name(beside: Path, target: Path, ours: list[Path]) -> None:
    """Give a file a name that is free.

    A second link to it fails where the name is taken, in one step. USB sticks and some network folders have no links:
    there an empty file takes the name first, which fails in the same way, and is replaced in one step.

    Raises:
        FileExistsError: the name is taken.
    """
    try:
        os.link(beside, target)
    except FileExistsError:
        raise
    except OSError:
        with target.open("xb"):
            ours.append(target)  # until it is replaced, it is to be removed
        beside.replace(target)
        ours.remove(target)


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
