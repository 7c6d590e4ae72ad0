"""The file of the learned model: words, their embeddings, and the parameter matrices of its heads.

It starts with the length of a JSON header that names the arrays; they follow, and then the words, each between two
newlines. Nothing is unpacked before it is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.attention import Head
from attnexplain.models import spelling
from attnexplain.models.little import little_words
from attnexplain.models.model import FROM_LETTERS, UNKNOWN, Withheld

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from attnexplain.attention import Array

FILE = Path(__file__).with_name("tiny.bin")
BLOCK = 128
REMEMBERED = 1 << 16
"""How many words are remembered that were looked up."""
COMPANIES = 1 << 14
"""And how many vectors, with the words that are near them."""
COMMON = 10_000
"""The first words of the file are the most frequent ones."""
_HEADER = 8
"""The file starts with the length of its JSON header, in so many bytes, little-endian."""


class TinyFile:
    """What the file holds: arrays by their names, and the words, each between two newlines."""

    def __init__(self, data: bytes) -> None:
        length = int.from_bytes(data[:_HEADER], "little")
        header: dict[str, Any] = json.loads(data[_HEADER : _HEADER + length])
        self._arrays: dict[str, NDArray[Any]] = {}
        offset = _HEADER + length
        for name, dtype, shape in header["arrays"]:
            count = int(np.prod(shape))
            self._arrays[name] = np.frombuffer(data, dtype=dtype, count=count, offset=offset).reshape(shape)
            offset += count * np.dtype(dtype).itemsize
        self._words = data[offset:]  # finding one needs no dictionary of all
        self.row = lru_cache(REMEMBERED)(self._find_row)  # but many sentences share their words
        self.word = lru_cache(REMEMBERED)(self._read_word)
        self.look_up = lru_cache(REMEMBERED)(self._look_up)
        self.meaning = lru_cache(REMEMBERED)(self._meaning)
        self.withheld = lru_cache(REMEMBERED)(self._withheld)
        self._found: dict[tuple[bytes, str, int], list[str]] = {}
        self._places: dict[str, int] = {}  # where the values of words are that have been in a company

    def __len__(self) -> int:
        return len(self._arrays["embeddings"])

    def head(self, number: int) -> Head:
        """Return the parameter matrices of a head; there are no biases."""
        return Head(*(self._arrays[f"{name}_{number}"].astype(np.float64) for name in ("w_q", "w_k", "w_v")))

    # Words

    def _look_up(self, word: str) -> tuple[tuple[int, ...], str]:
        """Find the rows that stand for a word (the mean of several), and how they were found if it is not known.

        Tried in this order: without a possessive ending or accents, as a form of another word, the parts of a
        hyphenated word, two words written together, a slip of the keyboard. Else there is no row: the word's groups of
        letters stand for it, or one vector for all other scripts and signs.
        """
        normal = spelling.normal_word(word)
        if (row := self.row(normal)) is not None:
            return (row,), ""
        plain = spelling.without_accents(spelling.without_ending(normal))
        bases = list(spelling.bases(plain)) if plain.isalpha() else []
        fit = [base for base in bases if len(base) > 2 and base not in little_words()]
        for form in filter(None, (spelling.without_ending(normal), spelling.without_accents(normal), plain, *fit)):
            if (row := self.row(form)) is not None:
                return (row,), f'as "{form}"'
        pieces = spelling.parts(plain)
        if len(pieces) > 1:
            rows = tuple(row for piece in pieces for row in self._look_up(piece)[0])
            if rows:
                return rows, "as the mean of its parts " + " and ".join(f'"{piece}"' for piece in pieces)
        if not (plain.isascii() and plain.isalpha()):
            return (), UNKNOWN
        return self._guessed(plain, may_be_slip=not bases) if len(plain) <= spelling.LONGEST else ((), FROM_LETTERS)

    def _guessed(self, plain: str, *, may_be_slip: bool) -> tuple[tuple[int, ...], str]:
        """Find two words written together, or a slip of the keyboard; a form of a word that is not known is no slip."""
        if (pair := spelling.two_words(plain, self._is_offered)) is not None:
            rows = tuple(row for piece in pair for row in self._look_up(piece)[0])
            return rows, f'as the mean of "{pair[0]}" and "{pair[1]}"'
        if may_be_slip and (near := spelling.slip_of(plain, self._is_common)) is not None:
            return self._look_up(near)[0], f'as "{near}", one letter away'
        return (), FROM_LETTERS

    def _meaning(self, rows: tuple[int, ...], word: str) -> Array:
        """Return what the head of meaning reads of a word, [d_model]."""
        if rows:
            every = self._scaled("embeddings", list(rows))
            return _kept(every[0] if len(rows) == 1 else every.mean(axis=0))
        plain = spelling.without_accents(spelling.without_ending(spelling.normal_word(word)))
        if not (plain.isascii() and plain.isalpha()):
            return _kept(self._arrays["unknown"].astype(np.float64))
        groups = self._arrays["groups"][spelling.buckets(plain)].mean(axis=0)
        return _kept(groups * self._arrays["groups_scales"].astype(np.float64))

    def kind(self, rows: Sequence[int]) -> Array:
        """Return which kind of word it is, as numbers [KINDS]; of a word that is not known, what most words are."""
        if not rows:
            return self._arrays["unknown_kind"].astype(np.float64)
        return np.asarray(self._scaled("kinds", list(rows)).mean(axis=0))

    def _withheld(self, word: str, rows: tuple[int, ...], how: str) -> Withheld:
        """Say why no company of a word is shown; "" where it is."""
        if not rows:
            return "unknown"
        if any(self.is_marked("silent", row) for row in rows):
            return "identity"
        if spelling.normal_word(word) in little_words() or self.word(rows[0]) in little_words():
            return "little"
        return "" if all(self.is_marked("offered", row) for row in rows) else "rare"

    # Company

    def company(self, vectors: Array, count: int, own: Sequence[str]) -> list[list[str]]:
        """Find the common words whose values point most nearly the way of each vector, (n, d_v).

        From each cosine half of the mean cosine to that word's own ten nearest is taken away, so that words that are
        near to everything are not in every company (after Conneau et al. 2017, arXiv:1710.04087, section 2.3). What was
        found before is remembered: the value of a word is the same in every sentence.
        """
        if len(self._found) > COMPANIES:
            self._found.clear()
        keys = [(vector.tobytes(), word, count) for vector, word in zip(vectors, own, strict=True)]
        new = list({key: place for place, key in enumerate(keys) if key not in self._found}.values())
        rows, values = self._offered_values
        for start in range(0, len(new), 64):  # bounds the memory of a long text
            some = new[start : start + 64]
            nearness = _unit(vectors[some]).astype(np.float32) @ values  # [64, d_v] @ [d_v, offered]
            nearness[:, : len(rows)] -= self._crowded
            nearness[:, len(rows) :] = -2
            for place, nearest in zip(some, _largest(nearness, 4 * count), strict=True):
                named = ((self.word(int(rows[offered])), offered) for offered in nearest if offered < len(rows))
                others = dict(_others(named, own[place], count))
                self._places |= others
                self._found[keys[place]] = list(others)
        return [self._found[key] for key in keys]

    def likeness(self, one: Sequence[str], other: Sequence[str]) -> float:
        """Return the mean cosine between the values of some words of companies and those of others."""
        if not one or not other:
            return 1.0
        values = self._offered_values[1]
        left, right = (values[:, [self._places[word] for word in words]].sum(axis=1) for words in (one, other))
        return float(left @ right) / (len(one) * len(other))  # the mean of all products of two, multiplied out

    @cached_property
    def _crowded(self) -> NDArray[np.float32]:
        """What is taken away from the cosine with each word that may be offered."""
        return self._arrays["crowded"].astype(np.float32) / np.float32(255)

    @cached_property
    def _offered_values(self) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """The rows of the words that may be offered; their values at length 1, [d_v, offered], filled up with zeros."""
        rows = np.flatnonzero(np.unpackbits(self._arrays["offered"], count=len(self._arrays["embeddings"])))
        w_v = self._arrays["w_v_0"]
        values = np.zeros((w_v.shape[1], -(-len(rows) // BLOCK) * BLOCK), dtype=np.float32)
        scaled_w_v = (self._arrays["embeddings_scales"][:, None] * w_v).astype(np.float32)  # [d_model, d_v]
        values[:, : len(rows)] = _unit(self._arrays["embeddings"][rows].astype(np.float32) @ scaled_w_v).T
        return rows, values

    # The file

    def _find_row(self, word: str) -> int | None:
        place = self._words.find(b"\n" + word.encode() + b"\n")
        return None if place < 0 or "\n" in word else self._words.count(b"\n", 0, place)

    def _is_offered(self, word: str) -> bool:
        row = self.row(spelling.normal_word(word))
        return row is not None and self.is_marked("offered", row)

    def _is_common(self, word: str) -> bool:
        row = self.row(spelling.normal_word(word))
        return (
            row is not None and (self.is_marked("offered", row) or row < COMMON) and not self.is_marked("silent", row)
        )

    def is_marked(self, mark: str, row: int) -> bool:
        """Look up one bit: whether a word may be offered as company, or is to have none."""
        return bool(self._arrays[mark][row // 8] >> (7 - row % 8) & 1)

    def _read_word(self, row: int) -> str:
        return self._words[self._ends[row] + 1 : self._ends[row + 1]].decode()

    @cached_property
    def _ends(self) -> NDArray[np.intp]:
        return np.flatnonzero(np.frombuffer(self._words, dtype=np.uint8) == ord("\n"))

    def _scaled(self, name: str, rows: list[int]) -> Array:
        return np.asarray(
            self._arrays[name][rows].astype(np.float64) * self._arrays[f"{name}_scales"].astype(np.float64)
        )


@lru_cache(1)
def read_tiny() -> TinyFile:
    """Read the file once, and keep it: a process may explain many sentences."""
    return TinyFile(FILE.read_bytes())


def _kept(vector: Array) -> Array:
    """Let nobody write into what is remembered."""
    vector.flags.writeable = False
    return vector


def _others(named: Iterator[tuple[str, int]], own: str, count: int) -> Iterator[tuple[str, int]]:
    """Leave out the word itself and its other forms, and of two forms of another word the second."""
    taken = {_stem(spelling.normal_word(own))}
    for name, place in named:
        if (stem := _stem(name)) not in taken:
            taken.add(stem)
            yield name, place
        if len(taken) > count:
            return


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    """Take off an ending, for telling forms of one word from other words."""
    for ending in ("ies", "es", "s", "ed", "ing", "er", "y", "e"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2 and not (ending == "y" and stem[-1] in "aeiou"):
            return stem
    return word


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))


def _largest(lines: NDArray[np.float32], count: int) -> list[list[int]]:
    """Find the places of the largest numbers of each line, in order.

    The largest numbers of so many blocks are so many numbers: what is below all of them is not looked for.
    """
    of_blocks = lines.reshape(len(lines), -1, BLOCK).max(axis=2)  # [lines, blocks]
    enough = np.partition(of_blocks if count <= of_blocks.shape[1] else lines, -count)[:, -count, None]  # [lines, 1]
    line, place = np.nonzero(lines >= enough)
    order = np.lexsort((place, -lines[line, place], line))
    ordered, starts = place[order].tolist(), np.searchsorted(line, np.arange(len(lines))).tolist()
    return [ordered[start : start + count] for start in starts]
