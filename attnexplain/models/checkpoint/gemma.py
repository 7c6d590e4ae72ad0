"""Gemma: embeddings times √hidden_size, norms with 1 + gain; 2 adds caps, windows and norms; 3 norms queries and keys.

Gemma Team 2024, arXiv:2403.08295 and arXiv:2408.00118; 2025, arXiv:2503.19786.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint import llama
from attnexplain.models.checkpoint.config import LARGEST_NUMBER
from attnexplain.models.checkpoint.layers import known_activation
from attnexplain.models.checkpoint.layout import Entry
from attnexplain.models.checkpoint.llama import OF_HEADS, TIED, read_sizes, read_windows
from attnexplain.models.checkpoint.rope import FULL, SLIDING, read_rotation

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Sizes

_BEHIND = {
    "behind_attention_gain": Entry("layers.{layer}.post_attention_layernorm.weight", ("hidden_size",)),
    "before_second_gain": Entry("layers.{layer}.pre_feedforward_layernorm.weight", ("hidden_size",)),
    "behind_second_gain": Entry("layers.{layer}.post_feedforward_layernorm.weight", ("hidden_size",)),
}
_BY_TANH, _SCALAR = "gelu_pytorch_tanh", "query_pre_attn_scalar"


def sizes_of_1(config: Config) -> Sizes:
    """Read what config.json says; "gelu" in it has always meant the one by tanh."""
    names = [config.text(key, _BY_TANH) for key in ("hidden_activation", "hidden_act")]
    names = [_BY_TANH if name == "gelu" else known_activation(name, "hidden_act") for name in names]
    if names[0] != names[1] and config.get("hidden_activation") is not None:
        raise config.error("hidden_activation and hidden_act are not the same")
    read = replace(_common(config, 16, "hidden_act"), activation=names[1])
    return read.rotated_by(read_rotation(config, read.d_k))


def sizes_of_2(config: Config) -> Sizes:
    """Read what config.json says: every second layer has a window, from the first on."""
    read = _common(config, 4, "hidden_activation")
    layer_types = [SLIDING if layer % 2 == 0 else FULL for layer in range(read.layers)]
    softcap = config.number("attn_logit_softcapping", 50.0, most=LARGEST_NUMBER) if _is_capped(config) else None
    return replace(
        read,
        scale=_scale(config),
        scale_name=_SCALAR,
        softcap=softcap,
        windows=read_windows(config, layer_types),
        rotations=(read_rotation(config, read.d_k),) * read.layers,
    )


def sizes_of_3(config: Config) -> Sizes:
    """Read what config.json says: five layers with a window and one base, one without and with another."""
    read = _common(config, 4, "hidden_activation")
    every = config.size("sliding_window_pattern", "layers", default=6)
    windows = read_windows(config, [SLIDING if (layer + 1) % every else FULL for layer in range(read.layers)])
    near = read_rotation(config, read.d_k, layer_type=SLIDING, base_key="rope_local_base_freq", is_scaled=False)
    far = read_rotation(config, read.d_k, layer_type=FULL, base=1_000_000.0)
    is_causal = not config.flag("use_bidirectional_attention", default=False)
    if not is_causal:  # half of it to each side
        windows = tuple(None if window is None else window // 2 + 1 for window in windows)
    return replace(
        read,
        scale=_scale(config),
        scale_name=_SCALAR,
        causal=is_causal,
        windows=windows,
        rotations=tuple(far if window is None else near for window in windows),
    )


def _common(config: Config, kv_heads: int, activation_key: str) -> Sizes:
    read = read_sizes(config, head_dim=256, activation_key=activation_key, activation=_BY_TANH, kv_heads=kv_heads)
    return replace(read, norm="rms + 1", embedding_scale=sqrt(read.d_model))


def _scale(config: Config) -> float:
    return sqrt(config.number(_SCALAR, 256, most=LARGEST_NUMBER))


def _is_capped(config: Config) -> bool:
    """Whether scores are capped: they are unless config.json says null."""
    return not config.is_null("attn_logit_softcapping")


CAPPED = replace(TIED, softcap_key="final_logit_softcapping")
GEMMA_1 = replace(llama.FAMILY, title="Gemma", sizes=sizes_of_1, prediction=TIED)
GEMMA_2 = replace(
    llama.FAMILY,
    title="Gemma 2",
    names=llama.NAMES | _BEHIND,
    sizes=sizes_of_2,
    prediction=replace(CAPPED, softcap=30.0),
    harmless=frozenset(("sliding_window_size",)),
)
GEMMA_3 = replace(
    llama.FAMILY, title="Gemma 3", names=llama.NAMES | _BEHIND | OF_HEADS, sizes=sizes_of_3, prediction=CAPPED
)
