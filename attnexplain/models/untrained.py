"""A model before training: random embeddings and random parameter matrices, the same ones wherever it runs.

No generator's stream and no rounding of a mathematics library has a say. Each number is a sum of twelve uniform
16-bit integers taken from a SHAKE-256 digest (by the central limit theorem close to a normal distribution; the sum of
twelve uniform numbers on [0, 1) has variance 1), cut to steps of 1/64. Sums and products of so short binary fractions
are exact in float64, so embeddings, queries, keys, values and scores agree to the last bit on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import shake_256
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.attention import Head
from attnexplain.models.model import Embedded, Model, ModelInfo, withheld_of_all
from attnexplain.text import word_key
from attnexplain.tokens import Tokens, tokenize

if TYPE_CHECKING:
    from attnexplain.attention import Array

D_MODEL = 16
D_K = 16


class Untrained(Model):
    """Every word gets a random embedding of its own; "the" and "The" are the same word.

    Args:
        seed: another number gives other embeddings and matrices.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.info = ModelInfo(
            "untrained",
            "untrained",
            "The numbers are random: the arithmetic is real, the pattern has no meaning.",
            seed=seed,
        )
        self.head: Head = self._head()

    def _head(self) -> Head:
        """Make W_q, W_k and W_v with variance 1/d_model, so that queries, keys and values have variance 1."""
        spread = 1 / np.sqrt(D_MODEL)
        w_q, w_k, w_v = (self._normal(f"w_{letter}", D_MODEL * D_K, spread).reshape(D_MODEL, D_K) for letter in "qkv")
        return Head(w_q, w_k, w_v)

    def tokenize(self, sentence: str, phrases: Sequence[str], max_tokens: int) -> Tokens:
        """Split a sentence into words."""
        return tokenize(sentence, phrases, max_tokens)

    def embed(self, tokens: Tokens) -> Embedded:
        """Return one row of d_model numbers per word, the same row wherever the word stands."""
        rows = [self._normal("word " + word_key(word), D_MODEL, 1.0) for word in tokens.texts]
        return Embedded(np.array(rows), ("",) * len(rows), withheld_of_all(len(rows)))

    def _normal(self, name: str, count: int, spread: float) -> Array:
        """Return `count` numbers with mean 0 and standard deviation `spread`, which the name and the seed decide."""
        digest = shake_256(f"attnexplain untrained, seed {self.seed}: {name}".encode("utf-8", "surrogatepass"))
        integers = np.frombuffer(digest.digest(count * 24), dtype="<u2").reshape(count, 12).astype(np.int64)
        standard = (integers.sum(axis=1) - 6 * 65535) / 65536
        return np.asarray(np.round(standard * spread * 64) / 64)
