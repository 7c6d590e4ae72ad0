"""What keeps a stranger's tokenizer.json in bounds: panics are caught, and what could take forever is not run.

The library `tokenizers` is written in Rust and sound, but what is strange to it can make it panic, which prints a trace
and raises something that is no Exception; a regular expression can take very long, and a rule that replaces one letter
by a thousand takes a thousand times the memory.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from attnexplain.errors import CheckpointError

MOST_GROWTH = 8
"""How many times longer the normalizers may make a text."""
LONGEST_WORD = 1000
"""Characters of a word that WordPiece looks into: the work grows with their square."""

_Result = TypeVar("_Result")
_MAY_BE_SLOW = re.compile(r"\(|[+*{?].*[+*{?]", re.DOTALL)
"""Groups, or more than one repetition: only such patterns can take long."""

_CASES = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_SIGN = r"[^\r\n\p{L}\p{N}]?"
PUBLISHED = frozenset(
    {
        # GPT-2, and what was made after it
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        # cl100k, as Llama 3, OLMo 2, Phi 4 and SmolLM 3 write it; and as tiktoken does
        rf"{_CASES}|{_SIGN}\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}",
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]"
        r"|\s+(?!\S)|\s+",
        # Qwen 2 and 3, whose digits stand alone; Qwen 3.5 takes marks for letters
        rf"{_CASES}|{_SIGN}\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}",
        rf"{_CASES}|{_SIGN}[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{_SPACES}",
        # o200k, as gpt-oss has it; Tekken, as Mistral's newer models have it
        rf"{_SIGN}{_UPPER}*{_LOWER}+{_CASES}?|{_SIGN}{_UPPER}+{_LOWER}*{_CASES}?|\p{{N}}{{1,3}}"
        rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACES}",
        rf"{_SIGN}{_UPPER}*{_LOWER}+|{_SIGN}{_UPPER}+{_LOWER}*|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACES}",
    }
)
"""Patterns of published models, letter by letter: each takes time in proportion to the text (a test measures it)."""


def refuse_unbounded(tokenizer: Any) -> None:
    """Refuse a tokenizer that a short text could keep busy for long, or fill the memory with.

    Raises:
        CheckpointError: it can; the message says by what.
    """
    growth = 1
    for part in (tokenizer.normalizer, tokenizer.pre_tokenizer):
        for rule in _rules(json.loads(part.__getstate__()) if part is not None else None):
            pattern = rule.get("pattern")
            if isinstance(pattern, dict) and "Regex" in pattern:
                _refuse_slow(str(pattern["Regex"]))
            if rule.get("type") == "Replace":
                growth *= _growth(pattern, str(rule.get("content", "")))
            elif rule.get("type") == "Prepend" and len(str(rule.get("prepend", ""))) > MOST_GROWTH:
                growth *= len(rule["prepend"])
            if growth > MOST_GROWTH:
                raise CheckpointError(f"tokenizer.json replaces so much that a text could grow {growth} times longer")
    word = getattr(tokenizer.model, "max_input_chars_per_word", 0)
    if word > LONGEST_WORD:
        raise CheckpointError(f"tokenizer.json looks into words of {word} characters; {LONGEST_WORD} are read here")


def _refuse_slow(pattern: str) -> None:
    if pattern not in PUBLISHED and _MAY_BE_SLOW.search(pattern):
        raise CheckpointError(
            f"tokenizer.json splits by the regular expression {pattern[:80]!r}, which is not supported",
            hint="those of published models are, letter by letter; any other may have one repetition and no group",
        )


def _growth(pattern: Any, content: str) -> int:
    """Count how many times longer a text may get by one rule; what nothing is replaced by may be anywhere."""
    text = pattern.get("String") if isinstance(pattern, dict) else None
    shortest = len(text) if isinstance(text, str) else 1
    return max(1, -(-len(content) // shortest)) if shortest else len(content) + 1


def _rules(part: Any) -> Iterator[dict[str, Any]]:
    """Walk through a normalizer or pre-tokenizer, and those in it, in the order in which they are applied."""
    if isinstance(part, dict):
        yield part
        for key in ("normalizers", "pretokenizers"):
            for one in part.get(key) or ():
                yield from _rules(one)


def guarded(work: Callable[[], _Result]) -> _Result:
    """Let the library work; a panic of it is an error like any other, and prints nothing."""
    try:
        with _silent_standard_error():
            return work()
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:
        raise CheckpointError(f"tokenizer.json does not work: {error}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise CheckpointError(f"tokenizer.json does not work: the tokenizer panicked ({error})") from error


@contextmanager
def _silent_standard_error() -> Iterator[None]:
    """Point the file descriptor 2 to nowhere: a panic writes there itself, past Python's sys.stderr."""
    try:
        sys.stderr.flush()
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except (OSError, AttributeError, ValueError):  # there is no standard error to protect
        yield
        return
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
