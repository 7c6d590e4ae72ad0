"""Step 1: query, key and value vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attnexplain.arithmetic import dot_product
from attnexplain.explanation import Explanation
from attnexplain.facts import WIDE
from attnexplain.steps.between import between_blocks
from attnexplain.steps.blocks import Block, Formula, FormulaLine, Grid, Prose, Step, Symbol, Vectors, View, places
from attnexplain.steps.worked import LONG, dot_product_equation, dot_product_grid

if TYPE_CHECKING:
    from attnexplain.attention import Array, Head

TITLE = "Query, key and value vectors"
ONE_OF: Mapping[Vectors, str] = {"queries": "query", "keys": "key", "values": "value"}


def qkv_step(trace: Explanation, names: tuple[str, ...], view: View) -> Step:
    """Show Q, K and V, and one number of the query vector worked out; X and the parameter matrices in full."""
    head, x_rows = trace.head, trace.embeddings
    if head is None or x_rows is None:
        return _no_projection(trace, names, view)
    n = len(names)
    model_places, key_places, value_places = places(head.d_model), places(head.d_k), places(head.d_v)
    biased = {letter: getattr(head, f"b_{letter}") is not None for letter in "qkv"}
    formula = Formula(
        tuple(
            _projection(letter, trace, is_biased=biased[letter.lower()], shapes=(n, head.d_model, width))
            for letter, width in (("Q", head.d_k), ("K", head.d_k), ("V", head.d_v))
        )
    )
    everything: list[Block] = []
    if view.full:
        everything.append(Grid(f"X, {_x(trace)}", names, model_places, x_rows, role="embeddings"))
        if head.d_model <= WIDE:
            everything += [
                Grid("W_q, the parameter matrix that makes queries", model_places, key_places, head.w_q, role="w_q"),
                Grid("W_k, the parameter matrix that makes keys", model_places, key_places, head.w_k, role="w_k"),
                Grid("W_v, the parameter matrix that makes values", model_places, value_places, head.w_v, role="w_v"),
            ]
    return Step(
        1,
        TITLE,
        (
            Prose(_what_happens(trace)), formula, *everything, *_vectors(trace, names, view),
            *_by_hand(trace, head, x_rows, names, view), *between_blocks(trace, names, view),
            *(() if trace.model.enters else (Prose(_meaning(names[view.query]), id="meaning"),)),
        ),
    )  # fmt: skip


def _by_hand(trace: Explanation, head: Head, x_rows: Array, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    """Work out one number of a vector: a row of X times a column of its parameter matrix."""
    vectors, place, digits = view.vectors, view.place, view.digits
    row = view.query if vectors == "queries" else view.key
    word, letter, noun = names[row], vectors[0], ONE_OF[vectors]
    matrix, biases = getattr(head, f"w_{letter}"), getattr(head, f"b_{letter}")
    bias = None if biases is None else float(biases[place])
    worked = dot_product(x_rows[row], matrix[:, place], digits, bias=bias)
    projected = getattr(trace, f"projected_{vectors}", None)
    stage = "" if projected is None else "projected "
    computed = getattr(trace, vectors) if projected is None else projected
    also = "" if bias is None else ", and the bias"
    few = "" if head.d_model <= LONG else f" The 8 largest of {head.d_model} products are written out."
    which = "the first number" if place == 0 else f"number {place + 1}"
    by_hand = Prose(
        f'By hand, {which} of the {stage}{noun} of "{word}": its row of X times column {place + 1} of W_{letter}, '
        f"added up{also}.{few}",
        id="by-hand",
    )
    symbols = f'x("{word}") · column {place + 1} of W_{letter}{f" + b_{letter}" if bias is not None else ""}'
    left = f'place {place + 1} of {stage}{letter}("{word}")'
    equation = dot_product_equation(left, symbols, worked, digits, float(computed[row, place]))
    return by_hand, dot_product_grid(f'x("{word}")', f"W_{letter}, column {place + 1}", worked, head.d_model), equation


def _projection(letter: str, trace: Explanation, *, is_biased: bool, shapes: tuple[int, int, int]) -> FormulaLine:
    n, d_model, width = shapes
    small = letter.lower()
    bias: tuple[str | Symbol, ...] = (" + ", Symbol("b", small)) if is_biased else ()
    before = "" if letter == "V" else _done_to_vectors(trace)
    return FormulaLine(
        (Symbol(letter), " = ", before, Symbol("X"), "·", Symbol("W", small), *bias, ")" * before.count("(")),
        f"({n} row{'' if n == 1 else 's'}, {width} columns) = ({n}, {d_model})·({d_model}, {width})"
        if letter == "Q"
        else f"({n}, {width}) = ({n}, {d_model})·({d_model}, {width})",
    )


def _done_to_vectors(trace: Explanation) -> str:
    """Write what is done to projected queries and keys: rotated(normed(."""
    variant = trace.variant
    return "rotated(" * (variant.rotation is not None) + "normed(" * (variant.query_norm is not None)


def _vectors(trace: Explanation, names: tuple[str, ...], view: View, *, mark: bool = True) -> tuple[Grid, ...]:
    keys, values, block = places(trace.d_k), places(trace.d_v), not view.full
    marks: dict[Vectors, tuple[int, int]] = {}
    if mark:
        marks[view.vectors] = (view.query if view.vectors == "queries" else view.key, view.place)
    return (
        Grid(
            "Q, the queries", names, keys, trace.queries, mark=marks.get("queries"), role="queries",
            in_one_block=block, is_followed=True,
        ),
        Grid(
            "K, the keys", names, keys, trace.keys, mark=marks.get("keys"), role="keys", in_one_block=block,
            is_followed=True,
        ),
        Grid(
            "V, the values", names, values, trace.values, mark=marks.get("values"), role="values", in_one_block=block
        ),
    )  # fmt: skip


def _what_happens(trace: Explanation) -> str:
    """Say what a row of X is, and where the matrices come from."""
    model, d_model = trace.model, trace.d_model
    origin = {"learned": "learned", "checkpoint": "learned", "untrained": "random"}.get(model.kind, "given")
    three = (
        f"Three parameter matrices, {origin} and the same for all words, make three vectors of it: "
        if not model.embedding
        else f"{model.embedding} These matrices, the same for all words, make three vectors of it: "
    )
    three += (
        f"the query is what the word asks for, the key what it offers to be matched on (d_k = {trace.d_k} numbers "
        f"each), the value what it hands over ({trace.d_v})."
    )
    if not model.enters:
        return f"Each word comes in as a row of X, its embedding: a list of d_model = {d_model} numbers. {three}"
    kinds = ["tokens", *["positions"] * model.has_positions, *["segments"] * (1 in (trace.found.segments or ()))]
    made = f"the embeddings of {', '.join(kinds[:-1])} and {kinds[-1]}" if kinds[1:] else "the embeddings of tokens"
    if model.layer:
        made = f"the embeddings and layer{'s 0 to' if model.layer > 1 else ''} {model.layer - 1}"
    knows = ", so each knows all that came before it" if trace.causal else ", so each knows its whole sentence"
    if model.reach is not None and model.reach < len(trace.tokens) - 1:
        side = "before it" if trace.causal else "to each side of it"
        knows = f", so each knows at most the {model.reach} tokens {side}: these layers have windows"
    return (
        f"Each token comes in as a row of X, {model.enters}: d_model = {d_model} numbers made by {made}"
        f"{knows if model.layer else ''}. {three}"
    )


def _meaning(word: str) -> str:
    return f'So "{word}" asks with its query, is found by its key, and gives its value.'


def _x(trace: Explanation) -> str:
    return f"what enters layer {trace.model.layer}" if trace.model.enters else "the embeddings"


def _no_projection(trace: Explanation, names: tuple[str, ...], view: View) -> Step:
    says = Prose(
        "The queries, keys and values are there already, so nothing is computed in this step. The query is what a word "
        "asks for, the key what it offers to be matched on, the value what it hands over."
        + (" Queries and keys are as they enter the dot product." if trace.variant.changes_vectors else "")
    )
    return Step(1, TITLE, (says, *_vectors(trace, names, view, mark=False), *between_blocks(trace, names, view)))
