"""GPT-NeoX, whose layout Pythia has: a part of each vector is rotated, and both halves of a layer read side by side.

Black et al. 2022, arXiv:2204.06745; Biderman et al. 2023, arXiv:2304.01373.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint import llama
from attnexplain.models.checkpoint.layers import known_activation
from attnexplain.models.checkpoint.layout import Entry, Prediction, Sizes, head_by_head
from attnexplain.models.checkpoint.rope import read_rotation

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.config import Config

_D, _INNER = "hidden_size", "intermediate_size"
_SELF, _SECOND = "layers.{layer}.attention", "layers.{layer}.mlp"

NAMES = {
    "words": Entry("embed_in.weight", ("vocab_size", _D)),
    "before_attention_gain": Entry("layers.{layer}.input_layernorm.weight", (_D,)),
    "before_attention_shift": Entry("layers.{layer}.input_layernorm.bias", (_D,)),
    "w_qkv": Entry(f"{_SELF}.query_key_value.weight", (f"3 * {_D}", _D), transposed=True),
    "b_qkv": Entry(f"{_SELF}.query_key_value.bias", (f"3 * {_D}",)),
    "w_o": Entry(f"{_SELF}.dense.weight", (_D, _D), transposed=True),
    "b_o": Entry(f"{_SELF}.dense.bias", (_D,)),
    "before_second_gain": Entry("layers.{layer}.post_attention_layernorm.weight", (_D,)),
    "before_second_shift": Entry("layers.{layer}.post_attention_layernorm.bias", (_D,)),
    "w_in": Entry(f"{_SECOND}.dense_h_to_4h.weight", (_INNER, _D), transposed=True),
    "b_in": Entry(f"{_SECOND}.dense_h_to_4h.bias", (_INNER,)),
    "w_out": Entry(f"{_SECOND}.dense_4h_to_h.weight", (_D, _INNER), transposed=True),
    "b_out": Entry(f"{_SECOND}.dense_4h_to_h.bias", (_D,)),
}


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    heads = config.heads("num_attention_heads", _D)
    named = {
        _D: config.size(_D, "width"),
        _INNER: config.size(_INNER, "inner width"),
        "vocab_size": config.size("vocab_size", "rows"),
    }
    read = Sizes(
        layers=config.size("num_hidden_layers", "layers"),
        heads=heads,
        d_model=named[_D],
        positions=None,
        epsilon=config.number("layer_norm_eps", 1e-5),
        activation=known_activation(config.text("hidden_act", "gelu"), "hidden_act"),
        causal=True,
        named=named,
        absent=frozenset() if config.flag("attention_bias", default=True) else frozenset(("b_qkv", "b_o")),
        is_parallel=config.flag("use_parallel_residual", default=True),
    )
    rotation = read_rotation(config, read.d_k, part=0.25, base_key="rotary_emb_base", part_key="rotary_pct")
    return read.rotated_by(rotation)


FAMILY = replace(
    llama.FAMILY,
    title="GPT-NeoX",
    names=NAMES,
    prefixes=("gpt_neox.", ""),
    sizes=sizes,
    places=head_by_head,
    prediction=Prediction("final_layer_norm", matrix=("lm_head.weight", "embed_out.weight")),
)
