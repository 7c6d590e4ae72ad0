"""gpt-oss: Llama with a sink in every softmax, a window in every second layer, and experts of which a few answer.

OpenAI 2025, arXiv:2508.10925.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.models.checkpoint import llama
from attnexplain.models.checkpoint.layers import sigmoid
from attnexplain.models.checkpoint.layout import Entry
from attnexplain.models.checkpoint.llama import OF_OUTPUT, OF_VECTORS, read_sizes, read_windows
from attnexplain.models.checkpoint.rope import FULL, SLIDING, read_rotation

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Parameters, Sizes

_D, _INNER, _EXPERTS = "hidden_size", "intermediate_size", "num_local_experts"
_SECOND = "layers.{layer}.mlp"

_KEPT = {role: entry for role, entry in llama.NAMES.items() if role not in llama.OF_SECOND}
NAMES = {role: entry for role, entry in _KEPT.items() if role not in ("w_gate", "w_up", "w_out")} | {
    "sinks": Entry("layers.{layer}.self_attn.sinks", ("num_attention_heads",)),
    "w_router": Entry(f"{_SECOND}.router.weight", (_EXPERTS, _D), transposed=True),
    "b_router": Entry(f"{_SECOND}.router.bias", (_EXPERTS,)),
    "w_experts_in": Entry(f"{_SECOND}.experts.gate_up_proj", (_EXPERTS, _D, f"2 * {_INNER}")),
    "b_experts_in": Entry(f"{_SECOND}.experts.gate_up_proj_bias", (_EXPERTS, f"2 * {_INNER}")),
    "w_experts_out": Entry(f"{_SECOND}.experts.down_proj", (_EXPERTS, _INNER, _D)),
    "b_experts_out": Entry(f"{_SECOND}.experts.down_proj_bias", (_EXPERTS, _D)),
}
_YARN = {
    "rope_type": "yarn", "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": False,
    "original_max_position_embeddings": 4096,
}  # fmt: skip
"""How positions are rotated where config.json says nothing."""


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    read = read_sizes(config, head_dim=64, kv_heads=8)
    experts = config.size(_EXPERTS, "rows", default=128)
    answering = config.size("num_experts_per_tok", "rows", default=4)
    if answering > experts:
        raise config.error(f"num_experts_per_tok = {answering} is more than {_EXPERTS} = {experts}")
    layer_types = [SLIDING if (layer + 1) % 2 else FULL for layer in range(read.layers)]
    windows = read_windows(config, layer_types, default=128)
    rotation = read_rotation(config.with_default("rope_parameters", _YARN), read.d_k, base=150_000.0)
    has_biases = config.flag("attention_bias", default=True)
    return replace(
        read,
        epsilon=config.number("rms_norm_eps", 1e-5),
        named={**read.named, _EXPERTS: experts},
        absent=frozenset() if has_biases else OF_VECTORS | OF_OUTPUT,
        windows=windows,
        rotations=(rotation,) * read.layers,
        answering_experts=answering,
        gate_alpha=config.number("swiglu_alpha", 1.702, most=100),
        gate_limit=config.number("swiglu_limit", 7.0, most=1e6),
    )


def second_half(parameters: Parameters, layer: int, x: Array) -> Array:
    """Let the few experts that a router chooses for each row answer, and mix what they say by its softmax."""
    p, few = parameters, parameters.sizes.answering_experts
    liked = p.product(x, "w_router", "b_router", layer)  # [n, experts]
    chosen = np.argsort(-liked, axis=-1, kind="stable")[:, :few]  # [n, few]
    shares = np.exp(np.take_along_axis(liked, chosen, axis=-1) - liked.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    mixed = np.zeros_like(x)
    for expert in np.unique(chosen):
        rows, place = np.nonzero(chosen == expert)
        mixed[rows] += shares[rows, place, None] * _answer(p, layer, int(expert), x[rows])
    return mixed


def _answer(parameters: Parameters, layer: int, expert: int, x: Array) -> Array:
    """Pass rows through one expert: gate and up lie in turns, are held within bounds, and up is counted from 1."""
    p, limit = parameters, parameters.sizes.gate_limit
    both = x @ p.expert("w_experts_in", layer, expert) + p.expert("b_experts_in", layer, expert)
    gate, up = np.minimum(both[:, ::2], limit), np.clip(both[:, 1::2], -limit, limit)
    inner = (up + 1) * gate * sigmoid(gate * p.sizes.gate_alpha)
    answer: Array = inner @ p.expert("w_experts_out", layer, expert) + p.expert("b_experts_out", layer, expert)
    return answer


FAMILY = replace(
    llama.FAMILY,
    title="gpt-oss",
    names=NAMES,
    sizes=sizes,
    second_half=second_half,
    harmless=frozenset(("router_aux_loss_coef", "output_router_logits", "initial_context_length", "experts_per_token")),
)
