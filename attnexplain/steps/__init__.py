"""What each step says and shows: title, formula, words, and which cell is worked out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attnexplain.steps.compose import lesson as lesson

__all__ = ["lesson"]


def __getattr__(name: str) -> Any:
    """Import the lesson when it is asked for: JSON has to know which words are worked, and nothing else of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.compose"), name)
    return value
