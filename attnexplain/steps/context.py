"""Step 4: context vectors."""

from __future__ import annotations

import numpy as np

from attnexplain.arithmetic import rounding_note, weighted_sum, write_number
from attnexplain.attention import AttentionTrace
from attnexplain.explanation import Explanation
from attnexplain.steps.step import Block, Column, Company, Equation, Formula, Grid, Prose, Step, View, places
from attnexplain.steps.weights import strongest
from attnexplain.steps.worked import LONG, rounding_notes, sum_of

TITLE = "Context vectors"


def context_step(trace: Explanation, names: tuple[str, ...], view: View) -> Step:
    """Show the weighted sum for the query word term by term, and all context vectors."""
    n, d_v, word = len(names), trace.d_v, names[view.query]
    says = Prose(
        "Each word takes the value vectors of all words, multiplies each by its attention weight, and adds them up. "
        "What comes out is the word's context vector: the word as this sentence makes it."
    )
    formula = Formula((("C = W·V", f"({n}, {d_v}) = ({n}, {n})·({n}, {d_v})"),))
    context = Grid("C, the context vectors", names, places(d_v), trace.context, mark=(view.query, 0))
    by_hand = _by_hand if d_v <= LONG else _one_place_by_hand
    blocks = (*by_hand(trace, names, view, word), context, *_after(trace), *_company(trace, names))
    return Step(4, TITLE, (says, formula, *blocks))


def _after(trace: Explanation) -> tuple[Block, ...]:
    """Say what a checkpoint does with the context vectors."""
    heads = trace.model.heads
    if not trace.model.enters or heads == 1:
        return ()
    return (
        Prose(
            f"This is one head of {heads}. The layer puts the context vectors of all its heads end to end ({heads} × "
            f"{trace.d_v} = {heads * trace.d_v} numbers a token), mixes them with one more matrix, and adds the result "
            "to what came in; so the next layer reads what all heads found."
        ),
    )


def _one_place_by_hand(trace: Explanation, names: tuple[str, ...], view: View, word: str) -> tuple[Block, ...]:
    """Work out the first number of a long context vector."""
    digits = view.digits
    worked = weighted_sum(trace.weights[view.query], trace.values)
    chosen = strongest(worked.weights, view.key)
    table = np.column_stack([worked.weights, worked.values[:, 0], worked.terms[:, 0]])[chosen]
    rows, total = [names[position] for position in chosen], float(worked.total[0])
    if len(chosen) < len(names):
        rows.append(f"the other {len(names) - len(chosen)}")
        rest = [worked.weights.sum() - table[:, 0].sum(), np.nan, total - table[:, 2].sum()]
        table = np.vstack([table, rest])
    explain = Prose(
        f'By hand, the first of the {trace.d_v} numbers of the context of "{word}": each line is a word\'s attention '
        "weight, the first number of its value vector, and their product; the products add up to it."
    )
    grid = Grid(
        "Weight × value, word by word",
        rows,
        ("weight", "value", "product"),
        table,
        "none",
        footer=("sum", [None, None, total]),
    )
    note = rounding_note("products", table[:, 2], total, digits)
    left, right = f'place 1 of context("{word}")', (sum_of(table[:, 2], digits), write_number(total, digits))
    return explain, grid, Equation(left, right, note)


def _by_hand(trace: AttentionTrace, names: tuple[str, ...], view: View, word: str) -> tuple[Block, ...]:
    d_v, digits = trace.d_v, view.digits
    worked = weighted_sum(trace.weights[view.query], trace.values)
    chosen = strongest(worked.weights, view.key)
    rows = [names[position] for position in chosen]
    weights, terms = worked.weights[chosen], worked.terms[chosen]
    first = [
        f"{write_number(float(w), digits)}×{_in_brackets(write_number(float(v), digits))}"
        for w, v in zip(weights, worked.values[chosen, 0], strict=True)
    ]
    if len(chosen) < len(names):
        left = f"the other {len(names) - len(chosen)}"
        rows.append(left)
        first.append(f"{left} together")
        weights = np.append(weights, worked.weights.sum() - weights.sum())
        terms = np.vstack([terms, worked.terms.sum(axis=0) - terms.sum(axis=0)])
    explain = Prose(
        f'By hand, the context of "{word}". Each line is a word\'s attention weight times its value vector; the lines '
        "add up to the context vector."
    )
    table = Grid(
        "Weight × value, word by word",
        rows,
        places(d_v),
        terms,
        before=Column("weight", [float(w) for w in weights]),
        footer=("sum", [float(total) for total in worked.total]),
    )
    total = float(worked.total[0])
    equation = Equation(
        f'place 1 of context("{word}")',
        (" + ".join(first), sum_of(terms[:, 0], digits), write_number(total, digits)),
        rounding_note("terms", terms[:, 0], total, digits),
    )
    notes = rounding_notes("columns the terms", terms.T, [float(t) for t in worked.total], digits)
    return explain, table, *notes, equation


def _company(trace: Explanation, names: tuple[str, ...]) -> tuple[Block, ...]:
    if trace.neighbours is None:
        return ()
    explain = Prose(
        "What does a vector of numbers mean? Look whose values are nearest to it. Each line gives the common words "
        "nearest to a word's own value and, after the arrow, those nearest to its context vector; the number is the "
        'cosine of the two vectors, 1 if the sentence did not move the word at all. Words like "the" have no company '
        "of their own."
    )
    rows = [
        (name, company.cosine, company.before, company.after)
        for name, company in zip(names, trace.neighbours, strict=True)
    ]
    return explain, Company("The company of each word, before and after", rows)


def _in_brackets(number: str) -> str:
    return f"({number})" if number.startswith("-") else number
