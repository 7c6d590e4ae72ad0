"""A stored run: what `--json` and `-o FILE.npz` wrote, drawn again.

It has everything that its lesson needs, and is computed again from its queries, keys and values (from its embeddings
and parameter matrices, where those were stored too). What was stored and what is computed must be the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.errors import CommandError, NumbersError
from attnexplain.facts import SCHEMA
from attnexplain.models.checks import (
    check_complete,
    check_count,
    read_flag,
    read_head,
    read_matrix,
    read_number,
    read_text,
    read_texts,
    read_vectors,
)
from attnexplain.models.model import Embedded, Model, ModelInfo, NextToken, Predicted, Withheld
from attnexplain.models.stored_variant import read_variant
from attnexplain.tokens import MOST_NEXT, Tokens, refuse_long
from attnexplain.variants import VariantTrace, attend, attend_given, attend_projected, visible_mask

if TYPE_CHECKING:
    from attnexplain.attention import Array, Head

    Vectors = tuple[Array, Array, Array]

NEAR = 1e-9
"""How far, for the largest of its row, a stored number may lie from what is computed: machines add in other orders."""
MOST_HEADS = 2000
LARGEST_ID = 1 << 24
LONGEST_FAMILY = 60
_COUNTS = ("layer", "head", "layers", "heads", "kv_heads")
MASKED = -1e300
"""Stands for minus infinity where stored numbers are compared."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Stored(Model):
    """A run that is drawn again."""

    info: ModelInfo
    example: str
    """Its sentence."""
    tokens: Tokens
    head: Head | None
    vectors: tuple[Array, Array, Array] | None
    """Queries, keys and values, where there are no parameter matrices."""
    trace: VariantTrace
    """The run as it was stored."""
    embedded: Embedded
    worked: tuple[int, int] | None
    """Which token asks, and which answers."""
    company: tuple[list[list[str]], list[list[str]]] | None
    """The neighbours of each word's value and context."""
    scale: float | None
    causal: bool
    are_projected: bool = False
    predicted: Predicted | None = None

    def tokenize(self, sentence: str, phrases: Sequence[str], max_tokens: int) -> Tokens:
        """Return the tokens of the run."""
        if phrases:
            raise CommandError("--phrase joins words of a sentence; a stored run has its tokens already")
        refuse_long(len(self.tokens.texts), max_tokens, "tokens")
        return self.tokens

    def embed(self, tokens: Tokens) -> Embedded:
        """Return the embeddings of the run."""
        return self.embedded

    def neighbours(self, vectors: Array, count: int, own: Sequence[str]) -> list[list[str]] | None:
        """Return those that were stored, of the values or of the context vectors; None for vectors of another run.

        The vectors are those of the words whose company is shown.
        """
        if self.company is None:
            return None
        shown = [row for row, why in enumerate(self.embedded.withheld) if not why]
        for company, stored in zip(self.company, (self.trace.values, self.trace.context), strict=True):
            if np.allclose(vectors, stored[shown]):
                return [company[row] for row in shown]
        return None


