"""What llama.cpp calls the families, their metadata and their tensors; and what its converter did to the numbers.

Each architecture is a table: its model_type, what its metadata are in config.json, and what its tensors are called. The
families themselves are those of Hugging Face folders. References: llama.cpp, `convert_hf_to_gguf.py` and
`src/llama-model.cpp`; the gguf package, `constants.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.errors import CheckpointError
from attnexplain.models.checkpoint.config import LARGEST_SIZE, Config
from attnexplain.models.checkpoint.gguf.header import Header
from attnexplain.models.checkpoint.gguf.tensors import GgufTensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Found = Mapping[str, GgufTensor]

_LAYER, _BLOCK = "layers.{layer}", "blk.{layer}"
_SELF, _SECOND = f"{_LAYER}.self_attn", f"{_LAYER}.mlp"
LLAMA = {
    "embed_tokens": "token_embd",
    f"{_LAYER}.input_layernorm": f"{_BLOCK}.attn_norm",
    f"{_SELF}.q_proj": f"{_BLOCK}.attn_q",
    f"{_SELF}.k_proj": f"{_BLOCK}.attn_k",
    f"{_SELF}.v_proj": f"{_BLOCK}.attn_v",
    f"{_SELF}.o_proj": f"{_BLOCK}.attn_output",
    f"{_SELF}.q_norm": f"{_BLOCK}.attn_q_norm",
    f"{_SELF}.k_norm": f"{_BLOCK}.attn_k_norm",
    f"{_LAYER}.post_attention_layernorm": f"{_BLOCK}.ffn_norm",
    f"{_SECOND}.gate_proj": f"{_BLOCK}.ffn_gate",
    f"{_SECOND}.up_proj": f"{_BLOCK}.ffn_up",
    f"{_SECOND}.down_proj": f"{_BLOCK}.ffn_down",
    "norm": "output_norm",
    "lm_head": "output",
}
"""What the tensors of a family are called in the file, without .weight and .bias."""
WITH_NORMS_BEHIND = LLAMA | {
    f"{_LAYER}.post_attention_layernorm": f"{_BLOCK}.post_attention_norm",
    f"{_LAYER}.pre_feedforward_layernorm": f"{_BLOCK}.ffn_norm",
    f"{_LAYER}.post_feedforward_layernorm": f"{_BLOCK}.post_ffw_norm",
}
FUSED = LLAMA | {f"{_SELF}.qkv_proj": f"{_BLOCK}.attn_qkv", f"{_SECOND}.gate_up_proj": f"{_BLOCK}.ffn_up"}
GPT_2 = {
    "wte": "token_embd",
    "wpe": "position_embd",
    "h.{layer}.ln_1": f"{_BLOCK}.attn_norm",
    "h.{layer}.attn.c_attn": f"{_BLOCK}.attn_qkv",
    "h.{layer}.attn.c_proj": f"{_BLOCK}.attn_output",
    "h.{layer}.ln_2": f"{_BLOCK}.ffn_norm",
    "h.{layer}.mlp.c_fc": f"{_BLOCK}.ffn_up",
    "h.{layer}.mlp.c_proj": f"{_BLOCK}.ffn_down",
    "ln_f": "output_norm",
    "lm_head": "output",
}
KEYS = {
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "block_count": "num_hidden_layers",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "attention.layer_norm_rms_epsilon": "rms_norm_eps",
    "rope.freq_base": "rope_theta",
    "context_length": "max_position_embeddings",
}
"""What the metadata of an architecture are in config.json, without its name before them."""
KEYS_OF_GPT_2 = {
    "embedding_length": "n_embd",
    "feed_forward_length": "n_inner",
    "block_count": "n_layer",
    "attention.head_count": "n_head",
    "attention.layer_norm_epsilon": "layer_norm_epsilon",
    "context_length": "n_positions",
}
UNUSED = frozenset(
    (
        "vocab_size", "attention.value_length", "rope.dimension_count", "rope.scaling.type", "rope.scaling.factor",
        "rope.scaling.original_context_length", "rope.scaling.attn_factor", "rope.scaling.finetuned",
        "tensor_data_layout", "attention.sliding_window", "attn_logit_softcapping",
        "attention.causal", "rope.freq_base_swa", "attention.sliding_window_pattern",
        "rope.scaling.yarn_log_multiplier", "attention.key_length_swa", "attention.value_length_swa",
        "rope.dimension_count_swa",
    )
)  # fmt: skip
"""Metadata that are read in another way, or say nothing that the tensors do not."""


@dataclass(frozen=True)
class Architecture:
    """How one architecture of llama.cpp is the family of a model_type."""

    kind: str
    """The model_type of the family."""
    names: Mapping[str, str]
    keys: Mapping[str, str]
    more: Callable[[Metadata, Found], Mapping[str, Any]]
    """Reads what this architecture has beside that."""
    is_permuted: bool = False
    """Whether the rows of queries and keys were put in the order in which neighbours are rotated."""
    added_to_norms: float = 0.0
    """What was added to each number of a norm."""
    turned: Sequence[str] = ()
    """What ends the names of matrices that the family has as (in, out)."""
    embedding: str = "embed_tokens"


class Metadata:
    """The metadata of an architecture, with the kinds that they must have."""

    def __init__(self, header: Header) -> None:
        self.all = header.metadata
        self.name = self.text("general.architecture")
        self._read: set[str] = set()

    def get(self, key: str) -> Any:
        """Return what this architecture has at a key; None where there is nothing."""
        self._read.add(key)
        return self.all.get(f"{self.name}.{key}")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text at a whole key."""
        value = self.all.get(key, default)
        if not isinstance(value, str):
            raise CheckpointError(f"its metadata have no text {key}")
        return value

    def number(self, key: str, default: float | None = None) -> float | None:
        """Return a number of this architecture."""
        value = self.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise CheckpointError(f"{self.name}.{key} = {str(value)[:40]!r} is not a number")
        return value

    def refuse_unread(self) -> None:
        """Refuse what this architecture says and nothing here has read: it would be passed over without a word."""
        start = f"{self.name}."
        for key, value in self.all.items():
            short = key.removeprefix(start)
            if key.startswith(start) and short not in self._read | UNUSED and not _says_nothing(value):
                raise CheckpointError(
                    f"{key} = {str(value)[:40]!r} is not known for this architecture, and may change it"
                )


