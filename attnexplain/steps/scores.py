"""Step 2: attention scores."""

from __future__ import annotations

from attnexplain.arithmetic import dot_product, write_number
from attnexplain.attention import AttentionTrace
from attnexplain.steps.step import READABLE, ROWS_ASK, Block, Column, Equation, Formula, Grid, Prose, Step, View, places
from attnexplain.steps.worked import dot_product_grid, rounding_notes, total_of_products

TITLE = "Attention scores"


def scores_step(trace: AttentionTrace, names: tuple[str, ...], view: View) -> Step:
    """Show the score of every pair of words, and one score worked out."""
    n, d_k = len(names), trace.d_k
    asking, answering = names[view.query], names[view.key]
    says = Prose(
        "The query of each word meets the key of every word. Multiply the two lists place by place and add up the "
        "products: this dot product is their score. A large score means that the key is what the query asks for."
    )
    formula = Formula((("S = Q·Kᵀ", f"({n}, {n}) = ({n}, {d_k})·({d_k}, {n})"),))
    matrix = Grid("S, the scores", names, names, trace.scores, note=ROWS_ASK, mark=(view.query, view.key))
    worked = dot_product(trace.queries[view.query], trace.keys[view.key])
    explain = Prose(f'By hand, how well "{answering}" answers what "{asking}" asks for:')
    by_hand = dot_product_grid(f'q("{asking}")', f'k("{answering}")', worked)
    result, note = total_of_products(worked, view.digits)
    equation = Equation(
        f'score("{asking}", "{answering}")',
        (f'q("{asking}") · k("{answering}")', result, write_number(worked.total, view.digits)),
        note,
    )
    row = _whole_row(trace, names, view) if view.whole_row and n <= READABLE else ()
    return Step(2, TITLE, (says, formula, matrix, explain, by_hand, equation, *row))


def _whole_row(trace: AttentionTrace, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    asking = names[view.query]
    products = trace.queries[view.query] * trace.keys  # [d_k] * [n, d_k] -> [n, d_k]
    scores = [float(score) for score in trace.scores[view.query]]
    explain = Prose(f'The whole row of "{asking}" in the same way: the products of its query with each key, added up.')
    grid = Grid(
        f'q("{asking}") times each key, place by place',
        names,
        places(trace.d_k),
        products,
        "none",
        after=Column("score", scores),
    )
    return explain, grid, *rounding_notes("rows the products", products, scores, view.digits)
