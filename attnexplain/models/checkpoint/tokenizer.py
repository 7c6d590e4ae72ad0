"""A text as a checkpoint's own tokenizer cuts it: pieces of words, their numbers and their places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from attnexplain.errors import CheckpointError, TextError
from attnexplain.models.checkpoint.guard import guarded
from attnexplain.tokens import CONTINUES, MOST_TOKENS, SPACE_SIGN, Repeats, Tokens, refuse_long

LENGTH_OF_REPEATS, TIMES = 25, 4
"""How many random tokens there are, and how many times over (Olsson et al. 2022)."""
LEAST_OF_REPEATS = 5
"""Fewer tell nothing."""
MASKS = ("[MASK]", "<mask>")
"""What stands for a hidden word."""
LONGEST_TEXT = 1 << 18
"""Characters; so long a text has far more tokens than are ever allowed."""


class PieceTokenizer:
    """Splits a text into the pieces that a checkpoint knows.

    Args:
        tokenizer: a `tokenizers.Tokenizer`, as `open_tokenizer` makes it.
        vocabulary: how many pieces the model has embeddings for.
        positions: how many tokens the model can take; None where any number will do.
        truncation: how many its pipeline allows, if it says, and the side from which it cuts: "left" or "right".
    """

    def __init__(
        self,
        tokenizer: Any,
        vocabulary: int,
        positions: int | None = None,
        truncation: tuple[int | None, str] = (None, "right"),
    ) -> None:
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._positions = positions
        self._allowed, self._side = truncation
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
        return self.tokenize_pair(sentence, None, max_tokens)

    def tokenize_pair(self, sentence: str, pair: str | None, max_tokens: int, *, truncate: bool = False) -> Tokens:
        """Split a sentence, and another that goes with it.

        Args:
            sentence: any text.
            pair: a second text; places in it are counted from behind the first one and a space.
            max_tokens: how many pieces are allowed.
            truncate: cut off what is more than that, or than the model takes, from the longer of two texts first.

        Raises:
            TextError: a text is empty, too long, or not valid Unicode.
            CheckpointError: the tokenizer makes pieces that the model does not know, or nothing stands between two
                texts.
        """
        for text in (sentence, *([] if pair is None else [pair])):
            _check_text(text)
        encoding = self._encoded(sentence, pair)
        count, cut_from = len(encoding.ids), 0
        most = min(max_tokens, self._positions or MOST_TOKENS, self._allowed or MOST_TOKENS)
        if truncate and count > most:
            encoding, cut_from = self._cut(sentence, pair, most), count
            if pair is not None and not {0, 1} <= set(encoding.sequence_ids):
                raise TextError(f"{most} tokens leave no room for words of both texts")
        ids = tuple(encoding.ids)
        if not ids:
            raise TextError("the text has nothing in it that this model's tokenizer knows")
        self._refuse_long(len(ids), max_tokens)
        segments = None if pair is None else _segments(encoding)
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
            spans=_spans(encoding, sentence, pair),
            shown=shown,
            legend=self._legend(tokens, shown),
            are_pieces=True,
            segments=segments,
            second_begins=0 if pair is None else len(sentence) + 1,
            cut_from=cut_from,
        )

    def masks(self, tokens: Tokens) -> tuple[int, ...]:
        """Find the tokens that stand for a hidden word.

        Raises:
            TextError: there is none.
            CheckpointError: the tokenizer knows no such token.
        """
        written = {self._tokenizer.id_to_token(number): number for number in self._special}
        mask = next((text for text in MASKS if text in written), None)
        if mask is None:
            raise CheckpointError("it sees both sides, and its tokenizer has no token that stands for a hidden word")
        found = tuple(place for place, number in enumerate(tokens.ids or ()) if number == written[mask])
        if not found:
            raise TextError(
                f"this model predicts hidden words, and the text has no {mask}",
                hint=f'write {mask} in place of a word: "The cat {mask} on the mat"',
            )
        return found

    def written(self, number: int) -> tuple[str, str]:
        """Return a token of the vocabulary as it is written there, and as a reader sees it."""
        text = self._tokenizer.id_to_token(number)  # None where a vocabulary was filled up
        return (f"token {number}",) * 2 if text is None else (text, self._shown(text))

    def repeats(self, begins: Any) -> Repeats | None:
        """Make a sequence of random tokens, several times over, between the special tokens of any text.

        Rare and frequent ones are left out, as far as the order of the vocabulary tells (Olsson et al. 2022).

        Args:
            begins: the number of the token that starts a sequence, where the tokenizer puts none.
        """
        encoding = self._encoded("a", None)
        marks = [text is None for text in encoding.sequence_ids]
        middle = marks.index(False) if False in marks else 0
        before = encoding.ids[:middle]
        after = [number for number, mark in zip(encoding.ids[middle:], marks[middle:], strict=True) if mark]
        if not before and type(begins) is int and 0 <= begins < self._vocabulary:
            before = [begins]
        room = (self._positions or MOST_TOKENS) - len(before) - len(after)
        length = min(LENGTH_OF_REPEATS, room // TIMES)
        tenth = self._vocabulary // 10
        usual = [number for number in range(tenth, self._vocabulary - tenth) if number not in self._special]
        if length < LEAST_OF_REPEATS or len(usual) < length:
            return None
        random = np.random.default_rng(0).choice(usual, length, replace=False).tolist()
        ids = (*before, *random * TIMES, *after)
        texts = tuple(str(number) for number in ids)
        return Repeats(Tokens(texts, ids=ids, are_pieces=True), length, len(before), TIMES)

    def _encoded(self, sentence: str, pair: str | None) -> Any:
        return guarded(lambda: self._tokenizer.encode(sentence, pair))

    def _cut(self, sentence: str, pair: str | None, most: int) -> Any:
        """Encode texts, and cut off what is more than `most`; special tokens stay."""
        if most <= self._tokenizer.num_special_tokens_to_add(pair is not None):
            raise TextError(f"{most} tokens leave no room for a word beside the special ones")
        self._tokenizer.enable_truncation(most, strategy="longest_first", direction=self._side)
        try:
            return self._encoded(sentence, pair)
        finally:
            self._tokenizer.no_truncation()

    def _refuse_long(self, count: int, max_tokens: int) -> None:
        if self._positions is not None and count > self._positions:
            raise TextError(
                f"the text has {count} tokens, and this model has {self._positions} positions",
                hint="shorten the text, or --truncate",
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


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TextError(f"the text is not valid Unicode at character {error.start + 1} (is it UTF-8?)") from error
    if not text.strip():
        raise TextError("the text is empty")
    if len(text) > LONGEST_TEXT:
        raise TextError(f"the text is longer than {LONGEST_TEXT:,} characters")


def _segments(encoding: Any) -> tuple[int, ...]:
    """Read whose each token of a pair is.

    Raises:
        CheckpointError: nothing stands between the texts, so that no model could tell where the second begins.
        TextError: one of them has no token.
    """
    of_texts = encoding.sequence_ids  # None for special tokens
    if not {0, 1} <= set(of_texts):
        raise TextError("one of the two texts has nothing in it that this model's tokenizer knows")
    if of_texts[of_texts.index(1) - 1] is not None:
        raise CheckpointError(
            "this model has nothing to mark where a second text begins", hint="--pair is for models such as BERT"
        )
    if max(encoding.type_ids) > 1:
        raise CheckpointError("the tokenizer counts more than two segments")
    return tuple(encoding.type_ids)


def _spans(encoding: Any, sentence: str, pair: str | None) -> tuple[tuple[int, int], ...]:
    """Find each token in the sentence, or in both with a space between them."""
    behind = len(sentence) + 1
    spans = []
    for span, text in zip(encoding.offsets, encoding.sequence_ids, strict=True):
        start, end = _trimmed(pair if text == 1 and pair is not None else sentence, *span)
        spans.append((start + behind, end + behind) if text == 1 else (start, end))
    return tuple(spans)


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
