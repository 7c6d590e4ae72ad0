"""Step 1: query, key and value vectors."""

from __future__ import annotations

from attnexplain.arithmetic import dot_product, write_number
from attnexplain.attention import AttentionTrace
from attnexplain.steps.step import Block, Equation, Formula, Grid, Prose, Step, View, places
from attnexplain.steps.worked import dot_product_grid, total_of_products

TITLE = "Query, key and value vectors"
SHOWN_MATRIX = 32
"""The widest embedding for which the parameter matrices are shown."""


def qkv_step(trace: AttentionTrace, names: tuple[str, ...], view: View) -> Step:
    """Show X, the parameter matrices, Q, K and V, and one number of the query vector worked out."""
    head, x_rows = trace.head, trace.embeddings
    if head is None or x_rows is None:
        return _given(trace, names)
    n, word = len(names), names[view.query]
    model_places, key_places, value_places = places(head.d_model), places(head.d_k), places(head.d_v)
    x, w, q = f"({n}, {head.d_model})", f"({head.d_model}, {head.d_k})", f"({n}, {head.d_k})"
    w_v, v = f"({head.d_model}, {head.d_v})", f"({n}, {head.d_v})"
    biases = {letter: "" if getattr(head, f"b_{letter}") is None else f" + b_{letter}" for letter in "qkv"}
    says = Prose(
        f"Each word comes in as a row of X, its embedding: a list of d_model = {head.d_model} numbers. Three parameter "
        "matrices make three vectors of it. The query is what the word asks for, the key is what it offers to be "
        "matched on, and the value is what it hands over to a word that attends to it."
    )
    formula = Formula(
        (
            (f"Q = X·W_q{biases['q']}", f"{q} = {x}·{w}"),
            (f"K = X·W_k{biases['k']}", f"{q} = {x}·{w}"),
            (f"V = X·W_v{biases['v']}", f"{v} = {x}·{w_v}"),
        )
    )
    matrices: list[Block] = []
    if head.d_model <= SHOWN_MATRIX:
        matrices = [
            Grid("W_q, the parameter matrix that makes queries", model_places, key_places, head.w_q),
            Grid("W_k, the parameter matrix that makes keys", model_places, key_places, head.w_k),
            Grid("W_v, the parameter matrix that makes values", model_places, value_places, head.w_v),
        ]
    vectors = (
        Grid("X, the embeddings", names, model_places, x_rows),
        *matrices,
        Grid("Q, the queries", names, key_places, trace.queries, mark=(view.query, 0)),
        Grid("K, the keys", names, key_places, trace.keys),
        Grid("V, the values", names, value_places, trace.values),
    )
    bias = None if head.b_q is None else float(head.b_q[0])
    worked = dot_product(x_rows[view.query], head.w_q[:, 0], bias)
    left = f'place 1 of q("{word}")'
    explain = Prose(
        f'By hand, the first number of the query of "{word}": its embedding and the first column of W_q are two lists '
        "of numbers. Multiply them place by place, and add up the products."
    )
    by_hand = dot_product_grid(f'x("{word}")', "W_q, column 1", worked)
    result, note = total_of_products(worked, view.digits)
    symbols = f'x("{word}") · column 1 of W_q{biases["q"]}'
    equation = Equation(left, (symbols, result, write_number(worked.total, view.digits)), note)
    return Step(1, TITLE, (says, formula, *vectors, explain, by_hand, equation))


def _given(trace: AttentionTrace, names: tuple[str, ...]) -> Step:
    says = Prose(
        "The queries, keys and values were given, so nothing is computed in this step. The query is what a word asks "
        "for, the key is what it offers to be matched on, and the value is what it hands over."
    )
    key_places, value_places = places(trace.d_k), places(trace.d_v)
    vectors = (
        Grid("Q, the queries (given)", names, key_places, trace.queries),
        Grid("K, the keys (given)", names, key_places, trace.keys),
        Grid("V, the values (given)", names, value_places, trace.values),
    )
    return Step(1, TITLE, (says, *vectors))
