"""Step 3: attention weights."""

from __future__ import annotations

from math import isclose, sqrt
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.arithmetic import SoftmaxRow, entropy, rounding_note, softmax_row, write_number
from attnexplain.attention import AttentionTrace, scaled_scores, weights
from attnexplain.explanation import Explanation
from attnexplain.naming import labels
from attnexplain.steps.step import (
    READABLE,
    ROWS_ASK,
    WRITTEN_OUT,
    Block,
    Column,
    Equation,
    Formula,
    Grid,
    Links,
    Prose,
    Step,
    View,
)
from attnexplain.steps.worked import rounding_notes

if TYPE_CHECKING:
    from attnexplain.arithmetic import Array

TITLE = "Attention weights"
SINK = 0.3
"""The share of all attention from which on a token is called a sink."""


def weights_step(trace: Explanation, names: tuple[str, ...], view: View) -> Step:
    """Show the scores, the scaled scores and the weights with each row's sum, and one row of softmax worked out."""
    n, scale = len(names), write_number(trace.scale, view.digits)
    is_scaled = is_divided(trace)
    mark = (view.query, view.key)
    divide = _divide(trace, view)
    hide = "" if trace.mask is None else " A word that comes later is masked: its scaled score is -∞, its weight 0."
    says = Prose(
        f"{divide}{hide} Then softmax turns each row into shares: e to the power of each number, divided by the sum "
        "of these over the row. Every share lies between 0 and 1, and a row adds up to 1."
    )
    formula = Formula(
        (
            (f"W = softmax(S / {_divisor(trace)})" if is_scaled else "W = softmax(S)", f"({n}, {n})"),
            ("softmax(s) = e^s / Σ e^s", "along each row"),
        )
    )
    matrices: list[Block] = [
        Grid("S, the scores of step 2", names, names, trace.scores, note=ROWS_ASK, mark=mark),
        Grid(
            f"S / {scale}, the scaled scores" if is_scaled else "S / 1, not scaled",
            names,
            names,
            trace.scaled_scores,
            note=ROWS_ASK,
            mark=mark,
        ),
        Grid(
            "W, the attention weights",
            names,
            names,
            trace.weights,
            colours="share",
            note=ROWS_ASK,
            mark=mark,
            after=Column("sum", trace.weights.sum(axis=1)),
        ),
    ]
    if n > READABLE:
        matrices.append(links_of(trace.weights, names))
    else:
        matrices += rounding_notes("rows the weights", trace.weights, trace.weights.sum(axis=1), view.digits)
    after = (*_sinks(trace, names, view), *_words(trace, view))
    return Step(
        3, TITLE, (says, formula, *matrices, *after, *_by_hand(trace, names, view), *_why_scale(trace, names, view))
    )


def is_divided(trace: AttentionTrace) -> bool:
    """Whether the scores are divided by something."""
    return trace.scale != 1 or trace.d_k == 1


def _divisor(trace: AttentionTrace) -> str:
    """Write what scores are divided by: √d_k; some checkpoints have more of it in higher layers."""
    times = trace.scale / sqrt(trace.d_k)
    return "√d_k" if isclose(times, 1) else f"({times:g}·√d_k)"


def _divide(trace: AttentionTrace, view: View) -> str:
    d_k, scale = trace.d_k, write_number(trace.scale, view.digits)
    if not is_divided(trace):
        return "The scores are not divided by √d_k here, because scaling is switched off."
    if not isclose(trace.scale, sqrt(d_k)):
        return f"Divide every score by {scale}: this model divides by {_divisor(trace)} in this layer."
    return f"Divide every score by √d_k = √{d_k} = {scale}, so that long vectors do not make large scores."


