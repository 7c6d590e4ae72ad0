"""What every source of embeddings and parameter matrices fulfils."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from attnexplain.attention import Array, Head
    from attnexplain.tokens import Tokens

Kind = Literal["learned", "untrained", "numbers", "checkpoint", "trace"]


@dataclass(frozen=True)
class ModelInfo:
    """Which model, and which of its heads."""

    name: str
    """What the user called it."""
    kind: Kind
    """Where its numbers come from."""
    note: str
    """One sentence for the reader: what these numbers are."""
    layer: int = 0
    head: int = 0


class Model(Protocol):
    """A source of the three things that attention needs: tokens, their embeddings, and one head."""

    @property
    def info(self) -> ModelInfo:
        """Which model this is."""
        ...

    @property
    def head(self) -> Head:
        """The parameter matrices."""
        ...

    @property
    def causal(self) -> bool:
        """Whether each token sees only itself and those before it, unless the user says otherwise."""
        ...

    def tokenize(self, sentence: str, phrases: Sequence[str], max_tokens: int) -> Tokens:
        """Split a sentence as this model does."""
        ...

    def embed(self, tokens: Tokens) -> Array:
        """Return what the attention layer reads: (n, d_model), one row per token."""
        ...
