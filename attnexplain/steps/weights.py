"""Step 3: attention weights."""

from __future__ import annotations

from decimal import Decimal
from math import isclose, sqrt
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.arithmetic import (
    SoftmaxRow,
    as_printed,
    digits_of,
    enough_digits,
    entropy,
    ranked,
    result,
    softmax_row,
    write_number,
)
from attnexplain.attention import AttentionTrace
from attnexplain.explanation import Explanation
from attnexplain.naming import labels
from attnexplain.steps.blocks import (
    READABLE,
    WRITTEN_OUT,
    Block,
    Column,
    Equation,
    EquationLine,
    Formula,
    FormulaLine,
    Grid,
    Links,
    Number,
    Prose,
    Step,
    Symbol,
    View,
)
from attnexplain.steps.sight import has_window, what_is_hidden, why_hidden
from attnexplain.steps.worked import sum_line
from attnexplain.variants import capped, scaled_and_weights

if TYPE_CHECKING:
    from attnexplain.arithmetic import Array

TITLE = "Attention weights"
ALL_DIGITS = Prose(
    "Sums are computed with all digits; the digits shown may not quite add up.", is_note=True, id="all-digits"
)
MOST_NAMED = 3
"""How many shares are named that differ from the table's."""
SINK = 0.3
"""The share of all attention from which on a token is called a sink."""


def weights_step(trace: Explanation, names: tuple[str, ...], view: View) -> Step:
    """Show the weights with each row's sum, and the row of the asking word worked out from its scores on."""
    n, mark = len(names), (view.query, view.key)
    block = not view.full
    blocks: list[Block] = [Prose(_what_happens(trace, view)), _formula(trace, n, view.fine)]
    if view.full:
        blocks.append(
            Grid("S, the scores of step 2", names, names, trace.scores, rows_ask=True, mark=mark, role="scores")
        )
        if trace.bias is not None:
            title = "B, what is added for the distance of two words"
            blocks.append(Grid(title, names, names, trace.bias, rows_ask=True, mark=mark, role="bias"))
        if _is_scaled(trace):
            blocks.append(
                Grid(
                    _title_of_scaled(trace, view),
                    names,
                    names,
                    trace.scaled_scores,
                    rows_ask=True,
                    mark=mark,
                    role="scaled_scores",
                )
            )
    blocks.append(
        Grid(
            "W, the attention weights", names, names, trace.weights, colours="share", rows_ask=True, mark=mark,
            after=_beside(trace.weights, trace.sink_shares), role="weights", in_one_block=block,
        )
    )  # fmt: skip
    blocks.append(links_of(*beside_sink(trace, names)) if n > READABLE else ALL_DIGITS)
    blocks += [*_sinks(trace, names, view), *_words(trace, view), *_by_hand(trace, names, view)]
    return Step(3, TITLE, (*blocks, *_why_scale(trace, names, view)))


def is_divided(trace: AttentionTrace) -> bool:
    """Whether the scores are divided by something."""
    return trace.scale != 1


def _is_scaled(trace: Explanation) -> bool:
    """Whether softmax gets anything but the scores of step 2."""
    variant = trace.variant
    return is_divided(trace) or trace.mask is not None or not (variant.softcap is None and variant.bias is None)


def beside_sink(trace: Explanation, names: tuple[str, ...]) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
    """Put the shares of a sink beside those of words, and name all columns."""
    taken = trace.sink_shares
    if taken is None:
        return trace.weights, names, names
    return np.column_stack([trace.weights, taken]), names, (*names, "(sink)")


def _beside(shares: Array, taken: Array | None) -> tuple[Column, ...]:
    """Put the sum of each row beside it, and what a sink takes before that, so that a row with it adds up to 1."""
    sums = shares.sum(axis=1)
    if taken is None:
        return (Column("sum", sums.tolist(), is_total=True),)
    return Column("sink", taken.tolist()), Column("sum", (sums + taken).tolist(), is_total=True)


def scaled_stages(trace: Explanation, row: int) -> dict[str, Array]:
    """Return the row of a word at each stage between its scores and softmax, by name; -∞ where masked."""
    variant = trace.variant
    if not _is_scaled(trace):
        return {}
    stages = {"scaled": trace.scores[row] / trace.scale}
    if variant.softcap is not None:
        stages["capped"] = capped(stages["scaled"], variant.softcap)
    if variant.bias is not None:
        stages["biased"] = trace.scaled_scores[row]
    if trace.mask is not None:
        stages = {name: np.where(trace.mask[row], numbers, -np.inf) for name, numbers in stages.items()}
    return stages