def _says_nothing(value: Any) -> bool:
    return value is False or (not isinstance(value, str | bytes | list | np.ndarray) and value == 0)


def _rotation(read: Metadata) -> dict[str, Any]:
    """Read how rotations were scaled, as rope_scaling in config.json says it."""
    kind, factor = read.get("rope.scaling.type"), read.number("rope.scaling.factor", 1.0)
    if kind in (None, "none"):
        return {}
    if kind == "linear":
        return {"rope_scaling": {"rope_type": "linear", "factor": factor}}
    if kind == "yarn":
        original = read.number("rope.scaling.original_context_length")
        said = {"rope_type": "yarn", "factor": factor}
        return {"rope_scaling": said | ({} if original is None else {"original_max_position_embeddings": original})}
    raise CheckpointError(f"{read.name}.rope.scaling.type = {str(kind)[:40]!r} is not known here")


def _of_llama(read: Metadata, found: Found) -> dict[str, Any]:
    said = _rotation(read)
    if "blk.0.attn_output.bias" in found:
        said["attention_bias"] = True
    if "blk.0.ffn_down.bias" in found:
        said["mlp_bias"] = True
    return said


def _of_mistral(read: Metadata, found: Found) -> dict[str, Any]:
    return _of_llama(read, found) | {"sliding_window": read.number("attention.sliding_window")}


def _of_qwen(read: Metadata, found: Found) -> dict[str, Any]:
    return _rotation(read)


def _of_gemma_2(read: Metadata, found: Found) -> dict[str, Any]:
    return {
        "sliding_window": read.number("attention.sliding_window", 4096),
        "attn_logit_softcapping": read.number("attn_logit_softcapping", 50.0),
        "final_logit_softcapping": read.number("final_logit_softcapping"),
        "query_pre_attn_scalar": _scalar(read, layers_of_largest=46),
    }


