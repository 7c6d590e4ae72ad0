"""Phi 3: Llama with one matrix for queries, keys and values, and one for gate and up .

Abdin et al. 2024, arXiv:2404.14219.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint import llama
from attnexplain.models.checkpoint.layout import Entry, side_by_side
from attnexplain.models.checkpoint.llama import read_sizes, read_window
from attnexplain.models.checkpoint.rope import read_rotation

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Sizes

_FUSED = {
    "w_qkv": Entry(
        "layers.{layer}.self_attn.qkv_proj.weight",
        ("num_attention_heads * head_dim + 2 * num_key_value_heads * head_dim", "hidden_size"),
        transposed=True,
    ),
    "w_gate_up": Entry(
        "layers.{layer}.mlp.gate_up_proj.weight", ("2 * intermediate_size", "hidden_size"), transposed=True
    ),
}
LENGTH = 4096
"""Of the longest text, and of that which rotations were made for, where config.json does not say."""
_KEPT = ("words", "before_attention_gain", "w_o", "before_second_gain", "w_out")
NAMES = {role: llama.NAMES[role] for role in _KEPT} | _FUSED


def sizes(config: Config) -> Sizes:
    """Read what config.json says; a rotation for longer texts (longrope) is the same up to those it was made for."""
    if config.count("full_attn_mod", 1) != 1:
        raise config.error("full_attn_mod is not supported but for 1")
    read = replace(read_sizes(config), absent=frozenset(), epsilon=config.number("rms_norm_eps", 1e-5))
    made_for = config.size("original_max_position_embeddings", "rows", default=LENGTH)
    rotation = read_rotation(
        config.with_default("max_position_embeddings", LENGTH),
        read.d_k,
        part_key="partial_rotary_factor",
        original=made_for,
        renamed={"su": "longrope", "yarn": "longrope"},
    )
    return replace(read, rotations=(rotation,) * read.layers, windows=(read_window(config),) * read.layers)


FAMILY = replace(
    llama.FAMILY, title="Phi 3", names=NAMES, sizes=sizes, places=side_by_side, harmless=frozenset(("auto_map",))
)
"""Published ones name code of their own for older versions of transformers, which is neither run nor needed."""
