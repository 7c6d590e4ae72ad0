"""The arguments of the library's functions: of the right type, or one line that says what is wanted."""

from __future__ import annotations

from operator import index
from typing import Any


def check_text(name: str, value: Any, *, optional: bool = False) -> None:
    """Refuse what is no text.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str) and not (optional and value is None):
        raise _wrong(name, value, "a text is wanted; for several texts, call once for each")


def check_texts(name: str, value: Any) -> None:
    """Refuse what is no list of texts: a text alone is a list of its letters to Python, and never what is meant."""
    if isinstance(value, str) or not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise _wrong(name, value, 'a list of texts is wanted, such as ["the cat"]')


def check_flag(name: str, value: Any, *, optional: bool = False) -> None:
    """Refuse what is neither True nor False (nor None, where that may be)."""
    if not isinstance(value, bool) and not (optional and value is None):
        raise _wrong(name, value, "True or False is wanted")


def check_whole(name: str, value: Any) -> None:
    """Refuse what is no whole number; numpy's are some."""
    try:
        index(value)
        is_whole = not isinstance(value, bool)
    except TypeError:
        is_whole = False
    if not is_whole:
        raise _wrong(name, value, "a whole number is wanted")


def check_model(value: Any) -> None:
    """Refuse what is no model."""
    if not hasattr(value, "info") or not hasattr(value, "tokenize"):
        raise _wrong("model", value, "a name, a path or what load_model returns is wanted")


def _wrong(name: str, value: Any, wanted: str) -> TypeError:
    shown = repr(value)
    return TypeError(f"{name}={shown if len(shown) <= 60 else shown[:59] + '…'}: {wanted}")
