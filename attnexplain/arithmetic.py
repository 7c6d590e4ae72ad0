"""One cell worked by hand, from the digits that are shown, so that a pocket calculator comes to what stands there.

Numbers on the screen are rounded. Whoever works on with them gets other results than the computer, which has all
digits. So a worked cell is computed here as a reader would: from the printed numbers, in decimal, each result rounded
as it is printed (halves away from zero) before the next is made of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from math import isinf
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

WIDEST = 1e6
"""Numbers from here on are written with an exponent."""
LONGEST_WHOLE = 10**12
"""But whole numbers are written whole up to here."""
MOST_DIGITS = 20
FEWEST = 2
"""Digits of divisors and of worked shares, however few were asked for: with none, every share would be 0."""
TOO_SMALL, TOO_LARGE = -2, 10
"""Scaled scores between which the largest of a row is not subtracted: e^10 is 22,026, and e^-2 has two digits: 0.14."""


def write_number(value: float | Decimal, digits: int) -> str:
    """Write a number with so many digits after the point; never "-0.00", and huge ones with an exponent.

    >>> [write_number(x, 2) for x in (1.005, -0.001, 1234567.0, float("-inf"))]
    ['1.00', '0.00', '1.23e+06', '-∞']
    """
    if isinf(value):
        return "∞" if value > 0 else "-∞"
    if abs(float(value)) >= WIDEST and not (digits == 0 and _is_whole(value)):
        return f"{float(value):.{digits}e}"
    written = f"{value:.{digits}f}"
    return written[1:] if written.startswith("-") and not written.strip("-0.") else written


def as_printed(value: float | Decimal, digits: int) -> Decimal:
    """Return a number as it is printed.

    >>> as_printed(2 / 3, 2)
    Decimal('0.67')
    """
    return Decimal(write_number(value, digits).replace("∞", "Infinity"))


def rounded(value: Decimal, digits: int) -> Decimal:
    """Round a result as a reader does: halves away from zero; huge ones to their exponent.

    >>> rounded(Decimal("0.125"), 2), rounded(Decimal("-0.125"), 2)
    (Decimal('0.13'), Decimal('-0.13'))
    """
    if value.is_infinite():
        return value
    if abs(value) >= Decimal(WIDEST) and not (digits == 0 and _is_whole(value)):
        step = Decimal(1).scaleb(value.adjusted() - digits)
        return value.quantize(step, ROUND_HALF_UP)
    result = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return abs(result) if result == 0 else result


def digits_of(numbers: Array | Sequence[Decimal] | Sequence[float], digits: int) -> int:
    """Choose the digits of some numbers: none where all are whole, for whole numbers are written whole.

    >>> digits_of(np.array([1.0, -2.0]), 2), digits_of(np.array([0.5, 2.0]), 2)
    (0, 2)
    """
    every = np.asarray(numbers, dtype=np.float64)
    known = every[np.isfinite(every)]
    return 0 if known.size and bool(np.all((known == np.rint(known)) & (np.abs(known) < LONGEST_WHOLE))) else digits


def enough_digits(value: float, digits: int) -> int:
    """Choose the digits of a number that must not be printed as 0.

    >>> enough_digits(1.5, 2), enough_digits(0.0004, 2)
    (2, 4)
    """
    while value and digits < MOST_DIGITS and not as_printed(value, digits):
        digits += 1
    return digits


def _is_whole(value: float | Decimal) -> bool:
    """Whether a number is whole, and small enough to be written with all of its digits."""
    return abs(float(value)) < LONGEST_WHOLE and value == int(value)


def ranked(numbers: Array) -> NDArray[np.intp]:
    """Order the places of a list, or of each row, by their numbers: the largest first, of equal ones the earlier.

    Numbers that differ by less than a billionth of the largest are equal: processors differ in the last digits.

    >>> ranked(np.array([0.1, 0.7, 0.2 + 1e-15, 0.2])).tolist()
    [1, 2, 3, 0]
    """
    every = np.asarray(numbers, dtype=np.float64)
    least = np.abs(every[np.isfinite(every)]).max(initial=0.0) * 1e-9
    order = np.argsort(-every, axis=-1, kind="stable")
    ordered = np.take_along_axis(every, order, axis=-1)
    with np.errstate(invalid="ignore"):  # two of -∞ are equal
        is_less = ordered[..., :-1] - ordered[..., 1:] > least
    group = np.zeros(every.shape, dtype=np.intp)
    np.cumsum(is_less, axis=-1, out=group[..., 1:])
    return np.take_along_axis(order, np.lexsort((order, group), axis=-1), axis=-1)


class Result(NamedTuple):
    """A number that came out, and whether it had to be rounded."""

    value: Decimal
    is_exact: bool

    @property
    def sign(self) -> str:
        """What stands before it: "=", or "≈" where it was rounded."""
        return "=" if self.is_exact else "≈"


def result(value: Decimal, digits: int) -> Result:
    """Round a result, and say whether that changed it."""
    written = rounded(value, digits)
    return Result(written, written == value)


class DotProduct(NamedTuple):
    """Two lists of printed numbers, multiplied place by place and added up."""

    left: tuple[Decimal, ...]
    right: tuple[Decimal, ...]
    products: tuple[Decimal, ...]
    """Each rounded."""
    rest: Decimal | None
    """What the places that are not written out add up to, with all digits, rounded; None where all are written out."""
    bias: Decimal | None
    total: Decimal
    """The sum of the products as they are printed, of the rest and of the bias."""
    is_exact: bool
    """Whether no product was rounded."""
    total_sign: str
    """What stands before the total: "≈" where it is so large that it had to be rounded."""
    places: tuple[int, ...]
    """Which places are written out, counted from 0."""


def dot_product(left: Array, right: Array, digits: int, *, bias: float | None = None, most: int = 16) -> DotProduct:
    """Multiply two lists as they are printed, and add up the products as they are printed.

    Args:
        left: d numbers.
        right: d numbers.
        digits: digits after the point.
        bias: a number that is added at the end.
        most: a longer list shows its eight largest products; the others are put together.

    >>> worked = dot_product(np.array([0.5, 1.0]), np.array([0.25, 3.0]), 2)
    >>> worked.products, worked.total  # 0.125 is printed as 0.13
    ((Decimal('0.13'), Decimal('3.00')), Decimal('3.13'))
    """
    places = _telling(left * right, most)
    lists = [tuple(as_printed(float(number), digits) for number in part[places]) for part in (left, right)]
    made = [result(a * b, digits) for a, b in zip(*lists, strict=True)]
    others = np.delete(left * right, places)
    rest = as_printed(float(others.sum()), digits) if len(others) else None
    added = None if bias is None else as_printed(bias, digits)
    products = tuple(product.value for product in made)
    total = result(sum(products, Decimal(0)) + (rest or 0) + (added or 0), digits)
    is_exact = rest is None and all(product.is_exact for product in made)
    return DotProduct(lists[0], lists[1], products, rest, added, total.value, is_exact, total.sign, tuple(places))


def _telling(products: Array, most: int) -> list[int]:
    """Choose the places to write out: all of a short list, of a long one the eight largest, in order."""
    if len(products) <= most:
        return list(range(len(products)))
    return sorted(map(int, ranked(np.abs(products))[:8]))


class SoftmaxRow(NamedTuple):
    """One row of printed scores on its way to shares. A masked place has no numbers but its share, 0."""

    scores: tuple[Decimal, ...]
    divisor: Decimal
    scaled: tuple[Decimal, ...]
    """-∞ where masked."""
    largest: Decimal | None
    """What is subtracted from each; None where nothing is."""
    differences: tuple[Decimal, ...]
    exponentials: tuple[Decimal, ...]
    rest: Decimal | None
    """What the exponentials of the places that are not written out add up to, with all digits, rounded."""
    total: Decimal
    shares: tuple[Decimal, ...]
    places: tuple[int, ...]
    capped: tuple[Decimal, ...] | None = None
    """The scaled scores behind a soft cap; None without one."""
    biases: tuple[Decimal, ...] | None = None
    """What is added to each; None where nothing is."""
    raised: tuple[Decimal, ...] = ()
    """What e is raised to, before the largest is subtracted."""
    sink: Decimal | None = None
    """A scaled score that stands beside the row, and takes a share; None without one."""
    sink_exponential: Decimal | None = None
    sink_share: Decimal | None = None


def softmax_row(
    scores: Array, scale: float, digits: int, *, scaled: Array | None = None, places: Sequence[int] | None = None,
    subtract: bool = False, is_whole: bool = False, softcap: float | None = None, biases: Array | None = None,
    sink: float | None = None,
) -> SoftmaxRow:  # fmt: skip
    """Turn one row of scores into shares, from the printed scores on.

    Args:
        scores: n numbers.
        scale: what they are divided by.
        digits: digits after the point; divisors and shares have two at least.
        scaled: the n numbers that softmax gets, with all digits, -∞ where masked; scores / scale unless given.
        places: which are written out, all unless given; the others are put together.
        subtract: take the largest away from each first, also where it is neither above 10 nor below -2.
        is_whole: whether the divisor is a whole number, which is printed as one.
        softcap: c of c·tanh(s/c), which the scaled scores are held by.
        biases: n numbers that are added then.
        sink: a number that softmax gets beside the row.

    >>> row = softmax_row(np.array([0.0, 1.1]), 1.0, 2, is_whole=True)
    >>> row.exponentials, row.total, row.shares  # e^1.10 = 3.00
    ((Decimal('1.00'), Decimal('3.00')), Decimal('4.00'), (Decimal('0.25'), Decimal('0.75')))
    """  # fmt: skip
    exact = np.asarray(scores / scale if scaled is None else scaled, dtype=np.float64)
    places = list(range(len(scores))) if places is None else list(places)
    fine = max(digits, FEWEST)
    divisor = Decimal(round(scale)) if is_whole else as_printed(scale, fine)
    raw = [as_printed(float(scores[place]), digits) for place in places]
    added = None if biases is None else [as_printed(float(biases[place]), digits) for place in places]
    stands_beside = None if sink is None else as_printed(sink, digits)
    with localcontext() as context:
        context.prec = 50
        quotients = [
            Decimal("-Infinity") if np.isinf(exact[place]) else rounded(score / divisor, digits)
            for place, score in zip(places, raw, strict=True)
        ]
        held = (
            None
            if softcap is None
            else [_held(quotient, as_printed(softcap, enough_digits(softcap, fine)), digits) for quotient in quotients]
        )
        raised = held or quotients
        if added is not None:
            raised = [number + bias for number, bias in zip(raised, added, strict=True)]
        seen = [number for number in (*raised, stands_beside) if number is not None and number.is_finite()]
        is_far = not TOO_SMALL < max(seen) <= TOO_LARGE
        largest = max(seen) if subtract or is_far else None
        differences = [number - (largest or 0) if number.is_finite() else number for number in raised]
        exponentials = [_power(difference, fine) for difference in differences]
        of_sink = None if stands_beside is None else _power(stands_beside - (largest or 0), fine)
        others = np.delete(exact, places)
        rest = None
        if len(others):
            rest = as_printed(float(np.exp(others - float(largest or 0)).sum()), fine)
        total = sum(exponentials, Decimal(0)) + (rest or 0) + (of_sink or 0)
        shares = [rounded(exponential / total, fine) if total else Decimal(0) for exponential in exponentials]
        share_of_sink = None if of_sink is None or not total else rounded(of_sink / total, fine)
    return SoftmaxRow(
        tuple(raw), divisor, tuple(quotients), largest, tuple(differences), tuple(exponentials), rest, total,
        tuple(shares), tuple(places), None if held is None else tuple(held), None if added is None else tuple(added),
        tuple(raised), stands_beside, of_sink, share_of_sink,
    )  # fmt: skip


def _power(exponent: Decimal, digits: int) -> Decimal:
    """Raise e to a printed number, and round the result."""
    return Decimal(0) if exponent.is_infinite() else rounded(exponent.exp(), digits)


def _held(scaled: Decimal, softcap: Decimal, digits: int) -> Decimal:
    """Hold a printed number between -c and c: c·tanh(s/c)."""
    if scaled.is_infinite():
        return scaled
    if abs(scaled) > 100 * softcap:  # where the cap is reached to more digits than are ever shown
        return softcap if scaled > 0 else -softcap
    squared = (2 * scaled / softcap).exp()
    return rounded(softcap * (squared - 1) / (squared + 1), digits)


class WeightedSum(NamedTuple):
    """One place of a context vector: printed weights times printed values, added up."""

    weights: tuple[Decimal, ...]
    values: tuple[Decimal, ...]
    products: tuple[Decimal, ...]
    rest: Decimal | None
    total: Decimal
    is_exact: bool
    total_sign: str
    places: tuple[int, ...]


def weighted_sum(weights: Array, values: Array, digits: int, places: Sequence[int] | None = None) -> WeightedSum:
    """Multiply each number by its weight, and add up the products, all as they are printed.

    Weights have two digits at least.

    >>> weighted_sum(np.array([0.25, 0.75]), np.array([4.0, 8.0]), 2).total  # 1 + 6
    Decimal('7.00')
    """
    places = list(range(len(weights))) if places is None else list(places)
    shares = [as_printed(float(weights[place]), max(digits, FEWEST)) for place in places]
    numbers = [as_printed(float(values[place]), digits) for place in places]
    made = [result(share * number, digits) for share, number in zip(shares, numbers, strict=True)]
    others = np.delete(weights * values, places)
    rest = as_printed(float(others.sum()), digits) if len(others) else None
    products = tuple(product.value for product in made)
    total = result(sum(products, Decimal(0)) + (rest or 0), digits)
    is_exact = rest is None and all(product.is_exact for product in made)
    return WeightedSum(tuple(shares), tuple(numbers), products, rest, total.value, is_exact, total.sign, tuple(places))


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
