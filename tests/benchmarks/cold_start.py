"""Whole processes, beside a bare program that imports numpy, Typer and Rich and prints one table."""

import compileall
import sys
from pathlib import Path

from side_by_side import ATTNEXPLAIN, measure, table

import attnexplain

SENTENCE = "The river bank was flooded after the storm"
PROGRAMS = {
    "bare imports and one table": [sys.executable, str(Path(__file__).with_name("bare_program.py")), SENTENCE],
    "lesson": [ATTNEXPLAIN, SENTENCE],
    "lesson in colour": [ATTNEXPLAIN, "--color", "always", SENTENCE],
    "--json": [ATTNEXPLAIN, "--json", SENTENCE],
    "--version": [ATTNEXPLAIN, "--version"],
    "--help": [ATTNEXPLAIN, "--help"],
}


def report(rounds: int) -> str:
    compileall.compile_dir(Path(attnexplain.__file__).parent, quiet=1)  # as pip does for all that it installs
    return table(measure(PROGRAMS, rounds))
