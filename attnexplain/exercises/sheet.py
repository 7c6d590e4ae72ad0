"""The worksheet and its key: the four steps for one asking word, as a lesson with blanks or with the working."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Literal, get_args

import numpy as np

from attnexplain.arithmetic import write_number
from attnexplain.errors import DataError
from attnexplain.exercises.made import Exercise
from attnexplain.exercises.working import FINE, Working, worked_out
from attnexplain.explanation import Explanation
from attnexplain.steps.blocks import (
    Block,
    Equation,
    EquationLine,
    Grid,
    Lesson,
    Number,
    Pair,
    Prose,
    Role,
    Step,
    Term,
    places,
)
from attnexplain.steps.choice import worked_pair
from attnexplain.steps.labels import names_of

Blank = Literal["queries", "keys", "scores", "scaled_scores", "exponentials", "sum", "weights", "context"]
BLANKS: tuple[Blank, ...] = get_args(Blank)
"""What can be left out, in the order in which it is worked out."""
MOST_OWN_WORDS, MOST_PLACES = 8, 8
"""Words and places of a sheet of somebody's own numbers, which have to fit on paper."""
LARGEST_OWN_NUMBER = 100_000
LARGEST_SCALED = 12
"""The largest power of e that a pupil is asked for."""
HALVES = 13
"""Half steps from 0 to 6, whose powers of e stand on the sheet."""


def own_exercise(trace: Explanation, query: int | None = None) -> Exercise:
    """Make an exercise of somebody's own numbers, as they are.

    Raises:
        DataError: they are too many for a sheet of paper, or a mask hides some.
    """
    if len(trace.tokens) < 2:
        raise DataError("a sheet needs two words at least")
    if trace.head is not None and any(bias is not None for bias in (trace.head.b_q, trace.head.b_k, trace.head.b_v)):
        raise DataError("a sheet has no place for biases, and these numbers have some", hint="--step 1 shows them")
    largest = max(float(np.abs(part).max()) for part in (trace.queries, trace.keys, trace.values, trace.scores))
    if largest >= LARGEST_OWN_NUMBER:
        raise DataError(f"a number of {largest:.4g} is too large for a sheet", hint="make the numbers smaller")
    widest = max(trace.d_k, trace.values.shape[1], 0 if trace.embeddings is None else trace.embeddings.shape[1])
    if len(trace.tokens) > MOST_OWN_WORDS or widest > MOST_PLACES:
        raise DataError(
            f"{len(trace.tokens)} words of {widest} numbers are too many for a sheet",
            hint=f"a sheet holds {MOST_OWN_WORDS} words of {MOST_PLACES} numbers",
        )
    asked = worked_pair(trace, None, None)[0] if query is None else query
    largest = float(trace.scaled_scores[asked].max())
    if largest > LARGEST_SCALED:
        raise DataError(
            f"a scaled score of {largest:.0f} is too large for a sheet",
            hint=f"e to the power of {LARGEST_SCALED} is 162,755; make the numbers smaller",
        )
    if not trace.variant.is_plain:
        raise DataError(
            "a sheet has no place for what this model adds to the four steps", hint="--step 1-4 shows the lesson"
        )
    if trace.mask is not None:
        raise DataError(
            "a sheet has no place for a mask, and these numbers have one", hint="--step 3 shows the masked lesson"
        )
    return Exercise(trace.sentence, names_of(trace), trace, asked, is_made=False)


