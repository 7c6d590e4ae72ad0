"""`attend()`, which keeps every number, beside the two n × n products alone (Q·Kᵀ, W·V) and PyTorch's explicit softmax.

All have the same queries, keys and values of width 64, in float64, and one thread.
"""

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
from side_by_side import measure_calls, table_of_calls

from attnexplain.attention import attend_given

WIDTH = 64
LENGTHS = (16, 64, 256, 512, 1024, 2048)
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def report(rounds: int) -> str:
    """Measure in a process of its own: the number of threads is settled when numpy and PyTorch are imported."""
    program = [sys.executable, __file__, str(rounds)]
    return subprocess.run(program, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=True).stdout


def calls(n: int) -> dict:
    chance = np.random.default_rng(n)
    q, k, v = (chance.normal(size=(n, WIDTH)) for _ in range(3))
    weights = np.full((n, n), 1 / n)
    found = {
        "the two products alone": lambda: (q @ k.T, weights @ v),
        "attend()": lambda: attend_given(q, k, v),
    }
    if find_spec("torch") is not None:
        import torch

        tensors = [torch.from_numpy(array) for array in (q, k, v)]
        found["PyTorch"] = lambda: explicit(*tensors)
    return found


def explicit(q, k, v):
    """Attention as PyTorch's documentation of scaled_dot_product_attention writes it out, keeping the steps."""
    import torch

    with torch.no_grad():
        scores = q @ k.transpose(-2, -1)
        scaled = scores / q.shape[-1] ** 0.5
        weights = torch.softmax(scaled, dim=-1)
        return scores, scaled, weights, weights @ v


if __name__ == "__main__":
    print(table_of_calls({n: measure_calls(calls(n), int(sys.argv[1])) for n in LENGTHS}, "tokens"))
