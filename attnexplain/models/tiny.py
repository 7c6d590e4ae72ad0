"""The learned model that ships inside the package: 34,000 English words, one position-free attention head.

How it is made is told in `training/`, what it can do and what not in its card, `tiny.md` (`attnexplain --model-card`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.attention import Head
from attnexplain.models import spelling
from attnexplain.models.model import FROM_LETTERS, UNKNOWN, Embedded, Model, ModelInfo
from attnexplain.tokens import Tokens, tokenize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from attnexplain.attention import Array

HERE = Path(__file__).parent
FILE = "tiny.bin"
CARD = "tiny.md"
BLOCK = 128
REMEMBERED = 1 << 16
"""How many words are remembered that were looked up."""
COMPANIES = 1 << 14
"""And how many vectors, with the words that are near them."""
_HEADER = 8
"""The file starts with the length of its JSON header, in so many bytes, little-endian."""


class Tiny(Model):
    """Words, their embeddings, and one head, read from the file beside this one."""

    info = ModelInfo(
        "tiny",
        "learned",
        "A small layer that was learned: words attend to the words that tell most about them.",
    )

    def __init__(self) -> None:
        data = HERE.joinpath(FILE).read_bytes()
        length = int.from_bytes(data[:_HEADER], "little")
        header: dict[str, Any] = json.loads(data[_HEADER : _HEADER + length])
        self._arrays: dict[str, NDArray[Any]] = {}
        offset = _HEADER + length
        for name, dtype, shape in header["arrays"]:
            count = int(np.prod(shape))
            self._arrays[name] = np.frombuffer(data, dtype=dtype, count=count, offset=offset).reshape(shape)
            offset += count * np.dtype(dtype).itemsize
        self.head: Head = Head(*(self._arrays[name].astype(np.float64) for name in ("w_q", "w_k", "w_v")))
        self._words = data[offset:]  # each between two newlines: finding one needs no dictionary of all
        self._row = lru_cache(REMEMBERED)(self._find_row)  # but many sentences share their words
        self._word = lru_cache(REMEMBERED)(self._read_word)
        self._found: dict[tuple[bytes, str, int], list[str]] = {}

    def tokenize(self, sentence: str, phrases: Sequence[str], max_tokens: int) -> Tokens:
        """Split a sentence into words."""
        return tokenize(sentence, phrases, max_tokens)

    def embed(self, tokens: Tokens) -> Embedded:
        """Return one row of d_model numbers per word; a word that is not known gets a sensible one."""
        vectors, made = zip(*map(self.look_up, tokens.words), strict=True)
        little = (
            how == UNKNOWN or self._is_marked("function", word) for word, how in zip(tokens.words, made, strict=True)
        )
        return Embedded(np.array(vectors), made, tuple(little))

    def look_up(self, word: str) -> tuple[Array, str]:
        """Return a word's embedding, and how it was made if the word is not known ("" if it is).

        Tried in this order: without a possessive ending or accents, the parts of a hyphenated word, two words written
        together, one slip of the keyboard, groups of letters; other scripts and signs share one vector.
        """
        normal = spelling.normal_word(word)
        if (row := self._row(normal)) is not None:
            return self._vector(row), ""
        plain = spelling.without_accents(spelling.without_ending(normal))
        for form in (spelling.without_ending(normal), spelling.without_accents(normal), plain):
            if form and (row := self._row(form)) is not None:
                return self._vector(row), f'as "{form}"'
        pieces = spelling.parts(plain)
        if len(pieces) > 1:
            made = [self.look_up(piece)[0] for piece in pieces]
            return np.mean(made, axis=0), "as the mean of its parts " + " and ".join(f'"{piece}"' for piece in pieces)
        if not (plain.isascii() and plain.isalpha()):
            return self._arrays["unknown"].astype(np.float64), UNKNOWN
        if len(plain) <= spelling.LONGEST:
            if (pair := spelling.two_words(plain, self._is_common)) is not None:
                made = [self.look_up(piece)[0] for piece in pair]
                return np.mean(made, axis=0), f'as the mean of "{pair[0]}" and "{pair[1]}"'
            if (near := spelling.slip_of(plain, self._is_common)) is not None:
                return self.look_up(near)[0], f'as "{near}", one letter away'
        groups = self._arrays["groups"][spelling.buckets(plain)].mean(axis=0)
        return groups * self._arrays["group_scales"].astype(np.float64), FROM_LETTERS

    def neighbours(self, vectors: Array, count: int, own: Sequence[str]) -> list[list[str]]:
        """Find the common words whose values point most nearly the way of each vector, (n, d_v).

        What was found before is remembered: the value of a word is the same in every sentence.
        """
        if len(self._found) > COMPANIES:
            self._found.clear()
        keys = [(vector.tobytes(), word, count) for vector, word in zip(vectors, own, strict=True)]
        new = list({key: place for place, key in enumerate(keys) if key not in self._found}.values())
        rows, values = self._offered_values
        for start in range(0, len(new), 64):  # bounds the memory of a long text
            some = new[start : start + 64]
            nearness = _unit(vectors[some]).astype(np.float32) @ values  # [64, d_v] @ [d_v, offered]
            for place, nearest in zip(some, _largest(nearness, count + 1), strict=True):
                names, itself = [self._word(row) for row in rows[nearest].tolist()], spelling.normal_word(own[place])
                self._found[keys[place]] = [name for name in names if name != itself][:count]
        return [self._found[key] for key in keys]

    @cached_property
    def _offered_values(self) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """The rows of the words that may be offered; their values at length 1, [d_v, offered], filled up with zeros."""
        rows = np.flatnonzero(np.unpackbits(self._arrays["offered"], count=len(self._arrays["embeddings"])))
        values = np.zeros((self.head.d_v, -(-len(rows) // BLOCK) * BLOCK), dtype=np.float32)
        scaled_w_v = (self._arrays["scales"][:, None] * self._arrays["w_v"]).astype(np.float32)  # [d_model, d_v]
        values[:, : len(rows)] = _unit(self._arrays["embeddings"][rows].astype(np.float32) @ scaled_w_v).T
        return rows, values

    def _find_row(self, word: str) -> int | None:
        place = self._words.find(b"\n" + word.encode() + b"\n")
        return None if place < 0 or "\n" in word else self._words.count(b"\n", 0, place)

    def _is_common(self, word: str) -> bool:
        return self._is_marked("offered", word)

    def _is_marked(self, mark: str, word: str) -> bool:
        """Look up one bit: whether a word may be offered as a neighbour, or is a function word."""
        row = self._row(spelling.normal_word(word))
        return row is not None and bool(self._arrays[mark][row // 8] >> (7 - row % 8) & 1)

    def _read_word(self, row: int) -> str:
        return self._words[self._ends[row] + 1 : self._ends[row + 1]].decode()

    @cached_property
    def _ends(self) -> NDArray[np.intp]:
        return np.flatnonzero(np.frombuffer(self._words, dtype=np.uint8) == ord("\n"))

    def _vector(self, row: int) -> Array:
        return self._scaled(self._arrays["embeddings"][row])

    def _scaled(self, numbers: NDArray[Any]) -> Array:
        return np.asarray(numbers.astype(np.float64) * self._arrays["scales"].astype(np.float64))


def card() -> str:
    """Return the model card, as Markdown."""
    return HERE.joinpath(CARD).read_text(encoding="utf-8")


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))


def _largest(lines: NDArray[np.float32], count: int) -> list[NDArray[np.intp]]:
    """Find the places of the largest numbers of each line, in order; they lie in the blocks with the largest maxima."""
    blocks = lines.reshape(len(lines), -1, BLOCK)
    best = np.argsort(-blocks.max(axis=2), axis=1, kind="stable")[:, :count]
    found = []
    for line, chosen in zip(blocks, best, strict=True):
        places, numbers = (chosen[:, None] * BLOCK + np.arange(BLOCK)).ravel(), line[chosen].ravel()
        large = np.flatnonzero(numbers >= np.partition(numbers, -count)[-count])  # as many as wanted, and ties
        found.append(places[large[np.argsort(-numbers[large], kind="stable")[:count]]])
    return found
