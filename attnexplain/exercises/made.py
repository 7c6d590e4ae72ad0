"""Numbers made for the head: whole ones, so small that a class works attention out with pencil and paper.

They keep what the learned model found: which word wins, and the order of all whose shares differ by more than a little.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import permutations, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from attnexplain.arithmetic import ranked
from attnexplain.attention import AttentionTrace, Head, attend
from attnexplain.errors import DataError
from attnexplain.explanation import Explanation
from attnexplain.steps.choice import asking_word, content_places, plain_tokens
from attnexplain.steps.labels import knows_no_word
from attnexplain.text import word_key

if TYPE_CHECKING:
    from attnexplain.arithmetic import Array

MOST_WORDS = 5
"""Words of a sheet: the one that asks, and those with the largest shares."""
PLACES, DIVISOR = 4, 2
"""d_model and d_k; and the root of d_k, which halves the scores."""
LARGEST_NUMBER = 3
"""Embeddings are made of whole numbers from 0 up to this."""
FEWEST_NUMBERS = 2
"""So many of an embedding are not 0, where that can be: there has to be something to multiply."""
VARIETY, ROUNDS = 0.4, 8
"""For other sheets of a sentence: how far from the nearest score a word's may be, and how often chance is asked."""
LARGEST_SCORE = 12
"""So that e^(score / 2) is 403 at the most."""
TARGET, TARGET_OF_TWO = 0.55, 0.65
"""What the largest share is brought near to, so that no row is flat and none is all of one word."""
SMALLEST, LARGEST = 0.4, 0.8
"""Between these the largest share of a sheet lies."""
APART = 0.05
"""Words whose shares differ by more than this keep their order."""

W_Q = np.array([[1, 0, 0, 1], [0, 1, 1, 0], [1, 0, 1, 0], [0, 1, 0, 0]], dtype=np.float64)
W_K = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0, 1]], dtype=np.float64)
W_V = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype=np.float64)
HEAD = Head(W_Q, W_K, W_V)


class Exercise(NamedTuple):
    """The numbers of a sheet, computed by the same four functions as every lesson."""

    sentence: str
    names: tuple[str, ...]
    trace: AttentionTrace
    query: int
    """Which of the names asks."""
    is_made: bool
    """Whether the numbers were made for the sheet."""
    seed: int = 0


def made_exercise(trace: Explanation, query: int | None = None, seed: int = 0) -> Exercise:
    """Make an exercise of a sentence.

    Args:
        trace: what the learned model found in it.
        query: the place of the word that is to ask; the one that the sentence moved most, or where no sheet can be made
            for that, another, where none is named.
        seed: another one makes another sheet of the same sentence.

    Raises:
        DataError: the sentence has too few words for a sheet, or no small numbers do what the model does.
    """
    if knows_no_word(trace):
        raise DataError("the model knows none of these words, so there is nothing to make a sheet of")
    contents = content_places(trace)
    if query is not None and query not in contents:
        contents = sorted([*contents, query])
    different = {word_key(word) for place, word in enumerate(plain_tokens(trace)) if place in contents}
    if len(different) < 2:
        raise DataError("a sheet needs two different words that say something", hint="write a longer sentence")
    first = asking_word(trace)
    others = ranked(-trace.weights[contents].max(axis=1)).tolist()  # those that share most evenly first
    asking = [query] if query is not None else [first, *(contents[i] for i in others if contents[i] != first)]
    names = plain_tokens(trace)  # each word is on the sheet once
    for place in asking:
        chosen = _chosen(trace, contents, place)
        embeddings = _embeddings(trace.weights[place][chosen], chosen.index(place), seed)
        if embeddings is not None:
            made = attend(*embeddings)
            return Exercise(trace.sentence, tuple(names[i] for i in chosen), made, chosen.index(place), True, seed)
    raise DataError(
        "no small whole numbers share attention as the model does in this sentence",
        hint="another sentence, or another --query",
    )


def _chosen(trace: Explanation, contents: Sequence[int], asking: int) -> list[int]:
    """Choose the words of the sheet: the asking word and those that it attends to most, each word once, in order."""
    words = [word_key(word) for word in plain_tokens(trace)]
    chosen, seen = [asking], {words[asking]}
    for place in ranked(trace.weights[asking]).tolist():
        if place in contents and words[place] not in seen and len(chosen) < MOST_WORDS:
            chosen.append(place)
            seen.add(words[place])
    return sorted(chosen)


