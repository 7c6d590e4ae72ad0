"""The quiz: the same exercise, one blank at a time, and what a wrong answer probably came from."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import NamedTuple

from attnexplain.arithmetic import as_printed, rounded, write_number
from attnexplain.exercises.made import Exercise
from attnexplain.exercises.sheet import BLANKS, Blank
from attnexplain.exercises.working import FINE, Working, dot, worked_out
from attnexplain.text import word_key

LARGE = 100
"""From here on a whole number is near enough."""
_NUMBER = re.compile(r"[+-]?(\d{1,15}([.,]\d{0,15})?|[.,]\d{1,15})")


class Slip(NamedTuple):
    """A wrong result, and what leads to it."""

    result: Decimal
    says: str


class Question(NamedTuple):
    """One blank."""

    id: str
    """The same for every sentence: "score-2" is that of the second word."""
    text: str
    answer: Decimal | str
    """A number, or the name of a word."""
    digits: int
    line: str
    """What to do again after a wrong answer."""
    topic: str
    """The article that explains it."""
    slips: tuple[Slip, ...] = ()
    choices: tuple[str, ...] = ()
    """The names to choose from, where a word is asked for; it does not count."""
    winners: tuple[str, ...] = ()
    """Those of them that are right."""
    exact: Decimal | None = None
    """The answer of somebody who rounded nothing on the way, where it is another."""

    @property
    def written(self) -> str:
        """The answer as it is printed."""
        return self.answer if isinstance(self.answer, str) else write_number(self.answer, self.digits)


def questions(exercise: Exercise, blanks: Collection[Blank] = BLANKS) -> list[Question]:
    """Ask for a prediction first, and then for each blank in the order in which it is worked out.

    Of the keys those of one word are asked for, of the scaled scores, powers and shares those of two.

    Args:
        exercise: the numbers.
        blanks: what is asked for.
    """
    working, names, query = worked_out(exercise.trace, exercise.query), exercise.names, exercise.query
    asked = [_prediction(working, names, query)]
    order = sorted(range(len(names)), key=lambda i: (-working.shares[i], i))
    other = next(i for i in order if i != query)
    makers: dict[Blank, Callable[[], list[Question]]] = {
        "queries": lambda: _of_vector(working, names, query, of_query=True),
        "keys": lambda: _of_vector(working, names, other, of_query=False),
        "scores": lambda: [_of_score(working, names, query, i) for i in range(len(names))],
        "scaled_scores": lambda: [_of_scaled(working, names, i) for i in (other, query) if working.divisor != 1],
        "exponentials": lambda: [_of_power(working, names, i) for i in (other, query)],
        "sum": lambda: [_of_sum(working, exercise)],
        "weights": lambda: [_of_share(working, names, i) for i in (other, query)],
        "context": lambda: [_of_context(working, names, exercise)],
    }
    for blank in BLANKS:
        if blank in blanks:
            asked += makers[blank]()
    return asked


def is_number(text: str) -> bool:
    """Whether a text can be read as a number: 0.29, .29, 0,29, -3."""
    return _NUMBER.fullmatch(text.strip()) is not None


def is_right(question: Question, text: str) -> bool:
    """Whether an answer is right: a whole number exactly, another within its own last digit.

    >>> share = Question("share-1", "", Decimal("0.29"), 2, "", "softmax")
    >>> [is_right(share, text) for text in ("0,29", ".29", "0.3", "0.2", "0")]
    [True, True, True, False, False]
    """
    if isinstance(question.answer, str):
        return any(_same_word(text, winner) for winner in question.winners)
    if not is_number(text):
        return False
    if question.exact is not None and is_right(question._replace(answer=question.exact, exact=None), text):
        return True
    given = _number(text)
    if question.digits == 0:
        return given == question.answer
    decimals = max(-int(given.as_tuple().exponent), 0)
    if decimals == 0:
        return abs(given - question.answer) <= (Decimal("0.5") if question.answer >= LARGE else Decimal(0))
    unit = Decimal(1).scaleb(-min(decimals, question.digits))
    return abs(given - question.answer) <= (unit / 2 if decimals < question.digits else unit)


def slip_of(question: Question, text: str) -> str:
    """Name what a wrong number probably came from; "" where nothing is known to lead to it."""
    if not is_number(text):
        return ""
    given = _number(text)
    decimals = max(-int(given.as_tuple().exponent), 0)
    near = Decimal(1).scaleb(-min(decimals, FINE))
    exactly = [slip.says for slip in question.slips if slip.result == given]
    nearly = [slip.says for slip in question.slips if decimals and abs(given - slip.result) <= near]
    return ", or ".join(list(dict.fromkeys(exactly or nearly))[:2])


def is_choice(question: Question, text: str) -> bool:
    """Whether a word is one of those to choose from."""
    return any(_same_word(text, choice) for choice in question.choices)


def _same_word(text: str, name: str) -> bool:
    """Whether a name is meant, also without the position behind it."""
    return word_key(text.strip()) in (word_key(name), word_key(re.sub(r"\(\d+\)$", "", name)))


def _number(text: str) -> Decimal:
    return Decimal(text.strip().replace(",", "."))


def _question(
    identity: str, text: str, answer: Decimal, digits: int, line: str, topic: str, slips: Sequence[tuple[Decimal, str]]
) -> Question:
    """Make a question; a slip that leads to the right answer is none."""
    wrong = tuple(Slip(result, says) for result, says in slips if result != answer)
    return Question(identity, text, answer, digits, line, topic, wrong)


def _prediction(working: Working, names: Sequence[str], query: int) -> Question:
    winner = max(range(len(names)), key=lambda i: working.shares[i])
    text = f'Before any arithmetic: which word will get the largest share of the attention of "{names[query]}"? '
    return Question(
        "prediction", text + f"({', '.join(names)})", names[winner], 0, "We shall see.", "attention",
        choices=tuple(names),
        winners=tuple(name for name, share in zip(names, working.shares, strict=True) if share == max(working.shares)),
    )  # fmt: skip


def _of_vector(working: Working, names: Sequence[str], word: int, *, of_query: bool) -> list[Question]:
    if working.embeddings is None or working.w_q is None or working.w_k is None:
        return []
    matrix, other = (working.w_q, working.w_k) if of_query else (working.w_k, working.w_q)
    symbol, name, of = ("q", "W_q", "query") if of_query else ("k", "W_k", "key")
    vector, x = (working.query if of_query else working.keys[word]), working.embeddings[word]
    asked = []
    for place, answer in enumerate(vector):
        column, row = [line[place] for line in matrix], matrix[place] if place < len(matrix) else ()
        slips = [
            (
                dot(x, [line[place] for line in other], working.digits),
                f"that is made with {'W_k' if of_query else 'W_q'}; a {of} takes {name}",
            )
        ]
        if len(row) == len(x):
            slips.append(
                (dot(x, row, working.digits), f"you took row {place + 1} of {name}, not its column {place + 1}")
            )
        slips += [
            (dot(line, column, working.digits), f'that is the row of "{names[i]}"')
            for i, line in enumerate(working.embeddings) if i != word
        ]  # fmt: skip
        line = f'{symbol}("{names[word]}") at place {place + 1} = {_product(x, column, working.digits)}'
        text = (
            f'What is place {place + 1} of the {of} of "{names[word]}": its row of X, {_list(x, working.digits)}, '
            f"times column {place + 1} of {name}, {_list(column, working.digits)}?"
        )
        asked.append(_question(f"{of}-{place + 1}", text, answer, working.digits, line, "qkv", slips))
    return asked


def _of_score(working: Working, names: Sequence[str], query: int, word: int) -> Question:
    key, digits = working.keys[word], working.digits
    added = sum((a + b for a, b in zip(working.query, key, strict=True)), Decimal(0))
    slips = [
        *(
            (score, f'that is the score of "{names[i]}"; multiply with the key of "{names[word]}"')
            for i, score in enumerate(working.scores)
        ),
        (added, "you added the places; multiply them, and add up the products"),
        (working.scaled[word], "that is divided already; the score comes first"),
    ]
    line = f'score("{names[query]}", "{names[word]}") = {_product(working.query, key, digits)}'
    text = (
        f'What is the score of "{names[word]}": the query of "{names[query]}", {_list(working.query, digits)}, times '
        f"its key, {_list(key, digits)}?"
    )
    return _question(f"score-{word + 1}", text, working.scores[word], digits, line, "dot-product", slips)


def _of_scaled(working: Working, names: Sequence[str], word: int) -> Question:
    score, divisor, d_k = working.scores[word], working.divisor, len(working.query)
    slips = [
        (score, "you forgot to divide"),
        (rounded(score / d_k, FINE), f"you divided by d_k = {d_k}, not by its root"),
        (score * divisor, "you multiplied; divide"),
        *((scaled, f'that is the one of "{names[i]}"') for i, scaled in enumerate(working.scaled)),
    ]
    written = write_number(divisor, 0 if divisor == int(divisor) else FINE)
    line = f"{write_number(score, working.digits)} / {written}"
    text = (
        f'The score of "{names[word]}" is {write_number(score, working.digits)}. What is it divided by {written}, the '
        f"root of d_k = {d_k}?"
    )
    return _question(f"scaled-{word + 1}", text, working.scaled[word], working.scaled_digits, line, "scaling", slips)


def _of_power(working: Working, names: Sequence[str], word: int) -> Question:
    scaled = working.scaled[word]
    written = write_number(scaled, working.scaled_digits)
    slips = [
        (scaled, "e^ is left out"),
        (as_printed(float(scaled) * 2.718, FINE), "that is e times the number; raise e to its power"),
        *((power, f'that is the one of "{names[i]}"') for i, power in enumerate(working.powers)),
    ]
    text = (
        f'What is e^{written}, the power for "{names[word]}"? (two digits: the table of a worksheet, or a calculator)'
    )
    return _question(
        f"power-{word + 1}", text, working.powers[word], FINE, f"e^{written}, e = 2.718…", "softmax", slips
    )


def _of_sum(working: Working, exercise: Exercise) -> Question:
    others = [place for place in range(len(exercise.names)) if place != exercise.query]
    rows = ((exercise.names[place], worked_out(exercise.trace, place).total) for place in others)
    slips = [
        (sum(working.scaled, Decimal(0)), "e^ is left out: these are the scaled scores added up"),
        (sum(working.scores, Decimal(0)), "these are the scores added up; add the powers of e"),
        *((total, f'that is the sum of the row of "{name}"') for name, total in rows),
    ]
    parts = " + ".join(write_number(power, FINE) for power in working.powers)
    return _question("sum", f"What is the sum of the powers, {parts}?", working.total, FINE, parts, "softmax", slips)


def _of_share(working: Working, names: Sequence[str], word: int) -> Question:
    power, total = working.powers[word], working.total
    undivided = _share_of(working.scores, word)
    of_scores = sum(working.scaled, Decimal(0))
    slips = [
        *((share, f'that is the share of "{names[i]}"') for i, share in enumerate(working.shares)),
        *([(rounded(working.scaled[word] / of_scores, FINE), "e^ is left out")] if of_scores else []),
        (power, "that is the power; divide it by the sum"),
        (undivided, "you forgot to divide the scores by the root of d_k"),
        (rounded(working.scaled[word] / total, FINE), "divide the power of e, not the scaled score"),
        *([(rounded(total / power, FINE), "turned around: divide the power by the sum")] if power else []),
    ]
    line = f"{write_number(power, FINE)} / {write_number(total, FINE)}"
    text = (
        f'What is the share of "{names[word]}": its power {write_number(power, FINE)} divided by the sum '
        f"{write_number(total, FINE)}?"
    )
    return _question(f"share-{word + 1}", text, working.shares[word], FINE, line, "softmax", slips)


def _share_of(scores: Sequence[Decimal], word: int) -> Decimal:
    """The share without the division, rounded."""
    largest = max(scores)
    powers = [(score - largest).exp() for score in scores]
    return rounded(powers[word] / sum(powers, Decimal(0)), FINE)


def _of_context(working: Working, names: Sequence[str], exercise: Exercise) -> Question:
    query = exercise.query
    values = [value[0] for value in working.values]
    winner = max(range(len(names)), key=lambda i: working.shares[i])
    slips = [
        (sum(values, Decimal(0)), "the shares are left out: these are the values added up"),
        (rounded(sum(values, Decimal(0)) / len(values), FINE), "that is the plain mean; each value has its share"),
        (working.products[winner][0], f'that is what "{names[winner]}" alone gives; add what all give'),
        *((total, f"that is place {j + 1}") for j, total in enumerate(working.context)),
    ]
    parts = " + ".join(
        f"{write_number(share, FINE)}·{write_number(value, working.digits)}"
        for share, value in zip(working.shares, values, strict=True)
    )
    text = f'What is place 1 of the context of "{names[query]}", {parts}?'
    made = _question("context-1", text, working.context[0], FINE, parts, "context", slips)
    return made._replace(exact=as_printed(float(exercise.trace.context[query, 0]), FINE))


def _list(numbers: Sequence[Decimal], digits: int) -> str:
    return f"({', '.join(write_number(number, digits) for number in numbers)})"


def _product(one: Sequence[Decimal], other: Sequence[Decimal], digits: int) -> str:
    return " + ".join(f"{write_number(a, digits)}·{write_number(b, digits)}" for a, b in zip(one, other, strict=True))
