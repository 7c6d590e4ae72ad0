"""A stack of transformer layers, run with the same `attend` that the lesson shows, one head after another.

A family's own file says where its parameters lie in the checkpoint and in which order a layer does its work; what all
families share is here: an affine map, the normalization of a layer, the activations, and a layer's heads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import pi, sqrt
from typing import TYPE_CHECKING, Protocol

import numpy as np

from attnexplain.attention import AttentionTrace, Head, attend, causal_mask
from attnexplain.errors import CheckpointError, NumbersError, TextError
from attnexplain.models.checkpoint.tensors import STORED

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.config import Config
    from attnexplain.models.checkpoint.tensors import Tensors


@dataclass(frozen=True)
class Entry:
    """Where a parameter lies in the file."""

    name: str
    """With {layer} where the number of the layer stands."""
    shape: tuple[str, ...]
    """In the file, in the keys of config.json: ("hidden_size", "3 * hidden_size")."""
    transposed: bool = False
    """Whether the file holds (out, in), as torch's Linear does; the formulas want (in, out)."""
    other_names: tuple[str, ...] = ()
    """What older files call it."""


@dataclass(frozen=True)
class Sizes:
    """What config.json says, under one name for all families."""

    layers: int
    heads: int
    d_model: int
    positions: int
    """The most tokens that the model can tell apart by their places."""
    epsilon: float
    activation: str
    causal: bool
    named: Mapping[str, int]
    """The sizes that shapes are made of, by their keys in config.json."""
    scale: float | None = None
    """What scores are divided by; None for √d_k."""
    scale_grows: bool = False
    """Whether it is multiplied by the number of the layer, counted from 1."""
    padding: int = 0
    """The number of the padding token."""


class Family(Protocol):
    """One layout of checkpoints. Each is a module with these names."""

    @property
    def NAMES(self) -> Mapping[str, Entry]:  # noqa: N802 - a module's constant
        """By role; those with {layer} in their name exist once in each layer."""
        ...

    @property
    def PREFIXES(self) -> Sequence[str]:  # noqa: N802
        """What may stand before all names, where the checkpoint is of a larger model."""
        ...

    @property
    def LAYER_KEY(self) -> str:  # noqa: N802
        """The key of config.json that counts the layers."""
        ...

    @property
    def ENTERS(self) -> str:  # noqa: N802
        """What enters the attention of a layer, for the reader."""
        ...

    def sizes(self, config: Config) -> Sizes:
        """Read what config.json says."""
        ...

    def first_states(self, parameters: Parameters, ids: Sequence[int]) -> Array:
        """Make the hidden states that enter layer 0, (n, d_model)."""
        ...

    def attention_input(self, parameters: Parameters, layer: int, states: Array) -> Array:
        """Make what the attention of a layer reads of the hidden states that enter the layer, (n, d_model)."""
        ...

    def heads(self, parameters: Parameters, layer: int) -> list[Head]:
        """Cut the parameter matrices of a layer into its heads."""
        ...

    def next_states(self, parameters: Parameters, layer: int, states: Array, contexts: Array) -> Array:
        """Make the hidden states that leave a layer of those that enter it and the contexts of its heads."""
        ...


class Parameters:
    """The parameters of a checkpoint by their roles, in the orientation of the formulas: (in, out).

    Raises:
        CheckpointError: names, shapes and config.json contradict each other.
    """

    def __init__(self, family: Family, sizes: Sizes, tensors: Tensors) -> None:
        self.family = family
        self.sizes = sizes
        self.tensors = tensors
        first = next(iter(family.NAMES.values())).name
        self._prefix = _prefix(family, first, tensors)
        for role, entry in family.NAMES.items():
            for layer in range(sizes.layers) if "{layer}" in entry.name else (0,):
                self._check(entry, self._name(role, layer))
        one_more = self._written(
            next(entry for entry in family.NAMES.values() if "{layer}" in entry.name), sizes.layers
        )
        if one_more in tensors:
            raise CheckpointError(
                f"config.json says {family.LAYER_KEY} = {sizes.layers}, and the tensors have more: {one_more}"
            )

    def __call__(self, role: str, layer: int = 0, rows: Sequence[int] | None = None) -> Array:
        """Return a parameter, or some rows of it, as float32."""
        entry = self.family.NAMES[role]
        numbers = self.tensors[self._name(role, layer)].numbers(rows)
        return numbers.T if entry.transposed else numbers

    def culprit(self, layer: int | None) -> str | None:
        """Name the first tensor of a layer (None: of the embeddings) that holds a number that is not finite."""
        for role, entry in self.family.NAMES.items():
            if ("{layer}" in entry.name) == (layer is not None):
                name = self._name(role, layer or 0)
                if not np.isfinite(self.tensors[name].numbers()).all():
                    return name
        return None

    def _written(self, entry: Entry, layer: int) -> str:
        return self._prefix + entry.name.format(layer=layer)

    def _name(self, role: str, layer: int) -> str:
        entry = self.family.NAMES[role]
        names = [self._prefix + name.format(layer=layer) for name in (entry.name, *entry.other_names)]
        return next((name for name in names if name in self.tensors), names[0])

    def _check(self, entry: Entry, name: str) -> None:
        if name not in self.tensors:
            raise CheckpointError(
                f"the tensor {name} is missing, and config.json says {self.family.LAYER_KEY} = {self.sizes.layers}"
            )
        tensor = self.tensors[name]
        expected = tuple(_size(expression, self.sizes.named) for expression in entry.shape)
        if tensor.shape != expected:
            keys = {factor for expression in entry.shape for factor in expression.split(" * ") if not factor.isdigit()}
            said = ", ".join(f"{key} = {self.sizes.named[key]}" for key in sorted(keys))
            raise CheckpointError(
                f"the tensor {name} has the shape {tensor.shape}; config.json says {said}, which makes it {expected}"
            )
        if tensor.stored not in STORED:
            raise CheckpointError(
                f"the tensor {name} is stored as {tensor.stored}; {', '.join(STORED)} are read",
                hint="quantized checkpoints are not; take the original one",
            )


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