def sharpened(shares: Array) -> Array:
    """Raise shares to the power that brings the largest near to the target, and share out anew, [n] -> [n].

    >>> sharpened(np.array([0.4, 0.3, 0.3])).round(2)
    array([0.55, 0.22, 0.22])
    """
    logarithms = np.log(np.maximum(shares, 1e-6) / shares.max())
    target = TARGET if len(shares) > 2 else TARGET_OF_TWO
    low, high = 0.0, 50.0
    for _ in range(60):
        power = (low + high) / 2
        largest = 1 / np.exp(power * logarithms).sum()
        low, high = (power, high) if largest < target else (low, power)
    powers = np.exp(low * logarithms)
    return np.asarray(powers / powers.sum())


def _embeddings(shares: Array, asking: int, seed: int) -> tuple[Array, Head] | None:
    """Find embeddings and matrices with which the asking word shares its attention out nearly so; None without any."""
    wanted, every = sharpened(shares / shares.sum()), _all()
    is_bare = (every > 0).sum(axis=1) < FEWEST_NUMBERS
    liking = 0.01 * every.sum(axis=1) + 0.3 * is_bare  # small numbers, and several of them
    liking[every.sum(axis=1) == 0] = np.inf
    random = np.random.default_rng(0)
    tried = [liking, *(liking + VARIETY * random.random(len(every)) for _ in range(ROUNDS))]
    asking_rows = np.flatnonzero(~is_bare & (every.sum(axis=1) <= 2 * LARGEST_NUMBER)).tolist()
    found = {}
    for own, liked in product(asking_rows, tried):
        factors = W_K @ (every[own] @ W_Q)  # a score is the dot product of these and of an embedding, [4]
        rows = _fitting(own, factors, wanted, asking, liked)
        if rows is not None and tuple(rows) not in found and _keeps(shares, every[rows], asking):
            error = np.abs(_softmax(every[rows] @ factors / DIVISOR) - wanted).sum()
            found[tuple(rows)] = (round(float(error), 6), float(every[rows].sum()))
    if not found:
        return None
    ordered = sorted(found, key=lambda rows: (found[rows], rows))  # the best first
    chosen, turn = every[list(ordered[seed % len(ordered)])], seed // len(ordered)
    if not turn:
        return chosen, HEAD
    # All are taken: the same scores once more, with the places of vectors in another order.
    orders = list(permutations(range(PLACES)))
    order = list(orders[turn % len(orders)])
    return chosen[:, order], Head(W_Q[order][:, order], W_K[order][:, order], W_V[order])


@cache
def _all() -> Array:
    """Every embedding that there may be, (256, 4)."""
    return np.array(list(product(range(LARGEST_NUMBER + 1), repeat=PLACES)), dtype=np.float64)


def _fitting(own: int, factors: Array, wanted: Array, asking: int, liking: Array) -> list[int] | None:
    """Choose for each word an embedding whose score is nearest to what its share asks for; all are different."""
    scores = _all() @ factors
    if scores[own] > LARGEST_SCORE:
        return None
    target = np.clip(2 * np.log(wanted / wanted[asking]) + scores[own], 0, LARGEST_SCORE)
    distances = np.abs(scores - target[:, None]) + liking  # [n, 256]
    distances[:, scores > LARGEST_SCORE] = np.inf
    distances[:, own] = np.inf
    rows = []
    for place in range(len(wanted)):
        row = own if place == asking else int(distances[place].argmin())
        if place != asking and not np.isfinite(distances[place, row]):
            return None
        distances[:, row] = np.inf
        rows.append(row)
    return rows


def _keeps(shares: Array, embeddings: Array, asking: int) -> bool:
    """Whether made numbers say what the model said: its winner, its order, and no share too large or too small."""
    made = attend(embeddings, HEAD).weights[asking]
    if not SMALLEST <= made.max() <= LARGEST or made.argmax() != shares.argmax():
        return False
    order = np.subtract.outer(shares / shares.sum(), shares / shares.sum()) > APART
    return bool((np.subtract.outer(made, made)[order] > 0).all()) and float(np.sort(made)[-2]) < float(made.max())


def _softmax(numbers: Array) -> Array:
    powers = np.exp(numbers)
    return np.asarray(powers / powers.sum())
