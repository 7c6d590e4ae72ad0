"""Whole processes, beside a bare program that imports numpy, Typer and Rich and prints one table."""

import sys
from pathlib import Path

from side_by_side import ATTNEXPLAIN, measure, table

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
    return table(measure(PROGRAMS, rounds))