def _title_of_scaled(trace: Explanation, view: View) -> str:
    """Name the matrix that softmax gets."""
    variant = trace.variant
    start = f"S / {_written_divisor(trace, view.fine)}, the scaled scores" if is_divided(trace) else "The scores"
    done = [("capped", variant.softcap), ("biased", variant.bias), ("masked", trace.mask)]
    return ", ".join(
        [start, *(how for how, what in done if what is not None and (how != "masked" or not is_divided(trace)))]
    )


def _formula(trace: Explanation, n: int, digits: int) -> Formula:
    times = trace.scale / sqrt(trace.d_k)
    root: tuple[str | Symbol, ...] = (Symbol("d", "k", is_under_root=True),)
    if not isclose(times, 1):
        root = (f"({times:.0f}·", *root, ")") if _is_whole(times) else (_written_divisor(trace, digits),)
    inner: tuple[str | Symbol, ...] = (Symbol("S"), " / ", *root) if is_divided(trace) else (Symbol("S"),)
    variant = trace.variant
    if variant.softcap is not None:
        inner = ("capped(", *inner, ")")
    if variant.bias is not None:
        inner = (*inner, " + ", Symbol("B"))
    over = "Σ: the sum over the row; e = 2.718…"
    if variant.sink is not None:
        over = "Σ: the sum over the row and the sink; e = 2.718…"
    lines = [FormulaLine((Symbol("W"), " = softmax(", *inner, ")"), f"({n}, {n}), along each row")]
    if variant.softcap is not None:
        lines.append(FormulaLine(("capped(s) = c·tanh(s / c)",), f"c = {_written_cap(variant.softcap, digits)}"))
    return Formula((*lines, FormulaLine(("softmax(s) = e^s / Σ e^s",), over)))


def divisor_is_whole(scale: float) -> bool:
    """Whether the divisor is a whole number, which is written as one."""
    return float(scale).is_integer()


def _own_scale(trace: Explanation) -> str:
    """Say where a divisor comes from that is not √d_k."""
    name, squared = trace.model.scale_name, trace.scale**2
    return f"√{squared:.10g} ({name} = {squared:.10g})" if name else "a number of its own"


def _is_whole(times: float) -> bool:
    """Whether the divisor is a whole multiple of √d_k."""
    return isclose(times, round(times))


def _written_divisor(trace: AttentionTrace, digits: int) -> str:
    return f"{trace.scale:.0f}" if divisor_is_whole(trace.scale) else write_number(trace.scale, digits)


def _root(trace: AttentionTrace, digits: int) -> str:
    """Write √d_k with its number: √9 = 3, √12 ≈ 3.46."""
    root = sqrt(trace.d_k)
    sign = "=" if root.is_integer() else "≈"
    number = f"{root:.0f}" if root.is_integer() else write_number(root, digits)
    return f"√d_k = √{trace.d_k} {sign} {number}"


def _what_happens(trace: Explanation, view: View) -> str:
    if not is_divided(trace):
        divide = "The scores are not divided by √d_k here"
        divide += ": d_k is 1." if trace.d_k == 1 else "."
    elif isclose(trace.scale, sqrt(trace.d_k)):
        divide = f"Divide every score by {_root(trace, view.fine)}."
    else:
        times = trace.scale / sqrt(trace.d_k)
        divide = f"Divide every score by {_written_divisor(trace, view.fine)}: "
        divide += (
            f"this model divides by {times:.0f}·√d_k in this layer."
            if _is_whole(times)
            else f"this model has {_own_scale(trace)} in place of {_root(trace, view.fine)}."
        )
    return (
        f"{divide}{_what_is_added(trace, view)}{_masking(trace)} Then softmax turns each row into shares: e to "
        "the power of each number, divided by the sum of these over the row. Every share lies between 0 and 1, and a "
        f"row adds up to 1{'' if trace.variant.sink is None else ' together with what the sink takes'}."
    )


def _what_is_added(trace: Explanation, view: View) -> str:
    """Say what this model does to the scaled scores before softmax."""
    variant, said = trace.variant, ""
    if variant.softcap is not None:
        c = _written_cap(variant.softcap, view.fine)
        said += f" A soft cap, {c}·tanh(s/{c}), holds them between -{c} and {c}: small ones hardly change."
    if variant.bias is not None:
        said += " A learned number for the distance of the two words is added to each (B)."
    if variant.sink is not None:
        written = write_number(variant.sink, view.digits)
        said += f" A sink stands beside every row, a learned score of {written}: what it takes goes nowhere."
    return said


