"""The same word in two sentences: what the company it keeps changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from attnexplain.arithmetic import FEWEST, as_printed, ranked, result, write_number
from attnexplain.errors import CommandError
from attnexplain.explanation import Explanation
from attnexplain.naming import find_token
from attnexplain.steps.answer import WHY_NONE
from attnexplain.steps.blocks import (
    Block,
    Company,
    CompanyRow,
    Equation,
    EquationLine,
    Grid,
    Lesson,
    Number,
    Pair,
    Prose,
    Step,
    places,
)
from attnexplain.steps.choice import content_places, plain_tokens
from attnexplain.steps.context import FAR, HARDLY
from attnexplain.steps.labels import about_input, names_of
from attnexplain.steps.weights import scaled_stages
from attnexplain.steps.worked import exact_note
from attnexplain.text import word_key

if TYPE_CHECKING:
    from attnexplain.arithmetic import Array

WORTH_NAMING = 0.01
"""The share from which on a second word is named."""
MOST_NAMED = 3
"""How many words, or places of a vector, are named in a sentence."""


def comparison(
    first: Explanation, second: Explanation, *, query: str | None = None, digits: int = 2, full: bool = False
) -> Lesson:
    """Put one word's weights and context vectors in two sentences side by side.

    Args:
        first: what `explain` computed for one sentence.
        second: the same model's for another.
        query: the word; the shared content word whose contexts differ most where none is named.
        digits: digits after the point.
        full: whether all places of the vectors are shown.

    Raises:
        CommandError: the word, or any word, does not stand in both sentences.
    """
    pairs = _pairs(first, second, query)
    cosines = {pair: cosine_of(first.context[pair[0]], second.context[pair[1]]) for pair in pairs}
    chosen = min(_telling(first, pairs), key=lambda pair: cosines[pair])
    names = names_of(first), names_of(second)
    word = plain_tokens(first)[chosen[0]]
    blocks: list[Block] = [
        Prose(f"compared with: {second.sentence}", is_note=True),
        *_company(first, second, chosen, word),
        Prose(_in_words(first, second, chosen, cosines[chosen], digits)),
        Pair(
            _row(first, names[0], chosen[0], f'"{word}" in the first sentence'),
            _row(second, names[1], chosen[1], f'"{word}" in the second sentence'),
        ),
        *_contexts(first, second, chosen, cosines[chosen], digits, full=full),
    ]
    if len(pairs) > 1:
        shared = [names[0][i] for i, _ in pairs]
        column = np.array([[cosines[pair]] for pair in pairs])
        blocks.append(Grid("Words in both sentences", shared, ("cosine of contexts",), column, "none"))
    cut = "".join(
        f" Of the {which} sentence {' '.join(says)[:1].lower()}{' '.join(says)[1:]}"
        for which, trace in (("first", first), ("second", second))
        if (says := about_input(trace.found))
    )
    notes = (Prose(f"Model: {first.model.name}.{cut}", is_note=True),)
    return Lesson(first.sentence, (Step(0, f'"{word}" in two sentences', tuple(blocks)),), notes)


def compared_pair(first: Explanation, second: Explanation, query: str | None) -> tuple[int, int]:
    """Choose the word that is compared: its place in each sentence."""
    pairs = _pairs(first, second, query)
    return min(_telling(first, pairs), key=lambda pair: cosine_of(first.context[pair[0]], second.context[pair[1]]))


def _pairs(first: Explanation, second: Explanation, query: str | None) -> list[tuple[int, int]]:
    if query is not None:
        return [(find_token(first.found, query, "--query"), find_token(second.found, query, "--query"))]
    places_in_second = {word_key(token): j for j, token in reversed(list(enumerate(plain_tokens(second))))}
    seen: dict[str, tuple[int, int]] = {}
    for i, token in enumerate(plain_tokens(first)):
        if (key := word_key(token)) in places_in_second:
            seen.setdefault(key, (i, places_in_second[key]))
    if not seen:
        raise CommandError("the two sentences have no word in common", hint="compare sentences that share a word")
    return list(seen.values())


def _telling(trace: Explanation, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Prefer content words, and of them those with company."""
    contents = set(content_places(trace))
    telling = [pair for pair in pairs if pair[0] in contents]
    if trace.neighbours is not None:
        neighbours = trace.neighbours
        telling = [pair for pair in telling if neighbours[pair[0]].before] or telling
    return telling or pairs


