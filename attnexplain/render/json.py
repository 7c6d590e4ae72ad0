"""A trace as one line of JSON: ASCII, full precision, no NaN."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import attnexplain
from attnexplain.facts import SCHEMA, STEPS, WIDE
from attnexplain.models.stored_variant import variant_settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.floating[Any]]

    from attnexplain.every_head import HeadWeights
    from attnexplain.explanation import Explanation
    from attnexplain.merging import Word
    from attnexplain.models.model import ModelInfo
    from attnexplain.models.weights_file import AttentionWeights
    from attnexplain.overview import Overview

KEYS_OF_STEP = {
    1: ("embeddings", "projected_queries", "projected_keys", "queries", "keys", "values"),
    2: ("scores",),
    3: ("bias", "scaled_scores", "weights"),
    4: ("context",),
}


Worked = tuple[int, int] | None
"""The rows of the word that asks and of the one that answers, counted from 0."""


def to_dict(
    trace: Explanation, steps: Sequence[int] = STEPS, *, parameters: bool = True, worked: Worked = None
) -> dict[str, Any]:
    """Put a trace into plain Python: the arrays of the chosen steps as lists of rows, a masked score as None.

    Args:
        trace: what `explain` computed.
        steps: whose keys are kept.
        parameters: with small parameter matrices, too; the same for every sentence, so streams do without.
        worked: the words that the lesson works out by hand.
    """
    start, matrices, rest = _parts(trace, steps, parameters=parameters, worked=worked)
    return start | {key: _rows(matrix) for key, matrix in matrices.items()} | rest


def _parts(
    trace: Explanation, steps: Sequence[int], *, parameters: bool, worked: Worked = None
) -> tuple[dict[str, Any], dict[str, Matrix], dict[str, Any]]:
    """Sort what is written: short things, the matrices, and what follows them."""
    start = _start(trace, trace.model, trace.tokens, (trace.d_model, trace.d_k, trace.d_v))
    start["settings"] |= variant_settings(trace)
    if any(trace.made):
        start["made"] = list(trace.made)
    start |= trace.found.known()
    if worked is not None:
        start["worked"] = {"query": worked[0], "key": worked[1]}
    keys = (key for step in sorted(set(steps)) for key in KEYS_OF_STEP[step])
    matrices: dict[str, Matrix] = {key: matrix for key in keys if (matrix := getattr(trace, key)) is not None}
    rest: dict[str, Any] = {}
    if parameters and 1 in steps and trace.head is not None and trace.d_model <= WIDE:
        rest["parameters"] = {name: part.tolist() for name, part in vars(trace.head).items() if part is not None}
    if trace.words is not None and trace.word_weights is not None and 3 in steps:
        rest |= {"words": _words(trace.words), "word_weights": _rows(trace.word_weights)}
    if trace.predicted is not None:
        masked = {"masked": True} if trace.predicted.is_masked else {}
        rest["next"] = [
            {"token": found.text, "id": found.id, "probability": found.probability, "position": found.position} | masked
            for found in trace.predicted.tokens
        ]
    if 4 in steps and trace.neighbours is not None:
        rest["neighbours"] = [
            {"before": list(near.before), "after": list(near.after), "cosine": near.cosine} for near in trace.neighbours
        ]
    return start, matrices, rest


def stream_json(
    trace: Explanation, steps: Sequence[int] = STEPS, *, parameters: bool = True, worked: Worked = None
) -> Iterator[str]:
    """Write a trace as one line, the same as `render_json`, piece by piece: a row of a matrix at a time."""
    start, matrices, rest = _parts(trace, steps, parameters=parameters, worked=worked)
    encode = json.JSONEncoder(allow_nan=False).encode
    yield encode(start)[:-1]
    for key, matrix in matrices.items():
        yield f", {encode(key)}: ["
        for i in range(len(matrix)):
            yield (", " if i else "") + encode(_rows(matrix[i : i + 1])[0])
        yield "]"
    for key, value in rest.items():
        yield f", {encode(key)}: {encode(value)}"
    yield "}\n"


def render_json(
    trace: Explanation, steps: Sequence[int] = STEPS, *, parameters: bool = True, worked: Worked = None
) -> str:
    """Write a trace as one line."""
    return json.dumps(to_dict(trace, steps, parameters=parameters, worked=worked), allow_nan=False) + "\n"


def overview_to_dict(found: Overview) -> dict[str, Any]:
    """Put what all heads do into plain Python; with the pair that was looked for, the heads ranked by its weight."""
    from attnexplain.steps.heads import opening

    start = _start(found, found.model, found.tokens.texts, found.widths)
    if any(found.windows):
        start["settings"]["windows"] = list(found.windows)
    start |= found.tokens.known()
    if found.words is not None:
        start["words"] = _words(found.words)
    if found.sentences > 1:
        cut = {"cut_count": found.cut_count} if found.cut_count else {}
        start |= {"sentences": found.sentences, "token_count": found.token_count} | cut
    heads = [
        {
            "layer": "mean" if head.layer is None else head.layer,
            "head": "mean" if head.head is None else head.head,
            "does": head.does,
            "shares": head.shares,
            "entropy": head.entropy,
        }
        | ({} if head.on_repeats is None else {"on_repeats": head.on_repeats})
        | ({} if head.weight is None else {"weight": head.weight})
        for head in (found.heads if found.pair is None else found.ranked())
    ]
    if found.pair is None:
        return start | {"overview": heads}
    query, key = found.pair
    ranking: dict[str, Any] = {"query": query, "key": key, "heads": heads}
    for command in opening(found, found.ranked()[0]):
        ranking["command"] = command.text
    return start | {"find": ranking}


def render_weights(alone: AttentionWeights) -> str:
    """Write attention weights from elsewhere as one line: what is not known is 0, or null."""
    start = _start(alone, alone.info, alone.tokens.texts, (0, 0, 0))
    if alone.answering is not None:
        start["key_tokens"] = list(alone.answering.texts)
    return json.dumps(start | {"weights": _rows(alone.weights)}, allow_nan=False) + "\n"


def heads_to_dict(found: HeadWeights) -> dict[str, Any]:
    """Put the weights of many heads into plain Python: weights (layers, heads, n, n)."""
    start = _start_of_heads(found)
    return start | {"weights": found.weights.tolist()}


def render_heads(found: HeadWeights) -> str:
    """Write the weights of many heads as one line."""
    return "".join(stream_heads(found))


def stream_heads(found: HeadWeights) -> Iterator[str]:
    """Write the same piece by piece: the rows of one head at a time."""
    encode = json.JSONEncoder(allow_nan=False).encode
    yield encode(_start_of_heads(found))[:-1] + ', "weights": ['
    for layer, heads in enumerate(found.weights):
        yield ", [" if layer else "["
        for head, matrix in enumerate(heads):
            yield (", " if head else "") + encode(matrix.tolist())
        yield "]"
    yield "]}\n"


def _start_of_heads(found: HeadWeights) -> dict[str, Any]:
    """Make what stands before the weights of many heads."""
    settings: dict[str, Any] = {"causal": found.causal}
    if any(found.windows):
        settings["windows"] = list(found.windows)
    return {
        "schema": SCHEMA,
        "version": attnexplain.__version__,
        "sentence": found.sentence,
        "tokens": list(found.tokens),
        **found.found.known(),
        **quantized_of(found.model),
        "model": _model_of_many(found.model),
        "settings": settings,
        "layers": list(found.layers) or "mean",
        "heads": list(found.heads) or "mean",
        **({} if found.sinks is None else {"sinks": found.sinks.tolist()}),
    }


def _model_of_many(model: ModelInfo) -> dict[str, Any]:
    """Say which model it is, where no head of it is chosen."""
    family = {"family": model.family} if model.family else {}
    return {"name": model.name, "kind": model.kind, "layers": model.layers, "heads": model.heads} | family


def render_overview(found: Overview) -> str:
    """Write what all heads do as one line."""
    return json.dumps(overview_to_dict(found), allow_nan=False) + "\n"


def _start(
    of: Explanation | Overview | AttentionWeights,
    model: ModelInfo,
    tokens: Sequence[str],
    widths: tuple[int, int, int],
) -> dict[str, Any]:
    """Make the keys that every kind of output has."""
    d_model, d_k, d_v = widths
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
            **heads_of(model),
        },
        "settings": {"scale": getattr(of, "scale", None), "causal": getattr(of, "causal", False)},
        **quantized_of(model),
    }


def quantized_of(model: ModelInfo) -> dict[str, str]:
    """Say how the numbers of a model were quantized; nothing where they were not."""
    return {"quantized": model.quantized} if model.quantized else {}


def heads_of(model: ModelInfo) -> dict[str, Any]:
    """Say how many heads there are, and which of keys and values this one reads; nothing where there is one alone."""
    if model.heads == 1 and not model.family:
        return {}
    shared = {"kv_heads": model.kv_heads or model.heads, "kv_head": model.kv_head} if model.family else {}
    family = {"family": model.family} if model.family else {}
    return family | {"layers": model.layers, "heads": model.heads} | shared


def _words(words: Sequence[Word]) -> list[dict[str, Any]]:
    return [{"text": word.text, "pieces": list(word.pieces)} for word in words]


def _rows(matrix: Matrix) -> list[list[float | None]]:
    rows: list[list[float | None]] = matrix.tolist()
    if np.isfinite(matrix).all():
        return rows
    return [[None if number == float("-inf") else number for number in row] for row in rows]