def _masking(trace: Explanation) -> str:
    """Say which words are masked."""
    hidden, window = what_is_hidden(trace), trace.variant.window
    if window is not None and not has_window(trace):
        side = "back" if trace.causal else "to each side"
        reach = f"{window - 1} position{'' if window == 2 else 's'} {side}"
        fits = f" This layer has a window of {reach}, and this sentence fits into it."
    else:
        fits = ""
    return fits + (f" A word that {hidden} is masked: its scaled score is -∞, its share 0." if hidden else "")


def _written_cap(softcap: float, digits: int) -> str:
    return write_number(softcap, digits_of([softcap], enough_digits(softcap, digits)))


def _sinks(trace: Explanation, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    """Explain why so much attention goes to a special token, or to the first, where it does."""
    n, model = len(names), trace.model
    if model.kind != "checkpoint" or n < 3 or trace.variant.sink is not None:
        return ()
    shares = _given_by_others(trace)
    sinks = [j for j in range(n) if shares[j] >= SINK and (trace.special[j] or j == 0)]
    if not sinks:
        return ()
    sink = max(sinks, key=lambda j: float(shares[j]))
    lengths = np.linalg.norm(trace.values, axis=1)
    others = float(np.delete(lengths, sink).mean())
    own, share = write_number(float(lengths[sink]), view.digits), write_number(float(shares[sink]), view.fine)
    short = (
        f" It changes little: the value vector of {names[sink]} has the length {own}, the others "
        f"{write_number(others, view.digits)} on average."
        if lengths[sink] < 0.7 * others
        else ""
    )
    source = "Clark et al. 2019, section 3.2" if trace.special[sink] else "Xiao et al. 2023"
    return (
        Prose(
            f"Why so much attention to {names[sink]}, {share} of each other row on average? A row must add up to 1, "
            "also where a head finds nothing to do for a word; heads learn to leave the rest at such a token "
            f"({source}).{short}",
            id="sink",
        ),
    )


def _given_by_others(trace: Explanation) -> Array:
    """Return the share that each word gets of the others, on average; 0 where that is less than twice an even share."""
    n = len(trace.weights)
    sees = np.ones((n, n), bool) if trace.mask is None else trace.mask
    others = sees & ~np.eye(n, dtype=bool)
    even = np.where(others, 1 / sees.sum(axis=1, keepdims=True), 0.0).sum(axis=0)
    given = np.where(others, trace.weights, 0.0).sum(axis=0)
    shares: Array = np.where(given >= 2 * even, given / np.maximum(others.sum(axis=0), 1), 0.0)
    return shares


def _words(trace: Explanation, view: View) -> tuple[Block, ...]:
    """Show the weights between words, where joining their pieces was asked for."""
    joined = trace.word_weights
    if trace.words is None or joined is None:
        return ()
    names = labels([word.text for word in trace.words])
    with_sink = "" if trace.sink_shares is None else " with what the sink takes"
    says = Prose(
        "Pieces joined into words: what the pieces of a word get adds up (columns sum), what they give is averaged "
        f"(rows average), so that each row still adds up to 1{with_sink}.",
        is_note=True,
        id="joined",
    )
    query, key = (
        next(i for i, word in enumerate(trace.words) if place in word.pieces) for place in (view.query, view.key)
    )
    grid = Grid(
        "W, the attention weights between words", names, names, joined, "share", rows_ask=True, mark=(query, key),
        after=_beside(joined, trace.word_sink_shares), role="weights", in_one_block=not view.full,
    )  # fmt: skip
    return says, grid


def _by_hand(trace: Explanation, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    """Work out the row of the asking word: score, scaled, e^scaled, share; and the share of the answering word."""
    query, key, digits = view.query, view.key, view.digits
    asking, answering = names[query], names[key]
    places, variant = written_out(trace.weights[query], key), trace.variant
    row = softmax_row(
        trace.scores[query], trace.scale, digits, scaled=trace.scaled_scores[query], places=places, subtract=view.full,
        is_whole=divisor_is_whole(trace.scale), softcap=variant.softcap,
        biases=None if variant.bias is None else variant.bias[query], sink=variant.sink,
    )  # fmt: skip
    at = places.index(key)
    if trace.mask is not None and not trace.mask[query, key]:
        worked: tuple[Block, ...] = (
            Prose(
                f'masked: "{answering}" {why_hidden(trace, query, key)}, so its share is 0', is_note=True, id="masked"
            ),
        )
        return (
            Prose(f'By hand, the row of "{asking}", from its scores in step 2:', id="by-hand"),
            _row_table(names, view, row, trace),
            *worked,
        )
    fine = view.fine
    lines: list[Equation] = []
    if is_divided(trace):
        divisor = Number(row.divisor, None if divisor_is_whole(trace.scale) else fine)
        scaled = result(as_printed(float(trace.scores[query, key]), digits) / row.divisor, digits)
        lines.append(
            Equation(
                f'scaled("{asking}", "{answering}")',
                (
                    EquationLine("=", (Number(row.scores[at], digits_of(trace.scores, digits)), " / ", divisor)),
                    EquationLine(scaled.sign, (Number(row.scaled[at], digits),)),
                ),
            )
        )
    pair = f'("{asking}", "{answering}")'
    if row.capped is not None and variant.softcap is not None:
        many = digits_of([variant.softcap], enough_digits(variant.softcap, fine))
        c = Number(as_printed(variant.softcap, many), many)
        lines.append(
            Equation(
                f"capped{pair}",
                (
                    EquationLine("=", (c, " × tanh(", Number(row.scaled[at], digits), " / ", c, ")")),
                    EquationLine("≈", (Number(row.capped[at], digits),)),
                ),
            )
        )
    if row.biases is not None:
        before = (row.capped or row.scaled)[at]
        lines.append(
            Equation(
                f"biased{pair}",
                (
                    sum_line([before, row.biases[at]], digits, is_exact=True),
                    EquationLine("=", (Number(row.raised[at], digits),)),
                ),
            )
        )
    share = result(row.exponentials[at] / row.total, fine)
    lines.append(
        Equation(
            f'share("{asking}", "{answering}")',
            (
                EquationLine("≈", (Number(row.exponentials[at], fine), " / ", Number(row.total, fine))),
                EquationLine(share.sign, (Number(row.shares[at], fine),)),
            ),
        )
    )
    why = ""
    if row.largest is not None:
        largest = write_number(row.largest, digits)
        size = "a very large number" if row.largest > 0 else "nearly 0"
        reason = "" if view.full else f", because e^{largest} is {size}"
        why = f" The largest, {largest}, is subtracted first{reason}; but for rounding this changes no share."
    explain = Prose(f'By hand, the row of "{asking}", from its scores in step 2.{why}', id="by-hand")
    return explain, _row_table(names, view, row, trace), *_rounded(trace, names, view, row), *lines


def _rounded(trace: Explanation, names: tuple[str, ...], view: View, row: SoftmaxRow) -> tuple[Block, ...]:
    """Say where the shares that were worked out from rounded scores are not those of W, or do not add up to 1."""
    exact = {place: float(trace.weights[view.query, place]) for place in row.places}
    differing = [
        place
        for place, share in zip(row.places, row.shares, strict=True)
        if as_printed(exact[place], view.fine) != share
    ]
    differing.sort(key=lambda place: place != view.key)  # the one that is worked out comes first
    others = [f'{write_number(exact[place], view.fine)} for "{names[place]}"' for place in differing]
    left = len(others) - MOST_NAMED
    more = f" and {left} other{'s' * (left > 1)}" if left > 0 else ""
    differ = f"; computed with all digits, W has {', '.join(others[:MOST_NAMED])}{more}" if others else ""
    total = sum(row.shares, Decimal(0)) + _rest_of(row, view) + (row.sink_share or 0)
    if total != 1:
        text = f"The shares add up to {write_number(total, view.fine)} here because each is rounded{differ}."
    elif others:
        text = f"Computed with all digits, W has {', '.join(others[:MOST_NAMED])}{more}."
    else:
        return ()
    return (Prose(text, is_note=True, id="rounded"),)


def _rest_of(row: SoftmaxRow, view: View) -> Decimal:
    """Return the share of the words that are not written out."""
    return Decimal(0) if row.rest is None or not row.total else result(row.rest / row.total, view.fine).value


def _row_table(names: tuple[str, ...], view: View, row: SoftmaxRow, trace: Explanation) -> Grid:
    """Write the row as a table, one line a word; of a long row only the strongest words, and the rest together."""
    fine = view.fine
    whole = [names[place] for place in row.places]
    columns: list[tuple[str, list[Decimal], int, Decimal | None]] = [
        ("score", list(row.scores), digits_of(trace.scores, view.digits), None)
    ]
    beside: list[Decimal | None] = [None]  # what the sink has in each column
    if _is_scaled(trace):
        columns.append(("scaled", list(row.scaled), view.digits, None))
    if row.capped is not None:
        columns.append(("capped", list(row.capped), view.digits, None))
    if row.biases is not None:
        columns.append(("bias", list(row.biases), view.digits, None))
        columns.append(("biased", list(row.raised), view.digits, None))
    beside += [None] * (len(columns) - 2) + [row.sink] * (len(columns) > 1)
    exponent = f"e^{columns[-1][0]}"
    if row.largest is not None:
        columns.append(("minus largest", list(row.differences), view.digits, None))
        beside.append(None if row.sink is None else row.sink - row.largest)
        exponent = "e^diff"
    columns.append((exponent, list(row.exponentials), fine, row.rest))
    columns.append(("share", list(row.shares), fine, None if row.rest is None else _rest_of(row, view)))
    numbers = np.array([[float(number) for number in column] for _, column, _, _ in columns]).T
    if row.rest is not None:
        numbers = np.vstack([numbers, [np.nan if rest is None else float(rest) for _, _, _, rest in columns]])
        whole.append(f"the other {len(names) - len(row.places)}")
    if row.sink is not None:
        beside += [row.sink_exponential, row.sink_share]
        numbers = np.vstack([numbers, [np.nan if number is None else float(number) for number in beside]])
        whole.append("sink")
    shares = sum(row.shares, Decimal(0)) + _rest_of(row, view) + (row.sink_share or 0)
    footer: list[float | None] = [*[None] * (len(columns) - 2), float(row.total), float(shares)]
    return Grid(
        f'The row of "{names[view.query]}"', whole, [heading for heading, *_ in columns], numbers, "none",
        mark=(list(row.places).index(view.key), len(columns) - 1), footer=("sum", footer), role="worked",
        column_digits=[digits for _, _, digits, _ in columns],
    )  # fmt: skip


def _why_scale(trace: Explanation, names: tuple[str, ...], view: View) -> tuple[Block, ...]:
    """Say why scores are divided, and what the largest share would be otherwise."""
    root, n = sqrt(trace.d_k), len(names)
    is_scaled = trace.scale != 1
    if trace.d_k == 1 or n == 1 or (is_scaled and not isclose(trace.scale, root)):
        return ()
    _, other = scaled_and_weights(trace.scores, 1.0 if is_scaled else root, trace.mask, trace.variant)
    best = int(ranked(other[view.query])[0])
    largest = write_number(float(other[view.query, best]), view.fine)
    ours = write_number(float(trace.weights[view.query, best]), view.fine)
    undivided = "Undivided" if is_scaled else "Divided"
    instead = f" instead of {ours}" if largest != ours else ", too"
    whom = "itself" if best == view.query else f'"{names[best]}"'
    explain = Prose(
        f"Why √d_k? A score adds up d_k = {trace.d_k} products; sums of more products spread wider, like √d_k, and "
        f'dividing undoes that. {undivided}, "{names[view.query]}" would give {whom} {largest}{instead}.',
        id="why-scale",
    )
    if not view.full or n > READABLE:
        return (explain,)
    with_it, without_it = (trace.weights, other) if is_scaled else (other, trace.weights)
    too = ""
    if trace.variant.sink is not None:  # which has a share of each row, too
        with_it, without_it = (np.column_stack([w, 1 - w.sum(axis=1)]) for w in (with_it, without_it))
        too = ", the sink too"
    largest_of = [w.max(axis=1) for w in (with_it, without_it)]
    evenness = [entropy(w) for w in (with_it, without_it)]
    in_sight = (np.full(n, n) if trace.mask is None else trace.mask.sum(axis=1)) + (trace.variant.sink is not None)
    columns = ("largest with √d_k", "largest without", "entropy with √d_k", "entropy without", "at most")
    ceiling = (
        f"at most ln of the number of words that a row sees{too}"
        if trace.mask is not None
        else f"at most ln {n + bool(too)}"
    )
    about = Prose(
        f"Entropy measures how evenly a row is shared, -Σ w·ln w: 0 where all is on one word, and {ceiling}, where all "
        "get the same.",
        id="entropy",
    )
    table = np.column_stack([*largest_of, *evenness, np.log(in_sight)])
    return explain, about, Grid("What the scaling does", names, columns, table, "none")


def written_out(shares: Array, always: int) -> list[int]:
    """Choose the places to write out: all of a short row; of a long one the largest and the one asked for, in order."""
    if len(shares) <= READABLE:
        return list(range(len(shares)))
    largest = ranked(shares)[:WRITTEN_OUT]
    return sorted({always, *map(int, largest)})


def links_of(shares: Array, names: tuple[str, ...], answering: tuple[str, ...] | None = None) -> Links:
    """Name for each word the three that it attends to most."""
    order = ranked(shares)[:, :3]
    return Links(
        "The strongest links of each word",
        [
            (name, [((answering or names)[j], float(shares[i, j])) for j in order[i] if shares[i, j] > 0])
            for i, name in enumerate(names)
        ],
    )
