"""Many heads of a model at once: which of them are asked for, and one pass through the layers that have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

from attnexplain.arguments import check_flag, check_model, check_numbers, check_text, check_whole
from attnexplain.errors import CommandError
from attnexplain.models import Model, load_model, numbered
from attnexplain.models.weights_file import AttentionWeights
from attnexplain.tokens import MOST_TOKENS, Tokens
from attnexplain.variants import VariantTrace

MEAN = "mean"
"""What is asked for in place of numbers, where the mean over all is wanted."""
Which: TypeAlias = Sequence[int] | str | None
"""Numbers of layers or heads, of which -1 is the last; "all" or None for all; "mean" for the mean over all."""


@runtime_checkable
class ManyHeads(Protocol):
    """A model that can run all of its heads."""

    def every_head(self, tokens: Tokens) -> Iterator[tuple[int, int, VariantTrace]]:
        """Yield each layer, head and trace."""
        ...


class Chosen(NamedTuple):
    """Which layers and heads are asked for."""

    layers: tuple[int, ...]
    """Their numbers, in the order in which they are wanted."""
    heads: tuple[int, ...]
    of_layers: bool
    """Whether the mean over these layers is wanted, and not each of them."""
    of_heads: bool

    @property
    def rows(self) -> tuple[int | None, ...]:
        """The layers that a result has; None alone for the mean over them."""
        return (None,) if self.of_layers else self.layers

    @property
    def columns(self) -> tuple[int | None, ...]:
        """The heads that each row of a result has; None alone for the mean over them."""
        return (None,) if self.of_heads else self.heads

    @property
    def parts(self) -> int:
        """How many heads have one place of the result together."""
        return (len(self.layers) if self.of_layers else 1) * (len(self.heads) if self.of_heads else 1)

    def place(self, layer: int, head: int) -> tuple[int, int]:
        """Return the row and the column of the result that a head belongs to."""
        row = 0 if self.of_layers else self.layers.index(layer)
        return row, 0 if self.of_heads else self.heads.index(head)


class Opened(NamedTuple):
    """A model of many heads, and what it is to run on."""

    model: Model
    sentence: str
    tokens: Tokens
    chosen: Chosen

    def traces(self, tokens: Tokens | None = None) -> Iterator[tuple[int, int, VariantTrace]]:
        """Run the layers, up to the last that is asked for, and yield each layer, head and trace of those asked for.

        Args:
            tokens: others than those of the sentence.
        """
        assert isinstance(self.model, ManyHeads)  # noqa: S101 - it was opened as one
        last, layers, heads = max(self.chosen.layers), set(self.chosen.layers), set(self.chosen.heads)
        for layer, head, trace in self.model.every_head(self.tokens if tokens is None else tokens):
            if layer > last:
                return
            if layer in layers and head in heads:
                yield layer, head, trace


def open_all(
    sentence: str,
    model: str | PathLike[str] | Model,
    *,
    layers: Which,
    heads: Which,
    max_tokens: int,
    pair: str | None,
    truncate: bool,
) -> Opened:
    """Open a model of many heads, and split the sentence as it does.

    Raises:
        AttnExplainError: what is wrong, in one line.
        TypeError: an argument of the wrong type.
    """
    check_text("sentence", sentence)
    check_text("pair", pair, optional=True)
    check_flag("truncate", truncate)
    check_whole("max_tokens", max_tokens, 1, MOST_TOKENS)
    source = load_model(model) if isinstance(model, str | PathLike) else model
    if isinstance(source, AttentionWeights):
        raise source.refusal()
    check_model(source)
    if not isinstance(source, ManyHeads):
        raise CommandError(
            f"{source.info.name} has one head, and no others",
            hint="choose a model of several heads: tiny, or a checkpoint such as --model minilm",
        )
    chosen = Chosen(
        chosen_of("layer", layers, source.info.layers, source.info.name),
        chosen_of("head", heads, source.info.heads, source.info.name),
        of_layers=isinstance(layers, str) and layers == MEAN,
        of_heads=isinstance(heads, str) and heads == MEAN,
    )
    text, tokens = source.read(sentence, (), max_tokens, pair=pair, truncate=truncate)
    return Opened(source, text, tokens, chosen)


def chosen_of(what: str, asked: Which, count: int, name: str) -> tuple[int, ...]:
    """Read which layers or heads are asked for: all for None, "all" and "mean"; -1 is the last.

    >>> chosen_of("layer", [0, -1], 6, "minilm")
    (0, 5)

    Raises:
        CommandError: there is no such layer or head, or one is asked for twice.
    """
    if asked is None or (isinstance(asked, str) and asked in (MEAN, "all")):
        return tuple(range(count))
    numbers = check_numbers(f"{what}s", asked)
    found = tuple(numbered(what, number, count, name) for number in numbers)
    if len(set(found)) < len(found) or not found:
        raise CommandError(f"{what}s={list(numbers)}: each is wanted once, and one at least")
    return found
