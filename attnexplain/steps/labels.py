"""The names of the rows: words, told apart where one occurs twice; and the pair of words to work out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attnexplain.explanation import Explanation
from attnexplain.naming import find_token, labels, plain
from attnexplain.steps.step import Prose
from attnexplain.text import word_key
from attnexplain.tokens import Tokens

LONGEST_NAME = 60
"""Characters; what is longer is cut. The sentence above the lesson has it in full."""


def names_of(trace: Explanation) -> tuple[str, ...]:
    """Name the rows of a trace: each token as a reader sees it, a star behind those that stand for no word."""
    names = (text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…" for text in trace.shown)
    return labels([f"{name}*" if is_special else name for name, is_special in zip(names, trace.special, strict=True)])


def notes_on_tokens(trace: Explanation, names: Sequence[str]) -> list[Prose]:
    """Count the tokens, and explain the signs in their names."""
    count, noun = len(names), "token" if trace.are_pieces else "word"
    parts = [f"{count} {noun}{'s' if count > 1 else ''}."]
    if trace.left_out:
        parts.append(f"Punctuation is left out: {' '.join(trace.left_out)}")
    if any(trace.special):
        parts.append("A star marks a token that stands for no word.")
    parts += trace.legend
    notes = [Prose(" ".join(parts), is_note=True)]
    if len(set(trace.tokens)) < count:
        notes.append(
            Prose(f"A number in brackets is the position of a {noun} that occurs more than once.", is_note=True)
        )
    return notes


def plain_tokens(trace: Explanation) -> tuple[str, ...]:
    """Return the tokens as a reader would type them."""
    return plain(trace.shown) if trace.are_pieces else trace.tokens


def find_word(trace: Explanation, wanted: str, option: str) -> int:
    """Find a word, in any case, or else a position counted from 1. Of several places the first one counts.

    Raises:
        CommandError: there is no such word or position.
    """
    return find_token(tokens_of(trace), wanted, option)


def tokens_of(trace: Explanation) -> Tokens:
    """Return the tokens of a trace as they were found."""
    return Tokens(trace.tokens, shown=trace.shown, special=trace.special, are_pieces=trace.are_pieces)


def worked_pair(trace: Explanation, query: str | None, key: str | None) -> tuple[int, int]:
    """Choose the word that asks and the word that answers: those that are named, else the strongest pair.

    Raises:
        WordError: the query or the key is not a word of the sentence.
    """
    asked = None if query is None else find_word(trace, query, "--query")
    answered = None if key is None else find_word(trace, key, "--key")
    return strongest_pair(trace, asked, answered)


def strongest_pair(trace: Explanation, query: int | None = None, key: int | None = None) -> tuple[int, int]:
    """Choose the pair with the largest attention weight between two different words.

    What is given stays. Tokens that stand for no word, and the first token of a model that cannot look ahead, which
    draws attention whatever it is, are left aside; where no two different words are left, a word's attention to
    another place or to itself is taken.
    """
    keys = [word_key(token) for token in plain_tokens(trace)]
    n = len(keys)
    rows, columns = (np.arange(n) if place is None else np.array([place]) for place in (query, key))
    weights = trace.weights[np.ix_(rows, columns)]
    identity = np.unique(keys, return_inverse=True)[1]
    different_word = identity[rows][:, None] != identity[columns][None, :]
    different_place = rows[:, None] != columns[None, :]
    special = np.array(trace.special)
    dull = special | ((np.arange(n) == 0) & (trace.model.kind == "checkpoint") & trace.causal)
    telling = different_word & ~special[rows][:, None] & ~dull[columns][None, :]
    for allowed in (telling, different_word, different_place):
        candidates = np.where(allowed & (weights > 0), weights, -1.0)
        if candidates.max() > 0:
            row, column = divmod(int(candidates.argmax()), len(columns))
            return int(rows[row]), int(columns[column])
    fallback = query if query is not None else key or 0
    return fallback, key if key is not None else fallback
