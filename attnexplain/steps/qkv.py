"""Step 1: query, key and value vectors."""

from __future__ import annotations

from attnexplain.arithmetic import dot_product, write_number
from attnexplain.explanation import Explanation
from attnexplain.steps.step import WRITTEN_OUT, Block, Equation, Formula, Grid, Prose, Step, View, places
from attnexplain.steps.worked import LONG, dot_product_grid, total_of_products

TITLE = "Query, key and value vectors"
SHOWN_MATRIX = 32
"""The widest embedding for which the parameter matrices are shown."""


def qkv_step(trace: Explanation, names: tuple[str, ...], view: View) -> Step:
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
        f"{_what_comes_in(trace)} Three parameter matrices make three vectors of it. The query is what the word asks "
        "for, the key is what it offers to be matched on, and the value is what it hands over to a word that attends "
        "to it."
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
        Grid(f"X, {_x(trace)}", names, model_places, x_rows),
        *matrices,
        Grid("Q, the queries", names, key_places, trace.queries, mark=(view.query, 0)),
        Grid("K, the keys", names, key_places, trace.keys),
        Grid("V, the values", names, value_places, trace.values),
    )
    bias = None if head.b_q is None else float(head.b_q[0])
    worked = dot_product(x_rows[view.query], head.w_q[:, 0], bias)
    left = f'place 1 of q("{word}")'
    also = "" if bias is None else f" At last the bias is added, {write_number(bias, view.digits)}."
    explain = Prose(
        f'By hand, the first number of the query of "{word}": its row of X and the first column of W_q are two lists '
        f"of numbers. Multiply them place by place, and add up the products.{also}{_what_is_written(head.d_model)}"
    )
    by_hand = dot_product_grid(f'x("{word}")', "W_q, column 1", worked)
    result, note = total_of_products(worked, view.digits)
    symbols = f'x("{word}") · column 1 of W_q{biases["q"]}'
    equation = Equation(left, (symbols, result, write_number(worked.total, view.digits)), note)
    return Step(1, TITLE, (says, formula, *vectors, explain, by_hand, equation))


def _what_comes_in(trace: Explanation) -> str:
    """Say what a row of X is: the embedding of a word; or, within a checkpoint, what the layers below made of it."""
    model, d_model = trace.model, trace.d_model
    if not model.enters:
        return f"Each word comes in as a row of X, its embedding: a list of d_model = {d_model} numbers."
    below = "the embeddings of tokens and positions"
    made = {0: below, 1: f"{below} and layer 0"}.get(model.layer, f"{below} and the layers 0 to {model.layer - 1}")
    knows = " So each knows its whole sentence already." if model.layer else " So each knows its token and its place."
    if model.layer and trace.causal:
        knows = " So each knows all that came before it."
    return (
        f"Each token comes in as a row of X: not an embedding from a table, but {model.enters} that enter layer "
        f"{model.layer}, made by {made}.{knows} X has d_model = {d_model} numbers a row, which the {model.heads} heads "
        f"of a layer share: each looks at all of them, and makes vectors of d_k = {trace.d_k} numbers. A bias is added "
        "to each vector."
    )


def _x(trace: Explanation) -> str:
    return f"what enters layer {trace.model.layer}" if trace.model.enters else "the embeddings"


def _what_is_written(count: int) -> str:
    if count <= LONG:
        return ""
    return f" Of the {count} products the {WRITTEN_OUT} largest are written out, and the others put together."


def _given(trace: Explanation, names: tuple[str, ...]) -> Step:
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
