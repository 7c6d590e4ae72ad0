"""Arithmetic as a reader would write it: two lists and their products, a sum, a note where the table differs."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from attnexplain.arithmetic import DotProduct, as_printed, digits_of, write_number
from attnexplain.steps.blocks import Equation, EquationLine, Grid, Number, Term

LONG = 16
"""The longest list whose places are all written out."""


def dot_product_grid(left: str, right: str, worked: DotProduct, count: int) -> Grid:
    """Put two lists and their products under one another, place by place; of long ones the places that count most."""
    numbers = np.array([list(map(float, row)) for row in (worked.left, worked.right, worked.products)])
    columns = [str(place + 1) for place in worked.places]
    if worked.rest is not None:
        numbers = np.column_stack([numbers, [np.nan, np.nan, float(worked.rest)]])
        columns.append("rest")
    return Grid("Place by place", (left, right, "product"), columns, numbers, "none", role="worked")


def sum_line(parts: Sequence[Decimal], digits: int, *, is_exact: bool) -> EquationLine:
    """Write numbers as a sum: 1.00 - 2.00 + 3.00."""
    terms: list[Term] = []
    for place, part in enumerate(parts):
        if place:
            terms.append(" - " if part < 0 else " + ")
        terms.append(Number(abs(part) if place else part, digits))
    return EquationLine("=" if is_exact else "≈", tuple(terms))


def dot_product_equation(left: str, symbols: str, worked: DotProduct, digits: int, table: float) -> Equation:
    """Write a dot product: its symbols, its products as a sum, the result; and what the table has, where it differs."""
    digits = digits_of([*worked.left, *worked.right, worked.rest or Decimal(0), worked.bias or Decimal(0)], digits)
    parts = [*worked.products, *([worked.rest] if worked.rest is not None else [])]
    parts += [worked.bias] if worked.bias is not None else []
    lines = (
        EquationLine("=", (symbols,)),
        sum_line(parts, digits, is_exact=worked.is_exact),
        EquationLine(worked.total_sign, (Number(worked.total, digits),)),
    )
    return Equation(left, lines, table_note(worked.total, table, digits))


def table_note(worked: Decimal, table: float, digits: int) -> str:
    """Say what the table has, where the worked result is another number."""
    if worked == as_printed(table, digits):
        return ""
    return f"the table has {write_number(table, digits)}, computed with all digits"


def exact_note(worked: Decimal, exact: float, digits: int) -> str:
    """Say what comes out with all digits, where that is another number than from the digits shown."""
    return "" if worked == as_printed(exact, digits) else f"{write_number(exact, digits)}, computed with all digits"
