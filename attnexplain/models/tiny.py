"""The learned model that ships inside the package: 40,000 English words, one layer with three heads.

Head 0 looks for meaning, and sees no order. Heads 1 and 2 see which kind of word each is and where it stands, and look
ahead and back. How it is made is told in `training/`, what it can do and what not in its card, `tiny.md`
(`attnexplain --model-card`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.attention import Head
from attnexplain.models.model import Embedded, Model, ModelInfo
from attnexplain.models.positions import with_positions
from attnexplain.models.tiny_file import read_tiny
from attnexplain.tokens import Tokens, tokenize
from attnexplain.variants import VariantTrace, attend

if TYPE_CHECKING:
    from attnexplain.attention import Array

HERE = Path(__file__).parent
CARD = "tiny.md"

MEANING, AHEAD, BACK = 0, 1, 2
HEADS = (
    "content words have learned to look at words that tell their meaning; it sees no order",
    "articles and adjectives have learned to look ahead at their noun; it sees kinds of words and order",
    "pronouns and verbs have learned to look back at a noun, at their subject; it sees kinds of words and order",
)
"""What each head has learned."""
PURPOSES = (
    "",
    "Head 1: articles and adjectives look ahead at their noun.",
    "Head 2: pronouns and verbs look back at a noun, at their subject.",
)
KIND_AND_POSITION = (
    "Here places 1 to 8 of X say what kind of word it is, and 9 to 16 where it stands; W_q and W_k were learned, and "
    "W_v copies the first eight places."
)


class Tiny(Model):
    """Words, their embeddings, and one of three heads, read from the file beside this one.

    Args:
        head: 0 looks for meaning, 1 looks ahead, 2 looks back.
    """

    def __init__(self, head: int = MEANING) -> None:
        self.file = read_tiny()
        self._number = head
        self.info = ModelInfo(
            "tiny",
            "learned",
            f"A small attention layer with learned numbers; head {head} of {len(HEADS)}: {HEADS[head]}.",
            head=head,
            heads=len(HEADS),
            overall="A small attention layer with learned numbers, and three heads.",
            purpose=PURPOSES[head],
            embedding="" if head == MEANING else KIND_AND_POSITION,
        )
        self.head: Head = self.file.head(head)

    def tokenize(self, sentence: str, phrases: Sequence[str], max_tokens: int) -> Tokens:
        """Split a sentence into words."""
        return tokenize(sentence, phrases, max_tokens)

    def embed(self, tokens: Tokens) -> Embedded:
        """Return one row of d_model numbers per word; a word that is not known gets a sensible one."""
        found = [self.file.look_up(word) for word in tokens.texts]
        if self._number == MEANING:
            vectors = np.array(
                [self.file.meaning(rows, word) for word, (rows, _) in zip(tokens.texts, found, strict=True)]
            )
        else:
            vectors = with_positions(np.array([self.file.kind(rows) for rows, _ in found]))
        withheld = tuple(
            self.file.withheld(word, rows, how) for word, (rows, how) in zip(tokens.texts, found, strict=True)
        )
        return Embedded(vectors, tuple(how for _, how in found), withheld)

    def look_up(self, word: str) -> tuple[Array, str]:
        """Return a word's embedding for the head of meaning, and how it was made if the word is not known."""
        rows, how = self.file.look_up(word)
        return self.file.meaning(rows, word), how

    def every_head(self, tokens: Tokens) -> Iterator[tuple[int, int, VariantTrace]]:
        """Yield the number of the layer, that of each head, and its trace."""
        for number in range(len(HEADS)):
            model = self if number == self._number else Tiny(number)
            yield 0, number, attend(model.embed(tokens).vectors, model.head)

    def beside(self, layer: int, head: int) -> Tiny:
        """Return another head."""
        super().beside(layer, head)
        return Tiny(head)

    def neighbours(self, vectors: Array, count: int, own: Sequence[str]) -> list[list[str]] | None:
        """Find the common words whose values point most nearly the way of each vector, (n, d_v); see `company`."""
        return self.file.company(vectors, count, own) if self._number == MEANING else None

    def likeness(self, one: Sequence[str], other: Sequence[str]) -> float:
        """Return the mean cosine between the values of some neighbours and those of others."""
        return self.file.likeness(one, other)


def card() -> str:
    """Return the model card, as Markdown."""
    return HERE.joinpath(CARD).read_text(encoding="utf-8")
