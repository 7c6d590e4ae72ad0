"""Attention weights from elsewhere, which have step 3 and nothing before or behind it.

A file of `tokens` and `weights` alone, (n, n), (heads, n, n) or (layers, heads, n, n), is what PyTorch and JAX users
have in hand. Where the words that ask are others than those that answer (cross-attention), `query_tokens` and
`key_tokens` take the place of `tokens`, and the matrices are (queries, keys).
"""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True, eq=False, repr=False)
class AttentionWeights:
    """Attention weights from elsewhere. They are no model: nothing can be computed from them."""

    info: ModelInfo
    """Where they come from, and which head is chosen."""
    tokens: Tokens
    """The words that ask, one for each row."""
    every_head: Array
    """(layers, heads, queries, keys); rows are queries, columns are keys."""
    chosen: tuple[int, int]
    """Which layer and head of these, by their places."""
    answering: Tokens | None = None
    """The words that answer, one for each column, where they are others."""
    sinks: Array | None = None
    """(layers, heads, queries): what a learned sink takes of each row; None without one."""

    def __repr__(self) -> str:
        return f"AttentionWeights({self.sentence!r:.60}, {self.every_head.shape}, {self.info.name})"

    @property
    def key_tokens(self) -> Tokens:
        """The words that answer, one for each column."""
        return self.tokens if self.answering is None else self.answering

    @property
    def sentence(self) -> str:
        """The tokens as a sentence."""
        return " ".join(self.tokens.texts)

    @property
    def weights(self) -> Array:
        """Those of the chosen head, (queries, keys)."""
        return np.asarray(self.every_head[self.chosen])

    def refusal(self, why: str = "only step 3 can be drawn from them") -> CommandError:
        """Say why something cannot be made of them."""
        return CommandError(f"{self.info.name} holds attention weights alone: {why}")

    @property
    def rows_that_are_off(self) -> int:
        """How many rows of the chosen head do not add up to 1."""
        taken = 0.0 if self.taken is None else self.taken
        return int((np.abs(self.weights.sum(axis=1) + taken - 1) > OFF).sum())

    @property
    def taken(self) -> Array | None:
        """What a learned sink takes of each row of the chosen head, (queries,); None without one."""
        return None if self.sinks is None else np.asarray(self.sinks[self.chosen])


def attention_weights(
    name: str,
    tokens: Tokens,
    numbers: Any,
    *,
    layer: int = 0,
    head: int = 0,
    answering: Tokens | None = None,
    layers: Sequence[int] = (),
    heads: Sequence[int] = (),
) -> AttentionWeights:
    """Check the attention weights in a file.

    Args:
        name: of the file.
        tokens: the words that ask.
        numbers: the weights as they were read.
        layer: which layer, by its number; -1 is the last.
        head: which head, by its number; -1 is the last.
        answering: the words that answer, where they are others.
        layers: the numbers of the layers in the file; 0 and so on unless given.
        heads: the numbers of the heads.

    Raises:
        CommandError: there is no such layer or head.
        NumbersError: the weights don't fit the tokens, or are no weights.
    """
    shape = (len(tokens.texts), len((answering or tokens).texts))
    check_count(tokens.texts)
    check_count((answering or tokens).texts)
    try:
        weights = np.asarray(numbers)
    except ValueError as error:
        raise NumbersError("the rows of weights differ in length") from error
    if weights.dtype.kind not in "iuf":
        raise NumbersError("weights holds something that is not a number")
    given = weights.shape
    weights = weights[(None,) * (4 - weights.ndim)] if weights.ndim in (2, 3) else weights
    if weights.ndim != 4 or weights.shape[2:] != shape or not weights.size:
        fits = f"{shape[0]} tokens" if answering is None else f"{shape[0]} tokens that ask and {shape[1]} that answer"
        raise NumbersError(
            f"weights of shape {given} do not fit {fits}: expected {shape}, or heads of that shape, or layers of heads"
        )
    weights = weights.astype(np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise NumbersError("weights holds a number that is negative or not finite")
    places = [
        _place_of(what, number, known or range(count), count, name)
        for what, number, known, count in (
            ("layer", layer, layers, weights.shape[0]),
            ("head", head, heads, weights.shape[1]),
        )
    ]
    found = (layers[places[0]] if layers else places[0], heads[places[1]] if heads else places[1])
    note = "Attention weights that were made elsewhere."
    if weights.shape[0] > 1:
        note = (
            f"Attention weights of {weights.shape[0]} layers of {weights.shape[1]} heads that were made elsewhere; "
            f"this is layer {found[0]}, head {found[1]}, from 0."
        )
    elif weights.shape[1] > 1:
        note = (
            f"Attention weights of {weights.shape[1]} heads that were made elsewhere; this is head {found[1]}, from 0."
        )
    info = ModelInfo(
        name, "trace", note, *found, layers=max(found[0] + 1, len(weights)), heads=max(found[1] + 1, weights.shape[1])
    )
    return AttentionWeights(info, tokens, weights, (places[0], places[1]), answering)


def _place_of(what: str, number: int, numbers: Sequence[int], count: int, name: str) -> int:
    """Find a layer or head by its number, or from behind."""
    if len(numbers) != count:
        raise NumbersError(f"{what}s has {len(numbers)} numbers, and weights has {count} {what}s")
    if number < 0 and -number <= count:
        return count + number
    if number not in numbers:
        is_plain = list(numbers) == list(range(count))
        has = f"0 to {count - 1}" if is_plain else ", ".join(map(str, numbers))
        raise CommandError(f"--{what} {number}: {name} has the {what}s {has}")
    return numbers.index(number)
