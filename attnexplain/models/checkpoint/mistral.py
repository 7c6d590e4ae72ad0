"""Mistral: Llama with a window in every layer (Jiang et al. 2023, arXiv:2310.06825)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint import llama
from attnexplain.models.checkpoint.llama import WINDOW, read_sizes, read_window
from attnexplain.models.checkpoint.rope import read_rotation

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Sizes


def sizes(config: Config) -> Sizes:
    """Read what config.json says."""
    read = read_sizes(config)
    rotation, window = read_rotation(config, read.d_k), read_window(config, WINDOW)
    return replace(read, rotations=(rotation,) * read.layers, windows=(window,) * read.layers)


FAMILY = replace(llama.FAMILY, title="Mistral", sizes=sizes)
