"""RoFormer: BERT with rotated queries and keys, neighbours as pairs, in place of positions (arXiv:2104.09864)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.models.checkpoint import bert, electra
from attnexplain.variants import Rotation

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Sizes

BASE = 10_000.0
"""Not in config.json; transformers has it in the code."""


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    if config.flag("rotary_value", default=False):
        raise config.error("rotary_value = true is not supported: values would be rotated, too")
    same = bert.read_sizes(config)
    same = electra.with_embedding_size(config, same, same.d_model)
    if same.d_k % 2:
        raise config.error(f"{same.d_k} places are to be rotated, which is no number of pairs")
    rotation = Rotation(BASE ** (-np.arange(0, same.d_k, 2) / same.d_k), BASE, is_interleaved=True)
    return same.rotated_by(rotation)


NAMES = {role: entry for role, entry in electra.NAMES.items() if role != "positions"}
FAMILY = replace(bert.FAMILY, title="RoFormer", names=NAMES, prefixes=("", "roformer."), sizes=sizes)
