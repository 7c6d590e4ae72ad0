"""A stack of layers at work on a sentence, run through the same four steps that the lesson shows, head by head."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from attnexplain.errors import CheckpointError, NumbersError
from attnexplain.variants import Norm, Variant, VariantTrace, attend_given, distance_buckets, mean_squares, visible_mask

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.layout import Letter, Parameters
    from attnexplain.tokens import Tokens


class Layer:
    """One layer at work on a sentence.

    Args:
        number: of the layer, counted from 0.
        entering: the hidden states that enter it, (n, d_model).
        parameters: of the whole checkpoint.

    Raises:
        NumbersError: what its attention reads is not finite.
    """

    def __init__(self, number: int, entering: Array, parameters: Parameters) -> None:
        self.number = number
        self._entering = entering
        self.states = _finite(parameters.family.attention_input(parameters, number, entering))
        """What its attention reads, (n, d_model)."""
        self.parameters = parameters
        self._contexts: list[Array] = []

    @cached_property
    def projected(self) -> Mapping[Letter, Array]:
        """Queries, keys and values of all heads, each matrix multiplied once: (heads, n, d_k)."""
        with np.errstate(all="ignore"):
            return self.parameters.project(self.number, self.states)

    def variant(self, head: int) -> Variant:
        """Say what one head adds to the four steps."""
        own = self._beside_vectors(head)
        sharing = self.parameters.sizes.sharing
        return replace(
            own,
            query_norm=self._norm("query", head),
            key_norm=self._norm("key", head // sharing),
            rotation=self.parameters.sizes.rotation_of(self.number),
        )

    def traces(self) -> Iterator[VariantTrace]:
        """Run the four steps of one head after another; of a long text all at once would fill the memory."""
        sizes, vectors = self.parameters.sizes, self.projected
        mask = visible_mask(len(self.states), causal=sizes.causal, window=sizes.window_of(self.number))
        with np.errstate(all="ignore"):  # the four steps refuse what is not finite
            entering = Variant(self._norm("query"), self._norm("key"), sizes.rotation_of(self.number))
            queries, keys = entering.entering_queries(vectors["q"]), entering.entering_keys(vectors["k"])
        scale = sizes.scale_of(self.number)
        self._contexts = []
        for head in range(sizes.heads):
            shared = head // sizes.sharing
            given = queries[head], keys[shared], vectors["v"][shared]
            trace = attend_given(*given, scale=scale, mask=mask, variant=self._beside_vectors(head))
            self._contexts.append(trace.context)
            yield replace(trace, embeddings=self.states)

    def contexts(self) -> Array:
        """Put the context vectors of all heads side by side, (n, heads * d_v), as far as need be computed now."""
        if len(self._contexts) < self.parameters.sizes.heads:
            deque(self.traces(), maxlen=0)
        return np.hstack(self._contexts)  # h × [n, d_v] -> [n, h * d_v]

    def leaving(self) -> Array:
        """Finish the layer: the hidden states that leave it, (n, d_model)."""
        p = self.parameters
        with np.errstate(all="ignore"):
            return p.family.next_states(p, self.number, self._entering, self.contexts())

    def _beside_vectors(self, head: int) -> Variant:
        """Say what a head adds behind the scores."""
        p, sizes = self.parameters, self.parameters.sizes
        return Variant(
            softcap=sizes.softcap,
            bias=None if self._biases is None else self._biases[:, :, head].astype(np.float64),
            window=sizes.window_of(self.number),
            sink=float(p("sinks", self.number)[head]) if "sinks" in p else None,
        )

    @cached_property
    def _biases(self) -> Array | None:
        """What the distance of two words adds in each head, (n, n, heads); None where nothing does."""
        if "distance_bias" not in self.parameters:
            return None
        biases: Array = self.parameters("distance_bias")[distance_buckets(len(self.states))]
        return biases

    def _norm(self, which: Literal["query", "key"], head: int | None = None) -> Norm | None:
        """Return the norm of queries or keys: of one head in float64, else of all heads."""
        p, sizes, role = self.parameters, self.parameters.sizes, f"{which}_gain"
        if role not in p:
            return None
        gain, squares = p.gain(role, self.number), None
        if sizes.norms_all_heads:
            gain = gain.reshape(-1, 1, sizes.d_k)  # [heads, 1, d_k]
            squares = mean_squares(self.projected["q" if which == "query" else "k"]).mean(
                axis=0
            )  # [heads, n, d_k] -> [n]
        if head is not None:
            gain = (gain[head, 0] if sizes.norms_all_heads else gain).astype(np.float64)
            squares = None if squares is None else squares.astype(np.float64)
        if not (np.isfinite(gain).all() and (squares is None or np.isfinite(squares).all())):
            raise NumbersError(f"the norm of the {which} vectors is not finite")
        return Norm(gain, sizes.epsilon, squares, over_all_heads=sizes.norms_all_heads)


def run_layers(parameters: Parameters, tokens: Tokens, last: int) -> Iterator[Layer]:
    """Run the layers 0 to `last` on tokens, and yield each before what follows it is computed.

    Raises:
        CheckpointError: a parameter is not finite, or the numbers overflow.
    """
    family, layer = parameters.family, None
    try:
        # What is not finite is refused with the name of its tensor. No such setting is open while somebody else works.
        with np.errstate(all="ignore"):
            states = family.first_states(parameters, tokens.ids or (), tokens.segments)
        for layer in range(last + 1):
            with np.errstate(all="ignore"):
                work = Layer(layer, states, parameters)
            yield work
            if layer < last:
                states = work.leaving()
            parameters.tensors.let_go()
    except NumbersError as error:
        raise broken(parameters, layer, error) from error


class KeptRun:
    """The layers of a model at work on the last tokens, each computed once.

    Args:
        parameters: of the whole checkpoint.
        on_layer: is told the number of each layer before it is computed.
    """

    def __init__(self, parameters: Parameters, on_layer: Callable[[int], None]) -> None:
        self._parameters = parameters
        self._on_layer = on_layer
        self._tokens: Tokens | None = None
        self._layers: list[Layer] = []
        self._rest: Iterator[Layer] = iter(())

    def layer(self, tokens: Tokens, number: int) -> Layer:
        """Return a layer at work on some tokens, and compute those before it that are not there yet."""
        if self._tokens is None or (self._tokens.ids, self._tokens.segments) != (tokens.ids, tokens.segments):
            self._tokens, self._layers = tokens, []
            self._rest = run_layers(self._parameters, tokens, self._parameters.sizes.layers - 1)
        while len(self._layers) <= number:
            self._on_layer(len(self._layers))
            try:
                self._layers.append(next(self._rest))
            except BaseException:
                self._tokens = None  # what failed is begun anew, if it is asked for again
                raise
        return self._layers[number]


def _finite(states: Array) -> Array:
    if not np.isfinite(states).all():
        raise NumbersError("the numbers grow too large to multiply, or are not finite")
    return states


def broken(parameters: Parameters, layer: int | None, error: NumbersError) -> CheckpointError:
    """Name the tensor that makes numbers which are not finite: in the layer, or in what came before it."""
    for place in (None, *range(layer + 1)) if layer is not None else (None,):
        if (name := parameters.culprit(place)) is not None:
            return CheckpointError(f"the tensor {name} holds a number that is not finite (NaN or infinite)")
    return CheckpointError(f"layer {layer}: {error.message}")
