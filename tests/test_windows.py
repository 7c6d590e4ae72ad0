"""What differs on Windows, as far as it can be tried elsewhere."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from command import call, run

from attnexplain.cli import streams
from attnexplain.cli.request import When
from attnexplain.text import for_shell


class Console:
    """A stand-in for kernel32: a console with a mode, which may refuse a new one."""

    def __init__(self, mode, accepts):
        self.mode, self.accepts = mode, accepts

    def GetStdHandle(self, number):  # noqa: N802 - its name there
        assert number == -11
        return 7

    def GetConsoleMode(self, handle, mode):  # noqa: N802
        assert handle == 7
        if self.mode is None:
            return 0
        mode._obj.value = self.mode
        return 1

    def SetConsoleMode(self, handle, mode):  # noqa: N802
        if not self.accepts:
            return 0
        self.mode = mode
        return 1


@pytest.mark.parametrize(
    ("console", "expected", "mode"),
    [(Console(3, True), True, 7), (Console(3, False), False, 3), (Console(None, True), False, None)],
)
def test_a_console_is_asked_to_take_escapes(console, expected, mode, monkeypatch):
    import ctypes

    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=console), raising=False)
    assert streams.takes_escapes("nt") is expected
    assert console.mode == mode
    assert streams.takes_escapes("posix")


def test_a_console_that_takes_no_escapes_gets_none(monkeypatch):
    monkeypatch.setattr(streams, "is_terminal", lambda stream: True)
    assert streams.choose_palette(When.auto, {"TERM": "xterm-256color"}) == "256"
    assert streams.choose_palette(When.auto, {"WT_SESSION": "1"}) == "truecolor"
    assert streams.choose_palette(When.auto, {"TERM": "linux", "WT_SESSION": "1"}) == "standard"
    monkeypatch.setattr(streams, "takes_escapes", lambda: False)
    assert streams.choose_palette(When.auto, {"TERM": "xterm-256color", "FORCE_COLOR": "1"}) is None
    assert streams.choose_palette(When.always, {"TERM": "xterm-256color"}) is None


QUOTED = {
    "cat": "cat", "--step": "--step", "The cat": '"The cat"', "it's": '"it\'s"', "": "''", "$5": "'$5'",
    "100%": "'100%'", 'say "hi"': "'say \"hi\"'", "a`b": "'a`b'", "2,3": '"2,3"', "@a": '"@a"',
    "C:\\a b\\": "'C:\\a b\\'", "a^b": "'a^b'",
    "it\u2019s $5": "'it\u2019\u2019s $5'", "\u201equoted\u201c": "'\u201equoted\u201c'", "!": "'!'",
}  # fmt: skip
"""What PowerShell reads as it is."""


@pytest.mark.parametrize("text", QUOTED)
def test_quotes_fit_the_shell(text):
    done = subprocess.run(
        ["bash", "-c", f"printf %s {for_shell(text, system='posix')}"], capture_output=True, text=True
    )
    assert done.stdout == text
    assert for_shell(text, system="nt") == QUOTED[text]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named_and_how_to_convert_it(encoding, tmp_path):
    path = tmp_path / "some.txt"
    path.write_bytes("The cat sat\nThe dog ran\n".encode(encoding))
    code, out, err = call("--file", str(path))
    assert (code, out) == (3, "")
    assert "is UTF-16, and UTF-8 is read" in err
    assert "Set-Content -Encoding utf8" in err
    assert run("-", stdin=path.read_bytes()).returncode == 3
    path.write_bytes("\u201cThe cat\u201d sat\n".encode(encoding))
    assert "is UTF-16" in call("--file", str(path))[2]
    path.write_bytes(b"a\0b\nThe cat\n")
    assert call("--file", str(path))[0] == 0


def test_tests_are_collected_where_there_are_no_terminals(tmp_path):
    for name in ("pty", "fcntl", "termios", "resource"):
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError({name!r})\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import pytest; "
        "sys.exit(pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider', 'tests/test_cli.py', "
        "'tests/test_streams.py', 'tests/test_output.py', 'tests/test_explore_terminal.py']))"
    )
    root = __import__("pathlib").Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=100)
    assert done.returncode == 0, done.stdout[-2000:]
