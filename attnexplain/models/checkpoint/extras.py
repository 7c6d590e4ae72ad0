"""Libraries that not everybody has: imported when they are needed, with the command that brings them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from attnexplain.errors import CommandError

_EXTRA = {
    "safetensors": "models",
    "tokenizers": "models",
    "huggingface_hub": "hub",
    "gguf": "gguf",
    "gguf.quants": "gguf",
}


def needed(library: str) -> Any:
    """Import an optional library.

    Raises:
        CommandError: it is not installed.
    """
    try:
        return import_module(library)
    except ImportError as error:
        raise CommandError(
            f"this needs the library {library}, which is not installed",
            hint=f"pip install 'attnexplain[{_EXTRA[library]}]'",
        ) from error