def _of_gemma_3(read: Metadata, found: Found) -> dict[str, Any]:
    pattern = read.number("attention.sliding_window_pattern", 6)
    return _rotation(read) | {
        "sliding_window": read.number("attention.sliding_window", 1024),
        "sliding_window_pattern": pattern,
        "rope_local_base_freq": read.number("rope.freq_base_swa", 10_000.0),
        "query_pre_attn_scalar": _scalar(read, layers_of_largest=62),
        "rope_theta": read.number("rope.freq_base", 1_000_000.0),
        "final_logit_softcapping": read.number("final_logit_softcapping"),
    }


def _scalar(read: Metadata, layers_of_largest: int) -> float | None:
    """Say what scores are divided by the root of: d_k; in the largest model d_model / heads, as llama.cpp has it."""
    if read.number("block_count") == layers_of_largest:
        width, heads = read.number("embedding_length"), read.number("attention.head_count")
        return width / heads if width and heads else None
    return read.number("attention.key_length", 256)


def _of_phi(read: Metadata, found: Found) -> dict[str, Any]:
    said: dict[str, Any] = {"sliding_window": read.number("attention.sliding_window")}
    width, heads = read.number("embedding_length"), read.number("attention.head_count")
    rotated = read.number("rope.dimension_count")
    if rotated and width and heads and rotated != width / heads:
        said["partial_rotary_factor"] = rotated / (width / heads)
    if "rope_factors_short.weight" in found:
        short, long = (found[f"rope_factors_{which}.weight"].numbers().ravel().tolist() for which in ("short", "long"))
        scaling = {"rope_type": "longrope", "short_factor": short, "long_factor": long}
        stretch = read.number("rope.scaling.attn_factor")
        said["rope_scaling"] = scaling | ({} if stretch is None else {"attention_factor": stretch})
        said["original_max_position_embeddings"] = read.number("rope.scaling.original_context_length", 4096)
    return said


def _of_gpt_2(read: Metadata, found: Found) -> dict[str, Any]:
    return {}


ARCHITECTURES: Mapping[str, Architecture] = {
    "llama": Architecture("llama", LLAMA, KEYS, _of_llama, is_permuted=True),
    "qwen2": Architecture("qwen2", LLAMA, KEYS, _of_qwen),
    "qwen3": Architecture("qwen3", LLAMA, KEYS, _of_llama),
    "gemma": Architecture("gemma", LLAMA, KEYS, _of_qwen, added_to_norms=1.0),
    "gemma2": Architecture("gemma2", WITH_NORMS_BEHIND, KEYS, _of_gemma_2, added_to_norms=1.0),
    "gemma3": Architecture("gemma3_text", WITH_NORMS_BEHIND, KEYS, _of_gemma_3, added_to_norms=1.0),
    "phi3": Architecture("phi3", FUSED, KEYS, _of_phi),
    "gpt2": Architecture(
        "gpt2", GPT_2, KEYS_OF_GPT_2, _of_gpt_2,
        turned=("c_attn.weight", "c_proj.weight", "c_fc.weight"), embedding="wte",
    ),
}  # fmt: skip
"""By what general.architecture says."""
MISTRAL = replace(ARCHITECTURES["llama"], kind="mistral", more=_of_mistral)
"""What llama.cpp also calls llama, and has a window."""
ELSEWHERE = frozenset(("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"))
"""Tensors that no family has a role for, and that say how queries and keys are rotated."""


def architecture_of(header: Header) -> Architecture:
    """Return the architecture of a file.

    Raises:
        CheckpointError: it is not known here.
    """
    read = Metadata(header)
    if read.name not in ARCHITECTURES:
        raise CheckpointError(
            f"general.architecture = {read.name[:40]!r} is not one of those that are read here",
            hint=f"these are: {', '.join(ARCHITECTURES)}",
        )
    if read.get("expert_count"):
        raise CheckpointError(f"{read.name} with experts is not read here: its second half is made of several")
    has_window = read.name == "llama" and read.get("attention.sliding_window")
    return MISTRAL if has_window else ARCHITECTURES[read.name]


