"""The words that pieces make: which pieces belong together, and attention weights between words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from attnexplain.tokens import Tokens, word_spans

if TYPE_CHECKING:
    from attnexplain.attention import Array


class Word(NamedTuple):
    """A word, and the places of its pieces among the tokens; a token that is no part of a word stands alone."""

    text: str
    pieces: tuple[int, ...]


def words_of(sentence: str, tokens: Tokens) -> tuple[Word, ...]:
    """Join the pieces that lie in the same word of the sentence.

    What a word is, is the same as everywhere here: contractions and hyphenated words are one word, punctuation is none.
    """
    if not tokens.are_pieces or tokens.spans is None:
        return tuple(Word(text, (place,)) for place, text in enumerate(tokens.shown))
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
        is_inside = start < end and last > first and not tokens.special[place]
        if is_inside and joined and first <= reach:
            joined[-1].append(place)
        else:
            joined.append([place])
        reach = last - 1 if is_inside else -1
    return tuple(Word(text_of(sentence, tokens, pieces), tuple(pieces)) for pieces in joined)


def merged(weights: Array, words: Sequence[Word]) -> Array:
    """Turn weights between pieces (n, n) into weights between words (words, words): columns sum, rows average.

    What a word gets is what its pieces get together. What it gives is what its pieces give on average, so that each
    row still sums to 1 (Clark et al. 2019, arXiv:1906.04341, section 4.1).

    >>> merged(np.array([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]]), [Word("a", (0,)), Word("b", (1, 2))])
    array([[0.5, 0.5],
           [0. , 1. ]])
    """
    to_words = np.stack([weights[:, list(word.pieces)].sum(axis=1) for word in words], axis=1)  # [n, words]
    return averaged(to_words, words)


def averaged(rows: Array, words: Sequence[Word]) -> Array:
    """Turn what each piece gives, (n, …), into what each word gives, (words, …): the average of its pieces."""
    return np.stack([rows[list(word.pieces)].mean(axis=0) for word in words])


def text_of(sentence: str, tokens: Tokens, pieces: Sequence[int]) -> str:
    """Write a word as the sentence does; a special token, which is not in it, by its own name."""
    if tokens.spans is None:
        return tokens.shown[pieces[0]]
    start, end = tokens.spans[pieces[0]][0], tokens.spans[pieces[-1]][1]
    return sentence[start:end] or tokens.shown[pieces[0]]
