"""A stored run: what `--json` and `-o FILE.npz` wrote, drawn again.

It has everything that its lesson needs, and is computed again from its queries, keys and values (from its embeddings
and parameter matrices, where those were stored too).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.errors import CommandError, NumbersError
from attnexplain.models.model import Embedded, ModelInfo
from attnexplain.models.values import (
    check_complete,
    read_flag,
    read_given,
    read_head,
    read_matrix,
    read_number,
    read_text,
    read_texts,
)
from attnexplain.tokens import Tokens

if TYPE_CHECKING:
    from attnexplain.attention import Array, Head

SCHEMA = "attnexplain/1"


@dataclass(frozen=True, eq=False)
class Stored:
    """A run that is drawn again."""

    info: ModelInfo
    example: str
    """Its sentence."""
    tokens: Tokens
    head: Head | None
    given: tuple[Array, Array, Array] | None
    """Queries, keys and values, where there are no parameter matrices."""
    values: Array
    embedded: Embedded
    company: tuple[list[list[str]], list[list[str]]] | None
    """The neighbours of each word's value and context."""
    scale: float | None
    causal: bool

    def tokenize(self, sentence: str, phrases: Sequence[str], max_tokens: int) -> Tokens:
        """Return the tokens of the run."""
        if phrases:
            raise CommandError("--phrase joins words of a sentence; a stored run has its tokens already")
        return self.tokens

    def embed(self, tokens: Tokens) -> Embedded:
        """Return the embeddings of the run."""
        return self.embedded

    def neighbours(self, vectors: Array, count: int, own: Sequence[str]) -> list[list[str]] | None:
        """Return those that were stored, of the values or of the context vectors."""
        if self.company is None:
            return None
        return self.company[0] if np.allclose(vectors, self.values) else self.company[1]


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
    given = read_given({key: content[key] for key in ("queries", "keys", "values") if key in content})
    if given is None:
        raise NumbersError("queries, keys and values are missing", hint="store a run without --step")
    check_complete(words, (), None, None, given)
    embeddings, head = _beginning(content, len(words))
    settings = content.get("settings", content)  # in .npz they stand beside the arrays
    if not isinstance(settings, dict):
        raise NumbersError("settings is not what a stored run has")
    company = _company(content.get("neighbours"), len(words))
    little = tuple(not before for before in company[0]) if company is not None else (False,) * len(words)
    vectors = embeddings if embeddings is not None else np.zeros((len(words), 0))
    special = _special(content.get("special", []), len(words))
    made = content.get("made", [""] * len(words))
    if not isinstance(made, list) or len(made) != len(words) or not all(isinstance(how, str) for how in made):
        raise NumbersError("made has one text for each token")
    return Stored(
        _info(name, content), sentence, Tokens(words, special=special, shown=words if special else ()),
        head, None if head is not None else given, given[2], Embedded(vectors, tuple(made), little), company,
        read_number("scale", settings.get("scale")), read_flag("causal", settings, default=False),
    )  # fmt: skip


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


def _info(name: str, content: Mapping[str, Any]) -> ModelInfo:
    """Say which model a stored run was of."""
    model = content.get("model")
    was = model.get("name") if isinstance(model, dict) else model
    layer, head = (
        (model if isinstance(model, dict) else content).get(key, 0) for key in ("layer", "head")
    )  # in JSON beside the name, in .npz a key of its own
    if not isinstance(was, str) or not all(isinstance(n, int) and 0 <= n < 1000 for n in (layer, head)):
        raise NumbersError("its model is not what a stored run has")
    return ModelInfo(name, "trace", f"A stored run of the model {was}.", layer, head)
