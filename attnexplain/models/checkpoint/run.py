"""A stack of layers at work on a sentence, run with the same `attend` that the lesson shows, one head after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.attention import AttentionTrace, attend, causal_mask
from attnexplain.errors import CheckpointError, NumbersError

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.layout import Parameters, Sizes


class Layer:
    """One layer at work on a sentence.

    Args:
        number: of the layer, counted from 0.
        states: what its attention reads, (n, d_model).
        parameters: of the whole checkpoint.
    """

    def __init__(self, number: int, states: Array, parameters: Parameters) -> None:
        self.number = number
        self.states = states
        self.parameters = parameters
        self._contexts: list[Array] = []

    def traces(self) -> Iterator[AttentionTrace]:
        """Run the four steps of one head after another; of a long text all at once would fill the memory."""
        sizes = self.parameters.sizes
        mask = causal_mask(len(self.states)) if sizes.causal else None
        scale = scale_of(sizes, self.number)
        self._contexts = []
        for head in self.parameters.family.heads(self.parameters, self.number):
            trace = attend(self.states, head, scale=scale, mask=mask)
            self._contexts.append(trace.context)
            yield trace

    def contexts(self) -> Array:
        """Put the context vectors of all heads side by side, (n, heads * d_v), as far as need be computed now."""
        if len(self._contexts) < self.parameters.sizes.heads:
            deque(self.traces(), maxlen=0)
        return np.hstack(self._contexts)  # h × [n, d_v] -> [n, h * d_v]


def run_layers(parameters: Parameters, ids: Sequence[int], last: int) -> Iterator[Layer]:
    """Run the layers 0 to `last` on token numbers, and yield each before what follows it is computed.

    Raises:
        CheckpointError: a parameter is not finite, or the numbers overflow.
    """
    family, layer = parameters.family, None
    try:
        with np.errstate(all="ignore"):  # what is not finite is refused with the name of its tensor
            states = family.first_states(parameters, ids)
            for layer in range(last + 1):
                work = Layer(layer, _finite(family.attention_input(parameters, layer, states)), parameters)
                yield work
                if layer < last:
                    states = family.next_states(parameters, layer, states, work.contexts())
                parameters.tensors.let_go()
    except NumbersError as error:
        raise broken(parameters, layer, error) from error


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


def scale_of(sizes: Sizes, layer: int) -> float | None:
    """Return what the scores of a layer are divided by; None for √d_k."""
    if not sizes.scale_grows:
        return sizes.scale
    return (sizes.scale or sqrt(sizes.d_model // sizes.heads)) * (layer + 1)
