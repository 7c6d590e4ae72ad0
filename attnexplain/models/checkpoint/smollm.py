"""SmolLM 3: Llama, and every fourth layer without rotation (Bakouch et al. 2025)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint import llama
from attnexplain.models.checkpoint.llama import TIED, read_sizes, read_windows
from attnexplain.models.checkpoint.rope import FULL, SLIDING, read_rotation

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Sizes


def sizes(config: Config) -> Sizes:
    """Read what config.json says; a layer without rotation may have a window."""
    read = read_sizes(config)
    every = config.size("no_rope_layer_interval", "layers", default=4)
    usual = [int((layer + 1) % every != 0) for layer in range(read.layers)]
    is_rotated = config.choices("no_rope_layers", read.layers, (0, 1)) or usual
    has_windows = config.flag("use_sliding_window", default=False) and config.get("sliding_window") is not None
    layer_types = [SLIDING if has_windows and not rotated else FULL for rotated in is_rotated]
    windows = read_windows(config, layer_types, None)  # transformers masks by layer_types, whatever the flag says
    rotation = read_rotation(config, read.d_k, base=2_000_000.0)
    return replace(read, windows=windows, rotations=tuple(rotation if rotated else None for rotated in is_rotated))


FAMILY = replace(
    llama.FAMILY, title="SmolLM 3", sizes=sizes, prediction=TIED, harmless=frozenset(("max_window_layers",))
)
