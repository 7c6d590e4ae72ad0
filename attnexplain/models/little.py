"""Little words: those that hold sentences together, and say little on their own. The list serves every model."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from attnexplain.text import word_key


@cache
def little_words() -> frozenset[str]:
    """Read the list: articles, pronouns, prepositions, auxiliary verbs and the like, in lower case."""
    lines = Path(__file__).with_name("little_words.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(" ".join(line for line in lines if not line.startswith("#")).split())


@cache
def foreign_words() -> frozenset[str]:
    """Read the little words of other languages, without those that are English words too."""
    lines = Path(__file__).with_name("foreign_words.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(" ".join(line for line in lines if not line.startswith("#")).split()) - little_words()


def is_content(word: str) -> bool:
    """Whether a word says something on its own: it has a letter or a digit, and is no little word.

    >>> [is_content(word) for word in ("bank", "The", "…", "1984")]
    [True, False, False, True]
    """
    return any(character.isalnum() for character in word) and word_key(word) not in little_words()
