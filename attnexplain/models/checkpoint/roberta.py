"""RoBERTa, XLM-RoBERTa, CamemBERT: BERT's layers, with positions counted from behind the padding's number.

Liu et al. 2019, arXiv:1907.11692; Conneau et al. 2019, arXiv:1911.02116; Martin et al. 2019, arXiv:1911.03894.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.models.checkpoint import bert
from attnexplain.models.checkpoint.layout import Sizes, check_positions

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Parameters


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    padding, same = config.count("pad_token_id", 1), bert.sizes(config)
    return replace(same, padding=padding, positions=max((same.positions or 0) - padding - 1, 0))


def first_states(parameters: Parameters, ids: Sequence[int]) -> Array:
    """Give each token that is not padding the next position behind the padding's own number."""
    padding = parameters.sizes.padding
    check_positions(len(ids), parameters.sizes.positions)
    is_text = np.array(ids) != padding
    positions = np.cumsum(is_text) * is_text + padding  # [n]
    return bert.states_at(parameters, ids, positions.tolist())


FAMILY = replace(bert.FAMILY, title="RoBERTa", sizes=sizes, first_states=first_states)
