"""What layers are made of: an affine map, the normalization, the activations, and a layer's heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.attention import Head
from attnexplain.errors import CheckpointError

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.layout import Parameters


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
