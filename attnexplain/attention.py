"""Self-attention in four steps: softmax(Q·Kᵀ / √d_k) · V, one function per step.

Read this page once, downwards. The formulas are section 3.2.1 of "Attention Is All You Need" (Vaswani et al.,
2017, arXiv:1706.03762). In the shapes, n is the number of words; every row belongs to one word:

    embeddings  [n, d_model]    what comes in
    queries     [n, d_k]        what each word asks for          step 1
    keys        [n, d_k]        what each word offers            step 1
    values      [n, d_v]        what each word hands over        step 1
    scores      [n, n]          row asks, column answers         step 2
    weights     [n, n]          each row sums to 1               step 3
    context     [n, d_v]        what comes out                   step 4
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.errors import NumbersError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.floating[Any]]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class Head:
    """One attention head: the parameter matrices that training learns, and their optional biases.

    Raises NumbersError when the shapes do not fit each other or a number is not finite.
    """

    w_q: Array  # [d_model, d_k]
    w_k: Array  # [d_model, d_k]
    w_v: Array  # [d_model, d_v]
    b_q: Array | None = None  # [d_k]
    b_k: Array | None = None  # [d_k]
    b_v: Array | None = None  # [d_v]

    def __post_init__(self) -> None:
        for name, array in vars(self).items():
            if array is not None:
                dimensions = 1 if name.startswith("b_") else 2
                object.__setattr__(self, name, numbers(name, array, dimensions))
        if self.w_q.shape != self.w_k.shape:
            raise _misfit("w_q", self.w_q, "w_k", self.w_k, "both are (d_model, d_k)")
        if self.w_v.shape[0] != self.d_model:
            raise _misfit("w_v", self.w_v, "w_q", self.w_q, "both have d_model rows")
        for letter in "qkv":
            matrix, bias = getattr(self, f"w_{letter}"), getattr(self, f"b_{letter}")
            if bias is not None and bias.shape != matrix.shape[1:]:
                raise _misfit(f"b_{letter}", bias, f"w_{letter}", matrix, "a bias has one number per column")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(d_model={self.d_model}, d_k={self.d_k}, d_v={self.d_v})"

    @property
    def d_model(self) -> int:
        """The width of an embedding."""
        return int(self.w_q.shape[0])

    @property
    def d_k(self) -> int:
        """The width of a query and of a key."""
        return int(self.w_q.shape[1])

    @property
    def d_v(self) -> int:
        """The width of a value and of a context vector."""
        return int(self.w_v.shape[1])


@dataclass(frozen=True, eq=False, repr=False)
class AttentionTrace:
    """Every number on the way from the embeddings to the context vectors, in the order of computation.

    The arrays are read-only.
    """

    embeddings: Array | None  # [n, d_model]; None where queries, keys and values were given
    head: Head | None
    queries: Array  # [n, d_k]
    keys: Array  # [n, d_k]
    values: Array  # [n, d_v]
    scores: Array  # [n, n]
    scale: float  # what the scores are divided by
    mask: Mask | None  # [n, n], True where a query may see a key
    scaled_scores: Array  # [n, n], -inf where masked
    weights: Array  # [n, n]
    context: Array  # [n, d_v]

    def __post_init__(self) -> None:
        for name, field in vars(self).items():
            if isinstance(field, np.ndarray) and field.flags.writeable:
                object.__setattr__(self, name, _read_only(field))

    def __repr__(self) -> str:
        sizes = f"d_model={self.d_model}, d_k={self.d_k}, d_v={self.d_v}"
        return f"{type(self).__name__}(n={len(self.queries)}, {sizes}, scale={self.scale:.4g})"

    @property
    def d_model(self) -> int:
        """The width of an embedding; 0 where there are none."""
        return 0 if self.embeddings is None else int(self.embeddings.shape[1])

    @property
    def d_k(self) -> int:
        """The width of a query and of a key."""
        return int(self.queries.shape[1])

    @property
    def d_v(self) -> int:
        """The width of a value and of a context vector."""
        return int(self.values.shape[1])


def attend(
    embeddings: ArrayLike, head: Head, *, scale: float | None = None, mask: ArrayLike | None = None
) -> AttentionTrace:
    """Run the four steps, and keep everything.

    Args:
        embeddings: (n, d_model), one row per word.
        head: the parameter matrices.
        scale: what the scores are divided by; √d_k unless given.
        mask: (n, n) booleans, True where a query (row) may see a key (column); all True unless given.

    Raises:
        NumbersError: shapes that do not fit, numbers that are not finite or overflow, or a word that may see none.

    >>> head = Head(w_q=np.eye(2), w_k=np.eye(2), w_v=np.eye(2))
    >>> attend([[1, 0], [0, 1]], head, scale=1).weights.round(2)  # e/(e+1) = 0.73
    array([[0.73, 0.27],
           [0.27, 0.73]])
    """
    x = numbers("embeddings", embeddings, 2)
    with np.errstate(all="ignore"):  # each step refuses what is not finite
        q, k, v = project(x, head)
    return replace(attend_given(q, k, v, scale=scale, mask=mask), embeddings=x, head=head)


def attend_given(
    queries: ArrayLike, keys: ArrayLike, values: ArrayLike, *, scale: float | None = None, mask: ArrayLike | None = None
) -> AttentionTrace:
    """Run the steps 2 to 4 on queries (n, d_k), keys (n, d_k) and values (n, d_v) that are there already."""
    q, k, v, scale, visible = checked(queries, keys, values, scale, mask)
    with np.errstate(all="ignore"):
        s = scores(q, k)
        scaled = scaled_scores(s, scale, visible)
        w = weights(scaled)
        c = context(w, v)
    return AttentionTrace(None, None, q, k, v, s, scale, visible, scaled, w, c)


# Step 1: query, key and value vectors


def project(embeddings: Array, head: Head) -> tuple[Array, Array, Array]:
    """Turn each word's embedding into its query, its key and its value: Q = X·W_q, K = X·W_k, V = X·W_v."""
    if embeddings.shape[-1] != head.d_model:
        raise _misfit("embeddings", embeddings, "w_q", head.w_q, "an embedding has one number per row of w_q")
    queries = _affine(embeddings, head.w_q, head.b_q)  # [n, d_model] @ [d_model, d_k] -> [n, d_k]
    keys = _affine(embeddings, head.w_k, head.b_k)  # [n, d_model] @ [d_model, d_k] -> [n, d_k]
    values = _affine(embeddings, head.w_v, head.b_v)  # [n, d_model] @ [d_model, d_v] -> [n, d_v]
    return _finite("queries", queries), _finite("keys", keys), _finite("values", values)


