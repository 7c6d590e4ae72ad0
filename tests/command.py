"""Running the command: in this process, as a process of its own, on a terminal of its own."""

import contextlib
import io
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pytest

import attnexplain
from attnexplain.cli import main

COMMAND = [sys.executable, "-m", "attnexplain"]
SGR = re.compile(r"\x1b\[[0-9;]*m")
"""What colours a text."""
TERMINAL_VARIABLES = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "COLORTERM", "LINES", "TTY_COMPATIBLE")
SCHEMA = json.loads((Path(attnexplain.__file__).parent / "render" / "schema.json").read_text())


def run(*arguments, stdin=None, **environment):
    """Run the command as a process, with plain pipes."""
    env = {**os.environ, **environment}
    given = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    return subprocess.run([*COMMAND, *arguments], capture_output=True, env=env, timeout=60, **given)


def call(*arguments):
    """Run the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return code, out.getvalue(), err.getvalue()


def terminals():
    """Return the module that makes terminals; a test that needs one is skipped where there is none (Windows)."""
    return pytest.importorskip("pty", reason="there are no pseudo-terminals here")


def on_terminal(*arguments, columns=80, keys=b"", **environment):
    """Run the command on a pseudo-terminal of its own; return the exit status and what the screen got.

    It has no pager, unless the environment names one.
    """
    pty = terminals()
    environment = {"ATTNEXPLAIN_PAGER": "", **environment}
    child, screen = pty.fork()
    if child == 0:  # pragma: no cover - the child becomes the command
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a runner in the background may have it ignored
        os.execve(COMMAND[0], [*COMMAND, *arguments], {**os.environ, **environment})
    import fcntl
    import termios

    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    if keys:
        time.sleep(0.5)
        os.write(screen, keys)
    got = b""
    while select.select([screen], [], [], 30)[0]:
        try:
            piece = os.read(screen, 65536)
        except OSError:
            break
        if not piece:
            break
        got += piece
    os.close(screen)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), got.decode()


def raw(text):
    """Find the characters of a text that a terminal would obey, or that nobody sees; its colours are none."""
    seen = set(SGR.sub("", text)) - {"\n"}
    return {character for character in seen if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}


@dataclass
class Ended:
    """A process that has ended."""

    code: int
    out: bytes
    err: bytes
    seconds: float


def bounded(arguments, *, stdin=b"", folder=None, seconds=30, megabytes=2000, **environment):
    """Run the command as a process with files for its streams, and so much time and address space.

    It is killed when its time is over. A variable of the environment that is None is unset.
    """
    env = {name: value for name, value in {**os.environ, **environment}.items() if value is not None}
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        start = time.monotonic()
        shell = ["/bin/sh", "-c", 'ulimit -v "$0"; exec "$@"', str(megabytes * 1000)]
        process = subprocess.Popen(
            [*shell, *COMMAND, *arguments], stdin=given, stdout=out, stderr=err, env=env, cwd=folder
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        took = time.monotonic() - start
        out.seek(0)
        err.seek(0)
        return Ended(process.returncode, out.read(), err.read(), took)
