"""The arithmetic of an exercise, from the numbers that stand on the sheet: each result is what a pupil gets."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import exp, isclose, sqrt
from typing import TYPE_CHECKING, NamedTuple

from attnexplain.arithmetic import as_printed, digits_of, rounded
from attnexplain.attention import AttentionTrace

if TYPE_CHECKING:
    from attnexplain.arithmetic import Array

FINE = 2
"""Digits of shares, of powers of e and of what is made of them."""

Row = tuple[Decimal, ...]
Matrix = tuple[Row, ...]


class Working(NamedTuple):
    """All numbers of an exercise, as they are printed."""

    embeddings: Matrix | None
    """(n, d_model); None where queries and keys are given."""
    w_q: Matrix | None
    w_k: Matrix | None
    query: Row
    """(d_k)."""
    keys: Matrix
    """(n, d_k)."""
    values: Matrix
    """(n, d_v)."""
    scores: Row
    divisor: Decimal
    scaled: Row
    powers: Row
    """e to each of the scaled scores."""
    total: Decimal
    """Their sum."""
    shares: Row
    products: Matrix
    """(n, d_v): each share times each number of the value."""
    context: Row
    """(d_v)."""
    digits: int
    """Digits of embeddings, vectors and scores: none where all are whole."""
    scaled_digits: int
    is_root: bool
    """Whether scores are divided by the root of d_k."""


def worked_out(trace: AttentionTrace, query: int) -> Working:
    """Work out the row of one word, each step from the printed numbers of the one before.

    Args:
        trace: what the exercise is about.
        query: the place of the word that asks.
    """
    head, x = trace.head, trace.embeddings
    given = [trace.queries, trace.keys] if head is None or x is None else [x, head.w_q, head.w_k]
    digits = max(digits_of(part, FINE) for part in (*given, trace.values))
    values = _printed(trace.values, digits)
    if head is None or x is None:
        embeddings = w_q = w_k = None
        asks, keys = _printed(trace.queries[[query]], digits)[0], _printed(trace.keys, digits)
    else:
        embeddings, w_q, w_k = (_printed(part, digits) for part in (x, head.w_q, head.w_k))
        asks = _times(embeddings[query], w_q, head.b_q, digits)
        keys = tuple(_times(row, w_k, head.b_k, digits) for row in embeddings)
    scores = tuple(dot(asks, key, digits) for key in keys)
    divisor = Decimal(round(trace.scale)) if trace.scale == round(trace.scale) else as_printed(trace.scale, FINE)
    scaled_digits = 1 if digits == 0 and trace.scale == 2 else 0 if digits == 0 and trace.scale == 1 else FINE
    scaled = tuple(rounded(score / divisor, scaled_digits) for score in scores)
    powers = tuple(as_printed(exp(float(score)), FINE) for score in scaled)
    total = sum(powers, Decimal(0))
    shares = tuple(rounded(power / total, FINE) for power in powers)
    products = tuple(
        tuple(rounded(share * number, FINE) for number in value) for share, value in zip(shares, values, strict=True)
    )
    context = tuple(sum(column, Decimal(0)) for column in zip(*products, strict=True))
    return Working(
        embeddings, w_q, w_k, asks, keys, values, scores, divisor, scaled, powers, total, shares, products, context,
        digits, scaled_digits, isclose(trace.scale, sqrt(trace.d_k)),
    )  # fmt: skip


def dot(left: Sequence[Decimal], right: Sequence[Decimal], digits: int) -> Decimal:
    """Multiply two lists place by place, add up, and round the sum.

    >>> dot((Decimal(1), Decimal(2)), (Decimal(3), Decimal(4)), 0)
    Decimal('11')
    """
    return rounded(sum((a * b for a, b in zip(left, right, strict=True)), Decimal(0)), digits)


def _times(row: Row, matrix: Matrix, bias: Array | None, digits: int) -> Row:
    added = [Decimal(0)] * len(matrix[0]) if bias is None else [as_printed(float(b), digits) for b in bias]
    columns = zip(*matrix, strict=True)
    return tuple(rounded(dot(row, column, 12) + b, digits) for column, b in zip(columns, added, strict=True))


def _printed(matrix: Array, digits: int) -> Matrix:
    return tuple(tuple(as_printed(float(number), digits) for number in row) for row in matrix)
