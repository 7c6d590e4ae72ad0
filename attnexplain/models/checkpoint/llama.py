"""Llama: RMS norms, rotated queries and keys, a gated second half; heads of queries share heads of keys and values.

Touvron et al. 2023, arXiv:2302.13971; Grattafiori et al. 2024, arXiv:2407.21783. Most newer models are this one with
something added: their files say what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint.layers import (
    attention_input_of_pre_norm,
    known_activation,
    next_states_of_pre_norm,
)
from attnexplain.models.checkpoint.layout import Entry, Family, Prediction, Sizes, check_positions
from attnexplain.models.checkpoint.rope import FULL, SLIDING, read_rotation

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Parameters, Segments

_D, _INNER = "hidden_size", "intermediate_size"
_ALL_QUERIES, _ALL_KEYS = "num_attention_heads * head_dim", "num_key_value_heads * head_dim"
_SELF, _SECOND = "layers.{layer}.self_attn", "layers.{layer}.mlp"

NAMES = {
    "words": Entry("embed_tokens.weight", ("vocab_size", _D)),
    "before_attention_gain": Entry("layers.{layer}.input_layernorm.weight", (_D,)),
    "w_q": Entry(f"{_SELF}.q_proj.weight", (_ALL_QUERIES, _D), transposed=True),
    "b_q": Entry(f"{_SELF}.q_proj.bias", (_ALL_QUERIES,)),
    "w_k": Entry(f"{_SELF}.k_proj.weight", (_ALL_KEYS, _D), transposed=True),
    "b_k": Entry(f"{_SELF}.k_proj.bias", (_ALL_KEYS,)),
    "w_v": Entry(f"{_SELF}.v_proj.weight", (_ALL_KEYS, _D), transposed=True),
    "b_v": Entry(f"{_SELF}.v_proj.bias", (_ALL_KEYS,)),
    "w_o": Entry(f"{_SELF}.o_proj.weight", (_D, _ALL_QUERIES), transposed=True),
    "b_o": Entry(f"{_SELF}.o_proj.bias", (_D,)),
    "before_second_gain": Entry("layers.{layer}.post_attention_layernorm.weight", (_D,)),
    "w_gate": Entry(f"{_SECOND}.gate_proj.weight", (_INNER, _D), transposed=True),
    "b_gate": Entry(f"{_SECOND}.gate_proj.bias", (_INNER,)),
    "w_up": Entry(f"{_SECOND}.up_proj.weight", (_INNER, _D), transposed=True),
    "b_up": Entry(f"{_SECOND}.up_proj.bias", (_INNER,)),
    "w_out": Entry(f"{_SECOND}.down_proj.weight", (_D, _INNER), transposed=True),
    "b_out": Entry(f"{_SECOND}.down_proj.bias", (_D,)),
}

OF_HEADS = {
    "query_gain": Entry(f"{_SELF}.q_norm.weight", ("head_dim",)),
    "key_gain": Entry(f"{_SELF}.k_norm.weight", ("head_dim",)),
}
"""The norms of queries and keys."""
OF_VECTORS, OF_OUTPUT, OF_SECOND = (
    frozenset(("b_q", "b_k", "b_v")),
    frozenset(("b_o",)),
    frozenset(("b_gate", "b_up", "b_out")),
)
"""Biases by what has them."""


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    read = read_sizes(config)
    return read.rotated_by(read_rotation(config, read.d_k))


def read_sizes(
    config: Config, *, head_dim: int | None = None, kv_heads: int | None = None, activation: str = "silu",
    activation_key: str = "hidden_act",
) -> Sizes:  # fmt: skip
    """Read what models of this kind have in common; rotation and windows are another matter.

    Args:
        config: of the model.
        head_dim: the width of a head, where config.json does not give it; a part of hidden_size unless given.
        kv_heads: how many heads of keys there are, where it does not say; as many as heads unless given.
        activation: where it names none.
        activation_key: what it calls the activation.
    """
    width, heads = config.size(_D, "width"), config.size("num_attention_heads", "heads")
    if head_dim is None and config.get("head_dim") is None:
        config.heads("num_attention_heads", _D)
    d_k = config.size("head_dim", "width", default=head_dim or max(width // heads, 1))
    shared = config.size("num_key_value_heads", "heads", default=kv_heads or heads)
    if heads % shared:
        raise config.error(f"num_attention_heads = {heads} is not a multiple of num_key_value_heads = {shared}")
    named = {
        _D: width,
        _INNER: config.size(_INNER, "inner width"),
        "vocab_size": config.size("vocab_size", "rows"),
        "num_attention_heads": heads,
        "num_key_value_heads": shared,
        "head_dim": d_k,
    }
    absent = frozenset() if config.flag("attention_bias", default=False) else OF_VECTORS | OF_OUTPUT
    absent |= frozenset() if config.flag("mlp_bias", default=False) else OF_SECOND
    return Sizes(
        layers=config.size("num_hidden_layers", "layers"),
        heads=heads,
        kv_heads=shared,
        d_k=d_k,
        d_model=width,
        positions=None,
        epsilon=config.number("rms_norm_eps", 1e-6),
        activation=known_activation(config.text(activation_key, activation), activation_key),
        causal=True,
        named=named,
        norm="rms",
        absent=absent,
    )


WINDOW = 4096
"""How far layers with a window see where config.json does not say; null in it means no window."""


def read_window(config: Config, default: int | None = None) -> int | None:
    """Read how many words a layer with a window sees, itself too."""
    if config.is_null("sliding_window"):
        return None
    if config.get("sliding_window") is None:
        return default
    return config.size("sliding_window", "rows")


def read_windows(config: Config, layer_types: Sequence[str], default: int | None = WINDOW) -> tuple[int | None, ...]:
    """Give a window to the layers that have one: those that config.json says, or else these."""
    types = config.choices("layer_types", len(layer_types), (SLIDING, FULL)) or layer_types
    window = read_window(config, default)
    if SLIDING in types and window is None:
        raise config.error("layer_types has layers with a window, and sliding_window is missing")
    return tuple(window if kind == SLIDING else None for kind in types)


def first_states(parameters: Parameters, ids: Sequence[int], segments: Segments) -> Array:
    """Take the embedding of each token; where it stands is told by rotation."""
    p = parameters
    check_positions(len(ids), p.sizes.positions)
    embeddings: Array = p("words", rows=ids)
    return embeddings if p.sizes.embedding_scale == 1 else embeddings * embeddings.dtype.type(p.sizes.embedding_scale)


PREDICTION = Prediction("norm")
TIED = replace(PREDICTION, is_tied=True)
FAMILY = Family(
    title="Llama",
    names=NAMES,
    prefixes=("model.", ""),
    layer_key="num_hidden_layers",
    enters="the hidden states, normalized (input_layernorm)",
    sizes=sizes,
    first_states=first_states,
    attention_input=attention_input_of_pre_norm,
    next_states=next_states_of_pre_norm,
    prediction=PREDICTION,
)
