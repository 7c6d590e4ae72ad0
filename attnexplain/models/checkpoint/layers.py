"""What layers are made of: norms, halves and activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from attnexplain.errors import CheckpointError
from attnexplain.variants import Norm

if TYPE_CHECKING:
    from attnexplain.attention import Array
    from attnexplain.models.checkpoint.layout import Parameters


def layer_norm(x: Array, gain: Array, shift: Array | float, epsilon: float) -> Array:
    """Give each row mean 0 and variance 1, then stretch and shift its places (Ba et al. 2016, arXiv:1607.06450)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.mean(centred * centred, axis=-1, keepdims=True)
    normal: Array = centred / np.sqrt(variance + epsilon) * gain + shift
    return normal


def normalized(parameters: Parameters, role: str, layer: int, x: Array) -> Array:
    """Normalize rows as the model does, with its gain and shift of this role; as they are where it has none."""
    p, sizes = parameters, parameters.sizes
    if not p.has(f"{role}_gain", layer):
        return x
    gain = p.gain(f"{role}_gain", layer)
    if sizes.norm == "layer":
        shift: Array | float = p(f"{role}_shift", layer) if f"{role}_shift" in p else 0.0
        return layer_norm(x, gain, shift, sizes.epsilon)
    return Norm(gain, sizes.epsilon)(x)


# The second half of a layer


def second_half(parameters: Parameters, layer: int, x: Array) -> Array:
    """Pass rows through two matrices with an activation between them, or through three where one is a gate.

    A gate: activation(x·W_gate) times x·W_up, place by place (Shazeer 2020, "GLU Variants Improve Transformer",
    arXiv:2002.05202).
    """
    p = parameters
    if p.family.second_half is not None:
        return p.family.second_half(p, layer, x)
    act = ACTIVATIONS[p.sizes.activation]
    if "w_gate_up" in p:
        gate, up = np.split(p.product(x, "w_gate_up", "b_gate_up", layer), 2, axis=-1)
        inner: Array = act(gate) * up
    elif "w_gate" in p:
        inner = act(p.product(x, "w_gate", "b_gate", layer)) * p.product(x, "w_up", "b_up", layer)
    else:
        inner = act(p.product(x, "w_in", "b_in", layer))
    return p.product(inner, "w_out", "b_out", layer)


def next_states_of_post_norm(parameters: Parameters, layer: int, states: Array, contexts: Array) -> Array:
    """Finish a layer that normalizes after each half, as the first transformers did (Vaswani et al. 2017, 3.1)."""
    p = parameters
    attended = normalized(p, "attention", layer, states + p.product(contexts, "w_o", "b_o", layer))
    return normalized(p, "output", layer, attended + second_half(p, layer, attended))


def attention_input_of_pre_norm(parameters: Parameters, layer: int, states: Array) -> Array:
    """Attention reads the hidden states normalized, where the model has a norm before it."""
    return normalized(parameters, "before_attention", layer, states)


def next_states_of_pre_norm(parameters: Parameters, layer: int, states: Array, contexts: Array) -> Array:
    """Add to the hidden states what attention found, and then what the second half makes of it.

    Each half may have a norm before it, behind it, or both; and the second may read what enters the layer, beside the
    first.
    """
    p = parameters
    found = normalized(p, "behind_attention", layer, p.product(contexts, "w_o", "b_o", layer))
    attended: Array = states + found
    reads = states if p.sizes.is_parallel else attended
    second = second_half(p, layer, normalized(p, "before_second", layer, reads))
    return attended + normalized(p, "behind_second", layer, second)


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


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + e^-x), place by place."""
    return 1 / (1 + np.exp(-x))  # e^-x may overflow to infinity, whose inverse is 0, as it should be


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "gelu": gelu,
    "gelu_python": gelu,
    "gelu_new": gelu_by_tanh,
    "gelu_fast": gelu_by_tanh,
    "gelu_pytorch_tanh": gelu_by_tanh,
    "quick_gelu": lambda x: x * sigmoid(1.702 * x),
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x * sigmoid(x),
    "swish": lambda x: x * sigmoid(x),
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
