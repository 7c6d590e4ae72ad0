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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.errors import CommandError, DataError, NumbersError
from attnexplain.models.archives import parse_npz
from attnexplain.models.checks import (
    BIASES,
    MATRICES,
    check_complete,
    check_count,
    read_flag,
    read_head,
    read_matrix,
    read_text,
    read_texts,
    read_vectors,
)
from attnexplain.models.files import parse_json, read_file
from attnexplain.models.model import Embedded, Model, ModelInfo, withheld_of_all
from attnexplain.models.stored_run import Stored, read_stored
from attnexplain.models.weights_file import AttentionWeights, attention_weights
from attnexplain.text import word_key
from attnexplain.tokens import Tokens, refuse_long, tokenize

if TYPE_CHECKING:
    from attnexplain.attention import Array, Head

LARGEST = 64 << 20
"""Bytes of a file, and of all that is packed in one."""

TEXTS = ("title", "source", "note")
FLAGS = ("causal", "scale")
WEIGHTS_KEYS = ("tokens", "query_tokens", "key_tokens", "weights")
_OF_MANY = (
    "layers",
    "heads",
    "ids",
    "spans",
    "special",
    "segments",
    "second_begins",
    "cut_from",
    "sinks",
    "causal",
    "kind",
)
"""What stored weights of many heads have besides."""
_MARKS = ("schema", "version", "sentence", "model", "settings")
"""What a stored run of weights alone has besides."""
KEYS = ("tokens", "words", *MATRICES, *BIASES, *FLAGS, *TEXTS)


@dataclass(frozen=True, eq=False, kw_only=True)
class Numbers(Model):
    """A model made of the numbers in a file."""

    info: ModelInfo
    example: str | None
    """The tokens of a finished example, as a sentence."""
    head: Head | None
    vectors: tuple[Array, Array, Array] | None
    tokens: tuple[str, ...] | None
    """The tokens of a finished example."""
    words: tuple[str, ...]
    """The words of a vocabulary."""
    embeddings: Array | None
    causal: bool
    scale: float | None

    def tokenize(self, sentence: str, phrases: Sequence[str], max_tokens: int) -> Tokens:
        """Return the example's own tokens, or split a sentence of the vocabulary's words."""
        if self.tokens is None:
            return tokenize(sentence, phrases, max_tokens)
        if phrases:
            raise CommandError("--phrase joins words of a sentence; a finished example has its tokens already")
        refuse_long(len(self.tokens), max_tokens, "tokens")
        return Tokens(self.tokens)

    def embed(self, tokens: Tokens) -> Embedded:
        """Return the rows of the example, or of the words of the sentence.

        Raises:
            DataError: a word is not in the vocabulary.
        """
        nothing = ("",) * len(tokens.texts)
        if self.embeddings is None:
            return Embedded(np.zeros((len(tokens.texts), 0)), nothing, withheld_of_all(len(tokens.texts)))
        rows = range(len(tokens.texts)) if self.tokens is not None else [self._row(word) for word in tokens.texts]
        return Embedded(self.embeddings[list(rows)], nothing, withheld_of_all(len(tokens.texts)))

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


def read_numbers(path: str, head: int = 0, layer: int = 0) -> Numbers | Stored | AttentionWeights:
    """Read a .json or .npz file: your own numbers, a stored run, or attention weights from elsewhere.

    Args:
        path: of the file.
        head: which one, of attention weights of several heads.
        layer: which one, of attention weights of several layers.

    Raises:
        CommandError: the file cannot be opened, or there is no such head.
        NumbersError: what is in it does not work; the message names the file, the matrix and the row.
    """
    name = Path(path).name
    try:
        data = read_file(path, LARGEST)
        content = parse_json(data) if path.endswith(".json") else parse_npz(data, LARGEST)
        if ("weights" in content and "schema" not in content) or _is_of_weights(content):
            return _weights(name, content, layer, head)
        if head or layer:
            what = "--layer" if layer else "--head"
            raise CommandError(f"{what} chooses from a checkpoint or from weights of several heads; {name} has one")
        return read_stored(name, content) if "schema" in content else _model(name, content)
    except DataError as error:
        raise NumbersError(f"{name}: {error.message}", hint=error.hint) from error


