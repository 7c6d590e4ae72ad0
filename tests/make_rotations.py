"""Write tests/data/rotations.json: how fast transformers turns the pairs of places, for many settings.

Needs PyTorch and transformers; the tests read the file and need neither:

    python tests/make_rotations.py
"""

import json
from pathlib import Path

from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

LLAMA_3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096}
LONG = {"rope_type": "longrope", "short_factor": [1.0, 1.5, 2.0, 9.0], "long_factor": [2.0] * 4}
SETTINGS = (
    {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e4},
    {**LLAMA_3, "original_max_position_embeddings": 8192, "rope_theta": 5e5},
    {**LLAMA_3, "original_max_position_embeddings": 64, "rope_theta": 1e3, "factor": 32.0},
    {**LLAMA_3, "original_max_position_embeddings": 512, "rope_theta": 1e4, "low_freq_factor": 2.0},
    {**YARN, "rope_theta": 1e4},
    {**YARN, "rope_theta": 1.5e5, "truncate": False, "factor": 32.0},
    {**YARN, "rope_theta": 1e4, "beta_fast": 8.0, "beta_slow": 2.0},
    {**YARN, "rope_theta": 1e4, "mscale": 0.7, "mscale_all_dim": 1.3, "factor": 40.0},
    {**YARN, "rope_theta": 1e4, "mscale": 0.7},
    {**YARN, "rope_theta": 1e4, "attention_factor": 0.9},
    {**YARN, "rope_theta": 1e2, "original_max_position_embeddings": 16},
    {**YARN, "rope_theta": 1e6, "original_max_position_embeddings": 32768, "truncate": False},
    {**LONG, "rope_theta": 1e4, "original_max_position_embeddings": 4096, "factor": 8.0},
    {**LONG, "rope_theta": 1e4, "original_max_position_embeddings": 4096, "attention_factor": 1.19},
)


def main() -> None:
    made = []
    for d_k in (8, 64):
        for settings in SETTINGS:
            if len(settings.get("short_factor", [0] * (d_k // 2))) != d_k // 2:
                continue
            config = LlamaConfig(
                hidden_size=d_k, num_attention_heads=1, max_position_embeddings=16384, rope_parameters=dict(settings)
            )
            frequencies, stretch = ROPE_INIT_FUNCTIONS[settings["rope_type"]](config, "cpu")
            keys = {"max_position_embeddings": 16384, "rope_parameters": settings}
            made.append([keys, d_k, frequencies.double().tolist(), float(stretch)])
    path = Path(__file__).parent / "data" / "rotations.json"
    path.write_text("[\n" + ",\n".join(map(json.dumps, made)) + "\n]\n", encoding="utf-8")
    print(f"{len(made)} rotations")


if __name__ == "__main__":
    main()
