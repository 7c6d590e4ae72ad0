"""DistilBERT: BERT with half the layers, and no embedding of sentence types (Sanh et al. 2019, arXiv:1910.01108)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint.bert import attention_input
from attnexplain.models.checkpoint.layers import known_activation, next_states_of_post_norm, normalized
from attnexplain.models.checkpoint.layout import Entry, Family, Prediction, Sizes, check_positions

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Parameters, Segments

_LAYER = "transformer.layer.{layer}"

NAMES = {
    "words": Entry("embeddings.word_embeddings.weight", ("vocab_size", "dim")),
    "positions": Entry("embeddings.position_embeddings.weight", ("max_position_embeddings", "dim")),
    "first_gain": Entry("embeddings.LayerNorm.weight", ("dim",)),
    "first_shift": Entry("embeddings.LayerNorm.bias", ("dim",)),
    "w_q": Entry(f"{_LAYER}.attention.q_lin.weight", ("dim", "dim"), transposed=True),
    "b_q": Entry(f"{_LAYER}.attention.q_lin.bias", ("dim",)),
    "w_k": Entry(f"{_LAYER}.attention.k_lin.weight", ("dim", "dim"), transposed=True),
    "b_k": Entry(f"{_LAYER}.attention.k_lin.bias", ("dim",)),
    "w_v": Entry(f"{_LAYER}.attention.v_lin.weight", ("dim", "dim"), transposed=True),
    "b_v": Entry(f"{_LAYER}.attention.v_lin.bias", ("dim",)),
    "w_o": Entry(f"{_LAYER}.attention.out_lin.weight", ("dim", "dim"), transposed=True),
    "b_o": Entry(f"{_LAYER}.attention.out_lin.bias", ("dim",)),
    "attention_gain": Entry(f"{_LAYER}.sa_layer_norm.weight", ("dim",)),
    "attention_shift": Entry(f"{_LAYER}.sa_layer_norm.bias", ("dim",)),
    "w_in": Entry(f"{_LAYER}.ffn.lin1.weight", ("hidden_dim", "dim"), transposed=True),
    "b_in": Entry(f"{_LAYER}.ffn.lin1.bias", ("hidden_dim",)),
    "w_out": Entry(f"{_LAYER}.ffn.lin2.weight", ("dim", "hidden_dim"), transposed=True),
    "b_out": Entry(f"{_LAYER}.ffn.lin2.bias", ("dim",)),
    "output_gain": Entry(f"{_LAYER}.output_layer_norm.weight", ("dim",)),
    "output_shift": Entry(f"{_LAYER}.output_layer_norm.bias", ("dim",)),
}


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    named = {
        "dim": config.size("dim", "width", default=768),
        "hidden_dim": config.size("hidden_dim", "inner width", default=3072),
        "vocab_size": config.size("vocab_size", "rows"),
        "max_position_embeddings": config.size("max_position_embeddings", "rows", default=512),
    }
    return Sizes(
        layers=config.size("n_layers", "layers", default=6),
        heads=config.heads("n_heads", "dim", default=12, default_width=768),
        d_model=named["dim"],
        positions=named["max_position_embeddings"],
        epsilon=1e-12,  # not in config.json; transformers has it in the code
        activation=known_activation(config.text("activation", "gelu"), "activation"),
        causal=False,
        named=named,
    )


def first_states(parameters: Parameters, ids: Sequence[int], segments: Segments) -> Array:
    """Add the embeddings of each token and of its position, and normalize."""
    p = parameters
    check_positions(len(ids), p.sizes.positions)
    added: Array = p("words", rows=ids) + p("positions", rows=range(len(ids)))  # [n, d_model]
    return normalized(p, "first", 0, added)


FAMILY = Family(
    title="DistilBERT",
    names=NAMES,
    prefixes=("", "distilbert."),
    layer_key="n_layers",
    enters="the hidden states",
    sizes=sizes,
    first_states=first_states,
    attention_input=attention_input,
    next_states=next_states_of_post_norm,
    prediction=Prediction(
        dense="vocab_transform",
        dense_norm="vocab_layer_norm",
        matrix=("vocab_projector.weight",),
        bias=("vocab_projector.bias",),
        is_tied=True,
    ),
)
