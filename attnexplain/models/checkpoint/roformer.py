"""RoFormer: BERT with rotated queries and keys, neighbours as pairs, in place of positions (arXiv:2104.09864)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.errors import CheckpointError
from attnexplain.models.checkpoint import bert, electra
from attnexplain.variants import Rotation

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Parameters, Sizes

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


def refuse_other_angles(parameters: Parameters) -> None:
    """Refuse a table of sines and cosines that is not of these angles: the file's own is what transformers takes.

    Raises:
        CheckpointError: its shape or its numbers are others; half precision rounds them, too.
    """
    table, sizes = parameters.beside(TABLE), parameters.sizes
    if table is None:
        return
    rotation, expected = sizes.rotation_of(0), (sizes.positions, sizes.d_k)
    if table.shape != expected or rotation is None:
        raise CheckpointError(f"the tensor {TABLE} has the shape {table.shape}; config.json makes it {expected}")
    angles = np.arange(table.shape[0])[:, None] * rotation.frequencies  # [positions, pairs]
    off = np.abs(table.numbers() - np.hstack([np.sin(angles), np.cos(angles)])).max()
    if not off <= MOST_OFF:
        raise CheckpointError(
            f"the tensor {TABLE} holds sines and cosines that are off by up to {off:.1g} from those of the angles",
            hint="half precision rounds them; take the checkpoint in float32",
        )


TABLE = "encoder.embed_positions.weight"
MOST_OFF = 1e-6
"""float32 rounds sines and cosines by less."""
NAMES = {role: entry for role, entry in electra.NAMES.items() if role != "positions"}
FAMILY = replace(
    bert.FAMILY, title="RoFormer", names=NAMES, prefixes=("", "roformer."), sizes=sizes, check=refuse_other_angles
)