def _company(first: Explanation, second: Explanation, chosen: tuple[int, int], word: str) -> tuple[Block, ...]:
    if first.neighbours is None or second.neighbours is None:
        return ()
    one, other = first.neighbours[chosen[0]], second.neighbours[chosen[1]]
    title = f'The company of "{word}" on its own → in the sentence, and the cosine of both'
    if not one.before:
        why = WHY_NONE.get(one.withheld or "unknown", "")
        return (Company(title, [CompanyRow(word, None, (), (), f"none: {why}")]),)
    rows = [
        CompanyRow("first", one.cosine, one.before, one.after),
        CompanyRow("second", other.cosine, other.before, other.after),
    ]
    return (Company(title, rows),)


def _in_words(first: Explanation, second: Explanation, chosen: tuple[int, int], cosine: float, digits: int) -> str:
    word = plain_tokens(first)[chosen[0]]
    looks = [_looks_at(trace, i, digits) for trace, i in zip((first, second), chosen, strict=True)]
    same = np.allclose(first.values[chosen[0]], second.values[chosen[1]], rtol=1e-9, atol=1e-12)
    start = f'"{word}" comes into both sentences with the same vector. ' if same else ""
    how = "hardly differ" if cosine > HARDLY else "point different ways" if cosine < FAR else "differ"
    written = write_number(cosine, max(digits, FEWEST))
    return (
        f"{start}Of the other content words, it attends most to {looks[0]} in the first sentence, and to {looks[1]} "
        f"in the second. So its context vectors {how}: their cosine is {written} (1 would be the same direction)."
    )


def _looks_at(trace: Explanation, row: int, digits: int) -> str:
    tokens = plain_tokens(trace)
    own = word_key(tokens[row])
    contents = [j for j in content_places(trace) if word_key(tokens[j]) != own] or [
        j for j in range(len(tokens)) if word_key(tokens[j]) != own
    ]
    order = [int(j) for j in ranked(trace.weights[row]) if j in contents]
    order = [j for j in order if j == order[0] or trace.weights[row, j] >= WORTH_NAMING]
    named = [
        f'"{tokens[j]}" ({write_number(float(trace.weights[row, j]), max(digits, FEWEST))})' for j in order[:MOST_NAMED]
    ]
    return ", ".join(named) if named else "itself alone"


def _row(trace: Explanation, names: tuple[str, ...], row: int, title: str) -> Grid:
    columns = [trace.scores[row], trace.weights[row]]
    headings = ["score", "share"]
    stages = scaled_stages(trace, row)
    columns[1:1], headings[1:1] = stages.values(), stages.keys()
    order = ranked(trace.weights[row])
    rows, numbers = [names[j] for j in order], np.column_stack(columns)[order]
    if (taken := trace.sink_shares) is not None:
        rows.append("(sink)")
        numbers = np.vstack([numbers, [*[np.nan] * (len(headings) - 2), trace.variant.sink, taken[row]]])
    return Grid(title, rows, headings, numbers, "none", role="worked")


def _contexts(
    first: Explanation, second: Explanation, chosen: tuple[int, int], cosine: float, digits: int, *, full: bool
) -> tuple[Block, ...]:
    one, other = first.context[chosen[0]], second.context[chosen[1]]
    difference = one - other
    largest = ranked(np.abs(difference))[:MOST_NAMED]
    named = ", ".join(f"{j + 1} (by {write_number(float(abs(difference[j])), digits)})" for j in largest)
    grid = Grid(
        "Its context vectors", ("first", "second", "difference"), places(len(one)), np.array([one, other, difference]),
        role="context", in_one_block=not full,
    )  # fmt: skip
    dot = as_printed(float(one @ other), digits)
    lengths = [as_printed(float(np.linalg.norm(vector)), digits) for vector in (one, other)]
    product = lengths[0] * lengths[1]
    if not product:
        return grid, Prose(f"They differ most in the places {named}.")
    fine = max(digits, FEWEST)
    worked = result(dot / product, fine)
    equation = Equation(
        "cosine of both",
        (
            EquationLine("=", ("their dot product / (length of one × length of the other)",)),
            EquationLine(
                "≈",
                (Number(dot, digits), " / (", Number(lengths[0], digits), " × ", Number(lengths[1], digits), ")"),
            ),
            EquationLine(worked.sign, (Number(worked.value, fine),)),
        ),
        exact_note(worked.value, cosine, fine),
    )
    return grid, Prose(f"They differ most in the places {named}."), equation


def cosine_of(one: Array, other: Array) -> float:
    """Return the cosine of two vectors; 0 where one has no length."""
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else 0.0
