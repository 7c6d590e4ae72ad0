"""Commands for the reader to copy: quoted for a shell, and made safe to show."""

from __future__ import annotations

from collections.abc import Sequence

from attnexplain.steps.blocks import Command
from attnexplain.text import for_shell, visible
from attnexplain.tokens import MAX_TOKENS, Tokens


def command(options: Sequence[str], sentence: str, tokens: Tokens) -> Command:
    """Write a command with its options and its sentence, ready to be copied; tokens know whether it is a pair, or cut.

    >>> print(command(["--step", "3"], "The cat sat", Tokens(("The", "cat", "sat"))).text)
    attnexplain --step 3 "The cat sat"
    >>> print(command([], "-5 degrees", Tokens(("-5", "degrees"))).text)
    attnexplain -- "-5 degrees"
    """
    if begins := tokens.second_begins:
        options, sentence = [*options, "--pair", sentence[begins:]], sentence[: begins - 1]
    if tokens.cut_from:
        count = len(tokens.texts)
        options = [*options, "--truncate", *(["--max-tokens", str(count)] if count != MAX_TOKENS else [])]
    dash = ["--"] if sentence.startswith("-") else []
    return Command(" ".join(for_shell(visible(part)) for part in ["attnexplain", *options, *dash, sentence]))
