"""A checkpoint's own tokenizer, run by the library `tokenizers`: pieces of words, their numbers and their places.

A tokenizer.json comes from strangers. The library is written in Rust and sound, but what is strange to it can make it
panic, which prints a trace and raises something that is no Exception; and a regular expression can take very long.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from attnexplain.errors import CheckpointError, CommandError, DataError, TextError
from attnexplain.models.checkpoint.extras import needed
from attnexplain.models.files import parse_json, read_file
from attnexplain.tokens import CONTINUES, MOST_TOKENS, SPACE_SIGN, Tokens

NAME = "tokenizer.json"
VOCABULARIES = ("vocab.txt", "vocab.json")
LARGEST = 1 << 26
LONGEST_TEXT = 1 << 20

_Result = TypeVar("_Result")
_SLOW_PATTERN = re.compile(r"\(|[+*{?].*[+*{?]", re.DOTALL)
"""Groups, or more than one repetition: only such patterns can take long."""


class PieceTokenizer:
    """Splits a text into the pieces that a checkpoint knows.

    Raises:
        CheckpointError: there is no tokenizer in the folder, or it does not work.
    """

    def __init__(self, folder: Path) -> None:
        self._library = needed("tokenizers")
        try:
            if (folder / NAME).exists():
                self._tokenizer = self._from_json(folder)
            elif (folder / "vocab.txt").exists():
                self._tokenizer = self._word_pieces(folder)
            elif (folder / "vocab.json").exists() and (folder / "merges.txt").exists():
                self._tokenizer = self._byte_pairs(folder)
            else:
                raise CheckpointError(
                    f"there is no {NAME} in the folder, nor vocab.txt, nor vocab.json with merges.txt"
                )
        except CommandError as error:
            raise CheckpointError(error.message, hint=error.hint) from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._special = {
            number for number, token in self._tokenizer.get_added_tokens_decoder().items() if token.special
        }
        self._is_byte_level = "ByteLevel" in self._parts()[0]

    def tokenize(self, sentence: str, max_tokens: int, vocabulary: int) -> Tokens:
        """Split a sentence.

        Args:
            sentence: any text.
            max_tokens: how many pieces are allowed.
            vocabulary: how many the model knows.

        Raises:
            TextError: the text is empty, too long, or not valid Unicode.
            CheckpointError: the tokenizer makes pieces that the model does not know.
        """
        try:
            sentence.encode()
        except UnicodeEncodeError as error:
            raise TextError(f"the text is not valid Unicode at character {error.start + 1} (is it UTF-8?)") from error
        if not sentence.strip():
            raise TextError("the text is empty")
        if len(sentence) > LONGEST_TEXT:
            raise TextError(f"the text is longer than {LONGEST_TEXT >> 20} MiB")
        encoding = _guarded(lambda: self._tokenizer.encode(sentence))
        ids = tuple(encoding.ids)
        if not ids:
            raise TextError("the text has nothing in it that this model's tokenizer knows")
        if len(ids) > max_tokens:
            raise TextError(
                f"the text has {len(ids)} tokens, and {max_tokens} are allowed",
                hint=f"shorten it, or raise the limit with --max-tokens (up to {MOST_TOKENS})",
            )
        if max(ids) >= vocabulary:
            raise CheckpointError(
                f"{NAME} makes the token number {max(ids)}, and the model has {vocabulary} (numbered from 0)"
            )
        tokens = tuple(encoding.tokens)
        shown = tuple(map(self._shown, tokens))
        return Tokens(
            tokens,
            ids=ids,
            special=tuple(number in self._special for number in ids),
            spans=tuple(_trimmed(sentence, *span) for span in encoding.offsets),
            shown=shown,
            legend=self._legend(tokens, shown),
        )

    def _legend(self, tokens: Sequence[str], shown: Sequence[str]) -> tuple[str, ...]:
        signs = []
        if any(SPACE_SIGN in piece for piece in shown):
            signs.append(f"{SPACE_SIGN} is a space that belongs to the token.")
        if not self._is_byte_level and any(token.startswith(CONTINUES) and len(token) > 2 for token in tokens):
            signs.append(f"{CONTINUES} continues the word before.")
        return tuple(signs)

    def _shown(self, token: str) -> str:
        """Write a piece for the screen: bytes as the letters that they are, a space as a sign."""
        text = token
        if self._is_byte_level and all(character in _BYTES for character in token):
            text = bytes(_BYTES[character] for character in token).decode("utf-8", "backslashreplace")
        return text.translate(_SIGNS)

    # Opening

    def _from_json(self, folder: Path) -> Any:
        data = read_file(folder / NAME, LARGEST)
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise CheckpointError(f"{NAME} is not UTF-8 at byte {error.start + 1}") from error
        tokenizer = _guarded(lambda: self._library.Tokenizer.from_str(text))
        self._tokenizer = tokenizer
        for pattern in self._parts()[1]:
            if _SLOW_PATTERN.search(pattern):
                raise CheckpointError(
                    f"{NAME} splits by the regular expression {pattern[:80]!r}, which is not supported"
                )
        return tokenizer

    def _word_pieces(self, folder: Path) -> Any:
        """Make BERT's tokenizer of a plain list of pieces."""
        vocabulary = _lines(read_file(folder / "vocab.txt", LARGEST), "vocab.txt")
        settings = _settings(folder)
        implementations = needed("tokenizers").implementations
        pieces = {piece: number for number, piece in enumerate(vocabulary)}
        lowercase = settings.get("do_lower_case", True) is not False
        tokenizer = _guarded(lambda: implementations.BertWordPieceTokenizer(pieces, lowercase=lowercase))
        return tokenizer._tokenizer

    def _byte_pairs(self, folder: Path) -> Any:
        """Make the tokenizer of GPT-2, or of RoBERTa where there is a piece <s>, of a list of pieces and merges."""
        pieces = parse_json(read_file(folder / "vocab.json", LARGEST))
        lines = _lines(read_file(folder / "merges.txt", LARGEST), "merges.txt")
        merges = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
        library, implementations = self._library, needed("tokenizers").implementations
        tokenizer = _guarded(lambda: implementations.ByteLevelBPETokenizer(pieces, merges))._tokenizer
        tokenizer.add_special_tokens([token for token in ("<|endoftext|>", "<s>", "</s>", "<mask>") if token in pieces])
        if "<s>" in pieces and "</s>" in pieces:
            end, start = ("</s>", pieces["</s>"]), ("<s>", pieces["<s>"])
            tokenizer.post_processor = library.processors.RobertaProcessing(end, start, add_prefix_space=False)
        return tokenizer

    def _parts(self) -> tuple[set[str], list[str]]:
        """Return the kinds of all parts of the tokenizer, and the regular expressions in them."""
        kinds: set[str] = set()
        patterns: list[str] = []
        for part in (self._tokenizer.normalizer, self._tokenizer.pre_tokenizer):
            if part is not None:
                for key, value in _walk(json.loads(part.__getstate__())):
                    if key == "type":
                        kinds.add(str(value))
                    elif key == "Regex":
                        patterns.append(str(value))
        return kinds, patterns


