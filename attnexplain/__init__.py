"""Self-attention, step by step, with every number, on your own sentence.

>>> from attnexplain import explain
>>> trace = explain("The cat sat")
>>> trace.weights.shape
(3, 3)
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attnexplain.attention import AttentionTrace as AttentionTrace
    from attnexplain.errors import AttnExplainError as AttnExplainError
    from attnexplain.explain import explain as explain
    from attnexplain.models import load_model as load_model

__version__ = "0.1.0"
__all__ = ["AttentionTrace", "AttnExplainError", "explain", "load_model"]

_HOME = {"AttentionTrace": "attention", "AttnExplainError": "errors", "explain": "explain", "load_model": "models"}


class _FrontDoor(ModuleType):
    """Imports what is asked for when it is asked for: `attnexplain --version` needs no numpy."""

    def __getattr__(self, name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        if name in _HOME and isinstance(value, ModuleType):
            return  # importing the file explain.py must not hide the function explain()
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _FrontDoor
