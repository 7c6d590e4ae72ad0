"""One cell worked out by hand: a dot product, a row of softmax, a weighted sum. And how a number is written."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

WIDEST = 1e6
"""Numbers from here on are written with an exponent."""


@dataclass(frozen=True, eq=False)
class DotProduct:
    """Two lists of numbers, multiplied place by place and added up."""

    left: Array  # [d]
    right: Array  # [d]
    products: Array  # [d]
    bias: float | None
    total: float


@dataclass(frozen=True, eq=False)
class SoftmaxRow:
    """One row of scaled scores on its way to weights."""

    scaled_scores: Array  # [n]
    largest: float
    differences: Array  # [n], the scaled scores less the largest
    exponentials: Array  # [n], e to each difference
    total: float
    shares: Array  # [n], each exponential divided by the total


@dataclass(frozen=True, eq=False)
class WeightedSum:
    """Vectors, each multiplied by its weight, added up."""

    weights: Array  # [n]
    values: Array  # [n, d]
    terms: Array  # [n, d]
    total: Array  # [d]


def dot_product(left: Array, right: Array, bias: float | None = None) -> DotProduct:
    """Multiply two lists place by place, and add up the products (and the bias, when there is one).

    >>> dot_product(np.array([1.0, 2.0]), np.array([3.0, 4.0])).total  # 3 + 8
    11.0
    """
    products = left * right  # [d]
    total = float(products.sum()) + (bias or 0.0)
    return DotProduct(left, right, products, bias, total)


def softmax_row(scaled_scores: Array) -> SoftmaxRow:
    """Turn one row into shares: e to each number, divided by the sum of them all.

    >>> softmax_row(np.array([0.0, np.log(3.0)])).shares.round(2)  # 1/4 and 3/4
    array([0.25, 0.75])
    """
    largest = float(scaled_scores.max())
    differences = scaled_scores - largest  # [n]
    exponentials = np.exp(differences)  # [n]
    total = float(exponentials.sum())
    return SoftmaxRow(scaled_scores, largest, differences, exponentials, total, exponentials / total)


def weighted_sum(weights: Array, values: Array) -> WeightedSum:
    """Multiply each row by its weight, and add up the rows.

    >>> weighted_sum(np.array([0.25, 0.75]), np.array([[4.0], [8.0]])).total  # 1 + 6
    array([7.])
    """
    terms = weights[:, None] * values  # [n, d]
    return WeightedSum(weights, values, terms, terms.sum(axis=0))


def entropy(weights: Array) -> Array:
    """Measure how evenly each row is shared: -Σ w·ln w, from 0 (all on one) to ln n (the same for all), (n, n) -> (n,).

    >>> entropy(np.array([[1.0, 0.0], [0.5, 0.5]])).round(2)  # ln 2 = 0.69
    array([0.  , 0.69])
    """
    logarithms = np.log(np.where(weights > 0, weights, 1.0))
    return np.asarray(-(weights * logarithms).sum(axis=-1) + 0.0)


def strongest_of_tiles(strengths: Array, tall: int, wide: int) -> Array:
    """Make a matrix smaller: keep of every `tall` × `wide` numbers the one that is farthest from zero.

    >>> strongest_of_tiles(np.array([[1.0, -3.0, 0.5]]), 1, 2)
    array([[-3. ,  0.5]])
    """
    if tall == wide == 1:
        return strengths
    rows, columns = strengths.shape
    padded = np.zeros((-(-rows // tall) * tall, -(-columns // wide) * wide))
    padded[:rows, :columns] = strengths
    down, across = padded.shape[0] // tall, padded.shape[1] // wide
    tiles = padded.reshape(down, tall, across, wide).swapaxes(1, 2).reshape(down, across, tall * wide)
    strongest = np.abs(tiles).argmax(axis=-1)
    return np.asarray(np.take_along_axis(tiles, strongest[..., None], axis=-1)[..., 0])


def write_number(value: float, digits: int) -> str:
    """Write a number with so many digits after the point; never "-0.00", and huge ones with an exponent.

    >>> [write_number(x, 2) for x in (1.005, -0.001, 1234567.0, float("-inf"))]
    ['1.00', '0.00', '1.23e+06', '-∞']
    """
    if isinf(value):
        return "∞" if value > 0 else "-∞"
    if abs(value) >= WIDEST:
        return f"{value:.{digits}e}"
    written = f"{value:.{digits}f}"
    return written[1:] if written.startswith("-") and not written.strip("-0.") else written


def rounded_sum(parts: Array, digits: int) -> str:
    """Add up numbers as they are written, not as they are.

    >>> rounded_sum(np.array([0.004, 0.004]), 2)
    '0.00'
    """
    from decimal import Decimal

    written = [write_number(float(part), digits) for part in parts if not isinf(part)]
    return write_number(float(sum(map(Decimal, written))), digits)


def rounding_note(what: str, parts: Array, total: float, digits: int) -> str:
    """Say what the parts as written add up to, where that is not the total as written; "" where it is.

    >>> rounding_note("products", np.array([0.004, 0.004]), 0.008, 2)
    'rounded: the products as shown add up to 0.00'
    """
    added = rounded_sum(parts, digits)
    return "" if added == write_number(total, digits) else f"rounded: the {what} as shown add up to {added}"