def _weights(name: str, content: Mapping[str, Any], layer: int, head: int) -> AttentionWeights:
    """Read attention weights, and the tokens that they belong to."""
    of_many = content if "schema" in content else {}
    known = (*WEIGHTS_KEYS, *TEXTS, *_MARKS, *(_OF_MANY if of_many else ()))
    if others := [key for key in content if key not in known]:
        raise NumbersError(
            f"the key {others[0][:40]!r} does not go with weights",
            hint="weights go with tokens alone; leave them out where they are to be computed",
        )
    if "query_tokens" in content or "key_tokens" in content:
        asks = "tokens" if of_many else "query_tokens"  # as --json writes what was read
        if ("tokens" in content) != bool(of_many) or not {asks, "key_tokens"} <= content.keys():
            raise NumbersError("query_tokens and key_tokens stand together, in place of tokens")
        asking, answering = (_texts(key, content[key]) for key in (asks, "key_tokens"))
        return attention_weights(name, asking, content["weights"], layer=layer, head=head, answering=answering)
    if "tokens" not in content:
        raise NumbersError("tokens are missing: one for each row of weights")
    found = attention_weights(
        name, _texts("tokens", content["tokens"]), content["weights"], layer=layer, head=head,
        layers=_numbered("layers", of_many), heads=_numbered("heads", of_many),
    )  # fmt: skip
    if "sinks" in of_many:
        found = replace(found, sinks=_sinks(of_many["sinks"], found.every_head.shape[:3]))
    of_means = {key: _is_mean(of_many.get(key)) for key in ("layers", "heads")}
    if not any(of_means.values()):
        return found
    numbers = {"layers": found.info.layer, "heads": found.info.head}
    label = ", ".join(
        f"the mean over all {key}" if is_mean else f"{key[:-1]} {numbers[key]}" for key, is_mean in of_means.items()
    )
    return replace(found, info=replace(found.info, note=f"Stored attention weights: {label}.", label=label))


def _texts(key: str, texts: Any) -> Tokens:
    check_count(texts if isinstance(texts, list) else ())
    return Tokens(read_texts(key, texts))


def _sinks(numbers: Any, shape: tuple[int, ...]) -> Array:
    """Read what a learned sink takes of each row of each head."""
    try:
        sinks = np.asarray(numbers, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise NumbersError("sinks has one number for each row of each head") from error
    if sinks.shape != shape or not np.isfinite(sinks).all() or (sinks < 0).any():
        raise NumbersError(f"sinks must be numbers from 0 on, {shape}")
    return sinks


def _is_mean(numbers: Any) -> bool:
    """Whether a mean over layers or heads was stored, and not each of them."""
    text = numbers.tolist() if isinstance(numbers, np.ndarray) else numbers
    return isinstance(text, str) and text == "mean"


def _numbered(key: str, content: Mapping[str, Any]) -> tuple[int, ...]:
    """Read the numbers of the layers or heads that were stored; none where a mean was."""
    numbers = content.get(key, ())
    numbers = numbers.tolist() if isinstance(numbers, np.ndarray) else numbers
    if _is_mean(numbers) or numbers == ():
        return ()
    is_list = isinstance(numbers, list) and all(type(number) is int and 0 <= number < 1000 for number in numbers)
    if not is_list or len(set(numbers)) != len(numbers):
        raise NumbersError(f"{key} is not what stored weights have: a number for each, or mean")
    return tuple(numbers)


def _is_of_weights(content: Mapping[str, Any]) -> bool:
    """Whether what was stored is attention weights alone: they have no width, or are those of many heads."""
    model = content.get("model")
    is_alone = isinstance(model, dict) and model.get("d_k") == 0
    return "weights" in content and (is_alone or {"layers", "heads"} <= content.keys()) and "queries" not in content


def _model(name: str, content: Mapping[str, Any]) -> Numbers:
    for key in content:
        if key not in KEYS:
            near = get_close_matches(key, KEYS, n=1)
            raise NumbersError(f"unknown key {key!r}", hint=f"did you mean {near[0]!r}?" if near else _known_keys())
    tokens = read_texts("tokens", content["tokens"]) if "tokens" in content else None
    check_count(tokens or ())
    words: tuple[str, ...] = ()
    embeddings = content.get("embeddings")
    if isinstance(embeddings, dict):
        words, rows = tuple(embeddings), list(embeddings.values())
        matrix: Array | None = read_matrix("embeddings", rows, [f"of {word!r}" for word in words])
    else:
        matrix = None if embeddings is None else read_matrix("embeddings", embeddings)
        words = read_texts("words", content["words"]) if "words" in content else ()
    head, vectors = read_head(content), read_vectors(content)
    check_complete(tokens, words, matrix, head, vectors)
    if matrix is not None and head is not None and matrix.shape[1] != head.d_model:
        raise NumbersError(
            f"embeddings of shape {matrix.shape} do not fit w_q of shape {head.w_q.shape}: "
            "an embedding has one number for each row of w_q"
        )
    texts = {key: read_text(key, content[key]).rstrip(".") for key in TEXTS if key in content}
    note = " ".join(
        [texts.get("title", "Your own numbers") + ".", *([f"Source: {texts['source']}."] if "source" in texts else [])]
    )
    info = ModelInfo(name, "numbers", f"{note} {texts.get('note', '')}".strip())
    causal, is_scaled = read_flag("causal", content, default=False), read_flag("scale", content, default=True)
    return Numbers(
        info=info,
        example=None if tokens is None else " ".join(tokens),
        head=head,
        vectors=vectors,
        tokens=tokens,
        words=words,
        embeddings=matrix,
        causal=causal,
        scale=None if is_scaled else 1.0,
    )


def _known_keys() -> str:
    return "the keys are: " + ", ".join(KEYS)
