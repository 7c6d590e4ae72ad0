"""GPT-2: a layer normalizes before attention and before its second half; each token sees only what came before it.

Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint.layers import (
    attention_input_of_pre_norm,
    known_activation,
    next_states_of_pre_norm,
)
from attnexplain.models.checkpoint.layout import Entry, Family, Prediction, Sizes, check_positions, side_by_side

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Parameters, Segments

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
        layers=config.size("n_layer", "layers", default=12),
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


def first_states(parameters: Parameters, ids: Sequence[int], segments: Segments) -> Array:
    """Add the embeddings of each token and of its position."""
    p = parameters
    check_positions(len(ids), p.sizes.positions)
    added: Array = p("words", rows=ids) + p("positions", rows=range(len(ids)))  # [n, d_model]
    return added


FAMILY = Family(
    title="GPT-2",
    names=NAMES,
    prefixes=("", "transformer."),
    layer_key="n_layer",
    enters="the hidden states, normalized (ln_1)",
    sizes=sizes,
    first_states=first_states,
    attention_input=attention_input_of_pre_norm,
    next_states=next_states_of_pre_norm,
    places=side_by_side,
    prediction=Prediction("ln_f", is_tied=True),
)
