"""Files that may come from anyone: opened only where they are files, read only up to a limit, and parsed strictly."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from attnexplain.errors import AttnExplainError, CommandError, DataError
from attnexplain.text import visible


def regular_file(path: str | Path, largest: int) -> int:
    """Return the size of a file that is safe to open: no folder, no pipe, no device, and not too large.

    Args:
        path: of the file; symbolic links are followed.
        largest: bytes that are allowed.

    Raises:
        CommandError: there is no such file, or it is a folder.
        DataError: it is not a regular file, or larger than allowed.
    """
    try:
        kind = Path(path).stat()
    except (OSError, ValueError) as error:
        raise cannot_open(path, error) from error
    if stat.S_ISDIR(kind.st_mode):
        raise CommandError(f"cannot open {visible(str(path))}: Is a directory")
    if not stat.S_ISREG(kind.st_mode):
        raise DataError("not a regular file")
    if kind.st_size > largest:
        raise DataError(f"the file is larger than {largest >> 20} MiB")
    return kind.st_size


def read_file(path: str | Path, largest: int) -> bytes:
    """Read a whole file; the errors are those of `regular_file`."""
    regular_file(path, largest)
    try:
        with Path(path).open("rb") as file:
            return file.read(largest)
    except (OSError, ValueError) as error:
        raise cannot_open(path, error) from error


def cannot_open(path: str | Path, error: Exception) -> AttnExplainError:
    """Say why a file cannot be opened."""
    reason = error.strerror if isinstance(error, OSError) else "not a file name"
    return CommandError(f"cannot open {visible(str(path))}: {reason}")


def parse_json(data: bytes) -> dict[str, Any]:
    """Parse a JSON object: UTF-8, no key twice, no NaN, no infinity.

    Raises:
        DataError: it is not.

    >>> parse_json(b'{"a": 1}')
    {'a': 1}
    """
    try:
        content = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 at byte {error.start + 1}") from error
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise DataError("lists are nested too deeply") from error
    except DataError:
        raise
    except ValueError as error:  # an integer of thousands of digits
        raise DataError("a number has too many digits") from error
    if not isinstance(content, dict):
        raise DataError("not an object: it must start with {")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise DataError(f"the key {key!r} occurs twice")
        result[key] = value
    return result


def _refuse(constant: str) -> None:
    raise DataError(f"{constant} is not a finite number")
