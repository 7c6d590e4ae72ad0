"""Step 2: attention scores."""

from __future__ import annotations

import numpy as np

from attnexplain.arithmetic import digits_of, dot_product, ranked, write_number
from attnexplain.explanation import Explanation
from attnexplain.steps.blocks import (
    READABLE,
    Block,
    Column,
    Formula,
    FormulaLine,
    Grid,
    Prose,
    Step,
    Symbol,
    View,
    places,
)
from attnexplain.steps.sight import what_is_hidden
from attnexplain.steps.worked import LONG, dot_product_equation, dot_product_grid

TITLE = "Attention scores"
MOST_NAMED = 10
"""How many words of a row are named in order of size."""


def scores_step(trace: Explanation, names: tuple[str, ...], view: View) -> Step:
    """Show the score of every pair of words, one score worked out, and the row of the asking word in order of size."""
    n, d_k, digits = len(names), trace.d_k, view.digits
    asking, answering = names[view.query], names[view.key]
    says = Prose(
        "The query of each word meets the key of every word. Multiply the two lists place by place and add up the "
        "products: this dot product is their score. A large one means that the key is what the query asks for. (Kᵀ: K "
        "turned on its side.)"
    )
    formula = Formula(
        (
            FormulaLine(
                (Symbol("S"), " = ", Symbol("Q"), "·", Symbol("K", is_transposed=True)),
                f"({n}, {n}) = ({n}, {d_k})·({d_k}, {n})",
            ),
        )
    )
    matrix = Grid(
        "S, the scores", names, names, trace.scores, rows_ask=True, mark=(view.query, view.key), role="scores",
        in_one_block=not view.full,
    )  # fmt: skip
    worked = dot_product(trace.queries[view.query], trace.keys[view.key], digits)
    few = "" if d_k <= LONG else f" Of the {d_k} products the 8 largest are written out."
    by_hand = Prose(f'By hand, how well "{answering}" answers what "{asking}" asks for:{few}', id="by-hand")
    table = dot_product_grid(f'q("{asking}")', f'k("{answering}")', worked, d_k)
    equation = dot_product_equation(
        f'score("{asking}", "{answering}")',
        f'q("{asking}") · k("{answering}")',
        worked,
        digits,
        float(trace.scores[view.query, view.key]),
    )
    row = _whole_row(trace, names, view) if view.full and n <= READABLE else ()
    return Step(2, TITLE, (says, formula, matrix, by_hand, table, equation, *row, _in_order(trace, names, view)))


def _in_order(trace: Explanation, names: tuple[str, ...], view: View) -> Prose:
    """Name the answers to the asking word in order of their scores."""
    row, digits = trace.scores[view.query], digits_of(trace.scores, view.digits)
    seen = np.ones(len(names), bool) if trace.mask is None else trace.mask[view.query]
    order = [int(j) for j in ranked(row) if seen[j]]
    named = ", ".join(f"{names[j]} {write_number(float(row[j]), digits)}" for j in order[:MOST_NAMED])
    more = f", and {len(order) - MOST_NAMED} with lower scores" if len(order) > MOST_NAMED else ""
    hidden = f", and what {what_is_hidden(trace)} is masked in step 3" if len(order) < len(names) else ""
    return Prose(f'What "{names[view.query]}" asks for, in order: {named}{more}{hidden}.', id="in-order")


def _whole_row(trace: Explanation, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    asking = names[view.query]
    products = trace.queries[view.query] * trace.keys  # [d_k] * [n, d_k] -> [n, d_k]
    scores = [float(score) for score in trace.scores[view.query]]
    explain = Prose(
        f'The whole row of "{asking}" in the same way: the products of its query with each key, and their sum.',
        id="whole-row",
    )
    grid = Grid(
        f'q("{asking}") times each key, place by place',
        names,
        places(trace.d_k),
        products,
        "none",
        after=(Column("score", scores),),
        role="worked",
    )
    note = Prose(
        "Products and scores are computed with all digits; the products as shown may add up to a little more or less.",
        is_note=True,
        id="all-digits",
    )
    return explain, grid, note
