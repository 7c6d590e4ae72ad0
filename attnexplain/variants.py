"""What newer models add to the four steps: norms, rotation, soft caps, biases, windows, sinks.

    queries, keys = rotated(normed(X·W))                   behind step 1
    scaled scores = masked(capped(Q·Kᵀ / scale) + bias)    in step 3
    weights       = softmax of them, beside a sink         in step 3

Everything else is `attention.py`, whose functions do the four steps here too. A model adds some of these; what it does
not add is left out, and a `Variant` without anything in it is plain attention.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from attnexplain.attention import (
    AttentionTrace,
    Head,
    causal_mask,
    checked,
    context,
    masked,
    numbers,
    project,
    scaled_scores,
    scores,
    weights,
)
from attnexplain.errors import NumbersError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from attnexplain.attention import Array, Mask


@dataclass(frozen=True, eq=False)
class Norm:
    """RMS norm of each query or key: divided by the root of its mean square, times a learned gain.

    Source: Zhang & Sennrich 2019, arXiv:1910.07467; of queries and keys: Henry et al. 2020, arXiv:2010.04245.
    """

    gain: Array  # [d_k], or [heads, 1, d_k] for all heads at once
    epsilon: float
    """What is added to the mean square, so that nothing is divided by 0."""
    mean_squares: Array | None = None  # [n]
    """Of each word, where they are not those of the vector itself."""
    over_all_heads: bool = False
    """Whether they are taken over the places of all heads together."""

    def __call__(self, vectors: Array) -> Array:
        """Normalize vectors (…, n, d_k)."""
        normal: Array = vectors / self.roots(vectors)[..., None] * self.gain
        return normal.astype(vectors.dtype, copy=False)

    def roots(self, vectors: Array) -> Array:
        """Return what each vector is divided by, (…, n)."""
        squares = mean_squares(vectors) if self.mean_squares is None else self.mean_squares
        roots: Array = np.sqrt(squares + self.epsilon)
        return roots


def mean_squares(vectors: Array) -> Array:
    """Return the mean of the squares of each vector's places, (…, d) -> (…).

    >>> mean_squares(np.array([[3.0, 4.0]]))  # (9 + 16) / 2
    array([12.5])
    """
    squares: Array = np.mean(vectors * vectors, axis=-1)
    return squares


class PairOfPlaces(NamedTuple):
    """Two places of a vector that are rotated together, counted from 0."""

    first: int
    second: int


@dataclass(frozen=True, eq=False)
class Rotation:
    """Rotation by position: each pair of places is turned by an angle that grows with the position of the word.

    angle = position × frequency; the frequency of pair i is base^(-2i/d) before scaling. The dot product of a rotated
    query and a rotated key depends on the distance of their words alone.

    Source: Su et al. 2021, "RoFormer", arXiv:2104.09864, section 3.2.2.
    """

    frequencies: Array  # [pairs]
    """By how much one position turns each pair, in radians."""
    base: float
    """What the frequencies are powers of."""
    stretch: float = 1.0
    """What rotated places are multiplied by (YaRN's attention factor, Peng et al. 2023, arXiv:2309.00071, 3.4)."""
    is_interleaved: bool = False
    """Whether a place's partner is its neighbour; else it is as far behind as there are pairs."""
    scaling: str = ""
    """How the frequencies were changed for longer texts: linear, llama3, yarn …; "" where they were not."""
    longest: int | None = None
    """The longest text that these frequencies are for; None where there is no limit."""

    @property
    def places(self) -> int:
        """How many places of a vector are rotated, from the first on; those behind stay as they are."""
        return 2 * len(self.frequencies)

    def pair(self, number: int) -> PairOfPlaces:
        """Say which places a pair has."""
        if self.is_interleaved:
            return PairOfPlaces(2 * number, 2 * number + 1)
        return PairOfPlaces(number, number + len(self.frequencies))

    def angles(self, positions: Sequence[int]) -> Array:
        """Return the angles at some positions, (n, pairs), in radians."""
        return np.array(positions)[:, None] * self.frequencies

    def __call__(self, vectors: Array, positions: Sequence[int] | None = None) -> Array:
        """Rotate vectors (…, n, d_k), whose words stand at these positions; at 0 to n - 1 unless given.

        >>> quarter = Rotation(np.array([np.pi / 2]), base=1.0)
        >>> quarter(np.array([[1.0, 0.0], [1.0, 0.0]])).round(2)  # the word at position 1 is turned by 90 degrees
        array([[1., 0.],
               [0., 1.]])
        """
        angles = self.angles(range(vectors.shape[-2]) if positions is None else positions)  # [n, pairs]
        cosines = (np.cos(angles) * self.stretch).astype(vectors.dtype)
        sines = (np.sin(angles) * self.stretch).astype(vectors.dtype)
        pairs = [self.pair(number) for number in range(len(self.frequencies))]
        first, second = [pair.first for pair in pairs], [pair.second for pair in pairs]
        a, b = vectors[..., first], vectors[..., second]  # [..., n, pairs]
        rotated = vectors.copy()
        rotated[..., first] = a * cosines - b * sines
        rotated[..., second] = b * cosines + a * sines
        return rotated


@dataclass(frozen=True, eq=False)
class Variant:
    """What one head of a model adds to the four steps; nothing of it unless given."""

    query_norm: Norm | None = None
    key_norm: Norm | None = None
    rotation: Rotation | None = None
    softcap: float | None = None
    """c of c·tanh(s/c), which holds scaled scores between -c and c (Gemma Team 2024, arXiv:2408.00118, section 2)."""
    bias: Array | None = None  # [n, n]
    """What is added to each scaled score, by the distance of the two words."""
    window: int | None = None
    """How many words, itself too, a word sees on each side that it sees at all."""
    sink: float | None = None
    """A scaled score that stands beside those of each row, and takes its share of nothing."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing is added."""
        return all(getattr(self, field.name) is None for field in fields(self))

    @property
    def changes_vectors(self) -> bool:
        """Whether queries and keys are changed behind their projection."""
        return not (self.query_norm is None and self.key_norm is None and self.rotation is None)

    def check(self, count: int, d_k: int) -> None:
        """Refuse what does not fit `count` words with queries of `d_k` places.

        Raises:
            NumbersError: a gain, a rotation, a bias or a window does not.
        """
        for norm in (self.query_norm, self.key_norm):
            if norm is not None and norm.gain.shape[-1] != d_k:
                raise NumbersError(f"a gain has {norm.gain.shape[-1]} numbers, and a query has {d_k}")
        if self.rotation is not None and self.rotation.places > d_k:
            raise NumbersError(f"{self.rotation.places} places are rotated, and a query has {d_k}")
        if self.bias is not None and self.bias.shape != (count, count):
            raise NumbersError(f"the bias has the shape {self.bias.shape}, and there are {count} words")
        if self.window is not None and self.window < 1:
            raise NumbersError(f"a window of {self.window} hides everything: it counts the word itself")

    def entering_queries(self, projected: Array) -> Array:
        """Make the queries that enter the dot product of those that were projected, (…, n, d_k)."""
        return self._rotated(projected if self.query_norm is None else self.query_norm(projected))

    def entering_keys(self, projected: Array) -> Array:
        """Make the keys that enter the dot product of those that were projected, (…, n, d_k)."""
        return self._rotated(projected if self.key_norm is None else self.key_norm(projected))

    def adjusted(self, scaled: Array) -> Array:
        """Cap scaled scores, and add what the distance of the words is worth, (n, n)."""
        held = scaled if self.softcap is None else capped(scaled, self.softcap)
        return held if self.bias is None else held + self.bias.astype(held.dtype, copy=False)

    def _rotated(self, vectors: Array) -> Array:
        return vectors if self.rotation is None else self.rotation(vectors)


PLAIN = Variant()


@dataclass(frozen=True, eq=False, repr=False)
class VariantTrace(AttentionTrace):
    """A trace that also knows what its model adds to the four steps.

    Its queries and keys are those that enter the dot product: behind bias, norm and rotation.
    """

    variant: Variant
    projected_queries: Array | None  # [n, d_k]
    """X·W_q and its bias, where a norm or a rotation follows."""
    projected_keys: Array | None  # [n, d_k]

    @property
    def bias(self) -> Array | None:
        """What is added to each scaled score, (n, n); None where nothing is."""
        return self.variant.bias

    @property
    def sink_shares(self) -> Array | None:
        """The share of each row that a sink takes, (n,); None without a sink."""
        if self.variant.sink is None:
            return None
        return beside_sink(self.scaled_scores, self.variant.sink)[:, -1]


def attend(
    embeddings: ArrayLike,
    head: Head,
    *,
    scale: float | None = None,
    mask: ArrayLike | None = None,
    variant: Variant = PLAIN,
) -> VariantTrace:
    """Run the four steps with what a model adds to them, and keep everything.

    Args:
        embeddings: (n, d_model), one row per word.
        head: the parameter matrices.
        scale: what the scores are divided by; √d_k unless given.
        mask: (n, n) booleans, True where a query (row) may see a key (column); all True unless given.
        variant: what is added.

    Raises:
        NumbersError: shapes that do not fit, numbers that are not finite or overflow, or a word that may see none.
    """
    x = numbers("embeddings", embeddings, 2)
    with np.errstate(all="ignore"):  # each step refuses what is not finite
        queries, keys, values = project(x, head)
    trace = attend_projected(queries, keys, values, scale=scale, mask=mask, variant=variant)
    return replace(trace, embeddings=x, head=head)


def attend_projected(
    queries: ArrayLike,
    keys: ArrayLike,
    values: ArrayLike,
    *,
    scale: float | None = None,
    mask: ArrayLike | None = None,
    variant: Variant = PLAIN,
) -> VariantTrace:
    """Norm and rotate queries (n, d_k) and keys (n, d_k) that are projected already, and run the steps 2 to 4."""
    q, k = numbers("queries", queries, 2), numbers("keys", keys, 2)
    variant.check(len(q), q.shape[1])
    with np.errstate(all="ignore"):
        entering = variant.entering_queries(q), variant.entering_keys(k)
    trace = attend_given(*entering, values, scale=scale, mask=mask, variant=variant)
    return replace(trace, projected_queries=q, projected_keys=k) if variant.changes_vectors else trace


def attend_given(
    queries: ArrayLike,
    keys: ArrayLike,
    values: ArrayLike,
    *,
    scale: float | None = None,
    mask: ArrayLike | None = None,
    variant: Variant = PLAIN,
) -> VariantTrace:
    """Run the steps 2 to 4 on queries (n, d_k) and keys (n, d_k) as they enter the dot product, and values (n, d_v)."""
    q, k, v, scale, visible = checked(queries, keys, values, scale, mask)
    variant.check(len(q), q.shape[1])
    with np.errstate(all="ignore"):
        s = scores(q, k)
        scaled, w = scaled_and_weights(s, scale, visible, variant)
        c = context(w, v)
    return VariantTrace(None, None, q, k, v, s, scale, visible, scaled, w, c, variant, None, None)


def scaled_and_weights(raw_scores: Array, scale: float, mask: Mask | None, variant: Variant) -> tuple[Array, Array]:
    """Do step 3, and return the scaled scores, capped, biased and masked, and the weights, both (n, n)."""
    scaled = masked(variant.adjusted(scaled_scores(raw_scores, scale)), mask)
    return scaled, weights(scaled) if variant.sink is None else beside_sink(scaled, variant.sink)[:, :-1]


def capped(scaled: Array, softcap: float) -> Array:
    """Hold scaled scores between -c and c: c·tanh(s/c).

    >>> capped(np.array([0.1, 100.0]), 2.0).round(2)
    array([0.1, 2. ])
    """
    if not (isfinite(softcap) and softcap > 0):
        raise NumbersError(f"scores cannot be held below {softcap}: a soft cap is a finite number above 0")
    held: Array = softcap * np.tanh(scaled / softcap)
    return held


def visible_mask(count: int, *, causal: bool, window: int | None) -> Mask | None:
    """Say which key (column) each query (row) may see, (count, count); None where each sees all.

    >>> visible_mask(4, causal=True, window=2).astype(int)  # itself, and the one before
    array([[1, 0, 0, 0],
           [1, 1, 0, 0],
           [0, 1, 1, 0],
           [0, 0, 1, 1]])
    """
    if window is None or window >= count:
        return causal_mask(count) if causal else None
    distance = np.arange(count)[:, None] - np.arange(count)  # [query, key]: how far the key stands before the query
    return (distance >= 0 if causal else distance > -window) & (distance < window)


def distance_buckets(count: int, buckets: int = 32, farthest: int = 128) -> NDArray[np.intp]:
    """Sort the distances of all words into buckets, (count, count); each bucket has a bias of its own.

    Half of the buckets are for keys before the query and half for those behind it. Of each half the first half is one
    distance each, and the others are wider the farther they are, in proportion to their distance.

    Source: Raffel et al. 2020, "T5", arXiv:1910.10683, section 2.1; MPNet: Song et al. 2020, arXiv:2004.09297.

    >>> distance_buckets(3)
    array([[ 0, 17, 18],
           [ 1,  0, 17],
           [ 2,  1,  0]])
    """
    distance = np.arange(count) - np.arange(count)[:, None]  # [query, key]: how far the key stands behind the query
    half, alone = buckets // 2, buckets // 4
    far = np.abs(distance).astype(np.float32)
    with np.errstate(divide="ignore"):  # of distance 0, which stands alone
        steps = np.log(far / np.float32(alone)) / np.float32(np.log(farthest / alone)) * np.float32(half - alone)
    wide = np.minimum(alone + np.maximum(steps, 0).astype(np.intp), half - 1)
    numbers: NDArray[np.intp] = np.where(distance > 0, half, 0) + np.where(far < alone, np.abs(distance), wide)
    return numbers


def beside_sink(scaled: Array, sink: float) -> Array:
    """Turn each row and the sink beside it into shares, (n, n) -> (n, n + 1); the last column is the sink's."""
    column = np.full((len(scaled), 1), sink, dtype=scaled.dtype)
    return weights(np.hstack([scaled, column]))