# Step 2: attention scores


def scores(queries: Array, keys: Array) -> Array:
    """Multiply each query with each key, place by place, and add up: score(i, j) = q(i) · k(j)."""
    products = queries @ keys.T  # [n, d_k] @ [d_k, n] -> [n, n]
    return _finite("scores", products, bound=_length(queries) * _length(keys))  # |q · k| ≤ |q| |k|


# Step 3: attention weights


def scaled_scores(raw_scores: Array, scale: float, mask: Mask | None = None) -> Array:
    """Divide the scores by √d_k, so that they do not grow with the length of the vectors; hide what is masked.

    The products of d_k independent numbers of variance 1 add up to variance d_k; the division brings it back to 1
    (Vaswani et al., footnote 4).
    """
    if not (isfinite(scale) and scale > 0):
        raise NumbersError(f"scores cannot be divided by {scale}: the scale is a finite number above 0")
    return masked(_finite("scaled scores", raw_scores / scale), mask)  # [n, n]


def masked(scaled: Array, mask: Mask | None) -> Array:
    """Put -∞ where a query may not see a key, so that softmax makes 0 of it."""
    if mask is None:
        return scaled
    if not mask.any(axis=-1).all():
        row = int(np.flatnonzero(~mask.any(axis=-1))[0])
        raise NumbersError(f"the mask leaves word {row + 1} nothing to attend to: each row needs at least one True")
    return np.where(mask, scaled, -np.inf)  # [n, n]


