"""GGUF files made of the small checkpoints of this folder, as llama.cpp's converter makes them, by the gguf package.

What the reference checkpoints are compared with stays the same: numbers of transformers, which never saw a GGUF file.
"""

import json
from math import sqrt
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "data" / "checkpoints"
OF_LLAMA = {
    "embed_tokens": "token_embd", "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "norm": "output_norm",
    "lm_head": "output", "self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up",
}  # fmt: skip
OF_GEMMA = OF_LLAMA | {
    "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}  # fmt: skip
OF_GPT_2 = {
    "wte": "token_embd", "wpe": "position_embd", "ln_1": "attn_norm", "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output", "ln_2": "ffn_norm", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
    "ln_f": "output_norm", "lm_head": "output",
}  # fmt: skip
ARCHITECTURES = {
    "llama-3": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "gemma": "gemma", "gemma2": "gemma2",
    "gemma3": "gemma3", "phi3": "phi3", "gpt2": "gpt2",
}  # fmt: skip
"""The checkpoints that are converted, and what llama.cpp calls them."""
PRE = {"llama-3": "llama-bpe", "qwen2": "qwen2", "qwen3": "qwen2", "gpt2": "gpt-2"}


def checkpoint(name):
    """Return config.json, the tensors and tokenizer.json of a checkpoint."""
    from attnexplain.models.checkpoint.tensors import open_tensors

    folder = FOLDER / name
    config, tokenizer = (json.loads((folder / file).read_text()) for file in ("config.json", "tokenizer.json"))
    return config, {name: tensor.numbers() for name, tensor in open_tensors(folder).items()}, tokenizer


def write(name, path, *, change=None, tensor_types=None, leave_out=()):
    """Convert a checkpoint.

    Args:
        name: of the checkpoint.
        path: of the file.
        change: a function of the metadata and tensors before they are written.
        tensor_types: for tensors by their names in the file, (numbers as bytes, type).
        leave_out: metadata that are not written.
    """
    config, tensors, tokenizer = checkpoint(name)
    architecture = ARCHITECTURES[name]
    metadata = metadata_of(name, architecture, config, tokenizer)
    converted = {new: array for old, array in tensors.items() if (new := renamed(architecture, old)) is not None}
    converted = {new: convert(architecture, new, array, config) for new, array in converted.items()}
    if name == "llama-3":
        converted["rope_freqs.weight"] = llama_3_factors(config)
    if name == "phi3":
        for which in ("short", "long"):
            factors = config["rope_parameters"][f"{which}_factor"]
            converted[f"rope_factors_{which}.weight"] = np.array(factors, dtype=np.float32)
    if change is not None:
        change(metadata, converted)
    save(
        path,
        architecture,
        {key: value for key, value in metadata.items() if key not in leave_out},
        converted,
        tensor_types,
    )
    return path


def save(path, architecture, metadata, tensors, tensor_types=None):
    """Write a file with the package of the format's makers."""
    import gguf

    writer = gguf.GGUFWriter(path, architecture)
    for key, value in metadata.items():
        if isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        elif isinstance(value, str):
            writer.add_string(key, value)
        else:
            writer.add_array(key, value)
    for name, array in tensors.items():
        data, kind = (tensor_types or {}).get(name, (None, None))
        if data is None:
            writer.add_tensor(name, np.ascontiguousarray(array, dtype=np.float32))
        else:
            writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def renamed(architecture, name):
    """Return what a tensor is called in the file."""
    table = OF_GPT_2 if architecture == "gpt2" else OF_GEMMA if architecture in ("gemma2", "gemma3") else OF_LLAMA
    stem, _, ending = name.rpartition(".")
    parts = stem.removeprefix("model.").removeprefix("transformer.").split(".")
    if parts[0] in ("layers", "h"):
        found = table.get(".".join(parts[2:]))
        return None if found is None else f"blk.{parts[1]}.{found}.{ending}"
    found = table.get(parts[-1])
    return None if found is None else f"{found}.{ending}"


def convert(architecture, name, array, config):
    """Do to a tensor what the converter does."""
    if architecture == "llama" and (".attn_q." in name or ".attn_k." in name):
        heads = config["num_attention_heads" if ".attn_q." in name else "num_key_value_heads"]
        shape = array.shape
        array = array.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)
    if architecture.startswith("gemma") and name.endswith("norm.weight"):
        array = array + 1
    if architecture == "gpt2" and name.endswith(
        (".attn_qkv.weight", ".attn_output.weight", ".ffn_up.weight", ".ffn_down.weight")
    ):
        array = array.T
    # llama.cpp divides by the root of the width of a head; these checkpoints have another number, to be a test
    scalar = config.get("query_pre_attn_scalar")
    if architecture == "gemma2" and ".attn_q." in name:
        array = array * np.float32(sqrt(config["head_dim"] / scalar))
    if architecture == "gemma3" and ".attn_q_norm." in name:
        array = array * np.float32(sqrt(config["head_dim"] / scalar))
    return array