def read_stored(name: str, content: Mapping[str, Any]) -> Stored:
    """Make a run that is drawn again of what was stored.

    Args:
        name: of the file.
        content: what was in it.

    Raises:
        NumbersError: it is not what a stored run has.
    """
    if content["schema"] != SCHEMA:
        raise NumbersError(f"its schema is {str(content['schema'])[:40]!r}; {SCHEMA} is read")
    sentence, words = read_text("sentence", content.get("sentence")), read_texts("tokens", content.get("tokens"))
    vectors = read_vectors({key: content[key] for key in ("queries", "keys", "values") if key in content})
    if vectors is None:
        raise NumbersError(
            "queries, keys and values are missing", hint="store a run without --step; or keep tokens and weights alone"
        )
    check_count(words)
    check_complete(words, (), None, None, vectors)
    special = _special(content.get("special", []), len(words))
    if not special:
        _check_order(sentence, words)
    embeddings, head = _beginning(content, len(words))
    settings = content.get("settings", content)  # in .npz they stand beside the arrays
    if not isinstance(settings, dict):
        raise NumbersError("settings is not what a stored run has")
    company = _company(content.get("neighbours"), len(words))
    withheld: tuple[Withheld, ...] = tuple(
        "" if company is not None and company[0][row] else "unknown" for row in range(len(words))
    )
    rows = embeddings if embeddings is not None else np.zeros((len(words), 0))
    made = _made(content.get("made"), len(words))
    scale, causal = read_number("scale", settings.get("scale")), read_flag("causal", settings, default=False)
    info = _info(name, content)
    variant = read_variant(settings, content, len(words))
    mask = visible_mask(len(words), causal=causal, window=variant.window)
    are_projected = head is None and variant.changes_vectors and "projected_queries" in content
    if are_projected:
        queries, keys = (read_matrix(key, content.get(key)) for key in ("projected_queries", "projected_keys"))
        trace = attend_projected(queries, keys, vectors[2], scale=scale, mask=mask, variant=variant)
    elif head is None:
        trace = attend_given(*vectors, scale=scale, mask=mask, variant=variant)
    else:
        trace = attend(rows, head, scale=scale, mask=mask, variant=variant)
    _check_computed(content, trace)
    return Stored(
        info=info,
        example=sentence,
        tokens=Tokens(
            words,
            ids=_ids(content.get("ids"), len(words)),
            special=special,
            spans=_spans(content.get("spans"), len(words), len(sentence)),
            are_pieces=bool(special),
            segments=_segments(content.get("segments"), len(words)),
            second_begins=_whole("second_begins", content.get("second_begins"), 1, len(sentence)),
            cut_from=_whole("cut_from", content.get("cut_from"), len(words) + 1),
        ),
        head=head,
        vectors=_beginning_with(trace, vectors, are_projected=are_projected) if head is None else None,
        are_projected=are_projected,
        trace=trace,
        embedded=Embedded(rows, made, withheld, variant),
        company=company,
        worked=_worked(content.get("worked"), len(words)),
        scale=scale,
        causal=causal,
        predicted=_predicted(content.get("next"), len(words)),
    )


def _segments(given: Any, count: int) -> tuple[int, ...] | None:
    """Read whose each token of a pair is."""
    if given is None:
        return None
    listed = given.tolist() if isinstance(given, np.ndarray) else given
    if not _are_whole(listed, 1) or len(listed) != count:
        raise NumbersError(f"segments must be a list of {count} numbers, each 0 or 1")
    return tuple(listed)


def _whole(key: str, given: Any, lowest: int, highest: int | None = None) -> int:
    """Read a whole number that need not be there: 0 then."""
    if given is None:
        return 0
    if type(given) is not int or given < lowest or (highest is not None and given > highest):
        raise NumbersError(f"{key} must be a whole number from {lowest}{'' if highest is None else f' to {highest}'}")
    return given


def _beginning_with(trace: VariantTrace, vectors: Vectors, *, are_projected: bool) -> Vectors:
    """Return what a run without parameter matrices begins with."""
    if are_projected and trace.projected_queries is not None and trace.projected_keys is not None:
        return trace.projected_queries, trace.projected_keys, vectors[2]
    return vectors


def _check_computed(content: Mapping[str, Any], trace: VariantTrace) -> None:
    """Compare what was stored with what is computed."""
    if trace.projected_queries is not None and trace.head is None:
        for key in ("queries", "keys"):
            _compare(key, read_matrix(key, content[key]), getattr(trace, key), f"projected_{key} and the settings")
    if trace.head is not None:
        for key in ("queries", "keys", "values"):
            _compare(key, read_matrix(key, content[key]), getattr(trace, key), "embeddings and w_" + key[0])
        for key in ("projected_queries", "projected_keys"):
            if key in content and (computed := getattr(trace, key)) is not None:
                _compare(key, read_matrix(key, content[key]), computed, "embeddings and w_" + key.split("_")[1][0])
    for key in ("scores", "scaled_scores", "weights", "context"):
        if key in content:
            _compare(key, _rows(key, content[key]), getattr(trace, key), "the queries, keys and values")
    if content.get("neighbours") is not None:
        _check_cosines(content["neighbours"], trace)


def _made(texts: Any, count: int) -> tuple[str, ...]:
    if texts is None:
        return ("",) * count
    if not isinstance(texts, list) or len(texts) != count or not all(isinstance(how, str) for how in texts):
        raise NumbersError("made has one text for each token")
    return tuple(texts)


