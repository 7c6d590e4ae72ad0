"""Qwen 2 and 3: Llama with biases on queries, keys and values (2), or with a norm of queries and keys (3).

Yang et al. 2024, arXiv:2407.10671 and 2025, arXiv:2505.09388.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from attnexplain.models.checkpoint import llama
from attnexplain.models.checkpoint.llama import OF_HEADS, OF_OUTPUT, OF_SECOND, read_sizes, read_windows
from attnexplain.models.checkpoint.rope import FULL, SLIDING, read_rotation

if TYPE_CHECKING:
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.layout import Sizes


def sizes_of_2(config: Config) -> Sizes:
    """Read what config.json says; the biases are there whatever it says."""
    return replace(_with_windows(config, read_sizes(config)), absent=OF_OUTPUT | OF_SECOND)


def sizes_of_3(config: Config) -> Sizes:
    """Read what config.json says."""
    return _with_windows(config, read_sizes(config, head_dim=128))


def _with_windows(config: Config, read: Sizes) -> Sizes:
    """Only the layers from max_window_layers on have a window, and only where use_sliding_window says so."""
    first = config.count("max_window_layers", 28)
    is_used = config.flag("use_sliding_window", default=False)
    layer_types = [SLIDING if is_used and layer >= first else FULL for layer in range(read.layers)]
    windows = read_windows(config, layer_types)
    if not is_used and any(windows):
        raise config.error("layer_types has layers with a window, and use_sliding_window is not true")
    return replace(read, windows=windows, rotations=(read_rotation(config, read.d_k),) * read.layers)


QWEN_2 = replace(llama.FAMILY, title="Qwen 2", sizes=sizes_of_2)
QWEN_3 = replace(llama.FAMILY, title="Qwen 3", names=llama.NAMES | OF_HEADS, sizes=sizes_of_3)
