"""Attention weights from elsewhere, which have step 3 and nothing before or behind it.

A file of `tokens` and `weights` alone, (n, n) or (heads, n, n), is what PyTorch and JAX users have in hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.errors import CommandError, NumbersError
from attnexplain.models.checks import check_count
from attnexplain.models.model import ModelInfo
from attnexplain.tokens import Tokens

if TYPE_CHECKING:
    from attnexplain.attention import Array

OFF = 0.01
"""How far from 1 a row may add up before the reader is told."""


@dataclass(frozen=True, eq=False)
class AttentionWeights:
    """Attention weights from elsewhere. They are no model: nothing can be computed from them."""

    info: ModelInfo
    """Where they come from, and which head is chosen."""
    tokens: Tokens
    every_head: Array
    """(heads, n, n); rows are queries, columns are keys."""

    @property
    def sentence(self) -> str:
        """The tokens as a sentence."""
        return " ".join(self.tokens.texts)

    @property
    def weights(self) -> Array:
        """Those of the chosen head, (n, n)."""
        return np.asarray(self.every_head[self.info.head])

    def refusal(self, why: str = "only step 3 can be drawn from them") -> CommandError:
        """Say why something cannot be made of them."""
        return CommandError(f"{self.info.name} holds attention weights alone: {why}")

    @property
    def rows_that_are_off(self) -> int:
        """How many rows of the chosen head do not add up to 1."""
        return int((np.abs(self.weights.sum(axis=1) - 1) > OFF).sum())


def attention_weights(name: str, tokens: tuple[str, ...], numbers: Any, head: int) -> AttentionWeights:
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
    return AttentionWeights(info, Tokens(tokens), weights)
