"""Writing a file so that nothing is lost: whole or not at all, and nothing that exists is replaced unasked."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from attnexplain.errors import CommandError, OutputError
from attnexplain.tokens import visible

FORMATS = (".svg", ".html", ".txt", ".json", ".npz")


def check_output(path: str, *, force: bool) -> None:
    """Refuse a file that cannot be written, before there is anything to write.

    Raises:
        CommandError: its ending is not known, or the file exists and may not be replaced.
    """
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        raise CommandError(
            f"--output {visible(path)}: the ending says what to write, and {ending or 'none'!s} is not known",
            hint=f"the endings are: {' '.join(FORMATS)}",
        )
    if "\0" in path:
        raise CommandError(f"--output {visible(path)}: not a file name")
    if Path(path).is_dir():
        raise CommandError(f"{visible(path)} is a folder")
    if os.path.lexists(path) and not force:
        raise _exists(path)


def write_file(path: str, data: bytes, *, force: bool) -> None:
    """Write a file beside its place and move it there when it is whole.

    Raises:
        CommandError: the file has come into being meanwhile, and may not be replaced.
        OutputError: it cannot be written; what was there before is as it was.
    """
    target = Path(path)
    try:
        descriptor, beside = tempfile.mkstemp(prefix=".attnexplain-", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).chmod(0o666 & ~_umask())
            if force:
                Path(beside).replace(target)
            else:
                os.link(beside, target)  # fails where the name is taken, in one step
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(beside).unlink()
    except FileExistsError as error:
        raise _exists(path) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise OutputError(f"cannot write {visible(path)}: {reason}") from error


def _exists(path: str) -> CommandError:
    return CommandError(f"{visible(path)} exists", hint="--force replaces it")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
