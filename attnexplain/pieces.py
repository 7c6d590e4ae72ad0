"""Tokens and the words that they are pieces of: finding what a reader means, and joining pieces into words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.errors import WordError
from attnexplain.tokens import CONTINUES, SPACE_SIGN, Tokens, visible, word_key, word_spans

if TYPE_CHECKING:
    from attnexplain.attention import Array


@dataclass(frozen=True)
class Word:
    """A word, and the places of its pieces among the tokens; a token that is no part of a word stands alone."""

    text: str
    pieces: tuple[int, ...]


_NUMBERED = re.compile(r"(.+)\(([1-9][0-9]{0,5})\)", re.DOTALL)


def words_of(sentence: str, tokens: Tokens) -> tuple[Word, ...]:
    """Join the pieces that lie in the same word of the sentence.

    What a word is, is the same as everywhere here: contractions and hyphenated words are one word, punctuation is none.
    """
    shown = tokens.shown or tokens.words
    if not tokens.spans:
        return tuple(Word(text, (place,)) for place, text in enumerate(shown))
    words = word_spans(sentence)
    joined: list[list[int]] = []
    reach = -1  # the last word that the pieces so far reach into
    first = 0
    for place, (start, end) in enumerate(tokens.spans):
        while first < len(words) and words[first][1] <= start:
            first += 1
        last = first
        while last < len(words) and words[last][0] < end:
            last += 1
        is_inside = start < end and last > first and not (tokens.special and tokens.special[place])
        if is_inside and joined and first <= reach:
            joined[-1].append(place)
        else:
            joined.append([place])
        reach = last - 1 if is_inside else -1
    return tuple(_word(sentence, tokens, shown, pieces) for pieces in joined)


def merged(weights: Array, words: Sequence[Word]) -> Array:
    """Turn weights between pieces (n, n) into weights between words (words, words): columns sum, rows average.

    What a word gets is what its pieces get together. What it gives is what its pieces give on average, so that each
    row still sums to 1 (Clark et al. 2019, arXiv:1906.04341, section 4.1).

    >>> merged(np.array([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]]), [Word("a", (0,)), Word("b", (1, 2))])
    array([[0.5, 0.5],
           [0. , 1. ]])
    """
    to_words = np.stack([weights[:, list(word.pieces)].sum(axis=1) for word in words], axis=1)  # [n, words]
    return np.stack([to_words[list(word.pieces)].mean(axis=0) for word in words])  # [words, words]


def plain(tokens: Sequence[str], shown: Sequence[str]) -> tuple[str, ...]:
    """Return tokens without the signs of a tokenizer, as a reader would type them.

    >>> plain(("Ġcat", "##s", "[SEP]"), ("␣cat", "##s", "[SEP]"))
    ('cat', 's', '[SEP]')
    """
    return tuple(text.strip(SPACE_SIGN).removeprefix(CONTINUES) or text for text in shown) if shown else tuple(tokens)


def labels(tokens: Sequence[str]) -> tuple[str, ...]:
    """Name each word once: a word that occurs more than once carries its position.

    >>> labels(["the", "cat", "the", "mat"])
    ('the(1)', 'cat', 'the(3)', 'mat')
    """
    count = Counter(tokens)
    return tuple(
        f"{token}({position})" if count[token] > 1 else token for position, token in enumerate(tokens, start=1)
    )


def find_token(tokens: Sequence[str], shown: Sequence[str], wanted: str, option: str) -> int:
    """Find a token by its text, in any case; by its name on the screen, "the(6)"; or by its position counted from 1.

    The first of several counts.

    Raises:
        WordError: there is no such token or position; the message names the option.
    """
    typed = plain(tokens, shown)
    for candidates, form in (
        (tokens, str),
        (typed, str),
        (typed, word_key),
        (labels(shown or tokens), str),
        (labels(typed), word_key),
    ):
        for place, token in enumerate(candidates):
            if form(token) == form(wanted):
                return place
    if (numbered := _NUMBERED.fullmatch(wanted)) is not None:  # "the(6)" where "The" is the other one
        place = int(numbered[2]) - 1
        if 0 <= place < len(tokens) and word_key(typed[place]) == word_key(numbered[1]):
            return place
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 and 1 <= int(wanted) <= len(tokens):
        return int(wanted) - 1
    noun = "token" if shown else "word"
    some = " ".join(typed) if len(typed) <= 20 else " ".join([*typed[:20], "…"])
    raise WordError(
        f"{option}: {visible(wanted)!r} is not a {noun} of this sentence, nor a position from 1 to {len(tokens)}",
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
    return (find_token(tokens.words, tokens.shown, wanted, option),)


def _word(sentence: str, tokens: Tokens, shown: Sequence[str], pieces: Sequence[int]) -> Word:
    start, end = tokens.spans[pieces[0]][0], tokens.spans[pieces[-1]][1]
    return Word(sentence[start:end] or shown[pieces[0]], tuple(pieces))
