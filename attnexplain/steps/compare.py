"""The same word in two sentences: what the company it keeps changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from attnexplain.arithmetic import write_number
from attnexplain.errors import CommandError
from attnexplain.explanation import Explanation
from attnexplain.steps.labels import find_word, names_of, plain_tokens
from attnexplain.steps.step import Block, Company, Equation, Grid, Lesson, Pair, Prose, Step, places
from attnexplain.text import word_key

if TYPE_CHECKING:
    from attnexplain.arithmetic import Array

MOST_NAMED = 3
"""How many words, or places of a vector, are named in a sentence."""


def comparison(first: Explanation, second: Explanation, *, query: str | None = None, digits: int = 2) -> Lesson:
    """Put one word's scores, weights and context vectors in two sentences side by side.

    Args:
        first: what `explain` computed for one sentence.
        second: the same model's for another.
        query: the word; the one that changed most is found where it is not given.
        digits: digits after the point.

    Raises:
        CommandError: the word, or any word, does not stand in both sentences.
    """
    pairs = _pairs(first, second, query)
    cosines = {pair: _cosine(first.context[pair[0]], second.context[pair[1]]) for pair in pairs}
    chosen = min(_telling(first, pairs), key=lambda pair: cosines[pair])
    names = names_of(first), names_of(second)
    word = plain_tokens(first)[chosen[0]]
    blocks: list[Block] = [
        Prose(_in_words(first, second, chosen, cosines[chosen], digits)),
        Pair(
            _row(first, names[0], chosen[0], f'"{word}" in the first sentence'),
            _row(second, names[1], chosen[1], f'"{word}" in the second sentence'),
        ),
        *_contexts(first, second, chosen, cosines[chosen], digits),
    ]
    if first.neighbours is not None and second.neighbours is not None:
        one, other = first.neighbours[chosen[0]], second.neighbours[chosen[1]]
        rows = [("first", one.cosine, one.before, one.after), ("second", other.cosine, other.before, other.after)]
        blocks.append(Company(f'The company of "{word}", before and after', rows))
    if len(pairs) > 1:
        shared = [names[0][i] for i, _ in pairs]
        column = np.array([[cosines[pair]] for pair in pairs])
        blocks.append(Grid("All words that stand in both sentences", shared, ("cosine",), column, "none"))
    notes = (
        Prose(f"compared with: {second.sentence}", is_note=True),
        Prose(f"Model: {first.model.name}.", is_note=True),
    )
    return Lesson(first.sentence, notes, (Step(0, f'"{word}" in two sentences', tuple(blocks)),))


def _pairs(first: Explanation, second: Explanation, query: str | None) -> list[tuple[int, int]]:
    if query is not None:
        return [(find_word(first, query, "--query"), find_word(second, query, "--query"))]
    places_in_second = {word_key(token): j for j, token in reversed(list(enumerate(plain_tokens(second))))}
    seen: dict[str, tuple[int, int]] = {}
    for i, token in enumerate(plain_tokens(first)):
        if (key := word_key(token)) in places_in_second:
            seen.setdefault(key, (i, places_in_second[key]))
    if not seen:
        raise CommandError("the two sentences have no word in common", hint="compare sentences that share a word")
    return list(seen.values())


def _telling(trace: Explanation, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Prefer words that have company of their own to words like "the", and words to special tokens."""
    neighbours = trace.neighbours
    if neighbours is not None:
        telling = [pair for pair in pairs if neighbours[pair[0]].before]
    else:
        telling = [pair for pair in pairs if not trace.special[pair[0]]]
    return telling or pairs


def _in_words(first: Explanation, second: Explanation, chosen: tuple[int, int], cosine: float, digits: int) -> str:
    word = plain_tokens(first)[chosen[0]]
    looks = [_looks_at(trace, i, digits) for trace, i in zip((first, second), chosen, strict=True)]
    same = np.allclose(first.values[chosen[0]], second.values[chosen[1]], rtol=1e-9, atol=1e-12)
    start = f'"{word}" comes into both sentences with the same vector. ' if same else ""
    how = "hardly differ" if cosine > 0.95 else "point different ways" if cosine < 0.5 else "differ"
    return (
        f"{start}In the first sentence it attends most to {looks[0]}; in the second to {looks[1]}. So its context "
        f"vectors {how}: their cosine is {write_number(cosine, digits)} (1 would be the same direction)."
    )


def _looks_at(trace: Explanation, row: int, digits: int) -> str:
    tokens = plain_tokens(trace)
    own = word_key(tokens[row])
    order = [int(j) for j in np.argsort(-trace.weights[row], kind="stable") if word_key(tokens[j]) != own]
    named = [f'"{tokens[j]}" ({write_number(float(trace.weights[row, j]), digits)})' for j in order[:MOST_NAMED]]
    return ", ".join(named) if named else "itself alone"


def _row(trace: Explanation, names: tuple[str, ...], row: int, title: str) -> Grid:
    columns = np.column_stack([trace.scores[row], trace.scaled_scores[row], trace.weights[row]])
    order = np.argsort(-trace.weights[row], kind="stable")
    return Grid(title, [names[j] for j in order], ("score", "scaled", "weight"), columns[order], "none")


def _contexts(
    first: Explanation, second: Explanation, chosen: tuple[int, int], cosine: float, digits: int
) -> tuple[Block, ...]:
    one, other = first.context[chosen[0]], second.context[chosen[1]]
    difference = one - other
    largest = np.argsort(-np.abs(difference), kind="stable")[:MOST_NAMED]
    named = ", ".join(f"{j + 1} (by {write_number(float(abs(difference[j])), digits)})" for j in largest)
    grid = Grid(
        "Its context vectors",
        ("first", "second", "difference"),
        places(len(one)),
        np.array([one, other, difference]),
    )
    dot, lengths = float(one @ other), (float(np.linalg.norm(one)), float(np.linalg.norm(other)))
    equation = Equation(
        "cosine of both",
        (
            "their dot product / (length of one × length of the other)",
            f"{write_number(dot, digits)} / ({write_number(lengths[0], digits)} × {write_number(lengths[1], digits)})",
            write_number(cosine, digits),
        ),
    )
    return grid, Prose(f"They differ most at the places {named}."), equation


def _cosine(one: Array, other: Array) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else 0.0