def metadata_of(name, architecture, config, tokenizer):
    """Write what the converter writes."""
    if architecture == "gpt2":
        own = {
            "embedding_length": config["n_embd"], "block_count": config["n_layer"],
            "attention.head_count": config["n_head"], "context_length": config["n_positions"],
            "feed_forward_length": config.get("n_inner") or 4 * config["n_embd"],
            "attention.layer_norm_epsilon": config["layer_norm_epsilon"],
        }  # fmt: skip
    else:
        width = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
        rope = config["rope_parameters"]
        far = rope.get("full_attention", rope)
        own = {
            "embedding_length": config["hidden_size"], "feed_forward_length": config["intermediate_size"],
            "block_count": config["num_hidden_layers"], "attention.head_count": config["num_attention_heads"],
            "attention.head_count_kv": config["num_key_value_heads"], "attention.key_length": width,
            "attention.value_length": width, "attention.layer_norm_rms_epsilon": float(config["rms_norm_eps"]),
            "rope.freq_base": float(far["rope_theta"]), "context_length": config["max_position_embeddings"],
            "vocab_size": config["vocab_size"], "rope.dimension_count": width,
        }  # fmt: skip
        if config.get("sliding_window") and name in ("mistral", "gemma2", "gemma3", "phi3"):
            own["attention.sliding_window"] = config["sliding_window"]
        if name == "gemma2":
            own["attn_logit_softcapping"] = config["attn_logit_softcapping"]
        if name == "gemma3":
            own |= {
                "rope.freq_base_swa": float(rope["sliding_attention"]["rope_theta"]), "rope.scaling.type": "linear",
                "rope.scaling.factor": float(far["factor"]), "attention.sliding_window_pattern": 2,
            }  # fmt: skip
        if name == "qwen2":
            own |= {
                "rope.scaling.type": "yarn", "rope.scaling.factor": float(far["factor"]),
                "rope.scaling.original_context_length": far["original_max_position_embeddings"],
            }  # fmt: skip
        if name == "phi3":
            own["rope.scaling.original_context_length"] = far["original_max_position_embeddings"]
    return {f"{architecture}.{key}": value for key, value in own.items()} | vocabulary_of(name, tokenizer)


def vocabulary_of(name, tokenizer):
    """Write the vocabulary of a tokenizer.json: byte-level with its merges, or SentencePiece with scores."""
    vocabulary = dict(tokenizer["model"]["vocab"]) | {
        token["content"]: token["id"] for token in tokenizer["added_tokens"]
    }
    texts = [""] * (max(vocabulary.values()) + 1)
    for text, number in vocabulary.items():
        texts[number] = text
    special = {token["content"] for token in tokenizer["added_tokens"] if token["special"]}
    unknown = tokenizer["model"].get("unk_token")
    types = [2 if text == unknown else 3 if text in special else 6 if text.startswith("<0x") else 1 for text in texts]
    written = {"tokenizer.ggml.tokens": texts, "tokenizer.ggml.token_type": types}
    merges = tokenizer["model"]["merges"]
    if name in PRE:
        begins = {"tokenizer.ggml.add_bos_token": False}
        return written | begins | {
            "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": PRE[name],
            "tokenizer.ggml.merges": [" ".join(pair) for pair in merges],
        }  # fmt: skip
    rank = {left + right: place for place, (left, right) in reversed(list(enumerate(merges)))}
    scores = [-float(rank[text]) if text in rank else -1000.0 - number for number, text in enumerate(texts)]
    ids = {key: texts.index(text) for key, text in _named(tokenizer).items()}
    return written | {
        "tokenizer.ggml.model": "llama", "tokenizer.ggml.pre": "default", "tokenizer.ggml.scores": scores,
        "tokenizer.ggml.unknown_token_id": ids["unknown"], "tokenizer.ggml.bos_token_id": ids["bos"],
        "tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.add_space_prefix": not name.startswith("gemma"),
    }  # fmt: skip


def _named(tokenizer):
    texts = [token["content"] for token in tokenizer["added_tokens"]]
    return {"unknown": "<unk>", "bos": "<bos>" if "<bos>" in texts else "<s>"}


def llama_3_factors(config):
    """Return what frequencies are divided by, as the converter computes it from Llama 3.1's scaling."""
    rope, width = config["rope_parameters"], config["head_dim"]
    frequencies = rope["rope_theta"] ** (-np.arange(0, width, 2) / width)
    made_for, low, high = (
        rope[f"{key}"] for key in ("original_max_position_embeddings", "low_freq_factor", "high_freq_factor")
    )
    factors = []
    for frequency in frequencies:
        length = 2 * np.pi / frequency
        if length < made_for / high:
            factors.append(1.0)
        elif length > made_for / low:
            factors.append(rope["factor"])
        else:
            smooth = (made_for / length - low) / (high - low)
            factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(factors, dtype=np.float32)
