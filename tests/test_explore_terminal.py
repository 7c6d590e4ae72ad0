"""The screen of --explore on a terminal of its own: how it begins, how it ends, and what it leaves behind."""

import os
import re
import select
import shlex
import signal
import struct
import time
from pathlib import Path

import pytest
from command import COMMAND, call, run

fcntl, pty, termios = (
    pytest.importorskip(name, reason="there are no pseudo-terminals here") for name in ("fcntl", "pty", "termios")
)
pytest.importorskip("textual", reason="the extra attnexplain[explore] is not installed")

BERT = str(Path(__file__).parent / "data" / "checkpoints" / "bert")
LEAVES = "\x1b[?1049l"
"""What takes a terminal back from the other screen."""


class Terminal:
    """A command on a pseudo-terminal, and what it wrote so far."""

    @classmethod
    def of(cls, program):
        """Run another program."""
        return cls(program=program)

    def __init__(self, *arguments, size=(80, 24), program=None, **environment):
        around = {**os.environ, "TERM": "xterm-256color", **environment}
        for name in ("NO_COLOR", "COLUMNS", "LINES"):
            if name not in environment:
                around.pop(name, None)
        self.child, self.screen = pty.fork()
        if self.child == 0:  # pragma: no cover - the child becomes the command
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            time.sleep(0.1)  # the size comes first
            program = program or [*COMMAND, *arguments]
            os.execve(program[0], program, around)
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.before = termios.tcgetattr(self.screen)
        self.got = ""

    def read(self, seconds=0.05):
        """Take what there is."""
        while select.select([self.screen], [], [], seconds)[0]:
            try:
                piece = os.read(self.screen, 65536)
            except OSError:
                return
            if not piece:
                return
            self.got += piece.decode(errors="replace")

    def wait_for(self, text, seconds=30):
        """Wait until a text was written since the last key; escape sequences may stand inside of it."""
        pattern = re.compile(r"(\x1b\[[0-9;?]*[A-Za-z])*".join(map(re.escape, text)))
        end = time.monotonic() + seconds
        while not pattern.search(self.got):
            assert time.monotonic() < end, f"no {text!r} in {self.got[-2000:]!r}"
            self.read()

    def press(self, keys):
        self.read(0.2)
        self.got = ""
        os.write(self.screen, keys.encode())

    def end(self, seconds=30):
        """Wait for the end, and return the exit status, as a shell counts it."""
        end = time.monotonic() + seconds
        while True:
            self.read()
            done, status = os.waitpid(self.child, os.WNOHANG)
            if done:
                self.read()
                assert termios.tcgetattr(self.screen)[:4] == self.before[:4]  # the terminal is as it was
                os.close(self.screen)
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < end, "it does not end"


def test_a_walk_and_the_command_that_is_printed_at_the_end():
    terminal = Terminal("--explore", "The river bank was flooded")
    terminal.wait_for("answer")
    terminal.press("3")
    terminal.wait_for("W, the attention weights")
    terminal.press("y")
    terminal.wait_for("attnexplain --step 3")
    terminal.press("q")
    assert terminal.end() == 0
    after = terminal.got.rsplit(LEAVES, 1)[1]
    assert 'attnexplain --step 3 "The river bank was flooded"' in after


def test_without_a_sentence_it_is_the_river():
    terminal = Terminal("--explore")
    terminal.wait_for("flooded")
    terminal.press("q")
    assert terminal.end() == 0


def test_a_finished_example_is_explored_with_its_own_words():
    terminal = Terminal("--explore", "--model", str(Path(__file__).parents[1] / "sentences" / "raschka-simple.json"))
    terminal.wait_for("journey")
    terminal.press("q")
    assert terminal.end() == 0
    assert "flooded" not in terminal.got


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_as_that_signal_does_with_the_terminal_as_it_was(number):
    terminal = Terminal("--explore")
    terminal.wait_for("answer")
    terminal.read(0.5)
    os.kill(terminal.child, number)
    assert terminal.end() == -number
    assert LEAVES in terminal.got
    assert "Traceback" not in terminal.got


def test_ctrl_c_ends_it_as_everywhere():
    terminal = Terminal("--explore")
    terminal.wait_for("answer")
    terminal.press("\x03")
    assert terminal.end() == -signal.SIGINT
    assert LEAVES in terminal.got


def test_a_bug_is_one_line_behind_the_screen(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import attnexplain.explore.walk as w\ndef broken(*a): raise ZeroDivisionError('on purpose')\nw.walk = broken\n"
    )
    terminal = Terminal("--explore", PYTHONPATH=str(tmp_path))
    terminal.wait_for("answer")
    terminal.press(" ")
    assert terminal.end() == 70
    after = terminal.got.rsplit(LEAVES, 1)[1]
    assert "a bug of ours: ZeroDivisionError: on purpose" in after
    assert "Traceback" not in terminal.got


def test_a_model_of_layers_opens_and_esc_leaves_the_overview():
    pytest.importorskip("tokenizers")
    terminal = Terminal("--explore", "--model", BERT, "The animal didn't cross the street")
    terminal.wait_for("layer 0, head 0")
    terminal.press("o")
    terminal.wait_for("head (across)")
    terminal.press("\x1b")
    time.sleep(0.5)
    terminal.press("3")
    terminal.wait_for("W, the attention weights")
    terminal.press("q")
    assert terminal.end() == 0
    assert "Traceback" not in terminal.got
    assert "ignored" not in terminal.got