def sheet(exercise: Exercise, *, blanks: Collection[Blank] = BLANKS, is_key: bool = False) -> Lesson:
    """Compose a worksheet, or its key.

    Args:
        exercise: the numbers.
        blanks: what is left out for the reader to work out.
        is_key: whether nothing is left out, and the working stands beside it.
    """
    working, names = worked_out(exercise.trace, exercise.query), exercise.names
    given = frozenset() if working.embeddings is not None else frozenset({"queries", "keys"})
    left_out = frozenset() if is_key else frozenset(blanks) - given
    word = names[exercise.query]
    origin = (
        f"The sheet takes the {len(names)} words that say something and get most. Its numbers were made for it, "
        "so that they can be worked out in the head: the same word wins as in the learned model."
        if exercise.is_made
        else "The numbers are those of the file."
    )
    has_x = working.embeddings is not None
    numbered = " (2) behind a word is its place in the sentence." if any("(" in name for name in names) else ""
    head = Prose(
        f'What does "{word}" take from the words of this sentence? Work it out in four steps, as a transformer does. '
        f"{'Each word has an embedding, a row of X, and a value, a row of V. ' if has_x else ''}{origin}{numbered}"
    )
    code = Prose(f"Sheet {code_of(exercise)}{': the key' if is_key else ''}", is_note=True)
    name = () if is_key else (Prose("Name: ____________________    Date: ______________", is_note=True),)
    return Lesson(
        ("Key: " if is_key else "Worksheet: ") + exercise.sentence,
        (
            Step(0, "What is given", (*name, code, head, *_given(working, names))),
            Step(1, "Query and keys", _vectors(working, names, exercise.query, left_out, is_key=is_key)),
            Step(2, "Attention scores", _scores(working, names, word, left_out, is_key=is_key)),
            Step(3, "Attention weights", _weights(working, names, word, left_out, is_key=is_key)),
            Step(4, "The context vector", _context(working, names, word, left_out, is_key=is_key)),
            Step(0, "What does it mean?", _questions(working, names, exercise.query, is_key=is_key)),
        ),
    )


def code_of(exercise: Exercise) -> str:
    """Name a sheet shortly: a sheet and its key have the same name, sheets of other numbers another.

    >>> from attnexplain import explain
    >>> from attnexplain.exercises.made import made_exercise
    >>> len(code_of(made_exercise(explain("The river bank was flooded after the storm"))))
    5
    """
    numbers = exercise.trace.keys if exercise.trace.embeddings is None else exercise.trace.embeddings
    content = f"{exercise.sentence}\n{exercise.query}\n{np.asarray(numbers, dtype=np.float64).round(6).tolist()}"
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without those that are taken for one another
    checksum = zlib.crc32(content.encode("utf-8", "surrogatepass"))
    return "".join(letters[checksum >> shift & 31] for shift in (0, 5, 10, 15, 20))


def _given(working: Working, names: Sequence[str]) -> tuple[Block, ...]:
    values = _grid("V, the values", names, places(len(working.values[0])), working.values, "values")
    if working.embeddings is None or working.w_q is None or working.w_k is None:
        return (values,)
    d_model, d_k = len(working.embeddings[0]), len(working.query)
    return (
        Pair(_grid("X, the embeddings", names, places(d_model), working.embeddings, "embeddings"), values),
        Pair(
            _grid("W_q, which makes queries", places(d_model), places(d_k), working.w_q, "w_q"),
            _grid("W_k, which makes keys", places(d_model), places(d_k), working.w_k, "w_k"),
        ),
    )


def _vectors(
    working: Working, names: Sequence[str], query: int, left_out: Collection[Blank], *, is_key: bool
) -> tuple[Block, ...]:
    word, columns = names[query], places(len(working.query))
    asks = _grid(f'The query of "{word}"', [f'q("{word}")'], columns, [working.query], "queries", "queries" in left_out)
    keys = _grid("K, the keys", names, columns, working.keys, "keys", "keys" in left_out)
    if working.embeddings is None or working.w_q is None or working.w_k is None:
        return Prose("The query and the keys are given."), asks, keys
    says = Prose(
        f'The query of "{word}" is its row of X times W_q: for place 1, multiply the row by column 1 of W_q, place by '
        "place, and add up. The key of a word is its row of X times W_k."
    )
    if not is_key:
        return says, asks, keys
    columns_of_q, columns_of_k = (list(zip(*matrix, strict=True)) for matrix in (working.w_q, working.w_k))
    of_query = [
        _dot(f'place {p + 1} of q("{word}")', working.embeddings[query], column, working.query[p], working.digits)
        for p, column in enumerate(columns_of_q)
    ]
    first = 0 if query else 1
    of_key = [
        _dot(
            f'place {p + 1} of k("{names[first]}")',
            working.embeddings[first],
            column,
            working.keys[first][p],
            working.digits,
        )
        for p, column in enumerate(columns_of_k)
    ]
    return says, asks, *of_query, keys, *of_key


