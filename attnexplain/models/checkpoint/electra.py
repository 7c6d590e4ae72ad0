"""ELECTRA: BERT with embeddings narrower than its layers (Clark et al. 2020, arXiv:2003.10555)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint import bert
from attnexplain.models.checkpoint.layout import Entry, Prediction

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Sizes

_E = "embedding_size"


def narrow(names: dict[str, Entry]) -> dict[str, Entry]:
    """Make the embeddings as wide as embedding_size says."""
    of_embeddings = [role for role, entry in names.items() if entry.name.startswith("embeddings.")]
    narrower = {role: replace(names[role], shape=(*names[role].shape[:-1], _E)) for role in of_embeddings}
    return names | narrower


NAMES = narrow(bert.NAMES) | {
    "w_wider": Entry("embeddings_project.weight", ("hidden_size", _E), transposed=True),
    "b_wider": Entry("embeddings_project.bias", ("hidden_size",)),
}


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    return with_embedding_size(config, bert.sizes(config), 128)


def with_embedding_size(config: Config, same: Sizes, default: int) -> Sizes:
    """Read how wide embeddings are; where they are as wide as the layers, nothing makes them wider."""
    width = config.size(_E, "width", default=default)
    absent = frozenset(("w_wider", "b_wider")) if width == same.d_model else frozenset()
    return replace(same, named={**same.named, _E: width}, absent=absent)


FAMILY = replace(
    bert.FAMILY,
    title="ELECTRA",
    names=NAMES,
    prefixes=("", "electra."),
    sizes=sizes,
    prediction=Prediction(
        dense="generator_predictions.dense",
        dense_norm="generator_predictions.LayerNorm",
        activation="gelu",
        matrix=("generator_lm_head.weight",),
        bias=("generator_lm_head.bias",),
        is_tied=True,
    ),
)
"""Of its two halves the generator predicts words."""
