"""GPT-2: a layer normalizes before attention and before its second half; each token sees only what came before it.

Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.models.checkpoint.layers import ACTIVATIONS, affine, heads_of, known_activation, layer_norm
from attnexplain.models.checkpoint.layout import Entry, Sizes, check_positions

if TYPE_CHECKING:
    from attnexplain.attention import Array, Head
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Parameters

PREFIXES = ("", "transformer.")
LAYER_KEY = "n_layer"
ENTERS = "the hidden states, normalized (ln_1)"

# The matrices are stored as the formulas want them, (in, out); queries, keys and values lie side by side in one.
NAMES = {
    "words": Entry("wte.weight", ("vocab_size", "n_embd")),
    "positions": Entry("wpe.weight", ("n_positions", "n_embd")),
    "before_attention_gain": Entry("h.{layer}.ln_1.weight", ("n_embd",)),
    "before_attention_shift": Entry("h.{layer}.ln_1.bias", ("n_embd",)),
    "w_qkv": Entry("h.{layer}.attn.c_attn.weight", ("n_embd", "3 * n_embd")),
    "b_qkv": Entry("h.{layer}.attn.c_attn.bias", ("3 * n_embd",)),
    "w_o": Entry("h.{layer}.attn.c_proj.weight", ("n_embd", "n_embd")),
    "b_o": Entry("h.{layer}.attn.c_proj.bias", ("n_embd",)),
    "before_second_gain": Entry("h.{layer}.ln_2.weight", ("n_embd",)),
    "before_second_shift": Entry("h.{layer}.ln_2.bias", ("n_embd",)),
    "w_in": Entry("h.{layer}.mlp.c_fc.weight", ("n_embd", "n_inner")),
    "b_in": Entry("h.{layer}.mlp.c_fc.bias", ("n_inner",)),
    "w_out": Entry("h.{layer}.mlp.c_proj.weight", ("n_inner", "n_embd")),
    "b_out": Entry("h.{layer}.mlp.c_proj.bias", ("n_embd",)),
}


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    width = config.size("n_embd", "width", default=768)
    named = {
        "n_embd": width,
        "n_inner": config.size("n_inner", "inner width", default=4 * width),
        "vocab_size": config.size("vocab_size", "rows"),
        "n_positions": config.size("n_positions", "rows", default=1024),
    }
    heads_count = config.heads("n_head", "n_embd", default=12, default_width=768)
    return Sizes(
        layers=config.size(LAYER_KEY, "layers", default=12),
        heads=heads_count,
        d_model=width,
        positions=named["n_positions"],
        epsilon=config.number("layer_norm_epsilon", 1e-5),
        activation=known_activation(config.text("activation_function", "gelu_new"), "activation_function"),
        causal=True,
        scale=sqrt(width // heads_count) if config.flag("scale_attn_weights", default=True) else 1.0,
        scale_grows=config.flag("scale_attn_by_inverse_layer_idx", default=False),
        named=named,
    )


def first_states(parameters: Parameters, ids: Sequence[int]) -> Array:
    """Add the embeddings of each token and of its position."""
    p = parameters
    check_positions(len(ids), p.sizes.positions)
    added: Array = p("words", rows=ids) + p("positions", rows=range(len(ids)))  # [n, d_model]
    return added


def attention_input(parameters: Parameters, layer: int, states: Array) -> Array:
    """Attention reads the hidden states normalized."""
    p = parameters
    return layer_norm(states, p("before_attention_gain", layer), p("before_attention_shift", layer), p.sizes.epsilon)


def heads(parameters: Parameters, layer: int) -> list[Head]:
    """Cut the matrix of a layer into queries, keys and values, and each into heads."""
    p = parameters
    matrices, biases = (np.split(p(role, layer), 3, axis=-1) for role in ("w_qkv", "b_qkv"))
    return heads_of(matrices, biases, p.sizes.heads)


def next_states(parameters: Parameters, layer: int, states: Array, contexts: Array) -> Array:
    """Add to the hidden states what attention found, and then what the second half makes of it."""
    p = parameters
    attended = states + affine(contexts, p("w_o", layer), p("b_o", layer))
    gain, shift = p("before_second_gain", layer), p("before_second_shift", layer)
    inner = affine(layer_norm(attended, gain, shift, p.sizes.epsilon), p("w_in", layer), p("b_in", layer))
    result: Array = attended + affine(ACTIVATIONS[p.sizes.activation](inner), p("w_out", layer), p("b_out", layer))
    return result
