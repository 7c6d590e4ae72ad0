"""The names of tokens: told apart where one occurs twice, and found again by what a reader types."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from attnexplain.errors import WordError
from attnexplain.merging import words_of
from attnexplain.text import visible, word_key
from attnexplain.tokens import CONTINUES, SPACE_SIGN, Tokens

_NUMBERED = re.compile(r"(.+)\(([1-9][0-9]{0,5})\)", re.DOTALL)


def plain(shown: Sequence[str]) -> tuple[str, ...]:
    """Return tokens without the signs of a tokenizer, as a reader would type them.

    >>> plain(("␣cat", "##s", "[SEP]"))
    ('cat', 's', '[SEP]')
    """
    return tuple(text.strip(SPACE_SIGN).removeprefix(CONTINUES) or text for text in shown)


def labels(tokens: Sequence[str]) -> tuple[str, ...]:
    """Name each word once: a word that occurs more than once carries its position.

    >>> labels(["the", "cat", "the", "mat"])
    ('the(1)', 'cat', 'the(3)', 'mat')
    """
    count = Counter(tokens)
    return tuple(
        f"{token}({position})" if count[token] > 1 else token for position, token in enumerate(tokens, start=1)
    )


def find_token(tokens: Tokens, wanted: str, option: str) -> int:
    """Find a token by its text, in any case; by its name on the screen, "the(6)"; or by its position counted from 1.

    The first of several counts.

    Raises:
        WordError: there is no such token or position; the message names the option.
    """
    typed = plain(tokens.shown) if tokens.are_pieces else tokens.texts
    wanted = wanted.strip()
    for candidates, form in ((tokens.texts, str), (typed, str), (typed, word_key)):
        for place, token in enumerate(candidates):
            if form(token) == form(wanted):
                return place
    if (numbered := _NUMBERED.fullmatch(wanted)) is not None:  # "the(6)", its name on the screen
        place = int(numbered[2]) - 1
        if 0 <= place < len(typed) and word_key(typed[place]) == word_key(numbered[1]):
            return place
    count, noun = len(typed), tokens.noun
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 and 1 <= int(wanted) <= count:
        return int(wanted) - 1
    some = " ".join(typed) if count <= 20 else " ".join([*typed[:20], "…"])
    raise WordError(
        option,
        wanted,
        f"{visible(wanted)!r} is not a {noun} of this sentence, nor a position from 1 to {count}",
        hint=f"its {noun}s are: {visible(some)}",
    )


def find_pieces(sentence: str, tokens: Tokens, wanted: str, option: str) -> tuple[int, ...]:
    """Find the pieces of a word, the first of several; "the(6)" is the one that token 6 is a piece of.

    Else a token or position, as `find_token` does.
    """
    numbered = _NUMBERED.fullmatch(wanted)
    for word in words_of(sentence, tokens):
        key = word_key(word.text)
        if key == word_key(wanted):
            return word.pieces
        if numbered is not None and int(numbered[2]) - 1 in word.pieces and key == word_key(numbered[1]):
            return word.pieces
    return (find_token(tokens, wanted, option),)
