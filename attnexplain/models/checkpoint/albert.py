"""ALBERT: BERT with narrow embeddings, and layers that share their parameters (Lan et al. 2019, arXiv:1909.11942)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint import bert, electra
from attnexplain.models.checkpoint.layers import known_activation
from attnexplain.models.checkpoint.layout import Entry, Prediction

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Sizes

_D, _INNER = "hidden_size", "intermediate_size"
_LAYER = "encoder.albert_layer_groups.{layer}"
_SELF = f"{_LAYER}.attention"

_EMBEDDINGS = {role: entry for role, entry in electra.NAMES.items() if entry.name.startswith("embeddings.")}
NAMES = _EMBEDDINGS | {
    "w_wider": Entry("encoder.embedding_hidden_mapping_in.weight", (_D, "embedding_size"), transposed=True),
    "b_wider": Entry("encoder.embedding_hidden_mapping_in.bias", (_D,)),
    "w_q": Entry(f"{_SELF}.query.weight", (_D, _D), transposed=True),
    "b_q": Entry(f"{_SELF}.query.bias", (_D,)),
    "w_k": Entry(f"{_SELF}.key.weight", (_D, _D), transposed=True),
    "b_k": Entry(f"{_SELF}.key.bias", (_D,)),
    "w_v": Entry(f"{_SELF}.value.weight", (_D, _D), transposed=True),
    "b_v": Entry(f"{_SELF}.value.bias", (_D,)),
    "w_o": Entry(f"{_SELF}.dense.weight", (_D, _D), transposed=True),
    "b_o": Entry(f"{_SELF}.dense.bias", (_D,)),
    "attention_gain": Entry(f"{_SELF}.LayerNorm.weight", (_D,)),
    "attention_shift": Entry(f"{_SELF}.LayerNorm.bias", (_D,)),
    "w_in": Entry(f"{_LAYER}.ffn.weight", (_INNER, _D), transposed=True),
    "b_in": Entry(f"{_LAYER}.ffn.bias", (_INNER,)),
    "w_out": Entry(f"{_LAYER}.ffn_output.weight", (_D, _INNER), transposed=True),
    "b_out": Entry(f"{_LAYER}.ffn_output.bias", (_D,)),
    "output_gain": Entry(f"{_LAYER}.full_layer_layer_norm.weight", (_D,)),
    "output_shift": Entry(f"{_LAYER}.full_layer_layer_norm.bias", (_D,)),
}


def sizes(config: Config) -> Sizes:
    """Read what config.json says: layers in groups, each group with parameters of its own.

    A group may consist of several layers, which all run wherever the group does.
    """
    config.only("position_embedding_type", "absolute")
    same = bert.read_sizes(config)
    groups = config.size("num_hidden_groups", "layers", default=1)
    inner = config.size("inner_group_num", "layers", default=1)
    stored_as = tuple(
        f"{int(place / (same.layers / groups))}.albert_layers.{number}"
        for place in range(same.layers)
        for number in range(inner)
    )
    return replace(
        same,
        layers=len(stored_as),
        activation=known_activation(config.text("hidden_act", "gelu_new"), "hidden_act"),
        named={**same.named, "embedding_size": config.size("embedding_size", "width", default=128)},
        stored_as=stored_as,
        groups=groups,
        causal=False,  # is_decoder changes nothing in transformers
        beyond=f"{groups}.albert_layers.0",
    )


FAMILY = replace(
    bert.FAMILY,
    title="ALBERT",
    names=NAMES,
    prefixes=("", "albert."),
    layer_key="num_hidden_groups",
    sizes=sizes,
    prediction=Prediction(
        dense="predictions.dense",
        dense_norm="predictions.LayerNorm",
        matrix=("predictions.decoder.weight",),
        bias=("predictions.decoder.bias", "predictions.bias"),
        is_tied=True,
    ),
    harmless=frozenset(("net_structure_type", "num_memory_blocks", "gap_size", "down_scale_factor")),
)
