"""A text as a checkpoint's own tokenizer cuts it: pieces of words, their numbers and their places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from attnexplain.errors import CheckpointError, TextError
from attnexplain.models.checkpoint.guard import guarded
from attnexplain.tokens import CONTINUES, MOST_TOKENS, SPACE_SIGN, Tokens, refuse_long

LONGEST_TEXT = 1 << 18
"""Characters; so long a text has far more tokens than are ever allowed."""


class PieceTokenizer:
    """Splits a text into the pieces that a checkpoint knows.

    Args:
        tokenizer: a `tokenizers.Tokenizer`, as `open_tokenizer` makes it.
        vocabulary: how many pieces the model has embeddings for.
        positions: how many tokens the model can take; None where any number will do.
    """

    def __init__(self, tokenizer: Any, vocabulary: int, positions: int | None = None) -> None:
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._positions = positions
        self._special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
        self._is_byte_level = "ByteLevel" in str(tokenizer.pre_tokenizer)

    def tokenize(self, sentence: str, max_tokens: int) -> Tokens:
        """Split a sentence.

        Args:
            sentence: any text.
            max_tokens: how many pieces are allowed.

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
            raise TextError(f"the text is longer than {LONGEST_TEXT:,} characters")
        encoding = guarded(lambda: self._tokenizer.encode(sentence))
        ids = tuple(encoding.ids)
        if not ids:
            raise TextError("the text has nothing in it that this model's tokenizer knows")
        self._refuse_long(len(ids), max_tokens)
        if max(ids) >= self._vocabulary:
            raise CheckpointError(
                f"the tokenizer makes the token number {max(ids)}, and the model has {self._vocabulary} (numbered from "
                "0)"
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
            are_pieces=True,
        )

    def _refuse_long(self, count: int, max_tokens: int) -> None:
        if self._positions is not None and count > self._positions:
            raise TextError(
                f"the text has {count} tokens, and this model has {self._positions} positions", hint="shorten the text"
            )
        refuse_long(count, max_tokens, "tokens", min(MOST_TOKENS, self._positions or MOST_TOKENS))

    def _legend(self, tokens: Sequence[str], shown: Sequence[str]) -> tuple[str, ...]:
        signs = []
        if any(SPACE_SIGN in piece for piece in shown):
            signs.append(f"{SPACE_SIGN} is a space that belongs to the token.")
        if not self._is_byte_level and any(token.startswith(CONTINUES) and len(token) > 2 for token in tokens):
            signs.append(f"{CONTINUES} continues the word before.")
        if any(_BYTE_PIECE.fullmatch(token) for token in tokens):
            signs.append("<0x41> and its like are single bytes of a letter that the model has no piece for.")
        return tuple(signs)

    def _shown(self, token: str) -> str:
        """Write a piece for the screen: bytes as the letters that they are, a space as a sign."""
        text = token
        if self._is_byte_level and all(character in _BYTES for character in token):
            text = bytes(_BYTES[character] for character in token).decode("utf-8", "backslashreplace")
        return text.translate(_SIGNS)


_BYTE_PIECE = re.compile("<0x[0-9A-F]{2}>")


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
