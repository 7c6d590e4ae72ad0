"""GPT-Neo: GPT-2 with scores that are not divided, and a window in every second layer (Black et al. 2021)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from attnexplain.models.checkpoint import gpt2
from attnexplain.models.checkpoint.layers import known_activation
from attnexplain.models.checkpoint.layout import Entry, Sizes, in_three_matrices

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.config import Config

_D, _INNER = "hidden_size", "intermediate_size"
_SELF, _SECOND = "h.{layer}.attn.attention", "h.{layer}.mlp"

NAMES = {
    "words": Entry("wte.weight", ("vocab_size", _D)),
    "positions": Entry("wpe.weight", ("max_position_embeddings", _D)),
    "before_attention_gain": Entry("h.{layer}.ln_1.weight", (_D,)),
    "before_attention_shift": Entry("h.{layer}.ln_1.bias", (_D,)),
    "w_q": Entry(f"{_SELF}.q_proj.weight", (_D, _D), transposed=True),
    "w_k": Entry(f"{_SELF}.k_proj.weight", (_D, _D), transposed=True),
    "w_v": Entry(f"{_SELF}.v_proj.weight", (_D, _D), transposed=True),
    "w_o": Entry(f"{_SELF}.out_proj.weight", (_D, _D), transposed=True),
    "b_o": Entry(f"{_SELF}.out_proj.bias", (_D,)),
    "before_second_gain": Entry("h.{layer}.ln_2.weight", (_D,)),
    "before_second_shift": Entry("h.{layer}.ln_2.bias", (_D,)),
    "w_in": Entry(f"{_SECOND}.c_fc.weight", (_INNER, _D), transposed=True),
    "b_in": Entry(f"{_SECOND}.c_fc.bias", (_INNER,)),
    "w_out": Entry(f"{_SECOND}.c_proj.weight", (_D, _INNER), transposed=True),
    "b_out": Entry(f"{_SECOND}.c_proj.bias", (_D,)),
}


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    width = config.size(_D, "width", default=2048)
    named = {
        _D: width,
        _INNER: config.size(_INNER, "inner width", default=4 * width),
        "vocab_size": config.size("vocab_size", "rows"),
        "max_position_embeddings": config.size("max_position_embeddings", "rows", default=2048),
    }
    layers = config.size("num_layers", "layers", default=24)
    window = config.size("window_size", "rows", default=256)
    return Sizes(
        layers=layers,
        heads=config.heads("num_heads", _D, default=16, default_width=2048),
        d_model=width,
        positions=named["max_position_embeddings"],
        epsilon=config.number("layer_norm_epsilon", 1e-5),
        activation=known_activation(config.text("activation_function", "gelu_new"), "activation_function"),
        causal=True,
        named=named,
        scale=1.0,
        windows=tuple(window if kind == "local" else None for kind in _kinds(config, layers)),
    )


def _kinds(config: Config, layers: int) -> list[str]:
    """Read which layers are local: [[["global", "local"], 12]] is twelve times one of each.

    Files have the list of all layers beside it, which is what transformers goes by.
    """
    if (listed := config.choices("attention_layers", layers, ("global", "local"))) is not None:
        config.get("attention_types")
        return listed
    given: Any = config.get("attention_types", [[["global", "local"], 12]])
    kinds: list[str] = []
    try:
        for names, times in given:
            if isinstance(times, bool) or not isinstance(times, int) or not 0 <= times <= layers:
                raise ValueError
            kinds += list(names) * times
    except (TypeError, ValueError):
        kinds = []
    if len(kinds) != layers or any(kind not in ("global", "local") for kind in kinds):
        raise config.error(f'attention_types must say "global" or "local" for each of {layers} layers')
    return kinds


FAMILY = replace(
    gpt2.FAMILY,
    title="GPT-Neo",
    names=NAMES,
    layer_key="num_layers",
    sizes=sizes,
    places=in_three_matrices,
)
