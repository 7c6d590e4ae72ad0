"""The arguments of the library's functions: of the right type, or one line that says what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from os import PathLike, fspath
from typing import Any

from attnexplain.errors import CommandError
from attnexplain.facts import STEPS
from attnexplain.text import visible


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


def check_whole(name: str, value: Any, lowest: int | None = None, highest: int | None = None) -> None:
    """Refuse what is no whole number, or is outside of a range; numpy's whole numbers are some.

    Raises:
        TypeError: it is none.
        CommandError: it is too small or too large.
    """
    try:
        number = index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise _wrong(name, value, "a whole number is wanted")
    if (lowest is not None and number < lowest) or (highest is not None and number > highest):
        raise CommandError(f"{name}={number}: a whole number from {lowest} to {highest} is wanted")


def check_numbers(name: str, value: Any) -> tuple[int, ...]:
    """Return a list of whole numbers; one alone is a list of one.

    Raises:
        TypeError: it is none.
    """
    listed = value.tolist() if hasattr(value, "tolist") else value  # a numpy array
    several = (listed,) if hasattr(listed, "__index__") else listed
    if isinstance(several, str | bytes) or not isinstance(several, Sequence | range):
        raise _wrong(name, value, 'a list of whole numbers is wanted, or "all" or "mean"')
    for number in several:
        check_whole(name, number)
    return tuple(map(index, several))


def check_source(value: Any) -> str:
    """Return the name or path of a model as a text."""
    if not isinstance(value, str | PathLike):
        raise _wrong("source", value, "a name or a path is wanted")
    return str(fspath(value))


def check_model(value: Any) -> None:
    """Refuse what is no model."""
    if not hasattr(value, "info") or not hasattr(value, "tokenize"):
        raise _wrong("model", value, "a name, a path or what load_model returns is wanted")


def check_word(name: str, value: Any) -> str | None:
    """Return a word, or its position, as a text.

    >>> check_word("query", "bank"), check_word("query", 3), check_word("query", None)
    ('bank', '3', None)
    """
    if value is None or isinstance(value, str):
        return value
    check_whole(name, value)
    return str(index(value))


def check_choice(name: str, value: object, choices: Sequence[str], *, optional: bool = True) -> None:
    """Refuse what is not one of a few texts, or None where that may be."""
    if not isinstance(value, str) and not (optional and value is None):
        raise _wrong(name, value, f"one of {', '.join(choices)} is wanted")
    if value is not None and value not in choices:
        raise CommandError(f"{name}={visible(str(value))[:40]!r}: it is one of {', '.join(choices)}")


def check_steps(value: int | Sequence[int] | None) -> tuple[int, ...]:
    """Read one step, several or none, and return them in order.

    >>> check_steps(3), check_steps([4, 1]), check_steps(None)
    ((3,), (1, 4), ())
    """
    several = () if value is None else (value,) if hasattr(value, "__index__") else value
    if isinstance(several, str | bytes) or not isinstance(several, Sequence):
        raise _wrong("step", value, "a step from 1 to 4, or a list of steps, is wanted")
    for step in several:
        check_whole("step", step, min(STEPS), max(STEPS))
    return tuple(sorted({index(step) for step in several}))


def _wrong(name: str, value: Any, wanted: str) -> TypeError:
    shown = repr(value)
    return TypeError(f"{name}={shown if len(shown) <= 60 else shown[:59] + '…'}: {wanted}")
