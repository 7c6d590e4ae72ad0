"""Which word asks and which answers, where the reader names none."""

from __future__ import annotations

import numpy as np

from attnexplain.arithmetic import ranked
from attnexplain.explanation import Explanation
from attnexplain.models.little import is_content
from attnexplain.naming import find_token, plain
from attnexplain.text import word_key


def worked_pair(trace: Explanation, query: str | None, key: str | None) -> tuple[int, int]:
    """Choose the word that asks and the word that answers: those that are named, else by the rules below.

    Where the model predicts something, the token asks that it is predicted of.

    Raises:
        WordError: the query or the key is not a word of the sentence.
    """
    tokens = trace.found
    asked = None if query is None else find_token(tokens, query, "--query")
    answered = None if key is None else find_token(tokens, key, "--key")
    if asked is None and answered is None and trace.worked is not None:
        return trace.worked
    if asked is None and trace.predicted is not None:  # what is predicted there is asked of this token
        asked = trace.predicted.positions[0]
    if asked is None:
        asked = asking_word(trace, answered)
    return asked, answering_word(trace, asked) if answered is None else answered


def asking_word(trace: Explanation, answered: int | None = None) -> int:
    """Choose the content word that its sentence moved most.

    Moved most is the lowest mean cosine between the values of its company on its own and in the sentence; the earlier
    of two. A word without company asks only where no other can. Without any company at all it is the word of the
    strongest link between two different content words.
    """
    contents = content_places(trace)
    if trace.neighbours is not None and answered is None:
        moved = {place: trace.neighbours[place].moved for place in contents if trace.neighbours[place].before}
        places, likeness = list(moved), np.array(list(moved.values()))
        for place in (places[number] for number in ranked(-likeness).tolist()):
            if strongest_link(trace, contents, place, None)[1] != place:
                return int(place)
    return strongest_link(trace, contents, None, answered)[0]


def answering_word(trace: Explanation, asked: int) -> int:
    """Choose the largest unmasked weight among the other content words; without one, among other words; else itself."""
    return strongest_link(trace, content_places(trace), asked, None)[1]


def content_places(trace: Explanation) -> list[int]:
    """Find the content words: they have a letter or a digit, stand for a word, and are no little words."""
    words = plain_tokens(trace)
    return [place for place, word in enumerate(words) if not trace.special[place] and is_content(word)]


def strongest_link(trace: Explanation, contents: list[int], asked: int | None, answered: int | None) -> tuple[int, int]:
    """Find the largest weight between two different content words; else between different words, places, or any."""
    n = len(trace.tokens)
    numbers: dict[str, int] = {}
    identity = np.array([numbers.setdefault(word_key(word), len(numbers)) for word in plain_tokens(trace)])
    rows, columns = (np.arange(n) if place is None else np.array([place]) for place in (asked, answered))
    weights = trace.weights[np.ix_(rows, columns)]
    is_content_word = np.zeros(n, bool)
    is_content_word[contents] = True
    asks = np.ones(len(rows), bool) if asked is not None else is_content_word[rows]
    answers = np.ones(len(columns), bool) if answered is not None else is_content_word[columns]
    other_word = identity[rows][:, None] != identity[columns][None, :]
    other_place = rows[:, None] != columns[None, :]
    asks = asks if asks.any() else np.ones(len(rows), bool)
    asked_by_content = other_word & asks[:, None]
    for allowed in (asked_by_content & answers[None, :], asked_by_content, other_word, other_place & asks[:, None]):
        candidates = np.where(allowed & (weights > 0), weights, -1.0)
        if (largest := candidates.max()) > 0:
            first = int((candidates >= largest * (1 - 1e-9)).argmax())  # processors differ in the last digits
            row, column = divmod(first, len(columns))
            return int(rows[row]), int(columns[column])
    place = asked if asked is not None else answered or 0
    return place, place if answered is None else answered


def plain_tokens(trace: Explanation) -> tuple[str, ...]:
    """Return the tokens as a reader would type them."""
    return plain(trace.shown) if trace.are_pieces else trace.tokens
