"""MPNet: BERT with a learned bias by distance, the same in all layers (Song et al. 2020, arXiv:2004.09297)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint import bert, roberta
from attnexplain.models.checkpoint.layout import Entry

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Sizes

PADDING = 1
"""Not in config.json; transformers has it in the code."""
BUCKETS = 32
"""Of distances, whatever config.json says, as in transformers."""

_OTHER_NAMES = {
    "attention.self.query": "attention.attn.q",
    "attention.self.key": "attention.attn.k",
    "attention.self.value": "attention.attn.v",
    "attention.output.dense": "attention.attn.o",
    "attention.output.LayerNorm": "attention.LayerNorm",
}


def _renamed(entry: Entry) -> Entry:
    names = (entry.name, *entry.other_names)
    for old, new in _OTHER_NAMES.items():
        names = tuple(name.replace(old, new) for name in names)
    return replace(entry, name=names[0], other_names=names[1:])


NAMES = {role: _renamed(entry) for role, entry in bert.NAMES.items() if role != "types"} | {
    "distance_bias": Entry(
        "encoder.relative_attention_bias.weight", ("relative_attention_num_buckets", "num_attention_heads")
    )
}


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    same = bert.read_sizes(config)
    buckets = config.size("relative_attention_num_buckets", "rows", default=BUCKETS)
    if buckets < BUCKETS:
        raise config.error(f"relative_attention_num_buckets = {buckets} must be at least {BUCKETS}")
    named = {**same.named, "relative_attention_num_buckets": buckets, "num_attention_heads": same.heads}
    positions = max((same.positions or 0) - PADDING - 1, 0)
    return replace(same, named=named, padding=PADDING, positions=positions, causal=False)  # whatever is_decoder says


FAMILY = replace(roberta.FAMILY, title="MPNet", names=NAMES, prefixes=("", "mpnet."), sizes=sizes)
