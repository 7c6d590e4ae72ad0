"""Step 3: attention weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from attnexplain.arithmetic import SoftmaxRow, entropy, rounding_note, softmax_row, write_number
from attnexplain.attention import AttentionTrace, scaled_scores, weights
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


def weights_step(trace: AttentionTrace, names: tuple[str, ...], view: View) -> Step:
    """Show the scores, the scaled scores and the weights with each row's sum, and one row of softmax worked out."""
    n, d_k, scale = len(names), trace.d_k, write_number(trace.scale, view.digits)
    is_scaled = trace.scale != 1 or d_k == 1
    mark = (view.query, view.key)
    divide = (
        f"Divide every score by √d_k = √{d_k} = {scale}, so that long vectors do not make large scores."
        if is_scaled
        else "The scores are not divided by √d_k here, because scaling is switched off."
    )
    hide = "" if trace.mask is None else " A word that comes later is masked: its scaled score is -∞, its weight 0."
    says = Prose(
        f"{divide}{hide} Then softmax turns each row into shares: e to the power of each number, divided by the sum "
        "of these over the row. Every share lies between 0 and 1, and a row adds up to 1."
    )
    formula = Formula(
        (
            ("W = softmax(S / √d_k)" if is_scaled else "W = softmax(S)", f"({n}, {n})"),
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
        matrices.append(_links(trace, names))
    else:
        matrices += rounding_notes("rows the weights", trace.weights, trace.weights.sum(axis=1), view.digits)
    return Step(3, TITLE, (says, formula, *matrices, *_by_hand(trace, names, view), *_why_scale(trace, names, view)))


def _why_scale(trace: AttentionTrace, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    """Compare the weights with what they would be with the scaling the other way round."""
    root, n = np.sqrt(trace.d_k), len(names)
    if trace.d_k == 1 or n == 1:
        return ()
    is_scaled = trace.scale != 1
    other = weights(scaled_scores(trace.scores, 1.0 if is_scaled else float(root), trace.mask))
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
    divisor = f"√{trace.d_k}" if trace.scale != 1 or trace.d_k == 1 else "1"
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


def _links(trace: AttentionTrace, names: tuple[str, ...]) -> Links:
    order = np.argsort(-trace.weights, axis=1, kind="stable")[:, :3]
    return Links(
        "The strongest links of each word",
        [
            (name, [(names[j], float(trace.weights[i, j])) for j in order[i] if trace.weights[i, j] > 0])
            for i, name in enumerate(names)
        ],
    )
