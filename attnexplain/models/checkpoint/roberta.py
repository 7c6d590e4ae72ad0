"""RoBERTa, XLM-RoBERTa, CamemBERT: BERT's layers, with positions counted from behind the padding's number.

Liu et al. 2019, arXiv:1907.11692; Conneau et al. 2019, arXiv:1911.02116; Martin et al. 2019, arXiv:1911.03894.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.models.checkpoint import bert
from attnexplain.models.checkpoint.layers import attention_input_of_pre_norm, next_states_of_pre_norm
from attnexplain.models.checkpoint.layout import Entry, Prediction, Sizes, check_positions

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Parameters, Segments


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    return _counted_behind_padding(config, bert.sizes(config))


def sizes_of_xl(config: Config) -> Sizes:
    """Read what config.json says; what it leaves out is other than in RoBERTa."""
    return _counted_behind_padding(config, bert.sizes(config, epsilon=1e-5, types=1))


def _counted_behind_padding(config: Config, same: Sizes) -> Sizes:
    padding = config.count("pad_token_id", 1)
    return replace(same, padding=padding, positions=max((same.positions or 0) - padding - 1, 0))


def first_states(parameters: Parameters, ids: Sequence[int], segments: Segments) -> Array:
    """Give each token that is not padding the next position behind the padding's own number."""
    padding = parameters.sizes.padding
    check_positions(len(ids), parameters.sizes.positions)
    is_text = np.array(ids) != padding
    positions = np.cumsum(is_text) * is_text + padding  # [n]
    return bert.states_at(parameters, ids, positions.tolist(), segments)


PREDICTION = Prediction(
    dense="lm_head.dense",
    dense_norm="lm_head.layer_norm",
    activation="gelu",
    matrix=("lm_head.decoder.weight",),
    bias=("lm_head.decoder.bias", "lm_head.bias"),
    is_tied=True,
)
FAMILY = replace(bert.FAMILY, title="RoBERTa", sizes=sizes, first_states=first_states, prediction=PREDICTION)
XLM = replace(FAMILY, title="XLM-RoBERTa")
CAMEMBERT = replace(FAMILY, title="CamemBERT")

_LAYER = "encoder.layer.{layer}"


def _moved(attention: str, second: str) -> dict[str, Entry]:
    """Put norms before both halves of a layer, and call them so."""
    kept = {role: entry for role, entry in bert.NAMES.items() if not role.startswith(("attention_", "output_"))}
    before, between = bert.norm(f"{_LAYER}.{attention}"), bert.norm(f"{_LAYER}.{second}")
    return kept | {
        "before_attention_gain": before[0], "before_attention_shift": before[1],
        "before_second_gain": between[0], "before_second_shift": between[1],
    }  # fmt: skip


PRE_NORM = replace(
    FAMILY,
    title="RoBERTa-PreLayerNorm",
    names=_moved("attention.LayerNorm", "intermediate.LayerNorm"),
    prefixes=("", "roberta_prelayernorm."),
    enters="the hidden states, normalized (attention.LayerNorm)",
    attention_input=attention_input_of_pre_norm,
    next_states=next_states_of_pre_norm,
    prediction=replace(PREDICTION, final_norm="LayerNorm"),
)
_OF_XL = _moved("attention.self_attn_layer_norm", "LayerNorm")
XL = replace(
    PRE_NORM,
    title="XLM-RoBERTa-XL",
    names={role: entry for role, entry in _OF_XL.items() if not role.startswith("first_")},
    prefixes=("", "roberta."),
    sizes=sizes_of_xl,
    enters="the hidden states, normalized (self_attn_layer_norm)",
    prediction=replace(PREDICTION, final_norm="encoder.LayerNorm"),
)
"""The same, and its embeddings are not normalized."""
