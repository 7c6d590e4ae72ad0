"""A sentence and a model become a trace of the four steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnexplain.attention import AttentionTrace, attend, causal_mask
from attnexplain.models import DEFAULT_MODEL, Model, ModelInfo, load_model
from attnexplain.tokens import MAX_TOKENS


@dataclass(frozen=True, eq=False)
class Explanation(AttentionTrace):
    """A trace that knows whose numbers it holds."""

    sentence: str
    tokens: tuple[str, ...]
    """n words or pieces of words, one for each row."""
    left_out: tuple[str, ...]
    """The punctuation that the tokens leave out."""
    causal: bool
    """Whether each token sees only itself and those before it."""
    model: ModelInfo


def explain(
    sentence: str,
    *,
    model: str | Model = DEFAULT_MODEL,
    phrases: Sequence[str] = (),
    causal: bool | None = None,
    scale: bool = True,
    max_tokens: int = MAX_TOKENS,
) -> Explanation:
    """Compute the four steps of self-attention for a sentence.

    Args:
        sentence: any text.
        model: a name that `load_model` knows, or a model.
        phrases: words to be kept together as one token each.
        causal: let each token see only itself and those before it; the model decides unless given.
        scale: divide the scores by √d_k (by 1 if not).
        max_tokens: the longest sentence allowed.

    Raises:
        AttnExplainError: what is wrong, in one line.

    >>> explain("The cat sat").weights.sum(axis=1).round(9)
    array([1., 1., 1.])
    """
    source = load_model(model) if isinstance(model, str) else model
    tokens = source.tokenize(sentence, phrases, max_tokens)
    causal = source.causal if causal is None else causal
    mask = causal_mask(len(tokens.words)) if causal else None
    trace = attend(source.embed(tokens), source.head, scale=None if scale else 1.0, mask=mask)
    return Explanation(
        **vars(trace),
        sentence=sentence,
        tokens=tokens.words,
        left_out=tokens.left_out,
        causal=causal,
        model=source.info,
    )
