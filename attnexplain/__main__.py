"""`python -m attnexplain` is the command."""

from attnexplain.cli import run

run()
