"""The names of the rows: words, told apart where one occurs twice; and the pair of words to work out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from attnexplain.attention import AttentionTrace
from attnexplain.errors import CommandError
from attnexplain.tokens import visible, word_key


def labels(tokens: Sequence[str]) -> tuple[str, ...]:
    """Name each word once: a word that occurs more than once carries its position.

    >>> labels(["the", "cat", "the", "mat"])
    ('the(1)', 'cat', 'the(3)', 'mat')
    """
    count = Counter(tokens)
    return tuple(
        f"{token}({position})" if count[token] > 1 else token for position, token in enumerate(tokens, start=1)
    )


def find_word(tokens: Sequence[str], wanted: str, option: str) -> int:
    """Find a word, in any case, or else a position counted from 1. Of several places the first one counts.

    Raises:
        CommandError: there is no such word or position.
    """
    for same in (lambda token: token == wanted, lambda token: word_key(token) == word_key(wanted)):
        for position, token in enumerate(tokens):
            if same(token):
                return position
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 and 1 <= int(wanted) <= len(tokens):
        return int(wanted) - 1
    words = " ".join(tokens) if len(tokens) <= 20 else " ".join([*tokens[:20], "…"])
    raise CommandError(
        f"{option}: {visible(wanted)!r} is not a word of this sentence, nor a position from 1 to {len(tokens)}",
        hint=f"its words are: {visible(words)}",
    )


def strongest_pair(
    trace: AttentionTrace, tokens: Sequence[str], query: int | None = None, key: int | None = None
) -> tuple[int, int]:
    """Choose the pair with the largest attention weight between two different words.

    What is given stays; where there are no two different words, a word's attention to another place or to itself.
    """
    keys = [word_key(token) for token in tokens]
    n = len(tokens)
    rows = range(n) if query is None else [query]
    columns = range(n) if key is None else [key]
    weights = trace.weights[np.ix_(list(rows), list(columns))]
    identity = np.unique(keys, return_inverse=True)[1]
    different_word = identity[list(rows)][:, None] != identity[list(columns)][None, :]
    different_place = np.array(list(rows))[:, None] != np.array(list(columns))[None, :]
    for allowed in (different_word, different_place):
        candidates = np.where(allowed & (weights > 0), weights, -1.0)
        if candidates.max() > 0:
            row, column = divmod(int(candidates.argmax()), len(columns))
            return rows[row], columns[column]
    fallback = query if query is not None else key or 0
    return fallback, key if key is not None else fallback
