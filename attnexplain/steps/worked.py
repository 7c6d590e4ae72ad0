"""A dot product as a reader would write it: two lists, their products, the sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.arithmetic import DotProduct, rounded_sum, rounding_note, write_number
from attnexplain.steps.step import Grid, Prose, places

if TYPE_CHECKING:
    from attnexplain.arithmetic import Array


def dot_product_grid(left: str, right: str, worked: DotProduct) -> Grid:
    """Put two lists and their products under one another, place by place."""
    return Grid(
        title="Place by place",
        rows=(left, right, "product"),
        columns=places(len(worked.products)),
        numbers=np.array([worked.left, worked.right, worked.products]),
        colours="none",
    )


def rounding_notes(what: str, rows: Array, totals: Sequence[float], digits: int) -> tuple[Prose, ...]:
    """Say it where rows as written don't add up to their totals as written."""
    pairs = zip(rows, totals, strict=True)
    off = [rounded_sum(row, digits) for row, total in pairs if rounded_sum(row, digits) != write_number(total, digits)]
    if not off:
        return ()
    return (
        Prose(f"Rounded: in {len(off)} of {len(rows)} {what} as shown add up to a little less or more.", is_note=True),
    )


def total_of_products(worked: DotProduct, digits: int) -> tuple[str, str]:
    """Write the products as a sum, and a note where they don't add up as written."""
    parts = worked.products if worked.bias is None else np.append(worked.products, worked.bias)
    return sum_of(parts, digits), rounding_note("products", parts, worked.total, digits)


def sum_of(parts: Array, digits: int) -> str:
    """Write numbers as a sum.

    >>> sum_of(np.array([1.0, -2.0, 3.0]), 1)
    '1.0 - 2.0 + 3.0'
    """
    written = [write_number(float(part), digits) for part in parts]
    return written[0] + "".join(f" - {w[1:]}" if w.startswith("-") else f" + {w}" for w in written[1:])
