"""Write tests/data/rotations.json: how fast transformers turns the pairs of places, for many settings.

And rotations_of_layers.json: how it does so in each layer of families whose config.json has older keys, or two of them.

Needs PyTorch and transformers; the tests read the file and need neither:

    python tests/make_rotations.py
"""

import json
from pathlib import Path

from transformers import AutoConfig, LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.gemma3.modeling_gemma3 import Gemma3RotaryEmbedding
from transformers.models.gpt_oss.modeling_gpt_oss import GptOssRotaryEmbedding
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.modernbert.modeling_modernbert import ModernBertRotaryEmbedding

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
LINEAR, TURNED = {"rope_type": "linear", "factor": 3.0}, {"rope_type": "yarn", "factor": 4.0, "rope_theta": 90.0}
EMBEDDINGS = {
    "gemma3_text": Gemma3RotaryEmbedding, "gpt_oss": GptOssRotaryEmbedding, "llama": LlamaRotaryEmbedding,
    "modernbert": ModernBertRotaryEmbedding,
}  # fmt: skip
OF_LAYERS = (
    ("modernbert", {"rope_scaling": LINEAR}),
    ("modernbert", {"rope_scaling": TURNED, "max_position_embeddings": 96}),
    ("modernbert", {"rope_scaling": LINEAR, "global_rope_theta": 70.0, "local_rope_theta": 30.0}),
    ("modernbert", {"rope_scaling": LINEAR, "rope_parameters": {
        "full_attention": {"rope_type": "default", "rope_theta": 7.0}, "sliding_attention": {"rope_type": "default"}}}),
    ("modernbert", {"rope_scaling": {}}),
    ("modernbert", {"rope_parameters": {"full_attention": LINEAR}}),
    ("gemma3_text", {"rope_scaling": LINEAR}),
    ("gemma3_text", {"rope_scaling": {**LINEAR, "rope_theta": 90.0}, "rope_theta": 60.0}),
    ("gpt_oss", {}),
    ("gpt_oss", {"rope_theta": 900.0}),
    ("gpt_oss", {"rope_theta": 900.0, "rope_scaling": {**TURNED, "original_max_position_embeddings": 64}}),
    ("gpt_oss", {"rope_theta": 900.0, "rope_scaling": {"type": "yarn", "factor": 4.0, "truncate": False,
                                                       "original_max_position_embeddings": 64}}),
    ("gpt_oss", {"rope_scaling": {}}),
    ("gpt_oss", {"rope_parameters": {**TURNED, "truncate": None, "original_max_position_embeddings": 64}}),
    ("gpt_oss", {"rope_parameters": {**TURNED, "rope_type": "default"}, "rope_scaling": LINEAR}),
    ("llama", {"rope_parameters": {"rope_theta": 3.0, "rope_type": "default"}, "rope_scaling": LINEAR}),
)  # fmt: skip


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
    of_layers = [[keys, of_each_layer(keys)] for keys in (keys_of(*settings) for settings in OF_LAYERS)]
    path = path.with_name("rotations_of_layers.json")
    path.write_text("[\n" + ",\n".join(map(json.dumps, of_layers)) + "\n]\n", encoding="utf-8")
    print(f"{len(made)} rotations, and those of {len(of_layers)} models")


def keys_of(family, settings):
    return {
        "model_type": family, "hidden_size": 32, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
        "num_hidden_layers": 4, "intermediate_size": 8, "vocab_size": 9, **settings,
    }  # fmt: skip


def of_each_layer(keys):
    copy = json.loads(json.dumps(keys))
    config = AutoConfig.for_model(copy.pop("model_type"), **copy)
    made = EMBEDDINGS[keys["model_type"]](config)
    kinds = getattr(config, "layer_types", None) if hasattr(made, "layer_types") else None
    before = [f"{kind}_" for kind in kinds] if kinds else [""] * config.num_hidden_layers
    return [[getattr(made, f"{x}inv_freq").tolist(), float(getattr(made, f"{x}attention_scaling"))] for x in before]


if __name__ == "__main__":
    main()