def _worked(pair: Any, count: int) -> tuple[int, int] | None:
    if pair is None:
        return None
    query, key = (pair.get(name) for name in ("query", "key")) if isinstance(pair, dict) else (None, None)
    for place in (query, key):
        if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < count:
            raise NumbersError(f"worked has a query and a key from 0 to {count - 1}")
    return int(str(query)), int(str(key))


def _predicted(given: Any, count: int) -> Predicted | None:
    """Read the tokens that a model predicted."""
    if given is None:
        return None
    if not isinstance(given, list) or not given or not all(isinstance(entry, dict) for entry in given):
        raise NumbersError("next is not what a stored run has")
    found: list[NextToken] = []
    for entry in given:
        text = read_text("token in next", entry.get("token"))
        number, place = entry.get("id"), entry.get("position")
        share = entry.get("probability")
        is_share = isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= 1
        if not is_share or not _are_whole([number], LARGEST_ID) or not _are_whole([place], count - 1):
            raise NumbersError("next has a token, its id, its probability and its position in each entry")
        found.append(NextToken(text, text, int(str(number)), float(str(share)), int(str(place))))
    flags = [entry.get("masked", False) for entry in given]
    if not all(isinstance(flag, bool) for flag in flags) or len(set(flags)) > 1:
        raise NumbersError("next has masked: true in all entries, or in none")
    _check_predicted(found, count, is_masked=flags[0])
    return Predicted(tuple(found), flags[0])


def _check_predicted(found: Sequence[NextToken], count: int, *, is_masked: bool) -> None:
    """Refuse tokens that no model could have predicted together."""
    of_places: dict[int, float] = {}
    for token in found:
        of_places[token.position] = of_places.get(token.position, 0.0) + token.probability
    if max(of_places.values()) > 1 + NEAR:
        raise NumbersError("next has probabilities that add up to more than 1")
    if found != sorted(found, key=lambda token: (token.position, -token.probability)):
        raise NumbersError("next must have the most probable token of each position first")
    if not is_masked and set(of_places) != {count - 1}:
        raise NumbersError("next must stand behind the last token, unless it is masked")
    if len({(token.position, token.id) for token in found}) < len(found) or len(found) > MOST_NEXT * len(of_places):
        raise NumbersError(f"next has at most {MOST_NEXT} different tokens of each position")


def _check_order(sentence: str, words: tuple[str, ...]) -> None:
    """Refuse words that do not stand in the sentence one after the other: they would be those of another one."""
    text, place = " ".join(sentence.split()), 0
    for word in words:
        found = text.find(" ".join(word.split()), place)
        if found < 0:
            raise NumbersError(f"the token {word[:40]!r} does not follow the others in the sentence")
        place = found + len(word)


def _rows(key: str, rows: Any) -> Array:
    """Read the rows of a matrix; a masked score is null, or minus infinity."""
    if key == "scaled_scores":
        if isinstance(rows, list):
            rows = [[MASKED if n is None else n for n in row] if isinstance(row, list) else row for row in rows]
        elif isinstance(rows, np.ndarray):
            rows = np.where(rows == -np.inf, MASKED, rows)
    return read_matrix(key, rows)


def _compare(key: str, stored: Array, computed: Array, source: str) -> None:
    """Refuse what is not what comes out when it is computed again.

    Raises:
        NumbersError: it is not; the message names the key and the row.
    """
    if stored.shape != computed.shape:
        raise NumbersError(f"{key} has the shape {stored.shape}; computed from {source} it has {computed.shape}")
    computed = np.where(np.isinf(computed), MASKED, computed)
    largest = np.where(computed > MASKED, np.abs(computed), 0.0).max(axis=1, keepdims=True)  # of each row
    off = np.abs(stored - computed) > NEAR * np.maximum(largest, 1.0)
    if off.any():
        row = int(np.flatnonzero(off.any(axis=1))[0])
        raise NumbersError(
            f"{key}, row {row + 1}: is not what comes out when it is computed from {source}",
            hint="a stored run is drawn as it was; for numbers of your own leave out the keys that are computed",
        )


def _beginning(content: Mapping[str, Any], count: int) -> tuple[Array | None, Head | None]:
    """Read the embeddings and the parameter matrices, where both were stored."""
    parameters = content.get("parameters", content)  # in .npz they stand beside the arrays
    head = read_head(parameters if isinstance(parameters, dict) else content)
    if head is None or "embeddings" not in content:
        return None, None
    embeddings = read_matrix("embeddings", content["embeddings"])
    if len(embeddings) != count or embeddings.shape[1] != head.d_model:
        raise NumbersError(f"embeddings of shape {embeddings.shape} do not fit the tokens or w_q")
    return embeddings, head


