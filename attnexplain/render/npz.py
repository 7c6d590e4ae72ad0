"""A trace as a .npz file: all arrays, the parameter matrices, the tokens; it loads without pickle."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from attnexplain.explanation import Explanation
from attnexplain.facts import SCHEMA
from attnexplain.models.stored_variant import flattened, variant_settings
from attnexplain.render.json import KEYS_OF_STEP, heads_of


def render_npz(trace: Explanation) -> bytes:
    """Put a trace into the bytes of a .npz file.

    The keys are those of the JSON, each array with its full precision (a masked scaled score is -inf), and beside them
    `w_q`, `w_k`, `w_v` and the biases of the head, where it has them; `sentence`, `model` and `kind` are texts.
    """
    keys = (key for step in KEYS_OF_STEP.values() for key in step)
    arrays: dict[str, Any] = {name: array for name in keys if (array := getattr(trace, name)) is not None}
    if trace.head is not None:
        arrays |= {name: part for name, part in vars(trace.head).items() if part is not None}
    if trace.are_pieces:
        arrays["special"] = np.array(trace.special)
    model = trace.model
    texts = {"schema": SCHEMA, "sentence": trace.sentence, "model": model.name, "kind": model.kind}
    numbers = {"scale": trace.scale, "causal": trace.causal, "layer": model.layer, "head": model.head}
    numbers |= heads_of(model) | flattened(variant_settings(trace))
    arrays["tokens"] = np.array(trace.tokens, dtype=np.str_)
    arrays |= {name: np.array(value) for name, value in (texts | numbers).items()}
    file = BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()
