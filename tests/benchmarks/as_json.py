"""A trace as JSON, beside a bare `json.dumps` of the same arrays."""

import json
from dataclasses import fields

from side_by_side import measure_calls, table_of_calls

from attnexplain import explain
from attnexplain.attention import AttentionTrace
from attnexplain.render.json import KEYS_OF_STEP, render_json, stream_json

IN_EVERY_TRACE = {field.name for field in fields(AttentionTrace)}
KEYS = [key for keys in KEYS_OF_STEP.values() for key in keys if key in IN_EVERY_TRACE]


def report(rounds: int) -> str:
    rows = {}
    for n in (16, 64, 256, 512, 1024):
        trace = explain(" ".join(f"word{i}" for i in range(n)), model="untrained", max_tokens=n)
        rows[n] = measure_calls(
            {
                "json.dumps alone": lambda trace=trace: bare_json(trace),
                "at once": lambda trace=trace: render_json(trace, parameters=False),
                "row by row": lambda trace=trace: sum(map(len, stream_json(trace, parameters=False))),
            },
            max(rounds // 3, 1),
        )
    return table_of_calls(rows, "tokens")


def bare_json(trace) -> str:
    """Write the arrays of a trace, and nothing else."""
    return json.dumps({key: getattr(trace, key).tolist() for key in KEYS})
