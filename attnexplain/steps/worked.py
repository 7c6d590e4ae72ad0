"""A dot product as a reader would write it: two lists, their products, the sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.arithmetic import DotProduct, rounded_sum, rounding_note, write_number
from attnexplain.steps.step import WRITTEN_OUT, Grid, Prose

if TYPE_CHECKING:
    from attnexplain.arithmetic import Array


LONG = 32
"""The longest vector whose places are all written out."""


def dot_product_grid(left: str, right: str, worked: DotProduct) -> Grid:
    """Put two lists and their products under one another, place by place; of long ones the places that count most."""
    chosen = telling_places(worked.products)
    numbers = np.array([worked.left, worked.right, worked.products])[:, chosen]
    columns = [str(place + 1) for place in chosen]
    if len(chosen) < len(worked.products):
        rest = float(worked.products.sum() - worked.products[chosen].sum())
        numbers = np.column_stack([numbers, [np.nan, np.nan, rest]])
        columns.append(_others(len(worked.products) - len(chosen)))
    return Grid(title="Place by place", rows=(left, right, "product"), columns=columns, numbers=numbers, colours="none")


def telling_places(products: Array) -> list[int]:
    """Choose the places to write out: all of a short list, of a long one the largest, in order."""
    if len(products) <= LONG:
        return list(range(len(products)))
    return sorted(map(int, np.argsort(-np.abs(products), kind="stable")[:WRITTEN_OUT]))


def _others(count: int) -> str:
    return f"other {count}"


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
    chosen = telling_places(worked.products)
    parts = worked.products[chosen]
    if len(chosen) < len(worked.products):
        parts = np.append(parts, worked.products.sum() - parts.sum())
    if worked.bias is not None:
        parts = np.append(parts, worked.bias)
    return sum_of(parts, digits), rounding_note("products", parts, worked.total, digits)


def sum_of(parts: Array, digits: int) -> str:
    """Write numbers as a sum.

    >>> sum_of(np.array([1.0, -2.0, 3.0]), 1)
    '1.0 - 2.0 + 3.0'
    """
    written = [write_number(float(part), digits) for part in parts]
    return written[0] + "".join(f" - {w[1:]}" if w.startswith("-") else f" + {w}" for w in written[1:])