def _special(flags: Any, count: int) -> tuple[bool, ...]:
    is_list = isinstance(flags, list) and all(isinstance(flag, bool) for flag in flags)
    if not is_list or len(flags) not in (0, count):
        raise NumbersError("special has one true or false for each token")
    return tuple(flags)


def _ids(numbers: Any, count: int) -> tuple[int, ...] | None:
    if numbers is None:
        return None
    listed = numbers.tolist() if isinstance(numbers, np.ndarray) else numbers
    if not _are_whole(listed, LARGEST_ID) or len(listed) != count:
        raise NumbersError("ids has one whole number for each token")
    return tuple(listed)


def _spans(pairs: Any, count: int, length: int) -> tuple[tuple[int, int], ...] | None:
    if pairs is None:
        return None
    listed = pairs.tolist() if isinstance(pairs, np.ndarray) else pairs
    if not isinstance(listed, list) or len(listed) != count:
        raise NumbersError("spans has a beginning and an end for each token")
    for pair in listed:
        if not _are_whole(pair, length) or len(pair) != 2 or pair[0] > pair[1]:
            raise NumbersError(f"spans has a beginning and an end for each token, from 0 to {length}")
    return tuple((start, end) for start, end in listed)


def _are_whole(numbers: Any, most: int) -> bool:
    """Whether something is a list of whole numbers from 0 to the largest."""
    return isinstance(numbers, list) and all(type(number) is int and 0 <= number <= most for number in numbers)


def _company(neighbours: Any, count: int) -> tuple[list[list[str]], list[list[str]]] | None:
    if neighbours is None:
        return None
    try:
        before, after = ([entry[key] for entry in neighbours] for key in ("before", "after"))
    except (TypeError, KeyError) as error:
        raise NumbersError("neighbours is not what a stored run has") from error
    for words in (*before, *after):
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise NumbersError("neighbours is not what a stored run has")
    if len(before) != count:
        raise NumbersError("neighbours has one entry for each token")
    return before, after


def _check_cosines(neighbours: Any, trace: VariantTrace) -> None:
    """Refuse a cosine that is not that of a word's value and context."""
    products = (trace.values * trace.context).sum(axis=1)
    lengths = np.linalg.norm(trace.values, axis=1) * np.linalg.norm(trace.context, axis=1)
    computed = np.divide(products, lengths, out=np.zeros(len(products)), where=lengths > 0)
    for row, (entry, cosine) in enumerate(zip(neighbours, computed, strict=True), start=1):
        if abs(read_number(f"neighbours, row {row}: cosine", entry.get("cosine")) - cosine) > NEAR:
            raise NumbersError(f"neighbours, row {row}: cosine is not that of its value and its context vector")


def _info(name: str, content: Mapping[str, Any]) -> ModelInfo:
    """Say which model a stored run was of."""
    model = content.get("model")
    was = model.get("name") if isinstance(model, dict) else model
    said = model if isinstance(model, dict) else content  # in JSON beside the name, in .npz keys of their own
    family, told = said.get("family", ""), {key: said[key] for key in _COUNTS if key in said}
    is_known = isinstance(was, str) and isinstance(family, str) and len(family) < LONGEST_FAMILY
    if not is_known or not all(isinstance(count, int) and 0 <= count < MOST_HEADS for count in told.values()):
        raise NumbersError("its model is not what a stored run has")
    layer, head = told.get("layer", 0), told.get("head", 0)
    layers, heads = told.get("layers", layer + 1), told.get("heads", head + 1)
    kv_heads = told.get("kv_heads", heads)
    if not (layer < layers and head < heads and kv_heads and heads % kv_heads == 0):
        raise NumbersError(f"its model has {layers} layers and {heads} heads, and says layer {layer}, head {head}")
    return ModelInfo(
        name,
        "trace",
        f"A stored run of the model {was}.",
        layer,
        head,
        layers=layers,
        heads=heads,
        kv_heads=kv_heads if kv_heads < heads else 0,
        family=family,
    )
