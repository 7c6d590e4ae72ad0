"""The command: options in, exit code out. The only folder that prints, writes files or exits.

Heavy imports wait until they are needed: `--version` loads no Typer, `--help` no numpy, `--json` no Rich.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from attnexplain.cli.streams import abandon_output, buffer_output, complain, show_version, tell
from attnexplain.cli.threads import begin_with_one
from attnexplain.errors import AttnExplainError, DataError, OutputError


def run() -> NoReturn:
    """Be the command: Ctrl-C and a closed pipe end the process as those signals do."""
    for descriptor in range(3):  # a closed standard stream's number must not become that of a file
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    buffer_output()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where the caller ignores it, as nohup does
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    begin_with_one()
    gc.set_threshold(100_000)  # nearly all that is made in so short a life is modules, which are no garbage
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Read the command line, do what it asks, and return the exit code."""
    try:
        try:
            return _do(arguments)
        except MemoryError as error:
            raise DataError("not enough memory for this text and this model", hint="shorten the text") from error
    except AttnExplainError as error:
        complain(error)
        if isinstance(error, OutputError):
            abandon_output()
        return error.exit_code
    except Exception as error:
        if "--debug" in arguments:
            import traceback

            tell(*"".join(traceback.format_exception(error)).splitlines())
        bug = AttnExplainError(
            f"a bug of ours: {type(error).__name__}: {error}", hint="please report it, with what --debug shows"
        )
        complain(bug)
        return bug.exit_code


def _do(arguments: Sequence[str]) -> int:
    if list(arguments) in (["--version"], ["-V"]):  # needs no Typer, which takes as long as all the rest
        return show_version()
    from attnexplain.cli.options import read
    from attnexplain.cli.serve import serve

    asked = read(arguments)
    return asked if isinstance(asked, int) else serve(asked)
