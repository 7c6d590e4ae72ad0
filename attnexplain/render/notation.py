"""Formulas and terms of equations written out: as text, and as LaTeX."""

from __future__ import annotations

from typing import assert_never

from attnexplain.arithmetic import write_number
from attnexplain.steps.blocks import EquationLine, FormulaLine, Number, Symbol, Term


def write_formula(line: FormulaLine) -> str:
    """Write a formula as text.

    >>> write_formula(FormulaLine((Symbol("S"), " = ", Symbol("Q"), "·", Symbol("K", is_transposed=True))))
    'S = Q·Kᵀ'
    """
    return "".join(part if isinstance(part, str) else _symbol(part) for part in line.parts)


def write_line(line: EquationLine) -> str:
    """Write what an equation goes on with, without its sign."""
    return "".join(map(write_term, line.terms))


def write_term(term: Term) -> str:
    """Write a symbol, a sign or a number."""
    match term:
        case str():
            return term
        case Number():
            return f"{term.value:f}" if term.digits is None else write_number(term.value, term.digits)
        case _:
            assert_never(term)


def latex_formula(line: FormulaLine) -> str:
    r"""Write a formula as LaTeX, which GitHub draws between dollar signs.

    >>> latex_formula(FormulaLine((Symbol("S"), " / ", Symbol("d", "k", is_under_root=True))))
    'S / \\sqrt{d_{k}}'
    """
    return "".join(_latex_text(part) if isinstance(part, str) else _latex_symbol(part) for part in line.parts)


def _symbol(symbol: Symbol) -> str:
    written = symbol.base + (f"_{symbol.low}" if symbol.low else "") + ("ᵀ" if symbol.is_transposed else "")
    return f"√{written}" if symbol.is_under_root else written


def _latex_symbol(symbol: Symbol) -> str:
    written = symbol.base + (f"_{{{symbol.low}}}" if symbol.low else "") + (r"^{\top}" if symbol.is_transposed else "")
    return rf"\sqrt{{{written}}}" if symbol.is_under_root else written


_LATEX = {
    "·": r" \cdot ", "×": r" \times ", "Σ": r"\sum ", "√": r"\surd ", "…": r"\ldots ", "∂": r"\partial ",
    "←": r"\leftarrow ",
    "⌊": r"\lfloor ", "⌋": r"\rfloor ", "∞": r"\infty ", "softmax": r"\mathrm{softmax}",
    "rotated": r"\mathrm{rotated}", "normed": r"\mathrm{normed}", "capped": r"\mathrm{capped}", "tanh": r"\tanh ",
}  # fmt: skip


def _latex_text(text: str) -> str:
    for sign, command in _LATEX.items():
        text = text.replace(sign, command)
    return text