def _sinks(trace: Explanation, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    """Explain why so much attention goes to a special token, or to the first, where it does."""
    n, model = len(names), trace.model
    if model.kind != "checkpoint" or n < 3:
        return ()
    special = trace.special
    shares = trace.weights.mean(axis=0)
    sinks = [j for j in range(n) if shares[j] >= SINK and (special[j] or j == 0)]
    if not sinks:
        return ()
    sink = max(sinks, key=lambda j: float(shares[j]))
    lengths = np.linalg.norm(trace.values, axis=1)
    others = float(np.delete(lengths, sink).mean())
    own, share = write_number(float(lengths[sink]), view.digits), write_number(float(shares[sink]), view.digits)
    short = (
        f" It changes little: the value vector of {names[sink]} has the length {own}, the others "
        f"{write_number(others, view.digits)} on average."
        if lengths[sink] < 0.7 * others
        else ""
    )
    source = "Clark et al. 2019, section 3.2" if special[sink] else "Xiao et al. 2023, Efficient streaming"
    return (
        Prose(
            f"Why so much attention to {names[sink]}, {share} on average? A row must add up to 1, also where this head "
            "finds nothing to do for a word. Models learn to leave the rest of their attention where it does no harm: "
            f"on a separator, or on the first token ({source}).{short}"
        ),
    )


def _words(trace: Explanation, view: View) -> tuple[Block, ...]:
    """Show the weights between words, where joining their pieces was asked for."""
    joined = trace.word_weights
    if trace.words is None or joined is None:
        return ()
    names = labels([word.text for word in trace.words])
    says = Prose(
        "Pieces joined into words: what the pieces of a word get adds up (columns sum), what they give is averaged "
        "(rows average), so that each row still adds up to 1.",
        is_note=True,
    )
    query, key = (
        next(i for i, word in enumerate(trace.words) if place in word.pieces) for place in (view.query, view.key)
    )
    sums = Column("sum", joined.sum(axis=1))
    grid = Grid(
        "W, the attention weights between words", names, names, joined, "share", ROWS_ASK, (query, key), after=sums
    )
    notes = () if len(names) > READABLE else rounding_notes("rows the weights", joined, joined.sum(axis=1), view.digits)
    return says, grid, *notes


def _why_scale(trace: AttentionTrace, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    """Compare the weights with what they would be with the scaling the other way round."""
    root, n = sqrt(trace.d_k), len(names)
    is_scaled = trace.scale != 1
    if trace.d_k == 1 or n == 1 or (is_scaled and not isclose(trace.scale, root)):
        return ()
    other = weights(scaled_scores(trace.scores, 1.0 if is_scaled else root, trace.mask))
    with_it, without_it = (trace.weights, other) if is_scaled else (other, trace.weights)
    largest, evenness = [w.max(axis=1) for w in (with_it, without_it)], [entropy(w) for w in (with_it, without_it)]
    low, high = (write_number(float(e.mean()), view.digits) for e in (evenness[1], evenness[0]))
    explain = Prose(
        "Why divide by √d_k? Without it, scores grow with the length of the vectors, and softmax gives nearly all to "
        f"the largest. Entropy measures how evenly a row is shared, -Σ w·ln w, from 0 (all on one word) to ln {n} = "
        f"{write_number(float(np.log(n)), view.digits)} (the same for all). With the division the rows of this "
        f"sentence have an entropy of {high} on average, without it {low}."
    )
    if n > READABLE:
        return (explain,)
    columns = ("largest with √d_k", "largest without", "entropy with √d_k", "entropy without")
    return explain, Grid("What the scaling does", names, columns, np.column_stack([*largest, *evenness]), "none")


def _by_hand(trace: AttentionTrace, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    query, key, digits = view.query, view.key, view.digits
    row = softmax_row(trace.scaled_scores[query])
    explain = Prose(
        f'By hand, the row of "{names[query]}". The largest number of the row, {write_number(row.largest, digits)}, is '
        "subtracted first: that divides every exponential and their sum by the same number, so the shares stay the "
        "same, and no exponential can grow too large to compute."
    )
    table, chosen = _softmax_grid(trace, names, view, row)
    score, scale = write_number(float(trace.scores[query, key]), digits), write_number(trace.scale, digits)
    divisor = _divisor(trace).replace("d_k", str(trace.d_k)) if is_divided(trace) else "1"
    masked = trace.mask is not None and not trace.mask[query, key]
    scaled = Equation(
        f'scaled score("{names[query]}", "{names[key]}")',
        (
            f'score("{names[query]}", "{names[key]}") / {divisor}' + (", masked" if masked else ""),
            f"{score} / {scale}",
            write_number(float(trace.scaled_scores[query, key]), digits),
        ),
    )
    rest = [row.exponentials.sum() - row.exponentials[chosen].sum()] if len(chosen) < len(names) else []
    parts = np.array([*row.exponentials[chosen], *rest])
    exponential, total = write_number(float(row.exponentials[key]), digits), write_number(row.total, digits)
    equation = Equation(
        f'weight("{names[query]}", "{names[key]}")',
        (
            f"e^({write_number(float(row.differences[key]), digits)}) / sum of the row's exponentials",
            f"{exponential} / {total}",
            write_number(float(row.shares[key]), digits),
        ),
        rounding_note("exponentials", parts, row.total, digits),
    )
    return scaled, explain, table, equation


def _softmax_grid(trace: AttentionTrace, names: tuple[str, ...], view: View, row: SoftmaxRow) -> tuple[Grid, list[int]]:
    """Write the row as a table, one line a word; of a long row only the strongest words, and the rest together."""
    chosen = strongest(row.shares, view.key)
    numbers = np.column_stack(
        [trace.scores[view.query], row.scaled_scores, row.differences, row.exponentials, row.shares]
    )
    rows = [names[position] for position in chosen]
    footer: list[float | None] = [None, None, None, row.total, float(row.shares.sum())]
    table = numbers[chosen]
    if len(chosen) < len(names):
        rows.append(f"the other {len(names) - len(chosen)}")
        others = np.delete(numbers, chosen, axis=0)
        table = np.vstack([table, [np.nan, np.nan, np.nan, others[:, 3].sum(), others[:, 4].sum()]])
    scale = write_number(trace.scale, view.digits)
    largest = write_number(row.largest, view.digits)
    columns = (
        "score",
        f"÷ {scale}",
        f"- {largest}".replace("- -", "+ "),
        "e^",
        f"÷ {write_number(row.total, view.digits)}",
    )
    mark = (chosen.index(view.key), 4)
    return Grid("Softmax, word by word", rows, columns, table, "none", mark=mark, footer=("sum", footer)), chosen


def strongest(shares: Array, always: int) -> list[int]:
    """Choose the places to write out: all of a short row; of a long one the largest and the one asked for, in order."""
    if len(shares) <= READABLE:
        return list(range(len(shares)))
    largest = np.argsort(-shares, kind="stable")[:WRITTEN_OUT]
    return sorted({always, *map(int, largest)})


def links_of(weights: Array, names: tuple[str, ...]) -> Links:
    """Name for each word the three that it attends to most."""
    order = np.argsort(-weights, axis=1, kind="stable")[:, :3]
    return Links(
        "The strongest links of each word",
        [
            (name, [(names[j], float(weights[i, j])) for j in order[i] if weights[i, j] > 0])
            for i, name in enumerate(names)
        ],
    )
