"""The attention weights of every head of a model, in one pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.errors import CommandError, DataError
from attnexplain.facts import DEFAULT_MODEL
from attnexplain.many_heads import Which, open_all
from attnexplain.models import Model, ModelInfo, load_model
from attnexplain.models.weights_file import AttentionWeights
from attnexplain.tokens import MAX_TOKENS, Tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Weights = NDArray[np.float32]

MOST_BYTES = 1 << 30
"""The largest result, as float32."""


@dataclass(frozen=True, eq=False, repr=False)
class HeadWeights:
    """The attention weights of many heads on one sentence, and what they belong to.

    >>> explain_all("the dog bites the man").weights.shape  # one layer of three heads, five words
    (1, 3, 5, 5)
    """

    sentence: str
    found: Tokens
    """The n tokens, with all that is known of them."""
    model: ModelInfo
    layers: tuple[int, ...]
    """The numbers of the layers, in order; empty for the mean over them."""
    heads: tuple[int, ...]
    """The numbers of the heads of each; empty for the mean over them."""
    weights: Weights
    """(layers, heads, n, n), float32: rows are queries, columns are keys. A mean over layers or heads counts as one."""
    causal: bool
    """Whether each token sees only itself and those before it."""
    windows: tuple[int | None, ...] = ()
    """For each of the layers how many tokens, itself too, a token sees on each side that it sees at all."""

    sinks: Weights | None = None
    """(layers, heads, n): what a learned sink takes of each row, which adds up to 1 with it; None without one."""

    def __repr__(self) -> str:
        return f"HeadWeights({self.sentence!r:.60}, {self.weights.shape}, {self.model.name})"

    @property
    def tokens(self) -> tuple[str, ...]:
        """The texts of the tokens."""
        return self.found.texts

    @property
    def ids(self) -> tuple[int, ...] | None:
        """The numbers of the tokens in the model's vocabulary; None without one."""
        return self.found.ids

    @property
    def spans(self) -> tuple[tuple[int, int], ...] | None:
        """Where each token begins and ends in the sentence, in characters."""
        return self.found.spans

    @property
    def special(self) -> tuple[bool, ...]:
        """For each token, whether it stands for no word: [CLS], <|endoftext|>."""
        return self.found.special

    def alone(self) -> AttentionWeights:
        """Return the weights as such, without the queries, keys and values that made them; the first head is chosen."""
        which = [
            f"{what} {numbers[0]}" if numbers else f"the mean over all {count} {what}s"
            for what, numbers, count in (
                ("layer", self.layers, self.model.layers),
                ("head", self.heads, self.model.heads),
            )
        ]
        info = replace(self.model, note=f"These are the weights of {', '.join(which)}.", label=", ".join(which))
        return AttentionWeights(info, self.found, self.weights.astype(np.float64), (0, 0))

    def to_dict(self) -> dict[str, Any]:
        """Return what `--all-heads --json` writes, as plain Python."""
        from attnexplain.render.json import heads_to_dict

        return heads_to_dict(self)

    def save(self, path: str | PathLike[str]) -> None:
        """Write a .json or .npz file, which is replaced where it exists; `--model FILE` reads it back.

        Raises:
            CommandError: the ending is another.
            OSError: the file cannot be written.
        """
        from attnexplain.render.json import render_heads
        from attnexplain.render.npz import heads_npz

        ending = Path(path).suffix.lower()
        if ending not in (".json", ".npz"):
            raise CommandError(f"{fspath(path)[-40:]!r}: the weights of many heads are written as .json or .npz")
        Path(path).write_bytes(heads_npz(self) if ending == ".npz" else render_heads(self).encode())


def explain_all(
    sentence: str,
    *,
    model: str | PathLike[str] | Model = DEFAULT_MODEL,
    layers: Which = None,
    heads: Which = None,
    max_tokens: int = MAX_TOKENS,
    pair: str | None = None,
    truncate: bool = False,
) -> HeadWeights:
    """Compute the attention weights of every head of a model in one pass through its layers.

    Args:
        sentence: any text.
        model: a name or a path that `load_model` knows, or a model; of a model that is loaded all heads are run.
        layers: which layers, counted from 0, or from the last: -1; all unless given; "mean" for the mean over them.
        heads: which heads of each, in the same way.
        max_tokens: the longest sentence allowed.
        pair: a second text, for a checkpoint that marks where it begins.
        truncate: cut off what is too long for a checkpoint, as its pipeline does.

    Raises:
        AttnExplainError: what is wrong, in one line.
        TypeError: an argument of the wrong type.
    """
    opened = open_all(sentence, model, layers=layers, heads=heads, max_tokens=max_tokens, pair=pair, truncate=truncate)
    source, chosen, n = opened.model, opened.chosen, len(opened.tokens.texts)
    shape = (len(chosen.rows), len(chosen.columns))
    size = 4 * n * n * shape[0] * shape[1]
    if size > MOST_BYTES:
        raise DataError(
            f"the weights of {shape[0] * shape[1]} heads on {n} tokens take {_in_units(size)}, and "
            f"{_in_units(MOST_BYTES)} are allowed",
            hint="choose layers, or shorten the text",
        )
    weights = np.zeros((*shape, n, n), dtype=np.float32)
    sinks = np.zeros((*shape, n), dtype=np.float32)
    has_sinks = False
    windows: dict[int, int | None] = {}
    for layer, head, trace in opened.traces():
        windows[layer] = trace.variant.window
        place = chosen.place(layer, head)
        weights[place] += trace.weights / chosen.parts
        if trace.sink_shares is not None:
            has_sinks = True
            sinks[place] += trace.sink_shares / chosen.parts
    return HeadWeights(
        opened.sentence,
        opened.tokens,
        source.info,
        () if chosen.of_layers else chosen.layers,
        () if chosen.of_heads else chosen.heads,
        weights,
        source.causal,
        () if chosen.of_layers else tuple(windows[layer] for layer in chosen.layers),
        sinks if has_sinks else None,
    )


@dataclass(frozen=True)
class AllHeads:
    """A function of a sentence that can be pickled, for engines of many processes: each opens the model once.

    >>> AllHeads("tiny", heads="mean")("the dog bites the man").weights.shape
    (1, 1, 5, 5)

    Args and errors are those of `explain_all`.
    """

    model: str | PathLike[str] = DEFAULT_MODEL
    layers: Which = None
    heads: Which = None
    max_tokens: int = MAX_TOKENS
    truncate: bool = False

    def __call__(self, sentence: str) -> HeadWeights:
        """Compute the attention weights of every head."""
        return explain_all(
            sentence,
            model=_opened(fspath(self.model)),
            layers=self.layers,
            heads=self.heads,
            max_tokens=self.max_tokens,
            truncate=self.truncate,
        )


@lru_cache(maxsize=4)
def _opened(source: str) -> Model:
    """Open a model once in a process."""
    model = load_model(source)
    if isinstance(model, AttentionWeights):
        raise model.refusal()
    return model


def _in_units(size: int) -> str:
    """Write a number of bytes.

    >>> _in_units(1 << 30)
    '1.0 GiB'
    """
    return f"{size / (1 << 30):.1f} GiB" if size >= 1 << 27 else f"{size:,} bytes"
