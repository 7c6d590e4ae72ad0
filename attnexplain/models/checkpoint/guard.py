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
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from attnexplain.errors import CheckpointError

MOST_GROWTH = 8
"""How many times longer the normalizers may make a text."""
LONGEST_CHARACTER = 64
"""Bytes that one character may become; the longest of Unicode's own becomes 33."""
LONGEST_WORD = 200
"""Characters of a word that WordPiece looks into: the work grows with their square."""
LONGEST_PIECE = 512
"""Characters of a piece of the vocabulary: a text of one letter is compared with each of that letter."""
MOST_RULES = 24
"""Rules that a text is prepared by, and tokens that are put around it."""

_Result = TypeVar("_Result")
_MAY_BE_SLOW = re.compile(r"\(|[+*}?](?!$|\|)|[+*{?].*[+*{?]", re.DOTALL)
"""Groups, more than one repetition, or one with something behind it: only such patterns can take long."""

_CASES = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_SIGN = r"[^\r\n\p{L}\p{N}]?"
OF_QWEN = rf"{_CASES}|{_SIGN}\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}"
PUBLISHED = frozenset(
    {
        # GPT-2, and what was made after it
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        # cl100k, as Llama 3, OLMo 2, Phi 4 and SmolLM 3 write it; and as tiktoken does
        rf"{_CASES}|{_SIGN}\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}",
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]"
        r"|\s+(?!\S)|\s+",
        # Qwen 2 and 3, whose digits stand alone; Qwen 3.5 takes marks for letters
        OF_QWEN,
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
    growth, count = 1, 0
    for part in (tokenizer.normalizer, tokenizer.pre_tokenizer):
        for rule in _rules(json.loads(part.__getstate__()) if part is not None else None):
            count += 1
            pattern = rule.get("pattern")
            if isinstance(pattern, dict) and "Regex" in pattern:
                _refuse_slow(str(pattern["Regex"]))
            growth *= _growth(rule)
            if growth > MOST_GROWTH:
                raise CheckpointError(f"tokenizer.json replaces so much that a text could grow {growth} times longer")
    ends = json.loads(tokenizer.post_processor.__getstate__()) if tokenizer.post_processor is not None else {}
    if max(count, *(len(ids) for ids in _put_around(ends))) > MOST_RULES:
        raise CheckpointError(f"tokenizer.json has more than {MOST_RULES} rules, or puts more tokens around a text")
    model = tokenizer.model
    word = getattr(model, "max_input_chars_per_word", 0)
    if word > LONGEST_WORD:
        raise CheckpointError(f"tokenizer.json looks into words of {word} characters; {LONGEST_WORD} are read here")
    if getattr(model, "dropout", None):
        raise CheckpointError(f"tokenizer.json leaves out merges at random (dropout {model.dropout})")
    if type(model).__name__ == "Unigram" and max(map(len, tokenizer.get_vocab()), default=0) > LONGEST_PIECE:
        raise CheckpointError(f"tokenizer.json has a piece of more than {LONGEST_PIECE} characters")


def _refuse_slow(pattern: str) -> None:
    if pattern not in PUBLISHED and _MAY_BE_SLOW.search(pattern):
        raise CheckpointError(
            f"tokenizer.json splits by the regular expression {pattern[:80]!r}, which is not supported",
            hint="those of published models are, letter by letter; any other may have one repetition and no group",
        )


def _growth(rule: dict[str, Any]) -> int:
    """Count how many times longer a text may get by one rule."""
    kind = rule.get("type")
    if kind in ("NFKD", "NFD", "ByteLevel"):
        return 2  # NFKD makes 18 letters of a single sign of Arabic, but only once
    if kind == "Precompiled":
        return _growth_by_charsmap(str(rule.get("precompiled_charsmap", "")))
    if kind == "Prepend":
        return max(1, len(str(rule.get("prepend", ""))))
    return _growth_by_replacing(rule.get("pattern"), str(rule.get("content", ""))) if kind == "Replace" else 1


def _growth_by_replacing(pattern: Any, content: str) -> int:
    """What nothing at all is replaced by may come between any two letters."""
    text, expression = (pattern.get(key) if isinstance(pattern, dict) else None for key in ("String", "Regex"))
    if isinstance(text, str) and text:
        return max(1, -(-len(content) // len(text)))
    may_be_nothing = not isinstance(expression, str) or re.search(r"[*?^$|]|\\[bBAzZG]|\{0?,|\{0\}", expression)
    return len(content) + 1 if may_be_nothing else max(1, len(content))


def _put_around(part: Any) -> Iterator[list[Any]]:
    """Walk through what a post-processor puts around a text: the numbers of each token, the pieces of templates."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("ids", "single", "pair", "processors") and isinstance(value, list):
                yield value
            yield from _put_around(value)
    elif isinstance(part, list):
        for value in part:
            yield from _put_around(value)
    yield []


def _growth_by_charsmap(encoded: str) -> int:
    """Count how many times longer SentencePiece's table of characters may make a text; as published, no more than 3.

    It is the length of a trie in four bytes, the trie, and what the characters become, each ended by a zero. One
    character of a published table becomes 18 others, from three bytes: what is written here is bytes to bytes.
    """
    data = b64decode(encoded)
    texts = data[4 + int.from_bytes(data[:4], "little") :].split(b"\0")
    return 1 if max(map(len, texts), default=0) <= LONGEST_CHARACTER else MOST_GROWTH + 1


def _rules(part: Any) -> Iterator[dict[str, Any]]:
    """Walk through a normalizer or pre-tokenizer, and those in it, in the order in which they are applied."""
    if isinstance(part, dict):
        yield part
        for key in ("normalizers", "pretokenizers"):
            for one in part.get(key) or ():
                yield from _rules(one)


def guarded(work: Callable[[], _Result], ours: tuple[type[BaseException], ...] = ()) -> _Result:
    """Let the library work; a panic of it is an error like any other, and prints nothing.

    Args:
        work: what calls it.
        ours: errors that are not the library's.
    """
    passed_on: tuple[type[BaseException], ...] = (*ours, MemoryError)
    try:
        with _silent_standard_error():
            return work()
    except passed_on:
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
