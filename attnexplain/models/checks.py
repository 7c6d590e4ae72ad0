"""What a file of numbers says, checked piece by piece: matrices, vectors, texts, flags; a refusal names the place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.attention import Head
from attnexplain.errors import NumbersError
from attnexplain.tokens import MOST_TOKENS

if TYPE_CHECKING:
    from attnexplain.attention import Array

MATRICES = ("embeddings", "w_q", "w_k", "w_v", "queries", "keys", "values")
BIASES = ("b_q", "b_k", "b_v")
LONGEST_TOKEN = 1 << 17
"""Characters."""
WIDEST = 1 << 14
"""Places of a vector, and columns of a matrix; real models have fewer."""
EXAMPLE_ROWS = "rows of numbers, such as [[1, 0], [0, 1]]"


def read_head(content: Mapping[str, Any]) -> Head | None:
    """Read the parameter matrices and their biases; None where there are none."""
    there = [key for key in ("w_q", "w_k", "w_v") if key in content]
    if not there:
        if alone := next((key for key in BIASES if key in content), None):
            raise NumbersError(f"{alone} needs w_q, w_k and w_v")
        return None
    if len(there) < 3:
        missing = next(key for key in ("w_q", "w_k", "w_v") if key not in content)
        raise NumbersError(f"{missing} is missing: the three matrices go together")
    matrices = [read_matrix(key, content[key]) for key in there]
    biases = {key: read_vector(key, content[key]) for key in BIASES if key in content}
    return Head(*matrices, **biases)


def read_vectors(content: Mapping[str, Any]) -> tuple[Array, Array, Array] | None:
    """Read queries (n, d_k), keys (n, d_k) and values (n, d_v); None where there are none."""
    there = [key for key in ("queries", "keys", "values") if key in content]
    if not there:
        return None
    if len(there) < 3:
        missing = next(key for key in ("queries", "keys", "values") if key not in content)
        raise NumbersError(f"{missing} are missing: queries, keys and values go together")
    queries, keys, values = (read_matrix(key, content[key]) for key in there)
    if queries.shape != keys.shape:
        raise NumbersError(f"queries of shape {queries.shape} do not fit keys of shape {keys.shape}: both are (n, d_k)")
    if len(values) != len(queries):
        raise NumbersError(
            f"values of shape {values.shape} do not fit queries of shape {queries.shape}: both have one row per token"
        )
    return queries, keys, values


def check_complete(
    tokens: tuple[str, ...] | None,
    words: tuple[str, ...],
    embeddings: Array | None,
    head: Head | None,
    vectors: tuple[Array, Array, Array] | None,
) -> None:
    """Refuse what is missing, too much, or not of the same number of rows."""
    if vectors is not None:
        if tokens is None:
            raise NumbersError("queries, keys and values need tokens: one for each row")
        if embeddings is not None or head is not None:
            raise NumbersError(
                "queries, keys and values take the place of embeddings and matrices: give one or the other"
            )
        rows, what = len(vectors[0]), "queries"
    else:
        if embeddings is None:
            raise NumbersError("embeddings are missing", hint="or give queries, keys and values")
        if head is None:
            raise NumbersError("w_q, w_k and w_v are missing", hint="or give queries, keys and values")
        if tokens is None and not words:
            raise NumbersError("tokens are missing: one for each row of embeddings")
        rows, what = len(embeddings), "embeddings"
    named = tokens if tokens is not None else words
    if len(named) != rows:
        raise NumbersError(f"there are {len(named)} tokens and {rows} rows of {what}: each token has one row")
    if tokens is not None:
        check_count(tokens)


def check_count(tokens: Sequence[str]) -> None:
    """Refuse more tokens than can be explained."""
    if len(tokens) > MOST_TOKENS:
        raise NumbersError(f"there are {len(tokens)} tokens, and {MOST_TOKENS} are allowed")


def read_matrix(key: str, rows: Any, names: Sequence[str] | None = None) -> Array:
    """Read rows of numbers, all of one length; the names of the rows are for the message of a refusal."""
    if isinstance(rows, np.ndarray):
        return _checked_array(key, rows, 2)
    if not isinstance(rows, list) or not rows:
        raise NumbersError(f"{key} must be {EXAMPLE_ROWS}")
    checked = []
    for i, row in enumerate(rows):
        where = f"{key}, row {names[i] if names else i + 1}"
        if not isinstance(row, list) or not row:
            raise NumbersError(f"{where}: must be a list of numbers")
        if len(row) != len(rows[0]):
            raise NumbersError(
                f"the rows of {key} differ in length: row 1 has {len(rows[0])} numbers, row {i + 1} has {len(row)}"
            )
        if len(row) > WIDEST:
            raise NumbersError(f"{where}: has {len(row):,} numbers, and {WIDEST:,} are allowed")
        checked.append([read_number(f"{where}, place {j + 1}", number) for j, number in enumerate(row)])
    return np.array(checked)


def read_vector(key: str, row: Any) -> Array:
    """Read a list of numbers."""
    if isinstance(row, np.ndarray):
        return _checked_array(key, row, 1)
    if not isinstance(row, list) or not row:
        raise NumbersError(f"{key} must be a list of numbers, such as [1, 0]")
    return np.array([read_number(f"{key}, place {j + 1}", number) for j, number in enumerate(row)])


def _checked_array(key: str, array: Array, dimensions: int) -> Array:
    """Check the numbers of an array from a file, and return them as float64."""
    if array.ndim != dimensions:
        raise NumbersError(f"{key} must be {EXAMPLE_ROWS if dimensions == 2 else 'a list of numbers, such as [1, 0]'}")
    if array.shape[-1] > WIDEST:
        raise NumbersError(f"{key} has rows of {array.shape[-1]:,} numbers, and {WIDEST:,} are allowed")
    numbers = array.astype(np.float64)
    if not np.isfinite(numbers).all():
        place = [int(i) + 1 for i in np.argwhere(~np.isfinite(numbers))[0]]
        where = f"row {place[0]}, place {place[1]}" if dimensions == 2 else f"place {place[0]}"
        raise NumbersError(f"{key}, {where}: not finite (NaN, infinite, or too large)")
    return numbers


def read_number(where: str, number: Any) -> float:
    """Read a finite number; true and false are none."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        kinds = {"bool": "true or false", "NoneType": "null", "str": "a text", "list": "a list", "dict": "an object"}
        raise NumbersError(f"{where}: {kinds.get(type(number).__name__, 'something')} is not a number")
    try:
        value = float(number)
    except OverflowError:
        value = float("inf")
    if not isfinite(value):
        raise NumbersError(f"{where}: not finite (NaN, infinite, or too large)")
    return value


def read_texts(key: str, values: Any) -> tuple[str, ...]:
    """Read a list of texts, none of them blank."""
    if not isinstance(values, list) or not values or not all(isinstance(v, str) and v.strip() for v in values):
        raise NumbersError(f'{key} must be a list of texts, such as ["the", "cat"]')
    for value in values:
        if len(read_text(key, value)) > LONGEST_TOKEN:
            raise NumbersError(f"{key} has a text of {len(value):,} characters, and {LONGEST_TOKEN:,} are allowed")
    return tuple(values)


def read_text(key: str, value: Any) -> str:
    """Read a text that is valid Unicode."""
    if not isinstance(value, str):
        raise NumbersError(f"{key} must be a text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise NumbersError(f"{key} is not valid Unicode") from error
    return value


def read_flag(key: str, content: Mapping[str, Any], *, default: bool) -> bool:
    """Read true or false."""
    value = content.get(key, default)
    if not isinstance(value, bool):
        raise NumbersError(f"{key} must be true or false")
    return value
