"""A trace as one line of JSON: ASCII, full precision, no NaN."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import attnexplain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from attnexplain.explain import Explanation
    from attnexplain.overview import Overview
    from attnexplain.pieces import Word
    from attnexplain.steps.given import GivenWeights

SCHEMA = "attnexplain/1"
"""Changes when a key is removed or changes its meaning; new keys may appear at any time."""

SMALL = 32
"""The widest embedding for which the parameter matrices are written too, as they are on the screen."""

KEYS_OF_STEP = {
    1: ("embeddings", "queries", "keys", "values"),
    2: ("scores",),
    3: ("scaled_scores", "weights"),
    4: ("context",),
}


def to_dict(trace: Explanation, steps: Sequence[int] = (1, 2, 3, 4), *, parameters: bool = True) -> dict[str, Any]:
    """Put a trace into plain Python: the arrays of the chosen steps as lists of rows, a masked score as None.

    Args:
        trace: what `explain` computed.
        steps: whose keys are kept.
        parameters: with small parameter matrices, too; the same for every sentence, so streams do without.
    """
    widths = (trace.d_model, trace.d_k, trace.d_v)
    start = _start(trace, trace.tokens, widths)
    arrays: dict[str, Any] = {
        key: _rows(array)
        for step in sorted(set(steps))
        for key in KEYS_OF_STEP[step]
        if (array := getattr(trace, key)) is not None
    }
    if parameters and 1 in steps and trace.head is not None and trace.d_model <= SMALL:
        arrays["parameters"] = {name: part.tolist() for name, part in vars(trace.head).items() if part is not None}
    if any(trace.made):
        start["made"] = list(trace.made)
    if trace.special:
        start["special"] = list(trace.special)
    if trace.words is not None and trace.word_weights is not None and 3 in steps:
        arrays |= {"words": _words(trace.words), "word_weights": _rows(trace.word_weights)}
    if 4 in steps and trace.neighbours is not None:
        arrays["neighbours"] = [
            {"before": list(near.before), "after": list(near.after), "cosine": near.cosine} for near in trace.neighbours
        ]
    return start | arrays


def render_json(trace: Explanation, steps: Sequence[int] = (1, 2, 3, 4), *, parameters: bool = True) -> str:
    """Write a trace as one line."""
    return json.dumps(to_dict(trace, steps, parameters=parameters), allow_nan=False) + "\n"


def overview_to_dict(found: Overview) -> dict[str, Any]:
    """Put what all heads do into plain Python; with the pair that was looked for, the heads ranked by its weight."""
    from attnexplain.steps.heads import command

    start = _start(found, found.tokens.words, found.widths)
    start["model"] |= {"layers": found.model.layers, "heads": found.model.heads}
    if found.tokens.special:
        start["special"] = list(found.tokens.special)
    if found.words is not None:
        start["words"] = _words(found.words)
    heads = [
        {"layer": head.layer, "head": head.head, "does": head.does, "shares": head.shares, "entropy": head.entropy}
        | ({} if head.weight is None else {"weight": head.weight})
        for head in (found.heads if found.pair is None else found.ranked())
    ]
    if found.pair is None:
        return start | {"overview": heads}
    query, key = found.pair
    return start | {"find": {"query": query, "key": key, "heads": heads, "command": command(found, found.ranked()[0])}}


def render_weights(given: GivenWeights) -> str:
    """Write attention weights from elsewhere as one line: what is not known is 0, or null."""
    start = _start(given, given.tokens, (0, 0, 0))
    return json.dumps(start | {"weights": _rows(given.weights[given.model.head])}, allow_nan=False) + "\n"


def render_overview(found: Overview) -> str:
    """Write what all heads do as one line."""
    return json.dumps(overview_to_dict(found), allow_nan=False) + "\n"


def _start(
    of: Explanation | Overview | GivenWeights, tokens: Sequence[str], widths: tuple[int, int, int]
) -> dict[str, Any]:
    """Make the keys that every kind of output has."""
    (d_model, d_k, d_v), model = widths, of.model
    return {
        "schema": SCHEMA,
        "version": attnexplain.__version__,
        "sentence": of.sentence,
        "tokens": list(tokens),
        "model": {
            "name": model.name,
            "kind": model.kind,
            "layer": model.layer,
            "head": model.head,
            "d_model": d_model,
            "d_k": d_k,
            "d_v": d_v,
        },
        "settings": {"scale": of.scale, "causal": of.causal},
    }


def _words(words: Sequence[Word]) -> list[dict[str, Any]]:
    return [{"text": word.text, "pieces": list(word.pieces)} for word in words]


def _rows(matrix: NDArray[np.floating[Any]]) -> list[list[float | None]]:
    rows: list[list[float | None]] = matrix.tolist()
    if np.isfinite(matrix).all():
        return rows
    return [[None if number == float("-inf") else number for number in row] for row in rows]
