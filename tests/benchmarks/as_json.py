"""A trace as JSON, beside a bare `json.dumps` of the same arrays."""

import json

from side_by_side import measure_calls, table_of_calls

from attnexplain import explain
from attnexplain.render.json import render_json, stream_json

KEYS = ("embeddings", "queries", "keys", "values", "scores", "scaled_scores", "weights", "context")


def report(rounds: int) -> str:
    rows = {}
    for n in (16, 64, 256, 512, 1024):
        trace = explain(" ".join(f"word{i}" for i in range(n)), model="untrained", max_tokens=n)
        rows[n] = measure_calls(
            {
                "json.dumps alone": lambda trace=trace: json.dumps({key: getattr(trace, key).tolist() for key in KEYS}),
                "at once": lambda trace=trace: render_json(trace, parameters=False),
                "row by row": lambda trace=trace: sum(map(len, stream_json(trace, parameters=False))),
            },
            max(rounds // 3, 1),
        )
    return table_of_calls(rows, "tokens")
