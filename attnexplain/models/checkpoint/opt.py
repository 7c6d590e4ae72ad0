"""OPT: GPT's decoder with positions counted from 2, and norms before both halves or, in one size, behind them.

Zhang et al. 2022, arXiv:2205.01068. Its queries are divided by √d_k before the product, which is the scale here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint.layers import (
    attention_input_of_pre_norm,
    known_activation,
    next_states_of_post_norm,
    next_states_of_pre_norm,
)
from attnexplain.models.checkpoint.layout import Entry, Family, Prediction, Sizes, check_positions

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Parameters, Segments

_D, _INNER, _E = "hidden_size", "ffn_dim", "word_embed_proj_dim"
_LAYER = "layers.{layer}"
_SELF = f"{_LAYER}.self_attn"
OFFSET = 2
"""The row of the first position; not in config.json."""

NAMES = {
    "words": Entry("embed_tokens.weight", ("vocab_size", _E)),
    "positions": Entry("embed_positions.weight", ("max_position_embeddings + 2", _D)),
    "w_wider": Entry("project_in.weight", (_D, _E), transposed=True),
    "w_q": Entry(f"{_SELF}.q_proj.weight", (_D, _D), transposed=True),
    "b_q": Entry(f"{_SELF}.q_proj.bias", (_D,)),
    "w_k": Entry(f"{_SELF}.k_proj.weight", (_D, _D), transposed=True),
    "b_k": Entry(f"{_SELF}.k_proj.bias", (_D,)),
    "w_v": Entry(f"{_SELF}.v_proj.weight", (_D, _D), transposed=True),
    "b_v": Entry(f"{_SELF}.v_proj.bias", (_D,)),
    "w_o": Entry(f"{_SELF}.out_proj.weight", (_D, _D), transposed=True),
    "b_o": Entry(f"{_SELF}.out_proj.bias", (_D,)),
    "before_attention_gain": Entry(f"{_LAYER}.self_attn_layer_norm.weight", (_D,)),
    "before_attention_shift": Entry(f"{_LAYER}.self_attn_layer_norm.bias", (_D,)),
    "attention_gain": Entry(f"{_LAYER}.self_attn_layer_norm.weight", (_D,)),
    "attention_shift": Entry(f"{_LAYER}.self_attn_layer_norm.bias", (_D,)),
    "w_in": Entry(f"{_LAYER}.fc1.weight", (_INNER, _D), transposed=True),
    "b_in": Entry(f"{_LAYER}.fc1.bias", (_INNER,)),
    "w_out": Entry(f"{_LAYER}.fc2.weight", (_D, _INNER), transposed=True),
    "b_out": Entry(f"{_LAYER}.fc2.bias", (_D,)),
    "before_second_gain": Entry(f"{_LAYER}.final_layer_norm.weight", (_D,)),
    "before_second_shift": Entry(f"{_LAYER}.final_layer_norm.bias", (_D,)),
    "output_gain": Entry(f"{_LAYER}.final_layer_norm.weight", (_D,)),
    "output_shift": Entry(f"{_LAYER}.final_layer_norm.bias", (_D,)),
}
"""The same norms under the roles that they have before a half and behind it; config.json says which it is."""
_BEFORE = frozenset(role for role in NAMES if role.startswith("before_"))
_BEHIND = frozenset(role for role in NAMES if role.startswith(("attention_", "output_")))
_BIASES = frozenset(role for role in NAMES if role.startswith("b_"))


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    if not config.flag("layer_norm_elementwise_affine", default=True):
        raise config.error("layer_norm_elementwise_affine = false is not supported")
    width = config.size(_D, "width", default=768)
    named = {
        _D: width,
        _INNER: config.size(_INNER, "inner width", default=3072),
        _E: config.size(_E, "width", default=width),
        "vocab_size": config.size("vocab_size", "rows"),
        "max_position_embeddings": config.size("max_position_embeddings", "rows", default=2048),
    }
    unused = _BEHIND if config.flag("do_layer_norm_before", default=True) else _BEFORE
    absent = frozenset() if config.flag("enable_bias", default=True) else _BIASES
    absent |= frozenset(("w_wider",)) if named[_E] == width else frozenset()
    return Sizes(
        layers=config.size("num_hidden_layers", "layers", default=12),
        heads=config.heads("num_attention_heads", _D, default=12, default_width=768),
        d_model=width,
        positions=named["max_position_embeddings"],
        epsilon=1e-5,  # not in config.json; PyTorch has it in the code
        activation=known_activation(config.text("activation_function", "relu"), "activation_function"),
        causal=True,
        named=named,
        absent=absent,
        unused=unused,
    )


def first_states(parameters: Parameters, ids: Sequence[int], segments: Segments) -> Array:
    """Add the embeddings of each token, made as wide as the layers, and of its position."""
    p = parameters
    check_positions(len(ids), p.sizes.positions)
    embeddings: Array = p("words", rows=ids)
    wide = p.product(embeddings, "w_wider") if "w_wider" in p else embeddings
    added: Array = wide + p("positions", rows=range(OFFSET, OFFSET + len(ids)))
    return added


def next_states(parameters: Parameters, layer: int, states: Array, contexts: Array) -> Array:
    """Finish a layer with its norms where this model has them."""
    is_before = "before_attention_gain" in parameters
    return (next_states_of_pre_norm if is_before else next_states_of_post_norm)(parameters, layer, states, contexts)


def absent_behind(config: Config) -> frozenset[str]:
    """Say what does not stand behind the last layer."""
    has_norm = config.flag("do_layer_norm_before", default=True) and not config.flag(
        "_remove_final_layer_norm", default=False
    )
    width = config.size(_D, "width", default=768)
    is_narrow = config.size(_E, "width", default=width) != width
    return frozenset((*(() if has_norm else ("final_layer_norm",)), *(() if is_narrow else ("project_out.weight",))))


FAMILY = Family(
    title="OPT",
    names=NAMES,
    prefixes=("model.decoder.", "decoder.", ""),
    layer_key="num_hidden_layers",
    enters="the hidden states, normalized (self_attn_layer_norm)",
    sizes=sizes,
    first_states=first_states,
    attention_input=attention_input_of_pre_norm,
    next_states=next_states,
    prediction=Prediction("final_layer_norm", narrower="project_out.weight", is_tied=True, absent=absent_behind),
)