# What layers are made of


def affine(x: Array, matrix: Array, bias: Array) -> Array:
    """Multiply with a matrix, and add a bias."""
    product: Array = x @ matrix + bias  # [n, in] @ [in, out] -> [n, out]
    return product


def layer_norm(x: Array, gain: Array, bias: Array, epsilon: float) -> Array:
    """Give each row mean 0 and variance 1, then stretch and shift its places (Ba et al. 2016, arXiv:1607.06450)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.mean(centred * centred, axis=-1, keepdims=True)
    normal: Array = centred / np.sqrt(variance + epsilon) * gain + bias
    return normal


def next_states_of_post_norm(parameters: Parameters, layer: int, states: Array, contexts: Array) -> Array:
    """Finish a layer that normalizes after each half, as the first transformers did (Vaswani et al. 2017, 3.1)."""
    p, epsilon = parameters, parameters.sizes.epsilon
    found = affine(contexts, p("w_o", layer), p("b_o", layer))
    attended = layer_norm(states + found, p("attention_gain", layer), p("attention_shift", layer), epsilon)
    inner = ACTIVATIONS[p.sizes.activation](affine(attended, p("w_in", layer), p("b_in", layer)))
    outer = attended + affine(inner, p("w_out", layer), p("b_out", layer))
    return layer_norm(outer, p("output_gain", layer), p("output_shift", layer), epsilon)


def heads_of(matrices: Sequence[Array], biases: Sequence[Array], count: int) -> list[Head]:
    """Cut the matrices W_q, W_k, W_v (d_model, d_model) and their biases into heads, by columns."""
    cut = [np.split(matrix, count, axis=-1) for matrix in (*matrices, *biases)]
    return [Head(*parts) for parts in zip(*cut, strict=True)]


def check_positions(count: int, positions: int) -> None:
    """Refuse a sentence longer than the positions that the model has learned."""
    if count > positions:
        raise TextError(
            f"the text has {count} tokens, and this model has {positions} positions", hint="shorten the text"
        )


def _prefix(family: Family, first: str, tensors: Tensors) -> str:
    """Find what stands before all names: what the family may have there, or what a training program has put there."""
    for prefix in family.PREFIXES:
        if prefix + first in tensors:
            return prefix
    others = [name.removesuffix(first) for name in tensors if name.endswith("." + first)]
    return others[0] if len(others) == 1 else ""


def _size(expression: str, named: Mapping[str, int]) -> int:
    size = 1
    for factor in expression.split(" * "):
        size *= int(factor) if factor.isdigit() else named[factor]
    return size


# Activations, between the two matrices of a layer's second half


def gelu(x: Array) -> Array:
    """Multiply x by the share of a normal distribution below it: x·Φ(x) (Hendrycks & Gimpel 2016, arXiv:1606.08415)."""
    shares: Array = 0.5 * x * (1 + _erf(x / np.float32(sqrt(2))))
    return shares


def gelu_by_tanh(x: Array) -> Array:
    """Come near to gelu with a tanh, as GPT-2 does (the same paper, section 2)."""
    shares: Array = 0.5 * x * (1 + np.tanh(np.float32(sqrt(2 / pi)) * (x + 0.044715 * x * x * x)))
    return shares


def _erf(x: Array) -> Array:
    """Compute the error function to 1.5e-7 (Abramowitz & Stegun 1964, formula 7.1.26)."""
    distance = np.abs(x)
    t = 1 / (1 + 0.3275911 * distance)
    polynomial = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    value: Array = np.copysign(1 - polynomial * np.exp(-distance * distance), x)
    return value


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))  # e^-x may overflow to infinity, whose inverse is 0, as it should be


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "gelu": gelu,
    "gelu_python": gelu,
    "gelu_new": gelu_by_tanh,
    "gelu_fast": gelu_by_tanh,
    "gelu_pytorch_tanh": gelu_by_tanh,
    "quick_gelu": lambda x: x * _sigmoid(1.702 * x),
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x * _sigmoid(x),
    "swish": lambda x: x * _sigmoid(x),
    "tanh": np.tanh,
}


def known_activation(name: str, key: str) -> str:
    """Return the name of an activation that is known.

    Raises:
        CheckpointError: it is not.
    """
    if name not in ACTIVATIONS:
        raise CheckpointError(f"config.json: {key} = {name!r} is not known; these are: {', '.join(ACTIVATIONS)}")
    return name
