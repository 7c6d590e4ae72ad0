"""Attention weights from elsewhere, which have step 3 and nothing before or behind it.

A file of `tokens` and `weights` alone, (n, n) or (heads, n, n), is what PyTorch and JAX users have in hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.errors import CommandError, NumbersError
from attnexplain.models.model import Embedded, ModelInfo
from attnexplain.models.values import check_count
from attnexplain.tokens import Tokens, refuse_long

if TYPE_CHECKING:
    from attnexplain.attention import Array

OFF = 0.01
"""How far from 1 a row may add up before the reader is told."""


@dataclass(frozen=True, eq=False)
class GivenWeights:
    """Attention weights from elsewhere, and nothing else."""

    info: ModelInfo
    tokens: tuple[str, ...]
    weights: Array
    """(heads, n, n); rows are queries, columns are keys."""

    head = None
    given = None
    scale = None
    causal = False

    @property
    def example(self) -> str:
        """The tokens as a sentence."""
        return " ".join(self.tokens)

    @property
    def sentence(self) -> str:
        """The same, by the name that a trace has for it."""
        return self.example

    @property
    def model(self) -> ModelInfo:
        """The info, by the name that a trace has for it."""
        return self.info

    @property
    def rows_that_are_off(self) -> int:
        """How many rows of the chosen head do not add up to 1."""
        return int((np.abs(self.weights[self.info.head].sum(axis=1) - 1) > OFF).sum())

    def tokenize(self, sentence: str, phrases: Sequence[str], max_tokens: int) -> Tokens:
        """Return the tokens of the file."""
        refuse_long(len(self.tokens), max_tokens, "tokens")
        return Tokens(self.tokens)

    def embed(self, tokens: Tokens) -> Embedded:
        """Refuse: there is nothing to compute the four steps from.

        Raises:
            CommandError: always.
        """
        raise CommandError(f"{self.info.name} holds attention weights alone, which only step 3 can be drawn from")

    def neighbours(self, vectors: Array, count: int, own: Sequence[str]) -> None:
        """There are none."""


def given_weights(name: str, tokens: tuple[str, ...], numbers: Any, head: int) -> GivenWeights:
    """Check the attention weights in a file.

    Raises:
        CommandError: there is no such head.
        NumbersError: the weights don't fit the tokens, or are no weights.
    """
    n = len(tokens)
    check_count(tokens)
    try:
        weights = np.asarray(numbers)
    except ValueError as error:
        raise NumbersError("the rows of weights differ in length") from error
    if weights.dtype.kind not in "iuf":
        raise NumbersError("weights holds something that is not a number")
    if weights.ndim == 2:
        weights = weights[None]
    if weights.shape[1:] != (n, n) or not len(weights):
        raise NumbersError(
            f"weights of shape {weights.shape} do not fit {n} tokens: expected {(n, n)}, or heads of that shape"
        )
    weights = weights.astype(np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise NumbersError("weights holds a number that is negative or not finite")
    if not head < len(weights):
        raise CommandError(f"--head {head}: {name} has the heads 0 to {len(weights) - 1}")
    note = "Attention weights that were made elsewhere."
    if len(weights) > 1:
        note = f"Attention weights of {len(weights)} heads that were made elsewhere; this is head {head}, from 0."
    info = ModelInfo(name, "trace", note, 0, head, heads=len(weights))
    return GivenWeights(info, tokens, weights)
