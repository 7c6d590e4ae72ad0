"""Commands for the reader to copy: quoted for a shell, and made safe to show."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from attnexplain.steps.blocks import Command
from attnexplain.text import visible


def command(options: Sequence[str], sentence: str) -> Command:
    """Write a command with its options and its sentence, ready to be copied.

    >>> print(command(["--step", "3"], "The cat sat").text)
    attnexplain --step 3 "The cat sat"
    >>> print(command([], "-5 degrees").text)
    attnexplain -- "-5 degrees"
    """
    dash = ["--"] if sentence.startswith("-") else []
    return Command(" ".join(_quoted(visible(part)) for part in ["attnexplain", *options, *dash, sentence]))


def _quoted(text: str) -> str:
    """Quote a text for a shell: in double quotes where nothing in it means anything there, which reads better."""
    is_plain = not set(text) & set('"$`\\!')
    return f'"{text}"' if is_plain and shlex.quote(text) != text else shlex.quote(text)
