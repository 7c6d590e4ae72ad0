"""ModernBERT: an encoder with rotation, windows in two of three layers, and norms before both halves.

Warner et al. 2024, arXiv:2412.13663.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint.layers import (
    attention_input_of_pre_norm,
    known_activation,
    next_states_of_pre_norm,
    normalized,
)
from attnexplain.models.checkpoint.layout import Entry, Family, Prediction, Sizes, side_by_side
from attnexplain.models.checkpoint.rope import FULL, SLIDING, read_rotation

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Parameters, Segments

_D, _INNER = "hidden_size", "intermediate_size"
_SELF, _SECOND = "layers.{layer}.attn", "layers.{layer}.mlp"

NAMES = {
    "words": Entry("embeddings.tok_embeddings.weight", ("vocab_size", _D)),
    "first_gain": Entry("embeddings.norm.weight", (_D,)),
    "first_shift": Entry("embeddings.norm.bias", (_D,)),
    "before_attention_gain": Entry("layers.{layer}.attn_norm.weight", (_D,), first_layer=1),
    "before_attention_shift": Entry("layers.{layer}.attn_norm.bias", (_D,), first_layer=1),
    "w_qkv": Entry(f"{_SELF}.Wqkv.weight", (f"3 * {_D}", _D), transposed=True),
    "b_qkv": Entry(f"{_SELF}.Wqkv.bias", (f"3 * {_D}",)),
    "w_o": Entry(f"{_SELF}.Wo.weight", (_D, _D), transposed=True),
    "b_o": Entry(f"{_SELF}.Wo.bias", (_D,)),
    "before_second_gain": Entry("layers.{layer}.mlp_norm.weight", (_D,)),
    "before_second_shift": Entry("layers.{layer}.mlp_norm.bias", (_D,)),
    "w_gate_up": Entry(f"{_SECOND}.Wi.weight", (f"2 * {_INNER}", _D), transposed=True),
    "b_gate_up": Entry(f"{_SECOND}.Wi.bias", (f"2 * {_INNER}",)),
    "w_out": Entry(f"{_SECOND}.Wo.weight", (_D, _INNER), transposed=True),
    "b_out": Entry(f"{_SECOND}.Wo.bias", (_D,)),
}


def sizes(config: Config) -> Sizes:
    """Read what config.json says: every third layer sees all, the others half of local_attention to each side."""
    named = {
        _D: config.size(_D, "width"),
        _INNER: config.size(_INNER, "inner width"),
        "vocab_size": config.size("vocab_size", "rows"),
    }
    absent = {
        *(() if config.flag("attention_bias", default=False) else ("b_qkv", "b_o")),
        *(() if config.flag("mlp_bias", default=False) else ("b_gate_up", "b_out")),
        *(
            ()
            if config.flag("norm_bias", default=False)
            else ("first_shift", "before_attention_shift", "before_second_shift")
        ),
    }
    read = Sizes(
        layers=config.size("num_hidden_layers", "layers"),
        heads=config.heads("num_attention_heads", _D),
        d_model=named[_D],
        positions=None,
        epsilon=config.number("norm_eps", 1e-5),
        activation=known_activation(config.text("hidden_activation", "gelu"), "hidden_activation"),
        causal=False,
        named=named,
        absent=frozenset(absent),
    )
    every = config.size("global_attn_every_n_layers", "layers", default=3)
    usual = [SLIDING if layer % every else FULL for layer in range(read.layers)]
    types = config.choices("layer_types", read.layers, (SLIDING, FULL)) or usual
    window = config.size("local_attention", "rows", default=128) // 2 + 1
    near = read_rotation(config, read.d_k, layer_type=SLIDING, base_key="local_rope_theta")
    far = read_rotation(config, read.d_k, layer_type=FULL, base_key="global_rope_theta", base=160_000.0)
    return replace(
        read,
        windows=tuple(window if kind == SLIDING else None for kind in types),
        rotations=tuple(near if kind == SLIDING else far for kind in types),
    )


def first_states(parameters: Parameters, ids: Sequence[int], segments: Segments) -> Array:
    """Take the embedding of each token, and normalize it."""
    embeddings: Array = parameters("words", rows=ids)
    return normalized(parameters, "first", 0, embeddings)


def absent_behind(config: Config) -> frozenset[str]:
    """Say which biases do not stand behind the last layer."""
    biases = {
        "head.dense.bias": config.flag("classifier_bias", default=False),
        "decoder.bias": config.flag("decoder_bias", default=True),
        "head.norm.bias": config.flag("norm_bias", default=False),
        "final_norm.bias": config.flag("norm_bias", default=False),
    }
    return frozenset(name for name, is_there in biases.items() if not is_there)


FAMILY = Family(
    title="ModernBERT",
    names=NAMES,
    prefixes=("model.", ""),
    layer_key="num_hidden_layers",
    enters="the hidden states, normalized (attn_norm)",
    sizes=sizes,
    first_states=first_states,
    attention_input=attention_input_of_pre_norm,
    next_states=next_states_of_pre_norm,
    places=side_by_side,
    prediction=Prediction(
        final_norm="final_norm",
        dense="head.dense",
        dense_norm="head.norm",
        activation="gelu",
        activation_key="classifier_activation",
        matrix=("decoder.weight",),
        bias=("decoder.bias",),
        is_tied=True,
        absent=absent_behind,
    ),
    harmless=frozenset(
        ("position_embedding_type", "layer_norm_eps", "decoder_bias", "sparse_prediction", "sparse_pred_ignore_index")
    ),
)
