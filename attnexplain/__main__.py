"""`python -m attnexplain` is the command."""

from attnexplain.cli import run  # noqa: TID251 - the one thing above the command

run()