def _scores(
    working: Working, names: Sequence[str], word: str, left_out: Collection[Blank], *, is_key: bool
) -> tuple[Block, ...]:
    says = Prose(
        f'The score of each word: multiply the query of "{word}" and the key of the word, place by place, and add up.'
    )
    grid = _grid("The scores", ["score"], names, [working.scores], "worked", "scores" in left_out)
    equations = [
        _dot(f'score("{word}", "{name}")', working.query, key, score, working.digits)
        for name, key, score in zip(names, working.keys, working.scores, strict=True)
    ]
    return (says, grid, *(equations if is_key else ()))


def _weights(
    working: Working, names: Sequence[str], word: str, left_out: Collection[Blank], *, is_key: bool
) -> tuple[Block, ...]:
    divisor = write_number(working.divisor, 0 if working.divisor == int(working.divisor) else FINE)
    sign = "=" if working.divisor**2 == len(working.query) else "≈"
    root = f" (√{len(working.query)} {sign} {divisor}, the root of how many numbers a query has)"
    why = root if working.is_root else ""
    divide = f"Divide each score by {divisor}{why}. " if divisor != "1" else "These scores are not divided. "
    power = f"Raise e to the power of {'each' if divisor == '1' else 'the result'}{_where(working)}."
    says = Prose(
        f"{divide}{power} Add the powers up, and divide each by the sum: that is its share of the attention of "
        f'"{word}". Round to two digits; the shares then add up to nearly 1.'
    )
    rows = [list(row) for row in zip(working.scaled, working.powers, working.shares, strict=True)]
    hidden = {
        *((i, 0) for i in range(len(names)) if "scaled_scores" in left_out),
        *((i, 1) for i in range(len(names)) if "exponentials" in left_out),
        *((i, 2) for i in range(len(names)) if "weights" in left_out),
        *([(len(names), 1)] if "sum" in left_out else []),
        *([(len(names), 2)] if "weights" in left_out else []),
    }
    columns = (f"÷ {divisor}" if divisor != "1" else "score", "e^ of it", "share")
    grid = Grid(
        "From scores to shares", names, columns, _numbers(rows), "none",
        footer=("sum", [None, float(working.total), float(sum(working.shares, Decimal(0)))]), role="worked",
        column_digits=(working.scaled_digits, FINE, FINE), blanks=frozenset(hidden),
    )  # fmt: skip
    table = (_powers(),) if _is_in_table(working) else ()
    if not is_key:
        return (says, *table, grid)
    total = _sum("the sum", working.powers, working.total, FINE)
    shares = [
        Equation(
            f'share of "{name}"',
            (
                EquationLine("=", (Number(power, FINE), " / ", Number(working.total, FINE))),
                EquationLine("≈", (Number(share, FINE),)),
            ),
        )
        for name, power, share in zip(names, working.powers, working.shares, strict=True)
    ]
    return (says, *table, grid, total, *shares)


def _where(working: Working) -> str:
    return ", which the table has" if _is_in_table(working) else " (e ≈ 2.718; a calculator has e^x)"


def _is_in_table(working: Working) -> bool:
    return all(number * 2 in range(HALVES) for number in working.scaled)


