"""OLMo 2: norms behind both halves instead of before them, and one of queries and keys over all heads together.

OLMo Team 2025, arXiv:2501.00656.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint import llama
from attnexplain.models.checkpoint.layout import Entry
from attnexplain.models.checkpoint.llama import read_sizes
from attnexplain.models.checkpoint.rope import read_rotation

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Sizes

_SELF = "layers.{layer}.self_attn"
_NORMS = {
    "query_gain": Entry(f"{_SELF}.q_norm.weight", ("num_attention_heads * head_dim",)),
    "key_gain": Entry(f"{_SELF}.k_norm.weight", ("num_key_value_heads * head_dim",)),
    "behind_attention_gain": Entry("layers.{layer}.post_attention_layernorm.weight", ("hidden_size",)),
    "behind_second_gain": Entry("layers.{layer}.post_feedforward_layernorm.weight", ("hidden_size",)),
}
NAMES = {role: entry for role, entry in llama.NAMES.items() if not role.startswith("before_")} | _NORMS


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    read = read_sizes(config)
    epsilon = config.number("rms_norm_eps", 1e-5)
    rotations = (read_rotation(config, read.d_k),) * read.layers
    return replace(read, epsilon=epsilon, rotations=rotations, norms_all_heads=True)


FAMILY = replace(llama.FAMILY, title="OLMo 2", names=NAMES, enters="the hidden states", sizes=sizes)