def weights(scaled: Array) -> Array:
    """Turn each row into shares between 0 and 1 that add up to 1: softmax(s) = e^s / Σ e^s.

    The largest score of the row is subtracted first. That multiplies above and below by the same number, so the
    shares stay as they are, and e^s cannot overflow.
    """
    shares: Array = scaled - scaled.max(axis=-1, keepdims=True)  # [n, n] - [n, 1]
    np.exp(shares, out=shares)  # e^-inf = 0; in place, as a copy of a long text's costs more than the power
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares


def causal_mask(n: int) -> Mask:
    """Let each word see only itself and those before it: True on the diagonal and below it."""
    return np.tri(n, dtype=np.bool_)  # [n, n]


# Step 4: context vectors


def context(shares: Array, values: Array) -> Array:
    """Mix the values by the attention weights: context(i) = Σ_j weight(i, j) · v(j)."""
    return _finite("context", shares @ values)  # [n, n] @ [n, d_v] -> [n, d_v]


# The door: nothing passes that is not a finite number of the right shape


def _affine(x: Array, matrix: Array, bias: Array | None) -> Array:
    product: Array = x @ matrix
    return product if bias is None else product + bias


def checked(
    queries: ArrayLike, keys: ArrayLike, values: ArrayLike, scale: float | None, mask: ArrayLike | None
) -> tuple[Array, Array, Array, float, Mask | None]:
    """Refuse queries, keys and values that do not fit each other, and say what scores are divided by."""
    q, k, v = numbers("queries", queries, 2), numbers("keys", keys, 2), numbers("values", values, 2)
    if q.shape != k.shape:
        raise _misfit("queries", q, "keys", k, "both are (n, d_k)")
    if len(v) != len(q):
        raise _misfit("values", v, "queries", q, "both have one row per word")
    return q, k, v, sqrt(q.shape[1]) if scale is None else scale, None if mask is None else _mask(mask, len(q))


def numbers(name: str, array: ArrayLike, dimensions: int) -> Array:
    """Refuse what is not finite real numbers in so many dimensions; float32 stays so, all else becomes float64."""
    try:
        given = np.asarray(array)
    except ValueError as error:
        raise NumbersError(f"the rows of {name} differ in length") from error
    if given.dtype.kind not in "iuf":
        raise NumbersError(f"{name} holds something that is not a real number")
    if given.ndim != dimensions or 0 in given.shape:
        expected = "a list of numbers" if dimensions == 1 else "rows and columns of numbers"
        raise NumbersError(f"{name} has the shape {given.shape}; expected {expected}, and at least one")
    with np.errstate(over="ignore"):  # what does not fit is refused by name
        numbers = given if given.dtype == np.float32 else given.astype(np.float64)
    return _read_only(_finite(name, numbers, bound=_length(numbers)))


def _length(vectors: Array) -> float:
    """Return the root of the sum of all squares: no vector here is longer."""
    return sqrt(np.vdot(vectors, vectors))


def _finite(name: str, array: Array, bound: float = inf) -> Array:
    """Refuse what is not finite; where no number can be larger than a low bound, none is looked at."""
    if not bound < np.finfo(array.dtype).max / 2 and not np.isfinite(array).all():
        place = ", ".join(str(i + 1) for i in np.argwhere(~np.isfinite(array))[0])
        raise NumbersError(f"{name} at ({place}) is not finite: NaN, infinite, or numbers too large to multiply")
    return array


def _mask(mask: ArrayLike, n: int) -> Mask:
    booleans = np.asarray(mask)
    if booleans.dtype != np.bool_ or booleans.shape != (n, n):
        raise NumbersError(f"the mask is {booleans.dtype} of shape {booleans.shape}; expected bool of shape {(n, n)}")
    return booleans


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _misfit(name: str, array: Array, other_name: str, other: Array, rule: str) -> NumbersError:
    return NumbersError(f"{name} of shape {array.shape} does not fit {other_name} of shape {other.shape}: {rule}")
