"""Your own numbers, from a .json or .npz file: a textbook's finished example, or a vocabulary for any sentence.

    {"tokens": ["please", "study"], "embeddings": [[1, 0], [0, 2]],
     "w_q": [[1, 0], [0, 1]], "w_k": [[1, 1], [0, 1]], "w_v": [[1, 0], [1, 1]]}

The keys: `tokens` with one row of `embeddings` each is a finished example, and needs no sentence. `embeddings` as an
object {"word": [numbers]} is a vocabulary (in .npz: `words` beside `embeddings`). `w_q`, `w_k`, `w_v`, and the optional
`b_q`, `b_k`, `b_v`, are the head. `queries`, `keys` and `values` take the place of both. `causal` and `scale` (true or
false) are what the example asks for; `title`, `source` and `note` are texts for the reader.

The files may come from anyone: sizes are checked before anything is unpacked, and nothing in them is ever run.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.attention import Head
from attnexplain.errors import CommandError, DataError, NumbersError
from attnexplain.models.files import parse_json, read_file
from attnexplain.models.model import Embedded, ModelInfo
from attnexplain.models.stored import SCHEMA, GivenWeights, Stored, given_weights, stored_info
from attnexplain.tokens import MOST_TOKENS, Tokens, tokenize, word_key

if TYPE_CHECKING:
    from attnexplain.attention import Array

LARGEST = 64 << 20
"""Bytes of a file, and of all that is packed in one."""

MATRICES = ("embeddings", "w_q", "w_k", "w_v", "queries", "keys", "values")
BIASES = ("b_q", "b_k", "b_v")
TEXTS = ("title", "source", "note")
FLAGS = ("causal", "scale")
KEYS = ("tokens", "words", *MATRICES, *BIASES, *FLAGS, *TEXTS)
EXAMPLE_ROWS = "rows of numbers, such as [[1, 0], [0, 1]]"


@dataclass(frozen=True, eq=False)
class Numbers:
    """A model made of the numbers in a file."""

    info: ModelInfo
    head: Head | None
    given: tuple[Array, Array, Array] | None
    tokens: tuple[str, ...] | None
    """The tokens of a finished example."""
    words: tuple[str, ...]
    """The words of a vocabulary."""
    embeddings: Array | None
    causal: bool
    scale: float | None

    @property
    def example(self) -> str | None:
        """The tokens of a finished example, as a sentence."""
        return None if self.tokens is None else " ".join(self.tokens)

    def tokenize(self, sentence: str, phrases: Sequence[str], max_tokens: int) -> Tokens:
        """Return the example's own tokens, or split a sentence of the vocabulary's words."""
        if self.tokens is None:
            return tokenize(sentence, phrases, max_tokens)
        if phrases:
            raise CommandError("--phrase joins words of a sentence; a finished example has its tokens already")
        return Tokens(self.tokens)

    def embed(self, tokens: Tokens) -> Embedded:
        """Return the rows of the example, or of the words of the sentence.

        Raises:
            DataError: a word is not in the vocabulary.
        """
        nothing = ("",) * len(tokens.words)
        if self.embeddings is None:
            return Embedded(np.zeros((len(tokens.words), 0)), nothing, (True,) * len(tokens.words))
        rows = range(len(tokens.words)) if self.tokens is not None else [self._row(word) for word in tokens.words]
        return Embedded(self.embeddings[list(rows)], nothing, (True,) * len(tokens.words))

    def neighbours(self, vectors: Array, count: int, own: Sequence[str]) -> None:
        """A handful of words is no vocabulary to look around in."""

    def _row(self, word: str) -> int:
        key = word_key(word)
        row = self._rows.get(word, self._rows_of_keys.get(key))
        if row is not None:
            return row
        near = get_close_matches(key, list(self._rows_of_keys), n=5, cutoff=0.0)
        raise DataError(
            f"{self.info.name}: its vocabulary has no {word!r}",
            hint="the nearest words it has: " + ", ".join(self.words[self._rows_of_keys[found]] for found in near),
        )

    @cached_property
    def _rows(self) -> dict[str, int]:
        """The first row of each word as written."""
        return {word: row for row, word in reversed(list(enumerate(self.words)))}

    @cached_property
    def _rows_of_keys(self) -> dict[str, int]:
        """The first row of each word in any case."""
        return {word_key(word): row for row, word in reversed(list(enumerate(self.words)))}


def read_numbers(path: str, head: int = 0) -> Numbers | Stored | GivenWeights:
    """Read a .json or .npz file: your own numbers, a stored run, or attention weights from elsewhere.

    Args:
        path: of the file.
        head: which one, of attention weights of several heads.

    Raises:
        CommandError: the file cannot be opened, or there is no such head.
        NumbersError: what is in it does not work; the message names the file, the matrix and the row.
    """
    name = Path(path).name
    try:
        data = read_file(path, LARGEST)
        content = parse_json(data) if path.endswith(".json") else _from_npz(data)
        if "weights" in content and "tokens" in content and "queries" not in content:
            return given_weights(name, _strings("tokens", content["tokens"]), content["weights"], head)
        if head:
            raise CommandError(f"--head chooses from a checkpoint or from weights of several heads; {name} has one")
        return _stored(name, content) if "schema" in content else _model(name, content)
    except DataError as error:
        raise NumbersError(f"{name}: {error.message}", hint=error.hint) from error


# Reading


def _from_npz(data: bytes) -> dict[str, Any]:
    content: dict[str, Any] = {}
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > LARGEST:
                raise NumbersError(f"it unpacks to more than {LARGEST >> 20} MiB")
            for member in members:
                key = member.filename.removesuffix(".npy")
                if key in content:
                    raise NumbersError(f"the key {key!r} occurs twice")
                with archive.open(member) as file:
                    content[key] = _array(key, file.read(LARGEST + 1))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        if isinstance(error, NumbersError):
            raise
        raise NumbersError(f"not a readable .npz file: {error}") from error
    except Exception as error:  # zlib.error and its like have no common base
        raise NumbersError(f"not a readable .npz file: {error}") from error
    return {key: _plain(key, array) for key, array in content.items()}


def _array(key: str, data: bytes) -> np.ndarray[Any, np.dtype[Any]]:
    """Read one .npy without trusting its header: what it claims must be there."""
    file = BytesIO(data)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(file)
    if dtype.kind not in "iufUb":
        raise NumbersError(f"{key} is an array of {dtype}; numbers or texts are wanted")
    count = 1
    for size in shape:
        count *= size
    if count * dtype.itemsize > len(data) - file.tell():
        raise NumbersError(f"{key} is cut short: its header says {shape}")
    array = np.frombuffer(data, dtype, count, file.tell())
    return array.reshape(shape, order="F" if by_columns else "C")


def _plain(key: str, array: np.ndarray[Any, np.dtype[Any]]) -> Any:
    """Turn an array into lists, as a JSON file would have them."""
    if key in (*MATRICES, *BIASES) and array.dtype.kind not in "iuf":
        raise NumbersError(f"{key} is an array of {array.dtype}; numbers are wanted")
    try:
        return array.tolist()
    except SystemError as error:  # numpy's word for a number beyond the last character
        raise NumbersError(f"{key} holds a number that is no character") from error


# Checking


def _model(name: str, content: Mapping[str, Any]) -> Numbers:
    for key in content:
        if key not in KEYS:
            near = get_close_matches(key, KEYS, n=1)
            raise NumbersError(f"unknown key {key!r}", hint=f"did you mean {near[0]!r}?" if near else _known_keys())
    tokens = _strings("tokens", content["tokens"]) if "tokens" in content else None
    words: tuple[str, ...] = ()
    embeddings = content.get("embeddings")
    if isinstance(embeddings, dict):
        words, rows = tuple(embeddings), list(embeddings.values())
        matrix: Array | None = _matrix("embeddings", rows, [f"of {word!r}" for word in words])
    else:
        matrix = None if embeddings is None else _matrix("embeddings", embeddings)
        words = _strings("words", content["words"]) if "words" in content else ()
    head, given = _head(content), _given(content)
    _complete(tokens, words, matrix, head, given)
    if matrix is not None and head is not None and matrix.shape[1] != head.d_model:
        raise NumbersError(
            f"embeddings of shape {matrix.shape} do not fit w_q of shape {head.w_q.shape}: "
            "an embedding has one number for each row of w_q"
        )
    texts = {key: _text(key, content[key]) for key in TEXTS if key in content}
    note = " ".join(
        [texts.get("title", "Your own numbers") + ".", *([f"Source: {texts['source']}."] if "source" in texts else [])]
    )
    info = ModelInfo(name, "numbers", f"{note} {texts.get('note', '')}".strip())
    causal, is_scaled = _flag("causal", content, default=False), _flag("scale", content, default=True)
    return Numbers(info, head, given, tokens, words, matrix, causal, None if is_scaled else 1.0)


def _stored(name: str, content: Mapping[str, Any]) -> Stored:
    """Make a run that is drawn again of what was stored."""
    if content["schema"] != SCHEMA:
        raise NumbersError(f"its schema is {str(content['schema'])[:40]!r}; {SCHEMA} is read")
    sentence, tokens = content.get("sentence"), content.get("tokens")
    if not isinstance(sentence, str):
        raise NumbersError("a stored run has a sentence")
    words = _strings("tokens", tokens)
    parameters = content.get("parameters", content)
    head = _head(parameters if isinstance(parameters, dict) else content)
    given = _given({key: content[key] for key in ("queries", "keys", "values") if key in content})
    if given is None:
        raise NumbersError("queries, keys and values are missing", hint="store a run without --step")
    embeddings = _matrix("embeddings", content["embeddings"]) if "embeddings" in content else None
    _complete(words, (), None, None, given)
    if embeddings is None or head is None:
        head = embeddings = None
    elif len(embeddings) != len(words) or embeddings.shape[1] != head.d_model:
        raise NumbersError(f"embeddings of shape {embeddings.shape} do not fit the tokens or w_q")
    settings = content.get("settings", content)
    scale = _number("scale", settings.get("scale") if isinstance(settings, dict) else None)
    special = content.get("special", ())
    if special and (len(special) != len(words) or not all(isinstance(flag, bool) for flag in special)):
        raise NumbersError("special has one true or false for each token")
    company = _company(content.get("neighbours"), len(words))
    little = tuple(not before for before in company[0]) if company is not None else (False,) * len(words)
    vectors = embeddings if embeddings is not None else np.zeros((len(words), 0))
    made = tuple(map(str, content.get("made", [""] * len(words))))
    return Stored(
        stored_info(name, content), sentence, Tokens(words, special=tuple(special), shown=words if special else ()),
        head, None if head is not None else given, given[2], Embedded(vectors, made, little), company, scale,
        _flag("causal", settings, default=False),
    )  # fmt: skip


def _company(neighbours: Any, count: int) -> tuple[list[list[str]], list[list[str]]] | None:
    if neighbours is None:
        return None
    try:
        before, after = ([[str(word) for word in entry[key]] for entry in neighbours] for key in ("before", "after"))
    except (TypeError, KeyError) as error:
        raise NumbersError("neighbours is not what a stored run has") from error
    if len(before) != count:
        raise NumbersError("neighbours has one entry for each token")
    return before, after


def _complete(
    tokens: tuple[str, ...] | None,
    words: tuple[str, ...],
    embeddings: Array | None,
    head: Head | None,
    given: tuple[Array, Array, Array] | None,
) -> None:
    """Refuse what is missing, too much, or not of the same number of rows."""
    if given is not None:
        if tokens is None:
            raise NumbersError("queries, keys and values need tokens: one for each row")
        if embeddings is not None or head is not None:
            raise NumbersError(
                "queries, keys and values take the place of embeddings and matrices: give one or the other"
            )
        rows, what = len(given[0]), "queries"
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
    if tokens is not None and len(tokens) > MOST_TOKENS:
        raise NumbersError(f"there are {len(tokens)} tokens, and {MOST_TOKENS} are allowed")


def _head(content: Mapping[str, Any]) -> Head | None:
    there = [key for key in ("w_q", "w_k", "w_v") if key in content]
    if not there:
        if alone := next((key for key in BIASES if key in content), None):
            raise NumbersError(f"{alone} needs w_q, w_k and w_v")
        return None
    if len(there) < 3:
        missing = next(key for key in ("w_q", "w_k", "w_v") if key not in content)
        raise NumbersError(f"{missing} is missing: the three matrices go together")
    matrices = [_matrix(key, content[key]) for key in there]
    biases = {key: _vector(key, content[key]) for key in BIASES if key in content}
    return Head(*matrices, **biases)


def _given(content: Mapping[str, Any]) -> tuple[Array, Array, Array] | None:
    there = [key for key in ("queries", "keys", "values") if key in content]
    if not there:
        return None
    if len(there) < 3:
        missing = next(key for key in ("queries", "keys", "values") if key not in content)
        raise NumbersError(f"{missing} are missing: queries, keys and values go together")
    queries, keys, values = (_matrix(key, content[key]) for key in there)
    if queries.shape != keys.shape:
        raise NumbersError(f"queries of shape {queries.shape} do not fit keys of shape {keys.shape}: both are (n, d_k)")
    if len(values) != len(queries):
        raise NumbersError(
            f"values of shape {values.shape} do not fit queries of shape {queries.shape}: both have one row per token"
        )
    return queries, keys, values


def _matrix(key: str, rows: Any, names: Sequence[str] | None = None) -> Array:
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
        checked.append([_number(f"{where}, place {j + 1}", number) for j, number in enumerate(row)])
    return np.array(checked)


def _vector(key: str, row: Any) -> Array:
    if not isinstance(row, list) or not row:
        raise NumbersError(f"{key} must be a list of numbers, such as [1, 0]")
    return np.array([_number(f"{key}, place {j + 1}", number) for j, number in enumerate(row)])


def _number(where: str, number: Any) -> float:
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


def _strings(key: str, values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not values or not all(isinstance(v, str) and v.strip() for v in values):
        raise NumbersError(f'{key} must be a list of texts, such as ["the", "cat"]')
    for value in values:
        _text(key, value)
    return tuple(values)


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise NumbersError(f"{key} must be a text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise NumbersError(f"{key} is not valid Unicode") from error
    return value.rstrip(".")


def _flag(key: str, content: Mapping[str, Any], *, default: bool) -> bool:
    value = content.get(key, default)
    if not isinstance(value, bool):
        raise NumbersError(f"{key} must be true or false")
    return value


def _known_keys() -> str:
    return "the keys are: " + ", ".join(KEYS)
