"""Step 4: context vectors."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from attnexplain.arithmetic import digits_of, weighted_sum, write_number
from attnexplain.explanation import Explanation
from attnexplain.steps.answer import WHY_NONE
from attnexplain.steps.blocks import (
    READABLE,
    Block,
    Column,
    Company,
    CompanyRow,
    Equation,
    EquationLine,
    Formula,
    FormulaLine,
    Grid,
    Number,
    Prose,
    Step,
    Symbol,
    View,
    places,
)
from attnexplain.steps.weights import written_out
from attnexplain.steps.worked import sum_line, table_note

TITLE = "Context vectors"
NAMED = 3
"""How many neighbours of each word are named, unless everything is shown."""
HARDLY, LITTLE, FAR = 0.95, 0.85, 0.5
"""Cosines above which two vectors hardly differ, or differ a little, and below which they point different ways."""


def context_step(trace: Explanation, names: tuple[str, ...], view: View) -> Step:
    """Show all context vectors, one place of one worked out, and what changed."""
    n, d_v, word = len(names), trace.d_v, names[view.query]
    seen = "all words" if trace.mask is None else "the words that it sees"
    says = Prose(
        f"Each word takes the values of {seen}, multiplies each by its share, and adds them up: its context vector, "
        "the word as this sentence makes it."
    )
    formula = Formula(
        (FormulaLine((Symbol("C"), " = ", Symbol("W"), "·", Symbol("V")), f"({n}, {d_v}) = ({n}, {n})·({n}, {d_v})"),)
    )
    context = Grid(
        "C, the context vectors", names, places(d_v), trace.context, mark=(view.query, view.place), role="context",
        in_one_block=not view.full,
    )  # fmt: skip
    blocks = (*_by_hand(trace, names, view, word), *_all_places(trace, names, view))
    return Step(4, TITLE, (says, formula, context, *blocks, *_after(trace), *_company(trace, names, view)))


def _by_hand(trace: Explanation, names: tuple[str, ...], view: View, word: str) -> tuple[Block, ...]:
    """Work out the first number of the context vector: share times value, word by word."""
    digits = view.digits
    chosen = written_out(trace.weights[view.query], view.key)
    place, column = view.place, trace.values[:, view.place]
    worked = weighted_sum(trace.weights[view.query], column, digits, chosen)
    numbers = np.array([list(map(float, part)) for part in (worked.weights, worked.values, worked.products)]).T
    rows = [names[place] for place in chosen]
    parts: list[Decimal] = list(worked.products)
    if worked.rest is not None:
        numbers = np.vstack([numbers, [np.nan, np.nan, float(worked.rest)]])
        rows.append(f"the other {len(names) - len(chosen)}")
        parts.append(worked.rest)
    which = "the first number" if place == 0 else f"number {place + 1}"
    explain = Prose(
        f'By hand, {which} of the context of "{word}": the share of each word, times {which} of its value.',
        id="by-hand",
    )
    table = Grid(
        "Share × value, word by word", rows, ("share", "value", "product"), numbers, "none",
        footer=("sum", [None, None, float(worked.total)]), role="worked",
        column_digits=(view.fine, digits_of(column, digits), digits),
    )  # fmt: skip
    left = f'place {place + 1} of context("{word}")'
    note = table_note(worked.total, float(trace.context[view.query, place]), digits)
    lines = (
        sum_line(parts, digits, is_exact=worked.is_exact),
        EquationLine(worked.total_sign, (Number(worked.total, digits),)),
    )
    return explain, table, Equation(left, lines, note)


def _all_places(trace: Explanation, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    """Show all places of the weighted sum, in full."""
    if not view.full or len(names) > READABLE:
        return ()
    weights = trace.weights[view.query]
    terms = weights[:, None] * trace.values
    table = Grid(
        f'Share × value for all places of "{names[view.query]}"', names, places(trace.d_v), terms,
        before=Column("share", [float(w) for w in weights]),
        footer=("sum", [float(total) for total in terms.sum(axis=0)]), role="worked",
    )  # fmt: skip
    note = Prose(
        "Products and sums here are computed with all digits; the digits shown may add up to a little more or less.",
        is_note=True,
        id="all-digits",
    )
    return table, note


def _after(trace: Explanation) -> tuple[Block, ...]:
    """Say what a checkpoint does with the context vectors."""
    heads = trace.model.heads
    if not trace.model.enters or heads == 1:
        return ()
    return (
        Prose(
            f"This is one head of {heads}. The layer puts all their context vectors end to end ({heads * trace.d_v} "
            "numbers), mixes them with one more matrix, and adds that to what came in.",
            id="after",
        ),
    )


def _company(trace: Explanation, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    """Show what the sentence did to the words: their company before and after."""
    if trace.neighbours is None:
        return ()
    rows = []
    for name, near in zip(names, trace.neighbours, strict=True):
        if near.before:
            count = len(near.before) if view.full else NAMED
            rows.append(CompanyRow(name, near.cosine, near.before[:count], near.after[:count]))
        elif view.full or near.withheld == "identity":
            rows.append(CompanyRow(name, None, (), (), f"none: {WHY_NONE[near.withheld or 'unknown']}"))
    if not rows:
        return ()
    word, cosine = names[view.query], trace.neighbours[view.query].cosine
    written = write_number(cosine, view.fine)
    bounds = {"hardly turned it": HARDLY, "turned it a little": LITTLE, "turned it": FAR}
    how = next((how for how, bound in bounds.items() if cosine > bound), "turned it far")
    explain = Prose(
        "What does it mean? For each word: the cosine of its value and its context (1: the same direction as before), "
        f'and the words nearest to each. For "{word}" the cosine is {written}: the sentence has {how}.',
        id="meaning",
    )
    return explain, Company("The company of the words, before and after", rows)