def config_of(header: Header, found: Found) -> Config:
    """Write what the metadata say as config.json has it.

    Raises:
        CheckpointError: something is missing, or not known.
    """
    architecture, read = architecture_of(header), Metadata(header)
    keys: dict[str, Any] = {"model_type": architecture.kind}
    for key, name in architecture.keys.items():
        if (value := read.get(key)) is not None:
            keys[name] = _one(f"{read.name}.{key}", value)
    keys |= {name: value for name, value in architecture.more(read, found).items() if value is not None}
    for name, value in keys.items():
        if isinstance(value, float) and value.is_integer() and name not in ("rms_norm_eps", "rope_theta"):
            keys[name] = int(value)
    words = found.get("token_embd.weight")
    if words is None:
        raise CheckpointError("the tensor token_embd.weight is missing")
    keys["vocab_size"] = words.info.shape[0]
    keys["tie_word_embeddings"] = True  # where the file has no matrix of its own
    read.get("expert_count")
    read.get("expert_used_count")
    read.refuse_unread()
    return Config(keys, "its metadata")


def _one(key: str, value: Any) -> Any:
    """Return a value that is the same for all layers."""
    if not isinstance(value, np.ndarray):
        return value
    distinct = set(value[: LARGEST_SIZE["layers"] + 1].tolist())
    if len(distinct) != 1:
        raise CheckpointError(f"{key} differs from layer to layer, which is not read here")
    return distinct.pop()


def renamed(architecture: Architecture, found: Found, config: Config) -> tuple[dict[str, GgufTensor], dict[str, str]]:
    """Give the tensors the names that their family has for them, and undo what the converter did to them.

    Returns:
        The tensors by the names of the family; and what each of these names is in the file.

    Raises:
        CheckpointError: a tensor has no role in the family.
    """
    layers = config.size("num_hidden_layers" if architecture.kind != "gpt2" else "n_layer", "layers", default=12)
    by_name: dict[str, GgufTensor] = {}
    called: dict[str, str] = {}
    for pattern, of_file in architecture.names.items():
        for layer in range(layers + 1) if "{layer}" in pattern else (0,):
            for ending in (".weight", ".bias"):
                name, there = (text.format(layer=layer) + ending for text in (pattern, of_file))
                called[name] = there
                if there in found:
                    by_name[name] = _undone(architecture, name, found[there], config)
    strange = set(found) - set(called.values()) - ELSEWHERE
    if strange:
        raise CheckpointError(f"the tensor {min(strange)} is not known for this architecture, and may change it")
    return by_name, called


def _undone(architecture: Architecture, name: str, tensor: GgufTensor, config: Config) -> GgufTensor:
    """Undo what the converter of llama.cpp did to a tensor."""
    if architecture.added_to_norms and name.endswith("norm.weight"):
        return replace(tensor, added=architecture.added_to_norms)
    if architecture.is_permuted and ".self_attn." in name and name.split(".")[-2] in ("q_proj", "k_proj"):
        heads = config.size("num_attention_heads", "heads")
        heads = heads if "q_proj" in name else config.size("num_key_value_heads", "heads", default=heads)
        return replace(tensor, order=order_of_halves(tensor.info.shape[0], heads))
    if name.endswith(tuple(architecture.turned)) and len(tensor.info.shape) == 2:
        return replace(tensor, is_turned=True)
    return tensor


def order_of_halves(rows: int, heads: int) -> NDArray[np.intp]:
    """Say which row of the file is each row of the original: there partners are neighbours, here half a head apart.

    >>> order_of_halves(8, 2)  # two heads of four places
    array([0, 2, 1, 3, 4, 6, 5, 7])
    """
    if rows % (2 * heads):
        raise CheckpointError(f"{rows} rows of queries or keys are no {heads} heads of pairs")
    order: NDArray[np.intp] = np.arange(rows).reshape(heads, rows // heads // 2, 2).swapaxes(1, 2).ravel()
    return order
