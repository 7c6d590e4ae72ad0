"""A trace as a .npz file: all arrays, the parameter matrices, the tokens; it loads without pickle."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from attnexplain.every_head import HeadWeights
from attnexplain.explanation import Explanation
from attnexplain.facts import SCHEMA
from attnexplain.models.stored_variant import flattened, variant_settings
from attnexplain.render.json import KEYS_OF_STEP, heads_of
from attnexplain.tokens import Tokens


def render_npz(trace: Explanation) -> bytes:
    """Put a trace into the bytes of a .npz file.

    The keys are those of the JSON, each array with its full precision (a masked scaled score is -inf), and beside them
    `w_q`, `w_k`, `w_v` and the biases of the head, where it has them; `sentence`, `model` and `kind` are texts.
    """
    keys = (key for step in KEYS_OF_STEP.values() for key in step)
    arrays: dict[str, Any] = {name: array for name in keys if (array := getattr(trace, name)) is not None}
    if trace.head is not None:
        arrays |= {name: part for name, part in vars(trace.head).items() if part is not None}
    arrays |= _known(trace.found)
    model = trace.model
    texts = {"schema": SCHEMA, "sentence": trace.sentence, "model": model.name, "kind": model.kind}
    numbers = {"scale": trace.scale, "causal": trace.causal, "layer": model.layer, "head": model.head}
    numbers |= heads_of(model) | flattened(variant_settings(trace))
    arrays["tokens"] = np.array(trace.tokens, dtype=np.str_)
    arrays |= {name: np.array(value) for name, value in (texts | numbers).items()}
    return _packed(arrays)


def heads_npz(found: HeadWeights) -> bytes:
    """Put the weights of many heads into the bytes of a .npz file, float32 as they are."""
    arrays: dict[str, Any] = {"weights": found.weights, **_known(found.found)}
    numbers = {"layers": found.layers, "heads": found.heads}
    arrays |= {name: np.array(value, dtype=np.int64) if value else np.array("mean") for name, value in numbers.items()}
    if found.sinks is not None:
        arrays["sinks"] = found.sinks
    arrays["tokens"] = np.array(found.tokens, dtype=np.str_)
    texts = {"schema": SCHEMA, "sentence": found.sentence, "model": found.model.name, "kind": found.model.kind}
    arrays |= {name: np.array(text) for name, text in texts.items()} | {"causal": np.array(found.causal)}
    return _packed(arrays)


def _known(tokens: Tokens) -> dict[str, Any]:
    return {name: np.array(value) for name, value in tokens.known().items()}


def _packed(arrays: dict[str, Any]) -> bytes:
    file = BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()
