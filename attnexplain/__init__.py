"""Self-attention, step by step, with every number, on your own sentence.

>>> from attnexplain import explain
>>> trace = explain("The cat sat")
>>> trace.weights.shape
(3, 3)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attnexplain.attention import AttentionTrace as AttentionTrace
    from attnexplain.errors import AttnExplainError as AttnExplainError
    from attnexplain.every_head import AllHeads as AllHeads
    from attnexplain.every_head import HeadWeights as HeadWeights
    from attnexplain.every_head import explain_all as explain_all
    from attnexplain.explanation import Explanation as Explanation
    from attnexplain.explanation import explain as explain
    from attnexplain.models import load_model as load_model

__version__ = "0.2.0"
__all__ = [
    "AllHeads", "AttentionTrace", "AttnExplainError", "Explanation", "HeadWeights", "explain", "explain_all",
    "load_model",
]  # fmt: skip

_ROOM_OF = {
    "AllHeads": "every_head",
    "AttentionTrace": "attention",
    "AttnExplainError": "errors",
    "Explanation": "explanation",
    "HeadWeights": "every_head",
    "explain": "explanation",
    "explain_all": "every_head",
    "load_model": "models",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: `attnexplain --version` needs no numpy."""
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    return value
