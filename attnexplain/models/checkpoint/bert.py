"""BERT: a layer normalizes after attention and after its second half (Devlin et al. 2018, arXiv:1810.04805)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint.layers import known_activation, next_states_of_post_norm, normalized
from attnexplain.models.checkpoint.layout import Entry, Family, Prediction, Sizes, check_positions

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Parameters, Segments

_D, _INNER = "hidden_size", "intermediate_size"
_SELF, _OUT = "encoder.layer.{layer}.attention.self", "encoder.layer.{layer}.attention.output"
_SECOND = "encoder.layer.{layer}"


def norm(name: str) -> tuple[Entry, Entry]:
    """Name a normalization's gain and shift, which the first files called gamma and beta."""
    return (
        Entry(f"{name}.weight", (_D,), other_names=(f"{name}.gamma",)),
        Entry(f"{name}.bias", (_D,), other_names=(f"{name}.beta",)),
    )


NAMES = {
    "words": Entry("embeddings.word_embeddings.weight", ("vocab_size", _D)),
    "positions": Entry("embeddings.position_embeddings.weight", ("max_position_embeddings", _D)),
    "types": Entry("embeddings.token_type_embeddings.weight", ("type_vocab_size", _D)),
    "first_gain": norm("embeddings.LayerNorm")[0],
    "first_shift": norm("embeddings.LayerNorm")[1],
    "w_q": Entry(f"{_SELF}.query.weight", (_D, _D), transposed=True),
    "b_q": Entry(f"{_SELF}.query.bias", (_D,)),
    "w_k": Entry(f"{_SELF}.key.weight", (_D, _D), transposed=True),
    "b_k": Entry(f"{_SELF}.key.bias", (_D,)),
    "w_v": Entry(f"{_SELF}.value.weight", (_D, _D), transposed=True),
    "b_v": Entry(f"{_SELF}.value.bias", (_D,)),
    "w_o": Entry(f"{_OUT}.dense.weight", (_D, _D), transposed=True),
    "b_o": Entry(f"{_OUT}.dense.bias", (_D,)),
    "attention_gain": norm(f"{_OUT}.LayerNorm")[0],
    "attention_shift": norm(f"{_OUT}.LayerNorm")[1],
    "w_in": Entry(f"{_SECOND}.intermediate.dense.weight", (_INNER, _D), transposed=True),
    "b_in": Entry(f"{_SECOND}.intermediate.dense.bias", (_INNER,)),
    "w_out": Entry(f"{_SECOND}.output.dense.weight", (_D, _INNER), transposed=True),
    "b_out": Entry(f"{_SECOND}.output.dense.bias", (_D,)),
    "output_gain": norm(f"{_SECOND}.output.LayerNorm")[0],
    "output_shift": norm(f"{_SECOND}.output.LayerNorm")[1],
}


def sizes(config: Config, *, epsilon: float = 1e-12, types: int = 2) -> Sizes:
    """Read what config.json says; what it leaves out is as usual in the family."""
    config.only("position_embedding_type", "absolute")
    return read_sizes(config, epsilon=epsilon, types=types)


def read_sizes(config: Config, *, epsilon: float = 1e-12, types: int = 2) -> Sizes:
    """Read what models of this kind have in common."""
    named = {
        _D: config.size(_D, "width"),
        _INNER: config.size(_INNER, "inner width"),
        "vocab_size": config.size("vocab_size", "rows"),
        "max_position_embeddings": config.size("max_position_embeddings", "rows"),
        "type_vocab_size": config.size("type_vocab_size", "rows", default=types),
    }
    return Sizes(
        layers=config.size("num_hidden_layers", "layers"),
        heads=config.heads("num_attention_heads", _D),
        d_model=named[_D],
        positions=named["max_position_embeddings"],
        epsilon=config.number("layer_norm_eps", epsilon),
        activation=known_activation(config.text("hidden_act", "gelu"), "hidden_act"),
        causal=config.flag("is_decoder", default=False),
        named=named,
    )


def first_states(parameters: Parameters, ids: Sequence[int], segments: Segments) -> Array:
    """Add the embeddings of each token, of its position and of its segment, and normalize."""
    check_positions(len(ids), parameters.sizes.positions)
    return states_at(parameters, ids, range(len(ids)), segments)


def states_at(parameters: Parameters, ids: Sequence[int], positions: Sequence[int], segments: Segments) -> Array:
    """Add the embeddings of tokens, positions, segments and the first task, normalize, and widen what is narrow."""
    p = parameters
    added: Array = p("words", rows=ids)  # [n, d_model]
    if "positions" in p:
        added = added + p("positions", rows=positions)
    knows_segments = segments is not None and p.sizes.named["type_vocab_size"] > 1
    if "types" in p:
        added = added + p("types", rows=segments if knows_segments else [0])
    if "tasks" in p:
        added = added + p("tasks", rows=[0])
    states = normalized(p, "first", 0, added)
    return p.product(states, "w_wider", "b_wider") if "w_wider" in p else states


def attention_input(parameters: Parameters, layer: int, states: Array) -> Array:
    """Attention reads the hidden states as they are."""
    return states


FAMILY = Family(
    title="BERT",
    names=NAMES,
    prefixes=("", "bert.", "roberta."),
    layer_key="num_hidden_layers",
    enters="the hidden states",
    sizes=sizes,
    first_states=first_states,
    attention_input=attention_input,
    next_states=next_states_of_post_norm,
    prediction=Prediction(
        dense="cls.predictions.transform.dense",
        dense_norm="cls.predictions.transform.LayerNorm",
        matrix=("cls.predictions.decoder.weight",),
        bias=("cls.predictions.decoder.bias", "cls.predictions.bias"),
        is_tied=True,
    ),
    harmless=frozenset(("pooler_num_attention_heads", "pooler_size_per_head")),
)


def sizes_of_ernie(config: Config) -> Sizes:
    """Read what config.json says; ERNIE may also have an embedding of tasks."""
    has_tasks = config.flag("use_task_id", default=False)
    same, tasks = sizes(config), config.size("task_type_vocab_size", "rows", default=3)
    unused = frozenset() if has_tasks else frozenset(("tasks",))
    return replace(same, named={**same.named, "task_type_vocab_size": tasks}, unused=unused)


ERNIE = replace(
    FAMILY,
    title="ERNIE",
    names=NAMES | {"tasks": Entry("embeddings.task_type_embeddings.weight", ("task_type_vocab_size", _D))},
    prefixes=("", "ernie."),
    sizes=sizes_of_ernie,
)