def _guarded(work: Callable[[], _Result]) -> _Result:
    """Let the library work; a panic of it is an error like any other, and prints nothing."""
    try:
        with _silent_standard_error():
            return work()
    except Exception as error:
        raise CheckpointError(f"{NAME} does not work: {error}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise CheckpointError(f"{NAME} does not work: the tokenizer panicked ({error})") from error


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


def _walk(part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, dict):
        for key, value in part.items():
            yield key, value
            yield from _walk(value)
    elif isinstance(part, list):
        for value in part:
            yield from _walk(value)


def _lines(data: bytes, name: str) -> list[str]:
    try:
        return data.decode().replace("\r\n", "\n").rstrip("\n").split("\n")
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{name} is not UTF-8 at byte {error.start + 1}") from error


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    try:
        return parse_json(read_file(path, LARGEST)) if path.exists() else {}
    except DataError as error:
        raise CheckpointError(f"{path.name}: {error.message}") from error


def _trimmed(sentence: str, start: int, end: int) -> tuple[int, int]:
    """Leave out the space that a piece begins with."""
    while start < end and sentence[start].isspace():
        start += 1
    return start, end


def _bytes() -> dict[str, int]:
    """Return the byte behind each of the 256 characters that GPT-2 writes bytes with.

    Bytes that are visible characters of Latin-1 stand for themselves; the others, in order, for what follows U+0100.
    """
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(0x100 + place): byte for place, byte in enumerate(others)}


_BYTES = _bytes()
_SIGNS = str.maketrans({" ": SPACE_SIGN, "▁": SPACE_SIGN, "\n": "␊", "\t": "␉", "\r": "␍"})
