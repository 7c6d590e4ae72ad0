"""Where the parameters of a checkpoint lie: names, shapes and sizes, each of them checked.

A family's own file says what its layers are called and how they are laid out; what all families share is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from attnexplain.errors import CheckpointError, TextError
from attnexplain.models.checkpoint.tensors import STORED

if TYPE_CHECKING:
    from attnexplain.attention import Array, Head
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