def _powers() -> Grid:
    """The table of powers: e^0, e^0.5, e^1 and so on up to e^6."""
    halves = [Decimal(step) / 2 for step in range(HALVES)]
    names = [write_number(half, 0 if half == int(half) else 1) for half in halves]
    rows = [[float(np.exp(float(half)))] for half in halves]
    return Grid("Powers of e", ("e^x",), names, np.array(rows).T, "none", role="worked", column_digits=(FINE,) * HALVES)


def _context(
    working: Working, names: Sequence[str], word: str, left_out: Collection[Blank], *, is_key: bool
) -> tuple[Block, ...]:
    count = len(working.context)
    says = Prose(
        f'Multiply the value of each word by its share, as you rounded it, and add up: the context vector of "{word}", '
        "the word as this sentence makes it."
    )
    hidden = [(i, j) for i in range(len(names) + 1) for j in range(count) if "context" in left_out]
    grid = Grid(
        "Share × value", names, [f"× place {j + 1}" for j in range(count)], _numbers(working.products), "none",
        footer=("sum", [float(number) for number in working.context]), role="worked", column_digits=(FINE,) * count,
        blanks=frozenset(hidden),
    )  # fmt: skip
    if not is_key:
        return says, grid
    sums = [
        _sum(f'place {j + 1} of the context of "{word}"', column, total, FINE)
        for j, (column, total) in enumerate(zip(zip(*working.products, strict=True), working.context, strict=True))
    ]
    return (says, grid, *sums)


def _questions(working: Working, names: Sequence[str], query: int, *, is_key: bool) -> tuple[Block, ...]:
    order = sorted(range(len(names)), key=lambda i: (-working.shares[i], i))
    winner, runner = names[order[0]], names[order[1]]
    is_tie = working.shares[order[0]] == working.shares[order[1]]
    asked = (
        f'Which word won the attention of "{names[query]}"? What would have to change for "{runner}" to win: its key, '
        "its value, or the query?"
    )
    if not is_key:
        return (Prose(asked), Prose("______________________________________________________________"))
    largest = write_number(working.shares[order[0]], FINE)
    return (
        Prose(asked),
        Prose(
            (f'"{winner}" and "{runner}" share the first place' if is_tie else f'"{winner}" won')
            + f', with {largest}. "{runner}" wins if its score is the largest: its key, or the query, has '
            "to change so that they are large in the same places. Its value changes what is taken, and not how much."
        ),
    )


def _grid(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    numbers: Iterable[Sequence[Decimal]],
    role: Role,
    blank: bool = False,
) -> Grid:
    array = _numbers(numbers)
    hidden = frozenset((i, j) for i in range(array.shape[0]) for j in range(array.shape[1]) if blank)
    return Grid(title, rows, columns, array, "none", role=role, blanks=hidden)


def _numbers(rows: Iterable[Sequence[Decimal]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([[float(number) for number in row] for row in rows])


def _dot(left: str, one: Sequence[Decimal], other: Sequence[Decimal], total: Decimal, digits: int) -> Equation:
    """Write a dot product out: 1·2 + 0·3 = 2."""
    terms: list[Term] = []
    for place, (a, b) in enumerate(zip(one, other, strict=True)):
        terms += [*([" + "] if place else []), Number(a, digits or None), "·", Number(b, digits or None)]
    exact = sum((a * b for a, b in zip(one, other, strict=True)), Decimal(0)) == total
    return Equation(
        left, (EquationLine("=", tuple(terms)), EquationLine("=" if exact else "≈", (Number(total, digits or None),)))
    )


def _sum(left: str, parts: Sequence[Decimal], total: Decimal, digits: int) -> Equation:
    terms: list[Term] = []
    for place, part in enumerate(parts):
        sign = " - " if part < 0 else " + "
        terms += [*([sign] if place else ["-"] if part < 0 else []), Number(abs(part), digits)]
    return Equation(left, (EquationLine("=", tuple(terms)), EquationLine("=", (Number(total, digits),))))
