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

SCHEMA = "attnexplain/1"
"""Changes when a key is removed or changes its meaning; new keys may appear at any time."""

KEYS_OF_STEP = {
    1: ("embeddings", "queries", "keys", "values"),
    2: ("scores",),
    3: ("scaled_scores", "weights"),
    4: ("context",),
}


def to_dict(trace: Explanation, steps: Sequence[int] = (1, 2, 3, 4)) -> dict[str, Any]:
    """Put a trace into plain Python: the arrays of the chosen steps as lists of rows, a masked score as None."""
    model = trace.model
    start: dict[str, Any] = {
        "schema": SCHEMA,
        "version": attnexplain.__version__,
        "sentence": trace.sentence,
        "tokens": list(trace.tokens),
        "model": {
            "name": model.name,
            "kind": model.kind,
            "layer": model.layer,
            "head": model.head,
            "d_model": trace.d_model,
            "d_k": trace.d_k,
            "d_v": trace.d_v,
        },
        "settings": {"scale": trace.scale, "causal": trace.causal},
    }
    arrays: dict[str, Any] = {
        key: _rows(array)
        for step in sorted(set(steps))
        for key in KEYS_OF_STEP[step]
        if (array := getattr(trace, key)) is not None
    }
    if any(trace.made):
        start["made"] = list(trace.made)
    if 4 in steps and trace.neighbours is not None:
        arrays["neighbours"] = [vars(neighbours) for neighbours in trace.neighbours]
    return start | arrays


def render_json(trace: Explanation, steps: Sequence[int] = (1, 2, 3, 4)) -> str:
    """Write a trace as one line."""
    return json.dumps(to_dict(trace, steps), allow_nan=False) + "\n"


def _rows(matrix: NDArray[np.floating[Any]]) -> list[list[float | None]]:
    rows: list[list[float | None]] = matrix.tolist()
    if np.isfinite(matrix).all():
        return rows
    return [[None if number == float("-inf") else number for number in row] for row in rows]