@pytest.mark.parametrize("palette", [{"NO_COLOR": "1"}, {"TERM": "xterm-16color"}, {"COLORTERM": "truecolor"}])
def test_no_colour_that_the_terminal_does_not_have(palette):
    terminal = Terminal("--explore", **palette)
    terminal.wait_for("answer")
    terminal.press("3")
    terminal.wait_for("W, the attention weights")
    codes = set(re.findall(r"\x1b\[([0-9;]*)m", terminal.got))
    many, true = ([code for code in codes if part in f";{code}"] for part in (";48;5;", ";48;2;"))
    terminal.press("q")
    assert terminal.end() == 0
    if "NO_COLOR" in palette:
        colours = [code for code in codes if re.search(r"(^|;)([34][0-7]|9[0-7]|10[0-7]|[34]8)(;|$)", code)]
        assert not colours
    elif "TERM" in palette:
        assert not many
        assert not true
    else:
        assert true


def test_plain_lines_are_printed_beside_the_screen():
    terminal = Terminal("--explore")
    terminal.wait_for("answer")
    terminal.press("2")
    terminal.wait_for("S, the scores")
    terminal.press("p")
    terminal.wait_for("Enter goes back to the screen.")
    assert 'score("bank", "river")' in terminal.got
    terminal.press("\n")
    terminal.wait_for("S, the scores")
    terminal.press("q")
    assert terminal.end() == 0


def test_ctrl_c_ends_the_plain_lines_too():
    terminal = Terminal("--explore")
    terminal.wait_for("answer")
    terminal.press("p")
    terminal.wait_for("Enter goes back to the screen.")
    os.write(terminal.screen, b"\x03")
    assert terminal.end(10) == -signal.SIGINT


def test_bytes_that_are_no_text_are_no_end():
    terminal = Terminal("--explore")
    terminal.wait_for("answer")
    terminal.read(0.5)
    os.write(terminal.screen, b"\xff\xe9")
    time.sleep(0.3)
    terminal.press("3")
    terminal.wait_for("W, the attention weights")
    terminal.press("q")
    assert terminal.end() == 0
    assert "Traceback" not in terminal.got


def test_a_prompt_has_no_colour_where_none_is_wanted():
    terminal = Terminal("--explore", NO_COLOR="1")
    terminal.wait_for("answer")
    terminal.press("/")
    terminal.wait_for("another sentence")
    terminal.read(0.5)
    codes = set(re.findall(r"\x1b\[([0-9;]*)m", terminal.got))
    assert not [code for code in codes if re.search(r"(^|;)([34][0-7]|9[0-7]|10[0-7]|[34]8)(;|$)", code)]
    terminal.press("\x1b")
    time.sleep(0.5)
    terminal.press("q")
    assert terminal.end() == 0


def test_a_screen_whose_errors_go_elsewhere_is_told():
    script = f"exec {shlex.join(COMMAND)} --explore 2>errors.txt"
    terminal = Terminal.of(["/bin/sh", "-c", f"cd /tmp && {script}"])
    assert terminal.end() == 2
    assert "\x1b[?1049h" not in terminal.got


def test_keys_right_behind_a_slash_are_the_prompts():
    terminal = Terminal("--explore")
    terminal.wait_for("answer")
    terminal.press("3")
    terminal.wait_for("W, the attention weights")
    terminal.press("/ csq\r")  # c, s and q are no commands there
    terminal.wait_for("csq")
    terminal.press("y")
    terminal.wait_for('attnexplain --step 3 "The river bank was flooded after the storm csq"')
    terminal.press("q")
    assert terminal.end() == 0


# What is refused


@pytest.mark.parametrize(
    "options", [["--json"], ["-o", "x.svg"], ["--file", "x.txt"], ["--worksheet"], ["--brief"], ["--pause"]]
)
def test_what_does_not_go_with_it_is_refused(options):
    code, out, err = call("--explore", *options, *([] if "--file" in options else ["a b"]))
    assert (code, out) == (2, "")
    assert "--explore" in err


def test_without_a_terminal_it_is_one_line():
    done = run("--explore", "a b")
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"--explore needs a terminal" in done.stderr


def test_a_terminal_that_cannot_be_drawn_on_is_told():
    terminal = Terminal("--explore", TERM="dumb")
    assert terminal.end() == 2
    assert "cannot be drawn on" in terminal.got


def test_without_textual_one_line_says_how_to_get_it(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'textual' else find(name, *a)\n"
    )
    terminal = Terminal("--explore", PYTHONPATH=str(tmp_path))
    assert terminal.end() == 2
    assert "pip install 'attnexplain[explore]'" in terminal.got


def test_a_sentence_that_does_not_work_is_told_before_the_screen():
    terminal = Terminal("--explore", "!!!")
    assert terminal.end() == 3
    assert "\x1b[?1049h" not in terminal.got


def test_a_word_that_is_not_there_is_told_before_the_screen():
    terminal = Terminal("--explore", "--query", "zebra")
    assert terminal.end() == 2
    assert "'zebra' is not a word of this sentence" in terminal.got
    assert "\x1b[?1049h" not in terminal.got
